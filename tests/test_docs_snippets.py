"""The code of docs/ runs: that of the pages for newcomers here, of every other page in a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import lstm_core
from tests.uploads import saved

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("index", "my-model", "my-file")
GENERATED = {"javascript"}
"""Whose code is what the library wrote (tests/test_javascript_text.py)."""
NUMBER = r"\d+\.\d+(?:e[-+]\d+)?"


def blocks(name: str) -> list[tuple[str, str]]:
    """Each piece of Python with the output that is shown under it, empty where none is."""
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", text, re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_the_code_prints_what_is_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, expected in blocks(name):
        exec(compile(code, f"docs/{name}.md", "exec"), names)
        printed = capsys.readouterr().out
        if expected:
            assert re.sub(NUMBER, "x", printed) == re.sub(NUMBER, "x", expected)


def test_a_block_is_checked_as_the_page_of_formats_says() -> None:
    module, x = torch.nn.GRU(3, 4), np.ones((5, 1, 3), np.float32)
    h = module(torch.from_numpy(x))[0].detach()
    names = {"block": lstm_core.load(saved(module)).blocks[0], "x": x, "h": h}
    [(code, _)] = blocks("formats")
    exec(compile(code, "docs/formats.md", "exec"), names)
    assert names["error"] < 1e-6


def test_every_page_with_code_is_run_by_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    for page in (ROOT / "docs").glob("*.md"):
        if blocks(page.stem) and page.stem not in {*PAGES, *GENERATED}:
            assert re.search(rf'compile\(\w+, f?"docs/{page.stem}\.md"', tests), page.name
