"""A server that was just started and whom everybody calls at one moment, some of them without manners."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import threading
import time
import tomllib
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.browser import Server, serve
from benchmarks.load import Viewer, misbehaving
from benchmarks.load.together import Opened, together
from dashboard import cache, language, server, turns
from dashboard.browser import publish
from tests import loops

SOON = 20.0
"""Seconds that are enough on any machine; what is measured stands in benchmarks/load.md."""


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    with serve() as started:
        yield started


def test_all_first_visits_of_a_new_server_are_served(started: Server) -> None:
    """While they import what the page is made of: none finds a half of it."""
    found = loops.run(together(started, 40))
    assert not found.errors and len(found.complete) == 40
    assert max(found.complete) < SOON
    assert "Traceback" not in started.output()


@pytest.mark.parametrize("kind", misbehaving.KINDS)
def test_others_come_in_beside_who_has_no_manners(kind: str, started: Server) -> None:
    """More of them than pages are opened at a time."""
    _, misbehave = misbehaving.KINDS[kind]

    async def beside() -> None:
        neighbour, other = Viewer(started.url, 1), Viewer(started.url, 2, "memory")
        await neighbour.open()
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(misbehave(started.url)) for _ in range(8)))
            for _ in range(3):
                assert await neighbour.type(random.Random(0)) < SOON
            assert await other.open() < SOON
        await neighbour.close()
        await other.close()

    loops.run(beside())
    assert "Traceback" not in started.output()


def test_a_message_is_a_frame_as_browsers_send_it() -> None:
    from websockets.frames import Frame, Opcode
    from websockets.streams import StreamReader

    for content in (b"", b"a", b"x" * 125, b"y" * 126, bytes(range(256)) * 3):
        reader = StreamReader()
        reader.feed_data(misbehaving.frame(content))
        parse = Frame.parse(reader.read_exact, mask=True)
        with pytest.raises(StopIteration) as parsed:
            next(parse)
        assert (parsed.value.value.opcode, parsed.value.value.data) == (Opcode.BINARY, content)


def test_how_long_somebody_waited_for_one_who_came_later() -> None:
    assert Opened([1, 2, 3], [4, 5, 6]).overtaken() == 0
    assert Opened([3, 1, 2], [6, 8, 5]).overtaken() == 3, "the first of them waited for the second"
    assert Opened().overtaken() == 0


@pytest.mark.parametrize("what", ["words", "files"])
def test_the_first_visitors_of_a_language_write_what_it_says(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at one moment, into one folder."""
    monkeypatch.setattr(publish, "words_file", lambda code: tmp_path / f"words.{code}.js")
    source = tmp_path / "source.js"
    source.write_text("export default 1\n" * 10_000)
    write = {
        "words": lambda: publish.publish_words.__wrapped__("zh"),
        "files": lambda: publish._copy(source, tmp_path / "copied" / "source.js"),
    }[what]
    exists, ready = Path.exists, threading.Barrier(8)

    def not_yet(self: Path) -> bool:
        there = exists(self)
        with suppress(threading.BrokenBarrierError):
            ready.wait(5)  # all have looked, and nobody has found it
        return there

    monkeypatch.setattr(Path, "exists", not_yet)
    with ThreadPoolExecutor(8) as pool:
        for writes in [pool.submit(write) for _ in range(8)]:
            writes.result(SOON)
    monkeypatch.undo()
    said = {"words": lambda: tmp_path / "words.zh.js", "files": lambda: tmp_path / "copied" / "source.js"}[what]()
    assert said.read_text(encoding="utf-8") == (language.script("zh") if what == "words" else source.read_text())
    assert {path.name for path in said.parent.iterdir()} <= {said.name, source.name}, "nothing half done is left"


def test_while_one_loads_the_page_nobody_else_does() -> None:
    cache.forget()
    prepares = threading.Thread(target=server.prepare, daemon=True)
    with turns.LOADING.taken():
        prepares.start()
        prepares.join(0.3)
        assert prepares.is_alive() and not cache._readings
    prepares.join(SOON)
    assert not prepares.is_alive() and len(cache._readings) == 2


def test_nothing_is_done_for_every_visitor_that_grows_with_them() -> None:
    """Streamlit would look at every module for each session, and at all sessions' objects after every run."""
    said = tomllib.loads((Path(__file__).parent.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert said["server"]["fileWatcherType"] == "none" and said["runner"]["postScriptGC"] is False


def test_garbage_is_collected_from_time_to_time(thorough: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is closed: its parts refer to each other."""

    def dropped() -> weakref.ref[Any]:
        cycle = Opened()
        cycle.__dict__["own"] = cycle
        return weakref.ref(cycle)

    now = time.monotonic()
    monkeypatch.setattr(cache.time, "monotonic", lambda: now)
    cache.freeze()
    monkeypatch.setattr(cache, "_settled", (len(sys.modules), now))
    monkeypatch.setattr(cache, "_collected", now)
    gc.disable()
    try:
        seen = dropped()
        cache.settle()
        assert seen() is not None, "the last time was a moment ago"
        now += cache.EVERY + 0.1
        cache.settle()
        assert seen() is None
        seen = dropped()
        cache.settle()
        assert seen() is not None
    finally:
        gc.enable()
