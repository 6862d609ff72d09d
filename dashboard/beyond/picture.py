"""The component with a picture that is made by clicking."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.browser.mount import mounted, spoken
from dashboard.language import tr
from lstm_core.beyond import pictures

_picture = mounted("gatescope_picture", "picture/picture.js")


def picture(shown: str, examples: Sequence[tuple[str, str]], key: str = "picture") -> str | None:
    """Draw the picture to click on, ``shown`` as ``pictures.written`` writes it; what a click made of it, once."""

    def css(color: tuple[float, float, float]) -> str:
        return "#" + "".join(f"{round(255 * part):02x}" for part in color)

    colors = [
        {"letter": letter, "name": tr(color), "css": css(pictures.COLORS[color])}
        for letter, color in pictures.COLOR_LETTERS.items()
    ]
    forms = [{"letter": letter, "name": tr(form)} for letter, form in pictures.FORM_LETTERS.items()]
    unseen = [pictures.written([pictures.Shape(0, *pair)])[:2] for pair in pictures.HELD_OUT]
    offered = [{"label": label, "picture": one} for label, one in examples]
    content = {"picture": shown, "colors": colors, "forms": forms, "unseen": unseen, "examples": offered}
    _picture(key, {**content, "side": pictures.GRID, "most": pictures.MOST}, on_picture_change=lambda: None)
    said = st.session_state.get(spoken(key), {}).get("picture")
    return said if isinstance(said, str) else None
