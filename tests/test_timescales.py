"""Timescales: against -1 / log f by hand, and against a memory that really decays."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from traces import random_trace

from lstm_core import CELLS, Trace
from lstm_core.analysis import timescales
from lstm_core.analysis.letting_go import last
from lstm_core.scan import scan
from lstm_core.text import Token


@pytest.mark.parametrize(("name", "gate"), [("lstm", "f"), ("gru", "z"), ("gru_cho", "z")])
def test_each_unit_by_hand(name: str, gate: str) -> None:
    trace = random_trace(name, layers=2, directions=2)
    found = timescales(trace, layer=0, backward=True, batch=1)
    assert found.keep == gate
    for unit in range(4):
        values = trace.sel(gate, layer=0, direction=1, batch=1, unit=unit)
        mean = sum(math.log(value) for value in values) / len(values)
        assert found.on_text[unit] == pytest.approx(-1 / mean)
        bias = trace.layers[0][1][f"b_{gate}"][unit]
        assert found.from_bias[unit] == pytest.approx(-1 / math.log(1 / (1 + math.exp(-bias))))


def test_after_one_timescale_a_share_of_1_over_e_is_left() -> None:
    """Nothing but the forget bias: the cell state itself decays as the timescale from the bias says."""
    cell = CELLS["lstm"]
    params = {p.name: np.zeros(p.shape(1, 1)) for p in cell.params} | {"b_f": np.array([-math.log(math.expm1(0.1))])}
    initial = {"c": np.ones((1, 1, 1, 1)), "h": np.zeros((1, 1, 1, 1))}
    signals, _ = scan(cell, [[params]], np.zeros((10, 1, 1)), initial)
    found = timescales(Trace(cell, signals, np.zeros((10, 1, 1)), [[params]], initial))
    assert found.from_bias[0] == pytest.approx(10) and found.on_text[0] == pytest.approx(10)
    assert signals["c"][0, 0, 9, 0, 0] == pytest.approx(1 / math.e)


def test_a_word_that_outweighs_all_before_it_is_let_go_of_what_it_outweighs() -> None:
    """The sLSTM's f may stay at 1: what it keeps is what is left of c / n."""
    trace = random_trace("slstm", time=4, batch=1)
    weights = np.array([0.001, 0.0001, 0.1, 0.002])
    for name, values in (
        ("f", np.ones(4)),
        ("i", weights),
        ("n", np.cumsum(weights)),
        ("c", np.cumsum(weights * [1, 1, -1, -1])),
    ):
        trace.signals[name][0, 0, :, 0, 1] = values
    trace.initial["n"][..., 1] = trace.initial["c"][..., 1] = 0
    found = timescales(trace)
    assert found.let_go[:, 1].tolist() == [False, False, True, False]
    holds = [1.0, 0.001 / 0.0011, 0.1011 / 0.1031]
    assert found.holding[1] == pytest.approx(-3 / sum(map(math.log, holds)))


def _unit(keep: list[float], memory: list[float]) -> Trace:
    """One unit of an LSTM with these forget gates and cell states."""
    trace = random_trace("lstm", time=len(keep), batch=1)
    trace.signals["f"][0, 0, :, 0, 0], trace.signals["c"][0, 0, :, 0, 0] = keep, memory
    trace.initial["c"][..., 0] = 0
    return trace


@pytest.mark.parametrize(
    ("keep", "memory", "gone", "over"),
    [
        ([1, 1, 0.1, 1], [0.9, 0.9, -0.8, -0.8], [2], range(2, 3)),
        ([1, 0.2, 0.4, 0.3, 1], [0.9, 0.2, -0.4, -0.8, -0.8], [1], range(1, 4)),  # a name of three tokens
        ([0.5, 0.1, 0.3, 0.03, 1], [0, 0.34, 0.3, 0.96, 0.95], [], range(0)),  # a name is written in pieces
        ([1, 1, 0.4, 1], [0.9, 0.94, 0.96, 0.96], [], range(0)),  # the same is written again
        ([1, 0.01, 1, 1], [0.08, 0.01, 0.8, 0.8], [], range(0)),  # a tenth of what it can hold
        ([1, 1, 0.1], [0.1, 0.2, 0], [], range(0)),  # it never holds anything
    ],
)
def test_a_unit_lets_go_of_what_it_holds(keep: list[float], memory: list[float], gone: list[int], over: range) -> None:
    trace = _unit(keep, memory)
    assert np.flatnonzero(timescales(trace).let_go[:, 0]).tolist() == gone
    assert last(trace, 0) == over


def test_what_stood_before_the_text_is_not_let_go_of_at_its_first_word() -> None:
    trace = _unit([1, 0.1, 1, 0.1], [2.0, 0.9, 0.9, -0.8])
    assert np.flatnonzero(timescales(trace).let_go[:, 0]).tolist() == [1, 3]
    tokens = tuple(Token(text, max(0, end - 1), end, 0, text, True, end) for end, text in enumerate("\nabc"))
    trace = replace(trace, tokens=tokens)
    assert np.flatnonzero(timescales(trace).let_go[:, 0]).tolist() == [3]


def test_a_text_that_is_read_backward_is_let_go_of_in_that_order() -> None:
    trace = random_trace("lstm", time=4, batch=1, directions=2)
    trace.signals["f"][0, 1, :, 0, 0], trace.signals["c"][0, 1, :, 0, 0] = [1, 0.3, 0.1, 1], [-0.8, -0.8, -0.4, 0.9]
    trace.initial["c"][0, 1, :, 0] = 0
    assert last(trace, 0, backward=True) == range(1, 3)
    assert timescales(trace, backward=True).let_go[:, 0].tolist() == [False, False, True, False]


def test_gates_that_never_or_wholly_forget() -> None:
    trace = random_trace("lstm")
    trace.signals["f"][..., 0] = 1.0
    trace.signals["f"][..., 3, :, 1] = 0.0
    found = timescales(trace).on_text
    assert found[0] == math.inf and found[1] == 0 and np.isfinite(found[2:]).all()


def test_the_plain_network_has_none() -> None:
    with pytest.raises(ValueError, match="rnn"):
        timescales(random_trace("rnn"))
