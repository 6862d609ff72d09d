"""docs/survey.md: its code runs, and what it says of Karpathy's quote cell is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.survey import following, histograms, part, pieces
from lstm_core.survey.labels import FOLLOWED

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "survey.md").read_text(encoding="utf-8")


def test_the_code_does_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "docs/survey.md", "exec"), names)
    words, quotes = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r".*\[.+\].*", words)
    said = re.search(r"It prints `([^`]+)`", TEXT)
    assert said and quotes == said[1]


def test_the_figures_are_the_codes() -> None:
    said = re.sub(r"\s+", " ", TEXT)
    assert all(name in said for name in FOLLOWED) and histograms.BINS == 512 and histograms.FINE == 4
    assert f"about {round(part.STEPS, -4):,} steps" in said and pieces.STEPS == 1 << 14
    assert following.AT_ONCE
