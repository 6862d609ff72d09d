"""A run that breaks is traced up to its first bad step, and what broke it is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import trace, trace_all, trace_chunks
from lstm_core.modules.tracing import trace_module
from lstm_core.modules.ways import METHODS
from tests.torch_modules import Round, build, random

KINDS = ("lstm", "gru", "tanh", "projected")
KIND = pytest.mark.parametrize("kind", KINDS)
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def sound(kind: str, **options: Any) -> tuple[nn.RNNBase, torch.Tensor]:
    return build(kind, torch.float32, **options), random(12, 3, 5, dtype=torch.float32)


def first_bad(values: np.ndarray) -> int:
    """The first step (time, batch, unit) with a value that is not finite."""
    return int(np.argmax(~np.isfinite(values).all(axis=(1, 2))))


@KIND
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_bad_input(kind: str, method: str, layers: int) -> None:
    """Everything before it is there and right; the other sequences go on to their ends."""
    module, x = sound(kind, num_layers=layers)
    right = trace(module, x)
    x[6, 1, 3] = torch.nan
    found = trace_module(module, x, method=method)
    broken = found.broken
    assert broken is not None
    assert (broken.layer, broken.direction, broken.step, broken.sequence) == (0, 0, 6, 1)
    assert (broken.origin, broken.place) == ("input", "x[3]") and np.isnan(broken.value)
    assert found.lengths == (12, 7, 12) and broken.signal == next(iter(found.signals))
    for name, values in found.signals.items():
        np.testing.assert_allclose(values[:, :, :6], right.signals[name][:, :, :6], rtol=0, atol=2e-6)
        np.testing.assert_allclose(values[:, :, :, [0, 2]], right.signals[name][:, :, :, [0, 2]], rtol=0, atol=2e-6)
        assert np.isnan(values[:, :, 6:, 1]).all()
    assert found.max_abs_error is not None and found.max_abs_error < 1e-5
    assert "step 6 of sequence 1, layer 0, direction 0: the input holds such a value there, x[3]" in str(broken)
    assert "broken=" in repr(found)


@KIND
def test_all_sequences_broken_end_the_trace(kind: str) -> None:
    module, x = sound(kind)
    x[4] = torch.inf
    x[2, 0] = torch.nan
    found = trace(module, x)
    assert len(found) == 5 and found.lengths == (3, 5, 5) and len(found.inputs) == 5
    assert found.broken and (found.broken.step, found.broken.sequence) == (2, 0)


@KIND
def test_a_bad_state(kind: str) -> None:
    module, x = sound(kind)
    h = torch.zeros(1, 3, 3 if kind == "projected" else 6)
    h[0, 2, 1] = torch.nan
    state = (h, torch.zeros(1, 3, 6)) if isinstance(module, nn.LSTM) else h
    found = trace(module, x, state)
    assert found.broken and (found.broken.origin, found.broken.place) == ("state", "h[1]")
    assert found.lengths == (12, 12, 1) and found.broken.sequence == 2


@KIND
@pytest.mark.parametrize("name", ["weight_ih_l1", "weight_hh_l1", "bias_ih_l1"])
def test_a_bad_weight(kind: str, name: str) -> None:
    module, x = sound(kind, num_layers=2)
    with torch.no_grad():
        getattr(module, name).flatten()[4] = torch.nan
    found = trace(module, x)
    place = [4] if name.startswith("bias") else list(np.unravel_index(4, getattr(module, name).shape))
    assert found.broken and found.broken.origin == "weight"
    assert found.broken.place == f"{name}{[int(k) for k in place]}" and found.broken.layer == 1
    assert len(found) == 1 and np.isfinite(found.signals["h"][0]).all()


def test_an_overflow_is_the_arithmetics() -> None:
    """A rectifier that grows: every number that it is given is finite."""
    module = nn.RNN(2, 4, nonlinearity="relu")
    with torch.no_grad():
        for value in module.parameters():
            value.fill_(1e3)
    x = torch.ones(40, 2, 2)
    found = trace(module, x)
    assert found.broken and (found.broken.origin, found.broken.place) == ("arithmetic", "")
    with torch.no_grad():
        expected = first_bad(module(x)[0].numpy())
    assert found.broken.step == expected == len(found) - 1 and "too large for their precision" in str(found.broken)


def test_half_precision_overflows_where_the_module_does() -> None:
    module = nn.RNN(2, 4, nonlinearity="relu")
    with torch.no_grad():
        for value in module.parameters():
            value.fill_(2.0)
    module, x = module.half(), torch.ones(40, 2, 2).half()
    with torch.no_grad():
        expected = first_bad(module(x)[0].float().numpy())
    found = trace(module, x)
    assert found.broken and found.broken.origin == "arithmetic" and found.broken.step == expected


@KIND
def test_in_two_directions_each_breaks_at_its_own_step(kind: str) -> None:
    """Nothing is cut off: what one direction has not reached yet the other has behind it."""
    module, x = sound(kind, bidirectional=True)
    right = trace(module, x)
    x[6, 1, 3] = torch.nan
    found = trace(module, x)
    assert found.broken and (found.broken.step, found.broken.sequence, found.lengths) == (6, 1, None)
    for name, values in found.signals.items():
        np.testing.assert_allclose(values[:, 0, :6], right.signals[name][:, 0, :6], rtol=0, atol=2e-6)
        np.testing.assert_allclose(values[:, 1, 7:], right.signals[name][:, 1, 7:], rtol=0, atol=2e-6)
        assert np.isnan(values[:, 0, 6:, 1]).any() and np.isnan(values[:, 1, :7, 1]).any()


@pytest.mark.parametrize("lengths", [[12, 4, 9], [5, 12, 12]])
def test_padding_is_not_looked_at(lengths: list[int]) -> None:
    module, x = sound("lstm")
    for row, length in enumerate(lengths):
        x[length:, row] = torch.nan
    assert trace(module, x, lengths=lengths).broken is None
    x[3, 1] = torch.nan
    found = trace(module, x, lengths=lengths)
    assert found.broken and found.lengths == (lengths[0], 4, lengths[2])


def test_inside_a_model_and_in_pieces() -> None:
    module, x = sound("lstm")
    x[6, :, 3] = torch.nan
    found = trace_all(Round(module), x)["rnn"]
    assert found.broken and found.broken.step == 6 and len(found) == 7
    pieces = list(trace_chunks(module, x, steps=5))
    assert [piece.broken is None for piece in pieces] == [True, False]  # nothing follows
    assert pieces[1].broken and pieces[1].broken.step == 1 and len(pieces[1]) == 2


@pytest.mark.parametrize("kind", ["lstm", "projected", "gru", "tanh"])
def test_what_breaks_in_the_trace_alone_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates that are not a number where the module's output is one are no answer."""
    from lstm_core.modules import product as way

    original = way.compare

    def spoiled(run: Any, start: int, stop: int, past: Any = None) -> None:
        run.gates[3, 0] = torch.nan
        original(run, start, stop, past)

    module, x = sound(kind)
    monkeypatch.setattr(way, "compare", spoiled)
    with pytest.raises(RuntimeError, match="holds NaN at step 3 of sequence 0 where the module's output does not"):
        trace_module(module, x, method="product")


def test_it_goes_to_a_file_and_back(tmp_path: Any) -> None:
    module, x = sound("gru")
    x[6, 1, 3] = torch.nan
    found = trace(module, x)
    found.to_npz(tmp_path / "trace.npz")
    again = type(found).from_npz(tmp_path / "trace.npz")
    assert again.broken is not None and found.broken is not None and str(again.broken) == str(found.broken)
