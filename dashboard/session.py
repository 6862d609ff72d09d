"""What a visitor's session keeps, and how it lets go of it to arrive at another view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_kept: set[str] = set()


def keeps(name: str) -> str:
    """``name``, under which the session from now on keeps what belongs to no view."""
    _kept.add(name)
    return name


ARRIVALS = keeps("arrivals")
LANGUAGE = keeps("lang")


def arrival() -> int:
    """How often this session was led to a view; components that belong to a view begin anew with it."""
    return int(st.session_state.get(ARRIVALS, 0))


def arrive(page: StreamlitPage, query: Mapping[str, str]) -> None:
    """Forget what was chosen, and open ``page`` as a link with ``query`` would. Does not return."""
    for name in [str(name) for name in st.session_state if name not in _kept]:
        del st.session_state[name]
    st.session_state[ARRIVALS] = arrival() + 1
    st.switch_page(page, query_params=dict(query))
