"""Visitors who do more than type: they press buttons, send files, follow links, read slowly or leave in mid-answer."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.load import Failed, Viewer
from benchmarks.load.viewer import DONE
from dashboard.state import Settings

SECONDS = 90.0
"""That a visitor waits for anything: a session that is silent for longer hangs."""

WRONG = ("Something went wrong", "the program failed", "gave an answer that makes no sense")
"""What a page says of an error that nobody foresaw, and of one where a file was read."""


@dataclass
class Visitor(Viewer):
    """``query``: what stands in the address. ``said``: the texts of the last run, of errors and notices, too."""

    query: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    session: str = ""
    _widgets: dict[str, tuple[str, str]] = field(default_factory=dict)
    _chosen: dict[str, WidgetState] = field(default_factory=dict)
    _uploaders: list[tuple[str, str]] = field(default_factory=list)
    _token: str = ""

    async def open(self) -> float:
        self._state.query_string = urlencode(self.query)
        self._token = await asyncio.to_thread(token, self.url)
        begun = time.perf_counter()
        async with asyncio.timeout(SECONDS):
            try:
                await super().open()
            except Failed as error:
                if self.page != "experiments" or "no controls" not in str(error):  # there are none
                    raise
        return time.perf_counter() - begun

    async def write(self, text: str, **settings: str) -> None:
        """Like ``type``, a text of one's own; the answer is looked at for others' marks."""
        mark = f"v{self.name}r{self.typed}"
        self.typed += 1
        drawn = await self.choose(text=f"{mark} {text}", **settings)
        found = {match.decode() for part in drawn for match in re.findall(rb"\bv\d+r\d+\b", part)}
        if not found <= {mark}:
            raise Failed(f"the answer to {mark} draws {', '.join(sorted(found))}")

    async def choose(self, **settings: str) -> list[bytes]:
        """Through the controls: a text, a model."""
        said = {"settings": {**Settings().server_side(), **settings}}
        self._chosen[self._controls] = WidgetState(id=self._controls, json_value=json.dumps(said))
        return await self.again("")

    async def pick(self, label: str, value: str) -> list[bytes]:
        """One of a segmented control's."""
        id, fragment = self._widgets[label]
        self._chosen[id] = WidgetState(id=id)
        self._chosen[id].string_array_value.data.append(value)
        return await self.again(fragment)

    async def press(self, label: str) -> list[bytes]:
        id, fragment = self._widgets[label]
        self._chosen[id] = WidgetState(id=id, trigger_value=True)
        try:
            return await self.again(fragment)
        finally:
            del self._chosen[id]

    async def give(self, files: dict[str, bytes], to: str = "") -> list[bytes]:
        """Send files and put them into one of the page's uploaders: for a model, or ``to`` what else."""
        keys = (f"yours {to},",) if to else ("yours file,", "yours another,")
        if not self._uploaders:  # the page asks something about the file before
            await self.press("Remove")
        id, fragment = next(one for one in reversed(self._uploaders) if any(key in one[0] for key in keys))
        sent = [await self.send(name, data) for name, data in files.items()]
        state = WidgetState(id=id)
        for (name, data), urls in zip(files.items(), sent, strict=True):
            one = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(data))
            one.file_id = urls.file_id
            one.file_urls.CopyFrom(urls)
        self._chosen[id] = state
        try:
            return await self.again(fragment)
        finally:
            self._chosen.pop(id, None)

    async def send(self, name: str, data: bytes) -> Any:
        """Send a file as the page does; where it lies then. Raises OSError for one that is not taken."""
        assert self._socket is not None
        ask = BackMsg()
        ask.file_urls_request.request_id = name
        ask.file_urls_request.file_names.append(name)
        ask.file_urls_request.session_id = self.session
        await self._socket.send(ask.SerializeToString())
        async with asyncio.timeout(SECONDS):
            while True:
                message = ForwardMsg.FromString(await self._socket.recv())  # type: ignore[arg-type]
                if message.WhichOneof("type") == "file_urls_response":
                    break
        urls = message.file_urls_response.file_urls[0]
        await asyncio.to_thread(put, self.url + urls.upload_url, name, data, self._token)
        return urls

    async def again(self, fragment: str = "") -> list[bytes]:
        """Have the page run, or a part of it, with all that was chosen: what its components were sent."""
        self._state.ClearField("widget_states")
        self._state.widget_states.widgets.extend(self._chosen.values())
        self._state.fragment_id = fragment
        self.said.clear()
        self._uploaders.clear()
        async with asyncio.timeout(SECONDS):
            drawn = await self._run()
        others = {name for text in self.said for name in re.findall(r"visitor(\d+)", text)} - {str(self.name)}
        if others:
            raise Failed(f"the page of {self.name} shows what is of {', '.join(others)}")
        return drawn

    def rerun(self) -> bytes:
        """What asks for a run, as it travels."""
        return BackMsg(rerun_script=self._state).SerializeToString()

    async def _run(self) -> list[bytes]:
        """As a viewer does, who also hears what the session is called, and of parts that run by themselves."""
        assert self._socket is not None
        await self._socket.send(self.rerun())
        drawn: list[bytes] = []
        while True:
            message = ForwardMsg.FromString(await self._socket.recv())  # type: ignore[arg-type]
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id
            elif kind == "delta":
                self._read(message.delta, drawn)
            elif kind == "navigation":
                self._state.page_script_hash = message.navigation.page_script_hash
            elif kind == "script_finished" and message.script_finished in DONE:
                return drawn

    def _read(self, delta: Delta, drawn: list[bytes]) -> None:
        super()._read(delta, drawn)
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("alert", "markdown", "text", "toast"):
            self.said.append(getattr(element, kind).body)
            if any(sentence in self.said[-1] for sentence in WRONG):
                raise Failed(self.said[-1])
        elif kind in ("button", "button_group"):
            widget = getattr(element, kind)
            self._widgets[widget.label] = widget.id, delta.fragment_id
        elif kind == "file_uploader":
            self._uploaders.append((element.file_uploader.id, delta.fragment_id))

    def has_said(self, part: str) -> bool:
        return any(part in text for text in self.said)


def token(url: str) -> str:
    """What a page of this server shows when it sends a file."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=SECONDS) as answer:
        cookies = answer.headers.get_all("Set-Cookie") or []
    return next(cookie.split(";")[0].partition("=")[2] for cookie in cookies if cookie.startswith("_streamlit_xsrf="))


def put(address: str, name: str, data: bytes, token: str) -> None:
    mark = "----chaos"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={mark}",
        "Cookie": f"_streamlit_xsrf={token}",
        "X-Xsrftoken": token,
    }
    request = urllib.request.Request(address, body, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=SECONDS):
        pass


__all__ = ["Failed", "Visitor", "put", "token"]
