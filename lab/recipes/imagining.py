"""strokes-vrnn, -storn, -plain: what a latent variable adds to a recurrent network that reads pen strokes.

`lstm_core.beyond.imagining`, `lab.tasks.strokes`. About as many parameters each, the same lines, the same steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.descend import descended
from lab.learning.imagining import TorchImagining
from lab.learning.recipe import Recipe, Watch
from lab.tasks.rows import MEASURE_SEED
from lab.tasks.strokes import STEPS, strokes
from lstm_core.beyond.imagining import Imagining, Kind
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell

UNITS: dict[Kind, int] = {"vrnn": 48, "storn": 40, "plain": 61}  # about 16,000 parameters each
LATENT, BETWEEN = 4, 32
BEGINS = 5  # steps that are not counted: nothing can be known of pace and way yet
SHOWN = 20


class Strokes(Recipe):
    steps = 1500
    seeds = 5
    learning_rate = 3e-3
    economy = 0.0
    weights = "float16"
    batch = 64
    folder = "beyond"
    load = staticmethod(Imagining.load)

    def __init__(self, kind: Kind, cell: type[Cell]) -> None:
        self.kind: Kind = kind
        self.cell, self.name = cell, f"strokes-{kind}"

    def batches(self, seed: int, first: int, count: int) -> Iterator[np.ndarray]:
        draw = np.random.default_rng([seed, first])
        for _ in range(count):
            yield np.ascontiguousarray(strokes(draw, self.batch).swapaxes(0, 1))

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Imagining, Progress]:
        seed, steps = header["seed"], header["steps"]
        torch.manual_seed(seed)
        network = TorchImagining(self.kind, self.cell, 2, UNITS[self.kind], LATENT, BETWEEN)
        progress = descended(
            network, partial(self.batches, seed), lambda batch: network(torch.from_numpy(batch)).mean(),
            steps, self.learning_rate, self.weight_decay, watch, kept,
        )  # fmt: skip
        size = sum(p.numel() for p in network.parameters())
        examples = strokes(np.random.default_rng(MEASURE_SEED + 1), SHOWN)
        return network.model(self.name, examples, {**header, "parameters": size}, self.weights), progress

    def measure(self, model: Imagining) -> tuple[dict[str, Any], dict[str, Any]]:
        lines = strokes(np.random.default_rng(MEASURE_SEED), 500)
        untrained = model.untrained().bound(lines, MEASURE_SEED)
        return {
            "bound": float(model.bound(lines, MEASURE_SEED)[:, BEGINS:].mean()),
            "untrained": float(untrained[:, BEGINS:].mean()),
        }, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return metrics["bound"] < metrics["untrained"]

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -metrics["bound"]

    def about(self) -> dict[str, Any]:
        return {"title": TITLES[self.kind], "honesty": HONESTY, "hidden": UNITS[self.kind], "latent": LATENT}


TITLES: dict[Kind, str] = {"vrnn": "Strokes, VRNN", "storn": "Strokes, STORN", "plain": "Strokes, a plain LSTM"}
HONESTY = (
    f"Trained on lines of {STEPS} steps that a program makes: a pace of its own, a little wavering, and now and then a "
    "turn to the left or to the right, which nothing announces. It has never seen handwriting."
)

RECIPES = tuple(Strokes(kind, CELLS["lstm"]) for kind in UNITS)
