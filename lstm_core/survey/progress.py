"""How far a survey is, how fast it goes and when it will be done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """documents, steps: done in this run; skipped: documents that an earlier run did. total: documents in all, None
    where the data does not say. seconds: since the run began. remaining: seconds that are left at this rate, or None.
    """

    documents: int
    steps: int
    skipped: int
    total: int | None
    seconds: float

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.steps / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that are left at the rate so far; None where the number of documents is not known."""
        if self.total is None or not self.documents:
            return None
        return (self.total - self.skipped - self.documents) * self.seconds / self.documents

    def __str__(self) -> str:
        """On one line: documents and steps done, steps a second, and the time of day at which it will be done."""
        of = "" if self.total is None else f" of {self.total:,}"
        end = (
            ""
            if self.remaining is None
            else f", done at {time.strftime('%H:%M:%S', time.localtime(time.time() + self.remaining))}"
        )
        return f"{self.skipped + self.documents:,}{of} documents, {self.steps:,} steps, {self.rate:,.0f} a second{end}"


class Watcher:
    """Tells ``report`` (or standard error, for True; nobody, for False) whenever a part is done."""

    def __init__(self, report: bool | Callable[[Progress], None], total: int | None) -> None:
        """report: whom to tell. total: documents in all, None where the data does not say."""
        self.report, self.total = report, total
        self.start, self.documents, self.steps, self.before = time.perf_counter(), 0, 0, 0

    def skipped(self, documents: int) -> None:
        """A part was done by an earlier run."""
        self.before += documents
        self.start = self.start if self.steps else time.perf_counter()

    def done(self, steps: int, documents: int) -> None:
        """A part is done."""
        self.steps += steps
        self.documents += documents
        now = Progress(self.documents, self.steps, self.before, self.total, time.perf_counter() - self.start)
        if callable(self.report):
            self.report(now)
        elif self.report:
            print(now, file=sys.stderr)
