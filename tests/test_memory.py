"""Who wrote this memory: against explicit double loops, and against the model's own logits."""

from __future__ import annotations

import math
import time
import tracemalloc

import cases
import numpy as np
import pytest
from traces import GATED, random_trace

from lstm_core.analysis import Memory, memory, readout, retention


def by_hand(keep: np.ndarray, written: np.ndarray, first: float, step: int) -> tuple[list[float], float]:
    """c_t = sum_k (prod_{j=k+1..t} f_j) i_k g_k + (prod f) c_0, for one unit, by two loops."""
    parts = []
    for k in range(step + 1):
        share = 1.0
        for j in range(k + 1, step + 1):
            share *= keep[j]
        parts.append(share * written[k])
    return parts, math.prod(keep[: step + 1].tolist()) * first


@pytest.mark.parametrize("step", [0, 3, 6])
def test_the_lstm_is_the_papers_weighted_sum(step: int) -> None:
    trace = random_trace("lstm")
    f, i, g = (trace.sel(name, layer=0, direction=0, batch=0) for name in "fig")
    found = memory(trace, step)
    assert (found.state, found.keep, found.write, found.candidate) == ("c", "f", "i", "g")
    for unit in range(4):
        parts, first = by_hand(f[:, unit], (i * g)[:, unit], trace.initial["c"][0, 0, 0, unit], step)
        np.testing.assert_allclose(found.contributions[: step + 1, unit], parts, rtol=1e-12)
        assert found.initial[unit] == pytest.approx(first, rel=1e-12)
        assert sum(parts) + first == pytest.approx(trace.sel("c", layer=0, direction=0, batch=0)[step, unit])
    assert not found.contributions[step + 1 :].any()
    assert found.residual < 1e-12 and not found.candidate_reads_state


@pytest.mark.parametrize("name", ["gru", "gru_cho"])
def test_the_gru_is_the_same_sum_with_z_and_1_minus_z(name: str) -> None:
    trace = random_trace(name)
    z, n = (trace.sel(signal, layer=0, direction=0, batch=1) for signal in "zn")
    parts, first = by_hand(z[:, 2], ((1 - z) * n)[:, 2], trace.initial["h"][0, 0, 1, 2], 5)
    found = memory(trace, 5, unit=2, batch=1)
    np.testing.assert_allclose(found.contributions[:6], parts, rtol=1e-12)
    assert found.initial == pytest.approx(first)
    assert found.value == trace.sel("h", layer=0, direction=0, batch=1, time=5, unit=2)
    assert (found.keep, found.write) == ("z", "1 - z")
    assert found.candidate_reads_state


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("backward", [False, True])
def test_the_sum_is_the_state_in_every_layer_and_direction(name: str, backward: bool) -> None:
    trace = random_trace(name, layers=2, directions=2)
    for layer in (0, 1):
        for step in range(len(trace)):
            found = memory(trace, step, layer=layer, backward=backward)
            state = trace.sel(found.state, layer=layer, direction=int(backward), batch=0, time=step)
            np.testing.assert_array_equal(found.value, state)
            total = found.contributions.sum(0) + found.initial
            np.testing.assert_allclose(total, state, atol=1e-12)
            assert found.residual == pytest.approx(np.abs(total - state).max())
            unread = found.contributions[:step] if backward else found.contributions[step + 1 :]
            assert not unread.any()


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_cho"])
def test_a_direction_adds_up_to_the_logit_of_one_word_against_another(name: str) -> None:
    model = cases.model(name)
    trace = model.run("Mary was late because John was late .")
    logits = model.logits(trace)
    she, he = model.tokenizer.id("she"), model.tokenizer.id("he")
    direction = readout(model, "she", "he")
    for step in range(len(trace)):
        found = memory(trace, step, direction=direction.vector)
        assert found.contributions.shape == (len(trace),)
        total = found.contributions.sum() + found.initial + found.offset + direction.bias
        assert total == pytest.approx(logits[step, she] - logits[step, he], abs=1e-5)
        assert found.residual < 1e-5 and found.offset == 0


def test_a_word_counts_o_tanh_c_over_c_times_what_it_wrote() -> None:
    trace, weight = random_trace("lstm"), np.array([0.3, -1.0, 2.0, 0.5])
    f, i, g, o, c = (trace.sel(name, layer=0, direction=0, batch=0) for name in "figoc")
    expected = np.zeros(7)
    for unit in range(4):
        parts, _ = by_hand(f[:, unit], (i * g)[:, unit], 0.0, 6)
        expected += weight[unit] * o[6, unit] * np.tanh(c[6, unit]) / c[6, unit] * np.array(parts)
    np.testing.assert_allclose(memory(trace, 6, direction=weight).contributions, expected, rtol=1e-9)


def test_an_empty_memory_has_the_slope_of_its_output() -> None:
    trace = random_trace("lstm")
    for name in ("c", "h"):
        trace.signals[name][:, :, 6] = 0.0
    found = memory(trace, 6, direction=np.ones(4))
    assert np.isfinite(found.contributions).all()
    f, i, g, o = (trace.sel(name, layer=0, direction=0, batch=0) for name in "figo")
    assert found.contributions[6] == pytest.approx(float((o * i * g)[6].sum()))


def test_both_directions_of_the_top_layer_share_one_readout() -> None:
    model = cases.model("lstm", layers=2, directions=2)
    trace = model.run("Mary was late .")
    direction = readout(model, "she")
    parts = [memory(trace, 1, direction=direction.vector, backward=way) for way in (False, True)]
    total = sum(float(part.contributions.sum() + part.initial) for part in parts) + direction.bias
    assert total == pytest.approx(model.logits(trace)[1, model.tokenizer.id("she")], abs=1e-5)


@pytest.mark.parametrize("name", ["lstm", "gru"])
@pytest.mark.parametrize("backward", [False, True])
def test_the_retention_matrix_holds_every_pair(name: str, backward: bool) -> None:
    trace = random_trace(name, directions=2)
    trace.signals["f" if name == "lstm" else "z"][..., 3, :, :] = 0.0  # a shut gate: nothing to divide by
    pairs = retention(trace, 1, backward=backward)
    keep = trace.sel("f" if name == "lstm" else "z", layer=0, direction=int(backward), batch=0, unit=1)
    for t in range(7):
        found = memory(trace, t, unit=1, backward=backward)
        np.testing.assert_allclose(pairs.contributions[t], found.contributions, atol=1e-15)
        assert pairs.initial[t] == pytest.approx(float(found.initial))
        for k in range(7):
            between = range(t, k) if backward else range(k + 1, t + 1)
            read = k >= t if backward else k <= t
            assert pairs.kept[t, k] == pytest.approx(math.prod(keep[j] for j in between) if read else 0.0)


@pytest.mark.parametrize("name", ["lstm", "slstm"])
@pytest.mark.parametrize("backward", [False, True])
def test_a_part_of_the_retention_matrix_is_that_part_of_the_whole(name: str, backward: bool) -> None:
    trace = random_trace(name, directions=2)
    whole = retention(trace, 1, backward=backward)
    for start, stop in ((0, 7), (2, 5), (6, 7), (3, 3)):
        part = retention(trace, 1, start=start, stop=stop, backward=backward)
        seen = slice(start, stop)
        assert part.start == start
        np.testing.assert_allclose(part.kept, whole.kept[seen, seen], rtol=1e-12)
        np.testing.assert_allclose(part.contributions, whole.contributions[seen, seen], rtol=1e-12)
        np.testing.assert_allclose(part.initial, whole.initial[seen], rtol=1e-12)
    for start, stop in ((-1, 3), (4, 3), (0, 8)):
        with pytest.raises(ValueError, match=f"there are no steps {start} to {stop}: the text has 7"):
            retention(trace, 1, start=start, stop=stop)


@pytest.mark.parametrize("backward", [False, True])
def test_of_a_memory_that_is_read_as_a_share_of_a_sum_is_kept_what_is_left_of_that_share(backward: bool) -> None:
    """The sLSTM shows c / n: after a heavy word little is left of what was read before, however open f is."""
    trace = random_trace("slstm", directions=2)
    pairs = retention(trace, 1, backward=backward)
    f, n = (trace.sel(name, layer=0, direction=int(backward), batch=0, unit=1) for name in ("f", "n"))
    for t in range(7):
        found = memory(trace, t, unit=1, backward=backward)
        np.testing.assert_allclose(pairs.contributions[t], found.contributions, atol=1e-15)
        for k in range(7):
            between = range(t, k) if backward else range(k + 1, t + 1)
            read = k >= t if backward else k <= t
            assert pairs.kept[t, k] == pytest.approx(math.prod(f[j] for j in between) * n[k] / n[t] if read else 0.0)
            assert pairs.kept[t, k] <= 1 + 1e-9


def test_a_thousand_steps_of_256_units_take_no_second_and_no_cube() -> None:
    trace = random_trace("lstm", time=1000, hidden=256, batch=1, dtype=np.float32)
    direction = np.random.default_rng(0).normal(size=256)

    def ask() -> list[Memory]:
        return [memory(trace, 999, unit=7), memory(trace, 999), memory(trace, 999, direction=direction)]

    start = time.thread_time()  # this thread's own time: other work on the machine does not count
    found = ask()
    seconds = time.thread_time() - start
    tracemalloc.start()
    ask()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(result.residual for result in found) < 1e-5
    assert seconds < 1 and peak < 100e6  # time x time x unit would be 2 GB


def test_what_cannot_be_decomposed_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="rnn does not go on linearly"):
        memory(random_trace("rnn"), 0)
    trace = random_trace("lstm")
    for wrong, match in (
        ({"step": 7}, "no step 7; the trace has 7"),
        ({"step": 0, "unit": 4}, "no unit 4"),
        ({"step": 0, "layer": 1}, "no layer 1"),
        ({"step": 0, "batch": 2}, "no batch entry 2"),
        ({"step": 0, "backward": True}, "no backward direction"),
        ({"step": 0, "direction": np.float64(1)}, "backward=True"),
        ({"step": 0, "unit": 0, "direction": np.ones(4)}, "not both"),
    ):
        with pytest.raises(ValueError, match=match):
            memory(trace, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no unit -5"):
        retention(trace, -5)
    np.testing.assert_array_equal(memory(trace, -1).contributions, memory(trace, 6).contributions)


def test_a_projected_output_counts_every_unit_of_the_memory() -> None:
    trace, weight = random_trace("lstm_projected"), np.array([0.3, -1.0, 2.0, 0.5])
    f, i, g, o, c, h = (trace.sel(name, layer=0, direction=0, batch=0) for name in "figoch")
    seen = (trace.layers[0][0]["W_hr"].T @ weight) * o[6] * np.tanh(c[6]) / c[6]
    expected = sum(seen[u] * np.array(by_hand(f[:, u], (i * g)[:, u], 0.0, 6)[0]) for u in range(4))
    found = memory(trace, 6, direction=weight)
    np.testing.assert_allclose(found.contributions, expected, rtol=1e-9)
    assert found.value == pytest.approx(h[6] @ weight) and found.residual < 1e-12


@pytest.mark.parametrize("name", GATED)
def test_a_direction_is_exact_in_every_cell(name: str) -> None:
    trace = random_trace(name)
    assert memory(trace, 5, direction=np.array([0.3, -1.0, 2.0, 0.5])).residual < 1e-12
