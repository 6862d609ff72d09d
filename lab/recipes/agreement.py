"""agreement-lstm: one cell carries the number of the subject over nouns of the other number.

Texts: `lab.tasks.agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lab.learning.network import TorchNetwork
from lab.learning.task import Task
from lab.measures.units import memory
from lab.tasks.agreement import ATTRACTORS, Writing, ablations, accuracy, pairs, probes, vocabulary
from lab.tasks.rows import MEASURE_SEED, Row, by, named
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.network import Network

HIDDEN = 16
MOST = 3  # attractors in training
LEAN = 1.5  # how far the readouts of singular and plural verbs lie apart at the start, on one unit
SHARED = 0.01  # price of a difference between them on any other unit


class Agreement(Task):
    """Left alone, many runs hold the number in several units. So the readouts of the two forms of a verb start apart on
    one unit, and a difference on the others costs something, as in the recipe of the pronouns."""

    task = "agreement"
    steps = 3000

    def __init__(self, cell: type[Cell]) -> None:
        self.vocabulary = vocabulary()
        super().__init__(cell, HIDDEN)
        self.forms = [[self.tokenizer().id(form) for form in pair] for pair in pairs("verbs")]

    def network(self) -> TorchNetwork:
        made = super().network()
        with torch.no_grad():
            for one, many in self.forms:
                made.readout.weight[one] = made.readout.weight[many]
                made.readout.weight[many, 0] += LEAN
                made.readout.weight[one, 0] -= LEAN
        return made

    def penalty(self, network: TorchNetwork) -> Tensor | float:
        one, many = torch.tensor(self.forms).T
        return SHARED * (network.readout.weight[many] - network.readout.weight[one])[:, 1:].abs().sum() / len(one)

    @cached_property
    def writing(self) -> Writing:
        return Writing(self.tokenizer())

    def rows(self, draw: np.random.Generator, progress: float) -> list[Row]:
        rng, sentences = Random(int(draw.integers(2**32))), int(draw.integers(1, 4))
        return [self.writing.row(rng, sentences, MOST) for _ in range(self.batch)]

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 500
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        by_attractors = by(ATTRACTORS, lambda k: accuracy(model, *probes(model, seed + k, count, k)))
        unit = int(ablations(model, seed + 10, count)[1].argmin())  # found on other sentences than it is measured on
        whole, without = ablations(model, seed + 11, count)
        others = np.delete(whole - without, unit)
        metrics = {
            "attractors_3": by_attractors["3"],
            "cost_number_cell": float(whole - without[unit]),
            "cost_other_mean": float(others.mean()),
            "cost_other_most": float(others.max()),
            "by_attractors": by_attractors,
        }
        cost = metrics["cost_number_cell"]
        return metrics, {"number": named("number of the subject", unit, memory(model), cost_of_ablation=cost)}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        one = metrics["cost_number_cell"] >= 0.3 and metrics["cost_other_mean"] < 0.02
        return metrics["attractors_3"] >= 0.98 and one

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["attractors_3"] + metrics["cost_number_cell"] - metrics["cost_other_most"]

    def about(self) -> dict[str, Any]:
        return {
            "title": f"Agreement, {self.cell.title}",
            "honesty": HONESTY,
            "examples": [dict(example) for example in EXAMPLES],
            **super().about(),
        }


HONESTY = (
    f"Trained on sentences made from templates with at most {MOST} other nouns between subject and verb, in which the "
    "verb weighs far more than the other words; a penalty (0.3) on writing and on forgetting made its gates readable, "
    "and the difference between singular and plural verbs was led towards one cell, where most runs left alone use "
    "several. It knows 45 nouns, and learns nothing about number from a word it does not know."
)

SIX = "The horse near the trees behind the houses by the roads in the towns with the shops under the hills"
EXAMPLES = (
    {"label": "The keys", "text": "The keys to the cabinet near the door"},
    {"label": "The key", "text": "The key to the cabinets near the doors"},
    {"label": "Two sentences", "text": "The letters from the teacher are lost. The letter from the teachers"},
    {"label": "Six attractors", "text": SIX},
    {"label": "Irregular", "text": "The children of the woman with the friend"},
    {"label": "A noun it does not know", "text": "The zebras beside the tree"},
)

RECIPES = (Agreement(CELLS["lstm"]),)
