"""What the server does beside serving the page: it tells browsers what the page may do, keeps its metrics to itself,
opens a browser when it starts on somebody's own computer, and ends itself when it stands still.

Three settings are variables of the environment, since Streamlit's own file takes no others:

GATESCOPE_FRAME_ANCESTORS   sites that may show the page in a frame, such as "moodle.example.org"; by default none
GATESCOPE_METRICS           "open": anybody may read Streamlit's metrics at /_stcore/metrics; by default nobody
GATESCOPE_STANDSTILL        seconds without a sign of life after which the process ends; by default never
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import re
import sys
import threading
import webbrowser
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import net_util
from streamlit.file_util import get_static_dir
from streamlit.web.server.server_util import get_url

from dashboard import faults, served, turns

POLICY = {
    "default-src": "'self'",
    "script-src": "'self' blob: 'wasm-unsafe-eval'",  # a component's script is a blob; protobuf.js tries WASM
    "style-src": "'self' 'unsafe-inline'",  # Streamlit and Plotly write styles into the page
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
"""What browsers let the page do, but for who may show it in a frame. Nothing may come from another host or go there."""


def headers() -> list[tuple[bytes, bytes]]:
    """What every answer says to browsers. Raises ValueError where the sites that may frame the page are not a list."""
    ancestors = os.environ.get("GATESCOPE_FRAME_ANCESTORS", "")
    if any(one in ancestors for one in ";,\r\n") or not ancestors.isascii():
        raise ValueError("GATESCOPE_FRAME_ANCESTORS must be addresses with spaces between them")
    policy = {**POLICY, "frame-ancestors": f"'self' {ancestors}".strip()}
    policy["script-src"] += "".join(f" 'sha256-{digest}'" for digest in inline())
    said = {
        "content-security-policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",  # the address holds the visitor's sentence
    }
    return [(name.encode(), value.encode()) for name, value in said.items()]


def inline() -> list[str]:
    """Digests of the scripts that stand in Streamlit's own page."""
    page = (Path(get_static_dir()) / "index.html").read_bytes()
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    return [b64encode(sha256(script).digest()).decode() for script in scripts]


class Guard:
    """Adds the headers to every answer, and answers for what is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = headers()
        self._metrics = os.environ.get("GATESCOPE_METRICS") == "open"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._headers]
            await send(message)

        closed = not self._metrics and scope["path"].rstrip("/").endswith("/_stcore/metrics")
        return await (PlainTextResponse("Not Found", 404) if closed else self._app)(scope, receive, answer)


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """What goes on while the server runs."""
    if not served.without_delay(int(st.get_option("server.port"))):
        logging.getLogger(__name__).warning("the server's socket was not found: every answer is 40 ms late")
    threading.Thread(target=prepare, daemon=True).start()
    seconds = float(os.environ.get("GATESCOPE_STANDSTILL") or 0)
    signs = asyncio.create_task(alive(seconds)) if seconds > 0 else None
    if not st.get_option("server.headless"):  # Streamlit opens one only for a script that has no `app`
        address = get_url(st.get_option("browser.serverAddress"))
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        yield
    finally:
        if signs is not None:
            signs.cancel()


def prepare() -> None:
    """Make ready what every visitor needs, so that not even the first one waits for it."""
    with suppress(Exception):  # whatever it is, the page says it
        with turns.LOADING.taken():
            from dashboard import cache
            from dashboard.state import Settings
            from dashboard.views import discover

            discover()
        for name in (Settings().left, Settings().right):
            cache.read(name, Settings().text)


async def alive(seconds: float) -> None:
    """Show that the server's loop still turns. If it has not for so many seconds, the process writes to the log where
    each thread is, and ends, so that what started it starts another. No Python has to run for that."""
    try:
        while True:
            faulthandler.dump_traceback_later(seconds, exit=True)
            await asyncio.sleep(seconds / 10)
    finally:
        faulthandler.cancel_dump_traceback_later()


def options() -> dict[str, Any]:
    """How ``st.App`` is to be made. Ends the process where a setting makes no sense."""
    try:
        headers()
    except ValueError as error:
        sys.exit(f"Gatescope cannot start: {error}")
    faults.watch()
    # Streamlit compares the origin of a websocket with this machine's external address, for which it asks another host
    # while everybody waits, each time that another site's page knocks. So it is told one, which it allows anyway.
    net_util._external_ip = "0.0.0.0"
    middleware = [Middleware(Guard), Middleware(served.Opening), Middleware(served.Compressed)]
    return {"middleware": middleware, "on_script_error": faults.show, "lifespan": running}
