"""Tours: a file and a link hold them whole, broken ones are refused, and what the shipped ones say is true."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.figures.walk import STAGES, stages
from dashboard.state import Settings
from dashboard.talk import Place
from dashboard.talk import tour as tour_module
from dashboard.talk.tour import LARGEST, Tour, View, from_link, offered, read, shipped
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


def test_what_is_ringed_and_pressed_goes_along() -> None:
    view = View("gates", {"text": "Mary"}, "Look.", ("row keep left", "word Mary", "next"), ("button exercise",))
    tour = Tour("x", (view, View("memory", {})), 10, "en")
    assert read(tour.json().encode()) == tour
    assert from_link(tour.link()).views == tour.views


@pytest.mark.parametrize(
    "thing", ["row", "rows keep", "row keep left right", "gate <b>", "word a\nb", 5, ["row keep"] * 9, {}]
)
def test_what_no_page_has_is_not_ringed(thing: object) -> None:
    view = {"page": "gates", "query": {}, "line": "", "ring": thing if isinstance(thing, list) else [thing]}
    with pytest.raises(ValueError, match="View 1 of this tour (points at something|cannot be read)"):
        read(json.dumps({"gatescope": "tour", "title": "x", "views": [view]}).encode())


# ---- what ships


def test_tours_ship_for_both_languages_and_open() -> None:
    assert list(offered("en")) == ["what-the-gates-do", "lstm-or-gru", "other-sentences"]
    assert list(offered("zh")) == ["what-the-gates-do-zh", "lstm-or-gru", "other-sentences-zh"]
    for tour in shipped().values():
        assert tour.title and all(view.line for view in tour.views)
        for view in tour.views:
            settings = Settings.parse(view.query, list_models())
            assert all(
                str(getattr(settings, name)) == view.query[name] for name in ("left", "right") if name in view.query
            )


def test_an_installed_page_without_experiments_shows_the_other_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel is without that page. In the checkout no view is left out."""
    written = {path.stem: json.loads(path.read_bytes())["views"] for path in tour_module.FOLDER.glob("*.json")}
    assert {name: len(tour.views) for name, tour in shipped().items()} == {n: len(v) for n, v in written.items()}
    names = [view.__name__.rpartition(".")[2] for view in discover()]
    monkeypatch.setattr(tour_module, "_pages", lambda: [name for name in names if name != "experiments"])
    found = shipped.__wrapped__()
    assert {name: [view.page for view in tour.views] for name, tour in found.items()} == {
        name: [view["page"] for view in views if view["page"] != "experiments"] for name, views in written.items()
    }
    assert any(view["page"] == "experiments" for views in written.values() for view in views)


def test_a_tour_in_chinese_reads_chinese_with_models_that_know_it() -> None:
    views = shipped()["what-the-gates-do-zh"].views
    read_in_chinese = [view for view in views if view.query.get("left") == "pronouns_zh-lstm"]
    assert len(read_in_chinese) >= 8
    for view in read_in_chinese:
        trace = load_model("pronouns_zh-lstm").run(view.query["text"])
        assert all(token.known for token in trace.tokens)


def test_the_walk_stands_at_the_halt_that_the_line_speaks_of() -> None:
    cells = [load_model(name).cell for name in (Settings().left, Settings().right)]
    found = {stage.name for cell in cells for stage, _ in stages(cell)}
    halts = [stage.name for stage in STAGES if stage.name in found]
    forget, write = [view for view in shipped()["what-the-gates-do"].views if view.page == "step_by_step"]
    assert halts[int(forget.query.get("stage", "0"))] == "What to forget"
    assert halts[int(write.query.get("stage", "0"))] == "What to write"
