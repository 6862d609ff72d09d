"""A widget's choice outlives a change of page: Streamlit forgets widgets that are not drawn, and drops the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def kept(key: str, widget: Callable[[], T]) -> T:
    """What ``widget``, drawn with this ``key`` and bound to the URL, says; it starts with what was chosen before."""
    choices = st.session_state.setdefault("kept", {})
    if key not in st.session_state and key not in st.query_params and key in choices:
        st.session_state[key] = choices[key]
    choices[key] = widget()
    return choices[key]
