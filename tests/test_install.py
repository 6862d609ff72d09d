"""``pip install .`` gives lstm_core with its models, and nothing of the dashboard."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lstm_core import list_models

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("gatescope-*.whl"))


def test_the_wheel_holds_the_library_and_the_models(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"lstm_core"}
    assert {f"lstm_core/models/{name}.safetensors" for name in list_models()} <= set(names)


def test_the_installed_library_finds_its_models(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import lstm_core\n"
        "model = lstm_core.load_model('pronouns-lstm')\n"
        "print(lstm_core.__file__, len(model.run('Mary went home')))"
    )
    # -P and the folder first on the path: what is imported is the wheel's content, not the checkout's.
    out = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out.split() == [str(tmp_path / "lstm_core" / "__init__.py"), "3"]
