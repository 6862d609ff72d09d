"""Counting: a^n b^n, as many b's as there were a's, and what a network makes of them.

Gers & Schmidhuber, "LSTM recurrent networks learn simple context-free and context-sensitive languages", IEEE
Transactions on Neural Networks 12 (2001).
"""

from __future__ import annotations

import numpy as np

from lab.measures.units import memory
from lab.tasks.rows import read
from lstm_core.network import Network

LONGEST = 40  # n in training
MEASURED = 256  # and in measuring


def string(model: Network, n: int) -> np.ndarray:
    """Ids of a^n b^n."""
    a, b = model.tokenizer.id("a"), model.tokenizer.id("b")
    return np.array([a] * n + [b] * n)


def right(model: Network, lengths: range) -> np.ndarray:
    """For each n, whether after each b of a^n b^n the likeliest is b, and after the last one the end."""
    h = read(model, [string(model, n) for n in lengths])[model.cell.output]
    said = model.predicts.scores(h).argmax(-1)
    b, end = model.tokenizer.id("b"), model.tokenizer.id(".")
    return np.array([(said[n : 2 * n - 1, k] == b).all() and said[2 * n - 1, k] == end for k, n in enumerate(lengths)])


def breaks_at(model: Network, longest: int = MEASURED) -> int:
    """The smallest n that is got wrong; `longest + 1` if none is."""
    wrong = np.flatnonzero(~right(model, range(1, longest + 1)))
    return int(wrong[0]) + 1 if len(wrong) else longest + 1


def counts(model: Network, longest: int = LONGEST) -> tuple[np.ndarray, np.ndarray]:
    """The memory after every letter of a^n b^n for n to `longest` (letter, unit), and the a's less the b's so far."""
    held = read(model, [string(model, n) for n in range(1, longest + 1)])[memory(model)]
    places = [(t, n - 1, min(t + 1, 2 * n - t - 1)) for n in range(1, longest + 1) for t in range(2 * n)]
    return np.array([held[t, k] for t, k, _ in places]), np.array([count for *_, count in places])
