"""The time loop: layers, directions, batch, carried state, both back ends."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_core.cells import CELLS, Cell
from lstm_core.scan import hidden_size, scan

EVERY = pytest.mark.parametrize("name", CELLS)
SEEDS = st.integers(0, 2**32 - 1)


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray], atol: float = 1e-12) -> None:
    assert set(a) == set(b)
    for key in a:
        np.testing.assert_allclose(a[key], b[key], rtol=0, atol=atol, err_msg=key)


@EVERY
@settings(max_examples=25)
@given(seed=SEEDS, batch=st.integers(1, 4), steps=st.integers(1, 6))
def test_a_batch_is_its_members_one_by_one(name: str, seed: int, batch: int, steps: int) -> None:
    rng, cell = np.random.default_rng(seed), CELLS[name]
    layers = cases.network(cell, rng, layers=2, directions=2)
    x, first = rng.normal(size=(steps, batch, 3)), cases.start(cell, rng, 2, 2, batch, 4)
    signals, final = cases.run(cell, layers, x, first)
    for b in range(batch):
        member = slice(b, b + 1)
        alone, last = cases.run(cell, layers, x[:, member], {k: v[:, :, member] for k, v in first.items()})
        assert_same({k: v[:, :, :, member] for k, v in signals.items()}, alone)
        assert_same({k: v[:, :, member] for k, v in final.items()}, last)


@EVERY
@settings(max_examples=25)
@given(seed=SEEDS, lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_chunks_joined_by_their_state_are_the_whole(name: str, seed: int, lengths: list[int]) -> None:
    rng, cell = np.random.default_rng(seed), CELLS[name]
    layers = cases.network(cell, rng, layers=2)
    x, state = rng.normal(size=(sum(lengths), 2, 3)), cases.start(cell, rng, 2, 1, 2, 4)
    whole, final = cases.run(cell, layers, x, state)
    parts, at = [], 0
    for length in lengths:
        signals, state = cases.run(cell, layers, x[at : at + length], state)
        parts.append(signals)
        at += length
    assert_same({k: np.concatenate([part[k] for part in parts], axis=2) for k in whole}, whole)
    assert_same(state, final)


@EVERY
@pytest.mark.parametrize("directions", [1, 2])
def test_numpy_and_torch_agree(name: str, directions: int) -> None:
    rng, cell = np.random.default_rng(2), CELLS[name]
    layers = cases.network(cell, rng, layers=3, directions=directions)
    x, first = rng.normal(size=(6, 2, 3)), cases.start(cell, rng, 3, directions, 2, 4)
    for ours, theirs in zip(*(cases.run(cell, layers, x, first, backend) for backend in cases.BACKENDS), strict=True):
        assert_same(ours, theirs)


@EVERY
@pytest.mark.parametrize("given_state", [False, True])
def test_shapes_and_precision(name: str, given_state: bool) -> None:
    """float32 in, float32 out, also where the state is given in float64 or left out."""
    rng, cell = np.random.default_rng(2), CELLS[name]
    x = rng.normal(size=(6, 5, 3)).astype(np.float32)
    layers = cases.network(cell, rng, layers=3, directions=2)
    single = [[{k: v.astype(np.float32) for k, v in p.items()} for p in row] for row in layers]
    first = cases.start(cell, rng, 3, 2, 5, 4) if given_state else None
    for backend in cases.BACKENDS:
        signals, final = cases.run(cell, single, x, first, backend)
        assert {v.shape for v in signals.values()} == {(3, 2, 6, 5, 4)}
        assert {v.shape for v in final.values()} == {(3, 2, 5, 4)}
        assert {v.dtype for v in (*signals.values(), *final.values())} == {np.dtype(np.float32)}


@EVERY
def test_a_state_left_out_is_zero(name: str) -> None:
    rng, cell = np.random.default_rng(4), CELLS[name]
    layers, x = cases.network(cell, rng, layers=2), rng.normal(size=(4, 2, 3))
    given_state = cases.start(cell, rng, 2, 1, 2, 4)
    zeros = {key: np.zeros_like(value) for key, value in given_state.items()}
    without, _ = cases.run(cell, layers, x)
    assert_same(without, cases.run(cell, layers, x, zeros)[0])
    for key in given_state:
        partial = cases.run(cell, layers, x, {key: given_state[key]})[0]
        assert_same(partial, cases.run(cell, layers, x, {**zeros, key: given_state[key]})[0])
        assert any(not np.array_equal(value, without[k]) for k, value in partial.items())


@EVERY
def test_backward_is_forward_on_the_reversed_text(name: str) -> None:
    """Direction 1 runs from the last token to the first, and its values stand at the tokens' own places."""
    rng, cell = np.random.default_rng(6), CELLS[name]
    [[there, back]] = cases.network(cell, rng, directions=2)
    x, first = rng.normal(size=(5, 2, 3)), cases.start(cell, rng, 1, 2, 2, 4)
    both, last = cases.run(cell, [[there, back]], x, first)
    forward, _ = cases.run(cell, [[there]], x, {k: v[:, :1] for k, v in first.items()})
    mirrored, end = cases.run(cell, [[back]], x[::-1], {k: v[:, 1:] for k, v in first.items()})
    assert_same({k: v[:, :1] for k, v in both.items()}, forward)
    assert_same({k: v[:, 1:] for k, v in both.items()}, {k: v[:, :, ::-1] for k, v in mirrored.items()})
    assert_same({k: v[:, 1:] for k, v in last.items()}, end)


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if not cell.below])
def test_a_layer_reads_the_output_of_both_directions_below(name: str) -> None:
    """Three layers are three runs of one layer, each on the one before: forward first, then backward."""
    rng, cell = np.random.default_rng(8), CELLS[name]
    layers = cases.network(cell, rng, layers=3, directions=2)
    x = rng.normal(size=(5, 2, 3))
    stacked, _ = cases.run(cell, layers, x)
    for layer, row in enumerate(layers):
        single, _ = cases.run(cell, [row], x)
        assert_same({k: v[layer : layer + 1] for k, v in stacked.items()}, single)
        x = np.concatenate([single[cell.output][0, 0], single[cell.output][0, 1]], axis=-1)


def test_a_cell_may_read_the_layer_below() -> None:
    """``below`` brings a signal of the layer below, of the same direction and step; zeros under the first layer."""

    class Sum(Cell):
        name, signals, params, below = "sum", CELLS["rnn"].signals, CELLS["rnn"].params, ("h",)

        @staticmethod
        def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
            return {"a": p.W_a @ x + p.U_a @ s.h + p.b_a}

        @staticmethod
        def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
            return {"h": xp.tanh(v.a) + s.below_h}

    rng = np.random.default_rng(9)
    layers = cases.network(Sum, rng, layers=3, directions=2)
    for backend in cases.BACKENDS:
        signals, _ = cases.run(Sum, layers, rng.normal(size=(5, 2, 3)), backend=backend)
        a, h = signals["a"], signals["h"]
        np.testing.assert_allclose(h[0], np.tanh(a[0]), rtol=0, atol=1e-14)
        np.testing.assert_allclose(h[1:], np.tanh(a[1:]) + h[:-1], rtol=0, atol=1e-14)


def test_a_cell_without_a_hidden_axis_is_refused() -> None:
    nothing = type("Nothing", (Cell,), {"name": "nothing", "params": (), "signals": ()})
    with pytest.raises(ValueError, match="no parameter of the cell nothing has a hidden axis"):
        hidden_size(nothing, {})
    with pytest.raises(ValueError, match="hidden axis"):
        scan(nothing, [[{}]], np.zeros((1, 1, 1)))
