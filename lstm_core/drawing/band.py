"""The band below a panel: what the units do that have no row of their own."""

from __future__ import annotations

import numpy as np

BAND = ("gap", "high", "median", "low")
"""Its rows from the top: a blank one, what a tenth of the units exceed, half of them, and nine tenths."""


def band(rest: np.ndarray) -> np.ndarray:
    """(row, time) as ``BAND`` says, of the units (unit, time), each row a value that some unit has at that step."""
    last = len(rest) - 1
    kth = [last - last // 10, last // 2, last // 10]
    rows = np.partition(rest.T, sorted(set(kth)), axis=1)[:, kth].T
    return np.concatenate([np.full_like(rows[:1], np.nan), rows])
