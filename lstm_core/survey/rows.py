"""What a model did in a piece of the data: the values of every unit, a row a unit and a column a step, no padding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.survey.arrays import HERE, Array


@dataclass(frozen=True, eq=False)
class Rows:
    """One recurrent module over a piece of the data.

    cell: its cell. values: by signal, (layer * direction * unit, head + step) float32; shape: by signal, (layer,
        direction, unit).
    head: this many steps at the front belong to the piece before, the same document; only lagged products read them.
    document, step: (step,) where each step stands; documents and the steps of one are in order.
    place: (step,) where each step stands among all ``size`` steps of the piece: one that a mask skips has no values.
    labels: (property, step), what the text says at each step; no property where there is no text.
    xp: where the values are (``arrays``); all else is NumPy's.
    """

    cell: type[Cell]
    values: Mapping[str, Array]
    shape: Mapping[str, tuple[int, int, int]]
    document: np.ndarray
    step: np.ndarray
    place: np.ndarray
    size: int
    labels: np.ndarray
    head: int = 0
    xp: Any = HERE

    def __len__(self) -> int:
        """How many steps of its own the piece has, without those at its head."""
        return len(self.step)

    def own(self, signal: str) -> Array:
        """(unit of any layer and direction, step): without the head."""
        return self.values[signal][:, self.head :]
