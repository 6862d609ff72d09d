"""What is the same for everybody is made once and shared, and nobody's change reaches anybody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from uploads import saved

from dashboard import budgets, cache, library
from dashboard.browser import mount
from dashboard.state import HOMES, YOURS, Settings
from dashboard.views import gates
from dashboard.yours import session
from tests.test_figures import unpack
from tests.test_your_pages import placed, tagger

TEXT = "Mary saw John because she"


def gates_in(language: str) -> None:
    from dashboard import language as spoken
    from dashboard.views import gates

    spoken.ask(lambda: language)
    gates.page()


def visit(language: str = "en", place: session.Place | None = None, **address: str) -> bytes:
    """What the figure of a new session is drawn from."""
    test = AppTest.from_function(gates_in, args=(language,), default_timeout=300)
    if place is not None:
        test.session_state[library.OWN] = place
    for name, value in address.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception
    [packed] = [
        one.proto.bytes  # type: ignore[attr-defined]
        for one in test.get("bidi_component")
        if "figure" in unpack(one.proto.bytes)  # type: ignore[attr-defined]
    ]
    return packed


@pytest.fixture(autouse=True)
def nothing_made_yet() -> Iterator[None]:
    from dashboard import language

    mount._shared.clear()
    yield
    mount._shared.clear()
    language.ask(lambda: language.ENGLISH)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the figures that were made."""
    texts: list[str] = []
    content = gates.content

    def counted(models: Any, traces: Any, *more: Any) -> Any:
        texts.append("".join(token.text for token in traces[0].tokens))
        return content(models, traces, *more)

    monkeypatch.setattr(gates, "content", counted)
    return texts


def test_the_first_view_of_each_language_is_made_once(made: list[str]) -> None:
    english, chinese = visit(), visit("zh")
    assert len(made) == 2 and made[1] == HOMES["zh"]["text"]
    assert [visit(), visit(), visit("zh")] == [english, english, chinese] and len(made) == 2
    assert unpack(english)["text"] == Settings().text and unpack(chinese)["text"] == HOMES["zh"]["text"]
    assert unpack(english)["language"] == "en" and unpack(chinese)["language"] == "zh"


VIEWS = [
    {},
    {"text": TEXT},
    {"text": Settings().text},
    {"text": TEXT, "left": "pronouns-gru"},
    {"text": TEXT, "right": "pronouns-lstm"},
    {"text": TEXT, "left": "general-lstm", "layer": "1"},
    {"text": TEXT, "unit": "3"},
    {"text": TEXT, "unit2": "3"},
    {"text": TEXT, "at": "2"},
    {"text": TEXT, "sort": "memory"},
    {"text": TEXT, "only": "keep"},
    {"text": Settings().text, "long": "1"},
    {"text": ""},
]


def test_what_is_shared_is_what_each_would_get_alone() -> None:
    """Each setting in its turn, beside all the others: the same bytes as where nothing is shared."""
    views = [*(("en", view) for view in VIEWS), *(("zh", view) for view in VIEWS[:2])]
    alone = []
    for language, view in views:
        mount._shared.clear()
        alone.append(visit(language, **view))
    assert len(set(alone)) >= len(views) - 2, "the views differ"
    mount._shared.clear()
    assert [visit(language, **view) for language, view in views] == alone


def test_a_visitors_change_reaches_no_other() -> None:
    mine = visit(text=TEXT)
    for change in ({"unit": "5"}, {"text": f"{TEXT} was"}, {"left": "pronouns-gru"}, {"sort": "memory"}):
        assert visit(**{"text": TEXT, **change}) != mine
    assert visit(text=TEXT) == mine


def test_a_model_of_ones_own_is_nobody_elses(made: list[str]) -> None:
    place = placed(saved(tagger()), words=True)
    own = visit(place=place, left=YOURS, text=TEXT)
    assert len(mount._shared) == 0
    other = visit(left=YOURS, text=TEXT)  # a link to somebody's own model: a shipped one is shown in its place
    assert own != other and len(mount._shared) == 0
    assert visit(place=place, left=YOURS, text=TEXT) == own and len(made) == 3


def test_what_was_read_anew_is_drawn_anew(made: list[str]) -> None:
    visit(text=TEXT)
    cache.forget()
    visit(text=TEXT)
    assert len(made) == 2


def test_what_is_shared_keeps_no_reading_in_memory() -> None:
    import gc
    import weakref

    visit(text=TEXT)
    readings = [weakref.ref(cache.read(name, TEXT)) for name in (Settings().left, Settings().right)]
    cache.forget()
    gc.collect()
    assert len(mount._shared) == 1 and not any(one() for one in readings)


def test_who_asks_while_it_is_made_waits_for_it() -> None:
    """A whole class types the same sentence at one moment."""
    room: budgets.Cache[str] = budgets.Cache(100, len)
    begun, go, made, got = threading.Event(), threading.Event(), [], []

    def make() -> str:
        made.append(1)
        begun.set()
        assert go.wait(5)
        return "x" * len(made)

    threads = [threading.Thread(target=lambda: got.append(room.get("a", make))) for _ in range(10)]
    for thread in threads:
        thread.start()
    assert begun.wait(5) and room.get("b", lambda: "y") == "y", "who asks for something else does not wait"
    go.set()
    for thread in threads:
        thread.join(5)
    assert made == [1] and got == ["x"] * 10


def test_where_the_first_fails_the_next_makes_it() -> None:
    room: budgets.Cache[str] = budgets.Cache(100, len)
    began, made = threading.Barrier(5), []

    def make() -> str:
        made.append(1)
        if len(made) == 1:
            raise SystemExit  # as Streamlit ends a run whose visitor has gone
        return "x"

    def ask() -> None:
        began.wait(5)
        with suppress(SystemExit):
            room.get("a", make)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert room.get("a", make) == "x" and not room._making
