"""Tabs that are used again: a new one translates the scripts of Streamlit and Plotly once more, for two seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page

from benchmarks.browser import Server
from dashboard.views import discover
from tests.browser.gates import LAPTOP

Open = Callable[..., Page]
"""Opens a page of the app, see ``visit`` in conftest.py."""
TEXT = "Mary was hungry. Then John met Anna and he"
PAGES = ["", *(view.__name__.rpartition(".")[2] for view in discover()[1:])]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SEEN = {"color_scheme": "light", "reduced_motion": "no-preference", "forced_colors": "none"}
"""What a tab can be told anew, unlike whether it is touched, and how it is by itself."""


@dataclass
class Visit:
    """A tab while a test has it, and what listens to it for so long."""

    page: Page
    kind: str
    listeners: list[tuple[Any, Callable]] = field(default_factory=list)

    def on(self, event: Any, listener: Callable) -> None:
        self.listeners.append((event, listener))
        self.page.on(event, listener)


FIRST, AGAIN = "localStorage.clear()", "localStorage.setItem('gatescope hints', 'seen')"


class Tabs:
    """The tabs of one browser, and which of them nobody has now. They share a process where Chromium lets them."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser = browser
        self.resting = f"{server.url}/_stcore/health"
        self.contexts: dict[str, BrowserContext] = {}
        self.free: defaultdict[str, list[Page]] = defaultdict(list)

    def visit(self, first: bool = False, viewport: Any = LAPTOP, **options: Any) -> Visit:
        """A tab whose session holds nothing, at nothing, in a browser that was here before; with ``first`` in one that
        never was. ``options`` are those of a context."""
        seen: dict[str, Any] = {name: options.pop(name, usual) for name, usual in SEEN.items()}
        kind = str(options)
        if kind not in self.contexts:
            self.contexts[kind] = self.browser.new_context(viewport=viewport, **options)
        page = self.free[kind].pop() if self.free[kind] else self.contexts[kind].new_page()
        if page.url != self.resting:
            page.goto(self.resting)
        page.evaluate(FIRST if first else AGAIN)
        if first:
            page.context.clear_cookies()
        page.emulate_media(**seen)
        page.set_viewport_size(viewport)
        return Visit(page, kind)

    def leave(self, visit: Visit) -> None:
        """What the test left in the tab is put away; a tab that does not obey is closed."""
        page = visit.page
        for event, listener in visit.listeners:
            page.remove_listener(event, listener)
        try:
            page.unroute_all()
            page.goto(self.resting)
            page.evaluate("sessionStorage.clear()")
            page.mouse.move(0, 0)
        except Error:
            page.close()
        else:
            self.free[visit.kind].append(page)
