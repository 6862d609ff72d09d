"""On a phone, and in a window that is enlarged to 200 %: nothing is cut, too small, or out of reach."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import expect

from dashboard.state import HOMES
from tests.browser.axe import violations
from tests.browser.gates import LAPTOP, apart, nothing, rested
from tests.browser.tabs import PAGES, PHONE, TEXT, Open

SIDEWAYS = """
() => {
  const main = document.querySelector('.stMain')
  const wide = [document.documentElement, main].filter((node) => node.scrollWidth > node.clientWidth + 1)
  const scrolled = (node) => {
    for (let up = node.parentElement; up && up !== main; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== 'visible') return true
    }
  }
  const parts = main.querySelectorAll('button, select, textarea, input, p, h3, .gs-label, .gs-word')
  const out = [...parts].filter((node) => {
    const { left, right, width } = node.getBoundingClientRect()
    const seen = width && getComputedStyle(node).visibility === 'visible'
    return seen && (right > innerWidth + 1 || left < -1) && !scrolled(node)
  })
  return [...wide, ...out].map((node) => node.outerHTML.slice(0, 100))
}
"""
"""What makes the page itself wider than the window, or stands out of it at a side and cannot be scrolled to."""


SMALLER = """
() => [...document.querySelectorAll(
  '.gs-controls :is(button, select), .gs-plot :is(button, select), .gc button, .gx button, .gt-tools button, '
  + '.gw :is(button, select, summary, [role=button] .gw-shape)')]
  .map((node) => [node.outerHTML.slice(0, 90), node.getBoundingClientRect()])
  .filter(([, { width, height }]) => width && (width < 23.9 || height < 23.9))
"""
TINY = """
() => {
  const but = '.katex, math, sub, .gw-index, tspan[style*="font-size"], [hidden], style, [data-testid=stIconMaterial]'
  const walker = document.createTreeWalker(document.querySelector('.stMain'), NodeFilter.SHOW_TEXT)
  const found = []
  for (let node; (node = walker.nextNode());) {
    const box = node.parentElement
    if (!node.textContent.trim() || !box.getClientRects().length || box.closest(but)) continue
    const scale = box.ownerSVGElement ? Math.hypot(box.getScreenCTM().a, box.getScreenCTM().b) : 1
    const size = parseFloat(getComputedStyle(box).fontSize) * scale
    if (size < 11.9) found.push([node.textContent.slice(0, 30), size, box.closest('[data-testid]')?.dataset.testid])
  }
  return found
}
"""
"""Text below 12 pixels; indices and exponents are small everywhere."""


ZOOMED = {"viewport": {"width": LAPTOP["width"] // 2, "height": LAPTOP["height"] // 2}}
SMALL = {"phone": PHONE, "200%": ZOOMED, "320": {"viewport": {"width": 320, "height": 568}}}


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("path", "size", "scheme"),
    [
        *((path, "phone", ("light", "dark")[k % 2]) for k, path in enumerate(PAGES)),
        *((path, size, "light") for path in ("", "what_if") for size in ("200%", "320")),
        ("experiments?experiment=counting", "phone", "light"),
    ],
)
def test_nothing_is_cut_or_too_small_in_a_small_window(visit: Open, path: str, size: str, scheme: str) -> None:
    path, _, chosen = path.partition("?")
    query = {"lang": "en", **dict(parse_qsl(chosen))}
    page = visit(path, query, first=True, color_scheme=scheme, **SMALL[size])  # the menu stays open otherwise
    nothing(page, SIDEWAYS)
    if size == "phone":  # a finger and an eye find everything
        nothing(page, SMALLER)
        nothing(page, TINY)
        assert not violations(page)
    tools = [page.get_by_test_id(f"gt-{name}") for name in ("present", "share", "keys")]
    menu = page.get_by_test_id("stExpandSidebarButton")
    for tool in tools:
        expect(tool).to_be_in_viewport(ratio=1)
        tool.click(trial=True)
    apart(page, *tools, page.locator(".st-key-language"), menu)
    menu.click()
    link = page.get_by_role("link", name="Health", exact=True)
    expect(link).to_be_visible()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click(trial=True)  # nothing lies over it
    link.click()
    expect(link).not_to_be_in_viewport()  # the page is not behind the menu
    expect(page).to_have_url(re.compile("/health"))


@pytest.mark.parametrize(("lang", "pages", "title"), [("en", "Pages", "Gradients"), ("zh", "页面", "梯度")])
def test_a_page_says_which_it_is(visit: Open, lang: str, pages: str, title: str) -> None:
    """In the window's title and to a screen reader; on a phone, where the other pages are."""
    page = visit("gradients", {"lang": lang}, **PHONE)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page).to_have_title(f"{title} · Gatescope")
    button = page.get_by_test_id("stExpandSidebarButton")
    shown = button.evaluate("node => getComputedStyle(node, '::after').content")
    assert shown == f'"{pages}"'
    right, left = button.bounding_box(), page.locator(".gt-tools").bounding_box()
    assert right and left and right["x"] + right["width"] < left["x"]


def test_every_character_of_a_chinese_sentence_is_seen_on_a_phone(visit: Open) -> None:
    page = visit("", {"lang": "zh"}, **PHONE)
    words = page.get_by_test_id("gs-words-0").locator(".gs-word").all()
    assert len(words) == len(HOMES["zh"]["text"])
    apart(page, *words)
    for word in words:
        expect(word).to_be_visible()


BROKEN = """() => [...document.querySelectorAll('.gs-values dd')].filter((node) => {
  const range = document.createRange()
  range.selectNodeContents(node)
  return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1
}).map((node) => node.textContent)"""


@pytest.mark.parametrize("query", [{"text": "Mary met John and he"}, {"lang": "zh"}])
def test_a_value_and_what_it_means_stand_on_one_line_on_a_phone(visit: Open, query: dict[str, str]) -> None:
    page = visit("", query, **PHONE)
    expect(page.locator(".gs-values dd").filter(has_text=re.compile("[:：]"))).to_have_count(2)
    nothing(page, BROKEN)
    nothing(page, SIDEWAYS)


INK = "node => (node.querySelector('tspan:last-child') ?? node).getBoundingClientRect().toJSON()"


@pytest.mark.parametrize("path", ["gradients", "what_if"])
def test_every_character_stands_below_a_figure_on_a_phone(visit: Open, path: str) -> None:
    """In two lines, within the figure and over no other."""
    page = visit(path, {"lang": "zh"}, **PHONE)
    rested(page)
    text = list(HOMES["zh"]["text"])
    figures = [(one, one.locator(".xtick text").all()) for one in page.locator(".js-plotly-plot").all()]
    figure, labels = next(one for one in figures if [label.text_content() for label in one[1]] == text)
    boxes, whole = [label.evaluate(INK) for label in labels], figure.evaluate(INK)
    assert len({round(box["top"]) for box in boxes}) == 2 and max(box["bottom"] for box in boxes) <= whole["bottom"]
    for one, other in zip(boxes, boxes[2:], strict=False):
        assert one["right"] <= other["left"] + 0.5


def test_the_key_list_and_the_share_fit_on_a_phone(visit: Open) -> None:
    page = visit("", **PHONE)
    page.get_by_test_id("gt-keys").tap()
    expect(page.get_by_test_id("gt-help")).to_be_visible()
    box = page.get_by_test_id("gt-help").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.get_by_test_id("gt-close").tap()
    page.get_by_test_id("gt-share").tap()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("tab").first).to_be_visible()
    rested(page)
    assert dialog.evaluate("node => node.scrollWidth <= node.clientWidth + 1")


def test_a_drawing_wider_than_the_phone_shows_its_stage(visit: Open) -> None:
    page = visit("step_by_step", {"text": TEXT, "stage": "4"}, **PHONE)
    page.wait_for_function("() => document.querySelector('.gw-drawing-box').scrollLeft > 0")
    box = page.locator(".gw-drawing-box").first
    assert box.evaluate("node => node.scrollWidth > node.clientWidth")
    expect(box.locator(".gw-active").first).to_be_in_viewport()
