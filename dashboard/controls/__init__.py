"""The component with the sentence, the examples and the choice of models: the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from dashboard.browser.mount import mounted, spoken
from dashboard.language import current
from dashboard.origin import own
from dashboard.session import CURSOR
from dashboard.state import Settings

KEY = "controls"

_mount = mounted("gatescope_controls", "controls/controls.js")


def chosen() -> Mapping[str, Any] | None:
    """What the browser has sent in this session; None before it has sent anything."""
    value = st.session_state.get(spoken(KEY), {}).get("settings")
    return value if isinstance(value, Mapping) else None


def _arrived() -> None:
    value = st.session_state.get(spoken(KEY), {}).get("cursor")
    if isinstance(value, Mapping):
        st.session_state[CURSOR] = dict(value)


def taken(name: str) -> int | None:
    """Where the cursor stood on the page before; it is said once."""
    value = st.session_state.get(CURSOR, {}).pop(name, None)
    return int(value) if isinstance(value, (int, float)) and 0 <= value < 1e6 else None


def controls(
    settings: Settings,
    models: Mapping[str, str],
    examples: Sequence[tuple[str, str]],
    layers: int,
    directions: int,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Draw the controls; a change runs the page again with ``chosen()`` new.

    models: what to show for each name. examples: label and text of each. beside: ``instead``, a pair by side that is
    offered for this text, with a ``label``; ``moved``, the pair that is shown instead of another; ``strays``, the
    examples whose click chooses the models that are shown, for others would read them; ``unfinished``, that the last
    word, which somebody is still writing, is not called unknown yet.
    """
    data = {
        "settings": settings.server_side(),
        "yours": own(settings.server_side()),
        "defaults": Settings.unsaid(current()),
        "models": dict(models),
        "examples": list(examples),
        "layers": layers,
        "directions": directions,
        **beside,
    }
    _mount(KEY, data, on_settings_change=lambda: None, on_cursor_change=_arrived)
