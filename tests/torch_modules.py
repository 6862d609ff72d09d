"""Modules to trace, their inputs and states, and whether two traces are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import Trace

KINDS = ("lstm", "projected", "gru", "tanh", "relu")
KIND = pytest.mark.parametrize("kind", KINDS)
ATOL = {torch.float64: 1e-11, torch.float32: 2e-5}


def build(kind: str, dtype: torch.dtype = torch.float64, seed: int = 0, **options: Any) -> nn.RNNBase:
    """A module with 5 inputs and 6 units, in training mode as it is made, its random state left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "projected":
            module: nn.RNNBase = nn.LSTM(5, 6, proj_size=3, **options)
        elif kind in ("tanh", "relu"):
            module = nn.RNN(5, 6, nonlinearity=kind, **options)
        else:
            module = {"lstm": nn.LSTM, "gru": nn.GRU}[kind](5, 6, **options)
        for value in module.parameters():
            nn.init.normal_(value, std=0.4)
    return module.to(dtype)


def state_for(module: nn.RNNBase, batch: int, seed: int = 1) -> Any:
    generator = torch.Generator().manual_seed(seed)
    rows = module.num_layers * (1 + module.bidirectional)
    dtype = module.weight_hh_l0.dtype
    h, c = (
        torch.randn(rows, batch, size, generator=generator, dtype=torch.float64).tanh().to(dtype)
        for size in (module.proj_size or 6, 6)
    )
    return (h, c) if isinstance(module, nn.LSTM) else h


def random(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 2) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def check_same(found: Trace, expected: Trace, atol: float) -> None:
    assert list(found.signals) == list(expected.signals) == [signal.name for signal in expected.cell.signals]
    for name, value in expected.signals.items():
        assert found.signals[name].dtype == value.dtype
        np.testing.assert_allclose(found.signals[name], value, rtol=0, atol=atol, err_msg=name)
    assert found.max_abs_error is not None and found.max_abs_error <= atol
    assert found.lengths == expected.lengths


def own(module: nn.Module, x: torch.Tensor) -> np.ndarray:
    """The module's own output, (time, batch, direction * unit); a cell is run over the steps."""
    with torch.no_grad():
        if not isinstance(module, nn.RNNCellBase):
            output = module(x)[0]
            return (output.transpose(0, 1) if getattr(module, "batch_first", False) else output).numpy()
        state, rows = None, []
        for step in x:
            state = module(step, state)
            rows.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(rows).numpy()


def top(found: Trace) -> np.ndarray:
    """h of the top layer, laid out as ``own``."""
    return np.concatenate(list(found.signals["h"][-1]), axis=-1)


class Round(nn.Module):
    """A model round a module; a cell is run over the steps."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: torch.Tensor) -> Any:
        if not isinstance(self.rnn, nn.RNNCellBase):
            return self.rnn(x)[0]
        state = None
        for step in x:
            state = self.rnn(step, state)
        return state
