"""What is installed: lstm_core and its models by ``pip install .``, and by each requirements file the sets they name.

README's code runs in an environment that holds what its own line before it installs, and nothing else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lstm_core import list_models

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LIGHT, WHOLE, DEV = (ROOT / name for name in ("dashboard/requirements.txt", "requirements.txt", "requirements-dev.txt"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("gatescope-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``environment(extra)``: the Python of an environment as ``pip install ".[extra]"`` leaves it, without a network.

    The packages that the wheel asks for are those of this environment, by links; no other can be imported there.
    """

    @cache
    def make(extra: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=False, symlinks=True)
        python = folder / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        subprocess.run([*pip, "install", "--no-index", "--no-deps", str(wheel)], check=True, capture_output=True)
        [site] = (folder / "lib").glob("python*/site-packages")
        [metadata] = site.glob("gatescope-*.dist-info")
        for package in needed(Distribution.at(metadata), {extra}).values():
            for name in {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}:
                if not (site / name).exists():
                    (site / name).symlink_to(str(package.locate_file(name)))
        subprocess.run([*pip, "check"], check=True, capture_output=True)
        return python

    return make


def needed(package: Distribution, extras: Iterable[str] = ()) -> dict[str, Distribution]:
    """What ``package`` with ``extras`` asks for, and what that asks for, by name, from this environment."""
    found: dict[str, Distribution] = {}
    asked = [(package, set(extras))]
    while asked:
        package, extras = asked.pop()
        for line in package.requires or ():
            one = Requirement(line)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                if (name := one.name.lower().replace("_", "-")) not in found:
                    found[name] = distribution(one.name)
                    asked.append((found[name], one.extras))
    return found


def run(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-I", "-c", code], cwd=python.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_library_and_the_models(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"lstm_core"}
    assert {f"lstm_core/models/{name}.safetensors" for name in list_models()} <= set(names)
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lstm_core").rglob("*") if path.is_file()}
    assert {name for name in own if "__pycache__" not in name} <= set(names)


def test_the_wheel_carries_the_page_and_not_the_lab(wheel: Path) -> None:
    """All of the page but what trains, what draws experiments and what writes a site with them; of the lab the word
    lists that the page reads."""
    page = {name.removeprefix("lstm_core/_page/") for name in zipfile.ZipFile(wheel).namelist() if "/_page/" in name}
    own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "dashboard").rglob("*") if path.is_file()}
    own = {name for name in own if not re.search(r"__pycache__|^dashboard/(static|\.streamlit)/", name)}
    left = {"catalogue", "train", "views/experiments", "figures/experiments"}
    site = {name for name in own if name.startswith("dashboard/site/")}
    assert own - page == site | {f"dashboard/{name}.py" for name in left}
    assert "dashboard/.streamlit/config.toml" in page and not any("/static/" in name for name in page)
    assets = [file for part in ("tours", "surveys") for file in (ROOT / "assets" / part).rglob("*") if file.is_file()]
    assert {file.relative_to(ROOT).as_posix() for file in assets} | {"assets/text/austen.txt.xz"} == {
        name for name in page if name.startswith("assets/")
    }
    lab = {name for name in page if name.startswith("lab/") and name.endswith(".py")}
    tasks = {f"lab/tasks/{name}.py" for name in ("__init__", "english", "chinese", "lexicon")}
    made = {f"lab/general/{name}.py" for name in ("__init__", "made/__init__", "made/words")}
    assert lab == {"lab/__init__.py", "lab/corpus.py"} | tasks | made


def test_the_extra_of_the_page_is_what_its_requirements_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = {Requirement(line).name for line in project["dependencies"]}
    assert set(project["optional-dependencies"]["page"]) == {
        line for line in lines(LIGHT) if Requirement(line).name not in core
    }


PAGES = """
from lstm_core import cli
from streamlit.testing.v1 import AppTest
app = cli.page()
assert "site-packages" in str(app), app
at = AppTest.from_file(str(app), default_timeout=300).run()  # the navigation; it puts the page on the path
assert not at.exception and not at.error, (at.exception, at.error)
from dashboard.figures import meaning
from dashboard.views import discover

for view in discover():
    code = f"import importlib; importlib.import_module({view.__name__!r}).page()"
    at = AppTest.from_string(code, default_timeout=300).run()
    assert not at.exception, at.exception
from dashboard import cache, surveyed
assert surveyed.shipped(cache.model("general-lstm"), 0) is not None
print(len(meaning.words("person").pattern) > 1000, len(discover()))
"""


@pytest.mark.skipif(not os.environ.get("NIGHTLY"), reason="20 s; what the wheel holds is compared file by file")
def test_the_installed_page_is_drawn(environment: Callable[[str], Path]) -> None:
    printed = run(environment("page"), PAGES)
    assert printed.splitlines()[-1] == f"True {len(list((ROOT / 'dashboard' / 'views').glob('[a-z]*.py'))) - 1}"


def test_without_pyarrow_a_survey_says_what_to_install(environment: Callable[[str], Path]) -> None:
    command = str(environment("").parent / "gatescope")
    done = subprocess.run([command, "survey", "pronouns-lstm", "x.txt", "--out", "x"], capture_output=True, text=True)
    message = "a survey is kept with pyarrow, which is not installed: pip install 'gatescope[survey]'"
    assert (done.returncode, done.stderr) == (2, f"gatescope: {message}\n")


def test_the_installed_command_answers(environment: Callable[[str], Path]) -> None:
    command = str(environment("").parent / "gatescope")
    asked = [command, "trace", "pronouns-lstm", "--text", "Mary", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0 and '"cell": "lstm"' in done.stdout, done.stderr
    done = subprocess.run([command], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "gatescope: the page is not installed: pip install 'gatescope[page]'\n"


def test_the_installed_library_is_typed(wheel: Path) -> None:
    """A user's type checker reads the annotations: PEP 561."""
    assert "lstm_core/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_readmes_code_runs_after_readmes_install_line(environment: Callable[[str], Path]) -> None:
    assert re.search(r"```sh\npip install \.\n```\n\n```python\n", README)
    python = environment("")
    assert run(python, "from importlib.util import find_spec as f; print([f(n) for n in ('torch', 'streamlit')])") == (
        "[None, None]\n"
    )
    printed = run(python, f"{CODE[0]}\nprint(lstm_core.__file__)")
    assert "[('he', 0.9" in printed
    assert "environment" in printed.splitlines()[-1], "the wheel's lstm_core ran, not the checkout's"


def test_readmes_code_for_torch_runs_with_the_extra_that_it_names(environment: Callable[[str], Path]) -> None:
    assert 'pip install ".[torch]"' in README.split(CODE[1])[0].split(CODE[0])[1]
    answer = run(environment("torch"), CODE[1])
    found = re.fullmatch(r"h, c everywhere to (.*); i, f, g, o at 2,560 of 2,560 places to (.*) \(20, 32\)\n", answer)
    assert found and all(float(error) < 1e-5 for error in found.groups()), answer


def test_without_torch_a_module_is_answered_with_what_to_install(environment: Callable[[str], Path]) -> None:
    code = """
import lstm_core
check = lambda model, x: lstm_core.check_state(print, [x], model)
for call in (lstm_core.trace, lstm_core.trace_all, lstm_core.watch, check):
    try:
        call(None, 1)
    except ImportError as error:
        print(error)
"""
    sentence = "a PyTorch module is traced with PyTorch, which is not installed: pip install torch\n"
    assert run(environment(""), code) == 4 * sentence


def test_the_installed_library_stands_without_the_lab(environment: Callable[[str], Path]) -> None:
    code = "import lstm_core, importlib.util as u; print(u.find_spec('lab'), lstm_core.list_models() != {})"
    assert run(environment(""), code) == "None True\n"
    users = [path for path in (ROOT / "lstm_core").rglob("*.py") if re.search(r"\blab[.\s]", path.read_text("utf-8"))]
    assert not users, "lstm_core names the lab, which is not installed with it"


def test_what_trains_with_torch_says_so_without_it(environment: Callable[[str], Path], tmp_path: Path) -> None:
    """The lab runs in the checkout, here with the packages of the library alone."""
    python = environment("")

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(python), "-m", "lab", *arguments], cwd=ROOT, capture_output=True, text=True)

    help_ = ask("train", "--help")
    assert help_.returncode == 0 and help_.stdout.startswith("usage: python -m lab train")
    out = ["--out", str(tmp_path)]
    for arguments in (["train", "pronouns-lstm", *out], ["measure", "forget-bias", "--lines", *out]):
        done = ask(*arguments)
        assert done.returncode != 0 and "Traceback" not in done.stderr
        assert re.search(r"which is not installed: pip install torch", done.stderr.splitlines()[-1])


# ---- the requirements


def lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if text := line.partition("#")[0].strip():
            yield text


def names(path: Path) -> list[str]:
    """The packages that a file names itself."""
    return [Requirement(line).name.lower() for line in lines(path) if not line.startswith("-r")]


def test_each_set_contains_the_one_below_and_repeats_nothing() -> None:
    """They cannot drift apart: each names the file below it."""
    assert next(lines(WHOLE)) == "-r dashboard/requirements.txt"
    assert next(lines(DEV)) == "-r requirements.txt"
    own = [name for path in (LIGHT, WHOLE, DEV) for name in names(path)]
    assert len(own) == len(set(own))
    assert {"torch", "tqdm"} == set(names(WHOLE))
    assert {"onnx", "h5py", "streamlit"} <= set(names(LIGHT))


def test_pip_finds_the_set_below_from_any_folder(tmp_path: Path) -> None:
    """Everything is installed here, so pip has nothing to fetch: it names each line with the file it comes from."""
    ask = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-r", str(DEV)]
    said = subprocess.run(ask, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "Would install" not in said
    for path in (LIGHT, WHOLE, DEV):
        for name in names(path):
            line = rf"already satisfied: {name}[=>\[\s].*\(from ({name}\[\S+->)?-r {re.escape(str(path))}"
            assert re.search(line, said, re.IGNORECASE), (path, name)


def test_no_larger_set_replaces_a_package_of_a_running_page() -> None:
    """What the page's packages bring along has no version of its own in the larger sets."""
    brought = {name for one in names(LIGHT) for name in needed(distribution(one))}
    for path in (WHOLE, DEV):
        for line in lines(path):
            if not line.startswith("-r") and Requirement(line).name.lower() in brought:
                assert "==" not in line, line


def test_every_version_is_pinned_but_of_what_comes_along() -> None:
    brought = {name for one in names(LIGHT) for name in needed(distribution(one))}
    for path in (LIGHT, WHOLE, DEV):
        for line in lines(path):
            assert line.startswith("-r") or "==" in line or Requirement(line).name.lower() in brought, line


def test_the_page_needs_no_torch() -> None:
    assert "torch" not in {name for one in names(LIGHT) for name in (one, *needed(distribution(one)))}
