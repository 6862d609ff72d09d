"""Half precision, in which every processor's kernel rounds in its own way: ``make test-isa`` runs this for others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import Trace, trace, trace_all
from lstm_core.modules import product as way
from lstm_core.modules.call import Call
from lstm_core.modules.run import Run
from lstm_core.modules.tracing import METHODS, TOLERANCE, trace_module
from tests.torch_modules import KIND, build, random

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

HALF = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
OPEN = 8  # added to the forget gate's bias: 0.9997 of c is kept


def remembering(dtype: torch.dtype, kind: type = nn.LSTM, **options: Any) -> Any:
    """32 inputs, 16 units, and forget gates that stay open: c is added to at every step and forgets nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        module = kind(32, 16, **options)
    with torch.no_grad():
        for name, value in module.named_parameters():
            if name.startswith("bias_ih"):
                value[16:32] += OPEN
    return module.to(dtype)


def step_by_step(module: Any, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """h and c after every step, (time, batch, unit), as the module itself gives them from its own last state."""
    state, h, c = None, [], []
    with torch.no_grad():
        for row in x:
            _, state = module(row[None], state)
            h.append(state[0][-1])
            c.append(state[1][-1])
    return torch.stack(h).float().numpy(), torch.stack(c).float().numpy()


def check(found: Trace, output: torch.Tensor, dtype: torch.dtype) -> None:
    """h is the module's own, and what leads to it fits within the rounding of one step, however many there are."""
    top = np.concatenate(list(found.signals["h"][-1]), axis=-1)
    expected = output.float().numpy()
    np.testing.assert_array_equal(np.where(np.isnan(top), 0, top), expected)
    assert found.max_abs_error is not None and found.max_abs_error <= TOLERANCE[dtype]
    i, f, g, o, c = (found.signals[name] for name in "ifgoc")
    directions, first = c.shape[1], found.initial["c"]
    before = np.concatenate([first[:, :1, None], c[:, :1, :-1]], axis=2)
    if directions == 2:
        before = np.concatenate([before, np.concatenate([c[:, 1:, 1:], first[:, 1:, None]], axis=2)], axis=1)
    before = np.where(np.isnan(before) & ~np.isnan(c), first[:, :, None], before)  # where a sequence ends
    carried = np.abs(f * before + i * g - c) / np.maximum(1, np.abs(c))
    assert np.nanmax(carried) <= TOLERANCE[dtype]
    if "W_hr" not in found.layers[0][0]:
        assert np.nanmax(np.abs(o * np.tanh(c) - found.signals["h"])) <= TOLERANCE[dtype]


@HALF
@pytest.mark.parametrize("steps", [32, 600, 2000])
@pytest.mark.parametrize("batch", [1, 4])
def test_a_memory_that_grows(dtype: torch.dtype, steps: int, batch: int) -> None:
    """h and c are the module's own bit by bit, by whatever kernel."""
    module, x = remembering(dtype), random(steps, batch, 32, dtype=dtype)
    found = trace(module, x)
    with torch.no_grad():
        output, (_, last) = module(x)
    check(found, output, dtype)
    h, c = step_by_step(module, x)
    np.testing.assert_array_equal(h, output.float().numpy())  # the module step by step is the module
    np.testing.assert_array_equal(found.signals["c"][0, 0], c)
    np.testing.assert_array_equal(found.signals["c"][0, 0, -1], last[0].float().numpy())


@HALF
@pytest.mark.parametrize(
    "options",
    [{"num_layers": 2, "bidirectional": True}, {"proj_size": 5}, {"bias": False}, {"bidirectional": True}],
    ids=str,
)
@pytest.mark.parametrize("lengths", [None, [600, 37, 599, 1]], ids=["full", "lengths"])
def test_every_layout_of_a_memory_that_grows(dtype: torch.dtype, options: dict, lengths: list[int] | None) -> None:
    """Sequences of several lengths are run by another kernel than those of one."""
    module, x = remembering(dtype, **options), random(600, 4, 32, dtype=dtype)
    packed = (
        None if lengths is None else nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    )
    with torch.no_grad():
        output = module(x if packed is None else packed)[0]
    if packed is not None:
        output, _ = nn.utils.rnn.pad_packed_sequence(output)
    check(trace(module, x, lengths=lengths), output, dtype)


@HALF
def test_a_cell_whose_memory_grows(dtype: torch.dtype) -> None:
    module, x = remembering(dtype, nn.LSTMCell), random(200, 3, 32, dtype=dtype)
    found, state, rows = trace(module, x), None, []
    with torch.no_grad():
        for step in x:
            state = module(step, state)
            rows.append(torch.stack(state).float().numpy())
    for name, values in zip("hc", np.stack(rows, axis=1), strict=True):
        np.testing.assert_array_equal(found.signals[name][0, 0], values)
    again = trace_all(Loop(module), x)["cell"]
    for name in "hc":
        np.testing.assert_array_equal(again.signals[name], found.signals[name])


class Loop(nn.Module):
    def __init__(self, cell: nn.LSTMCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = None
        for step in x:
            state = self.cell(step, state)
        assert state is not None
        return state[0]


@HALF
@pytest.mark.parametrize("gates", [(0, 1), (1, 2), (0, 3), (1, 3), (2, 3)])  # i and g are only ever multiplied
@pytest.mark.parametrize("steps", [8, 600])
def test_exchanged_gates_are_refused_in_half_precision(
    dtype: torch.dtype, gates: tuple[int, int], steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though c is the module's own whatever they are: each gate's part in c and in h is compared."""
    original = way.compare

    def exchanged(run: Run, start: int, stop: int, past: torch.Tensor) -> None:
        one, two = (run.gates[start:stop, ..., k * run.hidden : (k + 1) * run.hidden] for k in gates)
        kept = one.clone()
        one.copy_(two)
        two.copy_(kept)
        original(run, start, stop, past)

    monkeypatch.setattr(way, "compare", exchanged)
    with pytest.raises(RuntimeError, match="differs from"):
        trace(remembering(dtype), random(steps, 2, 32, dtype=dtype))


@HALF
def test_without_the_modules_own_c_half_precision_is_refused(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is needed, and by how much the figure would be off."""
    monkeypatch.setattr(way, "LOW", ())
    with pytest.raises(RuntimeError, match="differs from"):
        trace(remembering(dtype), random(2000, 16, 32, dtype=dtype))


@KIND
@HALF
def test_half_precision(kind: str, dtype: torch.dtype) -> None:
    """Gates in float32 from what the module computed in less, within what its precision allows."""
    module, x = build(kind, dtype, num_layers=2, bidirectional=True), random(40, 2, 5, dtype=dtype)
    found = trace(module, x)
    assert found.signals["h"].dtype == np.float32 and found.max_abs_error is not None
    assert found.max_abs_error <= TOLERANCE[dtype] * max(1.0, float(np.abs(found.signals["h"]).max()))
    wide = trace(build(kind, torch.float32, num_layers=2, bidirectional=True), x.float())
    if kind != "relu":
        np.testing.assert_allclose(found.signals["h"], wide.signals["h"], rtol=0, atol=0.15)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
@pytest.mark.parametrize("lengths", [None, [9, 4]])
def test_autocast_is_traced_as_it_runs(
    layers: int, kind: str, lengths: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked to read along: the module runs in the precision that it has there, once, and h is bit by bit
    its own."""
    monkeypatch.setattr(Call, "again", lambda call: pytest.fail("the module ran twice"))
    module, x = build(kind, torch.float32, num_layers=layers), random(9, 2, 5, dtype=torch.float32)
    given = x if lengths is None else nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        try:
            with torch.no_grad():
                output = module(given)[0]
        except RuntimeError as error:
            with pytest.raises(RuntimeError, match="primitive") as own:
                trace(module, x, lengths=lengths)
            assert "LSTM itself raised" in own.value.__notes__[0]
            pytest.skip(f"torch's own {kind} does not run under bfloat16 autocast here: {str(error)[:60]}")
        for method in METHODS:
            found = trace_module(module, x, lengths=lengths, method=method)
            assert found.max_abs_error is not None and found.max_abs_error < 5e-2
            if method != "loop":  # which computes h
                h = np.nan_to_num(found.signals["h"][-1, 0])
                own = output if lengths is None else nn.utils.rnn.pad_packed_sequence(output)[0]
                np.testing.assert_array_equal(h, own.float().numpy())


def test_autocast_without_onednn_keeps_c_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates rounded to bfloat16, c in float32: a third kind of kernel."""
    module, x = remembering(torch.float32), random(600, 4, 32, dtype=torch.float32)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            output = module(x)[0]
        assert output.dtype is torch.float32
        check(trace(module, x), output, torch.bfloat16)
