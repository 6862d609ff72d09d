"""Figures that the documentation repeats are those of the tables that ``python -m benchmarks.figures`` wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def cells(name: str) -> list[list[str]]:
    """The rows of a table of benchmarks/README.md, without its head."""
    report = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", report, re.DOTALL)
    rows = [[cell.strip() for cell in row.split("|")] for row in re.findall(r"^\| (.*) \|$", block, re.MULTILINE)]
    return rows[2:]


def small(text: str) -> str:
    """2.0e-05 as it is written in a sentence: 2e-5."""
    return f"{float(text.split()[0]):.0e}".replace("e-0", "e-")


def watching() -> list[str]:
    longer = sorted((row[3] for row in cells("watching")), key=lambda share: float(share.split()[0]))
    return [f"it takes {longer[0]} to {longer[-1]} longer"]


def captum() -> list[str]:
    [[_, gradient, integrated]] = cells("captum")
    return [f"to {small(gradient)} of the largest", f"to {small(integrated)} for integrated gradients"]


def single() -> list[str]:
    [[_, _, middle, most]] = cells("single")
    return [f"is up to {small(most)} from that", f"{small(middle)} in the median model"]


def memory() -> list[str]:
    (first, same), (after, compared), (reading, _) = (row[1:] for row in cells("memory"))
    assert first == same
    return [
        f"{first} for the first page",
        f"it is {after}, or {compared} where PyTorch is installed",
        f"two processes of {reading}",
    ]


@pytest.mark.parametrize(
    ("page", "said"), [("watch", watching), ("attribution", captum), ("javascript", single), ("hosting", memory)]
)
def test_a_page_says_what_was_measured(page: str, said: Any) -> None:
    text = re.sub(r"\s+", " ", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    for sentence in said():
        assert sentence in text
    assert f"`python -m benchmarks.figures {said.__name__}`" in text
