"""The real app in a real Chromium. A console error, a page error or a request to another host fails the test.

Where no Chromium is installed the tests are skipped with the reason, except on CI, where that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, ViewportSize, expect

from benchmarks.browser import SHELL, Server, chromium, find_chromium, serve
from benchmarks.clock import Wire
from tests.browser.gates import LAPTOP, Gates, arrived, by_small_models
from tests.browser.tabs import Open, Tabs, Visit

PATIENCE = 120_000
"""Milliseconds for what comes within one or two: a machine may have much else to do."""
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


# Package scope, not session: Playwright keeps an event loop running, which the tests after these must not find.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = find_chromium(SHELL)
    if path is None:
        reason = f"no Chromium or Chrome is installed (Debian: apt install {SHELL})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium("--process-per-site", path=path) as found:
        found.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield found


@pytest.fixture(scope="package")
def server(browser: Browser) -> Iterator[Server]:
    with serve() as running:
        yield running
        assert "Traceback" not in running.output(), running.output()


@pytest.fixture(scope="package")
def tabs(browser: Browser, server: Server) -> Tabs:
    return Tabs(browser, server)


@pytest.fixture
def visit(tabs: Tabs, server: Server) -> Iterator[Open]:
    """``visit("memory", {"text": ...}, **options)``: that page, with ``first`` in a browser that was never here."""
    visits: list[Visit] = []
    problems: list[str] = []

    def visited(path: str = "", query: dict[str, str] | None = None, first: bool = False, **options) -> Page:
        visits.append(tabs.visit(first, **options))
        visits[-1].on("pageerror", lambda error: problems.append(str(error)))
        page = visits[-1].page
        page.goto(f"{server.url}/{path}?{urlencode(by_small_models(query or {}))}")
        arrived(page)
        return page

    yield visited
    for one in visits:
        tabs.leave(one)
    assert not problems, problems


@contextmanager
def opening(tabs: Tabs, server: Server) -> Iterator[Callable[..., Gates]]:
    problems: list[str] = []
    visits: list[Visit] = []

    def opened(query: dict[str, str] | str | None = None, path: str | None = "", **options) -> Gates:
        visits.append(visit := tabs.visit(**options))
        visit.on("console", lambda message: problems.append(told(message)) if wrong(message) else None)
        visit.on("pageerror", lambda error: problems.append(str(error)))
        visit.on("dialog", lambda dialog: problems.append(dialog.message))
        visit.on("request", lambda request: problems.append(request.url) if outside(request.url) else None)
        gates = Gates(visit.page, Wire(visit.page))
        asked = query if isinstance(query, str) else urlencode(by_small_models(query or {}))
        visit.page.goto(asked if isinstance(query, str) else f"{server.url}/{path or ''}?{asked}")
        arrived(visit.page)
        if path == "":
            gates.has(ready=1)
        return gates

    def wrong(message: ConsoleMessage) -> bool:
        """Opened at a page, Streamlit asks for its own addresses below that page first, and then where they are; and a
        visitor's own model that is no longer shown is gone when it is asked for: then the server answers."""
        url = message.location["url"]
        gone = "/_stcore/" in url or ("/media/" in url and url.endswith(".bin"))
        return message.type == "error" and not ("404" in message.text and gone)

    def told(message: ConsoleMessage) -> str:
        return f"{message.text} ({message.location['url']})"

    def outside(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"

    yield opened
    for visit in visits:
        problems += visit.page.get_by_test_id("stException").all_text_contents()
        tabs.leave(visit)
    assert not problems, problems


@pytest.fixture
def open_gates(tabs: Tabs, server: Server) -> Iterator[Callable[..., Gates]]:
    """``open_gates({"text": ...}, path, **context options)`` opens a page, with None for its path wherever the rest of
    the address leads; what goes wrong in it fails the test."""
    with opening(tabs, server) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_standing(tabs: Tabs, server: Server) -> Iterator[Callable[..., Gates]]:
    """Opens a page as ``open_gates`` does, for all tests of a module."""
    with opening(tabs, server) as opened:
        yield opened


@pytest.fixture(scope="module")
def standing(open_standing: Callable[..., Gates]) -> Gates:
    """The page as it opens, for all tests of a module that leave its text and models as they are."""
    return open_standing()


@pytest.fixture
def gates(open_gates: Callable[..., Gates]) -> Gates:
    """The page as it opens."""
    return open_gates()


# ---- files, opened from the disk


@pytest.fixture(scope="package")
def disk(browser: Browser) -> Iterator[BrowserContext]:
    """Where files are opened, without a network; one for all, so that their scripts are translated once."""
    with browser.new_context(viewport=LAPTOP, offline=True) as context:
        context.new_page().goto(Path(__file__).parent.as_uri())  # keeps their process
        yield context


@contextmanager
def opening_files(disk: BrowserContext) -> Iterator[Callable[..., Gates]]:
    problems: list[str] = []
    pages: list[Page] = []

    def opened(
        path: Path,
        viewport: ViewportSize = LAPTOP,
        color_scheme: Literal["light", "dark"] = "light",
        drawn: bool = True,
    ) -> Gates:
        page = disk.new_page()
        pages.append(page)
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme)

        def route(route: Route) -> None:
            if not route.request.url.startswith("file:"):
                problems.append(route.request.url)
            route.continue_()

        page.route(lambda url: not url.startswith(("data:", "blob:")), route)
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.goto(path.as_uri())
        gates = Gates(page, Wire(page))
        if drawn:
            gates.has(ready=1)
        return gates

    yield opened
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()
    assert not problems, problems


@pytest.fixture
def open_file(disk: BrowserContext) -> Iterator[Callable[..., Gates]]:
    """``open_file(path)`` opens a file from the disk; a request, a console message or a dialog fails the test."""
    with opening_files(disk) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_file_standing(disk: BrowserContext) -> Iterator[Callable[..., Gates]]:
    """As ``open_file``, for all tests of a module."""
    with opening_files(disk) as opened:
        yield opened
