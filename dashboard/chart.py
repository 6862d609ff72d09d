"""The component of the analysis pages: a row of words to choose from, and panels of Plotly figures below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import streamlit as st

from dashboard.browser.mount import mounted, told
from dashboard.controls import taken
from dashboard.origin import origin
from dashboard.state import Settings
from lstm_core.drawing import theme
from lstm_core.drawing.pack import pack

CHOSEN = "chosen step"
"""Under this name the session keeps the text and the step that was chosen in it."""

_mount = mounted("gatescope_chart", "chart/chart.js")


def chosen_step(text: str, count: int, start: int | None = None) -> int:
    """The step that this session chose on this text, on whichever page; else the link's, or ``start``, or where that is
    not said the text's own default; within 0 to ``count`` - 1. A negative one counts from the end."""
    if (before := taken("at")) is not None:
        st.session_state[CHOSEN] = (text, before)
    chosen, step = st.session_state.get(CHOSEN, (None, 0))
    if chosen != text:
        said = st.query_params.to_dict() if chosen is None else {}
        start = Settings.start(text) if start is None else start
        step = Settings.parse({"at": said.get("at", start)}, ()).at
    return max(0, min(step + count if step < 0 else step, count - 1))


def chosen_place(key: str, steps: Sequence[int], step: int) -> int:
    """Where ``step`` stands in a chart of ``key`` whose places are of these ``steps``: where it was chosen there."""
    place, _ = told(key, "step")
    if isinstance(place, (int, float)) and 0 <= place < len(steps) and steps[int(place)] == step:
        return int(place)
    return list(steps).index(step) if step in steps else len(steps) - 1


def _choose(key: str, text: str, steps: Sequence[int] | None) -> None:
    place, _ = told(key, "step")
    if isinstance(place, (int, float)) and (steps is None or 0 <= place < len(steps)):
        st.session_state[CHOSEN] = (text, int(place) if steps is None else steps[int(place)])


def chart(content: Mapping[str, Any], key: str, text: str) -> None:
    """Draw ``content``: ``words`` and ``step`` of ``text`` for the row of words, ``panels`` as
    ``lstm_core.drawing.panel`` makes them. ``steps``, where the row is not the text: each place's step of the text.

    A panel that is as it was is not drawn again. The same ``key`` keeps zoom; a click on a word, or on a point whose
    figure says so, runs the page again.
    """
    panels = [one | {"stamp": crc32(pack(one))} for one in content["panels"]]
    _, heard = told(key, "step")
    data = {**content, "panels": panels, "dark": theme.layout("dark"), "of": origin(), "heard": heard}
    _mount(key, data, on_step_change=lambda: _choose(key, text, content.get("steps")))
