"""Data flows one way, cells -> Trace -> analysis -> figures -> page: nothing on the right is imported on the left."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From left to right; a module may import from its own group and from those before it.
FLOW = (
    "lstm_core.cells lstm_core.ops lstm_core.symbols lstm_core.device lstm_core.text lstm_core.say "
    "lstm_core.kinds lstm_core.names lstm_core.narrow lstm_core.npz "
    "lstm_core.version lstm_core.certificate lstm_core.stored",
    "lstm_core.variant lstm_core.observed lstm_core.scan lstm_core.equations lstm_core.attention lstm_core.parallel"
    " lstm_core.layer lstm_core.torch_source lstm_core.javascript",
    "lstm_core.trace lstm_core.trace_npz lstm_core.share lstm_core.stacked lstm_core.fused "
    "lstm_core.sequences lstm_core.picking"
    " lstm_core.tables lstm_core.shown lstm_core.kept",
    "lstm_core.checked lstm_core.block",
    "lstm_core.network",
    "lstm_core.beyond",
    "lstm_core.files lstm_core.modules",
    "lstm_core.comparing",
    "lstm_core.analysis",
    "lstm_core.watching",
    "lstm_core.survey",
    "lstm_core.drawing",
    "lstm_core.notebook",
    "lstm_core.api",
    "lstm_core",
    "lstm_core.advised",
    "lstm_core.given",
    "lstm_core.cli",
    "lstm_core.__main__",
    "lab.texts lab.corpus lab.machine lab.measures.units",
    "lab.tasks",
    "lab.measures",
    "lab.learning",
    "lab.general lab.recipes",
    "lab.experiments",
    "lab",
    "dashboard.advice",
    "dashboard.language dashboard.figures",
    "dashboard",
    "dashboard.views",
    "dashboard.talk",
    "dashboard.site",
    "dashboard.catalogue dashboard.app dashboard.server",
)
PACKAGES = ("lstm_core", "lab", "dashboard")
GROUP = {name: place for place, names in enumerate(FLOW) for name in names.split()}


def modules() -> list[str]:
    """Every module of the three packages by its dotted name."""
    files = sorted(file for package in PACKAGES for file in ROOT.glob(f"{package}/**/*.py"))
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


MODULES = tuple(modules())
KNOWN = frozenset(MODULES)


def source_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    package = path / "__init__.py"  # a folder without one holds no code
    return package if package.exists() else path.with_suffix(".py")


@cache
def imports(module: str) -> tuple[str, ...]:
    """Names imported anywhere in the module, inside functions as well."""
    return tuple(_imports(source_of(module).read_text(encoding="utf-8"), module))


def _imports(code: str, module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level and node.module, f"{module}: relative import"
            # `from a import b` may name the module a.b.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in KNOWN else node.module for name in names)


def place(module: str) -> int:
    """The group of the longest listed name that holds the module; a new module of the core must be given one. What
    stands in no folder of the lab are its commands."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    if module != "lstm_core" and parts[0] == "lstm_core":
        names.remove("lstm_core")  # its __init__ alone
    listed = next((name for name in names if name in GROUP), None)
    assert listed, f"{module} has no place in FLOW"
    return GROUP[listed]


def pointing_right(module: str) -> list[str]:
    own = [name for name in imports(module) if name.split(".")[0] in PACKAGES]
    return [f"{module} imports {name}, which comes after it" for name in own if place(name) > place(module)]


def mixed(module: str) -> set[str]:
    """Packages that draw, in a module that computes."""
    drawing = {"streamlit", "plotly", "dashboard"} if not module.startswith("dashboard") else set()
    drawing |= {"streamlit"} if module.startswith("dashboard.figures") else set()
    return drawing & {name.split(".")[0] for name in imports(module)}


def test_imports_point_left() -> None:
    assert len(MODULES) > 300
    assert not [line for module in MODULES for line in pointing_right(module)]


def test_what_draws_and_what_computes_stay_apart() -> None:
    assert not [(module, *mixed(module)) for module in MODULES if mixed(module)]


def test_the_check_sees_an_import_that_points_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "scan.py"
    wrong.write_text("def late():\n    from lstm_core import trace\n    import streamlit as st\n")
    monkeypatch.setattr(sys.modules[__name__], "source_of", lambda module: wrong)
    imports.cache_clear()
    assert pointing_right("lstm_core.scan") == ["lstm_core.scan imports lstm_core.trace, which comes after it"]
    assert mixed("lstm_core.scan") == {"streamlit"}
    imports.cache_clear()


def run(code: str) -> str:
    """What a fresh interpreter prints for ``code``."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_a_shipped_model_runs_without_torch() -> None:
    code = (
        "import sys, lstm_core\n"
        "model = lstm_core.load_model('pronouns-lstm')\n"
        "trace = model.run('Mary went home because she', device='cpu')\n"
        "model.next_tokens(trace, -1)\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'torch', 'streamlit', 'plotly', 'pandas'}))"
    )
    assert run(code).strip() == "[]"


def test_the_first_page_is_drawn_without_what_it_does_not_need() -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "at = AppTest.from_file('dashboard/app.py', default_timeout=300).run()\n"
        "assert not at.exception, at.exception\n"
        "heavy = sorted({'torch', 'pandas', 'pyarrow', 'onnx', 'h5py'} & set(sys.modules))\n"
        "print(heavy, any(name.startswith('dashboard.yours') for name in sys.modules))"
    )
    assert run(code).strip().splitlines()[-1] == "[] False"


def when_loaded(module: str) -> set[str]:
    """Modules that are imported while this one is being loaded, not only when something in it runs."""
    tree = ast.parse(source_of(module).read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {name for name in _imports(ast.unparse(ast.Module(top, [])), module) if name in KNOWN} - {module}


def test_every_module_can_be_the_first_that_is_imported() -> None:
    """What needs a module that is still being loaded fails or not by which of them was asked for first."""
    sorter = TopologicalSorter({module: when_loaded(module) for module in MODULES if module.startswith("dashboard")})
    sorter.prepare()  # a cycle is a CycleError that names it
