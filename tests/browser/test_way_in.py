"""The way in: a line on the first visit, the menu of tours, rings that nothing covers, a cell opens step by step."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from benchmarks.browser import Server
from dashboard.state import Settings
from dashboard.talk.tour import shipped
from tests.browser.gates import LAPTOP, Gates, arrived, found, rested

Open = Callable[..., Gates]
WALL = {"width": 1920, "height": 1080}
FREE = """() => {
  const bar = document.querySelector(".gt-bar")?.getBoundingClientRect().top
  const rings = Array.from(document.querySelectorAll(".gt-ring:not([hidden])"), (ring) => ring.getBoundingClientRect())
  const free = (box) => Math.min(box.top, box.left) >= 0 && box.right <= innerWidth && box.bottom <= bar
  const done = rings.length > 0 && rings.every(free)
  window.since = done ? (window.since ?? performance.now()) : undefined
  return performance.now() - window.since > 300
}"""
"""Whether everything that is ringed is free of the bar and within the window, and has been so for a while."""
ABOVE = """() => {
  const [line, stage] = ["gt-welcome", "gs-stage"].map((test) => document.querySelector(`[data-testid=${test}]`))
  const [above, below] = [line, stage].map((node) => node?.getBoundingClientRect())
  return above?.bottom <= below?.top && below.top <= 300
}"""


def test_a_first_visit_is_offered_the_tour_and_the_next_one_is_not(open_gates: Open) -> None:
    page = open_gates(first=True).page
    line = page.get_by_test_id("gt-welcome")
    expect(line).to_be_visible()
    tour = shipped()["what-the-gates-do"]
    expect(line).to_contain_text(f"{len(tour.views)} stops, {tour.minutes} minutes")
    found(page, ABOVE)
    page.get_by_test_id("gt-welcome-tour").click()
    expect(page.get_by_test_id("gt-place")).to_have_text(f"1 / {len(tour.views)}")
    expect(line).to_be_hidden()
    page.get_by_test_id("gt-end").click()
    expect(page.get_by_test_id("gt-bar")).to_be_hidden()
    page.reload()
    arrived(page)
    page.get_by_test_id("gs-plot").dispatch_event("gs:repaint")
    assert line.count() == 0


def test_the_menu_starts_a_tour_whose_headline_is_about_the_word(standing: Gates) -> None:
    gates, page = standing, standing.page
    page.get_by_test_id("gt-tours").click()
    names = page.get_by_test_id("gt-menu").locator("li button")
    expect(names).to_have_text(["What the gates do", "LSTM or GRU", "Other sentences, other networks"])
    page.get_by_test_id("gt-tour-what-the-gates-do").click()
    for stop in range(1, 5):
        expect(page.get_by_test_id("gt-place")).to_have_text(f"{stop} / 12")
        gates.has(text=Settings().text, ready=1)
        rested(page)
        if stop < 4:
            page.keyboard.press("PageDown")
    gates.has(only="keep", step=11)
    expect(page.locator(".gs-caption")).to_have_text(
        "At “John”, LSTM’s gender (unit 0): f = 0.08; GRU’s gender (unit 6): z = 0.03."
    )
    page.get_by_test_id("gt-end").click()
    gates.has(only="")


def test_terms_open_where_they_stand(standing: Gates) -> None:
    page = standing.page
    page.get_by_test_id("reading").get_by_role("link", name="forget gate").click()
    expect(page.get_by_test_id("terms").get_by_text("what share of the old cell state is kept")).to_be_visible()
    page.get_by_test_id("terms").get_by_text("softmax", exact=True).click()
    expect(page.get_by_test_id("terms").get_by_text("what share of the old cell state is kept")).to_be_hidden()


def test_words_are_tinted_and_a_cell_opens_step_by_step(gates: Gates) -> None:
    page = gates.page
    words = page.get_by_test_id("gs-words-0")

    def tint(word: str) -> int:
        """Of the word's ground, how many hundredths are colour; the rest lets what is behind it through."""
        ground = words.get_by_text(word, exact=True).evaluate("node => getComputedStyle(node).backgroundColor")
        found = re.search(r"/ ([\d.]+)\)|rgba\(.*, ([\d.]+)\)", ground)
        return round(100 * float(found[1] or found[2])) if found else 0

    assert 10 * tint("was") < tint("John") < 60
    box = gates.box_of("keep")
    page.mouse.dblclick(
        box["left"] + 11.5 / 16 * (box["right"] - box["left"]), box["top"] + 3.5 / 16 * (box["bottom"] - box["top"])
    )
    expect(page).to_have_url(re.compile("/step_by_step"))
    expect(page.get_by_test_id("gw")).to_have_attribute("data-at", "11")
    expect(page.get_by_test_id("gw-unit-0")).to_have_value("3")
    expect(page.locator(".gw-word.gw-here")).to_have_text("John")


def stops() -> list[tuple[str, int]]:
    """Those that ring something; what stands on one page alike is looked at once."""
    found = [(name, k + 1) for name, tour in shipped().items() for k, view in enumerate(tour.views) if view.ring]
    return sorted(found, key=lambda one: shipped()[one[0]].views[one[1] - 1].page != "step_by_step")


@pytest.mark.every(9)
@pytest.mark.parametrize("size", [LAPTOP, WALL], ids=["laptop", "wall"])
@pytest.mark.parametrize(("tour", "stop"), stops())
def test_the_bar_never_covers_what_is_ringed(open_gates: Open, tour: str, stop: int, size: dict[str, int]) -> None:
    present = {"present": "1"} if size == WALL else {}
    page = open_gates({"tour": tour, "stop": str(stop), **present}, None, viewport=size).page
    found(page, FREE)


def test_what_a_stop_names_is_on_its_side_is_seen_and_is_pressed_even_where_a_talk_hides_it(
    open_gates: Open, server: Server
) -> None:
    page = open_gates({"tour": "lstm-or-gru", "stop": "2", "present": "1"}, None, viewport=WALL).page
    rings = page.locator(".gt-ring:not([hidden])")
    expect(rings).to_have_count(3)  # o in the drawing, o in numbers, and what the GRU shows
    left = rings.evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert sorted(x > WALL["width"] / 2 for x in left) == [0, 0, 1]
    size = "node => parseFloat(getComputedStyle(node).fontSize)"
    assert page.get_by_test_id("gt-place").evaluate(size) >= 24  # the bar is not enlarged with the page
    page.goto(f"{server.url}/?tour=what-the-gates-do&stop=9&present=1")
    expect(rings.first).to_be_visible()
    scale = "node => parseFloat(getComputedStyle(node).getPropertyValue('--gs-scale'))"
    word = page.get_by_test_id("gs-words-0").locator(".gs-word").first
    assert word.evaluate(size) * page.locator("html").evaluate(scale) >= 24  # which the bar makes smaller
    page.goto(f"{server.url}/?tour=other-sentences&stop=11&present=1")
    expect(rings).to_have_count(2)  # "open" and "shut", of an exercise that is on
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/?tour=other-sentences&stop=8")
    expect(rings).to_have_count(2)
    words = page.get_by_test_id("gs-words-0")
    for word in ("princess", "saw", "and"):
        expect(words.get_by_text(word, exact=True)).to_be_visible()
