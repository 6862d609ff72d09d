"""Pages are opened in turns: in the order in which they were asked for, a few at a time, nobody held up for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from streamlit.runtime.scriptrunner import RerunException, StopException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from dashboard import turns
from dashboard.turns import Turns

SOON = 60.0
"""Seconds after which a test gives up: what it waits for takes milliseconds."""


class Visitor(threading.Thread):
    """Takes a turn, notes when it begins, and keeps it until it may leave."""

    def __init__(self, gate: Turns, begun: list[int], name: int) -> None:
        super().__init__(daemon=True)
        self._gate, self._begun, self._number = gate, begun, name
        self.here, self.may_leave = threading.Event(), threading.Event()

    def run(self) -> None:
        with self._gate.taken():
            self._begun.append(self._number)
            self.here.set()
            self.may_leave.wait(SOON)


@pytest.fixture
def queue() -> Iterator[tuple[Turns, list[Visitor], list[int]]]:
    """Twenty visitors who came one after another to a gate that lets in two, for as long as they like."""
    gate, begun = Turns(at_once=2, longest=60), []
    visitors = [Visitor(gate, begun, k) for k in range(20)]
    for come, visitor in enumerate(visitors, 1):
        visitor.start()
        until(lambda come=come: len(gate._waiting) + len(gate._working) == come)
    yield gate, visitors, begun
    for visitor in visitors:
        visitor.may_leave.set()
    for visitor in visitors:
        visitor.join(SOON)
        assert not visitor.is_alive()


def until(true: object) -> None:
    end = time.monotonic() + SOON
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.001)


def test_who_came_first_is_served_first(queue: tuple[Turns, list[Visitor], list[int]]) -> None:
    gate, visitors, begun = queue
    for k, visitor in enumerate(visitors):
        assert visitor.here.wait(SOON)
        assert len(gate._working) <= 2 and len(begun) <= k + 2
        visitor.may_leave.set()
        if k + 2 < len(visitors):
            assert visitors[k + 2].here.wait(SOON)
    # The first two are let in together; of the others each begins after the one before it.
    assert sorted(begun[:2]) == [0, 1] and begun[2:] == list(range(2, 20))


ENDS = [ValueError("a mistake"), StopException(), RerunException(RerunData()), SystemExit()]


@pytest.mark.parametrize("raised", ENDS, ids=lambda raised: type(raised).__name__)
def test_a_turn_ends_however_the_run_does(raised: BaseException) -> None:
    gate, begun = Turns(at_once=1, longest=SOON), time.monotonic()
    for _ in range(3):
        with pytest.raises(type(raised)), gate.taken():
            raise raised
    assert not gate._working and not gate._waiting
    with gate.taken():
        assert len(gate._working) == 1
    assert time.monotonic() - begun < SOON / 2, "nobody waited for a turn that had ended"


def test_a_run_within_a_run_does_not_wait_for_itself() -> None:
    gate, begun = Turns(at_once=1, longest=SOON), time.monotonic()
    with gate.taken():
        with gate.taken(), pytest.raises(StopException), gate.taken():
            raise StopException
        assert len(gate._working) == 1, "the turn lasts until the outer run ends"
    assert not gate._working and time.monotonic() - begun < SOON / 2


def test_what_takes_long_holds_nobody_up() -> None:
    """As one that waits for a disk, or works on thousands of words: others begin although it has not ended."""
    gate, begun = Turns(at_once=2, longest=0.05), []
    visitors = [Visitor(gate, begun, k) for k in range(6)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        assert visitor.here.wait(SOON)  # none has left yet
    for visitor in visitors:
        visitor.may_leave.set()
    for visitor in visitors:
        visitor.join(SOON)
    assert not gate._working and not gate._waiting
    with gate.taken():  # and those that left late have taken nobody's place
        assert len(gate._working) == 1


def test_who_gives_up_waiting_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, begun = Turns(at_once=1, longest=SOON), []
    first = Visitor(gate, begun, 0)
    first.start()
    assert first.here.wait(SOON)

    class Impatient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(turns.threading, "Event", Impatient)
        with gate.taken():
            pass
    assert not gate._waiting
    first.may_leave.set()
    first.join(SOON)
    with gate.taken():
        pass
