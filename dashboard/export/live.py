"""One HTML file that reads what is typed into it: the networks run in the browser, with no server and no network."""

from __future__ import annotations

from typing import Any

from lstm_core.cells.base import Cell


def declared(cell: type[Cell]) -> dict[str, Any]:
    """What has to be known of a cell to run it (``dashboard/browser/live/run.js``)."""
    return {"states": list(cell.states()), "output": cell.output, "below": list(cell.below)}
