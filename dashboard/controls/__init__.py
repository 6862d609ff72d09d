"""The component with the sentence, the examples and the choice of models: the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.gateplot.publish import mounted, spoken
from dashboard.state import Settings

KEY = "controls"
_mount = mounted("gatescope_controls", "controls.js")


def chosen() -> Mapping[str, Any] | None:
    """What the browser has sent in this session; None before it has sent anything."""
    value = st.session_state.get(spoken(KEY), {}).get("settings")
    return value if isinstance(value, Mapping) else None


def controls(
    settings: Settings, models: Mapping[str, str], examples: Sequence[tuple[str, str]], layers: int, directions: int
) -> None:
    """Draw the controls; a change runs the page again with ``chosen()`` new.

    models: what to show for each name. examples: label and text of each.
    """
    data = {
        "settings": settings.server_side(),
        "defaults": Settings().server_side(),
        "models": dict(models),
        "examples": list(examples),
        "layers": layers,
        "directions": directions,
    }
    _mount(KEY, data, on_settings_change=lambda: None)
