"""Where NumPy is told to raise, ``np.seterr(all="raise")``, what is too small for a number is 0, as by default."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lstm_core
from lstm_core import Trace, analysis

pytestmark = pytest.mark.usefixtures("in_place")
SIZES = 1.0, 1e2, 1e20
"""Of what the module reads: the larger, the closer its gates are to 0 and 1, beyond what float32 can hold."""


def made(kind: str, size: float) -> tuple[Any, nn.Module, np.ndarray]:
    """A block, the module that it was saved from, and what both read, (time, batch, input)."""
    torch.manual_seed(0)
    module, file = getattr(nn, kind)(4, 5, 2, bidirectional=True), io.BytesIO()
    torch.save(module.state_dict(), file)
    x = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(1)) * size
    return lstm_core.load(file.getvalue()).blocks[0], module, x.numpy()


RUNS: dict[str, Callable[[Any, nn.Module, np.ndarray], Any]] = {
    "block": lambda block, module, x: block.trace(x),
    "module": lambda block, module, x: lstm_core.trace(module, torch.from_numpy(x)),
    "chunks": lambda block, module, x: list(lstm_core.trace_chunks(type(module)(4, 5), torch.from_numpy(x), steps=2)),
    "compare": lambda block, module, x: lstm_core.compare(module, block, torch.from_numpy(x)),
}
ANALYSES: dict[str, Callable[[Trace], Any]] = {
    "intervene": lambda trace: analysis.intervene(trace, analysis.Force("h", 0.25, (0,), layer=0)),
    "gradients": lambda trace: analysis.gradients(trace, -1, np.ones(10)),
    "flow": lambda trace: analysis.flow(trace, -1),
    "jacobians": lambda trace: analysis.jacobians(trace, -1),
    "health": analysis.health,
    "timescales": analysis.timescales,
    "saturation": analysis.saturation,
    "memory": lambda trace: analysis.memory(trace, -1),
    "retention": lambda trace: analysis.retention(trace, 0),
    **{
        f"attribution, {way}": partial(lambda way, trace: analysis.attribution(trace, np.ones(10), way), way)
        for way in ("gradient", "integrated", "relevance", "exact")
    },
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("run", RUNS)
def test_a_run(run: str, kind: str, size: float) -> None:
    given = made(kind, size)
    with np.errstate(all="raise"):
        RUNS[run](*given)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis(name: str, kind: str, size: float) -> None:
    block, _, x = made(kind, size)
    trace = block.trace(x)
    with np.errstate(all="raise"):
        ANALYSES[name](trace)


def test_a_network() -> None:
    model = lstm_core.load_model("pronouns-lstm")
    with np.errstate(all="raise"):
        model.next_tokens(model.run("Mary was hungry because"), step=-1, k=3)
