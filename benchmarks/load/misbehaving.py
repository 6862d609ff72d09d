"""Sessions that misbehave, beside a well-behaved neighbour, whose reruns are timed."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg

from benchmarks.browser import Server
from benchmarks.load.measured import Found, Row, percentiles, resident, verdict
from benchmarks.load.viewer import Viewer

PAUSE = 0.1
"""Seconds between an answer and the neighbour's next sentence."""
SMALL = 4096
"""Bytes that are taken from the socket of one who reads slowly, or not at all."""
ASKS = 20
"""Runs that one who never reads asks for."""


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    one.connect((parts.hostname or "", parts.port or 80))
    one.setblocking(False)
    return one


def _handshake(url: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
    ).encode()


def frame(content: bytes) -> bytes:
    """A message as a browser sends it: binary, masked."""
    mask = os.urandom(4)
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return b"\x82" + length + mask + bytes(byte ^ mask[k % 4] for k, byte in enumerate(content))


def _ask_for_the_page(url: str) -> bytes:
    message = BackMsg()
    message.rerun_script.context_info.locale = "en"
    message.rerun_script.context_info.url = url
    return frame(message.SerializeToString())


@asynccontextmanager
async def half_a_request(url: str) -> AsyncIterator[None]:
    """Begins a request and never ends it."""
    with _connected(url) as one:
        await asyncio.get_running_loop().sock_sendall(one, b"GET / HTTP/1.1\r\nHost: a\r\nX-")
        yield


@asynccontextmanager
async def _streaming(url: str) -> AsyncIterator[socket.socket]:
    """A connection after its handshake."""
    loop = asyncio.get_running_loop()
    with _connected(url) as one:
        await loop.sock_sendall(one, _handshake(url))
        head = b""
        while b"\r\n\r\n" not in head:
            head += await loop.sock_recv(one, 1)  # the first message stays unread
        yield one


@asynccontextmanager
async def half_a_frame(url: str) -> AsyncIterator[None]:
    """Begins a message and never ends it."""
    async with _streaming(url) as one:
        message = _ask_for_the_page(url)
        await asyncio.get_running_loop().sock_sendall(one, message[: len(message) // 2])
        yield


@asynccontextmanager
async def never_reads(url: str) -> AsyncIterator[None]:
    """Asks for the page again and again, and takes no answer."""
    async with _streaming(url) as one:
        for _ in range(ASKS):
            await asyncio.get_running_loop().sock_sendall(one, _ask_for_the_page(url))
        yield


@asynccontextmanager
async def reads_slowly(url: str) -> AsyncIterator[None]:
    """Takes the page a few bytes at a time."""
    loop = asyncio.get_running_loop()

    async def read(one: socket.socket) -> None:
        with suppress(OSError):
            while await loop.sock_recv(one, 256):
                await asyncio.sleep(0.1)

    async with _streaming(url) as one:
        await loop.sock_sendall(one, _ask_for_the_page(url))
        reads = asyncio.create_task(read(one))
        try:
            yield
        finally:
            reads.cancel()
            with suppress(asyncio.CancelledError):
                await reads


@asynccontextmanager
async def leaves(url: str) -> AsyncIterator[None]:
    """Asks for the page and is gone."""
    async with _streaming(url) as one:
        await asyncio.get_running_loop().sock_sendall(one, _ask_for_the_page(url))
    yield


KINDS: dict[str, tuple[int, Callable[[str], AbstractAsyncContextManager[None]]]] = {
    "half requests": (100, half_a_request),
    "half frames": (100, half_a_frame),
    "sessions that never read": (50, never_reads),
    "slow readers": (50, reads_slowly),
    "visits that are gone at once": (100, leaves),
}
"""How many of each are there at a time."""


async def misbehaving(server: Server, seconds: float = 8.0) -> dict[str, tuple[Found, float]]:
    """The neighbour's reruns while each kind is there, and the server's memory after it."""
    rng = random.Random(0)
    neighbour = Viewer(server.url, 0)
    await neighbour.open()
    found: dict[str, tuple[Found, float]] = {}

    async def types(here: Found, until: Callable[[], bool]) -> None:
        while not until():
            if not await here.attempt(here.reruns, neighbour.type(rng)):
                return
            await asyncio.sleep(PAUSE)

    async def watched(what: str, count: int, kind: Callable[[str], AbstractAsyncContextManager[None]] | None) -> None:
        here, over = Found(), time.perf_counter() + seconds
        typing = asyncio.create_task(types(here, lambda: time.perf_counter() > over))
        async with AsyncExitStack() as stack:
            if kind is not None:
                await asyncio.gather(*(stack.enter_async_context(kind(server.url)) for _ in range(count)))
            await typing
        found[what] = here, resident(server)

    try:
        await watched("nobody", 0, None)
        for what, (count, kind) in KINDS.items():
            await watched(f"{count} {what}", count, kind)
    finally:
        await neighbour.close()
    return found


def report(found: dict[str, tuple[Found, float]]) -> list[Row]:
    rows: list[Row] = []
    for what, (one, memory) in found.items():
        errors = sum(one.errors.values())
        if len(one.reruns) < 2:
            rows.append((f"beside {what}", "", f"{errors} errors", "missed"))
            continue
        median, _, longest = percentiles(one.reruns)
        times = f"{median:.0f}, {longest:.0f} ms, {memory:.0f} MB" + f"; {errors} errors" * bool(errors)
        met = verdict(not errors and median < 1000 and longest < 3000)
        what = f"a neighbour's rerun beside {what}: median and longest; server's memory"
        rows.append((what, "under 1,000 and 3,000 ms", times, met))
    return rows
