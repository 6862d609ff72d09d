"""A session hands what its visitor brought to the workers, waits, and says so: in its own tab, nobody else waits."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import StopException, add_script_run_ctx, get_script_run_ctx

from dashboard import workers
from dashboard.language import tr
from dashboard.style import style

PATIENCE = 0.5
"""Seconds after which something is said: most files are read by then."""


def read(reader: str, files: Mapping[str, bytes], said: Mapping[str, Any] | None = None, room: int = 0) -> Any:
    """``dashboard.workers.read`` for the session that asks."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return workers.read(reader, files, said, room=room)
    notice = _Notice()
    thread = threading.Thread(target=notice.show, daemon=True)
    add_script_run_ctx(thread, context)
    thread.start()
    try:
        return workers.read(reader, files, said, room=room, session=context.session_id, tell=notice.tell)
    finally:
        notice.over.set()
        thread.join(1)  # nothing is said after a run has ended


class _Notice:
    """What a visitor reads while their file waits or is read.

    It is shown from a thread of its own: in the script's, to show something is a place where a rerun that the visitor
    asked for meanwhile would begin, and the file would be gone. In a callback, which reads a file that was chosen, the
    session's state belongs to the script's thread alone: what is said is put in the visitor's language there.
    """

    def __init__(self) -> None:
        self.over = threading.Event()
        self._before = 0
        self._reads = tr("Your file is being read.")
        self._waits = tr("Your file is waiting its turn: {count} before it.", count="{count}")
        self._done = tr("Your file has been read.")

    def tell(self, before: int) -> None:
        self._before = before

    def show(self) -> None:
        toast: DeltaGenerator | None = None
        shown = ""
        while not self.over.wait(PATIENCE):
            text = self._waits.replace("{count}", str(self._before)) if self._before else self._reads
            if text != shown:
                shown, toast = text, _toasted(toast, text, "infinite")
        if toast is not None:
            _toasted(toast, self._done, 1)


def _toasted(before: DeltaGenerator | None, text: str, duration: Any) -> DeltaGenerator | None:
    """A notice in the place of the one before."""
    try:
        if before is None:
            style()  # a run of a part of the page begins anew among the notices, where it would be in the toast's place
        return (before or st).toast(text, icon="spinner", duration=duration)
    except (StopException, StreamlitAPIException):  # the tab was closed, or the run is in a part that takes no notice
        return before
