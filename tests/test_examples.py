"""examples/: every script runs by itself and prints what stands under its lines, after "# > "."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPTS = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_prints_what_it_says(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers with a point differ from machine to machine in their digits."""
    monkeypatch.chdir(tmp_path)
    expected = re.findall(r"^# > (.*)$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert expected
    runpy.run_path(str(script), run_name="__main__")
    assert [masked(line) for line in capsys.readouterr().out.splitlines()] == [masked(line) for line in expected]


def masked(line: str) -> str:
    return re.sub(r"\d+\.\d+(?:e[-+]\d+)?|\d+e-\d+", "x", line)
