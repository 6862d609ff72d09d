"""People in a room: each types another sentence every few seconds, out of step with the others."""

from __future__ import annotations

import asyncio
import random
import re
import time

from benchmarks.browser import Server
from benchmarks.load import files
from benchmarks.load.measured import Found, Row, percentiles, processor_time, resident, verdict
from benchmarks.load.viewer import Viewer
from lstm_core.drawing.modules import source

PAUSE = 5.0
"""Seconds between two sentences of a viewer."""


async def crowd(server: Server, viewers: int, seconds: float) -> Found:
    """``viewers`` sessions, each typing every ``PAUSE`` seconds, out of step with the others."""
    found = Found()
    rng = random.Random(0)
    everyone = [Viewer(server.url, k) for k in range(viewers)]
    try:
        await found.attempt(found.opened, everyone[0].open())
        found.memory.append((0, resident(server)))
        for one in everyone[1:]:
            await found.attempt(found.opened, one.open())
        begun, used = time.perf_counter(), processor_time(server)

        async def watch(one: Viewer, after: float) -> None:
            due = begun + after
            while due < begun + seconds:
                await asyncio.sleep(due - time.perf_counter())
                await found.attempt(found.reruns, one.type(rng))
                due = max(due + PAUSE, time.perf_counter())

        await asyncio.gather(*(watch(one, rng.uniform(0, PAUSE)) for one in everyone))
        found.seconds, found.processor = time.perf_counter() - begun, processor_time(server) - used
        found.memory.append((len(found.reruns), resident(server)))
    finally:
        await asyncio.gather(*(one.close() for one in everyone))
    return found


KEY, WRITES, LOOKS = 1.0, 10, 4.0
"""Of somebody who types all the time: seconds from one change of the text to the next, changes of a sentence, and
seconds in which it is then looked at."""
REST = int(re.findall(r"const REST = (\d+)", source("controls/controls.js"))[0]) / 1000
"""Seconds after the last change after which a page, which has read it itself, asks for the server's trace."""


async def typing(server: Server, viewers: int, seconds: float) -> Found:
    """``viewers`` sessions whose browsers read what is typed themselves: each changes its text every ``KEY`` seconds
    and looks at it after every ``WRITES`` of them. Their browsers load both models first, which counts, too."""
    found = Found()
    rng = random.Random(0)
    everyone = [Viewer(server.url, k) for k in range(viewers)]
    try:
        for one in everyone:
            await found.attempt(found.opened, one.open())
        begun, used = time.perf_counter(), processor_time(server)

        async def watch(one: Viewer, after: float) -> None:
            await files.load(server.url, [f"/{address}" for address in one.models])
            due = begun + after + WRITES * KEY  # of the last change of a sentence
            while due + REST < begun + seconds:
                await asyncio.sleep(max(0.0, due + REST - time.perf_counter()))
                await found.attempt(found.reruns, one.type(rng))
                due += LOOKS + WRITES * KEY

        await asyncio.gather(*(watch(one, rng.uniform(0, LOOKS + WRITES * KEY) - WRITES * KEY) for one in everyone))
        await asyncio.sleep(max(0.0, begun + seconds - time.perf_counter()))
        found.seconds, found.processor = time.perf_counter() - begun, processor_time(server) - used
    finally:
        await asyncio.gather(*(one.close() for one in everyone))
    return found


def report_typing(found: Found, beside: Found, viewers: int) -> list[Row]:
    """``beside``: of as many that change the text every ``PAUSE`` seconds, each time for the server."""
    errors = sum(found.errors.values()) + sum(beside.errors.values())
    less = found.processor < beside.processor
    cycle = f"{WRITES} changes, one every {KEY:.0f} s, then {LOOKS:.0f} s to look"
    return [
        (f"{viewers} sessions, {cycle}: reruns", "", f"{len(found.reruns):,} in {found.seconds:.0f} s", ""),
        ("server: processor time, models included", "less than beside", f"{found.processor:.1f} s", verdict(less)),
        (f"beside: {viewers} sessions, another sentence every {PAUSE:.0f} s, all for the server: reruns", "",
         f"{len(beside.reruns):,} in {beside.seconds:.0f} s", ""),
        ("server: processor time", "", f"{beside.processor:.1f} s", ""),
        ("errors, and answers that were not one's own", "none", f"{errors}", verdict(not errors)),
    ]  # fmt: skip


ROOM, HALL = 50, 150
"""Viewers."""
LARGEST = {ROOM: 400, HALL: 200}
"""MB of the server's memory."""


def report(found: Found, viewers: int) -> list[Row]:
    median, late, longest = percentiles(found.reruns)
    first = percentiles(found.opened)
    (_, before), (_, after) = found.memory
    errors, most = sum(found.errors.values()), LARGEST.get(viewers, LARGEST[ROOM])
    return [
        ("sessions, each typing another sentence every 5 s", "", f"{viewers}", ""),
        ("reruns", "", f"{len(found.reruns):,} in {found.seconds:.0f} s", ""),
        ("a rerun, median", "under 300 ms", f"{median:.0f} ms", verdict(median < 300)),
        ("a rerun, 95th percentile", "under 1,000 ms", f"{late:.0f} ms", verdict(late < 1000)),
        ("a rerun, the longest", "", f"{longest:.0f} ms", ""),
        ("errors, and answers that were not one's own", "none", f"{errors}", verdict(not errors)),
        ("a first run (the others open one after another), median", "", f"{first[0]:.0f} ms", ""),
        ("server: processor time a rerun", "", f"{1000 * found.processor / len(found.reruns):.0f} ms", ""),
        ("server: share of one core", "", f"{100 * found.processor / found.seconds:.0f} %", ""),
        ("server: memory with one session", "", f"{before:.0f} MB", ""),
        (f"server: memory with {viewers} sessions", f"under {most} MB", f"{after:.0f} MB", verdict(after < most)),
    ]
