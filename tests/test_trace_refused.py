"""What ``trace`` refuses, and that it says why."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lstm_core
from lstm_core import trace, trace_all, trace_chunks
from lstm_core.modules import kernels
from lstm_core.modules.call import Call
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


def exported() -> Any:
    return torch.export.export(nn.Sequential(nn.LSTM(5, 6)), (torch.zeros(3, 1, 5),))


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (exported, "ExportedProgram cannot be traced: it holds operations, not modules; pass the module it was made"),
        (lambda: nn.LSTM(5, 6).forward, "LSTM.forward cannot be traced: it is a method; pass the module itself"),
        (lambda: nn.LSTM(5, 6).__call__, "LSTM.* cannot be traced: it is a method; pass the module itself"),
        (lambda: torch.compile(nn.LSTM(5, 6).forward, backend="eager"), "cannot be traced: it is a"),
        (lambda: lambda x: x, "cannot be traced: it is a function; pass the module that it calls"),
        (lambda: nn.LSTM, "LSTM cannot be traced: it is a class; pass a module that was made from it"),
        (lambda: nn.LSTM(5, 6).state_dict(), "OrderedDict cannot be traced: it is not a torch module; pass the module"),
        (lambda: lstm_core.load_model("pronouns-gru"), r"Network cannot be traced here: it runs without"),
        (lambda: "model.pt", r"a file cannot be traced as a torch module: lstm_core.load\(path\).trace\(x\)"),
        (lambda: None, "NoneType cannot be traced: it is not a torch module"),
    ],
)
def test_what_is_not_a_module_is_refused_in_a_sentence(make: Any, reason: str) -> None:
    thing, x = make(), torch.zeros(3, 1, 5)
    for ask in (lambda: trace(thing, x), lambda: trace_all(thing, x), lambda: trace_chunks(thing, x, steps=2)):
        with pytest.raises(TypeError, match=reason) as error:
            ask()
        assert len(str(error.value)) < 120


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: nn.Sequential(nn.Linear(5, 6)), "lstm_core.trace_cell traces a recurrence that is written out"),
        (lambda: exported().module(), "operations: pass the module that it was made from"),
        (lambda: torch.fx.symbolic_trace(nn.Linear(5, 6)), "operations: pass the module that it was made from"),
        (lambda: torch.ao.nn.quantizable.LSTM(5, 6), "pass the nn.LSTM that it was made from"),
    ],
)
def test_where_nothing_recurrent_is_found_it_says_what_to_pass(make: Any, advice: str) -> None:
    module, x = make(), torch.zeros(3, 1, 5)
    with pytest.raises(TypeError, match=f"it is none of .*{advice}"):
        trace(module, x)
    with pytest.raises(ValueError, match=f"contains no recurrent module; .*{advice}"):
        trace_all(module, x)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_scripted_modules_are_refused() -> None:
    scripted = torch.jit.script(nn.LSTM(5, 6))
    with pytest.raises(TypeError, match="scripted; pass the module that it was scripted from"):
        trace(scripted, torch.zeros(3, 1, 5))


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match=r"x is a ndarray; torch.from_numpy\(x\), a torch Tensor or a Packed"):
        trace(nn.LSTM(5, 6), np.zeros((3, 1, 5)))
    with pytest.raises(ValueError, match="no method 'best'; there are auto, onednn"):
        trace_module(nn.LSTM(5, 6), torch.zeros(3, 1, 5), method="best")


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        ({"x": torch.zeros(3, 0, 5)}, "x is a batch of no sequences"),
        ({"x": torch.zeros(3, 2, 5, device="meta")}, "device meta, which holds no values"),
        ({"lengths": [3]}, r"lengths are 2 numbers from 1 to 3, not \[3\]"),
        ({"lengths": 3}, "lengths is a list of numbers, one for each sequence, not 3 alone"),
        ({"lengths": [3, float("inf")]}, "lengths are 2 numbers from 1 to 3"),
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
def test_the_certificate_says_by_how_much_the_output_differs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, original = build(kind, torch.float32), Call.take
    monkeypatch.setattr(Call, "output_is_ours", lambda call: False)
    monkeypatch.setattr(Call, "take", lambda call, result: original(call, (result[0] + 2e-5, result[1])))
    for method in METHODS:
        found = trace_module(module, random(1, 3, 5, dtype=torch.float32), method=method)  # no gate reads it
        assert found.max_abs_error == pytest.approx(2e-5, abs=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_wrong_layer_below_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """h of a lower layer is not in the module's output; its last state is, and it must fit."""
    original = kernels.run_layer
    monkeypatch.setattr(kernels, "run_layer", lambda call, layer, x: original(call, layer, x) + 1e-3)
    module = build(kind, num_layers=2)
    with pytest.raises(RuntimeError, match="differs from"):
        trace_module(module, random(6, 2, 5), method="product")


def test_what_the_module_itself_raises_is_its_own() -> None:
    """Its type and its words, and a note that they are the module's: inside a model, and where the arguments fit."""

    def fails(module: nn.Module, args: Any) -> None:
        raise RuntimeError("out of luck")

    for module in (nn.LSTM(5, 6), nn.GRU(5, 6)):
        note = [f"This is what {type(module).__name__} itself raised when it ran on these inputs."]
        with pytest.raises(RuntimeError, match=r"^input.size\(-1\) must be equal to input_size") as error:
            trace_all(module, torch.zeros(3, 1, 4))
        assert error.value.__notes__ == note
        module.register_forward_pre_hook(fails)
        with pytest.raises(RuntimeError, match="^out of luck$"):
            trace(module, torch.zeros(3, 1, 5))


def test_the_public_names() -> None:
    assert {"trace", "trace_all", "trace_chunks", "load"} <= set(lstm_core.__all__)
