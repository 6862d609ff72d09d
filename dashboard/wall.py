"""The component with the wall of cards: one a claim, with a small figure; a click opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.browser.mount import mounted, spoken

_mount = mounted("gatescope_wall", "wall/wall.js")


def wall(cards: Sequence[Mapping[str, Any]], opened: Callable[[str], None], key: str = "wall") -> None:
    """Draw ``cards`` (name, title, claim, svg, legend, verdict, short, shaped, lines); ``opened`` is told the
    name of the one that was clicked."""

    def clicked() -> None:
        name = st.session_state.get(spoken(key), {}).get("open")
        if isinstance(name, str) and any(card["name"] == name for card in cards):
            opened(name)

    _mount(key, {"cards": list(cards)}, on_open_change=clicked)
