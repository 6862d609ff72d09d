"""docs/command-line.md: every command is listed as the help has it, and the example lines run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from lstm_core import cli

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_every_command_is_listed() -> None:
    assert re.findall(r"^\| `gatescope (\w+)", TEXT, re.MULTILINE) == list(cli.COMMANDS)


def test_the_lines_run(tmp_path: Path) -> None:
    """One after another in a shell, as somebody types them."""
    _, lines = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    np.save(tmp_path / "ids.npy", np.arange(3, 9))
    command = f"set -eo pipefail; gatescope() {{ PYTHONPATH='{ROOT}' '{sys.executable}' -m lstm_core.cli \"$@\"; }}\n"
    done = subprocess.run(["bash", "-c", command + lines], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "\nequal\n" in done.stdout and (tmp_path / "t.npz").exists()
