"""The files of a first visit: which they are, from a real browser, and a client that loads them as one does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.browser import chromium

CONNECTIONS = 6
"""That a browser opens to a server."""


def of_a_first_visit(url: str) -> list[str]:
    """Paths of what a browser loads until the figure is drawn, in its order. RuntimeError without Chromium."""
    found: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("requestfinished", lambda request: found.append(request.url))
        page.goto(url)
        page.wait_for_selector(".js-plotly-plot", timeout=60_000)
        page.wait_for_load_state("networkidle")
    return [urlsplit(one).path for one in found if one.startswith(f"{url}/")]  # not what the page made itself


async def load(url: str, paths: list[str]) -> int:
    """Load all of them; bytes that came."""
    left = iter(paths)
    loads = (_connection(urlsplit(url).hostname or "", urlsplit(url).port or 80, left) for _ in range(CONNECTIONS))
    return sum(await asyncio.gather(*loads))


async def _connection(host: str, port: int, left: Iterator[str]) -> int:
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    came = 0
    try:
        for path in left:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise OSError(f"{path}: {head[:40]!r}")
            length = re.search(rb"content-length: (\d+)", head)
            came += len(head) + await _body(reader, int(length[1]) if length else None)
    finally:
        writer.close()
    return came


async def _body(reader: asyncio.StreamReader, length: int | None) -> int:
    """Read an answer of that many bytes, or one that says the length of each of its pieces."""
    if length is not None:
        return len(await reader.readexactly(length))
    came = 0
    while size := int(await reader.readline(), 16):
        came += len(await reader.readexactly(size + 2))
    return came + len(await reader.readline())
