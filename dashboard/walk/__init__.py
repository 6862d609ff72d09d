"""The component of the page "Step by step": it walks through the cells without asking the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit.components.v2 import component

from dashboard.gateplot.pack import pack
from dashboard.gateplot.publish import loader

_mount = component("gatescope_walk", js=loader("walk.js"), isolate_styles=False)


def walkthrough(content: Mapping[str, Any], key: str = "walk") -> None:
    """Draw ``content`` (see ``dashboard.figures.walk``); the same ``key`` keeps the place in the walk."""
    _mount(key=key, data=pack(content))
