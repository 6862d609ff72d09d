"""A page is printed whole, in both directions of the paper, without what can only be pressed."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.gates import LAPTOP, Gates, nothing

Open = Callable[..., Gates]
PAPER = ((718, 1047), (1047, 718))  # A4 without its margins, in CSS pixels
TEXT = "Mary was hungry. Then John met Anna and he"

WRONG = """() => {
  const nodes = [...document.querySelectorAll(".gs-plot *")]
  const frames = [...document.querySelectorAll("html, body, .stApp, .stAppViewContainer, .stMain")]
  const wide = [document.scrollingElement.scrollWidth, ...nodes.map((node) => node.getBoundingClientRect().right)]
  const { zoom } = getComputedStyle(document.querySelector(".stMain"))
  return [
    ...wide.filter((right) => right > %(width)d + 8),
    ...frames.filter((node) => getComputedStyle(node).overflowY !== "visible").map((node) => node.className),
    ...[zoom].filter((zoom) => Math.abs(zoom - %(zoom)f) > 0.01),
  ]
}"""
"""What is too wide, cut, or of another size than the paper asks for. A figure that a smaller window has drawn again may
reach 2 mm into the margin of 10."""


def test_a_page_fits_on_paper(open_gates: Open) -> None:
    gates = open_gates({"text": TEXT})
    page = gates.page
    for width, height in PAPER:
        try:
            page.emulate_media(media="print")
            page.set_viewport_size({"width": width, "height": height})
            _fits(gates, width)
        finally:  # the browser's next page would be printed, too
            page.emulate_media(media="screen")
            page.set_viewport_size(LAPTOP)
        expect(page.locator(".gs-tools").first).to_be_visible()


def _fits(gates: Gates, width: int) -> None:
    page = gates.page
    nothing(page, WRONG % {"width": width, "zoom": 0.98 * width / LAPTOP["width"]})
    expect(page.locator(".gs-readout")).to_be_visible()
    expect(page.get_by_test_id("gs-sentence")).to_be_visible()
    for gone in (".stAppHeader", ".gs-tools", ".gs-chips", ".gt-tools", ".gs-readout button"):
        expect(page.locator(gone).first).to_be_hidden()


def test_the_walk_is_printed_with_what_is_unfolded(open_gates: Open) -> None:
    page = open_gates({"text": TEXT}, "step_by_step").page
    stage = page.locator(".gw-tab[aria-selected=true]")
    folded, unfolded = page.get_by_test_id("gw-program-0"), page.get_by_test_id("gw-program-1")
    unfolded.locator("summary").click()
    try:
        page.emulate_media(media="print")
        for gone in (page.get_by_test_id("gw-back"), page.get_by_test_id("gw-next"), folded, page.get_by_test_id("gb")):
            expect(gone).to_be_hidden()
        for seen in (stage, unfolded, page.get_by_test_id("gw-drawing-0")):
            expect(seen).to_be_visible()
    finally:
        page.emulate_media(media="screen")
