"""A class opens the link together: many first visits at one moment, of a server that was just started."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from websockets.exceptions import WebSocketException

from benchmarks.browser import Server
from benchmarks.load import files
from benchmarks.load.measured import Row, processor_time, resident, verdict
from benchmarks.load.viewer import Failed, Viewer

COUNTS = (25, 50, 100, 150)
GOALS = {50: 5.0, 100: 10.0}
"""Seconds after which the last of so many pages is complete."""


@dataclass
class Opened:
    """Seconds after the one moment: when each asked for the page, and had all of it; 0 processor seconds and MB of the
    server; what went wrong."""

    asked: list[float] = field(default_factory=list)
    complete: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    processor: float = 0
    memory: float = 0

    def overtaken(self) -> float:
        """The longest that somebody waited for one who had asked later."""
        soonest, most = float("inf"), 0.0
        for _, complete in sorted(zip(self.asked, self.complete, strict=True), reverse=True):
            most, soonest = max(most, complete - soonest), min(soonest, complete)
        return most


async def together(server: Server, count: int, paths: Sequence[str] = ()) -> Opened:
    """``count`` first visits at one moment. paths: files that each of them loads before, as a browser would."""
    found = Opened()
    viewers = [Viewer(server.url, k) for k in range(count)]
    begun, used = time.perf_counter(), processor_time(server)

    async def visit(viewer: Viewer) -> None:
        try:
            if paths:
                await files.load(server.url, list(paths))
            await viewer.open()
        except (Failed, WebSocketException, OSError, TimeoutError) as error:
            found.errors[f"{type(error).__name__}: {error}"] += 1
        else:
            found.asked.append(viewer.asked - begun)
            found.complete.append(time.perf_counter() - begun)

    await asyncio.gather(*map(visit, viewers))
    found.processor, found.memory = processor_time(server) - used, resident(server)
    await asyncio.gather(*(viewer.close() for viewer in viewers))
    return found


def report(found: dict[tuple[int, bool], Opened]) -> list[Row]:
    """``found`` by the number of visits, and whether the browser's files were loaded, too."""
    rows: list[Row] = []
    for (count, whole), one in found.items():
        served, goal = len(one.complete), GOALS.get(count)
        what = f"{count} first visits at one moment" + ", with all files that a browser loads" * whole
        if not served:
            rows.append((what, "", "none served", "missed"))
            continue
        times = f"{min(one.complete):.2f}, {median(one.complete):.2f}, {max(one.complete):.2f} s"
        last = max(one.complete)
        met = verdict(served == count and (goal is None or last <= goal))
        aim = f"last within {goal:.0f} s" if goal else "all served"
        rows.append((f"{what}: first, median and last complete", aim, times, met))
        if not whole:
            rows.append(("somebody waited for one who had asked later, at most", "", f"{one.overtaken():.2f} s", ""))
        rows.append(("server: processor time a visit", "", f"{1000 * one.processor / served:.0f} ms", ""))
        rows.append(("server: memory", "", f"{one.memory:.0f} MB", ""))
    return rows
