"""A recipe whose texts are rows of `lstm_core.training.rows`, and sizes of networks that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from lstm_core import parallel
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.text import Tokenizer
from lstm_core.training.loop import Batch, Recipe, TorchNetwork
from lstm_core.training.rows import WORDS, Row, padded, tokenizer_of


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


class Task(Recipe):
    """A recipe whose texts are rows of ids. Its answers weigh as much as one, all other tokens together as `others`.

    share: of the other tokens that are predicted at all, drawn at random; their weight stays the same in the mean.
    """

    task: str
    vocabulary: tuple[str, ...]
    pattern: str = WORDS
    embedding: int = 16
    hidden: int
    batch: int = 64
    others: float = 0.3
    share: float = 0.1

    def __init__(self, cell: type[Cell], hidden: int) -> None:
        """hidden: of the LSTM; another cell gets as many units as make it about as large."""
        self.cell, self.name = cell, f"{self.task}-{cell.name}"
        self.hidden = equal_size(cell, hidden, self.embedding)
        if carry(cell) is None:
            self.economy, self.learning_rate = 0.0, 3e-3

    def tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.vocabulary, self.pattern)

    def network(self) -> TorchNetwork:
        return TorchNetwork(self.cell, len(self.vocabulary) + 1, self.embedding, self.hidden, layers_of(self.cell))

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        """One batch of texts; `progress` goes from 0 to 1 in the course of the training."""
        raise NotImplementedError

    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        draw = np.random.default_rng(rng.getrandbits(64))
        for step in range(steps):
            yield self.made(self.rows(draw, step / steps), draw)

    def made(self, rows: Sequence[Row], draw: np.random.Generator) -> Batch:
        ids = padded([row.ids for row in rows])
        read = padded([np.ones(len(row.ids)) for row in rows])
        answers = np.zeros(ids.shape, bool)
        for k, row in enumerate(rows):
            answers[row.answers, k] = True
        rest = (read > 0) & ~answers & (draw.random(ids.shape) < self.share)
        weights = answers[1:] / max(answers[1:].sum(), 1) + self.others * rest[1:] / max(rest[1:].sum(), 1)
        return Batch(ids[:-1], ids[1:], weights.astype(np.float32), read[:-1].astype(np.float32))

    def about(self) -> dict[str, Any]:
        return {"hidden": self.hidden, "vocabulary": len(self.vocabulary) + 1}
