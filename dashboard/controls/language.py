"""The choice of the language, the browser's at first; another one stands in the address."""

from __future__ import annotations

import streamlit as st

from dashboard import address, language
from dashboard.language import tr
from dashboard.session import LANGUAGE


def language_choice() -> None:
    language.ask(lambda: st.session_state.get(LANGUAGE, language.ENGLISH))
    own = language.best(st.context.locale)
    st.session_state.setdefault(LANGUAGE, language.best(st.query_params.get("lang"), own))
    names = language.languages()
    with st.container(key="language"):
        st.selectbox(
            tr("Language"), list(names), format_func=names.__getitem__, key=LANGUAGE, label_visibility="collapsed"
        )
    if st.session_state[LANGUAGE] != st.query_params.get("lang", own):
        # What is shown stays, and so the address says what it is: a bare one opens what this language opens with.
        shown = st.session_state.get("settings", {})
        st.query_params.update(address.whole(st.query_params.to_dict(), shown) | {"lang": st.session_state[LANGUAGE]})
