"""A block by itself: what it skips, what it is checked against, how it is laid out. Truth: loops written here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lstm_core.block import Block
from lstm_core.cells import CELLS
from lstm_core.network import Network, Reader

RNG = np.random.default_rng(0)


def params(cell: str, width: int, hidden: int) -> dict[str, np.ndarray]:
    return {p.name: RNG.normal(0, 0.7, p.shape(width, hidden)) for p in CELLS[cell].params}


def block(cell: str = "lstm", width: int = 3, hidden: int = 4, directions: int = 1, **options: Any) -> Block:
    ways = ("forward", "reverse")[:directions]
    layers = [[params(cell, width, hidden) for _ in ways]]
    return Block("b", "keras", CELLS[cell], layers, ways, **{"batch_first": True, **options})


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(p: dict[str, np.ndarray], x: np.ndarray, read: np.ndarray, backward: bool = False) -> np.ndarray:
    """(time, unit): h of one sequence; where ``read`` is False the state stays, as Keras's ``rnn`` has it."""
    h = c = np.zeros(len(p["b_i"]))
    shown = np.zeros((len(x), len(h)))
    for t in range(len(x))[::-1] if backward else range(len(x)):
        if read[t]:
            i, f, o = (sigmoid(p[f"W_{k}"] @ x[t] + p[f"U_{k}"] @ h + p[f"b_{k}"]) for k in "ifo")
            g = np.tanh(p["W_g"] @ x[t] + p["U_g"] @ h + p["b_g"])
            c = f * c + i * g
            h = o * np.tanh(c)
        shown[t] = h
    return shown


MASKS = {
    "after": [[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]],
    "before": [[0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 1]],
    "within": [[1, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1]],
    "all": [[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]],
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_masked_step_leaves_the_state_as_it_was(mask: list[list[int]], directions: int, backend: str) -> None:
    read, x, one = np.array(mask, bool), RNG.normal(size=(2, 6, 3)), block(directions=directions)
    x[~read] = np.nan  # what is skipped is not read
    trace = one.trace(x, mask=read, backend=backend)
    for way in range(directions):
        for k in range(2):
            expected = lstm_by_hand(dict(one.layers[0][way]), x[k], read[k], backward=way == 1)
            np.testing.assert_allclose(trace.sel("h", layer=0, direction=way, batch=k), expected, atol=1e-12)
    gates = trace.sel("f", layer=0, direction=0)
    assert (np.isnan(gates).all(-1) == ~read.T).all() and (np.isnan(gates).any(-1) == ~read.T).all()


def test_a_block_that_reads_from_the_end_skips_too() -> None:
    one, x = replace(block(), directions=("reverse",)), RNG.normal(size=(1, 6, 3))
    read = np.array([[True, False, True, True, False, False]])
    expected = lstm_by_hand(dict(one.layers[0][0]), x[0], read[0], backward=True)
    np.testing.assert_allclose(one.trace(x, mask=read).sel("h", layer=0, direction=0, batch=0), expected, atol=1e-12)


def test_the_steps_that_a_file_masks_are_skipped_without_being_asked() -> None:
    one, x = block(mask_value=0.0), RNG.normal(size=(2, 6, 3))
    x[0, :2] = 0
    x[1, 3, :2] = 0  # one input is not zero: this step is read
    read = np.array([[0, 0, 1, 1, 1, 1], [1] * 6], bool)
    np.testing.assert_array_equal(one.trace(x).signals["h"], one.trace(x, mask=read).signals["h"])
    assert not np.isnan(one.trace(x).sel("f", batch=1)).any()


def test_a_mask_and_lengths_together() -> None:
    one, x = block(), RNG.normal(size=(2, 6, 3))
    read = np.array([[0, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1]], bool)
    trace = one.trace(x, lengths=[4, 6], mask=read)
    assert trace.lengths == (4, 6) and np.isnan(trace.sel("h", batch=0, time=slice(4, None))).all()
    np.testing.assert_allclose(
        trace.sel("h", layer=0, direction=0, batch=0, time=slice(0, 4)),
        lstm_by_hand(dict(one.layers[0][0]), x[0, :4], read[0, :4]),
        atol=1e-12,
    )


@pytest.mark.parametrize("mask", [np.ones((6, 2), bool), np.ones((2, 6)), [True] * 6])
def test_a_mask_of_another_shape_or_kind_is_refused(mask: Any) -> None:
    with pytest.raises(ValueError, match=r"the mask holds True or False for every step, \(2, 6\)"):
        block().trace(np.zeros((2, 6, 3)), mask=mask)


# ---- the certificate


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("batch_first", [True, False])
def test_a_check_puts_its_figure_on_every_trace(directions: int, batch_first: bool) -> None:
    one, x = block(directions=directions, batch_first=batch_first), RNG.normal(size=(2, 6, 3))
    rows = x if batch_first else x.swapaxes(0, 1)
    every = np.ones(6, bool)
    h = np.stack(
        [
            np.concatenate([lstm_by_hand(dict(p), x[k], every, way == 1) for way, p in enumerate(one.layers[0])], -1)
            for k in range(2)
        ]
    )
    assert one.trace(rows).max_abs_error is None
    error = one.check(rows, (h if batch_first else h.swapaxes(0, 1)) + 1e-11)
    assert 0.9e-11 < error < 1.2e-11
    assert one.trace(rows[:, :1] if not batch_first else rows[:1]).max_abs_error == error == one.checked
    assert replace(one, name="another").checked is None, "another block is another claim"
    ends = [h[:, -1, :4]] + ([h[:, 0, 4:]] if directions == 2 else [])
    assert one.check(rows, np.concatenate(ends, -1)) < 1e-12, "the last step alone: each direction's own"


def test_a_check_takes_what_onnx_gives() -> None:
    """Y is (time, direction, batch, unit), or with layout 1 (batch, time, direction, unit); Y_h its ends."""
    for first in (False, True):
        one, x = replace(block(directions=2), format="onnx", batch_first=first), RNG.normal(size=(5, 2, 3))
        trace = one.trace(x.swapaxes(0, 1) if first else x)
        y = trace.signals["h"][0].transpose(1, 0, 2, 3)
        assert one.check(x.swapaxes(0, 1) if first else x, y.transpose(2, 0, 1, 3) if first else y) == 0
        if not first:
            assert one.check(x, np.stack([y[-1, 0], y[0, 1]])) == 0


def test_a_check_takes_what_keras_gives_of_a_layer_that_goes_backwards() -> None:
    one, x = replace(block(), directions=("reverse",)), RNG.normal(size=(2, 6, 3))
    h = one.trace(x).sel("h", layer=0, direction=0).swapaxes(0, 1)
    assert one.check(x, h[:, ::-1]) == 0
    assert one.check(x, h[:, 0]) == 0


def test_a_check_says_where_the_two_part() -> None:
    one, x = block(), RNG.normal(size=(2, 6, 3))
    h = one.trace(x).sel("h", layer=0, direction=0).swapaxes(0, 1).copy()
    h[1, 4:, 2] += 0.25
    with pytest.raises(ValueError, match=r"differs from the expected output by 0\.25.*step 4, sequence 1, unit 2"):
        one.check(x, h)
    assert one.checked is None and one.trace(x).max_abs_error is None
    assert one.check(x, h, tolerance=0.3) == pytest.approx(0.25)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_output_that_is_no_number_never_passes(bad: float) -> None:
    one, x = block(), RNG.normal(size=(2, 6, 3))
    h = one.trace(x).sel("h", layer=0, direction=0).swapaxes(0, 1).copy()
    h[0, 3, 1] = bad
    with pytest.raises(ValueError, match="step 3, sequence 0, unit 1"):
        one.check(x, h)


@pytest.mark.parametrize("shape", [(2, 5, 4), (2, 6, 3), (3, 4), (6, 2, 4), (2, 6, 4, 1)])
def test_an_output_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"the expected output is .*\(6, 2, 4\).*the last step \(2, 4\)"):
        block().check(np.zeros((2, 6, 3)), np.zeros(shape))


def test_a_single_sequence_is_checked_as_it_is_read() -> None:
    one, x = block(), RNG.normal(size=(6, 3))
    h = one.trace(x).sel("h", layer=0, direction=0, batch=0)
    assert one.check(x, h) == one.check(x, h[-1]) == 0


def test_what_is_assumed_rides_on_the_trace() -> None:
    assert block(assumed=("it starts from zeros",)).trace(np.zeros((1, 2, 3))).assumed == ("it starts from zeros",)


# ---- as part of a network


def test_a_network_reads_ids_and_vectors_in_batches() -> None:
    table = RNG.normal(size=(7, 3))
    network = Network("n", block(directions=2), Reader(table))
    ids = np.array([[1, 2, 3, 4], [5, 6, 0, 0]])
    trace = network.read(ids, lengths=[4, 2])
    assert trace.lengths == (4, 2)
    for k, length in enumerate((4, 2)):
        alone = network.read(table[ids[k, :length]])
        np.testing.assert_allclose(trace.sel("h", batch=k, time=slice(0, length)), alone.sel("h", batch=0), atol=1e-14)
    np.testing.assert_array_equal(network.read(ids[0]).signals["h"], network.read(table[ids[0]]).signals["h"])
    with pytest.raises(ValueError, match=r"the ids go from 0 to 7; this network has 7 words \(0 to 6\)"):
        network.read(np.array([0, 7]))
    with pytest.raises(ValueError, match="reads numbers, so it has no words"):
        network.run("a word")
    with pytest.raises(ValueError, match="no output layer"):
        network.logits(trace)


def test_padding_is_skipped_by_every_block_of_a_stack() -> None:
    table = RNG.normal(size=(7, 3))
    under, top = block(), block(width=4, hidden=5, batch_first=False)
    network = Network("n", top, Reader(table, padding=0), below=(under,))
    ids = np.array([[0, 0, 3, 4], [5, 6, 0, 1]])
    trace = network.read(ids)
    for k in range(2):
        kept = ids[k][ids[k] != 0]
        alone = Network("n", top, Reader(table), below=(under,)).read(kept).sel("h", batch=0)[0, 0]
        np.testing.assert_allclose(trace.sel("h", batch=k)[0, 0][ids[k] != 0], alone, atol=1e-13)
    shown = trace.sel("h", layer=0, direction=0)
    np.testing.assert_array_equal(shown[2, 1], shown[1, 1])
    assert not shown[:2, 0].any(), "before its first word a sequence is where it starts"


def test_a_stack_of_two_layouts_is_the_stack_run_by_hand() -> None:
    under, top = block(directions=2), block(width=8, hidden=5, batch_first=False)
    x = RNG.normal(size=(2, 6, 3))
    h = np.concatenate(list(under.trace(x).signals["h"][-1]), -1)  # (time, batch, unit)
    trace = Network("n", top, below=(under,)).read(x)
    np.testing.assert_array_equal(trace.signals["h"], top.trace(h).signals["h"])
    single = Network("n", top, below=(under,)).read(x[0])
    np.testing.assert_allclose(single.sel("h", batch=0), trace.sel("h", batch=0), atol=1e-14)
