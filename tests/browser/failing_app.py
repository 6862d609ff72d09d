"""The app with errors in it, which `streamlit run` serves. What they say is a secret, and stands in no line of code."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from dashboard import server  # noqa: E402

app = st.App(ROOT / "dashboard" / "app.py", **server.options())


SECRET = "-".join(["told", "42"])


def broken(*_: object, **__: object) -> None:
    raise ValueError(SECRET) from KeyError(SECRET)


def break_it() -> None:
    from dashboard import cache
    from dashboard.views import experiments

    read = cache.read
    cache.read = lambda name, text, *rest: broken() if "wrong" in text else read(name, text, *rest)
    experiments._gallery = broken  # the one page that draws no text
    experiments._open = broken  # a button's callback


break_it()
