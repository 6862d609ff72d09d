"""While a visitor's file is read their own tab says so, and what they do meanwhile does not lose it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import apart, language, workers
from dashboard.workers import Workers

DONE: list[Any] = []


@pytest.fixture(autouse=True)
def one(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    pool = Workers(1)
    monkeypatch.setattr(workers, "WORKERS", pool)
    monkeypatch.setattr(apart, "PATIENCE", 0.05)
    DONE.clear()
    pool.read("worker_readers:sizes", {})
    yield pool
    pool.close()


def page(seconds: float) -> None:
    from test_apart import DONE

    from dashboard import apart

    DONE.append(apart.read("worker_readers:sleep", {}, {"seconds": seconds})[0])


def toasts(seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the page says while something is read in so many seconds."""
    said: list[str] = []
    toasted = apart._toasted

    def noted(before: Any, text: str, duration: Any) -> Any:
        said.append(text)
        return toasted(before, text, duration)

    monkeypatch.setattr(apart, "_toasted", noted)
    test = AppTest.from_function(page, args=(seconds,), default_timeout=300).run()
    assert not test.exception, test.exception
    assert DONE == [seconds]
    return said


def test_a_file_that_is_read_at_once_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 5)
    assert toasts(0, monkeypatch) == []


def test_a_file_that_takes_a_while_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = toasts(0.5, monkeypatch)
    assert len(said) == 2 and "being read" in said[0] and "has been read" in said[1]


def test_the_notice_leaves_the_stylesheet_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run of a fragment Streamlit counts the places of notices anew, and the first one is the stylesheet's."""
    sent: list[str] = []
    monkeypatch.setattr(apart, "style", lambda: sent.append("style"))
    toast = apart.st.toast
    monkeypatch.setattr(apart.st, "toast", lambda *said, **more: [sent.append("toast"), toast(*said, **more)][1])
    toasts(0.3, monkeypatch)
    assert sent == ["style", "toast"], "and what follows is shown in the toast's own place"


def test_a_file_that_waits_says_how_many_are_before_it(
    one: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, toasted = tmp_path / "gate", apart._toasted
    other = threading.Thread(target=one.read, args=("worker_readers:stand", {}, {"gate": str(gate)}))
    other.start()
    while not one._here or one._waiting:
        time.sleep(0.01)
    monkeypatch.setattr(apart, "_toasted", lambda *said: [toasted(*said), gate.touch()][0])
    said = toasts(0.4, monkeypatch)
    other.join()
    assert len(said) == 3 and "1" in said[0] and "being read" in said[1]


def button() -> None:
    """A file is chosen: it is read in a callback, while the session's state is locked."""
    import streamlit as st
    from test_apart import DONE

    from dashboard import apart, language

    language.ask(lambda: st.query_params.get("lang", "en"))
    read = apart.read
    st.button("Read", on_click=lambda: DONE.append(read("worker_readers:sleep", {}, {"seconds": 0.5})[0]))


def test_a_callback_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    toasted = apart._toasted
    monkeypatch.setattr(apart, "_toasted", lambda before, text, last: said.append(text) or toasted(before, text, last))
    test = AppTest.from_function(button, default_timeout=300).run()
    before = time.monotonic()
    test.button[0].click().run()
    language.ask(lambda: language.ENGLISH)
    assert not test.exception, test.exception
    assert DONE == [0.5] and len(said) == 2 and time.monotonic() - before < 30


def hurried() -> None:
    """The visitor asks for a rerun while the file is read."""
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
    from test_apart import DONE

    from dashboard import apart

    context = get_script_run_ctx()
    assert context is not None and context.script_requests is not None
    if not DONE:
        context.script_requests.request_rerun(RerunData())
    DONE.append(apart.read("worker_readers:sleep", {}, {"seconds": 0.4})[0])


def test_a_rerun_that_is_asked_for_meanwhile_comes_afterwards() -> None:
    test = AppTest.from_function(hurried, default_timeout=300).run()
    assert not test.exception, test.exception
    assert DONE[0] == 0.4  # and not lost where the notice was shown
