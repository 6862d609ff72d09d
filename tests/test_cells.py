"""Every cell: the same numbers as its oracle, values within the declared ranges, and memory that can be held."""

from __future__ import annotations

from types import SimpleNamespace

import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import ORACLES
from oracles_variants import VARIANT_ORACLES

from lstm_core.cells import CELLS, VARIANTS, Cell, cell, discover
from lstm_core.cells.base import candidate, gate, state
from lstm_core.ops import NUMPY, parameters

ALL = CELLS | VARIANTS
EVERY = pytest.mark.parametrize("name", ALL)
BACKEND = pytest.mark.parametrize("backend", cases.BACKENDS)


@EVERY
@BACKEND
@pytest.mark.parametrize("scale", [0.3, 3.0])  # gates half open, and gates that saturate
def test_equals_its_oracle(name: str, backend: str, scale: float) -> None:
    """Every signal of every step to 1e-12, from a state that is not zero; each of the batch by itself."""
    oracles = ORACLES | VARIANT_ORACLES
    assert name in oracles, f"the cell {name} has no oracle: add one to tests/oracles.py"
    rng, chosen = np.random.default_rng(1), ALL[name]
    layers = cases.network(chosen, rng, scale=scale)
    x, first = rng.normal(size=(7, 2, 3)), cases.start(chosen, rng, 1, 1, 2, 4)
    signals, final = cases.run(chosen, layers, x, first, backend)

    params = {key: value.tolist() for key, value in layers[0][0].items()}
    below = [{key: [[0.0] * 4] * 7 for key in chosen.below}] if chosen.below else []
    for b in range(2):
        old = {key: value[0, 0, b].tolist() for key, value in first.items()}
        steps = oracles[name](params, x[:, b].tolist(), old, *below)
        assert set(steps[0]) == set(signals) == {signal.name for signal in chosen.signals}
        for key, value in signals.items():
            np.testing.assert_allclose(value[0, 0, :, b], [step[key] for step in steps], rtol=1e-12, atol=1e-12)
        for key, value in final.items():
            np.testing.assert_allclose(value[0, 0, b], steps[-1][key], rtol=1e-12, atol=1e-12)


@EVERY
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 300.0))
def test_signals_stay_in_the_declared_range(name: str, seed: int, scale: float) -> None:
    check_range(ALL[name], seed, scale)


def check_range(chosen: type[Cell], seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    layers = cases.network(chosen, rng, layers=2, directions=2, scale=scale)
    x, first = rng.normal(size=(5, 1, 3)), cases.start(chosen, rng, 2, 2, 1, 4)
    for key, values in cases.run(chosen, layers, x, first)[0].items():
        signal = chosen.signal(key)
        assert np.isfinite(values).all()
        # An average of two numbers may round beyond both by one unit in the last place.
        assert signal.low - 1e-12 <= values.min() and values.max() <= signal.high + 1e-12, key


@EVERY
def test_declared_ranges_are_reached(name: str) -> None:
    """A range that is too wide is wrong as well: large weights drive every signal close to both of its ends."""
    rng, chosen = np.random.default_rng(0), ALL[name]
    count = 3 if chosen.below else 1  # what is summed up along depth needs layers to grow
    layers = cases.network(chosen, rng, hidden=32, layers=count, scale=20.0)
    signals, _ = cases.run(chosen, layers, rng.normal(size=(60, 1, 3)))
    for key, values in signals.items():
        signal = chosen.signal(key)
        if np.isfinite(signal.low):
            assert values.min() < signal.low + 0.1, key
        if np.isfinite(signal.high):
            assert values.max() > signal.high - 0.1, key


VALUES = st.floats(-1, 1)
HELD = {"lstm": {"f": 1.0, "i": 0.0}, "gru": {"z": 1.0}, "gru_cho": {"z": 1.0}}


@pytest.mark.parametrize("name", HELD)
@given(old=st.lists(VALUES, min_size=3, max_size=3), new=st.lists(VALUES, min_size=3, max_size=3))
def test_a_step_that_keeps_all_changes_nothing(name: str, old: list[float], new: list[float]) -> None:
    """f = 1 and i = 0 (z = 1) leave the memory exactly as it was, whatever the candidate asks for."""
    chosen = CELLS[name]
    memory = "c" if name == "lstm" else "h"
    s = SimpleNamespace(**{key: np.array(old) for key in chosen.states()})
    gates = {signal.name: np.array(new) for signal in chosen.signals if signal.kind != "state"}
    gates |= {key: np.full(3, value) for key, value in HELD[name].items()}
    updated = chosen.update(parameters({}), SimpleNamespace(**gates), s, NUMPY)
    np.testing.assert_array_equal(updated[memory], old)


@pytest.mark.parametrize("name", HELD)
@BACKEND
def test_open_gates_hold_the_memory_for_a_whole_text(name: str, backend: str) -> None:
    """The same from the weights: biases that saturate the gates carry the first state over 200 steps unchanged."""
    rng, chosen = np.random.default_rng(3), CELLS[name]
    layers = cases.network(chosen, rng)
    for key, value in HELD[name].items():
        layers[0][0][f"b_{key}"][:] = 1000.0 if value else -1000.0
    first = cases.start(chosen, rng, 1, 1, 1, 4)
    memory = "c" if name == "lstm" else "h"
    signals, _ = cases.run(chosen, layers, rng.normal(size=(200, 1, 3)), first, backend)
    np.testing.assert_array_equal(signals[memory][0, 0, :, 0], np.broadcast_to(first[memory][0, 0], (200, 4)))


@EVERY
def test_declaration(name: str) -> None:
    """What is declared is what is computed, and nothing that a page shows is empty."""
    chosen = ALL[name]
    assert chosen.name == name and chosen.title and chosen.source and chosen.__doc__
    signals, params = [s.name for s in chosen.signals], [p.name for p in chosen.params]
    assert len(set(signals)) == len(signals) and len(set(params)) == len(params)
    roles = [s.role for s in chosen.signals]
    assert len(set(roles)) == len(roles), "two signals would stand in one row"
    assert all(s.meaning for s in chosen.signals) and all(p.meaning for p in chosen.params)
    assert all(s.low < s.high for s in chosen.signals)
    assert set(chosen.bias_init) <= set(params)
    assert chosen.output in signals and set(chosen.below) <= set(signals)


@EVERY
def test_every_parameter_matters(name: str) -> None:
    """Adding to any one parameter changes some signal, so that none is forgotten in the equations."""
    rng, chosen = np.random.default_rng(5), ALL[name]
    layers = cases.network(chosen, rng, layers=2)
    x, first = rng.normal(size=(6, 1, 3)), cases.start(chosen, rng, 2, 1, 1, 4)
    before, _ = cases.run(chosen, layers, x, first)
    for key in layers[1][0]:
        changed = [layers[0], [{**layers[1][0], key: layers[1][0][key] + 0.25}]]
        after, _ = cases.run(chosen, changed, x, first)
        assert any(not np.array_equal(before[k], after[k]) for k in before), key


def test_gates_of_one_sign_do_not_overflow() -> None:
    """Warnings are errors here: neither end of the sigmoid overflows, and the small values are not lost."""
    x = np.array([-1e4, -700.0, -40.0, 0.0, 40.0, 1e4])
    with np.errstate(all="raise", under="ignore"):
        value = NUMPY.sigmoid(x)
    np.testing.assert_allclose(value, [0, np.exp(-700.0), np.exp(-40.0), 0.5, 1, 1], rtol=1e-12)
    assert NUMPY.sigmoid(x.astype(np.float32)).dtype == np.float32


def test_unknown_names_are_answered_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="no cell 'lstn'; there are .*lstm"):
        cell("lstn")
    with pytest.raises(ValueError, match="lstm has no signal 'z'; it has i, f, g, o, c, h"):
        CELLS["lstm"].signal("z")


def test_cells_are_found_and_a_name_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import lstm_core.cells.rnn as module

    assert {"rnn", "lstm", "gru", "gru_cho"} <= set(CELLS) and set(discover()) == set(CELLS) | set(VARIANTS)
    assert not set(CELLS) & set(VARIANTS)
    twin = type("Twin", (Cell,), {"name": "lstm", "__module__": module.__name__})
    monkeypatch.setattr(module, "Twin", twin, raising=False)
    with pytest.raises(ValueError, match="two cells are named 'lstm'"):
        discover()


def test_the_checks_see_a_wrong_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """An LSTM with i and f swapped fails against the oracle; one that declares too wide a range fails as well."""
    lstm = CELLS["lstm"]

    def swapped(p, v, s, xp):
        c = v.i * s.c + v.f * v.g
        return {"c": c, "h": v.o * xp.tanh(c)}

    wrong = type("Swapped", (lstm,), {"update": staticmethod(swapped)})
    monkeypatch.setitem(ALL, "lstm", wrong)
    with pytest.raises(AssertionError, match="Mismatch"):
        test_equals_its_oracle("lstm", "numpy", 0.3)

    wide = (gate("i", "write", "w", low=-1.0), *lstm.signals[1:])
    monkeypatch.setitem(ALL, "lstm", type("Wide", (lstm,), {"signals": wide}))
    with pytest.raises(AssertionError):
        test_declared_ranges_are_reached("lstm")

    narrow = (*lstm.signals[:2], candidate("g", "c", low=0.0), *lstm.signals[3:4], state("c", "cell", "m"))
    monkeypatch.setitem(ALL, "lstm", type("Narrow", (lstm,), {"signals": (*narrow, lstm.signals[5])}))
    with pytest.raises(AssertionError):
        check_range(ALL["lstm"], 0, 1.0)
