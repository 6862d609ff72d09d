"""At the end of `make chaos`, the table."""

from __future__ import annotations

from typing import Any

from tests.chaos.watch import ROWS

HEAD = ("attack", "neighbour, median", "worst", "server", "with its children", "verdict")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if ROWS:
        rows = [HEAD, *(row.cells() for row in ROWS)]
        wide = [max(len(row[k]) for row in rows) for k in range(len(HEAD) - 1)]
        terminalreporter.section("a bad day")
        for row in rows:
            cells = [cell.ljust(size) for cell, size in zip(row, wide, strict=False)]
            terminalreporter.line("  ".join([*cells, row[-1].replace("\n", " ")[:200]]).rstrip())
