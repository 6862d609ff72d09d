"""Tours: a file and a link hold them whole, broken ones are refused, and what the shipped ones say is true."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures.walk import STAGES, stages
from dashboard.state import Settings
from dashboard.talk import Place
from dashboard.talk.tour import LARGEST, Tour, View, from_link, read, shipped
from dashboard.views import discover
from lstm_core import list_models, load_model

PAGES = [view.__name__.rpartition(".")[2] for view in discover()]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TOURS = st.builds(
    Tour,
    TEXTS,
    st.lists(
        st.builds(View, st.sampled_from(PAGES), st.dictionaries(st.sampled_from(["text", "at", "do"]), TEXTS), TEXTS),
        min_size=1,
        max_size=5,
    ).map(tuple),
)


@given(TOURS)
def test_a_file_and_a_link_hold_the_whole_tour(tour: Tour) -> None:
    assert read(tour.json().encode()) == tour
    assert from_link(tour.link()) == tour


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_other_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a tour"):
        read(data)


@given(st.text(max_size=200))
def test_any_other_link_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match="not here"):
        from_link(link)


@pytest.mark.parametrize(
    ("views", "said"),
    [
        ([], "1 to 200 views; this one has 0"),
        ([{"page": "gates", "query": {}}] * 201, "this one has 201"),
        ([{"page": "gates", "query": {}}, {"page": "../app", "query": {}}], "View 2 of this tour is on no page"),
        ([{"page": "gates", "query": {"text": 3}}], "View 1 of this tour cannot be read"),
        ([{"page": "gates", "query": {"text": "x" * 20_001}}], "View 1 of this tour cannot be read"),
        ([{"page": "gates", "query": [], "line": "x"}], "View 1 of this tour cannot be read"),
        ([{"page": "gates", "query": {}, "line": 5}], "View 1 of this tour cannot be read"),
    ],
)
def test_a_broken_tour_says_what_is_wrong(views: list, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(json.dumps({"gatescope": "tour", "title": "x", "views": views}).encode())


def test_a_tour_is_never_larger_than_it_may_be() -> None:
    with pytest.raises(ValueError, match="larger than 200,000 bytes"):
        read(b" " * (LARGEST + 1))
    bomb = base64.urlsafe_b64encode(zlib.compress(b'["' + b"x" * 50_000_000 + b'", []]')).decode()
    with pytest.raises(ValueError, match="cut short"):
        from_link(bomb)


def test_a_view_carries_no_tour_of_its_own() -> None:
    query = {"tour": "x", "stop": "3", "lang": "zh", "present": "1", "text": "Mary"}
    [view] = read(Tour("", (View("gates", query),)).json().encode()).views
    assert view.query == {"text": "Mary"}


def test_views_are_added_moved_and_removed() -> None:
    a, b, c = (View("gates", {"text": name}) for name in "abc")
    tour = Tour().added(a).added(b).added(c)
    assert tour.moved(0, 2).views == (b, c, a) and tour.moved(2, 1).views == (a, c, b)
    assert tour.without(1).views == (a, c)


def test_a_tour_ends_where_it_was_started() -> None:
    mine, views = View("memory", {"text": "Anna slept"}), (View("gates", {}), View("what_if", {}))
    place = Place()
    place.start(Tour("", views), "x", home=mine)
    assert place.leads == views[0]
    place.go(1)
    assert place.leads == views[1]
    place.go(0)
    assert (place.tour, place.leads, place.home) == (None, mine, None)
    place.start(Tour("", views), "x")  # by a link: there is nothing to go back to
    place.go(0)
    assert place.leads is None


# ---- what ships


def test_two_tours_ship_and_open() -> None:
    assert {name: len(tour.views) for name, tour in shipped().items()} == {"what-the-gates-do": 10, "lstm-or-gru": 7}
    for tour in shipped().values():
        assert tour.title and all(view.line for view in tour.views)
        for view in tour.views:
            settings = Settings.parse(view.query, list_models())
            assert all(
                str(getattr(settings, name)) == view.query[name] for name in ("left", "right") if name in view.query
            )


def line(tour: str, words: str) -> View:
    return next(view for view in shipped()[tour].views if words in view.line)


def expects(name: str, text: str) -> tuple[str, float]:
    model = load_model(name)
    return model.predictions(model.run(text), 1)[-1][0]


def test_the_gender_units_gates_are_as_the_tour_says() -> None:
    view = line("what-the-gates-do", "falls to 0.12, the input gate rises to 0.94")
    trace = load_model("pronouns-lstm").run(view.query["text"])
    unit, john = int(view.query["unit"]), int(view.query["at"])
    i, f, c = (trace.signals[name][0, 0, :, 0, unit] for name in "ifc")
    assert trace.tokens[john].text == "John" and (round(float(f[john]), 2), round(float(i[john]), 2)) == (0.12, 0.94)
    assert c[john - 1] > 0 > c[john]
    assert round(float(i[0]), 2) == 0.9 and "at 0.90" in line("what-the-gates-do", "At Mary").line
    assert (i[1:john] < 0.12).all() and (f[1:john] > 0.97).all()
    assert "0.96 to 0.98" in line("what-the-gates-do", "conveyor belt").line
    assert np.round(c[1:john], 2).min() == 0.96 and np.round(c[1:john], 2).max() == 0.98
    word, p = expects("pronouns-lstm", view.query["text"].removesuffix(" he"))
    assert word == "he" and f"{p:.0%}".replace("%", " %") in line("what-the-gates-do", "Anna comes in").line


def test_the_walk_stands_at_the_halt_that_the_line_speaks_of() -> None:
    cells = [load_model(name).cell for name in (Settings().left, Settings().right)]
    found = {stage.name for cell in cells for stage, _ in stages(cell)}
    halts = [stage.name for stage in STAGES if stage.name in found]
    for words, halt in (("First: what to forget", "What to forget"), ("Then: what to write", "What to write")):
        assert halts[int(line("what-the-gates-do", words).query.get("stage", "0"))] == halt


def test_one_word_wrote_the_memory_and_holding_it_keeps_the_pronoun() -> None:
    from lstm_core.analysis import Force, intervene, memory

    view = line("what-the-gates-do", "Who wrote this memory")
    model = load_model("pronouns-lstm")
    trace = model.run(view.query["text"])
    step, unit = int(view.query["at"]), int(view.query["unit"])
    found = memory(trace, step, unit=unit)
    assert 0.8 < float(found.contributions[11]) / float(trace.signals["c"][0, 0, step, 0, unit]) < 1.3
    assert float(found.contributions[11]) < 0 < float(found.contributions[0]) < 0.2
    held = [Force(name, value, (unit,), 11, 12) for name, value in (("f", 1.0), ("i", 0.0))]
    other = intervene(trace, held, model)
    assert model.predictions(trace, 1)[step][0][0] == "he" and model.predictions(other.after, 1)[step][0][0] == "she"


def test_the_country_is_kept_and_lost() -> None:
    view = line("what-the-gates-do", "grew up in France")
    word, p = expects(view.query["left"], view.query["text"])
    assert word == "french" and p > 0.99
    assert expects(view.query["right"], view.query["text"])[0] == "english"


def test_lstm_and_gru_are_alike_and_differ_as_the_tour_says() -> None:
    view = line("lstm-or-gru", "94 % and 88 %")
    said = [expects(name, view.query["text"]) for name in ("pronouns-lstm", "pronouns-gru")]
    assert [(word, f"{p:.0%}") for word, p in said] == [("she", "94%"), ("she", "88%")]
    view = line("lstm-or-gru", "Counting")
    assert view.query["text"] == "a" * 60 + "b" * 60
    assert expects("anbn-lstm", view.query["text"])[0] == "." and expects("anbn-gru", view.query["text"])[0] == "b"
    assert expects("anbn-lstm", view.query["text"][:-1])[0] == "b"
