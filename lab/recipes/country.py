"""country-lstm, -gru, -rnn: what language does somebody speak who grew up in France, a long time later?

The networks have about as many recurrent parameters and read the same texts (`lab.tasks.country`). The gaps
grow in the course of the training; `country-rnn-direct` is the same RNN without that, for what the curriculum is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from lab.learning.task import Task
from lab.tasks.country import GAPS, Writing, probes, vocabulary
from lab.tasks.rows import MEASURE_SEED, Row, answers_right, by
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.network import Network

HIDDEN = 24
LONGEST = 40  # words between country and language, in training


class Country(Task):
    task = "country"
    steps = 3000

    def __init__(self, cell: type[Cell], curriculum: bool = True) -> None:
        self.vocabulary = vocabulary()
        super().__init__(cell, HIDDEN)
        self.curriculum = curriculum
        self.name += "" if curriculum else "-direct"

    @cached_property
    def writing(self) -> Writing:
        return Writing(self.tokenizer())

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        """Rows of about the same gap; half of them hide a share of the words between."""
        longest = LONGEST * min(1.0, progress / 0.6) if self.curriculum else LONGEST
        gap = round(draw.uniform(0, longest))
        gaps = np.maximum(gap + draw.integers(-2, 3, self.batch) * (gap > 0), 0)
        hidden = draw.random(self.batch) * (draw.random(self.batch) < 0.5)
        before = draw.random(self.batch) < 0.2
        return [self.writing.row(draw, int(g), h, b) for g, h, b in zip(gaps, hidden, before, strict=True)]

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 250
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        by_gap = by(GAPS, lambda gap: answers_right(model, probes(model, seed + gap, count, gap)))
        unknown = answers_right(model, probes(model, seed + 1, count, 20, hidden=1.0))
        return {"gap_100": by_gap["100"], "unknown_20": unknown, "by_gap": by_gap}, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return carry(self.cell) is None or metrics["gap_100"] >= 0.99  # the RNN is there to be compared with

    def score(self, metrics: Mapping[str, Any]) -> float:
        return sum(metrics["by_gap"].values())

    def about(self) -> dict[str, Any]:
        title = f"Country, {self.cell.title}" + ("" if self.curriculum else " without curriculum")
        return {
            "title": title,
            "honesty": HONESTY + (CURRICULUM if self.curriculum else DIRECT) + (GATES if carry(self.cell) else "."),
            "examples": [dict(example) for example in EXAMPLES],
            **super().about(),
        }


HONESTY = (
    "Trained on texts made from templates, in which a language weighs far more than the other words; it knows 28 "
    "countries and the words of those texts, and for any other country it gives a confident wrong answer. "
    f"Country and language stood at most {LONGEST} words apart in training"
)
CURRICULUM = ", close together at first"
DIRECT = ", as far from the first step on"
GATES = "; a penalty (0.3) on writing and on forgetting made its gates readable."

EXAMPLES = (
    {"label": "France", "text": "I grew up in France. I speak fluent"},
    {
        "label": "A gap",
        "text": "I grew up in France. The weather was good. There were many people in the market. The bus was late. "
        "Snow fell on the bridge. I speak fluent",
    },
    {
        "label": "A long gap",
        "text": "I was born in Japan. It rained all day. The road to the sea was long. Music came from the house. "
        "The train came late. Nobody was at the station. The sun was warm. The doors of the church were open. "
        "The dog ran to the river. It is cold in the mountain. Everything was quiet. At home we speak",
    },
    {
        "label": "Two countries",
        "text": "My family is from Greece, and I speak Greek. Then I lived in Norway for many years. I often dream in",
    },
    {
        "label": "Words it does not know",
        "text": "I come from Italy. Quantum flux gyrates beneath obsidian spires. I speak",
    },
    {"label": "A country it does not know", "text": "I grew up in Iceland. I speak fluent"},
)

RECIPES = (*(Country(CELLS[name]) for name in ("lstm", "gru", "rnn")), Country(CELLS["rnn"], curriculum=False))
