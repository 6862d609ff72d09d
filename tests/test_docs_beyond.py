"""docs/beyond.md: its code prints what stands there, and its figures are those of the files' headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.beyond import kept

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "beyond.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_the_code_prints_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "docs/beyond.md", "exec"), names)
        assert capsys.readouterr().out == printed
    assert "other" in names


def test_what_the_training_held_out_is_what_the_header_says() -> None:
    assert f"last {kept.header(kept.file('draw-lstm'))['metrics']['held_out']} digits" in FLAT


def test_every_shipped_model_stands_there_with_all_its_seeds() -> None:
    for name, path in kept.files().items():
        [line] = [line for line in TEXT.splitlines() if f"| `{name}`," in line]
        assert f"| {len(kept.header(path)['seeds'])} |" in line
