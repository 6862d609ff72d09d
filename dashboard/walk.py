"""The component of the page "Step by step": it walks through the cells without asking the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.browser.mount import mounted
from dashboard.origin import origin

_mount = mounted("gatescope_walk", "walk/walk.js")


def walkthrough(content: Mapping[str, Any], key: str = "walk") -> None:
    """Draw ``content`` (see ``dashboard.figures.walk``); the same ``key`` keeps the place in the walk."""
    _mount(key, {**content, "of": origin()})
