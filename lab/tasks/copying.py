"""Copying three letters over a lag, after Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9
(1997).

d a f . . . . . . . . . . ? d a f
"""

from __future__ import annotations

import numpy as np

from lab.tasks.rows import Row

LETTERS = "abcdefgh"
COUNT = 3
LAGS = (0, 20, 40, 60, 100, 200)
BLANK, ASK = ".", "?"


def row(draw: np.random.Generator, lag: int) -> Row:
    """Ids are places in the vocabulary: the letters from 1 on, then blank and question mark."""
    letters = draw.integers(1, len(LETTERS) + 1, COUNT)
    blanks = np.full(lag, len(LETTERS) + 1)
    return Row(np.concatenate([letters, blanks, [len(LETTERS) + 2], letters]), COUNT + lag + 1 + np.arange(COUNT))


def probes(seed: int, count: int, lag: int) -> list[Row]:
    draw = np.random.default_rng(seed)
    return [row(draw, lag) for _ in range(count)]
