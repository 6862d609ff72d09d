"""benchmarks/trace_line.py: what it measures has a trace's gates, and is refused where it has others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import trace_line
from benchmarks.trace_short import KINDS
from lstm_core import trace
from lstm_core.modules import onednn, recorded
from lstm_core.modules.call import Call
from lstm_core.stacked import GATES

LINES = [(kind, name) for kind, lines in trace_line.LINES.items() for name in lines]
STEPS, BATCH, UNITS = 150, 3, 8


def made(kind: str, name: str) -> tuple[Any, torch.Tensor, Any]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module, x = KINDS[kind](UNITS, UNITS), torch.randn(STEPS, BATCH, UNITS)
    if kind == "LSTM" and not onednn.usable(Call(module, x)):
        pytest.skip("torch runs without oneDNN here")
    return module, x, trace_line.LINES[kind][name]


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("kind, name", LINES)
def test_a_line_has_the_gates_of_a_trace(kind: str, name: str, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, line = made(kind, name)
    for way in (onednn, recorded) if pieces else ():
        monkeypatch.setattr(way, "piece_size", lambda call: 40)
    with torch.no_grad():
        found, expected = line(module, x, 3)(), trace(module, x)
    gates = np.asarray(found[0][0] if kind == "LSTM" else found[0]).reshape(STEPS, BATCH, -1)
    whole = np.concatenate([expected.signals[letter][0, 0] for letter in GATES[kind.lower()]], axis=-1)
    np.testing.assert_allclose(gates, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind, name", LINES)
def test_a_line_that_has_something_else_is_not_measured(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, line = made(kind, name)
    straight = line(module, x, 3)
    with torch.no_grad():
        straight()
        module.weight_ih_l0.mul_(2)
        with pytest.raises(RuntimeError, match="weights have changed|something else"):
            straight()
        module.weight_ih_l0.mul_(0.5)
        name = f"{kind.lower()}_compared"
        own = getattr(trace_line, name)
        monkeypatch.setattr(trace_line, name, lambda gates, *rest: own(gates * 0.99, *rest))
        with pytest.raises(RuntimeError, match="something else"):
            straight()
