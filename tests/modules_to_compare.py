"""Modules that the tests of ``lstm_core.compare`` compare, what they read, and one gate of theirs changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from converted import arrays
from torch import nn


def build(kind: str = "LSTM", seed: int = 0, width: int = 5, units: int = 6, **options: Any) -> nn.RNNBase:
    """Weights and biases well away from zero."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = getattr(nn, kind)(width, units, **options)
        for value in module.parameters():
            nn.init.normal_(value, std=0.4)
    return module


def read(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape or (7, 3, 5)).astype(np.float32)


def blocks(
    module: nn.RNNBase, part: str, function: Callable[[np.ndarray], np.ndarray], at: int
) -> dict[str, np.ndarray]:
    """Its state_dict, with one gate's block of every ``part`` ("weight", "bias") changed."""
    found = arrays(module)
    count = {"LSTM": 4, "GRU": 3, "RNN": 1}[type(module).__name__]
    for name, value in found.items():
        if any(name.startswith(one) for one in part.split()):
            rows = np.split(value, count)
            rows[at] = function(rows[at])
            found[name] = np.concatenate(rows)
    return found
