"""Ten thousand reruns: sessions come and go, and the server's memory is watched."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from benchmarks.browser import Server
from benchmarks.load.measured import Found, Row, percentiles, processor_time, resident, verdict
from benchmarks.load.viewer import Viewer

PAGES = ("", "step_by_step", "memory", "what_if", "gradients", "contrast", "health")
TOGETHER, REPEAT = 8, 20
"""Sessions that are open at a time, and reruns of each."""
EVERY = 500
"""Reruns between two looks at the server's memory."""


async def soak(server: Server, reruns: int) -> Found:
    """``TOGETHER`` sessions at a time, each of ``REPEAT`` reruns on one of the pages, until all reruns were made."""
    found = Found()
    rng = random.Random(0)
    names = iter(range(-(-reruns // REPEAT)))
    begun, used = time.perf_counter(), processor_time(server)

    async def visitors() -> None:
        for name in names:
            one = Viewer(server.url, name, PAGES[name % len(PAGES)])
            try:
                if await found.attempt(found.opened, one.open()):
                    for _ in range(REPEAT):
                        done = await found.attempt(found.reruns, one.type(rng))
                        if done and len(found.reruns) % EVERY == 0:
                            found.memory.append((len(found.reruns), resident(server)))
                            print(f"{len(found.reruns):,} reruns, {found.memory[-1][1]:.0f} MB", flush=True)
            finally:
                await one.close()

    await asyncio.gather(*(visitors() for _ in range(TOGETHER)))
    found.seconds, found.processor = time.perf_counter() - begun, processor_time(server) - used
    return found


def slope(points: Sequence[tuple[int, float]]) -> float:
    """MB a 1,000 reruns, by least squares."""
    x0, y0 = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - x0) ** 2 for x, _ in points)
    return 1000 * sum((x - x0) * (y - y0) for x, y in points) / spread if spread else 0.0


def report(found: Found) -> list[Row]:
    half = [point for point in found.memory if point[0] >= len(found.reruns) / 2]
    grows, errors = slope(half), sum(found.errors.values())
    values = [mb for _, mb in half]
    median, late, _ = percentiles(found.reruns)
    return [
        ("reruns", "", f"{len(found.reruns):,} in {found.seconds / 60:.0f} minutes", ""),
        ("sessions opened and closed, 8 at a time, on all pages", "", f"{len(found.opened):,}", ""),
        ("errors, and answers that were not one's own", "none", f"{errors}", verdict(not errors)),
        ("a rerun, median and 95th percentile, without any pause", "", f"{median:.0f} and {late:.0f} ms", ""),
        ("server: memory in the second half", "", f"{min(values):.0f} to {max(values):.0f} MB", ""),
        ("slope of the second half", "under 1 MB a 1,000 reruns", f"{grows:+.2f} MB", verdict(grows < 1)),
    ]
