"""The dashboard: ``streamlit run dashboard/app.py``. Its pages are the modules in ``views/``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # streamlit run puts only this folder on the path

from dashboard.views import discover  # noqa: E402

st.set_page_config("Gatescope", layout="wide", initial_sidebar_state="collapsed")
st.html(Path(__file__).with_name("page.css"))
st.session_state.pop("figure", None)  # what a page keeps of its last figure is let go with the page
views = discover()
pages = [st.Page(v.page, title=v.TITLE, url_path=v.__name__.rpartition(".")[2], default=v is views[0]) for v in views]
st.navigation(pages, position="top" if len(pages) > 1 else "hidden").run()
