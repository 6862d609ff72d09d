"""What visitors bring is read apart: in a few worker processes with limits, that take turns, never in the server's.

    value, arrays = workers.read("dashboard.yours.readers:numbers", {"a.csv": data}, {"width": 3}, session=...)

The calling thread waits; other visitors' do not. Files are read in the order in which they came. A session has a few
of them here at a time and the server more; whoever comes beyond that is told to try again. Pebble keeps the processes:
it ends one whose file takes too long and puts another in its place. Each has a pool of its own, so that what becomes of
one does not touch the others. What a worker answers is not trusted: it is bytes, and nothing else of it is unpickled.
"""

from __future__ import annotations

import io
import json
import logging
import math
import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import spawn
from multiprocessing.context import SpawnContext
from typing import Any

import numpy as np
import pebble

from dashboard import worker
from lstm_core.files import sandbox
from lstm_core.files.limits import Ambiguous
from lstm_core.say import say

COUNT = min(2, os.cpu_count() or 1)
"""Workers: one a core, and no more than two."""
A_SESSION = 2
"""Files of a session that are here at a time: one is read, one waits."""
MOST, MOST_BYTES = 32, 256 << 20
"""Files, and bytes of them, that are here at a time."""
SECONDS, HURRY = sandbox.SECONDS, 3
"""That a file may take, and while others wait; a large one has more (``sandbox.BYTES_A_SECOND``)."""
PATIENCE, START = 60.0, 30.0
"""Seconds that somebody waits for a turn at most, and for a process to start."""
ROOM = 256 << 20
"""Bytes of memory beside those of the file and what it becomes: libraries, small objects."""
TASKS = 200
"""Files after which a worker is replaced."""
LARGEST = 1 << 30
"""Bytes of an answer."""
ANSWERS = {
    ("pebble.pool.process", "Acknowledgement"),
    ("pebble.pool.process", "TaskResult"),
    ("pebble.common.types", "Result"),
    ("pebble.common.types", "ResultStatus"),
}
"""What is unpickled of what a worker says, beside bytes, numbers and lists."""

BUSY = say("other visitors' files are being read; try again in a minute")
YOURS = say("other files of yours are being read; wait until they are")

Answer = tuple[Any, list[np.ndarray]]
log = logging.getLogger(__name__)


class Busy(ValueError):
    """The file was not read, for want of a free place."""


@dataclass(eq=False)
class _Turn:
    session: str
    size: int


class Workers:
    """Some workers and the queue for them. They are started when they are first needed."""

    def __init__(self, count: int = COUNT) -> None:
        self._free = [_Worker() for _ in range(count)]
        self._all = tuple(self._free)
        self._here: list[_Turn] = []
        self._waiting: deque[_Turn] = deque()
        self._changed = threading.Condition()

    def read(
        self,
        reader: str,
        files: Mapping[str, bytes],
        said: Mapping[str, Any] | None = None,
        *,
        room: int = 0,
        session: str = "",
        tell: Callable[[int], None] | None = None,
    ) -> Answer:
        """What the reader "module:function" makes of the files, by name: a value as JSON has it, and arrays.

        said: the reader's other arguments, as JSON has them. room: bytes that the files may unfold to. tell: called
        with the number of files before this one, whenever that has changed.

        Raises ValueError as the reader does, and for a file that takes too long, too much memory, or ends the process;
        ``Busy`` where too many are here already.
        """
        size = sum(map(len, files.values()))
        turn, sent = self._come(session, size), dict(files)
        try:
            free = self._wait(turn, tell or (lambda place: None))
            try:
                seconds = SECONDS + size // sandbox.BYTES_A_SECOND
                task = reader, sent, json.dumps(said or {}), ROOM + 3 * size + 3 * room, seconds + 1
                return free.run(task, lambda: seconds - (SECONDS - HURRY if self._waiting else 0))
            finally:
                sent.clear()  # pebble keeps a task until there is another one
                with self._changed:
                    self._free.append(free)
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._here.remove(turn)

    def close(self) -> None:
        """End the processes; they are started again when they are needed."""
        for one in self._all:
            one.end()

    def _come(self, session: str, size: int) -> _Turn:
        with self._changed:
            if sum(turn.session == session for turn in self._here) >= A_SESSION:
                raise Busy(YOURS)
            if self._here and size + sum(turn.size for turn in self._here) > MOST_BYTES or len(self._here) >= MOST:
                raise Busy(BUSY)
            turn = _Turn(session, size)
            self._here.append(turn)
            self._waiting.append(turn)
            return turn

    def _wait(self, turn: _Turn, tell: Callable[[int], None]) -> _Worker:
        """A worker that is free, once those before have had theirs."""
        end, told = time.monotonic() + PATIENCE, 0
        try:
            while True:
                with self._changed:
                    place = self._waiting.index(turn)
                    if place < len(self._free):
                        tell(0)
                        return self._free.pop()
                    place = place + len(self._all) - len(self._free)
                    if place == told:
                        self._changed.wait(1.0)
                        if time.monotonic() > end:
                            raise Busy(BUSY)
                        continue
                told = place
                tell(place)
        finally:
            with self._changed:
                self._waiting.remove(turn)
                self._changed.notify_all()


class _Worker:
    """One process, kept by a pool of its own."""

    def __init__(self) -> None:
        self._pool: pebble.ProcessPool | None = None

    def run(self, task: tuple[Any, ...], seconds: Callable[[], float]) -> Answer:
        """The answer to a task; ``seconds()`` is asked, again and again, how long it may take."""
        try:
            parts = self._answer(task, seconds)
        except BrokenProcessPool:  # as when the process was ended while it had nothing to do
            self.end()
            try:
                parts = self._answer(task, seconds)
            except BrokenProcessPool as error:
                self.end()
                raise ValueError(say("the file could not be read: the reading process could not be started")) from error
        try:
            head = json.loads(parts.pop(0))
            if "value" in head:
                return head["value"], [_array(kind, shape, parts.pop(0)) for kind, shape in head["arrays"]]
        except (ValueError, TypeError, IndexError, AttributeError, RecursionError) as error:
            self.end()
            raise ValueError(
                say("the file could not be read: the reading process gave an answer that makes no sense")
            ) from error
        raise self._refused(head)

    def _answer(self, task: tuple[Any, ...], seconds: Callable[[], float]) -> list[bytes]:
        """Raises BrokenProcessPool where it is not the file's fault that there is none."""
        if self._pool is None:
            self._pool = pebble.ProcessPool(1, TASKS, worker.begin, context=_CONTEXT)
        try:
            future = self._pool.schedule(worker.answer, task)
        except (RuntimeError, OSError) as error:
            raise BrokenProcessPool(str(error)) from error
        came, began = time.monotonic(), 0.0
        try:
            while True:
                try:
                    return future.result(0.1)
                except TimeoutError:
                    now = time.monotonic()
                    began = began or now * future.running()
                    if not began and now - came > START:
                        raise BrokenProcessPool("the process did not start") from None
                    if began and now - began > (most := seconds()):
                        raise ValueError(sandbox.silence(0, math.ceil(most), late=True)) from None
        except pebble.ProcessExpired as error:
            raise ValueError(sandbox.silence(error.exitcode, math.ceil(seconds()), late=False)) from error
        except CancelledError as error:
            raise BrokenProcessPool("the task was cancelled") from error
        finally:
            future.cancel()  # ends the process if it still works

    def _refused(self, head: Any) -> ValueError:
        """Why there is no value in an answer."""
        if head.get("spent"):
            self.end()
        if "choices" in head:
            return Ambiguous(head["choices"])
        if "reason" in head:
            return ValueError(sandbox.from_json(head["reason"]))
        fault = head.get("fault", {})
        log.warning("a reader failed: %s", fault.get("trace"))
        return ValueError(say("the program failed while reading this file ({kind})", kind=str(fault.get("kind"))[:80]))

    def end(self) -> None:
        """End the process; the next task starts another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
            threading.Thread(target=pool.join, daemon=True).start()  # takes a moment


def _array(kind: str, shape: list[int], data: bytes) -> np.ndarray:
    """Raises ValueError or TypeError for anything but numbers that fit the shape."""
    dtype = np.dtype(kind)
    if dtype.kind not in sandbox.NUMBERS:
        raise TypeError(f"{dtype} are not numbers")
    return np.frombuffer(data, dtype).reshape(shape).copy()  # which may be written to


# ---- how pebble's processes are started and listened to


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ANSWERS:
            raise TypeError(f"a worker says something else than an answer: {module}.{name}")
        return super().find_class(module, name)


class _Wary:
    """The server's end of a worker's answers, of which only bytes in pebble's own envelopes are unpickled."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def recv(self) -> Any:
        return _Reader(io.BytesIO(self._connection.recv_bytes(LARGEST))).load()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __reduce__(self) -> Any:
        return worker.given, (self._connection,)


class _Context(SpawnContext):
    def Pipe(self, duplex: bool = True) -> Any:
        reader, writer = super().Pipe(duplex)
        return _Wary(reader), writer


def _without_main(name: str, whole: Callable[[str], dict[str, Any]] = spawn.get_preparation_data) -> dict[str, Any]:
    """What a new process is told, less the script that this one runs: a worker has no use for the page."""
    told = whole(name)
    if name == WORKER:
        told = {key: value for key, value in told.items() if not key.startswith("init_main")}
    return told


WORKER = "pebble_pool_worker"
spawn.get_preparation_data = _without_main
_CONTEXT = _Context()

WORKERS = Workers()
"""The server's."""


def read(reader: str, files: Mapping[str, bytes], said: Mapping[str, Any] | None = None, **options: Any) -> Answer:
    """``Workers.read`` of the server's."""
    return WORKERS.read(reader, files, said, **options)
