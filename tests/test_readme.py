"""README.md is true: its code runs, its tables are what the code and the models say, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import readme
from lstm_core import CELLS

TEXT = readme.README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", readme.BLOCKS)
def test_generated_blocks_are_up_to_date(name: str) -> None:
    assert readme.fill(TEXT, name, readme.BLOCKS[name]()) == TEXT, "run `make readme`"


def test_every_cell_has_a_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", TEXT.split("<!-- /cells -->")[0], re.MULTILINE) == list(CELLS)


def test_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["own"].max_abs_error < 1e-5
    assert (tmp_path / "gates.npz").exists()
    assert "[('he', 0.9" in capsys.readouterr().out


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (readme.README.parent / target).exists(), target
