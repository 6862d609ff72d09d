"""The part of the page "Health" that is a training's: what ``lstm_core.watch`` wrote, from a file of the visitor's."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.chart import chart
from dashboard.controls.text import plain
from dashboard.figures import training as draw
from dashboard.language import tr
from dashboard.session import keeps
from lstm_core.files.limits import reason
from lstm_core.say import say
from lstm_core.watching.course import Course, course

KEY = "training"
READ = keeps("a training's health")
"""Under this name the session keeps the name of the file and what it says, a ``Course``, or why it says nothing."""
MEGABYTES = 8
EXAMPLE = """with lstm_core.watch(model, every=100, to="health.csv"):
    train(model)"""


def section() -> None:
    """Draw the uploader, and the training once there is one."""
    found = st.session_state.get(READ)
    with st.expander(tr("Health over a training"), expanded=found is not None):
        st.caption(
            tr("While a PyTorch model of yours learns, this writes how its units are doing; here you can look at it.")
        )
        st.code(EXAMPLE, language="python")
        st.file_uploader(
            tr("The CSV file that it wrote"), ["csv"], key=f"{KEY} file", max_upload_size=MEGABYTES, on_change=_read
        )
        if found is None:
            return
        name, said = found
        if not isinstance(said, Course):
            st.error(plain(tr("{file}: {error}.", file=name, error=said), 600))
            return
        _draw(name, said)


def _read() -> None:
    file: Any = st.session_state.get(f"{KEY} file")
    if file is None:
        st.session_state.pop(READ, None)
        return
    try:
        if file.size > MEGABYTES << 20:  # Streamlit's own limit is the browser's
            raise ValueError(say("it is larger than the {most} MB that are read", most=MEGABYTES))
        st.session_state[READ] = file.name, course(file.getvalue())
    except ValueError as error:
        st.session_state[READ] = file.name, reason(error)


def _draw(name: str, found: Course) -> None:
    titles = [draw.title(one) for one in found.layers]
    count = len({step for one in found.layers for steps in one.steps.values() for step in steps.tolist()})
    said = [tr("{file}: {count:,} readings.", file=plain(name), count=count)]
    if found.runs > 1:
        said.append(tr("It holds {runs} trainings; the last one is drawn.", runs=found.runs))
    st.caption(" ".join(said))
    chosen = 0
    if len(titles) > 1:
        chosen = st.selectbox(tr("Layer"), range(len(titles)), format_func=titles.__getitem__, key=f"{KEY} layer")
        chosen = chosen if chosen is not None and chosen < len(titles) else 0
    panels = draw.panels(found.layers[chosen])
    chart({"words": [], "step": 0, "columns": 2, "panels": panels}, KEY, "")
