"""A widget's choice outlives a change of page: Streamlit forgets widgets that are not drawn, and drops the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from dashboard import address
from dashboard.language import tr

T = TypeVar("T")


def kept(key: str, widget: Callable[[], T], start: T | None = None) -> T:
    """What ``widget``, drawn with this ``key``, says; it starts with what was chosen before, or with what the address
    says where it is bound to that, or else with ``start`` where the widget has no start of its own."""
    choices = st.session_state.setdefault("kept", {})
    if key not in st.session_state and key not in st.query_params and (found := choices.get(key, start)) is not None:
        st.session_state[key] = found
    choices[key] = widget()
    return choices[key]


def follows(key: str, value: T, take: Callable[[T], object]) -> dict[str, Any]:
    """The key and callback of a widget whose choice stands elsewhere, say in the address: it shows ``value``, and what
    a visitor chooses goes to ``take`` before the page is drawn again. It stays the same widget all the while, so that
    what is chosen before the page has followed is not lost, as it is where the choice is part of the widget's key.
    A field that is emptied shows ``value`` again, if its own is None: else that is its smallest number."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value

    def changed() -> None:
        # Not where the page was left meanwhile, and its widgets with it.
        if st.session_state.get(key) is not None:
            take(st.session_state[key])

    return {"key": key, "on_change": changed}


def starts(name: str, key: str, value: Any) -> None:
    """The widget ``key``, whose choice stands in the address as ``name``, shows ``value`` at first, and again where
    somebody goes back to it."""
    if address.went(name) or key not in st.session_state:
        st.session_state[key] = value


def option(key: str, options: Sequence[str]) -> str:
    """Which of ``options`` is chosen, before ``kept_option`` draws them."""
    said = address.chosen(key)
    start = said if said is not None and said in options else options[0]
    starts(key, key, start)
    if st.session_state[key] not in options:
        st.session_state[key] = start
    return st.session_state[key]


def kept_option(key: str, label: str, options: Sequence[str]) -> str:
    """Which of ``options`` is chosen, the first of them at first.

    They are shown in the language in use and stand in the URL as they are here, so that a link means the same to
    everybody: a widget that is bound to the URL would write there what it shows.
    """
    start = option(key, options)
    chosen = st.segmented_control(label, options, required=True, format_func=tr, key=key) or start
    address.choose(key, None if chosen == options[0] else chosen)
    return chosen
