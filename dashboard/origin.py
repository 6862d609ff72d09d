"""What a figure was drawn from. It goes with the figure into the browser, which compares it with what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import streamlit as st

from dashboard.state import YOURS


def origin() -> Mapping[str, Any] | None:
    """The settings of this run, as the scene has read them, and which own model it is; None where there is no scene."""
    settings = st.session_state.get("settings")
    return settings and {**settings, "yours": own(settings)}


def own(settings: Mapping[str, Any]) -> str | None:
    """Tells the visitor's own model, with what it reads, from any other; None where none is shown."""
    if YOURS not in (settings["left"], settings["right"]):
        return None
    from dashboard.yours.session import place  # only where it is chosen: the first page does not wait for it

    here = place()
    if (upload := here.upload) is None:
        return None
    read = upload.source, upload.kind, upload.steps, upload.seed
    return f"{crc32(repr((upload.file, upload.block, here.turn, here.model, *read)).encode(errors='replace')):x}"
