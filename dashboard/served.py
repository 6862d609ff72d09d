"""How the server's files reach browsers: compressed once, kept in memory, and without delay; and what a browser shows
until they are there.

A first visit loads 130 files. Streamlit sends its own uncompressed and compresses ours anew for each visitor, which
takes longer than to draw the page.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import re
import socket
from contextlib import suppress
from pathlib import Path

import streamlit as st
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.file_util import get_static_dir

FOLDERS = {"/static/": Path(get_static_dir()) / "static", "/app/static/": Path(__file__).with_name("static")}
"""Streamlit's own files and ours, by where browsers find them. What is in them never changes under one name."""
NAME = re.compile(r"(?:\w[\w-]*/)*\w[\w.-]*(\.\w+)")
"""A file in such a folder: nothing hidden, and no way out."""
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".bin": "application/octet-stream"}
"""What is worth compressing, and what browsers are told that it is."""
HEADERS = {
    "cache-control": "public, immutable, max-age=31536000",
    "content-encoding": "gzip",
    "vary": "Accept-Encoding",
}
MOST = 32 << 20
"""Bytes that are kept: all of the modules and scripts are 8 MB, and what belongs to the models 18 MB."""


class Compressed:
    """Answers for the files of ``FOLDERS`` from memory; whatever is special about a request is Streamlit's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[Path, asyncio.Task[bytes | None]] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = asked(scope) if scope["type"] == "http" else None
        content = await self._content(path) if path is not None else None
        if path is None or content is None:
            return await self._app(scope, receive, send)
        await Response(content, headers=HEADERS, media_type=KINDS[path.suffix])(scope, receive, send)

    async def _content(self, path: Path) -> bytes | None:
        """What is in the file, compressed; who asks for it meanwhile waits for the same."""
        if path not in self._kept:
            if not path.is_file():
                return None
            self._kept[path] = asyncio.create_task(self._read(path))
        return await asyncio.shield(self._kept[path])

    async def _read(self, path: Path) -> bytes | None:
        content = await asyncio.to_thread(compressed, path)
        self._bytes += len(content or b"")
        if self._bytes > MOST:
            self._kept.clear()
            self._bytes = 0
        return content


ROOT, TITLE = b'<div id="root"></div>', b"<title>Streamlit</title>"
"""What Streamlit's scripts fill, and what the window is called before they do."""
MEANWHILE = b"""<style>
  :root { color-scheme: light dark; background: light-dark(#ffffff, #14171c); }
  .opening { margin: 2.5rem 1.25rem; font: 17px/1.4 sans-serif; color: light-dark(#1f2328, #e3e6ea); }
  .opening progress { display: block; width: 12rem; margin-top: 0.5rem; }
  @media (prefers-reduced-motion: reduce) { .opening progress { display: none; } }
</style><p class="opening">Gatescope <progress aria-label="Gatescope"></progress></p>"""
"""It goes when the scripts come. A name and a bar are read in every language."""


class Opening:
    """Puts ``MEANWHILE`` into Streamlit's own page, which is empty until its scripts are there: for seconds, on a slow
    line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = dict(scope.get("headers", ()))
        if scope["type"] != "http" or scope["method"] != "GET" or b"text/html" not in said.get(b"accept", b""):
            return await self._app(scope, receive, send)
        start: Message = {}
        parts: list[bytes] = []

        async def answer(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and of_a_page(message):
                start = message
            elif not start:
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    start["headers"], body = opening(start["headers"], b"".join(parts), said)
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        whole = (b"accept-encoding", b"if-none-match", b"if-modified-since")  # or there is nothing to put it into
        plain = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in whole]}
        await self._app(plain, receive, answer)


def of_a_page(start: Message) -> bool:
    """Whether an answer that begins so is a page."""
    kind = dict(start["headers"]).get(b"content-type", b"")
    return start["status"] == 200 and kind.startswith(b"text/html")


Pairs = list[tuple[bytes, bytes]]


def opening(headers: Pairs, page: bytes, said: dict[bytes, bytes]) -> tuple[Pairs, bytes]:
    """The headers and the content of a page, with ``MEANWHILE`` in it if it is Streamlit's own.

    said: the request's headers.
    """
    if ROOT not in page:
        return headers, page
    content = page.replace(ROOT, ROOT.replace(b"><", b">" + MEANWHILE + b"<"))
    content = content.replace(TITLE, b"<title>Gatescope</title>")
    of_the_file = (b"content-length", b"etag", b"last-modified", b"accept-ranges", b"vary")
    headers = [pair for pair in headers if pair[0] not in of_the_file]
    if b"gzip" in said.get(b"accept-encoding", b""):
        content = gzip.compress(content, 6, mtime=0)
        headers.append((b"content-encoding", b"gzip"))
    return [*headers, (b"vary", b"Accept, Accept-Encoding"), (b"content-length", b"%d" % len(content))], content


def asked(scope: Scope) -> Path | None:
    """The file that a request is for, if it wants all of it, compressed."""
    said = dict(scope["headers"])
    if scope["method"] != "GET" or b"gzip" not in said.get(b"accept-encoding", b"") or b"range" in said:
        return None
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if base := str(st.get_option("server.baseUrlPath") or "").strip("/"):
        path = path.removeprefix(f"/{base}")
    for address, folder in FOLDERS.items():
        name = path.removeprefix(address)
        if path.startswith(address) and (match := NAME.fullmatch(name)) and match[1] in KINDS:
            return folder / name
    return None


def compressed(path: Path) -> bytes | None:
    """None where the file cannot be read; Streamlit says so."""
    with suppress(OSError):
        return gzip.compress(path.read_bytes(), 6, mtime=0)
    return None


def without_delay(port: int) -> int:
    """Let no message on this port wait until the one before it is confirmed, which takes 40 ms: how many sockets were
    told. Connections inherit it from the socket that listens; Streamlit makes that one, and asyncio tells only those
    that it has made itself.
    """
    told = 0
    for one in gc.get_objects():
        if type(one) is socket.socket and one.family in (socket.AF_INET, socket.AF_INET6):
            with suppress(OSError):  # it was closed
                if one.type == socket.SOCK_STREAM and one.getsockname()[1] == port:
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    told += 1
    return told
