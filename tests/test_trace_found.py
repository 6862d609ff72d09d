"""Faults that were found by trying to prove traces wrong."""

from __future__ import annotations

import io
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import AXES, trace, trace_all, trace_chunks
from lstm_core.analysis import intervene
from lstm_core.certificate import joined
from lstm_core.modules import product as product_way
from lstm_core.modules.run import Run
from lstm_core.modules.tracing import cell_of, trace_module
from lstm_core.text import Token
from tests.torch_modules import build, random

TOKENS = tuple(Token(letter, k, k + 1, k, letter, True, k) for k, letter in enumerate("abc"))

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


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


class Doubling(nn.LSTM):
    """A module that reads twice what it is given, without a forward of its own."""

    def __call__(self, input: Any, hx: Any = None) -> Any:
        return super().__call__(2 * input, hx)


def test_a_module_with_a_call_of_its_own_is_refused() -> None:
    """oneDNN's workspace holds the gates of 2 x, and the trace said that it had read x."""
    with pytest.raises(TypeError, match="Doubling cannot be traced: its __call__ is not the one of nn.Module"):
        trace(Doubling(5, 6).eval(), random(4, 2, 5, dtype=torch.float32))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("method", ["onednn", "recorded"])
def test_what_a_kernel_reads_is_what_the_trace_says(kind: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Module, "__call__", lambda self, x, hx=None: self.forward(2 * x, hx))
    with pytest.raises(RuntimeError, match="the trace's h differs from the module's own output"):
        trace_module(build(kind, torch.float32).eval(), random(4, 2, 5, dtype=torch.float32), method=method)


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru"])
@pytest.mark.parametrize("signals", ["h", "z", "i", "cf"])
def test_a_part_of_the_signals(kind: str, signals: str) -> None:
    """As tables and final states, of those that there are; a file is of a whole trace."""
    module = build(kind, torch.float32, num_layers=2)
    names = [signal.name for signal in cell_of(module).signals if signal.name in signals]
    if not names:
        return
    x = random(4, 2, 5, dtype=torch.float32)
    part, whole = trace(module, x, signals=names), trace(module, x)
    table, wide, arrays = part.to_pandas(), part.to_pandas(wide=True), part.to_xarray()
    assert set(table["signal"]) == set(names) == set(wide.columns) - set(AXES)
    for name in names:
        np.testing.assert_array_equal(arrays[name].values, whole[name])
        np.testing.assert_array_equal(wide[name].dropna().to_numpy(), whole[name].ravel())
    assert part.final.keys() == whole.final.keys() & set(names)
    for name, value in part.final.items():
        np.testing.assert_array_equal(value, whole.final[name])
    with pytest.raises(ValueError, match=r"made without .*numpy.savez_compressed\(file, \*\*trace\)"):
        part.to_npz(io.BytesIO())
    np.savez_compressed(io.BytesIO(), **part)


def test_an_array_of_xarray_says_what_was_proved() -> None:
    one = trace(build("gru", torch.float32), random(4, 2, 5, dtype=torch.float32))
    assert one.to_xarray().attrs["certificate"] == str(one.certificate)


def test_a_trace_kept_on_the_device_can_be_pickled() -> None:
    one = trace(build("gru", torch.float32), random(4, 2, 5, dtype=torch.float32), keep="device")
    again = pickle.loads(pickle.dumps(one))
    for name, value in one.signals.items():
        np.testing.assert_array_equal(again[name], value)
    np.testing.assert_array_equal(again.layers[0][0]["W_r"], one.layers[0][0]["W_r"])


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"tokens": TOKENS[:2]}, ValueError, "4 steps have 2 tokens"),
        ({"tokens": ("a", "b")}, TypeError, "tokens must be a list of tokens, not tuple"),
        (
            {"state": (torch.zeros(1, 2, 6), None)},
            TypeError,
            "the state holds a NoneType; it is h and c, each a tensor",
        ),
        ({"state": np.zeros((1, 2, 6))}, TypeError, "the state holds a ndarray"),
        ({"lengths": "ab"}, TypeError, "lengths are 2 whole numbers, not 'ab'"),
        ({"lengths": [2.5, 4]}, ValueError, "lengths are whole numbers, not"),
        ({"layers": "1"}, TypeError, "layers must be a whole number or a list of whole numbers, not '1'"),
        ({"layers": 0.5}, TypeError, "layers must be a whole number or a list of whole numbers, not 0.5"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(given: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=re.escape(said)):
        trace(build("lstm", torch.float32), random(4, 2, 5, dtype=torch.float32), **given)


def test_tokens_of_pieces_and_of_a_cell_of_no_steps() -> None:
    x = random(4, 2, 5, dtype=torch.float32)
    with pytest.raises(ValueError, match="4 steps have 3 tokens"):
        trace_chunks(build("gru", torch.float32), x, tokens=TOKENS, steps=2)
    with pytest.raises(TypeError, match="x is a list; a torch Tensor, or an array"):
        trace_chunks(build("gru", torch.float32), x.tolist(), steps=2)
    with pytest.raises(ValueError, match="x has no steps"):
        trace(nn.GRUCell(5, 6), x[:0])
    assert len(trace(build("gru", torch.float32, num_layers=2), x, layers=np.int64(1)).layers) == 1


@pytest.mark.parametrize("hooked", [False, True])
def test_other_threads_run_and_trace_the_same_model(hooked: bool) -> None:
    """What one thread traces is its own run; the others' runs stay what they are."""
    inner = build("lstm", torch.float32).eval()
    if hooked:
        inner.register_forward_pre_hook(lambda module, args: None)
    model, inputs = nn.Sequential(inner), [random(40, 2, 5, dtype=torch.float32, seed=k) for k in range(3)]
    with torch.no_grad():
        expected = [model(x)[0] for x in inputs]
    works = [
        lambda x: torch.from_numpy(trace_all(model, x)["0"]["h"][0, 0]),
        lambda x: torch.from_numpy(trace(inner, x)["h"][0, 0]),
        lambda x: model(x)[0].detach(),
    ]

    def go(k: int) -> bool:
        return all(torch.allclose(works[k](inputs[k]), expected[k], atol=1e-6) for _ in range(25))

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(go, range(3)))
    assert "forward" not in vars(inner) and len(inner._forward_pre_hooks) == hooked


class Watching(nn.Module):
    """A model that traces a part of itself as it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.seen = build("gru", torch.float32), []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(trace_all(self.rnn, x) or None)
        return self.rnn(x)[0]


def test_a_trace_within_a_trace() -> None:
    model, x = Watching(), random(4, 2, 5, dtype=torch.float32)
    found = trace_all(model, x)
    assert list(found) == ["rnn", "rnn#2"] and not model.seen and "forward" not in vars(model.rnn)
    np.testing.assert_array_equal(found["rnn"]["h"], found["rnn#2"]["h"])
    assert not model.rnn._forward_hooks and not model.rnn._forward_pre_hooks


def test_what_if_of_a_part_of_the_signals() -> None:
    part = trace(build("gru", torch.float32), random(4, 2, 5, dtype=torch.float32), signals="h")
    assert list(intervene(part, ["h[0]@2=1"]).difference) == ["h"]


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru", "tanh"])
def test_the_weight_that_broke_a_value_is_one_of_its_own(kind: str) -> None:
    """Another bad weight stands before it in torch's order."""
    module = build(kind, torch.float32)
    rows = len(module.weight_ih_l0)
    module.weight_ih_l0.data[rows - 1, 2] = torch.nan
    module.bias_hh_l0.data[1] = torch.nan
    broken = trace(module, random(4, 2, 5, dtype=torch.float32)).broken
    assert broken is not None and (broken.unit, broken.origin, broken.place) == (1, "weight", "bias_hh_l0[1]")


def test_a_bad_weight_of_the_projection() -> None:
    module = build("projected", torch.float32, num_layers=2)
    module.weight_hr_l1.data[2, 4] = torch.nan
    broken = trace(module, random(4, 2, 5, dtype=torch.float32)).broken
    assert broken is not None
    assert (broken.signal, broken.layer, broken.unit, broken.place) == ("h", 1, 2, "weight_hr_l1[2, 4]")


@pytest.mark.parametrize("bad", ["input", "weight", "overflow"])
@pytest.mark.parametrize("layers", [1, 2])
def test_what_an_activation_is_given_may_be_infinite(bad: str, layers: int) -> None:
    """The tanh of it is 1, and the module goes on with that; so does the trace."""
    module, x = build("tanh", torch.float32, num_layers=layers), random(6, 2, 5, dtype=torch.float32).abs()
    if bad == "input":
        x[2, 1, 3] = torch.inf
    elif bad == "weight":
        module.weight_ih_l0.data[2, 3] = -torch.inf
    else:
        x[2, 1] = 3e38
        module.weight_ih_l0.data.abs_().add_(1)
    found = trace(module, x)
    assert found.broken is None and found.lengths is None and len(found) == 6
    assert np.isinf(found["a"][0]).any() and np.isfinite(found["h"]).all()
    np.testing.assert_array_equal(found["h"][-1, 0], module(x)[0].detach().numpy())
    assert found.certificate is not None and found.certificate.places > 0


def test_an_infinite_relu_breaks_and_a_sequence_beside_it_does_not() -> None:
    module, x = build("relu", torch.float32), random(6, 2, 5, dtype=torch.float32)
    x[2, 1], x[3, 0] = torch.inf, 1.0
    module.weight_ih_l0.data[:] = 0.1
    module.weight_ih_l0.data[0] = -0.1  # infinite as well, and its relu is 0
    found = trace(module, x)
    assert found.broken is not None and found.lengths == (6, 3)
    assert (found.broken.signal, found.broken.unit, found.broken.value) == ("a", 1, np.inf)


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
def test_of_a_run_that_breaks_at_once_nothing_is_said_to_be_compared(kind: str) -> None:
    """It said that h was right everywhere, to 0.0."""
    module, x = build(kind, torch.float32), random(6, 2, 5, dtype=torch.float32)
    x[0] = torch.nan
    found = trace(module, x)
    assert found.broken is not None and len(found) == 1
    assert found.max_abs_error is None and str(found.certificate) == "nothing compared"
    module.flatten_parameters()
    pieces = list(trace_chunks(module, random(6, 2, 5, dtype=torch.float32), steps=3))
    parts = [part.certificate for part in (found, *pieces)]
    both = joined([part for part in parts if part is not None])
    assert both is not None and both.sampled.keys() == pieces[0].certificate.sampled.keys()  # type: ignore[union-attr]


UNSCALED = [
    ("lstm", "product"),
    ("lstm", "auto"),
    ("gru", "auto"),
    ("tanh", "auto"),
    ("relu", "auto"),
    ("projected", "auto"),
]


def unscaled(kind: str, size: float, dtype: torch.dtype = torch.float32) -> tuple[nn.RNNBase, torch.Tensor]:
    """Prices, or times in seconds: far from zero, and what is learned is their difference."""
    generator = torch.Generator().manual_seed(0)
    options = {"proj_size": 5} if kind == "projected" else {"nonlinearity": kind} if kind in ("tanh", "relu") else {}
    module = {"gru": nn.GRU, "lstm": nn.LSTM, "projected": nn.LSTM}.get(kind, nn.RNN)(200, 32, **options)
    with torch.no_grad():
        for value in module.parameters():
            value.copy_(torch.empty_like(value).uniform_(-0.2, 0.2, generator=generator))
        module.weight_ih_l0 -= module.weight_ih_l0.mean(1, keepdim=True)
    return module.to(dtype).eval(), (torch.randn(60, 4, 200, generator=generator) + size).to(dtype)


@pytest.mark.parametrize(("kind", "method"), UNSCALED)
@pytest.mark.parametrize("size", [10, 1e4, 1e5])
def test_inputs_that_nobody_scaled_are_traced(kind: str, method: str, size: float) -> None:
    """Rounding moves a gate by up to 0.01 where 1e5 cancels out, and the module's own are no better known."""
    module, x = unscaled(kind, size)
    found = trace_module(module, x, method=method)
    assert found.broken is None and found.certificate is not None
    with torch.no_grad():
        np.testing.assert_array_equal(found["h"][0, 0], module(x)[0].numpy())
    if size == 10:
        assert not found.assumed


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_relu_that_grows_in_half_precision(dtype: torch.dtype) -> None:
    """Its sums of hundreds are rounded by 0.5, and those near 0 with them."""
    module, x = unscaled("relu", 0.0, dtype)
    assert trace(module, 30 * x).broken is None


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "relu"])
def test_what_rounding_explains_is_said_and_what_it_does_not_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order the processor adds up: gates are moved by hand."""
    whole, by = product_way._activate, 0.01

    def moved(run: Run, gates: torch.Tensor, inner: Any) -> None:
        whole(run, gates, inner)
        gates[7] += by

    monkeypatch.setattr(product_way, "_activate", moved)
    module, x = unscaled(kind, 1e5)
    said = trace_module(module, x, method="product").assumed
    assert any("rounding in float32 explains a difference" in sentence for sentence in said)
    by = 0.3
    module, x = unscaled(kind, 1e4)
    with pytest.raises(RuntimeError, match="is not shown"):
        trace_module(module, x, method="product")


class Streaming(nn.Module):
    """A model that keeps its state where few look for one."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.kept, self.counts = build("gru", torch.float32), SimpleNamespace(h=None, seen=[]), np.zeros(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, self.kept.h = self.rnn(x, self.kept.h)
        self.kept.seen.append(len(x))
        self.kept.new = self.counts
        self.counts += 1
        return output


def test_a_state_in_a_namespace_or_an_array_is_put_back() -> None:
    model, x = Streaming(), random(4, 2, 5, dtype=torch.float32)
    model(x)
    before, counts = dict(vars(model.kept)), model.counts.copy()
    first, second = trace_all(model, x)["rnn"], trace_all(model, x)["rnn"]
    np.testing.assert_array_equal(first["h"], second["h"])
    assert vars(model.kept).keys() == before.keys() and model.kept.h is before["h"] and model.kept.seen == [4]
    np.testing.assert_array_equal(model.counts, counts)


@pytest.mark.parametrize(("name", "force"), [("0", "h[0]@4=0"), ("0", "h[0]@3:3=0"), ("cell", "h[0]@200:=0")])
def test_what_is_forced_at_steps_that_there_are_not_is_said(name: str, force: str) -> None:
    """The model ran as it was, and nothing told that the intervention had not taken place."""
    model = nn.Sequential(build("gru", torch.float32)) if name == "0" else Decaying(6, lambda w: None)
    x = random(4, 2, 5, dtype=torch.float32)
    with pytest.raises(ValueError, match=rf"reaches no step of '{name}', which took 4 \(0 to 3\)"):
        trace_all(model, x, force=[f"{name}: h[1]@1=0", f"{name}: {force}"])
