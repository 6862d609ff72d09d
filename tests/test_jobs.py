"""Work in processes of its own: how many at a time, in which order, and what is said where there is no room."""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import jobs
from dashboard.jobs import Busy, Job

Make = Callable[..., Job]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes jobs, of which there are no others: those of tests before may still be there."""
    monkeypatch.setattr(jobs, "_working", weakref.WeakSet())
    monkeypatch.setattr(jobs, "_waiting", [])
    made: list[Job] = []

    def make(code: str = "import time; time.sleep(60)", seconds: float = 60) -> Job:
        made.append(Job("tests.run_code", [code], seconds))
        return made[-1]

    yield make
    for one in made:
        one.end()


def until(done: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def begun(made: list[Job]) -> int:
    return sum(one.process is not None for one in made)


def test_twenty_at_the_same_moment_run_as_two(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = jobs._folder

    def folder() -> Path:
        time.sleep(0.01)  # between the look at how many there are and the beginning of another
        return slow()

    monkeypatch.setattr(jobs, "_folder", folder)
    made: list[Job] = []
    threads = [threading.Thread(target=lambda: made.append(job())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 20 and begun(made) == 2
    assert sorted(one.before for one in made) == [0, 0, *range(2, 20)]
    [third] = [one for one in made if one.before == 2]
    assert "2 of other visitors" in third.waits


def test_jobs_begin_in_the_order_in_which_they_came(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    first, second, third = job(), job(), job("pass")
    assert [one.before for one in (first, second, third)] == [0, 1, 2] and third.running and third.elapsed == 0
    assert second.waits == "It begins when another visitor's is over."
    first.stop()
    assert begun([second, third]) == 1 and second.process is not None and third.before == 1
    second.stop()
    until(lambda: not third.running)
    assert third.problem == "" and third.process is not None and third.process.returncode == 0


def test_one_that_waits_can_be_ended_and_its_place_is_free(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "WAITING", 2)
    _first, second, third = job(), job(), job()
    with pytest.raises(Busy, match="Try again"):
        job()
    second.end()
    assert not second.running and second.problem == "" and not second.folder.exists() and third.before == 1
    assert job().before == 2


def test_one_that_waits_goes_with_its_session(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    _first = job()
    gone = Job("tests.run_code", ["pass"], 60)
    folder = gone.folder
    third = job()
    assert third.before == 2
    del gone
    assert third.before == 1 and not folder.exists()


def test_what_was_cut_goes_on_with_what_it_left_and_waits_its_turn(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    left = "import pathlib, sys, time; there = pathlib.Path(sys.argv[-1]) / 'left'; "
    one = job(left + "done = there.exists(); there.touch(); time.sleep(0 if done else 60)")
    until((one.folder / "left").exists)
    assert not one.cut
    one.stop()
    assert one.cut and one.ends_now() and not one.ends_now()
    second = job()
    one.go_on()
    assert one.running and not one.cut and one.before == 1 and one.elapsed == 0
    second.stop()
    until(lambda: not one.running)
    assert one.ends_now() and not one.cut and one.problem == "", "it came to its end by itself"
    late = job(seconds=0.2)
    until(lambda: not late.running)
    assert late.cut and "0 seconds that a page may" in late.problem


def test_a_job_before_is_stopped_and_its_folder_stays_while_it_is_shown(
    job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.st, "session_state", {})
    jobs.begin("tests.run_code", ["import time; time.sleep(60)"], 60, "first")
    first, folder = jobs.st.session_state[jobs.JOB], jobs.st.session_state[jobs.JOB].folder
    jobs.begin("tests.run_code", ["pass"], 60, "second")
    assert not first.running and folder.exists() and jobs.st.session_state[jobs.JOB].label == "second"
    del first
    assert not folder.exists()
    jobs.st.session_state[jobs.JOB].end()


def test_one_that_goes_on_is_one_process_however_often_it_is_told(job: Make) -> None:
    one = job()
    one.stop()
    assert one.cut
    one.go_on()
    first = one.process
    one.go_on()  # a second click, before the page has taken the button away
    assert one.process is first and first is not None and first.poll() is None and one.running


def test_what_is_stopped_while_it_waits_to_go_on_can_still_go_on(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    one = job()
    one.stop()
    other = job()
    one.go_on()
    assert one.waits
    one.stop()
    assert one.cut and not one.running
    other.stop()
    one.go_on()
    assert one.running and one.process is not None and not one.cut


def test_what_came_to_its_end_is_not_stopped_any_more(job: Make) -> None:
    one = job("pass")
    until(lambda: not one.running)
    one.stop()
    assert not one.cut and not one.stopped


def test_what_is_over_is_taken_before_another_begins(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its page was left meanwhile, so nobody has seen it."""
    monkeypatch.setattr(jobs.st, "session_state", {})
    taken: list[str] = []
    for k, code in enumerate(("pass", "import time; time.sleep(60)", "pass")):
        jobs.begin("tests.run_code", [code], 60, str(k), take=lambda one: taken.append(one.label))
        if code == "pass":
            until(lambda: not jobs.st.session_state[jobs.JOB].running)
    assert taken == ["0"], "and what was still at work is not"
    last = jobs.st.session_state[jobs.JOB]
    one = job()
    one.stop()
    jobs.resume(one)
    assert taken == ["0", "2"] and jobs.st.session_state[jobs.JOB] is one and one.running
    assert not last.ends_now(), "nor is it taken twice"


def test_where_another_cannot_begin_the_one_before_stays(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.st, "session_state", {jobs.JOB: (one := job("pass"))})
    monkeypatch.setattr(jobs, "_free", lambda folder: 0)
    with pytest.raises(Busy):
        jobs.begin("tests.run_code", ["pass"], 60, "")
    assert jobs.st.session_state[jobs.JOB] is one


def test_a_full_folder_says_so_at_once(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_free", lambda folder: jobs.NEEDED - 1)
    monkeypatch.setattr(jobs.subprocess, "Popen", None)
    with pytest.raises(Busy, match="temporary folder of this server is full"):
        job()


def test_jobs_of_pages_that_were_closed_make_room(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sessions are still there; so the jobs are held here."""
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    now = 0.0
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: now))
    closed: set[str] = set()
    monkeypatch.setattr(jobs, "_is_open", lambda session: session not in closed)
    works, waits, cut, here = (job() for _ in range(4))
    for name, one in (("works", works), ("waits", waits), ("cut", cut)):
        one._session = name
    closed |= {"works", "waits", "cut"}
    assert here.before == 3
    closed.remove("cut")  # the line is there again
    assert here.before == 3
    now = jobs.AWAY + 1
    assert here.before == 1
    assert cut.running and cut.process is not None
    for one in (works, waits):
        assert not one.running and "page had been closed" in one.problem
    assert works.process is not None and works.process.poll() is not None and waits.process is None


@pytest.mark.parametrize(
    ("number", "why"), [(errno.ENOSPC, "is full"), (errno.EROFS, "can be written"), (errno.EACCES, "can be written")]
)
def test_a_folder_that_cannot_be_made_says_why(
    job: Make, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def refused(prefix: str) -> str:
        raise OSError(number, os.strerror(number), "/secret/path")

    monkeypatch.setattr(jobs.tempfile, "mkdtemp", refused)
    with pytest.raises(Busy, match=why):
        job()


def test_a_process_that_cannot_be_started_says_why_and_no_path(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), "/secret/path")

    monkeypatch.setattr(jobs.subprocess, "Popen", refused)
    one = job()
    assert not one.running and "could not be started" in one.problem and "/secret" not in one.problem


def test_a_folder_that_becomes_full_ends_the_job(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = job()
    assert one.running
    monkeypatch.setattr(jobs, "_free", lambda folder: 0)
    assert not one.running and one.process is not None and one.process.poll() is not None
    assert "is full" in one.problem


def test_the_next_one_begins_though_nobody_looks_at_those_before(job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 1)
    job("pass")
    job("pass")
    third = job("pass")
    until(lambda: not third.running)
    assert third.process is not None and third.process.returncode == 0
