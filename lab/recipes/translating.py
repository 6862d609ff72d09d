"""numbers-lstm: says in English what a number is called in German (`lstm_core.beyond.translating`)."""

from __future__ import annotations

from collections import defaultdict
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
from lab.learning.recipe import Recipe, Watch
from lab.learning.translating import TorchTranslating
from lab.tasks.rows import MEASURE_SEED
from lstm_core.beyond.attending import END, START
from lstm_core.beyond.numbers import ENGLISH, GERMAN, MOST, both, held_out
from lstm_core.beyond.translating import Translating
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell

WORDS = (START, END, *ENGLISH)
LONG = 4  # digits at least of the numbers that are measured
READER, HIDDEN, EMBEDDING, ASKS = 24, 48, 24, 32


def drawn(draw: np.random.Generator, count: int, new: bool, least: int = 1) -> list[int]:
    """Numbers of ``least`` to six digits, about as many of each length; ``new``: of those that are never learned
    from."""
    found: list[int] = []
    while len(found) < count:
        digits = int(draw.integers(least, len(str(MOST)) + 1))
        n = int(draw.integers(0 if digits == 1 else 10 ** (digits - 1), 10**digits))
        found += [n] * (held_out(n) == new)
    return found


def by_length(numbers: Sequence[int]) -> dict[int, list[int]]:
    """The numbers by how many German words each has."""
    groups: dict[int, list[int]] = defaultdict(list)
    for n in numbers:
        groups[len(both(n)[0])].append(n)
    return groups


def translated(model: Translating, numbers: Sequence[int]) -> dict[str, float]:
    """The share of the numbers said word for word, and the mean attention on the German word that means the same as
    the English one, beside a share that is the same for every word."""
    right, on_same, even = [], [], []
    for numbers_of in by_length(numbers).values():
        for n, found in zip(numbers_of, model.translate([both(n)[0] for n in numbers_of]), strict=True):
            _, english, places = both(n)
            right.append(found.said.sentence == english)
            rows = list(zip(found.said.alpha, places, strict=False))
            on_same += [float(row[place]) for row, place in rows]
            even += [1 / len(row) for row, _ in rows]
    return {"exact": float(np.mean(right)), "on_same": float(np.mean(on_same)), "even": float(np.mean(even))}


class Numbers(Recipe):
    steps = 3000
    seeds = 3
    learning_rate = 3e-3
    weight_decay = 1e-3
    economy = 0.0
    weights = "float16"
    batch = 64
    folder = "beyond"
    load = staticmethod(Translating.load)

    def __init__(self, cell: type[Cell]) -> None:
        self.cell, self.name = cell, f"numbers-{cell.name}"

    def batches(self, seed: int, first: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Numbers whose German has one length, so that nothing is read after the end."""
        draw = np.random.default_rng([seed, first])
        german, english = ({word: k for k, word in enumerate(words)} for words in (GERMAN, WORDS))
        waiting: dict[int, list[int]] = defaultdict(list)
        while count:
            for length, numbers in by_length(drawn(draw, self.batch, False)).items():
                waiting[length] += numbers
                if len(waiting[length]) < self.batch or not count:
                    continue
                count -= 1
                now, waiting[length] = waiting[length][: self.batch], waiting[length][self.batch :]
                read = np.array([[german[word] for word in both(n)[0]] for n in now]).T
                said = [[*(english[word] for word in both(n)[1]), english[END]] for n in now]
                target = np.full((max(map(len, said)), len(said)), -100)
                for k, row in enumerate(said):
                    target[: len(row), k] = row
                start = np.full((1, len(now)), english[START])
                yield read, np.concatenate([start, np.maximum(target[:-1], 0)]), target

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Translating, Progress]:
        seed, steps = header["seed"], header["steps"]
        torch.manual_seed(seed)
        network = TorchTranslating(self.cell, GERMAN, WORDS, READER, HIDDEN, EMBEDDING, ASKS)

        def loss(batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Tensor:
            german, read, target = map(torch.from_numpy, batch)
            scores, _ = network(german, read)
            return functional.cross_entropy(scores.flatten(0, 1), target.flatten())

        progress = descended(
            network, partial(self.batches, seed), loss, steps, self.learning_rate, self.weight_decay, watch, kept
        )
        return network.model(self.name, header, self.weights), progress

    def measure(self, model: Translating) -> tuple[dict[str, Any], dict[str, Any]]:
        numbers = drawn(np.random.default_rng(MEASURE_SEED), 1000, True, LONG)
        everywhere = replace(model, speaker=model.speaker.everywhere())
        return {
            **translated(model, numbers),
            "exact_everywhere": translated(everywhere, numbers[:200])["exact"],
            "exact_untrained": translated(model.untrained(), numbers[:200])["exact"],
        }, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return metrics["exact"] >= 0.98 and metrics["on_same"] >= 0.7

    def score(self, metrics: Mapping[str, Any]) -> float:
        return metrics["exact"] + metrics["on_same"]

    def about(self) -> dict[str, Any]:
        return {"title": f"Numbers, German to English, {self.cell.title}", "honesty": HONESTY, "hidden": HIDDEN}


HONESTY = (
    f"Trained on number words up to {MOST:,}, German to English; one number in ten was never shown. German is written "
    "with spaces here, and English without hyphens. It knows no other word of either language."
)

RECIPES = (Numbers(CELLS["lstm"]),)
