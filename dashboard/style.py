"""The page's stylesheet."""

from __future__ import annotations

from pathlib import Path

import streamlit as st


def style() -> None:
    """Send it. Streamlit keeps it in the first place of its own among the notices."""
    st.html(Path(__file__).with_name("page.css"))
