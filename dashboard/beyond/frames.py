"""The component that shows pictures in their order, and which of them is chosen."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from dashboard.browser.mount import mounted, told
from dashboard.chart import CHOSEN
from dashboard.controls import taken
from dashboard.state import Settings

_frames = mounted("gatescope_frames", "frames/frames.js")


@dataclass(frozen=True)
class Frame:
    """One picture. image: (row, column) or (row, column, RGB), 0 to 1. heat: shares by cell, row by row. boxes: which
    of the keys, and left, top, width and height, as shares of the side. said: what to know of it."""

    label: str
    image: np.ndarray
    said: str
    heat: np.ndarray | None = None
    boxes: tuple[tuple[int, float, float, float, float], ...] = ()

    def tree(self) -> dict[str, Any]:
        heat = None if self.heat is None else np.ascontiguousarray(self.heat, np.float32)
        boxes = [list(box) for box in self.boxes]
        return {"label": self.label, "image": png(self.image), "heat": heat, "boxes": boxes, "said": self.said}


def png(image: np.ndarray) -> str:
    """The picture as an address that holds it."""
    file = io.BytesIO()
    Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8)).save(file, "png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def frames(
    shown: Sequence[Frame], of: str, title: str, start: int, keys: Sequence[tuple[str, str]] = (), film: int = 0
) -> int:
    """Draw the pictures; which of them is chosen: at first the link's, or ``start``. ``of``: what they are of, as
    the session keeps it beside the choice. keys: name and kind ("read", "write") of the rectangles."""
    key = "frames"
    last = len(shown) - 1

    def chosen() -> None:
        step, _ = told(key, "step")
        if isinstance(step, (int, float)) and 0 <= step <= last:
            st.session_state[CHOSEN] = (of, int(step))

    step = step_of(of, len(shown), start)
    tree = [frame.tree() for frame in shown]
    content = {"frames": tree, "step": step, "keys": [list(k) for k in keys], "title": title, "film": film}
    _frames(key, {**content, "heard": told(key, "step")[1]}, on_step_change=chosen)
    return step


def step_of(of: str, count: int, start: int) -> int:
    """The step that this session chose of this; else the link's, or ``start``; within 0 to ``count`` - 1."""
    if (before := taken("at")) is not None:
        st.session_state[CHOSEN] = (of, before)
    known, step = st.session_state.get(CHOSEN, (None, 0))
    if known != of:
        said = st.query_params.to_dict() if known is None else {}
        step = Settings.parse({"at": said["at"]}, ()).at if "at" in said else start
    return max(0, min(step + count if step < 0 else step, count - 1))
