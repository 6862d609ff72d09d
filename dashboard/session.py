"""What a visitor's session keeps, and how it lets go of it to arrive at another view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard import address
from dashboard.state import SERVER_SIDE

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

_kept: set[str] = set()


def keeps(name: str) -> str:
    """``name``, under which the session from now on keeps what belongs to no view."""
    _kept.add(name)
    return name


ARRIVALS = keeps("arrivals")
BEGUN = keeps("begun")
LANGUAGE = keeps("lang")
LED = keeps("led")
"""Under this name the session keeps what the browser has to keep of the view that it was led to."""
CURSOR = "cursor"
"""Under this name the session keeps where the cursor stood on the page before: ``at``, ``unit``, ``unit2``."""


def arrival() -> int:
    """How often this session was led to a view; components that belong to a view begin anew with it."""
    return int(st.session_state.get(ARRIVALS, 0))


def led() -> str:
    """What the address of the view that this session was led to says of what the browser keeps."""
    return st.session_state.get(LED, "")


def goes_on(here: Any) -> bool:
    """Once a session, in its first run: whether it begins behind a page that was open before, and so starts from what
    that shows. ``here``: what the browser says of it, as ``origin.js`` does. The server was started anew, or the line
    was cut for so long that the session of before was let go.
    """
    if BEGUN in st.session_state:
        return False
    st.session_state[BEGUN] = True
    if not isinstance(here, Mapping):
        return False
    arrivals, settings, cursor = here.get("arrival"), here.get("settings"), here.get("cursor")
    if isinstance(arrivals, (int, float)) and 0 <= arrivals < 1e6:
        st.session_state[ARRIVALS] = int(arrivals)
    if isinstance(settings, Mapping) and settings.keys() >= set(SERVER_SIDE):
        st.session_state["settings"] = {name: str(settings[name]) for name in SERVER_SIDE}
    if isinstance(cursor, Mapping):
        st.session_state[CURSOR] = dict(cursor)
    return True


def arrive(page: StreamlitPage, query: Mapping[str, str]) -> None:
    """Forget what was chosen, and open ``page`` as a link with ``query`` would. Does not return."""
    for name in [str(name) for name in st.session_state if name not in _kept]:
        del st.session_state[name]
    st.session_state[ARRIVALS] = arrival() + 1
    st.session_state[LED] = address.browsers(query)
    st.switch_page(page, query_params=dict(query))
