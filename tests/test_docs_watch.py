"""docs/watch.md: its code runs and prints what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lstm_core.watching.reading import COLUMNS
from lstm_core.watching.state import MESSAGES

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "watch.md").read_text(encoding="utf-8")


def test_the_code_runs_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "docs/watch.md", "exec"), names)
    [printed] = re.findall(r"```\n\n```\n(.*?)```", TEXT, re.DOTALL)
    assert capsys.readouterr().out == printed
    first, *rows = (tmp_path / "health.csv").read_text().splitlines()
    assert first == ",".join(COLUMNS) and f"`{first}`" in TEXT
    assert {row.split(",")[0] for row in rows} == {"0", "100", "200"}


def test_every_finding_is_listed() -> None:
    assert ", ".join(MESSAGES) in re.sub(r"\s+", " ", TEXT)
