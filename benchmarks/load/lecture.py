"""One person's view of a lecture: forty open the link together, type together, and follow a tour."""

from __future__ import annotations

import asyncio
import random

from benchmarks.browser import Server
from benchmarks.load.measured import Found, Row, percentiles, verdict
from benchmarks.load.viewer import Failed, Viewer

LISTENERS = 40
TOUR = "what-the-gates-do"
STOPS = 6
SENTENCE = "Peter saw Anna in the garden because she"
ROUNDS = 5
"""Times that all type a sentence of their own, and all the same one."""


async def lecture(server: Server) -> dict[str, Found]:
    """What everybody waited for, by what it was."""
    found: dict[str, Found] = {}
    rng = random.Random(0)
    listeners = [Viewer(server.url, k, query={"tour": TOUR}) for k in range(LISTENERS)]

    async def same(viewer: Viewer, text: str) -> float:
        drawn, took = await viewer.enter(text)
        if not any(text.encode() in part for part in drawn):
            raise Failed(f"the answer to {text} does not show it")
        return took

    async def all_at_once(what: str, asks) -> None:
        here = found.setdefault(what, Found())
        await asyncio.gather(*(here.attempt(here.reruns, ask) for ask in asks))

    try:
        await all_at_once("open the link", (viewer.open() for viewer in listeners))
        for _ in range(STOPS):
            await all_at_once("the tour's next view on every screen", (viewer.next() for viewer in listeners))
        for _ in range(ROUNDS):
            await all_at_once("type, each a sentence of their own", (viewer.type(rng) for viewer in listeners))
        for k in range(ROUNDS):
            text = f"{SENTENCE} {k}"
            await all_at_once("type, all the same sentence", (same(viewer, text) for viewer in listeners))
    finally:
        await asyncio.gather(*(viewer.close() for viewer in listeners))
    return found


def report(found: dict[str, Found]) -> list[Row]:
    rows: list[Row] = []
    for what, one in found.items():
        median, late, longest = percentiles(one.reruns)
        errors = sum(one.errors.values())
        goal = "" if what.startswith("open") else "95th under 1,000 ms"
        met = verdict(not errors and late < 1000) if goal else verdict(not errors)
        times = f"{median:.0f}, {late:.0f}, {longest:.0f} ms" + f"; {errors} errors" * bool(errors)
        rows.append((f"{LISTENERS} {what}: median, 95th percentile, longest", goal, times, met))
    return rows
