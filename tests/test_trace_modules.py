"""``trace`` on every module and option of torch.nn, and on inputs of every layout and precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from lstm_core import trace
from lstm_core.modules import tracing as adapter
from lstm_core.modules.tracing import trace_module
from tests.torch_modules import ATOL, KIND, build, check_same, random, state_for

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@KIND
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences(kind: str, bidirectional: bool) -> None:
    """Packed sorted, packed in any order, and padded with lengths are one trace; each as if traced alone."""
    module = build(kind, num_layers=2, bidirectional=bidirectional)
    parts = [random(n, 5, seed=n) for n in (4, 7, 2)]
    state = state_for(module, 3)
    packed = pack_sequence(parts, enforce_sorted=False)
    found = trace(module, packed, state)
    assert found.lengths == (4, 7, 2) and len(found) == 7
    padded, lengths = pad_packed_sequence(packed)
    check_same(trace(module, padded, state, lengths=lengths), found, 1e-12)
    wider = torch.cat([padded, torch.ones(2, 3, 5, dtype=torch.float64)])
    assert len(trace(module, wider, state, lengths=lengths)) == 9
    again = trace(module, pack_padded_sequence(padded, lengths, enforce_sorted=False), state)
    check_same(again, found, 1e-12)
    output, _ = pad_packed_sequence(module(packed, state)[0])
    for b, part in enumerate(parts):

        def one(s, b=b):
            return s[:, b : b + 1].contiguous()

        begin = tuple(map(one, state)) if isinstance(state, tuple) else one(state)
        alone = trace(module, part[:, None], begin)
        for name, value in alone.signals.items():
            np.testing.assert_allclose(found.signals[name][:, :, : len(part), b], value[:, :, :, 0], rtol=0, atol=1e-12)
            assert np.isnan(found.signals[name][:, :, len(part) :, b]).all()
        top = np.concatenate(list(found.signals["h"][-1, :, : len(part), b]), axis=-1)
        np.testing.assert_allclose(top, output[: len(part), b].detach().numpy(), rtol=0, atol=1e-12)


def test_lengths_that_are_all_full_are_no_lengths() -> None:
    module = build("lstm")
    x = random(4, 2, 5)
    assert trace(module, x, lengths=[4, 4]).lengths is None
    with pytest.raises(ValueError, match="PackedSequence has its lengths already"):
        trace(module, pack_padded_sequence(x, [4, 2]), lengths=[4, 2])
    with pytest.raises(ValueError, match="lengths need a batch"):
        trace(module, x[:, 0], lengths=[4])


@KIND
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_unbatched(kind: str, batch_first: bool, bidirectional: bool) -> None:
    """A sequence without a batch, its state without one too, is a batch of one."""
    module = build(kind, num_layers=2, bidirectional=bidirectional, batch_first=batch_first)
    x, state = random(7, 5), state_for(module, 1)
    alone = tuple(value[:, 0] for value in state) if isinstance(state, tuple) else state[:, 0]
    found = trace(module, x, alone)
    check_same(found, trace(module, x[None] if batch_first else x[:, None], state), 1e-12)
    top = np.concatenate(list(found.signals["h"][-1, :, :, 0]), axis=-1)
    np.testing.assert_allclose(top, module(x, alone)[0].detach().numpy(), rtol=0, atol=1e-12)


CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}


@pytest.mark.parametrize("kind", [*CELLS, "rnn_relu"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", ATOL)
def test_cells(kind: str, bias: bool, dtype: torch.dtype) -> None:
    """One step, batched and not; a sequence is the cell's own loop."""
    options = {"nonlinearity": "relu"} if kind == "rnn_relu" else {}
    module = CELLS[kind.removesuffix("_relu")](5, 6, bias=bias, dtype=dtype, **options)
    x, h = random(3, 5, dtype=dtype), random(3, 6, dtype=dtype, seed=3).tanh()
    state = (h, h * 0.5) if kind == "lstm" else h

    def one(v):
        return tuple(s[1] for s in v) if isinstance(v, tuple) else v[1]

    output = module(x, state)
    expected = (output[0] if isinstance(output, tuple) else output).detach().numpy()
    batched, single, zero = trace(module, x, state), trace(module, x[1], one(state)), trace(module, x)
    assert batched.cell.name == kind and batched.signals["h"].shape == (1, 1, 1, 3, 6)
    np.testing.assert_allclose(batched.signals["h"][0, 0, 0], expected, rtol=0, atol=ATOL[dtype])
    for name, value in single.signals.items():
        np.testing.assert_allclose(value[..., 0, :], batched.signals[name][..., 1, :], rtol=0, atol=ATOL[dtype])
    assert not any(value.any() for value in zero.initial.values())
    sequence = random(6, 3, 5, dtype=dtype)
    for begin in (None, state):
        found = trace_module(module, sequence, begin, method="product")
        check_same(found, trace_module(module, sequence, begin, method="loop"), ATOL[dtype])
        rows, old = [], begin
        for step in sequence:
            old = module(step, old)
            rows.append((old[0] if isinstance(old, tuple) else old).detach().numpy())
        np.testing.assert_allclose(found.signals["h"][0, 0], rows, rtol=0, atol=ATOL[dtype])


@KIND
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision(kind: str, dtype: torch.dtype) -> None:
    """Gates in float32 from what the module computed in less, within what its precision allows."""
    module, x = build(kind, dtype, num_layers=2, bidirectional=True), random(40, 2, 5, dtype=dtype)
    found = trace(module, x)
    assert found.signals["h"].dtype == np.float32 and found.max_abs_error is not None
    assert found.max_abs_error <= adapter.TOLERANCE[dtype] * max(1.0, float(np.abs(found.signals["h"]).max()))
    wide = trace(build(kind, torch.float32, num_layers=2, bidirectional=True), x.float())
    if kind != "relu":
        np.testing.assert_allclose(found.signals["h"], wide.signals["h"], rtol=0, atol=0.15)
