"""What happens to a host, and what visitors do meanwhile. Each is done while a neighbour is watched (``watch``)."""

from __future__ import annotations

import asyncio
import lzma
import os
import random
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.chaos.visitors import Failed, Visitor
from tests.chaos.watch import Watched
from tests.uploads import safetensors, tagger

HANGS = lzma.decompress((Path(__file__).parents[1] / "data" / "hangs.h5.xz").read_bytes())
"""A Keras file on which HDF5 works for ever."""
MODEL = safetensors({name: value.numpy() for name, value in tagger().state_dict().items()})
"""No PyTorch file: with one the server imports PyTorch."""
rng = random.Random(0)


async def all_of(count: int, visit: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """So many visits at the same time; what one of them finds wrong is raised when all have ended."""
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(visit(number))


async def with_a_model(url: str, name: int, data: bytes = b"", kind: str = "safetensors") -> Visitor:
    """A visitor who has brought a file, which is named for them; it is read by now, or refused."""
    visitor = Visitor(url, name)
    await visitor.open()
    await visitor.write("Mary saw", left="yours")
    await visitor.give({f"visitor{name}.{kind}": data or MODEL})
    return visitor


async def in_training(url: str, name: int) -> Visitor:
    visitor = Visitor(url, name, "experiments", query={"experiment": "train"})
    await visitor.open()
    await visitor.press("Train")
    return visitor


async def children_killed(watched: Watched, count: int) -> None:
    """Whatever the server has started is killed, again and again, while files are read and networks trained."""

    async def kills() -> None:
        while True:
            await asyncio.sleep(0.3)
            for child in watched.children():
                with suppress(OSError):
                    if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():  # Python's own
                        os.kill(child, signal.SIGKILL)

    async def visit(number: int) -> None:
        if number % 3 == 0:
            visitor = await in_training(watched.url, 100 + number)
            await asyncio.sleep(0.7)
            await visitor.again()
        else:
            visitor = await with_a_model(watched.url, 100 + number, HANGS if number % 3 == 1 else b"")
        await visitor.close()

    killer = asyncio.create_task(kills())
    await all_of(count, visit)
    killer.cancel()
    visitor = await with_a_model(watched.url, 99)
    await visitor.close()
    if not visitor.has_said("**visitor"):
        raise Failed(f"no file is read any more: {visitor.said}")


async def trains_nowhere(watched: Watched, why: str) -> None:
    """Training needs a folder; who cannot have one is told, and what is read of files needs none."""
    visitor = await in_training(watched.url, 120)
    await visitor.close()
    if not visitor.has_said(why):
        raise Failed(f"training says nothing of it: {visitor.said}")
    visitor = await with_a_model(watched.url, 121)
    if not visitor.has_said("**visitor"):
        raise Failed(f"no file is read: {visitor.said}")
    try:
        await visitor.send("large.pt", bytes(4 << 20))  # Streamlit keeps what arrives of it in a file
    except OSError:  # an answer that says so, or none
        pass
    await visitor.write("Mary", left="yours")
    await visitor.close()


async def clock_set(watched: Watched, clock: Path) -> None:
    """Back by a day, then ahead by a month, and right again."""
    visitor = await with_a_model(watched.url, 130)
    for seconds in (-86_400, 30 * 86_400, 0):
        clock.write_text(str(seconds))
        await visitor.write("after the clock was set", left="yours")
        if not visitor.has_said("**visitor"):
            raise Failed(f"the visitor's model is gone: {visitor.said}")
        another = await with_a_model(watched.url, 131)
        await another.type(rng)
        await another.close()
    await visitor.close()


async def restarted(watched: Watched, times: int) -> None:
    """The server is killed under open sessions and started again; their visitors come again."""
    for k in range(times):
        visitors = [Visitor(watched.url, 140 + k * 10 + one) for one in range(5)]
        for visitor in visitors:
            await visitor.open()
            await visitor.type(rng)
        await asyncio.to_thread(watched.kill)
        for visitor in visitors:
            try:
                await visitor.type(rng)
            except (WebSocketException, OSError):
                continue
            raise Failed("the server was not killed")
        await asyncio.to_thread(watched.start)
        for visitor in visitors:
            again = Visitor(watched.url, visitor.name, typed=visitor.typed)
            await again.open()
            await again.type(rng)
            await again.close()


class Line:
    """Between visitors and a server: it can be cut, and held up."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.passes = asyncio.Event()
        self.passes.set()
        self.url = ""

    async def __aenter__(self) -> Line:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *of: object) -> None:
        self.cut()
        self._server.close()

    def cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(self._carry(reader, to_server), self._carry(from_server, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while data := await reader.read(1 << 16):
                await self.passes.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()


async def line_cut(watched: Watched, count: int, times: int, seconds: float) -> None:
    """In mid-answer, for all of the line's visitors at the same time; then it is held up for some seconds."""
    async with Line(watched.server.port) as line:
        for _ in range(times):
            visitors = [Visitor(line.url, 200 + k) for k in range(count)]
            await asyncio.gather(*(visitor.open() for visitor in visitors))
            answers = [asyncio.ensure_future(visitor.type(rng)) for visitor in visitors]
            await asyncio.sleep(0.05)
            line.cut()
            for ended in await asyncio.gather(*answers, return_exceptions=True):
                if isinstance(ended, Failed):
                    raise ended
        visitors = [Visitor(line.url, 300 + k) for k in range(count)]
        await asyncio.gather(*(visitor.open() for visitor in visitors))
        answers = [asyncio.ensure_future(visitor.type(rng)) for visitor in visitors]
        line.passes.clear()
        await asyncio.sleep(seconds)
        line.passes.set()
        await asyncio.gather(*answers)
        await asyncio.gather(*(visitor.close() for visitor in visitors))


async def slow_clients(watched: Watched, count: int, seconds: float) -> None:
    """Sessions that ask and ask and never read an answer."""
    address = watched.url.replace("http", "ws", 1) + "/_stcore/stream"

    async def visit(number: int) -> None:
        asks = Visitor(watched.url, 400 + number)
        await asks.open()
        again = asks.rerun()
        await asks.close()
        socket = await connect(address, subprotocols=[Subprotocol("streamlit")], max_queue=1, open_timeout=60)
        end = asyncio.get_running_loop().time() + seconds
        with suppress(WebSocketException, OSError, TimeoutError):
            while asyncio.get_running_loop().time() < end:
                async with asyncio.timeout(1):
                    await socket.send(again)
                await asyncio.sleep(0.25)
        socket.transport.abort()

    await all_of(count, visit)


async def halves(watched: Watched, count: int) -> None:
    """Requests and frames that never end, and visitors who leave as soon as they have asked for something."""
    port, begun = watched.server.port, []
    shake = (
        "GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    )
    for k in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if k % 2:
            writer.write(shake[: 20 + k % len(shake)].encode())
        else:
            writer.write((shake + "\r\n").encode())
            await reader.readline()
            writer.write(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"mask" + b"x" * 1000)
        begun.append(writer)

    async def leaves(number: int) -> None:
        visitor = Visitor(watched.url, 500 + number)
        with suppress(TimeoutError):
            async with asyncio.timeout(rng.uniform(0.01, 0.5)):
                await visitor.open()
        await visitor.close()

    for k in range(0, 5 * count, 10):
        await all_of(10, lambda number, k=k: leaves(k + number))
    for writer in begun:
        writer.transport.abort()
