"""Our scan with a module's weights gives what torch.nn gives: 1e-12 in float64, 1e-6 in float32, on both back ends."""

from __future__ import annotations

import cases
import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import Trace, stacked, trace
from lstm_core.modules import proof
from lstm_core.modules.tracing import cell_of, layers_of

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
ATOL = {torch.float64: 1e-12, torch.float32: 1e-6}
KIND = pytest.mark.parametrize("kind", KINDS)


def build(kind: str, dtype: torch.dtype = torch.float64, **options) -> nn.RNNBase:
    """A module with input size 5 and 6 units, whose weights and biases are all well away from zero."""
    torch.manual_seed(0)
    module = KINDS[kind](5, 6, **options).to(dtype)
    for value in module.parameters():
        nn.init.normal_(value, std=0.4)
    return module.eval()


def beginning(kind: str, module: nn.RNNBase, *batch: int):
    """A random state in the layout that the module takes, and the same by name for our scan."""
    directions = 2 if module.bidirectional else 1
    dtype = next(module.parameters()).dtype
    h, c = (torch.randn(module.num_layers * directions, *batch, 6, dtype=dtype).tanh() for _ in range(2))
    shape = (module.num_layers, directions, *batch, 6)
    named = {"h": h.reshape(shape).numpy(), "c": c.reshape(shape).numpy()}
    return ((h, c), named) if kind == "lstm" else (h, {"h": named["h"]})


@KIND
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", ATOL)
@pytest.mark.parametrize("backend", cases.BACKENDS)
def test_equals_torch(
    kind: str, layers: int, bidirectional: bool, bias: bool, dtype: torch.dtype, backend: str
) -> None:
    """Outputs of all steps and the last states, from zero and from a given state."""
    module = build(kind, dtype, num_layers=layers, bidirectional=bidirectional, bias=bias)
    x = torch.randn(9, 3, 5, dtype=dtype)
    weights = [[{k: v.numpy() for k, v in p.items()} for p in row] for row in layers_of(module)]
    for state, named in ((None, None), beginning(kind, module, 3)):
        with torch.no_grad():
            output, last = module(x, state)
        signals, final = cases.run(cell_of(module), weights, x.numpy(), named, backend)
        top = np.concatenate(list(signals["h"][-1]), axis=-1)
        assert top.dtype == output.numpy().dtype
        np.testing.assert_allclose(top, output.numpy(), rtol=0, atol=ATOL[dtype])
        for name, value in zip(("h", "c"), last if kind == "lstm" else (last,), strict=False):
            expected = value.numpy().reshape(final[name].shape)
            np.testing.assert_allclose(final[name], expected, rtol=0, atol=ATOL[dtype])


def h_of_gates(kind: str, found: Trace) -> np.ndarray:
    """The top layer's output, (time, batch, 2 * unit), from everything but h itself at the same step."""
    top = {name: value[-1] for name, value in found.signals.items()}
    if kind == "lstm":
        h = top["o"] * np.tanh(top["c"])
    elif kind == "rnn":
        h = np.tanh(top["a"])
    else:
        first = found.initial["h"][-1]
        past = np.stack([np.r_[first[:1], top["h"][0, :-1]], np.r_[top["h"][1, 1:], first[1:]]])
        h = (1 - top["z"]) * top["n"] + top["z"] * past
    return np.concatenate(list(h), axis=-1)


@KIND
@pytest.mark.parametrize("layout", ["time first", "batch first", "no batch"])
@pytest.mark.parametrize("dtype", ATOL)
def test_trace_takes_what_the_module_takes(kind: str, layout: str, dtype: torch.dtype) -> None:
    """Every layout, with and without a state: the traced h is the module's own, and max_abs_error says how close to it
    the gates lead."""
    module = build(kind, dtype, num_layers=2, bidirectional=True, batch_first=layout == "batch first")
    shape, batch = {"time first": ((9, 3), (3,)), "batch first": ((3, 9), (3,)), "no batch": ((9,), ())}[layout]
    x = torch.randn(*shape, 5, dtype=dtype)
    for state in (None, beginning(kind, module, *batch)[0]):
        found = trace(module, x, state)
        with torch.no_grad():
            output = module(x, state)[0]
        if layout == "batch first":
            output = output.transpose(0, 1)
        output = output.reshape(9, -1, 12).numpy()
        top = np.concatenate(list(found.signals["h"][-1]), axis=-1)
        eps = 2 * np.finfo(top.dtype).eps  # a second run: kernels may differ in the last digit
        np.testing.assert_allclose(top, output, rtol=0, atol=eps)
        largest = np.abs(h_of_gates(kind, found) - top).max()
        assert largest <= ATOL[dtype] and abs(found.max_abs_error - largest) <= eps
        assert found.device == "cpu" and found.seconds > 0 and found.inputs.shape[0] == len(found) == 9
        if state is None:
            assert not any(value.any() for value in found.initial.values())
        else:
            h = state[0] if isinstance(state, tuple) else state
            np.testing.assert_array_equal(found.initial["h"], h.numpy().reshape(found.initial["h"].shape))


@KIND
def test_a_trace_carries_all_it_was_computed_from(kind: str) -> None:
    """Running the trace's own layers on its own inputs from its own first state gives its signals."""
    module = build(kind, num_layers=2, bidirectional=True)
    found = trace(module, torch.randn(4, 3, 5, dtype=torch.float64), beginning(kind, module, 3)[0])
    again, _ = cases.run(found.cell, found.layers, found.inputs, found.initial)
    for name, value in again.items():
        np.testing.assert_allclose(found.signals[name], value, rtol=0, atol=1e-12)


@KIND
def test_gates_come_from_the_blocks_that_torch_documents(kind: str) -> None:
    """Rows of weight_ih_l0 and weight_hh_l0, by torch's documentation: W_ii|W_if|W_ig|W_io and W_ir|W_iz|W_in."""
    module = build(kind)
    [[params]], theirs = layers_of(module), module.state_dict()
    for k, letter in enumerate({"lstm": "ifgo", "gru": "rzn", "rnn": "a"}[kind]):
        rows = slice(6 * k, 6 * k + 6)
        assert torch.equal(params[f"W_{letter}"], theirs["weight_ih_l0"][rows])
        assert torch.equal(params[f"U_{letter}"], theirs["weight_hh_l0"][rows])
        bias = params[f"b_{letter}"] + params.get(f"b_h{letter}", 0)
        torch.testing.assert_close(bias, theirs["bias_ih_l0"][rows] + theirs["bias_hh_l0"][rows])


def test_low_precision_is_traced() -> None:
    for dtype in (torch.bfloat16, torch.float16):
        module = build("lstm", dtype)
        found = trace(module, torch.randn(5, 1, 5, dtype=dtype))
        assert found.max_abs_error is not None and found.max_abs_error < 5e-2
        assert np.isfinite(found.signals["c"]).all()


def test_a_trace_that_is_not_the_modules_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swap two blocks of the weights on the way: the difference from the module's output is found and reported."""
    monkeypatch.setitem(stacked.GATES, "lstm", "figo")
    for of_letters in (proof.HALVES, proof.RAISED):
        monkeypatch.setitem(of_letters, "figo", of_letters["ifgo"])
    with pytest.raises(RuntimeError, match=r"differs from .* by \d\.\d+, more than 1e-10"):
        trace(build("lstm"), torch.randn(5, 1, 5, dtype=torch.float64))


def test_what_cannot_be_traced_is_refused_with_the_reason() -> None:
    with pytest.raises(TypeError, match="Linear cannot be traced: it is none of nn.LSTM, nn.GRU, nn.RNN"):
        trace(nn.Linear(5, 6), torch.zeros(2, 1, 5))


def test_active_dropout_is_refused() -> None:
    module = build("lstm", num_layers=2, dropout=0.5)
    x = torch.randn(4, 1, 5, dtype=torch.float64)
    assert trace(module, x).max_abs_error is not None  # eval(): dropout does nothing
    with pytest.raises(ValueError, match=r"dropout is active.*module.eval\(\)"):
        trace(module.train(), x)
