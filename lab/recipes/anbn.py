"""anbn-lstm, -gru, -rnn: which network can say, after as many b's as there were a's, that this was the last one?

Weiss, Goldberg & Yahav (arXiv 1805.04908): an LSTM counts and a GRU does not. Six units each, strings to n = 40
(`lab.tasks.counting`); then n goes on until the first string that is got wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.learning.task import Task
from lab.measures.units import memory
from lab.tasks.counting import LONGEST, breaks_at, counts, string
from lab.tasks.rows import MARKS, Row, named, read
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.network import Network

HIDDEN = 6
COUNTS = 0.99  # correlation with the count from which on a unit is called a counter


class Counting(Task):
    task = "anbn"
    steps = 4000
    economy = 0.0  # a counter writes at every letter
    vocabulary = ("a", "b", ".")
    pattern = MARKS
    embedding = 4
    others, share = 0.1, 1.0

    def __init__(self, cell: type[Cell]) -> None:
        super().__init__(cell, HIDDEN)
        self.hidden = HIDDEN  # the claim is about units, not about parameters

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        """Strings of about the same length; the answers are the b's after the first one, and the end."""
        middle = draw.integers(1, LONGEST + 1)
        lengths = np.clip(middle + draw.integers(-4, 5, self.batch), 1, LONGEST)
        return [Row(np.array([1] * n + [2] * n + [3]), np.arange(n + 1, 2 * n + 1)) for n in lengths]

    def measure(self, model: Network) -> tuple[dict[str, Any], dict[str, Any]]:
        held, count = counts(model)
        correlation = np.nan_to_num([np.corrcoef(column, count)[0, 1] for column in held.T])
        unit = int(np.abs(correlation).argmax())
        broken = breaks_at(model)
        steps = np.diff(read(model, [string(model, LONGEST)])[memory(model)][:, 0, unit])
        metrics = {
            "breaks_at": broken,
            "correlation": float(np.abs(correlation[unit])),
            "step_a": float(steps[: LONGEST - 1].mean()),
            "step_b": float(steps[LONGEST:].mean()),
        }
        if metrics["correlation"] < COUNTS:
            return metrics, {}  # no unit is a counter
        meaning, signed = "a's so far less b's so far", float(correlation[unit])
        return metrics, {"counter": named(meaning, unit, memory(model), correlation=signed)}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return self.cell.name != "lstm" or (metrics["breaks_at"] > 90 and metrics["correlation"] > 0.999)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["breaks_at"] + metrics["correlation"]

    def about(self) -> dict[str, Any]:
        return {
            "title": f"Counting a^n b^n, {self.cell.title}",
            "honesty": HONESTY,
            "examples": [{"label": label, "text": "a" * n + "b" * m} for label, n, m in EXAMPLES],
            **super().about(),
        }


HONESTY = (
    f"Trained on strings of a's and then as many b's, to {LONGEST} of each, with a full stop at the end; nothing was "
    "done to make its gates readable. It knows nothing else: it was never shown a second string or more b's than a's. "
    "Of several seeds the one that counts furthest is shipped; the others are in the file's header."
)

EXAMPLES = (
    ("Five and five", 5, 5),
    ("Ten and ten", 10, 10),
    ("One b is missing", 8, 7),
    ("As in training", 40, 40),
    ("Longer than in training", 60, 60),
    ("One and one", 1, 1),
)

RECIPES = tuple(Counting(CELLS[name]) for name in ("lstm", "gru", "rnn"))
