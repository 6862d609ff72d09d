"""One page a file: a module here whose ``page`` is one of ``dashboard.frame`` is a page of the app."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from dashboard.language import tr

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage


@cache
def discover() -> tuple[ModuleType, ...]:
    """The pages in their order."""
    found = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda module: module.page.order))


def pages() -> dict[str, StreamlitPage]:
    """The pages by the name that stands in the address, in their order; the first one opens without a name."""
    import streamlit as st

    first, *_ = discover()
    named = {view.__name__.rpartition(".")[2]: view for view in discover()}
    return {
        name: st.Page(view.page, title=tr(view.page.title), url_path=name, default=view is first)
        for name, view in named.items()
    }
