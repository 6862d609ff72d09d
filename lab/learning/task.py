"""A recipe whose texts are rows of `lab.tasks.rows`."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

from lab.learning.batch import Batch, batch_of
from lab.learning.network import TorchNetwork
from lab.learning.recipe import BatchRecipe
from lab.learning.sizes import equal_size, layers_of
from lab.tasks.rows import WORDS, Row, tokenizer_of
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.text import Tokenizer


class Task(BatchRecipe):
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
            yield batch_of(self.rows(draw, step / steps), draw, self.others, self.share)

    def about(self) -> dict[str, Any]:
        return {"hidden": self.hidden, "vocabulary": len(self.vocabulary) + 1}
