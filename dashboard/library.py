"""Every model that a page can show, by name: the shipped ones, and the visitor's own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol

import streamlit as st

from dashboard import cache, session
from dashboard.language import current, tr
from dashboard.state import HOMES, YOURS, Settings
from lstm_core import Network
from lstm_core.device import accelerator

DEVICE = "device"
"""Under this name the session keeps which device was chosen: "auto", "cpu" or "accelerator"."""
OWN = session.keeps("your model")
"""Under this name it keeps the visitor's own model, if there is one: an ``Owner``."""


class Own(Protocol):
    """The visitor's own model, and what it reads (``dashboard.yours.upload``)."""

    def model(self) -> Network: ...
    def read(self, text: str, limit: int) -> cache.Reading: ...


class Owner(Protocol):
    """What holds a visitor's own model (``dashboard.yours.session``)."""

    def used(self) -> Own | None:
        """The model, which somebody looks at now."""
        ...

    def stamp(self) -> str | None:
        """Tells the model, with what it reads, from any other; None where there is none."""
        ...

    def absent(self, shown: str) -> str | None:
        """Why the model ``shown`` stands in its place, where a file was tried."""
        ...


def owner() -> Owner | None:
    return st.session_state.get(OWN)


def names() -> dict[str, str]:
    """What to call each model that can be chosen."""
    return {**{name: tr(title) for name, title in cache.models().items()}, YOURS: tr("Your model")}


def stands_for(name: str, side: str) -> str:
    """The model that is shown for ``name`` on the "left" or "right", a shipped one where nothing was uploaded yet."""
    if name != YOURS:
        st.session_state[f"{side} before"] = name
    if name != YOURS or _upload() is not None:
        return name
    return shipped(side, st.session_state.get("settings", {}).get("text", ""))


def shipped(side: str, text: str) -> str:
    """The shipped model that stood on that side before, or else what the side begins with in the visitor's language,
    if it can read the text."""
    homes = [HOMES.get(current(), {}), asdict(Settings()), *HOMES.values()]
    wanted = st.session_state.get(f"{side} before"), *(home.get(side) for home in homes), *cache.models()
    there = [one for one in wanted if one in cache.models()]
    return next((one for one in there if _knows(one, text)), there[0])


def _knows(name: str, text: str) -> bool:
    tokens = cache.model(name).tokenizer.encode(text)
    return 2 * sum(token.known for token in tokens) >= len(tokens)


def model(name: str) -> Network:
    upload = _upload() if name == YOURS else None
    return cache.model(name) if upload is None else upload.model()


def read(name: str, text: str, limit: int = cache.LIMIT) -> cache.Reading:
    """The model's reading of the first ``limit`` steps."""
    upload = _upload() if name == YOURS else None
    return cache.read(name, text, limit, wanted()) if upload is None else upload.read(text, limit)


def notices(name: str, shown: Network) -> list[str]:
    """What to say where ``shown`` stands for ``name``: a link does not carry the model of whoever made it."""
    if name == shown.name or (name == YOURS and _upload() is not None):
        return []
    here = owner() if name == YOURS else None
    if here is not None and (said := here.absent(shown.name)):
        return [tr(said)]
    text = tr(
        "No model of yours is in this tab: {name} is shown in its place. What is uploaded stays in its tab alone and "
        "is gone when that is loaded anew; its file has then to be chosen again.",
        name=shown.name,
    )
    return [text]


def _upload() -> Own | None:
    here = owner()
    return here.used() if here is not None else None


def wanted() -> str:
    """The device that the visitor's models run on, as ``lstm_core.device`` names it."""
    asked = st.session_state.get(DEVICE, "auto")
    return (accelerator() or "auto") if asked == "accelerator" else asked
