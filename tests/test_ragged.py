"""Every analysis of a batch of unequal sequences, beside NumPy loops and autograd on each sequence alone."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from traces import random_trace, tokens_of, word_model

from lstm_core import CELLS, Block, Trace, trace
from lstm_core.analysis import (
    PROPERTIES,
    contrast,
    flow,
    gradients,
    health,
    intervene,
    jacobians,
    memory,
    reaches,
    retention,
    saturation,
    search_traces,
    timescales,
    word_error,
)

LENGTHS = (5, 1, 3, 2)
HIDDEN = 4
KINDS = {"lstm": nn.LSTM, "gru": nn.GRU}


def batch_of(kind: str, seed: int = 0) -> tuple[Any, torch.Tensor, tuple[torch.Tensor, ...], Trace]:
    """A module of two layers and directions, whose gates go to their ends, its padded input, first states and trace."""
    torch.manual_seed(seed)
    module = KINDS[kind](3, HIDDEN, num_layers=2, bidirectional=True).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(4)
    x = torch.randn(max(LENGTHS), len(LENGTHS), 3, dtype=torch.float64)
    state = tuple(torch.rand(4, len(LENGTHS), HIDDEN, dtype=torch.float64) for _ in range(2 if kind == "lstm" else 1))
    return module, x, state, trace(module, x, state if kind == "lstm" else state[0], lengths=LENGTHS)


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def one_by_one(kind: str, module: Any, x: torch.Tensor, state: Any, row: int) -> dict[tuple[int, int], dict[str, Any]]:
    """Signals of one sequence by layer and direction, (time, unit), in plain NumPy by the equations torch documents."""
    below, found = x[: LENGTHS[row], row].numpy(), {}
    for layer in range(2):
        outputs = []
        for way, end in enumerate(("", "_reverse")):
            weights = [
                getattr(module, f"{name}_l{layer}{end}").detach().numpy()
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            first = [value[2 * layer + way, row].numpy() for value in state]
            found[layer, way] = one_layer(kind, weights, below[::-1] if way else below, first)
            if way:
                found[layer, way] = {name: value[::-1] for name, value in found[layer, way].items()}
            outputs.append(found[layer, way]["h"])
        below = np.concatenate(outputs, axis=-1)
    return found


def one_layer(kind: str, weights: list[np.ndarray], x: np.ndarray, first: list[np.ndarray]) -> dict[str, np.ndarray]:
    w_ih, w_hh, b_ih, b_hh = weights
    rows, h, c = [], first[0], first[-1]
    for x_t in x:
        from_x, from_h = (
            np.split(w_ih @ x_t + b_ih, len(b_ih) // HIDDEN),
            np.split(w_hh @ h + b_hh, len(b_hh) // HIDDEN),
        )
        if kind == "lstm":
            i, f, g, o = (a + b for a, b in zip(from_x, from_h, strict=True))
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            rows.append({"i": i, "f": f, "g": g, "o": o, "c": c, "h": h})
        else:
            r, z = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
            n = np.tanh(from_x[2] + r * from_h[2])
            h = (1 - z) * n + z * h
            rows.append({"r": r, "z": z, "n": n, "h": h})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


ALL = [(layer, way) for layer in range(2) for way in range(2)]
KEEP = {"lstm": ("f", "c"), "gru": ("z", "h")}


@pytest.fixture(scope="module", params=list(KINDS))
def case(request: pytest.FixtureRequest) -> Any:
    module, x, state, ragged = batch_of(request.param)
    loops = [one_by_one(request.param, module, x, state, row) for row in range(len(LENGTHS))]
    for row, loop in enumerate(loops):  # what the rest of this file stands on
        for (layer, way), signals in loop.items():
            for name, value in signals.items():
                got = ragged.signals[name][layer, way, :, row]
                np.testing.assert_allclose(got[: LENGTHS[row]], value, rtol=0, atol=1e-12)
                assert np.isnan(got[LENGTHS[row] :]).all()
    return request.param, module, x, state, ragged, loops


@pytest.mark.parametrize(("layer", "way"), ALL)
def test_saturation_and_health_count_the_steps_that_were_taken(case: Any, layer: int, way: int) -> None:
    kind, _, _, _, ragged, loops = case
    shares = saturation(ragged, layer=layer, backward=bool(way))
    found = next(one for one in health(ragged) if (one.layer, one.direction) == (layer, way))
    rows = {name: np.concatenate([loop[layer, way][name] for loop in loops]) for name in loops[0][layer, way]}
    assert len(rows["h"]) == sum(LENGTHS)
    keep = rows[KEEP[kind][0]]
    for unit in range(HIDDEN):
        for name in shares.left:
            values = rows[name][:, unit].tolist()
            assert shares.left[name][unit] == sum(v < 0.1 for v in values) / len(values)
            assert shares.right[name][unit] == sum(v > 0.9 for v in values) / len(values)
            assert found.low[name][unit] == sum(v < 0.05 for v in values) / len(values)
            assert found.high[name][unit] == sum(v > 0.95 for v in values) / len(values)
        assert found.movement[unit] == pytest.approx(rows["h"][:, unit].max() - rows["h"][:, unit].min())
        assert found.keep is not None and found.timescale is not None
        assert found.keep[unit] == pytest.approx(sum(keep[:, unit]) / len(keep))
        assert found.timescale[unit] == pytest.approx(-len(keep) / sum(map(math.log, keep[:, unit])))


def test_an_open_gate_is_open_at_all_of_its_steps() -> None:
    """1.0 in a batch that is mostly padding, however it is padded."""
    module = nn.LSTM(3, 4)
    with torch.no_grad():
        module.bias_ih_l0[4:8] = 50.0
    for fill in (0.0, 1e6, float("nan")):
        x = torch.full((40, 3, 3), fill)
        for row, length in enumerate((1, 13, 2)):
            x[:length, row] = torch.randn(length, 3)
        assert saturation(trace(module, x, lengths=(1, 13, 2))).right["f"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(("layer", "way"), ALL)
@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_timescales_are_those_of_the_sequence(case: Any, layer: int, way: int, row: int) -> None:
    kind, _, _, _, ragged, loops = case
    found = timescales(ragged, layer=layer, backward=bool(way), batch=row)
    keep = loops[row][layer, way][KEEP[kind][0]]
    expected = [-len(keep) / sum(map(math.log, keep[:, unit])) for unit in range(HIDDEN)]
    np.testing.assert_allclose(found.on_text, expected)
    assert np.isfinite(found.from_bias).all()


def test_a_sequence_of_no_steps_has_no_timescale_and_says_so() -> None:
    """A block's batch may hold an empty one: NaN, as documented, and no warning; beside it nothing changes."""
    one = random_trace("lstm", layers=1)
    block = Block("", "numpy", one.cell, one.layers, ("forward",), batch_first=False)
    ragged = block.trace(one.inputs, lengths=[len(one), 0])
    assert (
        np.isnan(timescales(ragged, batch=1).on_text).all() and np.isfinite(timescales(ragged, batch=1).from_bias).all()
    )
    np.testing.assert_array_equal(
        timescales(ragged, batch=0).on_text, timescales(block.trace(one.inputs[:, 0])).on_text
    )
    for ask in (memory, lambda *a, **k: gradients(*a, np.ones(4), **k), flow, jacobians):
        with pytest.raises(ValueError, match="there is no step -1; the sequence has no steps"):
            ask(ragged, -1, batch=1)
    assert not retention(ragged, 0, batch=1).kept.size
    with pytest.raises(ValueError, match="no steps"):
        saturation(ragged.sequence(1))


@pytest.mark.parametrize(("layer", "way"), ALL)
@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_memory_and_retention_of_each_sequence(case: Any, layer: int, way: int, row: int) -> None:
    kind, _, _, state, ragged, loops = case
    signals, length = loops[row][layer, way], LENGTHS[row]
    keep, memory_name = KEEP[kind]
    write = signals["i"] * signals["g"] if kind == "lstm" else (1 - signals["z"]) * signals["n"]
    first = state[-1][2 * layer + way, row].numpy()
    order = list(range(length))[::-1] if way else list(range(length))
    place = {"layer": layer, "backward": bool(way), "batch": row}
    kept = [retention(ragged, unit, **place) for unit in range(HIDDEN)]
    for step in range(length):
        read = order[: order.index(step) + 1]
        expected = np.zeros((length, HIDDEN))
        rest = first.copy()
        for k in read:
            expected[k] = write[k]
            for j in read[read.index(k) + 1 :]:
                expected[k] = expected[k] * signals[keep][j]
            rest = rest * signals[keep][k]
        for asked in (step, step - length):
            found = memory(ragged, asked, **place)
            np.testing.assert_allclose(found.contributions, expected, rtol=0, atol=1e-12)
            np.testing.assert_allclose(found.initial, rest, rtol=0, atol=1e-12)
            np.testing.assert_allclose(found.value, signals[memory_name][step], rtol=0, atol=1e-12)
            assert found.step == step and found.residual < 1e-12
        for unit, matrix in enumerate(kept):
            np.testing.assert_allclose(matrix.contributions[step], expected[:, unit], rtol=0, atol=1e-12)
            assert matrix.initial[step] == pytest.approx(rest[unit], abs=1e-12)
        along = memory(ragged, step, direction=np.arange(1.0, 1 + HIDDEN), **place)
        assert along.value == pytest.approx(signals["h"][step] @ np.arange(1.0, 1 + HIDDEN)) and along.residual < 1e-9
    for beyond in (length, -length - 1):
        with pytest.raises(ValueError, match=f"there is no step {beyond}; the trace has {length} "):
            memory(ragged, beyond, **place)


@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_gradients_of_each_sequence_are_autograds(case: Any, row: int) -> None:
    _, module, x, state, ragged, _ = case
    length, rng = LENGTHS[row], np.random.default_rng(row)
    for step in {0, length - 1, -1}:
        error = rng.normal(size=2 * HIDDEN)
        own = x[:length, row : row + 1].clone().requires_grad_()
        first = [value[:, row : row + 1].clone().requires_grad_() for value in state]
        h = module(own, tuple(first) if len(first) > 1 else first[0])[0][step, 0]
        wanted = [own, module.weight_hh_l0_reverse, module.weight_ih_l1, module.weight_hh_l1]
        truth = torch.autograd.grad((h * torch.from_numpy(error)).sum(), wanted, allow_unused=True)
        truth = [np.zeros(w.shape) if v is None else v.numpy() for v, w in zip(truth, wanted, strict=True)]
        found = gradients(ragged, step, error, batch=row)
        assert found.step == step % length and found.inputs.shape == (length, 3)
        np.testing.assert_allclose(found.inputs, truth[0][:, 0], rtol=0, atol=1e-9)
        for name, layer, way, at in (("weight_hh", 0, 1, 1), ("weight_ih", 1, 0, 2), ("weight_hh", 1, 0, 3)):
            if case[0] == "lstm":
                letter = "W" if name == "weight_ih" else "U"
                parts = [found.weight(f"{letter}_{gate}", layer, way) for gate in "ifgo"]
                np.testing.assert_allclose(np.concatenate(parts), truth[at], rtol=0, atol=1e-8)


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_flow_of_each_sequence_is_a_difference_quotient(case: Any, way: int, row: int) -> None:
    """The whole Jacobian back to before the first step, by nudging the first state of the lower layer."""
    kind, module, x, state, ragged, _ = case
    length = LENGTHS[row]
    last, first = (0, length - 1) if way else (length - 1, 0)
    name = KEEP[kind][1]
    found = jacobians(ragged, last, name, layer=0, backward=bool(way), batch=row)
    assert found.shape == (length, HIDDEN, HIDDEN)
    norms = flow(ragged, last, name, layer=0, backward=bool(way), batch=row)
    np.testing.assert_allclose(norms.norm, np.linalg.norm(found, axis=(1, 2)))
    assert (
        norms.identity == pytest.approx(math.sqrt(HIDDEN)) and norms.direct is not None and len(norms.direct) == length
    )
    if length == 1:
        np.testing.assert_array_equal(found[0], np.eye(HIDDEN))
        return
    # d last / d (what the memory was after the first step): run on from there, with h following from c.
    signals = one_by_one(kind, module, x, state, row)[0, way]
    end = "_reverse" if way else ""
    weights = [
        getattr(module, f"{n}_l0{end}").detach().numpy() for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    order = list(range(length))[::-1] if way else list(range(length))
    rest = x[order[1:], row].numpy()

    def run(held: np.ndarray) -> np.ndarray:
        begin = [signals["o"][first] * np.tanh(held), held] if kind == "lstm" else [held]
        return one_layer(kind, weights, rest, begin)[name][-1]

    for unit in range(HIDDEN):
        nudge = np.zeros(HIDDEN)
        nudge[unit] = 1e-6
        quotient = (run(signals[name][first] + nudge) - run(signals[name][first] - nudge)) / 2e-6
        np.testing.assert_allclose(found[first][:, unit], quotient, rtol=0, atol=1e-7)


def test_an_intervention_reaches_each_sequence_as_if_it_were_alone(case: Any) -> None:
    kind, _, _, _, ragged, _ = case
    gate = KEEP[kind][0]
    same = intervene(ragged, []).after
    for name, value in ragged.signals.items():
        np.testing.assert_allclose(same.signals[name], value, rtol=0, atol=1e-12)
    lists = ([f"{gate}[1]@1:3=1"], [f"{gate}/0r@-1:=0"], ["h/1r@0:2=hold", f"{gate}/1[0,2]@-2:=flip"])
    for written in lists:
        after = intervene(ragged, written).after
        assert after.lengths == LENGTHS
        for row, length in enumerate(LENGTHS):
            one = ragged.sequence(row)  # one step alone has no step 1
            alone = intervene(one, [text for text in written if reaches(text, one)]).after
            assert alone.lengths is None and len(alone) == length
            for name, value in after.signals.items():
                np.testing.assert_allclose(
                    value[:, :, :length, row], alone.signals[name][:, :, :, 0], rtol=0, atol=1e-12
                )
                assert np.isnan(value[:, :, length:, row]).all()


def test_a_forced_gate_in_a_ragged_batch_by_hand() -> None:
    """The forget gate is 1 at each sequence's own last step: c goes on whole; one layer, by the update's equation."""
    torch.manual_seed(1)
    ragged = trace(nn.LSTM(3, 4).double(), torch.randn(5, 4, 3).double(), lengths=LENGTHS)
    after = intervene(ragged, ["f@-1:=1"]).after
    for row, length in enumerate(LENGTHS):
        signals = {name: value[0, 0, :, row] for name, value in ragged.signals.items()}
        old = signals["c"][length - 2] if length > 1 else np.zeros(4)
        c = old + signals["i"][length - 1] * signals["g"][length - 1]
        np.testing.assert_allclose(after["c"][0, 0, length - 1, row], c, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(after["f"][0, 0, length - 1, row], np.ones(4))


def test_a_sequence_alone_is_the_module_on_it_alone(case: Any) -> None:
    _, module, x, state, ragged, _ = case
    for row, length in enumerate(LENGTHS):
        first = tuple(value[:, row : row + 1] for value in state)
        expected = trace(module, x[:length, row : row + 1], first if case[0] == "lstm" else first[0])
        found = ragged.sequence(row)
        assert found.lengths is None and len(found) == length
        for name, value in expected.signals.items():
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(found.inputs, expected.inputs)
    np.testing.assert_array_equal(ragged.sequence(-1)["h"], ragged.sequence(3)["h"])
    for row in (4, -5):
        with pytest.raises(ValueError, match=rf"no batch entry {row}; the trace has 4 \(0 to 3\)"):
            ragged.sequence(row)


def test_a_contrast_says_nothing_after_an_end() -> None:
    torch.manual_seed(0)
    module, words = nn.LSTM(3, 4), "a b c d e"
    first, second = (
        replace(trace(module, torch.randn(5, 4, 3), lengths=lengths), tokens=tokens_of(words))
        for lengths in (LENGTHS, (2, 5, 3, 1))
    )
    found = contrast(first, second).difference("f")
    for row, ends in enumerate(zip(LENGTHS, (2, 5, 3, 1), strict=True)):
        both = min(ends)
        expected = second["f"][:, :, :both, row] - first["f"][:, :, :both, row]
        np.testing.assert_array_equal(found[:, :, :both, row], expected)
        assert np.isnan(found[:, :, both:, row]).all()


def test_a_search_leaves_out_what_was_not_read() -> None:
    torch.manual_seed(0)
    module, rng = nn.LSTM(3, 4, bidirectional=True), np.random.default_rng(0)
    xs = [torch.randn(6, 1, 3) for _ in range(8)]
    lengths = [6, 3, 5, 4, 2, 6, 4, 3]
    padded = [
        trace(module, torch.cat([x, torch.randn(6, 1, 3)], dim=1), lengths=[n, 6])
        for x, n in zip(xs, lengths, strict=True)
    ]
    alone = [trace(module, x[:n]) for x, n in zip(xs, lengths, strict=True)]
    labels = [rng.integers(0, 2, 6).astype(float) for _ in xs]
    found = search_traces(padded, labels, PROPERTIES["gender"], "h")
    expected = search_traces(alone, [y[:n] for y, n in zip(labels, lengths, strict=True)], PROPERTIES["gender"], "h")
    assert found.labelled == expected.labelled == (sum(lengths[::2]), sum(lengths[1::2]))
    assert [one.score for one in found.units] == pytest.approx([one.score for one in expected.units])


@pytest.mark.parametrize("attention", [False, True])
def test_a_words_error_in_a_padded_batch(attention: bool) -> None:
    model = word_model("lstm", "a b c d")
    if attention:
        readout, rng = model.predicts, np.random.default_rng(5)
        weight = rng.normal(size=(len(readout.weight), 10)).astype(np.float32)
        model = replace(
            model,
            readout=replace(readout, weight=weight, attention={"W_a": rng.normal(size=(5, 5)).astype(np.float32)}),
        )
    ids = np.array([[1, 2, 3], [2, 0, 0], [4, 4, 1]]).T[:, [1, 0, 2]]
    padded = model.read(ids, lengths=[1, 3, 3])
    alone = model.read(np.array([2]))
    shown = model.probabilities(padded)
    np.testing.assert_allclose(shown[:1], model.probabilities(alone), rtol=0, atol=1e-6)
    assert np.isnan(shown[1:]).all()
    for step in (0, -1):
        error = word_error(model, padded, step, "c")
        np.testing.assert_allclose(error, word_error(model, alone, step, "c"), rtol=0, atol=1e-6)
        found, expected = gradients(padded, step, error), gradients(alone, step, error)
        np.testing.assert_allclose(found.inputs, expected.inputs, rtol=0, atol=1e-6)
        found, expected = memory(padded, step, direction=error), memory(alone, step, direction=error)
        assert found.value == pytest.approx(expected.value, abs=1e-6) and found.residual < 1e-6
    with pytest.raises(ValueError, match="no step 1; the trace has 1"):
        word_error(model, padded, 1, "c")


SKIPS = np.array([[1, 1, 0, 1, 1, 0], [0, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 1]], bool)


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if cell.states()])
@pytest.mark.parametrize("directions", [1, 2])
def test_what_a_mask_skips_is_as_if_it_were_not_there(name: str, directions: int) -> None:
    """Each sequence with its skipped steps cut out answers everything alike; the skipped steps wrote nothing."""
    one = random_trace(name, time=6, layers=2, directions=directions, batch=3)
    ways = ("forward", "reverse")[:directions]
    block = Block("", "numpy", one.cell, one.layers, ways, batch_first=False, initial=one.initial)
    masked = block.trace(one.inputs, state=dict(one.initial), mask=SKIPS.T)
    size = directions * one.signals[one.cell.output].shape[-1]
    linear = name not in ("rnn", "rnn_relu")
    for row, read in enumerate(SKIPS):
        at = np.flatnonzero(read)
        first = {key: value[:, :, row : row + 1] for key, value in one.initial.items()}
        cut = block.trace(one.inputs[at, row][:, None], state=first)
        for way in range(directions):
            place = {"backward": bool(way)}
            if linear:
                found, expected = timescales(masked, batch=row, **place), timescales(cut, **place)
                np.testing.assert_allclose(found.on_text, expected.on_text)
                found, expected = memory(masked, int(at[-1]), batch=row, **place), memory(cut, -1, **place)
                np.testing.assert_allclose(found.contributions[at], expected.contributions, rtol=0, atol=1e-12)
                assert not found.contributions[~read].any() and found.residual < 1e-12
            for state in one.cell.states():
                found = jacobians(masked, int(at[-1]), state, batch=row, **place)
                np.testing.assert_allclose(found[at], jacobians(cut, -1, state, **place), rtol=0, atol=1e-12)
        error = np.random.default_rng(row).normal(size=size)
        found, expected = gradients(masked, int(at[-1]), error, batch=row), gradients(cut, -1, error)
        np.testing.assert_allclose(found.inputs[at], expected.inputs, rtol=0, atol=1e-10)
        assert not found.inputs[~read].any()
        for param in cut.layers[0][0]:
            np.testing.assert_allclose(found.weight(param, 0), expected.weight(param, 0), rtol=0, atol=1e-9)
    again = intervene(masked, []).after
    for signal, value in masked.signals.items():
        np.testing.assert_allclose(again.signals[signal], value, rtol=0, atol=1e-12)
    taken = {signal: masked[signal][1, 0][SKIPS.T] for signal in masked}
    for gate, share in saturation(masked).left.items():
        np.testing.assert_allclose(share, (taken[gate] < 0.1).mean(0))


def test_a_direction_at_a_skipped_step_is_seen_through_the_last_step_that_showed_it() -> None:
    one = random_trace("lstm", time=6, batch=3)
    block = Block("", "numpy", one.cell, one.layers, ("forward",), batch_first=False)
    masked = block.trace(one.inputs, mask=SKIPS.T)
    vector = np.arange(4.0)
    last, skipped = memory(masked, 4, direction=vector), memory(masked, 5, direction=vector)
    np.testing.assert_allclose(skipped.contributions, last.contributions, rtol=0, atol=1e-12)
    assert skipped.residual < 1e-12 and skipped.value == pytest.approx(last.value)
    never = memory(masked, 0, direction=vector, batch=1)
    assert not never.contributions.any() and never.residual == 0


def test_the_last_states_of_each_sequence_are_those_that_it_left(case: Any) -> None:
    """torch's own last states of a packed batch; of an empty sequence the first ones."""
    _, module, x, state, ragged, _ = case
    packed = nn.utils.rnn.pack_padded_sequence(x, list(LENGTHS), enforce_sorted=False)
    last = module(packed, state if len(state) > 1 else state[0])[1]
    for name, value in zip("hc", last if isinstance(last, tuple) else (last,), strict=False):
        np.testing.assert_allclose(ragged.final[name].reshape(value.shape), value.detach(), rtol=0, atol=1e-12)
    one = random_trace("lstm", directions=2)
    block = Block("", "numpy", one.cell, one.layers, ("forward", "reverse"), batch_first=False)
    empty = block.trace(one.inputs, state=dict(one.initial), lengths=[len(one), 0])
    for name, value in one.initial.items():
        np.testing.assert_array_equal(empty.final[name][:, :, 1], value[:, :, 1])


def test_a_trace_that_holds_some_signals_answers_what_it_can() -> None:
    torch.manual_seed(0)
    whole = trace(nn.LSTM(3, 4), torch.randn(5, 4, 3), lengths=LENGTHS)
    some = replace(whole, signals={"f": whole["f"], "c": whole["c"]})
    found, expected = saturation(some, low=0.5), saturation(whole, low=0.5)
    assert list(found.left) == ["f"]
    np.testing.assert_array_equal(found.left["f"], expected.left["f"])
    for ask in (health, timescales, lambda one: memory(one, -1), lambda one: contrast(one, one)):
        with pytest.raises(ValueError, match="the trace has no signal '.'; it has f, c"):
            ask(some)


@pytest.mark.parametrize("name", ["lstm", "gru", "grid"])
def test_a_layer_that_only_reads_backwards_is_one_that_reads_the_turned_text(name: str) -> None:
    """Keras's go_backwards, in a ragged batch: everything as of each sequence turned round and read forwards."""
    one = random_trace(name, time=5, layers=2, batch=4)
    ways = [Block("", "keras", one.cell, one.layers, (way,), batch_first=False) for way in ("reverse", "forward")]
    back = ways[0].trace(one.inputs, state=dict(one.initial), lengths=list(LENGTHS))
    assert back.reverse and not one.reverse
    for row, length in enumerate(LENGTHS):
        first = {key: value[:, :, row : row + 1] for key, value in one.initial.items()}
        turned = ways[1].trace(one.inputs[:length, row][::-1][:, None], state=first)
        for key, value in turned.final.items():
            np.testing.assert_allclose(back.final[key][:, :, row], value[:, :, 0], rtol=0, atol=1e-12)
        for layer in range(2):
            np.testing.assert_allclose(
                timescales(back, layer=layer, batch=row).on_text, timescales(turned, layer=layer).on_text
            )
            kept = retention(back, 1, layer=layer, batch=row)
            np.testing.assert_allclose(
                kept.kept[::-1, ::-1], retention(turned, 1, layer=layer).kept, rtol=0, atol=1e-12
            )
            np.testing.assert_allclose(
                kept.initial[::-1], retention(turned, 1, layer=layer).initial, rtol=0, atol=1e-12
            )
        for step in range(length):
            there = length - 1 - step
            got, expected = memory(back, step, batch=row), memory(turned, there)
            np.testing.assert_allclose(got.contributions[::-1], expected.contributions, rtol=0, atol=1e-12)
            assert got.residual < 1e-12 and got.step == step
            error = np.arange(1.0, 1 + back[one.cell.output].shape[-1])
            ours, theirs = gradients(back, step, error, batch=row), gradients(turned, there, error)
            np.testing.assert_allclose(ours.inputs[::-1], theirs.inputs, rtol=0, atol=1e-10)
            state = one.cell.states()[0]
            ours, theirs = flow(back, step, state, batch=row), flow(turned, there, state)
            np.testing.assert_allclose(ours.norm[::-1], theirs.norm, rtol=0, atol=1e-10)
        gate = one.cell.signals[0].name
        ours = intervene(back, [f"{gate}[1]@0:1=0.5", f"{gate}/1@-1:=0.25"]).after
        theirs = intervene(turned, [f"{gate}[1]@{length - 1}=0.5", f"{gate}/1@0:1=0.25"]).after
        for signal, value in theirs.signals.items():
            np.testing.assert_allclose(
                ours[signal][:, :, :length, row][:, :, ::-1], value[:, :, :, 0], rtol=0, atol=1e-12
            )
    for signal, value in intervene(back, []).after.signals.items():
        np.testing.assert_allclose(value, back[signal], rtol=0, atol=1e-12)
    file = io.BytesIO()
    back.to_npz(file)
    assert Trace.from_npz(io.BytesIO(file.getvalue())).reverse
