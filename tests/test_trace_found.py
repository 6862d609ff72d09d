"""Faults that were found by trying to prove traces wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import trace_all, trace_chunks
from tests.torch_modules import build, random


def test_each_piece_has_the_weights_that_it_ran_with() -> None:
    """Truncated backpropagation: an optimiser steps between two pieces."""
    module, ran = build("lstm", torch.float32), []
    for piece in trace_chunks(module, random(9, 2, 5, dtype=torch.float32), steps=3):
        own = module.weight_ih_l0.detach()[:6].numpy()
        np.testing.assert_array_equal(piece.layers[0][0]["W_i"], own)
        ran.append(own.copy())
        with torch.no_grad():
            module.weight_ih_l0.mul_(0.5)
    assert len(ran) == 3 and not np.array_equal(ran[0], ran[1])


class Decaying(nn.Module):
    """A loop whose weights change after every step, in a way that PyTorch does not notice."""

    def __init__(self, units: int, change: Any) -> None:
        super().__init__()
        self.cell, self.change = nn.LSTMCell(5, units), change

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state: Any = None
        for step in x:
            state = self.cell(step, state)
            self.change(self.cell.weight_ih)
        return state[0]


@pytest.mark.parametrize("units", [6, 400])  # few enough values to compare all, and more
@pytest.mark.parametrize("change", [lambda w: w.data.mul_(0.5), lambda w: np.multiply(w.data, 0.5, out=w.data.numpy())])
def test_weights_written_to_behind_the_back_of_pytorch(units: int, change: Any) -> None:
    """Steps with other weights are another trace, each with its own."""
    model = Decaying(units, change)
    first = model.cell.weight_ih.detach()[:units].numpy().copy()
    found = trace_all(model, random(3, 2, 5, dtype=torch.float32))
    assert list(found) == ["cell", "cell#2", "cell#3"]
    for k, one in enumerate(found.values()):
        np.testing.assert_array_equal(one.layers[0][0]["W_i"], first * 0.5**k)


@pytest.mark.parametrize("units", [6, 400])
def test_weights_that_are_not_numbers_stay_the_same(units: int) -> None:
    model = Decaying(units, lambda w: None)
    model.cell.weight_hh.data[1, 1] = torch.nan
    found = trace_all(model, random(3, 2, 5, dtype=torch.float32))
    assert list(found) == ["cell"] and found["cell"].broken is not None


def test_what_is_compared_of_weights_takes_no_random_numbers() -> None:
    model = nn.Sequential(nn.LSTM(5, 400), _Noise())
    torch.manual_seed(3)
    with torch.no_grad():
        expected = model(random(3, 2, 5, dtype=torch.float32))
    torch.manual_seed(3)
    found = trace_all(model, random(3, 2, 5, dtype=torch.float32), force=[])
    assert torch.equal(found.output, expected)


class _Noise(nn.Module):
    def forward(self, output: Any) -> torch.Tensor:
        return output[0] + torch.rand(1)
