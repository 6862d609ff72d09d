"""docs/compare.md: its code prints what stands there, and it lists the causes that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.comparing.causes import discover

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "compare.md").read_text(encoding="utf-8")


def test_the_code_prints_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    [(code, printed)] = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "docs/compare.md", "exec"), {})
    number = r"\d\.\d*(?:e-\d\d|e\+\d\d)?"
    assert re.sub(number, "x", capsys.readouterr().out) == re.sub(number, "x", printed)


def test_every_cause_is_listed() -> None:
    listed = set(re.findall(r"^\| ([a-z ]+) \|", TEXT, re.MULTILINE)) - {"cause"}
    assert listed == {*(cause.name for cause in discover()), "layer order"}
