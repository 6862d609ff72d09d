"""captions-lstm: says what is on a picture, and looks at what it names (`lstm_core.beyond.looking`).

captions_hard-lstm is the same, but looks at one place at a time.

Trained on pictures of one to four shapes without seven pairs of colour and form; measured on pictures that show them.
Nothing tells it where to look: the words are all that it learns from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.descend import descended
from lab.learning.looking import TorchLooking
from lab.learning.recipe import Recipe, Watch
from lab.learning.speaking import Glances, glanced
from lab.measures.looking import looked
from lab.tasks.rows import MEASURE_SEED
from lstm_core.beyond.attending import END, START
from lstm_core.beyond.looking import Looking
from lstm_core.beyond.pictures import COLORS, FORMS, HELD_OUT, MOST, Shape, drawn, random, sentence
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell

WORDS = (START, END, "a", "left", "of", "above", *COLORS, *FORMS)
CHANNELS, HIDDEN, EMBEDDING, ASKS = (24, 48, 48), 96, 32, 64
BLIND = 0.8  # of the words before, in training: what is seen has to say the form, not the word before it
DROPOUT = 0.1  # of the channels of the convolution


def ids(pictures: Sequence[Sequence[Shape]]) -> tuple[np.ndarray, np.ndarray]:
    """What is read and what is said next, (time, picture) each; -100, which counts nothing, after the end."""
    known = {word: k for k, word in enumerate(WORDS)}
    said = [[*(known[word] for word in sentence(shapes)), known[END]] for shapes in pictures]
    target = np.full((max(map(len, said)), len(said)), -100)
    for k, row in enumerate(said):
        target[: len(row), k] = row
    first = np.full((1, len(said)), known[START])
    return np.concatenate([first, np.maximum(target[:-1], 0)]), target


class Captions(Recipe):
    steps = 3200
    seeds = 3
    learning_rate = 3e-3
    weight_decay = 2e-2
    economy = 0.0
    weights = "float16"
    batch = 64
    folder = "beyond"
    load = staticmethod(Looking.load)

    def __init__(self, cell: type[Cell]) -> None:
        self.cell, self.name = cell, f"captions-{cell.name}"

    def batches(self, seed: int, first: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        draw = np.random.default_rng([seed, first])
        for _ in range(count):
            pictures = random(draw, self.batch, least=1)
            yield drawn(pictures, draw), *ids(pictures)

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Looking, Progress]:
        seed, steps = header["seed"], header["steps"]
        torch.manual_seed(seed)
        network = self.network()
        progress = descended(
            network, partial(self.batches, seed), partial(self.loss, network), steps, self.learning_rate,
            self.weight_decay, watch, kept,
        )  # fmt: skip
        return network.model(self.name, header, self.weights), progress

    def network(self) -> TorchLooking:
        return TorchLooking(self.cell, WORDS, CHANNELS, HIDDEN, EMBEDDING, ASKS, BLIND, DROPOUT)

    def loss(self, network: TorchLooking, batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Tensor:
        pictures, read, target = map(torch.from_numpy, batch)
        scores, _ = network(pictures, read)
        return functional.cross_entropy(scores.flatten(0, 1), target.flatten())

    def measure(self, model: Looking) -> tuple[dict[str, Any], dict[str, Any]]:
        everywhere = replace(model, speaker=model.speaker.everywhere())
        usual, new = looked(model, MEASURE_SEED, 1000, False), looked(model, MEASURE_SEED + 1, 1000, True)
        return {
            "exact": usual["exact"],
            "on_named": usual["on_named"],
            "exact_held_out": new["exact"],
            "on_named_held_out": new["on_named"],
            "exact_everywhere": looked(everywhere, MEASURE_SEED, 200, False)["exact"],
            "exact_untrained": looked(model.untrained(), MEASURE_SEED, 200, False)["exact"],
        }, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return metrics["exact_held_out"] >= 0.95 and metrics["on_named_held_out"] >= 0.7

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["exact_held_out"] + metrics["on_named_held_out"]

    def about(self) -> dict[str, Any]:
        return {
            "title": f"What is on the picture, {self.cell.title}",
            "honesty": HONESTY,
            "hidden": HIDDEN,
            "blind": BLIND,
        }


HONESTY = (
    f"Trained on pictures of one to {MOST} shapes that a program draws, in {len(COLORS)} colours and {len(FORMS)} "
    f"forms, on a grid of 16 places; {len(HELD_OUT)} pairs of colour and form were never shown. Nothing told it where "
    "to look. It knows nothing else: a photograph, or a shape of another kind, is something it has no words for."
)


class HardCaptions(Captions):
    """Xu et al. 2015, 4.1: one place at a time, drawn by its chance, learned by REINFORCE with a moving baseline."""

    seeds = 2
    entropy = 0.01

    def __init__(self, cell: type[Cell]) -> None:
        self.cell, self.name = cell, f"captions_hard-{cell.name}"

    def network(self) -> TorchLooking:
        network = TorchLooking(self.cell, WORDS, CHANNELS, HIDDEN, EMBEDDING, ASKS, BLIND, DROPOUT, hard=True)
        network.register_buffer("baseline", torch.zeros(64))  # of every step; kept with the weights
        return network

    def loss(self, network: TorchLooking, batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Tensor:
        pictures, read, target = map(torch.from_numpy, batch)
        glances = Glances(len(pictures))
        scores, _ = network(pictures, read, glances)
        return glanced(scores, target, glances, network.get_buffer("baseline"), self.entropy)

    def about(self) -> dict[str, Any]:
        return {**super().about(), "title": f"What is on the picture, {self.cell.title}, hard attention"}


RECIPES = (Captions(CELLS["lstm"]), HardCaptions(CELLS["lstm"]))
