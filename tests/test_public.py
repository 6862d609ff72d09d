"""What `import lstm_core` offers: these names and no others, each says what it takes, gives and raises; no torch."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lstm_core
from lstm_core import analysis

ROOT = Path(__file__).resolve().parent.parent
NAMES = {
    "AXES", "CELLS", "Ambiguous", "Block", "Cell", "Forced", "Loaded", "Network", "Token", "Tokenizer", "Trace",
    "beside", "check_state", "compare", "list_models", "load", "load_model", "open_survey", "survey", "trace",
    "trace_all", "trace_cell", "trace_chunks", "watch", "watch_callback",
}  # fmt: skip
FUNCTIONS = sorted(name for name in NAMES if inspect.isfunction(getattr(lstm_core, name)))
CLASSES = sorted(name for name in NAMES if inspect.isclass(getattr(lstm_core, name)))


def members(kind: type) -> dict[str, Any]:
    """What a class of ours defines for others to use."""
    found = (name for name in vars(kind) if not name.startswith("_"))
    values = {name: inspect.getattr_static(kind, name) for name in found}
    return {n: v for n, v in values.items() if isinstance(v, property | staticmethod | classmethod) or callable(v)}


def test_the_public_names() -> None:
    assert set(lstm_core.__all__) == NAMES and len(lstm_core.__all__) == len(NAMES)
    assert {name for name in dir(lstm_core) if not name.startswith("__")} == NAMES
    assert dir(lstm_core) == sorted(dir(lstm_core)) and "__version__" in dir(lstm_core)
    starred: dict[str, Any] = {}
    exec("from lstm_core import *", starred)
    assert set(starred) - {"__builtins__"} == NAMES


def test_the_package_says_what_is_public_and_that_the_rest_is_not() -> None:
    said = lstm_core.__doc__ or ""
    assert all(f"``{name}``" in said for name in NAMES) and "``lstm_core.analysis``" in said
    assert "Every other module is internal" in said


def test_the_first_lines_of_the_package_give_what_stands_beside_them() -> None:
    code = [line.strip() for line in (lstm_core.__doc__ or "").splitlines() if line.startswith("    ")]
    names: dict[str, Any] = {"lstm_core": lstm_core}
    exec("\n".join(code[:-2]), names)
    selected, likeliest = (eval(line, names) for line in code[-2:])
    assert selected.shape == (len(names["trace"]), names["model"].hidden_size) and code[-2].endswith("# (time, unit)")
    [(word, chance), *_] = likeliest
    assert code[-1].endswith(f'# [("{word}", {chance:.2f}), ...]')


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_and_what_it_raises(name: str) -> None:
    function = getattr(lstm_core, name)
    said = inspect.getdoc(function) or ""
    for parameter in inspect.signature(function).parameters:
        assert parameter in said, f"{name}: {parameter}"
    if inspect.signature(function).parameters:
        assert "Error" in said, name
    if name in ("trace", "trace_cell", "trace_chunks"):
        assert "(time, batch, input)" in said or "(time, batch, ...)" in said or "as for ``trace``" in said


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_and_all_of_its_members_say_what_they_are(name: str) -> None:
    kind = getattr(lstm_core, name)
    assert inspect.getdoc(kind) and not (kind.__doc__ or "").startswith(f"{name}("), "a docstring that dataclass made"
    for member, value in members(kind).items():
        assert inspect.getdoc(value), f"{name}.{member}"
    for member in ("signals", "inputs", "initial", "lengths", "continued") if name == "Trace" else ():
        assert f"{member}: " in (kind.__doc__ or "")


@pytest.mark.parametrize("name", analysis.__all__)
def test_the_questions_to_a_trace_are_documented(name: str) -> None:
    if name != "PROPERTIES":
        assert inspect.getdoc(getattr(analysis, name)), name


def test_the_axes_and_the_errors_are_what_they_are_called() -> None:
    assert lstm_core.AXES == ("layer", "direction", "time", "batch", "unit")
    assert issubclass(lstm_core.Ambiguous, ValueError)
    formats = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert "lstm_core.Loaded" in formats and "lstm_core.Ambiguous" in formats


def test_nothing_public_imports_what_was_not_asked_for() -> None:
    """Every public name is looked at, and neither torch nor an optional library is there afterwards."""
    code = (
        "import sys, lstm_core, lstm_core.analysis\n"
        "[getattr(lstm_core, name) for name in lstm_core.__all__]\n"
        "heavy = {'torch', 'pandas', 'xarray', 'onnx', 'h5py', 'streamlit', 'plotly', 'pyarrow', 'duckdb', 'ray'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
