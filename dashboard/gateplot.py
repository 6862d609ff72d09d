"""The component that hosts Plotly.js: it draws a figure and moves the cursor and the unit without asking the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.browser.mount import Same, mounted, spoken
from dashboard.origin import origin

_mount = mounted("gatescope_plot", "gates/gates.js")


KEY = "gateplot"


def gateplot(content: Mapping[str, Any] | Same) -> None:
    """Draw ``content`` (see ``dashboard.figures.content``); the browser keeps zoom, cursor and full screen. Where it is
    the same for everybody, so are the settings of the run."""
    if isinstance(content, Same):
        make = content.make
        shown = Same(content.key, lambda: {**make(), "of": origin()})
    else:
        shown = {**content, "of": origin()}
    _mount(KEY, shown, on_film_change=lambda: None, on_offline_change=lambda: None)


def asked(what: str) -> Any:
    """What the browser has sent to be made a "film" or an "offline" page of, in the run that this starts and in no
    other; else None."""
    return st.session_state.get(spoken(KEY), {}).get(what)
