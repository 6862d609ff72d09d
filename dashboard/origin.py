"""What a figure was drawn from. It goes with the figure into the browser, which compares it with what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.library import owner
from dashboard.state import YOURS


def origin() -> Mapping[str, Any] | None:
    """The settings of this run, as the scene has read them, and which own model it is; None where there is no scene."""
    settings = st.session_state.get("settings")
    return settings and {**settings, "yours": own(settings)}


def own(settings: Mapping[str, Any]) -> str | None:
    """Tells the visitor's own model, with what it reads, from any other; None where none is shown."""
    if YOURS not in (settings.get("left"), settings.get("right")):
        return None
    here = owner()
    return here.stamp() if here is not None else None
