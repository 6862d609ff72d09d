"""An open page as a visitor handles it, above all the page "Gates".

What a page shows comes when it comes: everything here waits for what it is told to expect, and reads what is drawn in
one go, so that nothing is drawn anew in between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from playwright.sync_api import Error, Locator, Page, Route, ViewportSize, expect

from benchmarks.clock import Wire
from dashboard.figures.meaning import HAN

LAPTOP: ViewportSize = {"width": 1366, "height": 768}
DRAWN = "[data-ready], .gw[data-at], [data-testid=stBaseButton-primary]"
PLOT = """const plots = document.querySelectorAll("[data-testid=gs-plot]"), plot = plots[0], { dataset } = plot ?? {}"""
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
"""Until what has another size is measured in one frame and drawn anew in the next."""
HAS = f"""wanted => {{
  {PLOT}
  return plots.length === 1 && Object.entries(wanted).every(([name, value]) => dataset[name] === value)
}}"""
RESTED = """() => {
  const count = (where) => document.querySelectorAll(where).length
  const once = [".gs-plot", ".gw", "[data-testid=gs-sentence]"].every(where => count(where) < 2)
  return once && count("[data-testid=stApp][data-test-script-state=notRunning]") && !count("[data-stale=true]")
}"""
PANEL = """([role, side]) => document.querySelector(".gs-canvas:not([hidden])")?.data
  ?.find(one => one.type === "heatmap" && one.meta.role === role && one.meta.side === side)
  ?.z.map(row => Array.from(row))"""
LINE = """([role, side]) => {
  const lines = canvas.data.filter(one => one.type === "scatter")
  const k = lines.findIndex(one => one.meta.role === role && one.meta.side === side)
  const { left, right } = canvas.querySelectorAll(".js-line")[k].getBoundingClientRect()
  return { values: Array.from(lines[k].values), y: Array.from(lines[k].y), left, right }
}"""
BOX = """([role, side]) => {
  const maps = canvas.data.filter(one => one.type === "heatmap")
  const k = maps.findIndex(one => one.meta.role === role && one.meta.side === side)
  return canvas.querySelectorAll(".heatmaplayer image")[k].getBoundingClientRect().toJSON()
}"""


def by_small_models(query: Mapping[str, str]) -> dict[str, str]:
    """The query, with the small pair of its language for a text without models: the page would have the general pair
    read it, whose 384 units are slower to draw and to compare."""
    kind = "pronouns_zh" if HAN.search(query.get("text", "")) else "pronouns"
    small = {"left": f"{kind}-lstm", "right": f"{kind}-gru"} if "text" in query else {}
    return {**({} if {"left", "right", "tour"} & query.keys() else small), **query}


def found(page: Page, function: str, arg: object = None) -> Any:
    """What a function, in JavaScript, returns once that is something: it is asked until then, twenty times a second.
    Before each frame, as Playwright asks by itself, would be dearer than the page, and make it draw frames."""
    return page.wait_for_function(function, arg=arg, polling=50).json_value()


def rested(page: Page) -> None:
    """Wait until no run of the page goes on, and nothing of a page that was left is there any more."""
    found(page, RESTED)


def arrived(page: Page, title: str | re.Pattern[str] = re.compile(".")) -> None:
    """Wait until a page is drawn, alone, and its tools listen."""
    expect(page.get_by_test_id("gt-title")).to_have_text(title)
    rested(page)
    expect(page.locator(DRAWN).first).to_be_visible()


def turn(page: Page, title: str) -> None:
    """Go to another page by its link."""
    page.get_by_role("link", name=title, exact=True).click()
    arrived(page, title)


def nothing(page: Page, function: str) -> None:
    """Wait until a list that a function, in JavaScript, returns is empty."""
    try:
        found(page, f"() => !({function})().length")
    except Error as error:
        raise AssertionError(page.evaluate(function)) from error


def fits(page: Page) -> None:
    """Wait until nothing is wider than the window."""
    found(page, "() => document.scrollingElement.scrollWidth <= innerWidth")


APART = """all => {
  const boxes = all.map(one => one.getBoundingClientRect())
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
  return boxes.every((a, k) => a.width && a.height && boxes.slice(k + 1).every(b => apart(a, b)))
}"""


def apart(page: Page, *places: Locator) -> None:
    """Wait until all of these are seen and none lies over another."""
    found(page, APART, [place.element_handle() for place in places])


def address(page: Page, **said: str | None) -> str:
    """The address, once it says this; what is None is not in it."""
    function = """said => {
      const here = new URL(location.href).searchParams
      return Object.entries(said).every(([name, value]) => here.get(name) === value) && location.href
    }"""
    return found(page, function, said)


class Held:
    """Requests that wait until they are let go."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._waiting: list[Route] | None = []
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._waiting is None:
            route.continue_()
        else:
            self._waiting.append(route)

    def let_go(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for route in waiting:
            route.continue_()


class Gates:
    """An open page, and what its websockets carried."""

    def __init__(self, page: Page, wire: Wire) -> None:
        self.page = page
        self.wire = wire
        self.box = page.get_by_test_id("gs-sentence")
        self.plot = page.get_by_test_id("gs-plot")
        self.stage = page.get_by_test_id("gs-stage")

    def has(self, **data: object) -> None:
        """Wait until the plot shows all this at once: ``text``, ``steps``, ``step``, ``unit``, ``unit2``, ``sort``,
        ``playing``. A page that is left is there until the next one is drawn."""
        try:
            found(self.page, HAS, {name: str(value) for name, value in data.items()})
        except Error as error:
            shown = self.plot.evaluate_all("plots => plots.map(plot => ({ ...plot.dataset }))")
            raise AssertionError(f"not {data}: {shown}") from error

    def shows(self, text: str) -> None:
        """Wait until ``text`` has been drawn as its server has read it, if it has one, next words whole."""
        self.has(text=text, ready=1, here=0, whole=1)
        self.page.evaluate(f"() => {FRAMES}")

    def of(self, **chosen: str) -> None:
        """Wait until what is drawn is of these models, ``left`` and ``right``."""
        of = f"chosen => {{ {PLOT}\nreturn Object.entries(chosen).every(([name, one]) => plot?.of?.[name] === one) }}"
        found(self.page, of, chosen)

    def get(self, name: str) -> int:
        return int(self.plot.get_attribute(f"data-{name}") or 0)

    def words(self, side: int = 0) -> list[str]:
        return self.page.get_by_test_id(f"gs-words-{side}").locator(".gs-word").all_text_contents()

    def panel(self, role: str, side: int = 0) -> np.ndarray:
        """(unit, time): the numbers that are drawn."""
        return np.array(found(self.page, PANEL, [role, side]))

    def rests(self, function: str = "() => true", *args: object) -> Any:
        """What a function of Plotly's ``canvas`` returns once that has drawn what stands, in the place of the quick
        drawing."""
        self.page.evaluate(f"() => {FRAMES}")
        canvas = f'{PLOT}, canvas = plot?.querySelector(".js-plotly-plot")'
        rests = "canvas && !canvas.hidden && dataset.rests && dataset.rests === dataset.repaints"
        return found(self.page, f"args => {{ {canvas}\nreturn {rests} && ({function})(args) }}", list(args))

    def line(self, role: str, side: int = 0) -> dict[str, Any]:
        """A drawn line: its values, the height in pixels of each, and where its path begins and ends in the window."""
        drawn = self.rests(LINE, role, side)
        return drawn | {"values": np.array(drawn["values"]), "y": np.array(drawn["y"])[: len(drawn["values"])]}

    def box_of(self, role: str, side: int = 0) -> dict[str, float]:
        """Where the panel is painted, in pixels of the window: left, top, right, bottom."""
        return self.rests(BOX, role, side)

    def click_unit(self, unit: int, role: str, side: int = 0) -> None:
        """Click the middle of the unit's row, in the middle of the panel; units stand in the order of their index."""
        box, units = self.box_of(role, side), len(self.panel(role, side))
        y = box["top"] + (unit + 0.5) * (box["bottom"] - box["top"]) / units
        self.page.mouse.click((box["left"] + box["right"]) / 2, y)
