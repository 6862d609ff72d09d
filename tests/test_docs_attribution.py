"""docs/attribution.md: its code prints what stands there, and it lists the methods that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.analysis.attribution import METHODS
from lstm_core.analysis.integrated import ENOUGH

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "attribution.md").read_text(encoding="utf-8")


def test_the_code_prints_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "docs/attribution.md", "exec"), names)
        assert re.sub(r"\de-\d\d", "x", capsys.readouterr().out) == re.sub(r"\de-\d\d", "x", printed)


def test_every_method_is_listed() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \| (?!`)", TEXT, re.MULTILINE)) == METHODS
    assert f"from {ENOUGH} gradients at most" in TEXT
