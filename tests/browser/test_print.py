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


BESIDE = """() => {
  const [sheet, notes] = [".gs-sheet", ".gs-notes"].map((one) => document.querySelector(one).getBoundingClientRect())
  return notes.top < sheet.bottom - 8 ? ["the notes reach below the figure, and leave the paper beside them empty"] : []
}"""


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
    nothing(page, BESIDE)
    for gone in (".stAppHeader", ".gs-tools", ".gs-chips", ".gt-tools", ".gs-readout button"):
        expect(page.locator(gone).first).to_be_hidden()


WIDE = """() => [...document.querySelectorAll(".stMain *")]
  .filter((node) => node.checkVisibility() && !node.closest("svg, math, .katex-mathml"))
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 8)
  .map((node) => node.className)"""
PRESSED = """() => [...document.querySelectorAll(".stMain button")]
  .filter((node) => node.checkVisibility() && node.getBoundingClientRect().width > 2)
  .map((node) => node.getAttribute("aria-label") || node.textContent)"""


def test_an_analysis_is_printed_on_its_side_without_what_opens_something_or_was_not_chosen(open_gates: Open) -> None:
    width, height = PAPER[1]
    for path, seen, gone in (
        ("what_if", "gender (unit 0), at “John”", ["Add an intervention", "Help"]),
        ("compare", "two gates exchanged", ["read from the end", "a file of yours"]),
        ("gradients", "The error of the next word", []),
    ):
        page = open_gates({"text": TEXT}, path).page
        shown = page.locator(".stMain").get_by_text(seen).first
        expect(shown).to_be_visible()
        expect(page.locator(".gc-panel").first).to_be_visible()
        before = page.evaluate(PRESSED)
        try:
            page.emulate_media(media="print")
            page.set_viewport_size({"width": width, "height": height})
            expect(shown).to_be_visible(visible=path != "gradients")  # a field that nobody has written into
            nothing(page, WIDE)
            pressed = page.evaluate(PRESSED)
            assert all(any(name in one for one in before) for name in gone)
            assert not [name for name in gone if any(name in one for one in pressed)]
        finally:
            page.emulate_media(media="screen")
            page.set_viewport_size(LAPTOP)


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
        for width, height in PAPER:  # both models beside each other, as on the screen
            page.set_viewport_size({"width": width, "height": height})
            tops = "() => [...document.querySelectorAll('.gw-column')].map((one) => one.getBoundingClientRect().top)"
            nothing(page, f"() => [...new Set(({tops})())].slice(1)")
    finally:
        page.emulate_media(media="screen")
        page.set_viewport_size(LAPTOP)


def test_a_folded_part_is_not_printed(open_gates: Open) -> None:
    page = open_gates({"text": TEXT}, "health").page
    part = page.get_by_test_id("stExpander")
    try:
        page.emulate_media(media="print")
        expect(part).to_be_hidden()
        page.emulate_media(media="screen")
        part.locator("summary").click()
        page.emulate_media(media="print")
        expect(part).to_be_visible()
    finally:
        page.emulate_media(media="screen")


def test_what_belongs_together_is_on_one_sheet(open_gates: Open) -> None:
    """A heading and what it is of; a list of bars. A legend ends before the paper does."""
    (width, height), _ = PAPER
    for path, selector, of in (
        ("gradients", ".gv-figure", "breakInside"),
        ("gradients", ".gc-panel", "breakInside"),
        ("step_by_step", ".gw-pushes", "breakInside"),
    ):
        page = open_gates({"text": TEXT}, path).page
        try:
            page.emulate_media(media="print")
            assert page.locator(selector).first.evaluate(f"node => getComputedStyle(node).{of}") == "avoid"
            if selector == ".gc-panel":
                page.set_viewport_size({"width": width, "height": height})
                ends = """() => [...document.querySelectorAll(".gc-legend span")]
                  .filter((node) => node.getBoundingClientRect().right > %d - 4)
                  .map((node) => node.textContent)"""
                nothing(page, ends % width)
        finally:
            page.emulate_media(media="screen")
            page.set_viewport_size(LAPTOP)
