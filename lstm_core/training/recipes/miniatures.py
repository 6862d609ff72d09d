"""The miniatures as recipes, for the page that trains them while one watches (`lstm_core.training.live`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.network import Network
from lstm_core.training.miniature import MINIATURES
from lstm_core.training.rows import MEASURE_SEED, Row, answers_right
from lstm_core.training.task import Task


class Live(Task):
    """A miniature for one cell of ``hidden`` units. Ships nothing, so it stands in no ``RECIPES``."""

    embedding, batch = 8, 32

    def __init__(self, task: str, cell: type[Cell], hidden: int) -> None:
        self.task, self.mini = task, MINIATURES[task]
        self.vocabulary, self.pattern = self.mini.vocabulary, self.mini.pattern
        super().__init__(cell, hidden)
        self.hidden = hidden  # as many as were asked for, whatever the cell

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        return self.mini.rows(draw, self.batch)

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 100
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"right": answers_right(model, self.mini.rows(np.random.default_rng(seed), count))}, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return True

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["right"]
