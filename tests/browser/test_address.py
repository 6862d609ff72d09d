"""The address holds the view on every page: what was chosen on one goes with the visitor to the next."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from dashboard.state import Settings
from tests.browser.gates import Gates, address, rested, turn

TEXT = "Anna was sad. Then Paul met Lucy and"
Open = Callable[..., Gates]


def test_a_change_of_page_keeps_the_view_in_the_address(gates: Gates) -> None:
    page = gates.page
    gates.box.fill(TEXT)
    gates.box.press("Enter")
    gates.shows(TEXT)
    page.get_by_test_id("gs-right").select_option("pronouns-rnn")
    for title in ("Memory", "What if", "Step by step", "Experiments", "Contrast", "Gates"):
        turn(page, title)
        path = "/" + title.lower().replace(" ", "_").replace("gates", "")
        if title == "Experiments":  # which reads no sentence
            expect(page).to_have_url(re.compile(path))
            continue
        expect(page).to_have_url(re.compile(rf"{path}\?.*right=pronouns-rnn"))
        address(page, text=TEXT)
        expect(gates.box).to_have_value(TEXT)
    page.reload()
    expect(gates.box).to_have_value(TEXT)
    expect(page.get_by_test_id("gs-right")).to_have_value("pronouns-rnn")


def test_the_word_and_the_unit_of_a_link_go_along(open_gates: Open) -> None:
    page = open_gates({"at": "11", "unit": "8"}).page
    turn(page, "Memory")
    expect(page.get_by_test_id("gc")).to_have_attribute("data-step", "11")
    expect(page.get_by_role("combobox", name="LSTM unit")).to_have_value(re.compile("unit 8"))
    turn(page, "Step by step")
    expect(page.get_by_test_id("gw")).to_have_attribute("data-at", "11")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_test_id("gw")).to_have_attribute("data-at", "12")
    turn(page, "Contrast")
    expect(page.get_by_test_id("gc")).to_have_attribute("data-step", "12")
    address(page, at="12", unit="8")


def test_the_end_of_a_tour_leads_back(gates: Gates) -> None:
    page = gates.page
    gates.box.fill(TEXT)
    gates.box.press("Enter")
    gates.shows(TEXT)
    turn(page, "Memory")
    expect(page.get_by_test_id("gc")).to_have_attribute("data-ready", "1")
    page.get_by_test_id("gt-tours").click()
    page.get_by_test_id("gt-tour-lstm-or-gru").click()
    expect(page.get_by_test_id("gt-place")).to_have_text(re.compile("^1 / "))
    gates.shows("Mary went to the market because she was hungry. Then John met Anna and he")
    page.get_by_test_id("gt-end").click()
    expect(page).to_have_url(re.compile("/memory"))
    rested(page)
    expect(gates.box).to_have_value(TEXT)
    address(page, tour=None)


def test_another_task_brings_its_own_example_but_what_was_typed_stays(gates: Gates) -> None:
    left = gates.page.get_by_test_id("gs-left")
    left.select_option("pronouns-peephole")
    gates.of(left="pronouns-peephole")
    gates.has(text="Mary went to the market because she was hungry. Then John met Anna and he")
    left.select_option("copy-lstm")
    gates.shows("daf..........?da")
    gates.box.fill("fad...?")
    gates.shows("fad...?")
    left.select_option("anbn-lstm")
    expect(gates.page.locator(".gs-column-title").first).to_contain_text("anbn-lstm")
    gates.has(text="fad...?")


@pytest.mark.parametrize("page_name", ["", "memory"])
def test_an_address_in_another_language_opens_what_it_shows(open_gates: Open, page_name: str) -> None:
    gates = open_gates({}, page_name)
    page = gates.page
    page.locator(".st-key-language").get_by_role("combobox").click()
    page.get_by_role("option", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    rested(page)
    home = Settings()
    address(page, lang="zh", text=home.text, left=home.left, right=home.right)
    page.goto(page.url)
    expect(gates.box).to_have_value(home.text)
    expect(page.get_by_test_id("gs-left")).to_have_value(home.left)


def test_the_cursor_is_the_same_on_every_page_in_every_language_and_with_other_models(open_gates: Open) -> None:
    """Of a link, and of the text that a visitor sees first: nobody has moved it."""
    for query, at in (({}, 14), ({"text": "Mary met John and he", "at": "2"}, 2)):
        gates = open_gates(query)
        page, step = gates.page, str(at)
        expect(gates.plot).to_have_attribute("data-step", step)
        turn(page, "Memory")
        expect(page.get_by_test_id("gc")).to_have_attribute("data-step", step)
        turn(page, "Gates")
        gates.has(step=step)
        page.get_by_test_id("gs-right").select_option("pronouns-rnn")
        expect(page.get_by_test_id("gs-next-1")).to_contain_text("RNN")
        gates.has(step=step)
        page.locator(".st-key-language").get_by_role("combobox").click()
        page.get_by_role("option", name="中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh")
        gates.has(step=step)
        turn(page, "逐步讲解")
        expect(page.get_by_test_id("gw")).to_have_attribute("data-at", step)


def test_what_an_address_names_and_nothing_has_is_left_alone(open_gates: Open) -> None:
    """Units before the first and behind the last, a layer of another model, an order that every object has."""
    gates = open_gates({"sort": "constructor", "unit": "-1", "layer": "9", "direction": "7"})
    assert gates.plot.get_attribute("data-sort") == "index" and gates.get("unit") >= 0
    expect(gates.page.get_by_test_id("gs-layer")).to_have_value("0")
    page = open_gates({"unit": "-3", "unit2": "999"}, path="step_by_step").page
    for side in range(2):
        assert int(page.get_by_test_id(f"gw-unit-{side}").input_value()) in range(64)


def test_back_leads_to_what_was_chosen_before_at_the_first_press(open_gates: Open) -> None:
    """Nothing writes the choice that was left into the address that Back leads to: the two entries would be alike."""
    page = open_gates({}, path="compare").page
    expect(page.get_by_test_id("gc-verdict")).to_be_visible()
    chosen = page.get_by_role("radiogroup").first.get_by_role("radio", checked=True)
    expect(chosen).to_have_text("a copy with a fault")
    before = page.url
    page.get_by_text("the model on the right", exact=True).click()
    expect(page).to_have_url(re.compile("beside=the"))
    rested(page)
    for back, url, shown in (
        (True, re.compile(re.escape(before) + "$"), "a copy with a fault"),
        (False, re.compile("beside=the"), "the model on the right"),
    ):
        (page.go_back if back else page.go_forward)()
        expect(chosen).to_have_text(shown)
        rested(page)
        expect(page).to_have_url(url)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_an_example_keeps_the_models_that_propose_it_and_so_does_a_reload(open_gates: Open, locale: str) -> None:
    """The general pair proposes the small pair's own sentence, and the small pair's button is a choice."""
    gates = open_gates({}, locale=locale)
    page, general = gates.page, {"left": "general-lstm", "right": "general-gru"}
    home = {"left": Settings().left, "right": Settings().right}
    gates.box.fill("Mary and John were late because")
    gates.of(**general)
    first = page.get_by_test_id("gs-chip").first
    expect(first).to_have_attribute("title", Settings().text)
    first.click()
    gates.shows(Settings().text)
    gates.of(**general)
    expect(page.get_by_test_id("gs-left")).to_have_value(general["left"])
    page.goto(address(page, picked="1", **general))
    gates.shows(Settings().text)
    gates.of(**general)
    gates = open_gates({}, locale=locale)
    page = gates.page
    gates.box.fill("Mary and John were late because")
    gates.of(**general)
    page.get_by_test_id("gs-instead").click()
    gates.of(**home)
    gates.box.fill(Settings().text)  # which they would read anyway
    gates.shows(Settings().text)
    page.goto(address(page, picked="1"))
    gates.shows(Settings().text)
    for text in ("Priyanka told Vihaan that", "Mary and John were late because"):
        gates.box.fill(text)
        gates.shows(text)
        gates.of(**home)
    turn(page, page.get_by_role("link").nth(1).inner_text())
    address(page, picked="1", **home)
