"""The parallel scan: the time loop's numbers, all steps at once, and only for the cells that allow it."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lstm_core import parallel
from lstm_core.cells import CELLS
from lstm_core.layer import Layer
from lstm_core.ops import TorchOps
from lstm_core.scan import scan

PARALLEL = [name for name, cell in CELLS.items() if parallel.rule_of(cell)]


def test_the_cells_that_read_only_the_input() -> None:
    assert {"minlstm", "mingru"} <= set(PARALLEL)
    for name, cell in CELLS.items():
        if name not in PARALLEL:
            with pytest.raises(ValueError, match=f"the cell {name} reads its past in its gates"):
                parallel.scan(cell, [], np.zeros((1, 1, 1)))


class GatedByMemory(CELLS["mingru"]):
    """Its update is as linear as the minGRU's, but its gate looks at the memory."""

    @staticmethod
    def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
        return {"z": xp.sigmoid(p.W_z @ x + s.h), "n": p.W_n @ x + p.b_n}


class AddsMemory(CELLS["mingru"]):
    """What is neither kept nor written looks at the memory too."""

    @staticmethod
    def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
        return {"h": (1 - v.z) * s.h + v.z * v.n + xp.tanh(s.h)}


@pytest.mark.parametrize("cell", [GatedByMemory, AddsMemory])
def test_a_cell_that_reads_its_past_is_refused(cell: Any) -> None:
    assert parallel.rule_of(cell) is None


@pytest.mark.parametrize("name", PARALLEL)
@pytest.mark.parametrize("backend", cases.BACKENDS)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 40), directions=st.integers(1, 2))
def test_equals_the_loop(name: str, backend: str, seed: int, steps: int, directions: int) -> None:
    rng, cell, xp = np.random.default_rng(seed), CELLS[name], cases.BACKENDS[backend]
    layers = cases.network(cell, rng, layers=2, directions=directions)
    converted = [[{key: xp.asarray(value) for key, value in p.items()} for p in row] for row in layers]
    x, first = rng.normal(size=(steps, 2, 3)), cases.start(cell, rng, 2, directions, 2, 4)
    for state in (first, None):
        signals, final = parallel.scan(cell, converted, xp.asarray(x), state, xp)
        for found, expected in zip((signals, final), cases.run(cell, layers, x, state), strict=True):
            assert set(found) == set(expected)
            for key, value in found.items():
                np.testing.assert_allclose(xp.to_numpy(value), expected[key], rtol=1e-12, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", PARALLEL)
def test_a_long_text_and_gates_that_saturate(name: str) -> None:
    """Products of many gates vanish; nothing is divided by them."""
    rng, cell = np.random.default_rng(0), CELLS[name]
    layers, x = cases.network(cell, rng, scale=30.0), rng.normal(size=(3000, 1, 3))
    signals, _ = parallel.scan(cell, layers, x)
    for key, value in cases.run(cell, layers, x)[0].items():
        np.testing.assert_allclose(signals[key], value, rtol=1e-10, atol=1e-10, err_msg=key)


@given(values=st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=20), first=st.floats(-2, 2))
def test_linear_recurrence(values: list[tuple[float, float]], first: float) -> None:
    a, b = np.array(values).T[:, :, None]
    found = parallel.linear_recurrence(a, b, np.array([first]))
    h = first
    for t, (factor, added) in enumerate(values):
        h = factor * h + added
        np.testing.assert_allclose(found[t, 0], h, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PARALLEL)
def test_it_trains_like_the_loop(name: str) -> None:
    """``Layer`` runs it, and its gradients are those of the time loop."""
    torch.manual_seed(0)
    fast, loop = (Layer(CELLS[name], 5, 4, 2, True, fused=fused).double() for fused in (True, False))
    loop.load_state_dict(fast.state_dict())
    assert fast.scan is parallel.scan and loop.scan is scan
    x = torch.randn(9, 2, 5, dtype=torch.float64)
    for layer in (fast, loop):
        layer(x)[0].sin().sum().backward()
    for (key, p), q in zip(fast.named_parameters(), loop.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-10, atol=1e-10, msg=key)


@pytest.mark.parametrize("name", PARALLEL)
def test_gradcheck(name: str) -> None:
    rng, cell = np.random.default_rng(0), CELLS[name]
    [[params]] = cases.network(cell, rng)
    tensors = [torch.tensor(value, requires_grad=True) for value in params.values()]
    x = torch.tensor(rng.normal(size=(5, 2, 3)), requires_grad=True)

    def outputs(x: torch.Tensor, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        layers = [[dict(zip(params, values, strict=True))]]
        return tuple(parallel.scan(cell, layers, x, xp=TorchOps())[0].values())

    assert torch.autograd.gradcheck(outputs, (x, *tensors))
