"""The network that draws (`lstm_core.beyond.drawing`), as it learns with PyTorch: the same functions."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lab.learning.speaking import array, started
from lstm_core.beyond.drawing import Drawing, Glimpses, bound, glimpses
from lstm_core.cells.base import Cell
from lstm_core.layer import Layer
from lstm_core.ops import TorchOps, parameters
from lstm_core.stored import Kind


class TorchDrawing(nn.Module):
    def __init__(self, cell: type[Cell], pixels: int, units: int, latent: int, points: int, glimpses: int) -> None:
        """points: on a side of a patch."""
        super().__init__()
        self.cell, self.pixels, self.units, self.latent, self.glimpses = cell, pixels, units, latent, glimpses
        self.encoder = Layer(cell, 2 * points**2 + units, units)
        self.decoder = Layer(cell, latent, units)
        sizes = {"read": 5, "write": 5, "mean": latent, "spread": latent, "w": points**2}
        self.between = started(
            {
                f"{kind}_{name}": (size, units)[: 2 if kind == "W" else 1]
                for name, size in sizes.items()
                for kind in "Wb"
            }
        )

    def run(self, x: Tensor, noise: Tensor) -> Glimpses:
        """See `lstm_core.beyond.drawing.glimpses`."""
        parts = {
            "encoder": self.encoder.layers()[0][0],
            "decoder": self.decoder.layers()[0][0],
            "between": dict(self.between.items()),
        }
        p = SimpleNamespace(
            **{name: parameters(one) for name, one in parts.items()}, pixels=self.pixels, units=self.units
        )
        return glimpses(p, x, noise, self.cell, TorchOps())

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, pixel): the bound of each, in nats."""
        return bound(x, self.run(x, torch.randn(self.glimpses, len(x), self.latent)), TorchOps())

    def model(self, name: str, examples: np.ndarray, meta: Mapping[str, Any], weights: Kind = "float32") -> Drawing:
        """The same network for NumPy, with pictures to show it on."""
        parts = {
            "encoder": self.encoder.layers()[0][0],
            "decoder": self.decoder.layers()[0][0],
            "between": dict(self.between.items()),
        }
        groups = {part: {key: array(value, weights) for key, value in one.items()} for part, one in parts.items()}
        return Drawing(name, self.cell, {**groups, "examples": {"pixels": examples}}, self.glimpses, dict(meta))
