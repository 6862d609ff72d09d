"""Components whose browser side is a module of this folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard import budgets, language, session
from dashboard.browser.publish import publish, publish_words
from lstm_core.drawing.modules import needed
from lstm_core.drawing.pack import pack

FIRST = ("page/unpack.js", "page/words.js", "page/url.js")
"""What every component needs before its own module does anything."""


def loader(module: str) -> str:
    """A component's inline script: it imports ``module`` from the static folder. Short, since every message carries it.

    All that the module imports is asked for at once, not file after file as the browser finds it.

    Streamlit's own script says where the app lives, which differs between servers, pages and base paths. The module
    gets the unpacked data, with the catalogue of its language loaded. A page whose server was started anew in another
    version is loaded anew, for modules of two versions would both draw in it; its address holds what it shows.
    """
    folder, plotly = publish()
    names = json.dumps([name.removesuffix(".js") for name in needed(*FIRST, module)], separators=(",", ":"))
    return f"""
export default async (component) => {{
  if ((window.gatescope ??= "{folder}") !== "{folder}") return window.location.reload()
  const turn = (window.gatescopeTurn = (window.gatescopeTurn ?? 0) + 1)
  const own = document.querySelector('script[src*="static/js/"]').src
  const base = own.slice(0, own.lastIndexOf("static/js/")) + "app/static/"
  const get = (name) => import(base + "{folder}/" + name + ".js")
  const [unpack, words, url, module] = await Promise.all({names}.map(get))
  const data = unpack.unpack(component.data)
  url.arrive(data.arrival, data.led)
  await words.speak(data.language)
  return module.default({{ ...component, data, turn }}, base + "{plotly}")
}}
"""


@dataclass(frozen=True)
class Same:
    """What is the same for everybody, in one language, for whom ``key`` is: made and packed once, and shared as bytes,
    which nobody can change."""

    key: Hashable
    make: Callable[[], Mapping[str, Any]]


SHARED = 8 << 20
"""Bytes of packed contents that are kept, for all visitors."""

_shared: budgets.Cache[bytes] = budgets.Cache(SHARED, len)


def mounted(name: str, module: str, stays: bool = False) -> Callable[..., None]:
    """The component ``name``, whose browser side is ``module``: a function of a key, the content and callbacks.

    In another language, and where a tour has led elsewhere, it is another element: what a component has written once
    is written anew. ``stays``: it is the same element wherever a tour leads.
    """
    mount = component(name, js=loader(module), isolate_styles=False)

    def draw(key: str, content: Mapping[str, Any] | Same, **callbacks: Any) -> None:
        code = language.current()
        if code != language.ENGLISH:
            publish_words(code)
        place = spoken(key, stays)
        arrival = None if stays else session.arrival()
        said = {"language": code, "arrival": arrival, "led": session.led(), "place": f"{name} {place}"}
        if isinstance(content, Same):
            one = content
            data = _shared.get((one.key, *said.values()), lambda: pack({**one.make(), **said}))
        else:
            data = pack({**content, **said})
        mount(key=place, data=data, **callbacks)

    return draw


def told(key: str, name: str) -> tuple[Any, int | None]:
    """What the visitor chose last, as the ``Choice`` of the component's module tells it as ``name``, and the choice's
    number. An answer that has the number with it, as ``heard``, is of this choice or a newer one."""
    said = st.session_state.get(spoken(key), {}).get(name)
    return (said.get("value"), said.get("number")) if isinstance(said, Mapping) else (None, None)


def spoken(key: str, stays: bool = False) -> str:
    """The key under which a component stands, and its state in the session."""
    code, arrival = language.current(), 0 if stays else session.arrival()
    return "-".join([key, *[code] * (code != language.ENGLISH), *[str(arrival)] * (arrival > 0)])
