"""docs/reliability.md names tests that exist, in the files that it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"


def named(text: str) -> list[tuple[str, str]]:
    """(file, test): a test belongs to the file that was linked last before it."""
    found, file = [], ""
    for link, test in re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\)|`(test_\w+)`", text):
        file = link or file
        if test:
            found.append((file, test))
    return found


def written(text: str) -> set[str]:
    """The tests that are defined in a file."""
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))


@pytest.mark.parametrize("file", sorted({file for file, _ in named(PAGE.read_text(encoding="utf-8"))}))
def test_every_test_that_is_named_exists(file: str) -> None:
    wanted = {test for one, test in named(PAGE.read_text(encoding="utf-8")) if one == file}
    assert wanted <= written((ROOT / file).read_text(encoding="utf-8"))


def test_no_promise_is_without_a_test_and_no_chapter_without_its_limit() -> None:
    _, *chapters = PAGE.read_text(encoding="utf-8").split("\n## ")
    assert len(chapters) >= 5
    for chapter in chapters:
        promises = re.split(r"\n- (?=\*\*)", chapter)[1:]
        assert promises and all(named(promise) for promise in promises), chapter
        assert re.search(r"^Limits?: ", chapter, re.MULTILINE), chapter


def test_a_name_is_looked_for_in_the_file_before_it() -> None:
    text = "[a](../tests/a.py) `test_one`, `test_two`; [b](../tests/x/b.py) `test_three`. (`test_four`)"
    assert named(text) == [
        ("tests/a.py", "test_one"),
        ("tests/a.py", "test_two"),
        ("tests/x/b.py", "test_three"),
        ("tests/x/b.py", "test_four"),
    ]
    assert written("def test_one(a):\n    def test_two():\nasync def test_three() -> None:\n") == {
        "test_one",
        "test_three",
    }
