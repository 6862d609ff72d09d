"""The component below the walk: one cell's weights to set by hand, and three puzzles that check themselves."""

from __future__ import annotations

from dashboard.browser.mount import mounted

CELL = "peephole"
"""Without its peepholes, which are 0 at first, it is the LSTM."""

_mount = mounted("gatescope_bench", "bench/bench.js")


def bench(key: str = "bench") -> None:
    """Draw it, folded; all of it happens in the browser, on the cell's own module."""
    _mount(key, {"cell": CELL})
