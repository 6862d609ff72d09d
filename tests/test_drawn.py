"""Of a wide layer the two dozen units that matter most in the text have a row; which, is settled by plain sums here."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cache
from dashboard.figures.changes import difference_map, words_over_time
from dashboard.figures.content import content
from dashboard.figures.deciding import decided
from lstm_core import Network, Trace, load_model
from lstm_core.analysis import lead, leads
from lstm_core.drawing.band import band
from lstm_core.drawing.drawn import ALL, COUNT, LEAD, MOVED, drawn_units
from lstm_core.drawing.grid import grid
from tests.small_models import small_model
from tests.test_deciding import FRANCE, MARY, script, shares
from tests.test_figures import unpack


def chosen(model: Network, trace: Trace, show: str = LEAD, always: tuple[int, ...] = (), before=()) -> tuple[set, str]:
    ids, chances = model.likeliest(trace, 5)
    step = decided(chances, len(trace) - 1)
    units, by = drawn_units(model, trace, ids, step, len(trace.layers) - 1, 0, show, always, before)
    assert list(units) == sorted(set(units))
    return set(map(int, units)), by


def added(model: Network, trace: Trace) -> np.ndarray:
    """(unit,): the rule of lstm_core/drawing/drawn.py, from (W[first] - W[second]) h of every step."""
    step = decided(model.likeliest(trace, 5)[1], len(trace) - 1)
    parts = np.abs([shares(model, trace, t)[0] for t in range(len(trace))])
    return parts.sum(0) / len(trace) + parts[step] / 2


def moved(trace: Trace) -> np.ndarray:
    c = trace.signals[trace.cell.signals[-2].name if "c" in trace.signals else "h"][-1, 0, :, 0].astype(float)
    return sum(np.abs(now - old) for old, now in zip([0 * c[0], *c], c, strict=False))


def largest(figures: np.ndarray, count: int = COUNT) -> set[int]:
    return set(sorted(range(len(figures)), key=lambda unit: -figures[unit])[:count])


@pytest.mark.parametrize("name", ["general-lstm", "general-gru"])
@pytest.mark.parametrize("text", [FRANCE, MARY, "我在法国长大。我会说"])
def test_the_units_that_add_most_have_a_row(name: str, text: str) -> None:
    model = cache.model(name)
    trace = model.run(text)
    assert chosen(model, trace) == (largest(added(model, trace)), LEAD)
    assert chosen(model, trace, MOVED) == (largest(moved(trace)), MOVED)
    assert chosen(model, trace, ALL) == (set(range(model.hidden_size)), ALL)


def test_what_is_added_is_known_of_every_step_at_once() -> None:
    for model in (small_model("lstm", layers=2, directions=2), cache.model("pronouns-lstm-attention")):
        trace = model.run("Mary saw John because she")
        every = [lead(model, trace, step).contributions for step in range(len(trace))]
        np.testing.assert_allclose(leads(model, trace), every, atol=1e-6)
        np.testing.assert_allclose(leads(model, trace, model.likeliest(trace, 5)[0]), every, atol=1e-6)


def test_the_likeliest_words_are_those_with_the_largest_probabilities() -> None:
    model = small_model("gru")
    ids, chances = model.likeliest(model.run("Mary saw John"), 3)
    scores = model.logits(model.run("Mary saw John")).astype(float)
    every = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_array_equal(ids, np.argsort(-every, axis=-1)[:, :3])
    np.testing.assert_allclose(chances, np.sort(every)[:, :-4:-1], rtol=1e-5)
    assert model.likeliest(model.run(""), 3)[0].shape == (0, 3)


def test_a_narrow_layer_is_drawn_whole_and_an_empty_text_too() -> None:
    model = small_model("lstm", hidden=32)
    assert chosen(model, model.run(MARY)) == (set(range(32)), ALL)
    wide = small_model("lstm", hidden=33)
    assert len(chosen(wide, wide.run(MARY))[0]) == COUNT
    assert chosen(wide, wide.run(""), always=(40,)) == (set(range(33)), ALL)


def test_the_chosen_unit_and_those_with_a_name_have_a_row_whatever_they_do() -> None:
    model = small_model("lstm", hidden=60)
    trace = model.run(MARY)
    figures = added(model, trace)
    least = tuple(sorted(range(60), key=lambda unit: figures[unit])[:2])
    assert chosen(model, trace, always=(*least, 99))[0] == {*least, *largest(figures, COUNT - 2)}
    assert chosen(model, trace, always=tuple(range(30)))[0] == set(range(30))


def test_where_no_word_is_read_out_the_units_that_moved_have_a_row() -> None:
    model = small_model("lstm", hidden=40)
    trace = model.run(MARY)
    silent = drawn_units(replace(model, readout=None), trace, None, 0, 0, 0, LEAD, ())
    assert (set(map(int, silent[0])), silent[1]) == (largest(moved(trace)), MOVED)
    deep = small_model("gru", layers=2, hidden=40)
    trace = deep.run(MARY)
    below = drawn_units(deep, trace, deep.likeliest(trace, 5)[0], 0, 0, 0, LEAD, ())
    h = np.vstack([np.zeros(40), trace.signals["h"][0, 0, :, 0]])
    assert set(map(int, below[0])) == largest(np.abs(np.diff(h, axis=0)).sum(0)) and below[1] == MOVED


def test_of_two_directions_each_has_units_of_its_own() -> None:
    model = small_model("lstm", directions=2, hidden=40)
    trace = model.run(MARY)
    ids = model.likeliest(trace, 2)[0]
    parts = np.abs([lead(model, trace, step).contributions for step in range(len(trace))])
    for direction, own in ((0, parts[:, :40]), (1, parts[:, 40:])):
        units, by = drawn_units(model, trace, ids, 3, 0, direction, LEAD, ())
        assert set(map(int, units)) == largest(own.mean(0) + own[3] / 2) and by == LEAD


def test_typing_on_a_unit_gives_way_only_to_one_that_matters_more_than_twice_as_much() -> None:
    """Some keys at a time: most rows stay, and each that goes is beaten clearly by each that comes."""
    model, before, came, plain = cache.model("general-lstm"), set(), 0, 0
    without: set[int] = set()
    for end in range(1, len(MARY) + 1, 5):
        trace = model.run(MARY[:end])
        figures = added(model, trace)
        now = chosen(model, trace, before=before)[0]
        new, gone = now - before, before - now
        assert not before or len(new) == len(gone)
        assert all(figures[one] > 2 * figures[other] * (1 - 1e-6) for one in new for other in gone)
        came += len(new) if before else 0
        plain += len(largest(figures) - without) if without else 0
        before, without = now, largest(figures)
    assert came < 0.75 * plain


def test_the_band_holds_values_that_a_tenth_half_and_nine_tenths_of_the_units_exceed() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 9, 10, 11, 101, 360):
        rest = rng.normal(size=(count, 7)).astype(np.float32)
        blank, *rows = band(rest)
        assert np.isnan(blank).all()
        for row, share in zip(rows, (0.1, 0.5, 0.9), strict=True):
            above = (rest > row).sum(0)
            assert (np.abs(above - share * count) <= 1).all()
            assert all(value in column for value, column in zip(row, rest.T, strict=True))


def test_a_panel_has_the_rows_of_its_units_and_below_them_the_band_of_the_others() -> None:
    model = small_model("lstm", hidden=40)
    trace = model.run(MARY)
    units = np.array([3, 7, 39])
    figure = grid([trace], seen=[units])
    panels = {panel["row"]: panel for panel in figure["layout"]["meta"]["panels"]}
    for one in (one for one in figure["data"] if one["type"] == "heatmap"):
        values = trace.role(one["meta"]["role"])[0, 0, :, 0].T  # type: ignore[index]
        np.testing.assert_array_equal(one["z"][:3], values[units])
        np.testing.assert_array_equal(one["z"][3:], band(np.delete(values, units, 0)))
        assert panels[one["meta"]["role"]]["others"] == 37 and one["meta"]["band"]
    assert figure["layout"]["coloraxis3"]["cmax"] == max(1, np.abs(trace.signals["c"][..., units]).max())
    whole = grid([trace], seen=[np.arange(40)])
    assert all(len(one["z"]) == 40 for one in whole["data"] if one["type"] == "heatmap")


def test_it_is_said_which_units_have_a_row() -> None:
    model = small_model("lstm", hidden=40)
    trace = model.run(MARY)
    rows = [(np.arange(24, dtype=np.int32), by) for by in (LEAD, MOVED)]
    tree = content([model, model], [trace, trace], [model.predictions(trace)] * 2, (0, 0), rows=rows)
    lead, moved, below = tree["summed"]
    assert "24 of 40" in lead and "lead" in lead and "24 of 40" in moved and "moved most" in moved
    assert "nine tenths" in below and not tree["cut"]
    whole = [(np.arange(40, dtype=np.int32), ALL)] * 2
    assert not content([model, model], [trace, trace], [[], []], (0, 0), rows=whole)["summed"]


def test_a_map_of_differences_has_the_rows_that_differ_most_and_the_chosen_one() -> None:
    rng = np.random.default_rng(0)
    difference = rng.normal(size=(7, 50)).astype(np.float32)
    difference[3] = np.nan  # a step at which one of two sentences has no word
    size = np.nanmax(np.abs(difference), axis=0)
    unit = int(np.argmin(size))
    drawn = difference_map("id", "T", {}, difference, "All.", unit)
    (one,) = [part for part in drawn["figure"]["data"] if part["type"] == "heatmap"]
    rows = [int(name) for name in one["y"]]
    assert set(rows) == largest(size, COUNT - 1) | {unit} and rows == sorted(rows)
    np.testing.assert_array_equal(one["z"], difference.T[rows])
    rest = max(size[other] for other in range(50) if other not in rows)
    said = re.search(r"24 of 50 .* by more than ([0-9.]+)\.$", drawn["text"])
    assert said and rest <= float(said[1]) < 1.11 * rest
    assert difference_map("id", "T", {}, 0 * difference, "All.", unit)["text"] == "All. No unit differs."
    alone = np.where(np.arange(50) == 9, difference, 0)
    few = difference_map("id", "T", {}, alone, "All.", unit)
    (one,) = [part for part in few["figure"]["data"] if part["type"] == "heatmap"]
    assert few["text"] == "All. Units that differ: 1 of 50." and [int(name) for name in one["y"]] == [9]
    np.testing.assert_array_equal(one["z"], alone.T[[9]])
    labels = few["figure"]["layout"]["yaxis"]
    assert labels["tickmode"] == "array" and labels["ticktext"] == labels["tickvals"] == ["9"]
    narrow = difference_map("id", "T", {}, difference[:, :32], "All.", 0)
    assert narrow["text"] == "All." and narrow["figure"]["data"][0]["z"].shape == (32, 7)


def figure(**address: str) -> dict:
    """What the page "Gates" sends for an address."""
    test = AppTest.from_function(script, args=("dashboard.views.gates",), default_timeout=300)
    for key, value in {"left": "general-lstm", "right": "general-gru", "text": FRANCE, **address}.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    trees = [unpack(one.proto.bytes) for one in test.get("bidi_component")]  # type: ignore[attr-defined]
    return next(tree for tree in trees if "figure" in tree)


def test_a_unit_of_the_address_has_a_row_and_all_have_one_on_demand() -> None:
    tree = figure()
    assert [len(side["units"]) for side in tree["sides"]] == [COUNT, COUNT]
    assert all(unit in side["units"] for unit, side in zip(tree["units"], tree["sides"], strict=True))
    other = next(unit for unit in range(100) if unit not in tree["sides"][0]["units"])
    asked = figure(unit=str(other))
    assert (
        asked["units"][0] == other and other in asked["sides"][0]["units"] and len(asked["sides"][0]["units"]) == COUNT
    )
    whole = figure(show="all")["sides"]
    assert [len(side["units"]) for side in whole] == [side["width"] for side in whole]


def test_what_only_counts_relative_to_a_normaliser_has_colours_however_small_it_is() -> None:
    """The sLSTM's i, c and n may all be thousandths: on a scale to 1 its panels would be blank."""
    traces = [load_model(f"pronouns-{name}").run(MARY, device="cpu") for name in ("slstm", "lstm")]
    figure = grid(traces)
    layout = figure["layout"]
    ends = {}
    for one in figure["data"]:
        if one["type"] == "heatmap":
            axis = layout[one["coloraxis"]]
            ends[one["meta"]["side"], one["meta"]["signal"]] = axis["cmin"], axis["cmax"]
            assert (one["coloraxis"] in layout["meta"]["tight"]) == (
                one["meta"]["side"] == 0 and one["meta"]["signal"] in ("i", "c", "n")
            )
    for signal in ("i", "c", "n"):
        most = float(np.abs(traces[0][signal]).max())
        assert most < 0.5
        assert ends[0, signal] == (-most if signal == "c" else 0, pytest.approx(most))
    assert ends[1, "i"] == (0, 1) and ends[1, "c"][1] >= 1


def test_a_mark_is_quoted_in_a_legend() -> None:
    trace = load_model("pronouns-lstm").run("Mary was late .", device="cpu")
    shares = np.full((len(trace), 2), 0.5, np.float32)
    drawn = words_over_time("id", trace, shares, shares, [",", "he"], ("as it was", "what if"))
    assert [line["name"] for line in drawn["figure"]["data"]][:2] == ["“,”, as it was", "“he”, as it was"]
