"""The networks that imagine (`lstm_core.beyond.imagining`), as they learn with PyTorch: the same functions."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lab.learning.speaking import array, started
from lstm_core.beyond.imagining import Imagining, Kind, bound, run
from lstm_core.cells.base import Cell
from lstm_core.layer import Layer
from lstm_core.ops import TorchOps, parameters
from lstm_core.stored import Kind as Stored


def two_layers(reads: int, between: int, says: int) -> nn.ParameterDict:
    sizes = {"W": (between, reads), "b": (between,)}
    ends = {f"{kind}_{end}": (says, between)[: 2 if kind == "W" else 1] for end in ("mean", "log") for kind in "Wb"}
    return started({**sizes, **ends})


class TorchImagining(nn.Module):
    def __init__(self, kind: Kind, cell: type[Cell], numbers: int, units: int, latent: int, between: int) -> None:
        """between: units of the layer of tanh in prior, posterior and out."""
        super().__init__()
        self.kind: Kind = kind
        self.cell, self.units, self.numbers, self.latent = cell, units, numbers, latent
        reads = numbers + (0 if kind == "plain" else latent)
        self.layers = nn.ModuleDict({"cell": Layer(cell, reads, units)})
        if kind == "storn":
            self.layers["reader"] = Layer(cell, numbers, units)
        says = {"out": (units + (latent if kind == "vrnn" else 0), numbers)}
        if kind != "plain":
            says["posterior"] = (units + (numbers if kind == "vrnn" else 0), latent)
        if kind == "vrnn":
            says["prior"] = (units, latent)
        self.parts = nn.ModuleDict({name: two_layers(reads, between, size) for name, (reads, size) in says.items()})

    def groups(self) -> dict[str, dict[str, Tensor]]:
        found = {name: dict(part.items()) for name, part in self.parts.items()}  # type: ignore[operator]
        return {**found, **{name: layer.layers()[0][0] for name, layer in self.layers.items()}}  # type: ignore[operator]

    def forward(self, x: Tensor) -> Tensor:
        """x (time, batch, number): the bound of each step, (time, batch), in nats."""
        parts = {name: parameters(part) for name, part in self.groups().items()}
        p = SimpleNamespace(**parts, units=self.units, numbers=self.numbers)
        noise = torch.randn(*x.shape[:2], self.latent)
        return bound(run(self.kind, p, x, noise, self.cell, TorchOps()), TorchOps())

    def model(self, name: str, examples: np.ndarray, meta: Mapping[str, Any], weights: Stored = "float32") -> Imagining:
        """The same network for NumPy, with lines to show it on."""
        groups = {
            part: {key: array(value, weights) for key, value in one.items()} for part, one in self.groups().items()
        }
        return Imagining(name, self.kind, self.cell, groups, examples, dict(meta))
