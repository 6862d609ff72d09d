"""README.md and docs/ are true: tables are what the code and the models say, links lead somewhere, names exist.

What README's code does is tried in environments of their own: tests/test_install.py.
"""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import tables
from lstm_core import CELLS
from lstm_core.cells import VARIANTS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.usefixtures("in_place")
@pytest.mark.parametrize("name", tables.BLOCKS)
def test_generated_blocks_are_up_to_date(name: str) -> None:
    text = (tables.DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert tables.fill(text, name, tables.BLOCKS[name]()) == text, "run `make docs`"


def test_every_cell_has_a_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", (tables.DOCS / "cells.md").read_text(), re.MULTILINE) == [*CELLS, *VARIANTS]


def test_readme_is_one_screen_and_leads_with_the_start_to_every_page_of_docs() -> None:
    words = re.sub(r"```.*?```", "", README, flags=re.DOTALL).split()
    assert len(README.splitlines()) <= 62 and len(words) <= 350
    assert "](docs/index.md)" in README
    start = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"](docs/{page.name})" in README or f"]({page.name})" in start, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


def test_the_reference_names_what_there_is() -> None:
    """The site finds it out, too, and takes minutes."""
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")]
    names = [name.rpartition(".") for page in pages for name in re.findall(r"^::: (\S+)$", page, re.MULTILINE)]
    assert names
    assert not [name for module, _, name in names if not hasattr(import_module(module), name)]


def test_extras_that_are_named_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {name for page in PAGES for name in re.findall(r'"\.\[([\w,]+)\]"', page.read_text(encoding="utf-8"))}
    assert named and named <= set(project["optional-dependencies"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_name_modules_and_goals_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"python -m ((?:lstm_core|dashboard|benchmarks)[\w.]*)", text):
        module = ROOT / name.replace(".", "/")
        assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), name
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for goal in re.findall(r"\bmake (run|test[\w-]*|docs|bench|chaos)\b", text):
        assert f"\n{goal}:" in makefile
    for name in re.findall(r"-r ([\w/.-]+\.txt)", text):
        assert (ROOT / name).exists(), name
