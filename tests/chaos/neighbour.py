"""A well-behaved neighbour, in a process of their own: types sentence after sentence and says how long each took.

    python -m tests.chaos.neighbour URL NUMBER

prints a line of JSON for each: {"at": when it was typed, "took": seconds}, {"at": ..., "wrong": what was wrong with the
answer}, or {"at": ..., "away": seconds} of a server that was not there, and was again.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from typing import Any

from websockets.exceptions import WebSocketException

from benchmarks.load import Failed, Viewer

PAUSE = 0.5 if os.environ.get("NIGHTLY") else 0.1
"""Seconds between an answer and the next sentence."""
AGAIN = 0.2
"""Seconds between two looks whether the server is there again."""


def say(at: float, **told: Any) -> None:
    print(json.dumps({"at": at, **told}), flush=True)


async def types(url: str, name: int) -> None:
    rng = random.Random(name)
    viewer = Viewer(url, name)
    await viewer.open()
    while True:
        await asyncio.sleep(PAUSE)
        begun = time.monotonic()
        try:
            say(begun, took=await viewer.type(rng))
        except (Failed, TimeoutError) as error:
            say(begun, wrong=f"{type(error).__name__}: {error}")
        except (WebSocketException, OSError):
            viewer = await opened(url, name, viewer.typed)
            say(begun, away=time.monotonic() - begun)


async def opened(url: str, name: int, typed: int) -> Viewer:
    while True:
        viewer = Viewer(url, name, typed=typed)
        try:
            await viewer.open()
            return viewer
        except (WebSocketException, OSError, Failed, TimeoutError):
            await asyncio.sleep(AGAIN)


if __name__ == "__main__":
    asyncio.run(types(sys.argv[1], int(sys.argv[2])))
