"""Sizes of networks that can be compared."""

from __future__ import annotations

import numpy as np

from lstm_core import parallel
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell


def layers_of(cell: type[Cell]) -> int:
    """Two for a cell that reads the layer below, and for one whose gates see a word but not what came before it."""
    return 2 if cell.below or parallel.rule_of(cell) else 1


def cell_parameters(cell: type[Cell], hidden: int, embedding: int) -> int:
    """How many numbers all layers of this cell have to learn."""
    sizes = [embedding, *[hidden] * (layers_of(cell) - 1)]
    learned = [param for param in cell.params if param.fixed is None]
    return sum(int(np.prod(param.shape(size, hidden))) for param in learned for size in sizes)


def equal_size(cell: type[Cell], hidden: int, embedding: int) -> int:
    """The number of units that gives the cell about as many parameters as an LSTM of `hidden` units has."""
    goal = cell_parameters(CELLS["lstm"], hidden, embedding)
    return min(range(2, 129), key=lambda size: abs(cell_parameters(cell, size, embedding) - goal))
