"""What if: against loops written here with the value forced inside, and against runs of the edited text itself."""

from __future__ import annotations

import math
import pickle
import re
from dataclasses import replace

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traces import random_trace

from lstm_core import CELLS, Trace
from lstm_core.analysis import (
    Force,
    Swap,
    attribution,
    deletion,
    format_all,
    intervene,
    parse,
    parse_all,
    reaches,
)
from lstm_core.scan import scan


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def lstm_by_hand(trace: Trace, edit: dict[tuple[int, str], dict[int, float | str]]) -> dict[str, np.ndarray]:
    """One layer, batch entry 0; ``edit``: at (step, signal), for each unit a number, "hold" or "flip"."""
    p, h, c = trace.layers[0][0], trace.initial["h"][0, 0, 0], trace.initial["c"][0, 0, 0]
    found: dict[str, list[np.ndarray]] = {name: [] for name in "ifgoch"}

    def forced(t: int, name: str, value: np.ndarray, old: np.ndarray) -> np.ndarray:
        value = value.copy()
        for unit, what in edit.get((t, name), {}).items():
            value[unit] = old[unit] if what == "hold" else -value[unit] if what == "flip" else what
        found[name].append(value)
        return value

    for t, x in enumerate(trace.inputs[:, 0]):
        net = {k: p[f"W_{k}"] @ x + p[f"U_{k}"] @ h + p[f"b_{k}"] for k in "ifgo"}
        v = {k: forced(t, k, np.tanh(a) if k == "g" else sigmoid(a), a) for k, a in net.items()}
        c = forced(t, "c", v["f"] * c + v["i"] * v["g"], c)
        h = forced(t, "h", v["o"] * np.tanh(c), h)
    return {name: np.array(values) for name, values in found.items()}


def assert_is(trace: Trace, expected: dict[str, np.ndarray], batch: int = 0) -> None:
    for name, values in expected.items():
        np.testing.assert_allclose(trace.signals[name][0, 0, :, batch], values, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("written", "edit"),
    [
        (["f[2]@3:5=1"], {(t, "f"): {2: 1.0} for t in (3, 4)}),
        (["f[2]@3:4=1", "i[2]@3=0"], {(3, "f"): {2: 1.0}, (3, "i"): {2: 0.0}}),
        (["i[0,2-3]@5:=0"], {(t, "i"): {0: 0.0, 2: 0.0, 3: 0.0} for t in (5, 6)}),
        (["g@:2=-0.5"], {(t, "g"): dict.fromkeys(range(4), -0.5) for t in (0, 1)}),
        (["o[1]=0"], {(t, "o"): {1: 0.0} for t in range(7)}),
        (["c[1]@2:6=hold"], {(t, "c"): {1: "hold"} for t in range(2, 6)}),
        (["c[1]@0:1=hold"], {(0, "c"): {1: "hold"}}),
        (["c[3]@4=flip"], {(4, "c"): {3: "flip"}}),
        (["c@4=2.5"], {(4, "c"): dict.fromkeys(range(4), 2.5)}),
        (["h@4=0"], {(4, "h"): dict.fromkeys(range(4), 0.0)}),
        (["f[2]@-1=0"], {(6, "f"): {2: 0.0}}),
        (["!f[2]@3:5=1", "!f@99=0"], {}),
        (["f[2]@3=1", "f[2]@3=0.25"], {(3, "f"): {2: 0.25}}),
    ],
)
def test_the_lstm_runs_on_from_the_forced_value(written: list[str], edit: dict) -> None:
    trace = random_trace("lstm")
    found = intervene(trace, written)
    assert_is(found.after, lstm_by_hand(trace, edit))
    assert_is(found.before, lstm_by_hand(trace, {}))
    for name, difference in found.difference.items():
        np.testing.assert_array_equal(difference, found.after.signals[name] - trace.signals[name])


def test_one_intervention_needs_no_list() -> None:
    trace = random_trace("lstm")
    for one, listed in (
        ("f[2]@1:3=0", ["f[2]@1:3=0"]),
        ("f[2]@1:3=0; c@2:3=1", ["f[2]@1:3=0", "c@2:3=1"]),
        (Force("f", 0.0, units=(2,), start=1, stop=3), ["f[2]@1:3=0"]),
    ):
        ran, expected = intervene(trace, one), intervene(trace, listed)
        assert ran.interventions == expected.interventions
        np.testing.assert_array_equal(ran.after["h"], expected.after["h"])


def test_a_cell_set_is_shown_in_the_same_step() -> None:
    trace = random_trace("lstm")
    after = intervene(trace, ["c[3]@4=flip"]).after
    o, c, h = (after.sel(name, layer=0, direction=0, batch=0, time=4, unit=3) for name in "och")
    assert c == pytest.approx(-trace.sel("c", layer=0, direction=0, batch=0, time=4, unit=3))
    assert h == pytest.approx(o * np.tanh(c))


@pytest.mark.parametrize("name", ["gru", "gru_cho"])
def test_a_gru_held_at_z_1_keeps(name: str) -> None:
    trace = random_trace(name)
    after = intervene(trace, [Force("z", 1, units=(1,), start=2, stop=5)]).after
    h = after.sel("h", layer=0, direction=0, batch=1)
    np.testing.assert_allclose(h[2:5, 1], h[1, 1], rtol=1e-12)
    np.testing.assert_array_equal(h[:2], trace.sel("h", layer=0, direction=0, batch=1)[:2])
    assert np.abs(h[5:] - trace.sel("h", layer=0, direction=0, batch=1)[5:]).max() > 1e-4


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("backward", [False, True])
def test_forcing_what_is_there_changes_nothing_in_any_cell(name: str, backward: bool) -> None:
    """The path of the equations computes what the cell's own code does, bit for bit."""
    trace = random_trace(name, layers=2, directions=2)
    signal = trace.cell.signals[0].name
    for layer in (0, 1):
        value = trace.signals[signal][layer, int(backward), 3, 0, 2]
        force = Force(signal, float(value), (2,), 3, 4, layer, int(backward))
        found = intervene(replace(trace, signals=trace.signals), [force])
        for key, difference in found.difference.items():
            np.testing.assert_array_equal(difference[:, :, :, 0], 0, err_msg=key)


@pytest.mark.parametrize("name", CELLS)
def test_no_cell_changes_before_the_first_forced_step(name: str) -> None:
    trace = random_trace(name, layers=2)
    state = trace.cell.states()[-1]
    found = intervene(trace, [Force(state, 0.3, (0,), start=4)])
    assert np.abs(found.difference[state][:, :, 4:]).max() > 1e-3
    for difference in found.difference.values():
        np.testing.assert_array_equal(difference[:, :, :4], 0)


def test_a_backward_direction_feels_it_at_the_tokens_before() -> None:
    trace = random_trace("lstm", directions=2)
    found = intervene(trace, ["c/0r[1]@4=flip"])
    np.testing.assert_array_equal(found.difference["c"][:, 0], 0)
    np.testing.assert_array_equal(found.difference["c"][:, 1, 5:], 0)
    assert np.abs(found.difference["c"][0, 1, :5]).max(axis=(1, 2)).min() > 0


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_a_zeroed_layer_gives_the_next_one_nothing(name: str) -> None:
    trace = random_trace(name, layers=2)
    after = intervene(trace, ["h=0"]).after
    assert not after.signals["h"][0].any()
    upper = {key: value[1:] for key, value in trace.initial.items()}
    alone, _ = scan(trace.cell, trace.layers[1:], np.zeros((7, 2, 4)), upper)
    for key, values in alone.items():
        np.testing.assert_allclose(after.signals[key][1:], values, atol=1e-12)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_a_swapped_word_is_the_run_of_the_other_text(name: str) -> None:
    model = cases.model(name)
    before, other = model.run("Mary was late because"), model.run("John was late because")
    found = intervene(before, ["x@0:1=John"], model)
    for key, values in other.signals.items():
        np.testing.assert_array_equal(found.after.signals[key], values)
    assert [token.text for token in found.after.tokens] == ["John", "was", "late", "because"]
    assert found.predictions(3) == (model.predictions(before, 3), model.predictions(other, 3))
    p, q = model.probabilities(before), model.probabilities(other)
    np.testing.assert_allclose(found.shift, 0.5 * np.abs(p - q).sum(-1), rtol=1e-6)
    assert found.before.tokens[0].text == "Mary" and before.inputs[0, 0, 0] != found.after.inputs[0, 0, 0]


def test_interventions_on_no_text_and_none_on_a_text() -> None:
    model = cases.model()
    assert len(intervene(model.run(""), ["!f@3=1"], model).after) == 0
    for written in ("f@3=1", "f=1", "x@1:2=he"):
        with pytest.raises(ValueError, match="reaches none of the 0 steps of this run"):
            intervene(model.run(""), written, model)
    trace = model.run("Mary was late")
    for values in intervene(trace, []).difference.values():
        assert not values.any()


BEYOND = ["f@7=1", "c[1]@99:=hold", "h@5:5=0", "h@5:3=0", "i@-9:-7=0", "x@7:8=he", "x@-8:-7=he"]


@pytest.mark.parametrize("written", BEYOND)
def test_steps_beyond_the_end_are_refused_in_words(written: str) -> None:
    """Anywhere in a list; switched off it may stand there, and ``reaches`` says whether it acts."""
    model = cases.model()
    trace = model.run("Mary was late because he was ill")
    assert len(trace) == 7 and not reaches(written, trace) and not reaches(f"!{written}", trace)
    for listed in ([written], ["f@0=1", written], [parse(written)]):
        message = f"{re.escape(str(parse(written)))} reaches none of the 7 steps of this run, which count from 0"
        with pytest.raises(ValueError, match=message):
            intervene(trace, listed, model)
    for value in intervene(trace, [f"!{written}"], model).difference.values():
        assert not value.any()
    for inside in ("f@6=1", "c[1]@3:99=hold", "h@-1:=0", "i@-9:-6=0", "x@6:7=he", "x@-1:0=he", "f=1"):
        assert reaches(inside, trace)
        assert intervene(trace, inside, model).after is not trace


def test_what_was_forced_is_known_and_is_not_undone_without_a_word() -> None:
    """A run made again from a forced trace would be one without what was forced."""
    trace, target = random_trace("lstm"), np.ones(4)
    forced = intervene(trace, ["f[3]@4:5=1", "!o=0", "c[1]=hold"]).after
    assert trace.forced == () and intervene(trace, "!f=1").after.forced == () and "forced" not in repr(trace)
    assert forced.forced == ("f[3]@4:5=1", "c[1]=hold") and "forced='f[3]@4:5=1; c[1]=hold'" in repr(forced)
    for one in (forced, forced.sequence(0), pickle.loads(pickle.dumps(forced))):
        for again in (
            lambda one=one: intervene(one, "i@5=0"),
            lambda one=one: attribution(one, target, "integrated"),
            lambda one=one: attribution(one, target, "relevance"),
            lambda one=one: deletion(one, target, np.arange(len(one))),
        ):
            with pytest.raises(ValueError, match=r"something forced \(f\[3\]@4:5=1; c\[1\]=hold\), and would be run"):
                again()
    for method in ("gradient", "exact"):  # of the values that are there
        assert attribution(forced, target, method).value == pytest.approx(float(forced["h"][-1, 0, -1, 0] @ target))


def test_a_place_may_be_counted_from_the_end() -> None:
    """As in ``Trace.sel``: layer -1 is the last; it was run as if nothing were forced."""
    trace = random_trace("lstm", layers=2, directions=2)
    written = intervene(trace, [Force("f", 1.0, (3,), layer=1, direction=1)]).after
    counted = intervene(trace, [Force("f", 1.0, (-1,), layer=-1, direction=-1)]).after
    for name, value in written.signals.items():
        np.testing.assert_array_equal(counted[name], value)
        assert np.abs(value - trace[name]).max() > 0
    for wrong, match in (({"layer": 2}, "layer 2"), ({"layer": -3}, "layer -3"), ({"direction": 2}, "direction 2")):
        with pytest.raises(ValueError, match=f"{match} does not exist in f"):
            intervene(trace, [Force("f", 1.0, (0,), **wrong)])
    with pytest.raises(ValueError, match="unit -5 does not exist in f; there are 4"):
        intervene(trace, [Force("f", 1.0, (-5,))])
    with pytest.raises(ValueError, match="f is forced in no unit"):
        Force("f", 1.0, ())


def test_a_word_is_swapped_at_each_sequences_own_end() -> None:
    model = cases.model()
    ids = [model.tokenizer.id(word) for word in ("Mary", "was", "late", "John")]
    batch = model.read(np.array([ids, ids]).T, lengths=[4, 2])
    after = intervene(batch, ["x@-1:0=he"], model).after
    he = model.embedding[model.tokenizer.id("he")]
    np.testing.assert_array_equal(after.inputs[3, 0], he)
    np.testing.assert_array_equal(after.inputs[1, 1], he)
    np.testing.assert_array_equal(after.inputs[3, 1], batch.inputs[3, 1])
    alone = model.read(np.array([[ids[0]], [model.tokenizer.id("he")]]))
    np.testing.assert_allclose(after["h"][:, :, :2, 1], alone["h"][:, :, :, 0], rtol=0, atol=1e-6)


def test_what_the_network_does_not_have_is_refused_in_words() -> None:
    trace = random_trace("lstm")
    for written, match in (
        ("z=1", "no signal 'z'; it has i, f, g, o, c, h"),
        ("f[4]=1", "unit 4 does not exist"),
        ("f/1=1", "layer 1 does not exist"),
        ("f/0r=1", "direction 1 does not exist"),
        ("f=hold", "only a state can be held"),
        ("x@0:1=he", "only with the model"),
    ):
        with pytest.raises(ValueError, match=match):
            intervene(trace, [written])
    with pytest.raises(ValueError, match="'zebra' is not in this model's vocabulary"):
        intervene(trace, ["x@0:1=zebra"], cases.model())
    with pytest.raises(ValueError, match="need the model"):
        intervene(trace, ["f=1"]).predictions()


BROKEN = ["", "f", "f=", "=1", "f[]=1", "f[2-]=1", "f[1,,2]=1", "f[0-99999999]=1", "f@=1", "f=on", "f=nan", "f=inf"]


@pytest.mark.parametrize("written", [*BROKEN, "x=anna", "x@1:3=anna", "x[1]@1:2=anna", "f@1:2:3=1", "f[6]@9:10=1;"])
def test_a_broken_form_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        parse(written)


def test_the_written_form() -> None:
    assert parse("f[6]@9:10=1") == Force("f", 1.0, (6,), 9, 10)
    assert parse("f[6]@9=1") == parse("f[6]@9:10=1") and str(parse("f[6]@9=1")) == "f[6]@9:10=1"
    assert parse("!h/1r[8,3,4,5]@2:=-0.25") == Force("h", -0.25, (3, 4, 5, 8), 2, None, 1, 1, False)
    assert str(Force("h", -0.25, (8, 3, 5, 4), 2, None, 1, 1, False)) == "!h/1r[3-5,8]@2:=-0.25"
    assert parse("x@7=anna") == Swap(7, "anna")
    assert format_all([Swap(0, "a;b"), Force("c", "flip")]) == "x@0:1=a%3Bb;c=flip"
    assert parse(str(Swap(0, "%41;"))) == Swap(0, "%41;")
    assert parse_all("") == () and parse_all("c=flip;i=0") == (Force("c", "flip"), Force("i", 0.0))


FORCES = st.builds(
    Force,
    signal=st.sampled_from(["f", "i", "c", "h", "n_2"]),
    value=st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["hold", "flip"]),
    units=st.none() | st.lists(st.integers(0, 300), min_size=1, max_size=8).map(tuple),
    start=st.none() | st.integers(-5, 2000),
    stop=st.none() | st.integers(-5, 2000),
    layer=st.integers(0, 3),
    direction=st.integers(0, 1),
    on=st.booleans(),
)
SWAPS = st.builds(Swap, step=st.integers(0, 2000), word=st.text(min_size=1, max_size=9), on=st.booleans())


@given(st.lists(FORCES | SWAPS, max_size=4))
def test_written_and_read_it_is_the_same(interventions: list) -> None:
    written = [str(item) for item in interventions]
    assert [parse(text) for text in written] == interventions
    assert [str(parse(text)) for text in written] == written
    assert parse_all(format_all(interventions)) == tuple(interventions)


def test_only_finite_numbers_are_forced() -> None:
    for value in (math.nan, math.inf, "up"):
        with pytest.raises(ValueError, match="f can be|f can only be"):
            Force("f", value)  # type: ignore[arg-type]
