"""A widget's choice outlives a change of page: Streamlit forgets widgets that are not drawn, and drops the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard import address
from dashboard.language import tr

T = TypeVar("T")


def kept(key: str, widget: Callable[[], T]) -> T:
    """What ``widget``, drawn with this ``key`` and bound to the URL, says; it starts with what was chosen before."""
    choices = st.session_state.setdefault("kept", {})
    if key not in st.session_state and key not in st.query_params and key in choices:
        st.session_state[key] = choices[key]
    choices[key] = widget()
    return choices[key]


def kept_option(key: str, label: str, options: Sequence[str]) -> str | None:
    """Which of ``options`` is chosen, the first of them at first; None if none is.

    They are shown in the language in use and stand in the URL as they are here, so that a link means the same to
    everybody: a widget that is bound to the URL would write there what it shows.
    """
    said = address.chosen(key)
    start = said if said in options else options[0]
    chosen = st.segmented_control(label, options, default=start, format_func=tr, key=key)
    address.choose(key, None if chosen == options[0] else chosen)
    return chosen
