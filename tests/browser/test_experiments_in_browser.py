"""The page "Experiments" in a real browser: the wall, a card that opens, a text that is read, a network that learns."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lab.experiments import discover
from tests.browser.gates import Gates, found, rested, turn

Open = Callable[..., Page]
DRAWN = """([least, most]) => {
  const [loss, keep] = ["loss", "keep"].map((id) => document.querySelector(`[data-testid=gc-${id}] .js-plotly-plot`))
  const step = loss?.layout?.shapes?.[0]?.x0
  return step >= least && step <= most && keep?.data && { step, keep: keep.data[0].z[0].join() }
}"""
"""The checkpoint that is drawn, once it is of a step between these, and the first unit's keep gate in it."""


@pytest.fixture
def open_wall(open_gates: Callable[..., Gates]) -> Open:
    """``open_wall(**context options)`` opens the app on the wall of cards."""
    return lambda **options: open_gates(None, "experiments", **options).page


def chart(page: Page):
    return page.locator("[data-testid=gc][data-ready]")


def test_every_experiment_has_a_card_that_opens_and_reads_a_typed_text(open_wall: Open) -> None:
    page = open_wall()
    expect(page.locator(".gx-card")).to_have_count(len(discover()))
    keys = page.get_by_test_id("gx-conveyor-belt").locator(".gx-key")  # a dashed line is dashed in the legend
    expect(keys.nth(3)).to_have_css("border-top-style", "dashed")
    expect(keys.nth(2)).to_have_css("border-top-style", "none")
    page.get_by_test_id("gx-weighted-sum").click()
    expect(page.get_by_test_id("gx")).to_be_hidden()  # its cards are headings, too
    expect(page.get_by_role("heading", name="Memory is a weighted sum")).to_be_visible()
    expect(page).to_have_url(re.compile("experiment=weighted-sum"))
    expect(chart(page).first.locator(".js-plotly-plot")).to_have_count(1)
    expect(page.get_by_text("What would disprove it.")).to_be_visible()
    page.get_by_role("button", name="All experiments").click()
    expect(page.get_by_test_id("gx")).to_be_visible()
    page.get_by_test_id("gx-subject").focus()  # and by key
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("gx")).to_be_hidden()
    expect(page.get_by_role("heading", name=discover()["subject"].title)).to_be_visible()
    box = page.get_by_role("textbox", name="Text")
    box.fill("Mary met John because")
    box.press("Enter")
    words = page.locator(".gc-words").last
    expect(words).to_have_text(re.compile("Mary.*met.*John.*because", re.DOTALL))
    expect(page.get_by_test_id("gc-next0").locator("h2")).to_contain_text("because")
    there = re.compile(r"^\./\?text=Mary%20met%20John%20because&left=pronouns-lstm")
    expect(page.get_by_role("link", name="Open in Gates")).to_have_attribute("href", there)


def test_a_text_to_try_opens_at_its_end_wherever_one_comes_from(gates: Gates) -> None:
    page = gates.page  # at a step of the sentence there
    turn(page, "Experiments")
    for name in ("counting", "conveyor-belt", "weighted-sum"):
        page.get_by_test_id(f"gx-{name}").click()
        words = page.locator(".gc-words").last.get_by_role("option")
        expect(words.last).to_have_attribute("aria-selected", "true")
        expect(page.get_by_test_id("gc-next0").locator(".js-plotly-plot")).to_have_count(1)
        rested(page)
        expect(words.last).to_have_attribute("aria-selected", "true")
        page.get_by_role("button", name="All experiments").click()
        expect(page.get_by_test_id("gx")).to_be_visible()


def test_a_network_learns_while_one_watches_and_the_slider_goes_back(open_wall: Open) -> None:
    page = open_wall()
    page.get_by_role("button", name="Train it yourself").click()
    page.get_by_role("button", name="Train", exact=True).click()
    live = chart(page)
    expect(live.locator(".js-plotly-plot")).to_have_count(4)
    task = page.locator(".st-key-train-task")
    expect(task).to_be_visible()
    page.keyboard.press("p")
    expect(task).to_be_hidden()  # in a talk, what cannot be changed while it learns
    page.keyboard.press("p")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("^paused"))).to_be_visible()
    paused = drawn(page)["step"]
    page.get_by_role("button", name="Go on").click()
    drawn(page, least=paused + 1)
    page.get_by_role("button", name="Stop").click()
    slider = page.get_by_role("slider", name="Checkpoint")
    expect(slider).to_be_visible()
    last = drawn(page)
    slider.press("Home")
    assert drawn(page, most=0)["keep"] != last["keep"]


def drawn(page: Page, least: int = 0, most: int = 10**9) -> dict[str, Any]:
    return found(page, DRAWN, [least, most])


def test_nothing_is_wider_than_the_window(open_wall: Open) -> None:
    page = open_wall(viewport={"width": 390, "height": 768})
    for width in (390, 1024, 1366):
        page.set_viewport_size({"width": width, "height": 768})
        found(
            page, "() => { const wall = document.querySelector('.gx'); return wall?.scrollWidth <= wall?.clientWidth }"
        )
    page.get_by_test_id("gx-subject").click()
    expect(chart(page).first).to_be_visible()
    for width in (1366, 1024, 390):
        page.set_viewport_size({"width": width, "height": 768})
        found(page, "width => document.documentElement.scrollWidth <= width", width)
