"""Work that takes minutes, in a process of its own: the page stays quick, and what is no longer wanted is ended.

A session has one job at a time, the server two; more wait in the order in which they came. A job ends by itself at its
time limit, and when its page is closed: Streamlit keeps the session for a while, and others wait meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import faults
from dashboard.session import keeps
from lstm_core.files.sandbox import from_json
from lstm_core.say import say

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 2
"""Jobs of all visitors together: more of them would only be slower, and each needs memory."""
WAITING = 20
"""Jobs that wait for their turn."""
AWAY = 45.0
"""Seconds after which a job whose page was closed gives its place to others; a line that was cut is back by then."""
NEEDED, LEAST = 32 << 20, 1 << 20
"""Bytes that are free in the temporary folder when a job begins, and while it works."""

JOB = keeps("job")
"""Under this name the session keeps its job."""

FULL = say("The temporary folder of this server is full. Whoever runs the server has to make room.")
CLOSED = say("Nothing can be written to the temporary folder of this server. Whoever runs the server has to allow it.")

LEFT = say("It was ended, because its page had been closed.")

_turn = threading.RLock()
_working: weakref.WeakSet[Job] = weakref.WeakSet()
_waiting: list[weakref.ref[Job]] = []


class Busy(Exception):
    """Other visitors' jobs take the machine, or there is no room for what a job writes."""


@dataclass
class _Held:
    """What there is to end and to remove: the process once there is one, and the folder."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def over(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def remove(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class Job:
    """``python -m MODULE ARGUMENTS``, with a folder of its own as its last argument.

    It begins at once or when it is its turn (``before``). What the process prints, a JSON object a line, is read with
    ``said``. In ``folder`` a file "pause" asks it to wait (see ``pause``). ``label`` says whose job it is, ``files``
    what its folder holds at first; ``take``, if there is one, is given the job once it is over. Raises ``Busy`` if too
    many wait already, or the temporary folder is full.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        seconds: float,
        label: str = "",
        files: Mapping[str, bytes] = MappingProxyType({}),
        take: Callable[[Job], None] | None = None,
    ) -> None:
        self.seconds, self.label, self.take = seconds, label, take
        self.stopped = self.told = False
        self._wrong = ""
        context = get_script_run_ctx(suppress_warning=True)
        self._session = context.session_id if context else ""
        self._alone: float | None = None
        self.started: float | None = None
        self._ended: float | None = None
        self._command = [sys.executable, "-m", module, *arguments]
        with _turn:
            _room()
            self._held = _Held(_folder())
            self._finalizer = weakref.finalize(self, self._held.remove)
            for name, data in files.items():
                (self.folder / name).write_bytes(data)
            self._queue()

    @property
    def folder(self) -> Path:
        return self._held.folder

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """None while it waits for its turn."""
        return self._held.process

    @property
    def before(self) -> int:
        """How many jobs are before this one; 0 once it has begun."""
        with _turn:
            _advance()
            waiting = [one() for one in _waiting]
            return len(_working) + waiting.index(self) if self in waiting else 0

    @property
    def waits(self) -> str:
        """What is said of it while it waits for its turn; empty once it has begun."""
        before = self.before
        if before == 1:
            return say("It begins when another visitor's is over.")
        return say("It is waiting its turn, behind {count} of other visitors.", count=before) if before else ""

    @property
    def running(self) -> bool:
        """Whether it still works or waits; a job past its time is ended here, and one that has no room to write to."""
        with _turn:
            _advance()
            return self in _working or any(one() is self for one in _waiting)

    @property
    def elapsed(self) -> float:
        """Seconds since it began, to its end."""
        return 0.0 if self.started is None else (self._ended or time.monotonic()) - self.started

    @property
    def said(self) -> list[dict[str, Any]]:
        """Every object that it has printed so far."""
        if self.process is None:
            return []
        text = (self.folder / "out").read_text(encoding="utf-8", errors="replace")
        return [
            json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")
        ]  # the last may be half a line

    @property
    def problem(self) -> str:
        """Why it failed, as it told it itself ("problem") if it did; empty while it runs and if it did not fail."""
        if self.running or self.stopped or self._wrong or self.process is None or self.process.returncode == 0:
            return self._wrong
        if _free(self.folder) < LEAST:
            return FULL
        if self.elapsed >= self.seconds:
            return say("It took longer than the {seconds:.0f} seconds that a page may.", seconds=self.seconds)
        told = next((line["problem"] for line in reversed(self.said) if "problem" in line), None)
        if told is not None:
            return from_json(told)
        lines = (self.folder / "errors").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines and faults.shown_whole():  # nobody foresaw it, and it may hold what a visitor typed
            return lines[-1]
        return say("It ended with status {status}.", status=self.process.returncode)

    @property
    def paused(self) -> bool:
        return (self.folder / "pause").exists()

    @property
    def cut(self) -> bool:
        """Whether it was ended before its end, by who began it, by the clock or for want of room, and could go on."""
        return not self.running and (self.stopped or bool(self._wrong) or self.elapsed >= self.seconds)

    def ends_now(self) -> bool:
        """Whether it is over, and this is the first time that somebody hears it: what came of it is taken, and the
        page's buttons then change."""
        first = not self.running and not self.told
        self.told |= first
        if first and self.take is not None:
            self.take(self)
        return first

    def pause(self, wait: bool) -> None:
        """Let it wait, or go on."""
        (self.folder / "pause").touch() if wait else (self.folder / "pause").unlink(missing_ok=True)

    def stop(self) -> None:
        """End the process and keep what it has written; of one that is over already nothing changes."""
        with _turn:
            self.stopped |= self.running
            _waiting[:] = [one for one in _waiting if one() is not self]
            self._held.end()
            _advance()

    def go_on(self) -> None:
        """Start the process again, with what it left in its folder, unless it is not over. Raises ``Busy`` as a new
        one."""
        with _turn:
            if self.running:  # a second click
                return
            _room()
            self.stopped = self.told = False
            self._wrong, self._alone, self.started, self._ended, self._held.process = "", None, None, None, None
            self._queue()

    def end(self) -> None:
        """End the process and remove its files."""
        self.stop()
        self._finalizer()

    def _queue(self) -> None:
        _waiting.append(weakref.ref(self))
        _advance()

    def _begin(self) -> None:
        try:
            with open(self.folder / "out", "wb") as out, open(self.folder / "errors", "wb") as errors:
                self._held.process = subprocess.Popen(
                    [*self._command, str(self.folder)],
                    cwd=ROOT,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                )
        except OSError as error:
            reason = error.strerror or type(error).__name__  # without the path, which is nobody's business
            why = say("It could not be started: {reason}.", reason=reason)
            self._wrong = FULL if _free(self.folder) < LEAST else why
            return
        self.started = time.monotonic()
        _working.add(self)

    def _is_left(self) -> bool:
        """Whether nobody has had its page open for a while."""
        if _is_open(self._session):
            self._alone = None
        elif self._alone is None:
            self._alone = time.monotonic()
        elif time.monotonic() - self._alone > AWAY:
            self._wrong = LEFT
        return self._wrong is LEFT

    def _is_over(self) -> bool:
        if not self._held.over() and not self._is_left() and _free(self.folder) < LEAST:
            self._wrong = FULL
        if self._wrong or self.elapsed > self.seconds:
            self._held.end()
        if not self._held.over():
            return False
        self._ended = self._ended or time.monotonic()
        return True


def begin(
    module: str,
    arguments: Sequence[str],
    seconds: float,
    label: str,
    files: Mapping[str, bytes] = MappingProxyType({}),
    take: Callable[[Job], None] | None = None,
) -> None:
    """A ``Job`` is the session's from now on. The one before is stopped, or taken if it is over and nobody has seen it
    yet; its folder is there for as long as somebody shows what it wrote. Raises ``Busy`` as a job; the session then
    keeps the one before."""
    old: Job | None = st.session_state.get(JOB)
    if old is not None:
        old.ends_now()
        old.stop()
    st.session_state[JOB] = Job(module, arguments, seconds, label, files, take)


def resume(job: Job) -> None:
    """A job that is over goes on, and is the session's again (see ``begin``). Raises ``Busy`` as a job."""
    old: Job | None = st.session_state.get(JOB)
    if old is not None and old is not job:
        old.ends_now()
        old.stop()
    job.go_on()
    st.session_state[JOB] = job


def _advance() -> None:
    """Note which jobs are over, and begin those whose turn it is."""
    for job in list(_working):
        if job._is_over():
            _working.discard(job)
    _waiting[:] = [one for one in _waiting if (job := one()) is not None and not job._is_left()]
    while _waiting and len(_working) < AT_ONCE:
        job = _waiting.pop(0)()
        if job is not None:
            job._begin()


def _room() -> None:
    """Raises ``Busy`` where too many wait already."""
    _advance()
    if len(_working) >= AT_ONCE and sum(one() is not None for one in _waiting) >= WAITING:
        raise Busy(say("Other visitors are training on this machine. Try again in a minute or two."))


def _is_open(session: str) -> bool:
    """Whether a session's page is open in a browser."""
    return not session or not runtime.exists() or runtime.get_instance().is_active_session(session)


def _folder() -> Path:
    """A folder of its own. Raises ``Busy`` where there is no room for one."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="gatescope-"))
    except OSError as error:
        raise Busy(FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else CLOSED) from error
    if _free(folder) < NEEDED:
        folder.rmdir()
        raise Busy(FULL)
    return folder


def _free(folder: Path) -> int:
    """Bytes that can still be written there; of a folder that is gone, as many as anybody wants."""
    try:
        return shutil.disk_usage(folder).free
    except FileNotFoundError:
        return NEEDED
