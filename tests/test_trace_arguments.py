"""Wrong arguments of ``trace``, ``trace_all``, ``trace_chunks`` and ``trace_cell``: what is wrong, and what to do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from lstm_core import trace, trace_all, trace_cell, trace_chunks
from lstm_core.modules.arguments import reason_of
from tests.own_cases import CASES, built, mgu_step, sequence

X, H = torch.zeros(7, 2, 4), torch.zeros(1, 2, 5)


def partly_double() -> nn.Module:
    module = nn.LSTM(4, 5)
    module.weight_hh_l0 = nn.Parameter(torch.zeros(20, 5, dtype=torch.float64))
    return module


def complex_numbers() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of complex modules
        return nn.LSTM(4, 5).to(torch.complex64)


def hooked() -> nn.Module:
    module = nn.LSTM(4, 5)
    module.register_forward_pre_hook(lambda m, args: None)
    return module


def packed(x: Tensor) -> Any:
    return pack_padded_sequence(x, torch.tensor([7, 2]))


def by_hand(**parts: Any) -> dict[str, Any]:
    """Sequences of 7 steps and 2, with some parts that do not fit the others."""
    return {"x": packed(X)._replace(**parts)}


LSTM, GRU, RNN, CELL = (partial(kind, 4, 5) for kind in (nn.LSTM, nn.GRU, nn.RNN, nn.GRUCell))
MODULES: list[tuple[Callable[[], nn.Module], dict[str, Any], str]] = [
    (LSTM, {"x": torch.zeros(7, 2, 3)}, r"x is \(7, 2, 3\), 3 numbers a step; LSTM reads 4$"),
    (hooked, {"x": torch.zeros(7, 2, 3)}, r"3 numbers a step; LSTM reads 4$"),
    (GRU, {"x": packed(torch.zeros(7, 2, 3))}, r"3 numbers a step; GRU reads 4$"),
    (CELL, {"x": torch.zeros(7, 2, 3)}, "3 numbers a step; GRUCell reads 4$"),
    (LSTM, {"x": torch.zeros(7, 2, 4, 1)}, r"x is \(7, 2, 4, 1\); LSTM reads \(time, batch, input\), or one sequence"),
    (partial(nn.GRU, 4, 5, batch_first=True), {"x": torch.zeros(4)}, r"GRU reads \(batch, time, input\)"),
    (LSTM, {"x": torch.tensor(1.0)}, "x is a single number"),
    (RNN, {"x": torch.zeros(0, 2, 4)}, "x has no steps"),
    (CELL, {"x": torch.zeros(0, 2, 4)}, "x has no steps"),
    (LSTM, {"x": X.double()}, r"x is float64 and the weights of LSTM are float32; x.to\(torch.float32\)"),
    (LSTM, {"x": X.long()}, r"x is int64 and the weights of LSTM are float32; x.to\(torch.float32\)"),
    (complex_numbers, {"x": X.to(torch.complex64)}, "x holds complex numbers; only a network of real ones"),
    (partly_double, {}, r"the weights of LSTM are partly float32 and float64; module.to\(...\) makes them one"),
    (partial(nn.LSTM, 4, 5, device="meta"), {}, "the weights of LSTM are on the device meta"),
    (GRU, {"state": H.double()}, r"the state h is float64 and the weights of GRU are float32; h.to\(torch.float32\)"),
    (LSTM, {"state": (H, H.half())}, "the state c is float16 and the weights of LSTM are float32"),
    (GRU, {"state": (H,)}, "the state of GRU is h alone, a tensor; a tuple was given"),
    (CELL, {"state": (H[0],)}, "the state of GRUCell is h alone"),
    (
        RNN,
        {"x": X[:, :1], "state": H[0, :1]},
        r"the state h is \(1, 5\); \(layer \* direction, batch, unit\) is \(1, 1, 5\)",
    ),
    (RNN, {"x": X[:, 0], "state": H[:, :1]}, r"the state h is \(1, 1, 5\); \(layer \* direction, unit\) is \(1, 5\)"),
    (LSTM, {"x": X.to_sparse()}, "sparse or nested tensor; a dense one is needed"),
    (
        GRU,
        by_hand(batch_sizes=torch.tensor([2, 1, 2, 1, 1, 1, 1])),
        r"batch_sizes of x are \[2, 1, 2, .*never more than",
    ),
    (LSTM, by_hand(batch_sizes=torch.tensor([2, 2, 2, 1, 1, 1, 0])), r"1, 0\]; they count the .* at least 1 and never"),
    (LSTM, by_hand(batch_sizes=torch.tensor([10, -1])), r"batch_sizes of x are \[10, -1\]; they count the sequences"),
    (RNN, by_hand(batch_sizes=torch.tensor([2, 2, 1])), "batch_sizes of x add up to 5 and its data has 9 rows"),
    (GRU, by_hand(batch_sizes=torch.tensor([4, 4, 4])), "batch_sizes of x add up to 12 and its data has 9 rows"),
    (LSTM, by_hand(data=X[:0, 0], batch_sizes=torch.zeros(0).long()), "x has no steps"),
    (LSTM, by_hand(data=torch.tensor(1.0)), "x is a single number"),
    (LSTM, by_hand(data=torch.zeros(9)), r"x is \(9,\), 9 numbers a step; LSTM reads 4"),
    (LSTM, by_hand(batch_sizes=torch.tensor([2.0, 2, 1, 1, 1, 1, 1])), "batch_sizes of x are not one int64 a step"),
    (LSTM, by_hand(batch_sizes=torch.tensor([2, 2, 1, 1, 1, 1, 1]).int()), "pack_padded_sequence makes them"),
    (LSTM, by_hand(batch_sizes=torch.tensor([[9]])), "batch_sizes of x are not one int64 a step"),
    (LSTM, by_hand(batch_sizes=[2, 2, 1, 1, 1, 1, 1]), "batch_sizes of x are not one int64 a step"),
    (
        GRU,
        by_hand(sorted_indices=torch.tensor([0, 5])),
        r"sorted_indices of x are \[0, 5\]; .* from 0 to 1 \(int64\), each",
    ),
    (
        GRU,
        by_hand(sorted_indices=torch.tensor([1, 0])),
        r"unsorted_indices of x are \[\]; they are the",
    ),
    (
        GRU,
        by_hand(sorted_indices=torch.tensor([1, 0]), unsorted_indices=torch.tensor([1, 1])),
        r"unsorted_indices of x are \[1, 1\]; they are the numbers from 0 to 1",
    ),
    (
        LSTM,
        by_hand(sorted_indices=torch.tensor([1, 0]), unsorted_indices=torch.tensor([0, 1])),
        "unsorted_indices of x do not put back what its sorted_indices have moved",
    ),
    (
        LSTM,
        by_hand(sorted_indices=torch.tensor([1.0, 0.0]), unsorted_indices=torch.tensor([1, 0])),
        r"\(int64\), each once",
    ),
    (LSTM, {"lengths": [True, False]}, r"not a mask; of a mask \(batch, time\): mask.sum\(1\)"),
    (LSTM, {"lengths": torch.ones(2, 7, dtype=torch.bool)}, "not a mask"),
    (LSTM, {"signals": 3}, "signals must be a text or a list of texts, not 3"),
    (LSTM, {"signals": ["f", 3]}, "signals must be a text or a list of texts"),
]


@pytest.mark.parametrize(("make", "given", "reason"), MODULES)
def test_what_does_not_fit_a_module(make: Callable[[], nn.Module], given: dict[str, Any], reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        trace(make(), **{"x": X, **given})


def test_a_device_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.LSTM(4, 5)
    there = SimpleNamespace(device=torch.device("cuda", 0), dtype=torch.float32)
    monkeypatch.setattr(module, "parameters", lambda: iter([there]))
    assert str(reason_of(module, X, None)) == "x is on cpu and the weights of LSTM are on cuda:0; x.to('cuda:0')"


def test_what_may_differ_under_autocast() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert len(trace(nn.LSTM(4, 5), X.bfloat16())) == 7


def test_models_and_pieces() -> None:
    model = nn.Sequential(nn.LSTM(4, 5))
    with pytest.raises(TypeError, match=r"LSTM.forward\(\) missing 1 required positional argument: 'input'"):
        trace_all(nn.LSTM(4, 5))
    with pytest.raises(TypeError, match="unexpected keyword argument 'state'"):
        trace_all(nn.LSTM(4, 5), X, state=None)
    assert len(trace_all(nn.LSTM(4, 5), input=X, hx=None)[""]) == 7
    with pytest.raises(TypeError, match="force must be a text or a list of texts, not 3"):
        trace_all(model, X, force=3)  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(TypeError, match=r"steps must be a whole number, not 2\.5"):
        trace_chunks(nn.LSTM(4, 5), X, steps=2.5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"step": 3}, "step must be a function, not 3"),
        ({"step": mgu_step, "update": 3}, "update must be a function, not 3"),
        ({"names": ["wf"]}, "names must be a dict, not list"),
        ({"names": {"f": 3}}, "f is 3; a submodule's name is needed"),
        ({"step": mgu_step, "states": 3}, "states must be a list of texts, not 3"),
        ({"step": mgu_step, "initial": [1]}, "initial must be a dict, not list"),
        ({"step": mgu_step, "initial": {"q": torch.zeros(2, 4)}}, "initial has q; the states are h"),
        ({"step": mgu_step, "state": {"h": torch.zeros(2, 4), "q": X}}, "the state has q; the states are h"),
    ],
)
def test_what_does_not_fit_a_cell_of_ones_own(given: dict[str, Any], reason: str) -> None:
    case = CASES["mgu2"]
    with pytest.raises((ValueError, TypeError), match=reason):
        trace_cell(built(case), sequence(case), **given)


def test_time_and_batch_exchanged_are_spoken_of() -> None:
    class Running(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.cumsum(1), x.sum(1)

    def step(module: nn.Module, x: Tensor, s: Any) -> dict[str, Tensor]:
        return {"h": s.h + x}

    x = torch.randn(2, 7, 4)
    with pytest.raises(ValueError, match=r"if x is \(batch, time, ...\), say batch_first=True"):
        trace_cell(Running(), x, step=step, sequence=True, returns=("h", "h"))
    assert len(trace_cell(Running(), x, step=step, sequence=True, returns=("h", "h"), batch_first=True)) == 7
