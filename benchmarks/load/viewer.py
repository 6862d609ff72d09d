"""A viewer without a browser: a websocket that says what the page in a browser says."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from dashboard.state import Settings

PATIENCE = 60.0
"""Seconds after which an answer counts as an error."""
WORDS = "Mary John Anna Peter he she went met saw the market garden because was hungry tired late and . ,".split()
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Failed(Exception):
    """The page did not answer as it should."""


@dataclass
class Viewer:
    """One session. ``name``, a number, stands in every sentence of it, so that an answer to another one is noticed.
    ``query``: what stands in the address. ``asked``: when the last run was asked for, by ``time.perf_counter``.
    ``models``: addresses of what its browser runs by itself."""

    url: str
    name: int
    page: str = ""
    language: str = "en"
    typed: int = 0
    query: dict[str, str] = field(default_factory=dict)
    asked: float = 0
    models: list[str] = field(default_factory=list)
    _socket: ClientConnection | None = field(default=None, repr=False)
    _state: ClientState = field(default_factory=ClientState, repr=False)
    _controls: str = ""
    _talk: str = ""

    async def open(self) -> float:
        """Open the page as a new visitor: seconds to the end of its first run."""
        begun = time.perf_counter()
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        streamlit = Subprotocol("streamlit")  # after it a browser names its tokens
        self._socket = await connect(address, subprotocols=[streamlit], max_size=None, open_timeout=PATIENCE)
        self._state.page_name = self.page
        self._state.query_string = urlencode(self.query)
        self._state.context_info.locale = self.language
        self._state.context_info.url = f"{self.url}/{self.page}"
        await self._run()
        self._state.ClearField("page_name")
        if not self._controls:
            raise Failed("the page has no controls")
        return time.perf_counter() - begun

    async def type(self, rng: random.Random) -> float:
        """Type a sentence that nobody has typed before: seconds to the end of the rerun."""
        mark, self.typed = f"v{self.name}r{self.typed}", self.typed + 1
        drawn, took = await self.enter(" ".join([*rng.choices(WORDS, k=19), mark]))
        found = {match.decode() for part in drawn for match in re.findall(rb"\bv\d+r\d+\b", part)}
        if found != {mark}:
            raise Failed(f"the answer to {mark} draws {', '.join(sorted(found)) or 'nothing of it'}")
        return took

    async def enter(self, text: str) -> tuple[list[bytes], float]:
        """Type a text: what the page's components were sent, and the seconds to the end of the rerun."""
        settings = Settings(text=text).server_side()
        self._state.ClearField("widget_states")
        self._state.widget_states.widgets.add(id=self._controls, json_value=json.dumps({"settings": settings}))
        begun = time.perf_counter()
        return await self._run(), time.perf_counter() - begun

    async def next(self) -> float:
        """Go to the next view of the tour that the address began: seconds to the end of its run."""
        events = f"$$STREAMLIT_INTERNAL_KEY_{self._talk}__events"
        self._state.ClearField("widget_states")
        self._state.widget_states.widgets.add(id=events, json_trigger_value=json.dumps([{"event": "go", "value": 1}]))
        self._state.fragment_id = ""
        begun = time.perf_counter()
        await self._run()
        return time.perf_counter() - begun

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _run(self) -> list[bytes]:
        """Ask for a run and read it to its end: what its components were sent."""
        assert self._socket is not None
        self.asked = time.perf_counter()
        await self._socket.send(BackMsg(rerun_script=self._state).SerializeToString())
        drawn: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                data = await self._socket.recv()
                message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
                kind = message.WhichOneof("type")
                if kind == "delta":
                    self._read(message.delta, drawn)
                elif kind == "navigation":
                    self._state.page_script_hash = message.navigation.page_script_hash
                elif kind == "page_info_changed":
                    self._state.query_string = message.page_info_changed.query_string
                elif kind == "script_finished":
                    if message.script_finished in DONE:
                        return drawn
                    if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        raise Failed("the script could not be compiled")

    def _read(self, delta: Delta, drawn: list[bytes]) -> None:
        element = delta.new_element
        if element.WhichOneof("type") == "exception":
            raise Failed(f"{element.exception.type}: {element.exception.message}")
        if element.WhichOneof("type") == "bidi_component":
            if re.search(r"-controls(-\w+)?$", element.bidi_component.id):
                self._controls, self._state.fragment_id = element.bidi_component.id, delta.fragment_id
            elif re.search(r"-talk(-\w+)?$", element.bidi_component.id):
                self._talk = element.bidi_component.id
            drawn.append(element.bidi_component.bytes)
            found = re.findall(rb"app/static/models/\w+\.\w+", element.bidi_component.bytes)
            self.models = list(dict.fromkeys(address.decode() for address in found)) or self.models
