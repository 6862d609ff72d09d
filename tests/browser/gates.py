"""The page "Gates" as a visitor handles it."""

from __future__ import annotations

from typing import Any

import numpy as np
from playwright.sync_api import Page, ViewportSize, expect

from benchmarks.clock import Wire

LAPTOP: ViewportSize = {"width": 1366, "height": 768}


class Gates:
    """An open page, and what its websockets carried."""

    def __init__(self, page: Page, wire: Wire) -> None:
        self.page = page
        self.wire = wire
        self.box = page.get_by_test_id("gs-sentence")
        self.plot = page.get_by_test_id("gs-plot")
        self.stage = page.get_by_test_id("gs-stage")

    def has(self, **data: object) -> None:
        """Wait until the plot shows this: ``text``, ``steps``, ``step``, ``unit``, ``unit2``, ``sort``, ``playing``."""
        for name, value in data.items():
            try:
                expect(self.plot).to_have_attribute(f"data-{name}", str(value))
            except AssertionError as error:
                if "strict mode violation" not in str(error):
                    raise
                expect(self.plot).to_have_count(1)  # a page that is left is there until the next one is drawn
                expect(self.plot).to_have_attribute(f"data-{name}", str(value))

    def shows(self, text: str) -> None:
        """Wait until ``text`` has been drawn as the server has read it, or a page without one."""
        self.has(text=text, ready=1, here=0)
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def rested(self) -> None:
        """Wait until Plotly has drawn what stands, in the place of the quick drawing."""
        rests = "({ dataset: { rests, repaints } }) => rests === repaints"
        self.page.wait_for_function(f"() => ({rests})(document.querySelector('[data-testid=gs-plot]'))")

    def get(self, name: str) -> int:
        return int(self.plot.get_attribute(f"data-{name}") or 0)

    def words(self, side: int = 0) -> list[str]:
        return self.page.get_by_test_id(f"gs-words-{side}").locator(".gs-word").all_text_contents()

    def panel(self, role: str, side: int = 0) -> np.ndarray:
        """(unit, time): the numbers that are drawn."""
        rows = self.page.evaluate(
            "([role, side]) => document.querySelector('.gs-canvas:not([hidden])').data"
            ".find(one => one.type === 'heatmap' && one.meta.role === role && one.meta.side === side)"
            "?.z.map(row => Array.from(row))",
            [role, side],
        )
        return np.array(rows)

    def line(self, role: str, side: int = 0) -> dict[str, Any]:
        """A drawn line: its values, the height in pixels of each, and where its path begins and ends in the window."""
        self.rested()
        found = self.page.evaluate(
            "([role, side]) => {"
            "const lines = document.querySelector('.gs-canvas').data.filter(one => one.type === 'scatter');"
            "const k = lines.findIndex(one => one.meta.role === role && one.meta.side === side);"
            "const {left, right} = document.querySelectorAll('.gs-canvas .js-line')[k].getBoundingClientRect();"
            "return {values: Array.from(lines[k].values), y: Array.from(lines[k].y), left, right}}",
            [role, side],
        )
        return found | {"values": np.array(found["values"]), "y": np.array(found["y"])[: len(found["values"])]}

    def box_of(self, role: str, side: int = 0) -> dict[str, float]:
        """Where the panel is painted, in pixels of the window: left, top, right, bottom."""
        self.rested()
        return self.page.evaluate(
            "([role, side]) => {"
            "const k = document.querySelector('.gs-canvas').data.filter(one => one.type === 'heatmap')"
            ".findIndex(one => one.meta.role === role && one.meta.side === side);"
            "return document.querySelectorAll('.gs-canvas .heatmaplayer image')[k].getBoundingClientRect().toJSON()"
            "}",
            [role, side],
        )

    def click_unit(self, unit: int, role: str, side: int = 0) -> None:
        """Click the middle of the unit's row, in the middle of the panel; units stand in the order of their index."""
        box, units = self.box_of(role, side), len(self.panel(role, side))
        y = box["top"] + (unit + 0.5) * (box["bottom"] - box["top"]) / units
        self.page.mouse.click((box["left"] + box["right"]) / 2, y)
