"""What ``trace`` refuses, and that it says why."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lstm_core
from lstm_core import trace
from lstm_core.modules import kernels
from lstm_core.modules.tracing import METHODS, trace_module
from tests.torch_modules import build, random

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


class Own(nn.LSTM):
    def forward(self, input: torch.Tensor, hx: Any = None) -> Any:
        return super().forward(input.flip(0), hx)


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(5, 5), nn.ReLU())
        self.rnn = nn.GRU(5, 6)


def changed() -> nn.Module:
    module = nn.LSTM(5, 6)
    module.forward = lambda *args: None  # type: ignore[method-assign]
    return module


def quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of its own quantisation
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.LSTM(5, 6)), {nn.LSTM}, dtype=torch.qint8)[0]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: nn.Linear(5, 6), "Linear cannot be traced: it is none of nn.LSTM, nn.GRU"),
        (lambda: Own(5, 6), "Own cannot be traced: its forward is not the one of nn.LSTM"),
        (changed, "LSTM cannot be traced: its forward is not the one"),
        (lambda: Whole(), "contains rnn: pass one of these, or the whole .* lstm_core.trace_all"),
        (quantised, "LSTM cannot be traced: it is quantised; pass the float module"),
    ],
)
def test_what_cannot_be_traced_says_why(make: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        trace(make(), torch.zeros(3, 1, 5))


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_scripted_modules_are_refused() -> None:
    scripted = torch.jit.script(nn.LSTM(5, 6))
    with pytest.raises(TypeError, match="scripted; pass the module that it was scripted from"):
        trace(scripted, torch.zeros(3, 1, 5))


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="x is a ndarray; a torch Tensor or a PackedSequence is needed"):
        trace(nn.LSTM(5, 6), np.zeros((3, 1, 5)))
    with pytest.raises(ValueError, match="no method 'best'; there are auto, graph"):
        trace_module(nn.LSTM(5, 6), torch.zeros(3, 1, 5), method="best")


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        ({"x": torch.zeros(3, 0, 5)}, "x is a batch of no sequences"),
        ({"x": torch.zeros(3, 2, 5, device="meta")}, "device meta, which holds no values"),
        ({"lengths": [3]}, r"lengths are 2 numbers from 1 to 3, not \[3\]"),
        ({"lengths": [3, 0]}, "lengths are 2 numbers from 1 to 3"),
        ({"lengths": [4, 1]}, "lengths are 2 numbers from 1 to 3"),
        ({"state": torch.zeros(1, 2, 6)}, "the state is h and c, each a tensor; 1 given"),
        ({"state": (torch.zeros(1, 2, 6), torch.zeros(1, 3, 6))}, r"the state c is \(1, 3, 6\); .* is \(1, 2, 6\)"),
    ],
)
def test_wrong_shapes(ask: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        trace(nn.LSTM(5, 6), **{"x": torch.zeros(3, 2, 5), **ask})


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
def test_an_output_that_is_nan_is_named(kind: str) -> None:
    for method in METHODS:
        with pytest.raises(RuntimeError, match="own output holds NaN or infinite values.*look for them in its input"):
            trace_module(build(kind, torch.float32), torch.full((3, 1, 5), torch.nan), method=method)


def changed_anew(module: nn.Module, args: Any, out: Any) -> Any:
    return out[0] * 1.5, out[1]


def changed_in_place(module: nn.Module, args: Any, out: Any) -> None:
    out[0].mul_(1.5)


@pytest.mark.parametrize("hook", [changed_anew, changed_in_place])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_hook_that_changes_the_output_is_noticed(kind: str, layers: int, hook: Any) -> None:
    module = build(kind, torch.float32, num_layers=layers)
    handle = module.register_forward_hook(hook)
    x = random(4, 1, 5, dtype=torch.float32)
    for method in METHODS:
        with pytest.raises(RuntimeError, match="differs from the module's own output"):
            trace_module(module, x, method=method)
    handle.remove()
    assert trace(module, x).max_abs_error < 1e-6


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
def test_the_certificate_says_by_how_much_the_output_differs(kind: str) -> None:
    module = build(kind, torch.float32)
    module.register_forward_hook(lambda m, args, out: (out[0] + 2e-5, out[1]))
    for method in METHODS:
        found = trace_module(module, random(1, 3, 5, dtype=torch.float32), method=method)  # no gate reads it
        assert found.max_abs_error == pytest.approx(2e-5, abs=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_wrong_layer_below_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """h of a lower layer is not in the module's output; its last state is, and it must fit."""
    original = kernels.run_layer
    monkeypatch.setattr(kernels, "run_layer", lambda call, layer, x: original(call, layer, x) + 1e-3)
    module = build(kind, num_layers=2)
    with pytest.raises(RuntimeError, match="differs from the module's own"):
        trace_module(module, random(6, 2, 5), method="product")


def test_the_public_names() -> None:
    assert {"trace", "trace_all", "trace_chunks", "load"} <= set(lstm_core.__all__)
