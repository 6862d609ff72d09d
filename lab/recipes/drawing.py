"""draw-lstm: draws small digits in ten goes (`lstm_core.beyond.drawing`, `lab.tasks.digits`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.descend import descended
from lab.learning.drawing import TorchDrawing
from lab.learning.recipe import Recipe, Watch
from lab.tasks.digits import TRAINED, digits
from lab.tasks.rows import MEASURE_SEED
from lstm_core.beyond.drawing import Drawing
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell

UNITS, LATENT, POINTS, GLIMPSES = 96, 8, 5, 10
SHOWN = 40  # held-out digits that the file carries, to draw after


def mean_picture(pictures: np.ndarray) -> float:
    """Nats that a picture takes if every pixel has the chance that it had in training, without any network."""
    learned, _ = digits()
    chance = np.clip(learned.mean(0), 1 / (2 * len(learned)), 1 - 1 / (2 * len(learned)))
    return float(-(pictures * np.log(chance) + (1 - pictures) * np.log(1 - chance)).sum(1).mean())


class Draw(Recipe):
    steps = 6000
    seeds = 2
    learning_rate = 2e-3
    weight_decay = 1e-4
    economy = 0.0
    weights = "float16"
    batch = 64
    folder = "beyond"
    load = staticmethod(Drawing.load)

    def __init__(self, cell: type[Cell]) -> None:
        self.cell, self.name = cell, f"draw-{cell.name}"

    def batches(self, pictures: np.ndarray, seed: int, first: int, count: int) -> Iterator[np.ndarray]:
        draw = np.random.default_rng([seed, first])
        for _ in range(count):
            yield pictures[draw.integers(len(pictures), size=self.batch)]

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Drawing, Progress]:
        seed, steps = header["seed"], header["steps"]
        torch.manual_seed(seed)
        pictures, _ = digits()
        network = TorchDrawing(self.cell, pictures.shape[1], UNITS, LATENT, POINTS, GLIMPSES)
        progress = descended(
            network, partial(self.batches, pictures, seed), lambda batch: network(torch.from_numpy(batch)).mean(),
            steps, self.learning_rate, self.weight_decay, watch, kept,
        )  # fmt: skip
        return network.model(self.name, digits(held_out=True)[0][:SHOWN], header, self.weights), progress

    def measure(self, model: Drawing) -> tuple[dict[str, Any], dict[str, Any]]:
        pictures, _ = digits(held_out=True)
        return {
            "held_out": len(pictures),
            "bound": float(model.bound(pictures, MEASURE_SEED).mean()),
            "bound_learned": float(model.bound(digits()[0], MEASURE_SEED).mean()),
            "mean_picture": mean_picture(pictures),
            "untrained": float(model.untrained().bound(pictures, MEASURE_SEED).mean()),
        }, {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        return metrics["bound"] < 0.75 * metrics["mean_picture"]

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -metrics["bound"]

    def about(self) -> dict[str, Any]:
        return {"title": f"Digits, {self.cell.title}", "honesty": HONESTY, "hidden": UNITS, "latent": LATENT}


HONESTY = (
    f"Trained on {TRAINED:,} handwritten digits (E. Alpaydin and C. Kaynak, UCI, 1998, CC BY 4.0, as scikit-learn "
    "ships them), made 16 x 16 and black and white. It has seen nothing else, and knows no digit by its name. Those "
    "that it is shown here are of other writers."
)

RECIPES = (Draw(CELLS["lstm"]),)
