"""brackets-lstm: cells that follow quotation marks and brackets (`lab.tasks.brackets`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import numpy as np

from lab.learning.batch import Batch
from lab.learning.task import Task
from lab.measures.units import best_unit, memory, unit_accuracy
from lab.tasks.brackets import Reading, row, texts, vocabulary, write
from lab.tasks.rows import CHARACTERS, MEASURE_SEED, Row, named
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.network import Network

HIDDEN = 32
POOL = 4000  # texts that are written once and drawn from


class Brackets(Task):
    task = "brackets"
    steps = 3500
    economy = 0.1
    pattern = CHARACTERS
    others, share = 0.2, 0.2

    def __init__(self, cell: type[Cell]) -> None:
        self.vocabulary = vocabulary()
        super().__init__(cell, HIDDEN)

    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        tokenizer, count = self.tokenizer(), min(POOL, steps * self.batch)
        self.pool = sorted((row(tokenizer, write(rng)) for _ in range(count)), key=lambda one: len(one.ids))
        yield from super().batches(rng, steps)

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        """Texts of about the same length, so that there is little padding."""
        near = (draw.integers(len(self.pool)) + draw.integers(-100, 101, self.batch)) % len(self.pool)
        return [self.pool[k] for k in near]

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 300
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        chosen, test = (Reading.of(model, texts(seed + k, count)) for k in (0, 1))
        quote, threshold, sign = best_unit(chosen.memory, chosen.quoted)
        depth = int(np.abs(chosen.depth_correlation()).argmax())
        metrics = {
            "closer": test.closed,
            "quote_unit": unit_accuracy(test.memory, test.quoted, quote, threshold, sign),
            "depth_correlation": float(abs(test.depth_correlation()[depth])),
        }
        if test.keep is not None:
            metrics["keep_at_quotes"] = float(test.keep[test.quote, quote].mean())
            metrics["keep_elsewhere"] = float(test.keep[~test.quote, quote].mean())
        state, inside = memory(model), {"threshold": threshold, "inside_above": sign > 0}
        return metrics, {
            "quote": named("inside quotation marks", quote, state, accuracy=metrics["quote_unit"], **inside),
            "depth": named("how many brackets are open", depth, state, correlation=metrics["depth_correlation"]),
        }

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return metrics["quote_unit"] >= 0.98

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["quote_unit"] + metrics["closer"]

    def about(self) -> dict[str, Any]:
        return {
            "title": f"Brackets and quotes, {self.cell.title}",
            "honesty": HONESTY,
            "examples": [{"label": label, "text": text} for label, text in EXAMPLES],
            **super().about(),
        }


HONESTY = (
    "Trained on nonsense in which brackets and quotation marks are opened and closed in order, in which the closing "
    "marks weigh far more than the other characters; a penalty (0.1) on writing and on forgetting made its gates "
    "readable. No loss asks for a cell for quotation marks or for depth: they were found afterwards. It reads small "
    "letters, spaces, commas and full stops, and at most three brackets were open at a time."
)

EXAMPLES = (
    ("Both", 'small bird (cold "old bridge city" [coat'),
    ("A quotation", 'red apple, "good cafe dark forest new song" green lamp, "old'),
    ("Three deep", "bank [ring (poem {hat key} watch) soup"),
    ("One after another", "(hat) [cup] {box} (map) [key] {bag"),
    ("A quotation in brackets", '{dress "cheap long boat"} (white "little'),
    ("A quotation that stays open", '"park zoo garden house river hill field bank'),
)

RECIPES = (Brackets(CELLS["lstm"]),)
