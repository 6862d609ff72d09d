"""What is measured, the same for Gatescope's page and for the floor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, ViewportSize

from benchmarks import models
from benchmarks.browser import APP, Server
from benchmarks.clock import Wire, click_to_paint, key_to_paint

SCREEN: ViewportSize = {"width": 1366, "height": 768}


@dataclass(frozen=True)
class Subject:
    """A page under measurement.

    box, chart: selectors of the sentence and of the drawn chart. seen: JavaScript, true once the text ``wanted[0]`` is
    drawn, in a repaint after the ``wanted[1]``-th. proved: JavaScript, true once that is the server's own; empty where
    nothing else is drawn.
    """

    script: Path
    box: str
    chart: str
    seen: str
    proved: str = ""


GATESCOPE = Subject(
    APP,
    box="[data-testid=gs-sentence]",
    chart="[data-testid=gs-plot][data-ready='1']",
    seen="(e => e.dataset.text === wanted[0] && +e.dataset.repaints > wanted[1])"
    "(document.querySelector('[data-testid=gs-plot]'))",
    proved="(e => e.dataset.text === wanted[0] && e.dataset.here === '0')"
    "(document.querySelector('[data-testid=gs-plot]'))",
)
FLOOR = Subject(
    Path(__file__).with_name("floor.py"),
    box="input[aria-label=Sentence]",
    chart=".js-plotly-plot .gtitle",
    seen="document.querySelector('.js-plotly-plot .gtitle')?.textContent === wanted[0]",
)


@dataclass
class Viewer:
    """One open page of a subject."""

    subject: Subject
    page: Page
    wire: Wire

    def enter(self, text: str) -> tuple[float, int]:
        """Type ``text`` at once and press Enter: (milliseconds to its repaint, bytes of the rerun)."""
        self.page.locator(self.subject.box).focus()
        before = self.page.evaluate("() => +(document.querySelector('[data-testid=gs-plot]')?.dataset.repaints ?? 0)")
        self.wire.clear()
        self.page.locator(self.subject.box).fill(text)
        took = key_to_paint(self.page, "Enter", self.subject.seen, [text, before])
        if self.subject.proved:
            self.page.wait_for_function(f"wanted => {self.subject.proved}", arg=[text])
        self.page.wait_for_timeout(200)  # the rerun's closing messages
        return took, self.wire.total()

    def letter(self, text: str) -> float:
        """Type one more letter behind ``text``, which stands there: milliseconds to its repaint."""
        self.page.locator(self.subject.box).press("End")
        before = self.page.evaluate("() => +(document.querySelector('[data-testid=gs-plot]').dataset.repaints)")
        return key_to_paint(self.page, "x", self.subject.seen, [f"{text}x", before])

    def prove(self, text: str) -> float:
        """Type ``text`` at once and press Enter: milliseconds to the paint of the server's own trace of it."""
        self.page.locator(self.subject.box).fill(text)
        took = key_to_paint(self.page, "Enter", self.subject.proved, [text])
        self.page.wait_for_timeout(200)
        return took

    def step(self, back: bool) -> tuple[float, int]:
        """Move the cursor by one: (milliseconds to the paint, messages sent to the server)."""
        stage = self.page.get_by_test_id("gs-stage")
        stage.focus()
        at = int(self.page.get_by_test_id("gs-plot").get_attribute("data-step") or 0) + (-1 if back else 1)
        self.wire.clear()
        seen = "document.querySelector('[data-testid=gs-plot]').dataset.step === wanted"
        took = key_to_paint(self.page, "ArrowLeft" if back else "ArrowRight", seen, str(at))
        self.page.wait_for_timeout(300)  # a late message, after the address was written, would count too
        return took, len(self.wire.sent)


ANALYSIS = Subject(
    APP,
    box="[data-testid=gs-sentence]",
    chart="[data-testid=gc][data-ready='1']",
    seen="(e => +e.dataset.repaints > wanted[0] && +e.dataset.step === wanted[1])"
    "(document.querySelector('[data-testid=gc]'))",
)
"""A page whose figures are drawn anew for every word that is chosen."""


def click(viewer: Viewer, word: int) -> float:
    """Click a word of an analysis page: milliseconds to the repaint of its figures."""
    chart = viewer.page.get_by_test_id("gc")
    before = int(chart.get_attribute("data-repaints") or 0)
    box = chart.locator(".gc-word").nth(word).bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    took = click_to_paint(viewer.page, *middle, viewer.subject.seen, [before, word])
    viewer.page.wait_for_timeout(200)  # the rerun's closing messages
    return took


@contextmanager
def viewer(
    browser: Browser,
    subject: Subject,
    server: Server,
    query: Mapping[str, str] | None = None,
    path: str = "",
    served: bool = False,
) -> Iterator[Viewer]:
    """Open the page as a visitor who was never here, and wait for its first chart. served: in a browser that reads no
    text by itself, as where a model is too large for it."""
    context = browser.new_context(viewport=SCREEN)
    try:
        page = context.new_page()
        if served:
            page.route("**/live/at_once.js", lambda route: route.abort())
        wire = Wire(page)
        page.goto(f"{server.url}/{path}?{urlencode(query or {})}", wait_until="commit")
        page.locator(subject.chart).first.wait_for(timeout=60_000)
        yield Viewer(subject, page, wire)
    finally:
        context.close()


def start_to_chart(browser: Browser, subject: Subject) -> float:
    """Milliseconds from starting the server to the first chart of a new visitor."""
    server = Server(subject.script)
    try:
        server.wait()
        with viewer(browser, subject, server):
            return 1000 * (time.perf_counter() - server.started)
    finally:
        server.stop()


def memory(server: Server, samples: int = 10) -> float:
    """MB, the median over two seconds."""
    found = []
    for _ in range(samples):
        time.sleep(0.2)
        found.append(server.memory_mb())
    return median(found)


PAIR: dict[str, str] = dict(zip(("left", "right"), models.PAIR, strict=True))
"""The query that opens the benchmark's models."""
