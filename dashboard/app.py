"""The dashboard: ``streamlit run dashboard/app.py``. Its pages are the modules in ``views/``.

Streamlit imports this file once, for ``app``, which it serves; and runs it, as ``__main__``, for every visitor. Where a
host only runs it, the page is the same, without what ``server.py`` adds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

if (ROOT := str(Path(__file__).resolve().parent.parent)) not in sys.path:
    sys.path.insert(0, ROOT)  # streamlit run puts only this folder on the path

if __name__ != "__main__":
    from dashboard import server

    app = st.App(__file__, **server.options())

else:
    from dashboard import start, turns

    st.set_page_config("Gatescope", layout="wide", initial_sidebar_state="collapsed")
    with turns.LOADING.taken():
        start.ready()

        from dashboard import address, cache, uploads
        from dashboard.controls.language import language_choice
        from dashboard.style import style
        from dashboard.talk import FIRST, talk
        from dashboard.talk.reading import below
        from dashboard.views import discover, pages

        discover()

    with turns.OPENING.taken():
        uploads.bound()
        language_choice()
        style()
        st.session_state.pop("figure", None)  # what a page keeps of its last figure is let go with the page
        shown = st.navigation(list(pages().values()), position="top")
        st.set_page_config(f"{shown.title} · Gatescope")
        address.opened(shown.url_path or FIRST)
        talk(shown.title)
        shown.run()
        below(shown.url_path or FIRST)
        cache.settle()
