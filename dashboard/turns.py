"""Whose turn it is: pages are opened a few at a time, in the order in which they were asked for.

All scripts share one interpreter. Fifty that run at once are all done when the last one is; in turns the first is done
at once, and the last one no later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
"""Runs at a time: while one waits for the disk, another works."""
LONGEST = 0.25
"""Seconds after which a run does not count any more, though it goes on: nobody waits long for what takes long."""


class _Turn:
    def __init__(self) -> None:
        self.begun = threading.Event()
        self.since = 0.0


class Turns:
    """``with turns.taken():`` waits for the turn, and gives it up however the block ends. A thread that has its turn
    does not wait for another one."""

    def __init__(self, at_once: int = AT_ONCE, longest: float = LONGEST) -> None:
        self.at_once, self.longest = at_once, longest
        self._lock = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._working: set[_Turn] = set()
        self._thread = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        if getattr(self._thread, "has_one", False):
            yield
            return
        turn = _Turn()
        with self._lock:
            self._waiting.append(turn)
        try:
            self._advance()
            while not turn.begun.wait(self.longest):
                self._advance()  # one that works may have become one that does not count
            self._thread.has_one = True
            yield
        finally:
            self._thread.has_one = False
            with self._lock:
                self._working.discard(turn)
                if turn in self._waiting:
                    self._waiting.remove(turn)
            self._advance()

    def _advance(self) -> None:
        """Let those begin whose turn it is."""
        with self._lock:
            now = time.monotonic()
            self._working = {turn for turn in self._working if now - turn.since < self.longest}
            while self._waiting and len(self._working) < self.at_once:
                turn = self._waiting.popleft()
                turn.since = now
                self._working.add(turn)
                turn.begun.set()


LOADING = Turns(at_once=1, longest=60)
"""The turn of whoever imports the page's modules: where one thread imports a package and another a part of it, each may
wait for the other, and Python ends one of them with an error. On a server that was just started all visitors import."""

OPENING = Turns()
"""The server's, of whole pages. What is typed on a page draws a part of it anew and waits for no page."""
