"""Of a wide layer two dozen units have a row; any other has one when it is picked, and all of them on demand."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from lstm_core import load_model
from tests.browser.gates import Gates, found
from tests.test_deciding import FRANCE

ROWS = 24 + 4  # the units, a blank row, and three of the band


def units(gates: Gates) -> list[int]:
    """What the list of units calls shown."""
    shown = gates.page.get_by_test_id("gs-unit-0").locator("optgroup[label=shown] option")
    return [int(value) for value in shown.evaluate_all("all => all.map(one => one.value)")]


def test_a_unit_without_a_row_gets_one_when_it_is_picked(open_gates: Callable[..., Gates]) -> None:
    gates = open_gates({"text": FRANCE, "left": "general-lstm", "right": "general-gru"})
    page, width = gates.page, load_model("general-lstm").hidden_size
    assert len(gates.panel("keep")) == len(gates.panel("keep", 1)) == ROWS
    shown = units(gates)
    assert len(shown) == 24
    page.keyboard.press("1")  # by its place: the lines alone
    page.keyboard.press("3")  # one row has all the height
    gates.has(only="keep")
    panel = gates.rests(
        "() => { const { x0, y0, dx, dy } = canvas.data.find(one => one.z && one.meta.side === 0);"
        "const { left, top } = canvas.getBoundingClientRect(); return { x0, y0, dx, dy, left, top } }"
    )
    middle = [panel["top"] + panel["y0"] + row * panel["dy"] for row in (5, 26)]
    left = panel["left"] + panel["x0"] + panel["dx"]
    page.mouse.click(left, middle[0])
    gates.has(unit=shown[5])
    page.mouse.click(left, middle[1])  # the band stands for many units
    gates.has(unit=shown[5])
    other = next(unit for unit in range(width) if unit not in shown)
    page.get_by_test_id("gs-unit-0").select_option(str(other))
    gates.has(unit=other)
    expect(page).to_have_url(re.compile(rf"unit={other}\b"))
    assert other in units(gates) and len(units(gates)) == 24
    gates.box.fill(FRANCE + " and")
    gates.shows(FRANCE + " and")
    gates.has(unit=other)
    page.get_by_test_id("gs-show").select_option("all")
    found(
        gates.page,
        "rows => document.querySelector('.gs-canvas')?.data?.find(one => one.z && !one.meta.side)?.z.length === rows",
        arg=width,
    )
    gates.has(unit=other)
    expect(page).to_have_url(re.compile("show=all"))
