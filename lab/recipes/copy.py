"""copy-lstm, -gru, -rnn: three letters, a lag, and the same three letters (`lab.tasks.copying`).

The networks have about as many recurrent parameters and see the same strings; the lag grows in the course of the
training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.learning.task import Task
from lab.tasks.copying import ASK, BLANK, LAGS, LETTERS, probes, row
from lab.tasks.rows import MARKS, MEASURE_SEED, Row, answers_right, by
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.network import Network

HIDDEN = 24
LONGEST = 40  # lag in training


class Copy(Task):
    task = "copy"
    steps = 2500
    economy = 0.1
    vocabulary = (*LETTERS, BLANK, ASK)
    pattern = MARKS
    others = 0.0  # the letters are drawn by chance

    def __init__(self, cell: type[Cell]) -> None:
        super().__init__(cell, HIDDEN)

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        longest = LONGEST * min(1.0, progress / 0.6)
        lag = round(draw.uniform(0, longest))
        lags = np.maximum(lag + draw.integers(-2, 3, self.batch) * (lag > 0), 0)
        return [row(draw, int(k)) for k in lags]

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 400
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        by_lag = by(LAGS, lambda lag: answers_right(model, probes(seed + lag, count, lag)))
        return {"lag_40": by_lag["40"], "lag_60": by_lag["60"], "by_lag": by_lag}, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return carry(self.cell) is None or metrics["lag_60"] >= 0.95  # the RNN is there to be compared with

    def score(self, metrics: Mapping[str, Any]) -> float:
        return sum(metrics["by_lag"].values())

    def about(self) -> dict[str, Any]:
        gates = (
            f"; a penalty ({self.economy}) on writing and on forgetting made its gates readable" if self.economy else ""
        )
        return {
            "title": f"Copying three letters, {self.cell.title}",
            "honesty": HONESTY + gates + ".",
            "examples": [{"label": label, "text": text} for label, text in EXAMPLES],
            **super().about(),
        }


HONESTY = (
    f"Trained on three letters from {LETTERS[0]} to {LETTERS[-1]}, dots, a question mark and the same letters, with at "
    f"most {LONGEST} dots, few at first. It was never shown anything else"
)

EXAMPLES = (
    ("Ten dots", "daf" + BLANK * 10 + ASK + "da"),
    ("No dots", "beg" + ASK + "be"),
    ("As in training", "hcc" + BLANK * 40 + ASK + "hc"),
    ("Longer than in training", "gab" + BLANK * 60 + ASK + "ga"),
    ("Asked twice", "fed" + BLANK * 5 + ASK + "fed" + BLANK * 5 + ASK),
    ("Nothing to copy", BLANK * 10 + ASK),
)

RECIPES = tuple(Copy(CELLS[name]) for name in ("lstm", "gru", "rnn"))
