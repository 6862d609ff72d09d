"""The dashboard: ``streamlit run dashboard/app.py``. Its pages are the modules in ``views/``."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # streamlit run puts only this folder on the path

from dashboard import start  # noqa: E402

st.set_page_config("Gatescope", layout="wide", initial_sidebar_state="collapsed")
start.ready()

from dashboard import cache, uploads  # noqa: E402
from dashboard.controls.language import language_choice  # noqa: E402
from dashboard.talk import talk  # noqa: E402
from dashboard.views import pages  # noqa: E402

uploads.bound()
language_choice()
st.html(Path(__file__).with_name("page.css"))
st.session_state.pop("figure", None)  # what a page keeps of its last figure is let go with the page
shown = st.navigation(list(pages().values()), position="top")
talk()
shown.run()
cache.settle()
