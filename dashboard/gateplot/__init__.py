"""The component that hosts Plotly.js: it draws a figure and moves the cursor and the unit without asking the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit.components.v2 import component

from dashboard.gateplot.pack import pack
from dashboard.gateplot.publish import loader

_mount = component("gatescope_plot", js=loader("gateplot.js"), isolate_styles=False)


def gateplot(content: Mapping[str, Any], key: str = "gateplot") -> None:
    """Draw ``content`` (see ``dashboard.figures.content``); the same ``key`` keeps zoom, cursor and full screen."""
    _mount(key=key, data=pack(content))
