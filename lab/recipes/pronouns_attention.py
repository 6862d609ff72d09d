"""English pronouns again, with a readout that looks back at the network's own states (`lstm_core.attention`).

The texts and the measures are those of `pronouns.py`. Writing and forgetting cost ten times as much as there, and what
is written at one subject is not forgotten at the next: which one counts is left to the attention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lab.learning.network import TorchNetwork
from lab.measures.gender import accuracy, probes, stories
from lab.recipes.pronouns import EMBEDDING, MEASURE_SEED, Pronouns
from lab.tasks.english import Story
from lab.tasks.rows import padded
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.network import Network

PRICE = 3.0  # of writing and of forgetting


def looking(model: Network, texts: Sequence[Story]) -> dict[str, float]:
    """Where the attention goes just before each pronoun: the share on the word of the subject it stands for, on that
    word and those after it, and on the last word read."""
    ids = padded([[model.tokenizer.id(word) for word in story.words] for story in texts])
    alpha = model.read(ids).signals["alpha"][0, 0]
    rows = [(alpha[t - 1, k, :t], s.subject_before(t)) for k, s in enumerate(texts) for t in s.pronouns]
    return {
        "on_subject": float(np.mean([row[at] for row, at in rows])),
        "since_subject": float(np.mean([row[at:].sum() for row, at in rows])),
        "on_last": float(np.mean([row[-1] for row, _ in rows])),
    }


def blinded(model: Network) -> Network:
    """The same model, whose readout no longer sees what was looked back at."""
    weight = model.predicts.weight.copy()
    weight[:, weight.shape[1] // 2 :] = 0
    return replace(model, readout=replace(model.predicts, weight=weight))


class LookingBack(Pronouns):
    steps = 2400

    def __init__(self, cell: type[Cell]) -> None:
        super().__init__(cell, single=False)
        self.name = f"{self.task}-{cell.name}-attention"
        self.economy = PRICE

    def network(self) -> TorchNetwork:
        return TorchNetwork(self.cell, len(self.ids), EMBEDDING, self.hidden, attention=True)

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 500
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        metrics, units = super().measure(model, seed, count)
        blind = blinded(model)
        metrics |= looking(model, stories(seed + 7, count))
        metrics["distractor_blind"] = accuracy(blind, probes(seed, count, distractor=True))
        metrics["switch_blind"] = accuracy(blind, probes(seed + 1, count, switch=True))
        return metrics, units

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        right = min(metrics[key] for key in ("distractor", "switch", "distance_100")) >= 0.99
        return right and metrics["since_subject"] >= 0.95 and metrics["switch_blind"] <= 0.6

    def score(self, metrics: Mapping[str, Any]) -> float:
        return sum(metrics[key] for key in ("distractor", "switch", "distance_100", "on_subject"))

    def about(self) -> dict[str, Any]:
        return super().about() | {"title": f"English pronouns, {self.cell.title} with attention"}

    def shaped(self) -> str:
        return (
            f"writing and forgetting cost so much ({self.economy}) that it hardly forgets; nothing told it which word "
            "to look back at, and it looks at the subject's own word only about a quarter of the time, else at what "
            "came after it. Without what it looks back at it guesses after a change of subject"
        )


RECIPES = (LookingBack(CELLS["lstm"]),)
