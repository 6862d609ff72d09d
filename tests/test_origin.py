"""What a figure was drawn from, and how a session begins behind a page that was open before it."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.talk import Place


def begun(here: Any) -> AppTest:
    """A session whose first two runs are told ``here``."""

    def script(here) -> None:
        import streamlit as st

        from dashboard import session
        from dashboard.origin import origin

        st.session_state.setdefault("answers", []).append(session.goes_on(here))
        st.session_state["arrival"] = session.arrival()
        st.session_state["of"] = origin()

    return AppTest.from_function(script, kwargs={"here": here}).run().run()


def test_a_session_starts_once_from_what_the_page_shows() -> None:
    settings = {"text": "Mary", "left": "a", "right": "yours", "picked": 1, "layer": "1", "direction": 0}
    settings |= {"show": "lead", "yours": "ff"}
    at = begun({"settings": settings, "cursor": {"at": 3}, "arrival": 4, "tour": None})
    assert at.session_state["answers"] == [True, False] and at.session_state["arrival"] == 4
    shown = {name: str(value) for name, value in settings.items() if name != "yours"}
    assert at.session_state["settings"] == shown and at.session_state["cursor"] == {"at": 3}
    assert at.session_state["of"] == shown | {"yours": None}, "what was uploaded before is gone"


@pytest.mark.parametrize(
    "here",
    [
        None,
        "x",
        [],
        {},
        {"settings": 1, "cursor": "x", "arrival": float("nan")},
        {"settings": {"text": "x"}, "arrival": -1},
    ],
)
def test_a_page_that_says_nothing_of_use_begins_as_any(here: Any) -> None:
    at = begun(here)
    assert at.session_state["arrival"] == 0 and at.session_state["of"] is None
    assert not at.exception and "cursor" not in at.session_state


def test_a_tour_is_taken_up_where_the_browser_is() -> None:
    place = Place()
    assert place.take_up({"link": "what-the-gates-do", "at": 2})
    assert place.tour is not None and place.at == 2 and place.leads is None, "the page shows what it showed"
    assert not place.take_up({"link": "what-the-gates-do", "at": 2})
    assert place.take_up(None) and place.tour is None


@pytest.mark.parametrize("said", ["x", {}, {"link": 1}, {"link": "what-the-gates-do", "at": float("inf")}])
def test_no_tour_is_taken_up_from_nonsense(said: Any) -> None:
    place = Place()
    assert not place.take_up(said) and place.tour is None


def test_a_tour_that_is_not_there_is_said() -> None:
    place = Place()
    place.take_up({"link": "nonsense", "at": 0})
    assert place.tour is None and "not here" in str(place.problem)
