"""What somebody is told who was never here, once, and an audience never."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.gates import Held, apart, arrived
from tests.browser.tabs import PHONE, TEXT, Open


def test_a_first_visitor_is_told_three_things_once(visit: Open) -> None:
    page = visit("", {"text": TEXT}, first=True)
    hints = page.get_by_test_id("gt-hints")
    expect(hints.locator("li")).to_have_count(3)
    apart(page, hints, page.get_by_test_id("gs-stage"), page.get_by_test_id("gs-readout"))
    page.get_by_test_id("gs-sentence").fill("Anna met John")
    expect(page.get_by_test_id("gs-plot")).to_have_attribute("data-text", "Anna met John")
    expect(hints.locator("li")).to_have_count(3)  # until they are put away
    close = page.get_by_test_id("gt-hint-close")
    close.first.focus()
    for left in (2, 1):
        page.keyboard.press("Enter")
        expect(close).to_have_count(left)
        expect(close.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(hints).to_have_count(0)
    expect(page.get_by_test_id("gs-stage")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("gs-plot")).to_have_attribute("data-step", "1")
    page.reload()
    told_nothing(page)


def test_a_first_visitor_sees_the_figure_on_the_first_screen_at_200_per_cent(visit: Open) -> None:
    page = visit("", {"text": TEXT}, first=True, viewport={"width": 683, "height": 384})
    expect(page.get_by_test_id("gt-welcome")).to_be_visible()
    expect(page.get_by_test_id("gs-stage")).to_be_in_viewport()
    expect(page.get_by_test_id("gs-plot")).to_have_attribute("data-ready", "1")


def told_nothing(page: Page) -> None:
    """Not even when the figure has been drawn once more."""
    arrived(page)
    page.get_by_test_id("gs-plot").dispatch_event("gs:repaint")
    assert page.get_by_test_id("gt-hints").count() == 0


def test_a_second_visit_is_told_nothing(visit: Open) -> None:
    """Nor does it matter on the first one whether what tells it comes before the figure."""
    page = visit("", first=True)
    expect(page.get_by_test_id("gt-hints")).to_be_visible()
    page.reload()
    told_nothing(page)
    page.evaluate("localStorage.clear()")
    tools = Held(page, "**/talk/talk.js")
    page.reload()
    expect(page.get_by_test_id("gs-plot")).to_have_attribute("data-ready", "1")
    tools.let_go()
    expect(page.get_by_test_id("gt-hints")).to_be_visible()


@pytest.mark.parametrize("query", [{"present": "1"}, {"tour": "what-the-gates-do"}], ids=["presenting", "in a tour"])
def test_an_audience_is_told_nothing(visit: Open, query: dict[str, str]) -> None:
    told_nothing(visit("", query, first=True))


def test_hints_hide_while_presenting_and_speak_the_visitors_language(visit: Open) -> None:
    page = visit("", {"lang": "zh"}, first=True, **PHONE)
    hints = page.get_by_test_id("gt-hints")
    expect(hints.locator("span")).to_have_text(["在上面一行输入你自己的句子。", "在图上拖动即可移动光标。"])
    apart(page, hints, page.get_by_test_id("gs-stage"), page.get_by_test_id("gs-readout"))
    page.keyboard.press("p")
    expect(hints).to_be_hidden()
    page.keyboard.press("p")
    expect(hints).to_be_visible()
