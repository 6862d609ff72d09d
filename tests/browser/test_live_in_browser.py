"""The saved page that lives, opened from the disk without a network: what is typed there is read there."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from dashboard.cache import typed
from lstm_core import load_model
from lstm_core.drawing.expected import next_words
from lstm_core.drawing.words import visible
from tests.browser.firefox import find_firefox, firefox
from tests.browser.gates import LAPTOP, Gates, fits, found
from tests.test_export import HOSTILE
from tests.test_live import PAIRS, TEXTS, saved

Open = Callable[..., Gates]
SENTENCES = (
    "Mary saw John because she",
    "John met Anna and he",
    "The king loved the queen, but",
    "Zorblax went home",
    "She said “no” and left.",
    "The nurse (who was tired) met the boy... and",
    "   spaces   and\ttabs ",
    "Émile, 她 and İstanbul",
    "</script><script>alert(1)</script> <img src=x onerror=alert(1)>",
    "😀 👨‍👩‍👧 \u202eback",
)
CLOSE = 1e-5
SINGLE = 5e-5
"""How far the library's float32 is from double precision over words at random, see tests/test_javascript.py."""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("live")
    found = {}
    for pair in ("pronouns", "general", "chinese"):
        found[pair] = folder / f"{pair}.html"
        found[pair].write_bytes(saved(pair))
    return found


@pytest.fixture(scope="module")
def shown(open_file_standing: Open, files: dict[str, Path]) -> Open:
    """``shown("pronouns")``: that page as the test before has left it, and the first text."""
    opened = cache(lambda pair: open_file_standing(files[pair]))

    def shown(pair: str) -> Gates:
        gates = opened(pair)
        gates.box.fill(TEXTS[0])
        gates.shows(TEXTS[0])
        return gates

    return shown


def equals_the_library(gates: Gates, pair: str, text: str) -> None:
    """Every row that is drawn of a unit, and the likeliest next word."""
    for side, name in enumerate(PAIRS[pair]):
        model = load_model(name)
        trace = model.run(typed(text, model.tokenizer), device="cpu")
        for role in ("keep", "write", "hidden", "candidate", "cell"):
            values = trace.role(role)
            if values is None:
                continue
            units = values[0, 0, :, 0].T
            found = gates.panel(role, side).astype(float)
            rows = found[: min(len(units), 24)]
            whole = rows - units if len(rows) == len(units) else np.zeros(1)
            assert np.abs(whole).max() < CLOSE, (text, name, role)
            for row in rows:  # of a wide layer some units have a row, in the order of their numbers
                assert np.abs(units - row).max(-1).min() < CLOSE, (text, name, role)
        (word, share), *_ = next_words(model, trace, model.likeliest(trace, 5))[-1]
        bar = gates.page.get_by_test_id(f"gs-next-{side}").locator(".gs-bar").first
        expect(bar.locator(".gs-bar-word")).to_have_text(visible(word))
        assert abs(float(bar.locator(".gs-bar-value").inner_text().strip("<> %")) - 100 * share) < 0.51


NIGHTLY = bool(os.environ.get("NIGHTLY"))
COUNT = 200 if NIGHTLY else 6
READ = ["pronouns", "general"] if NIGHTLY else ["pronouns"]
TYPE = """text => new Promise((done, fail) => {
    const plot = document.querySelector("[data-testid=gs-plot]")
    const look = () => {
        if (plot.dataset.text !== text) return
        plot.removeEventListener("gs:repaint", look)
        clearTimeout(late)
        const { data } = document.querySelector("[data-testid=gs-swift]")
        const rows = data.filter(one => one.type === "heatmap")
            .map(one => [one.meta.side, one.meta.role, one.z.map(row => Array.from(row))])
        done(rows)
    }
    const late = setTimeout(() => fail(new Error("not drawn: " + text)), 20000)
    plot.addEventListener("gs:repaint", look)
    const box = document.querySelector("[data-testid=gs-sentence]")
    box.value = text
    box.dispatchEvent(new InputEvent("input"))
})"""
"""Types a text in whichever browser, and says what is drawn of it: rows by side and role."""


def sentences(pair: str) -> list[str]:
    """Drawn from what the models know and what they do not, each a text of its own."""
    draw, words = random.Random(7), [*load_model(PAIRS[pair][0]).tokenizer.pieces[1:400], "Zorblax", "Émile", "”", "42"]
    return [f"{k} {' '.join(draw.choices(words, k=draw.randint(1, 20)))}" for k in range(COUNT)]


def drawn_as_the_library_reads_it(pair: str, text: str, drawn: list[Any]) -> None:
    """Every row that is drawn of a unit, of however many the layer has."""
    assert drawn, text
    for side, name in enumerate(PAIRS[pair]):
        model = load_once(name)
        trace = model.run(typed(text, model.tokenizer), device="cpu")
        for which, role, rows in drawn:
            values = trace.role(role) if which == side else None
            if values is None:
                continue
            units = values[0, 0, :, 0].T
            for row in np.array(rows, float)[: min(len(units), 24)]:
                assert np.abs(units - row).max(-1).min() < SINGLE, (text, name, role)


load_once = cache(load_model)


@pytest.mark.parametrize("pair", READ)
def test_sentences_in_firefox(pair: str, files: dict[str, Path]) -> None:
    if (path := find_firefox()) is None:
        pytest.skip("no Firefox is installed (Debian: apt install firefox-esr)")
    with firefox(path) as browser:
        browser.goto(files[pair].as_uri())
        browser.wait_for("document.querySelector('#waiting')?.hidden && document.querySelector('[data-ready]')")
        for text in sentences(pair):
            drawn_as_the_library_reads_it(pair, text, browser.evaluate(TYPE, text))


@pytest.mark.parametrize("pair", READ)
def test_sentences_in_chromium(pair: str, shown: Open) -> None:
    gates = shown(pair)
    for text in sentences(pair):
        drawn_as_the_library_reads_it(pair, text, gates.page.evaluate(TYPE, text))


def test_what_is_typed_is_read_as_the_library_reads_it(shown: Open) -> None:
    for pair in ("pronouns", "general"):
        gates = shown(pair)
        expect(gates.page.locator("#waiting")).to_be_hidden()
        for text in SENTENCES:
            gates.box.fill(text)
            gates.shows(text)
            equals_the_library(gates, pair, text)
        assert gates.page.locator("img").count() == 0


def test_it_is_handled_as_the_page(shown: Open) -> None:
    gates = shown("pronouns")
    gates.stage.focus()
    gates.page.keyboard.press("Home")
    gates.has(step=0)
    gates.page.keyboard.press("Space")
    gates.has(playing=0, step=gates.get("steps") - 1)
    gates.page.get_by_test_id("gs-unit-0").select_option("4")
    gates.has(unit=4)
    expect(gates.page.get_by_test_id("gs-wrote-0")).to_contain_text("unit 4")
    with gates.page.expect_download() as waited:
        gates.page.get_by_test_id("gs-png").click()
    assert waited.value.suggested_filename == "gatescope.png"
    word = gates.page.get_by_test_id("gs-next-0").locator(".gs-bar-word").first.inner_text()
    gates.page.get_by_test_id("gs-next-0").locator(".gs-bar").first.click()
    gates.shows(f"{TEXTS[0]} {word}")
    gates.page.get_by_test_id("gs-chip").nth(1).click()
    gates.has(text=load_model("pronouns-lstm").meta["examples"][1]["text"])


def test_the_colours_are_those_of_the_values(shown: Open) -> None:
    """The canvas has at the middle of each cell what the scale says of its value."""
    gates = shown("pronouns")
    read = """() => {
        const { data, layout } = document.querySelector("[data-testid=gs-swift]")
        const canvas = document.querySelector("[data-testid=gs-swift] canvas")
        const { data: pixels } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
        return data.filter(one => one.type === "heatmap" && one.z.length).map(one => {
            const [row, column] = [one.z.length - 1, one.z[0].length >> 1]
            const [x, y] = [one.x0 + column * one.dx, one.y0 + row * one.dy]
            const { colorscale, cmin, cmax } = layout[one.coloraxis]
            const value = one.z[row][column]
            const from = 4 * (Math.floor(y) * canvas.width + Math.floor(x))
            return { value, colorscale, cmin, cmax, seen: Array.from(pixels.slice(from, from + 4)) }
        })
    }"""
    drawn = gates.page.evaluate(read)
    assert len(drawn) > 8
    for one in drawn:
        places, colours = zip(*one["colorscale"], strict=True)
        share = np.clip((one["value"] - one["cmin"]) / (one["cmax"] - one["cmin"]), 0, 1)
        channels = zip(*([int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in colours), strict=True)
        expected = [np.interp(share, places, channel) for channel in channels]
        np.testing.assert_allclose(one["seen"], [*expected, 255], atol=4)


def test_a_tour_is_in_the_file_and_asks_what_if(shown: Open) -> None:
    gates = shown("pronouns")
    page = gates.page
    page.get_by_test_id("gt-tours").click()
    page.get_by_test_id("gt-tour-what-the-gates-do").click()
    for number in range(1, 11):
        expect(page.get_by_test_id("gt-place")).to_have_text(f"{number} / 10")
        if number < 10:
            page.keyboard.press("PageDown")
    verdict = page.get_by_test_id("gs-verdict-0")
    expect(verdict).to_contain_text("With f = 1 and i = 0 at “John”, after “and” the LSTM expects “she” (89\u202f%)")
    page.get_by_test_id("gt-end").click()
    page.locator("[data-chip='0 none']").click()
    expect(verdict).to_contain_text("Nothing is changed")
    page.locator("[data-chip='0 silence']").click()
    expect(verdict).to_contain_text("With h = 0 at “and”")
    told = gates.box.input_value()
    gates.stage.focus()
    page.keyboard.press("Home")
    expect(verdict).to_contain_text("nothing is different yet after “Mary”")
    gates.box.fill("Mary")  # what is forced stays where it was, as in the app
    expect(page.locator("#if")).to_contain_text("h = 0 at no step here")
    expect(verdict).to_contain_text("Nothing is changed: after “Mary” the LSTM")
    gates.box.fill(told)
    expect(verdict).to_contain_text("With h = 0 at “and”")
    gates.box.fill("")
    gates.has(text="", steps=0)
    gates.box.fill(HOSTILE)
    expect(verdict).to_contain_text("after “>” the LSTM")
    assert page.locator("img").count() == 0


REPAINTS = """text => new Promise(done => {
    const plot = document.querySelector("[data-testid=gs-plot]")
    const said = () => plot.dataset.text === text
        && done([plot.dataset.whole, plot.querySelector(".gs-bar-word").textContent])
    plot.addEventListener("gs:repaint", said)
    const box = document.querySelector("[data-testid=gs-sentence]")
    box.value = text
    box.dispatchEvent(new InputEvent("input"))
})"""
"""Types a text, and says which next word stands first when it is drawn, and whether it is whole."""


def test_a_key_does_not_wait_for_the_ends_of_next_words(shown: Open) -> None:
    gates = shown("general")
    text = "I grew up in Norway and I speak"
    assert gates.page.evaluate(REPAINTS, text) == ["0", "Nor"]
    gates.has(whole=1)
    expect(gates.plot.locator(".gs-bar-word").first).to_have_text("Nor(wegian)")
    gates.box.fill(f"{text} it")
    gates.shows(f"{text} it")
    assert gates.page.evaluate(REPAINTS, text) == ["1", "Nor(wegian)"]  # the network is asked once


def test_step_by_step_walks_as_far_as_is_read(shown: Open) -> None:
    gates = shown("general")
    gates.page.get_by_test_id("gs-steps").click()
    gates.box.fill("word " * 380)
    row = gates.page.locator("#steps .gw-word")
    expect(row).to_have_count(1 + 380, timeout=60_000)  # the end of another text is read before it
    expect(gates.page.get_by_test_id("gs-steps")).to_have_text("Step by step")
    gates.page.locator("#steps .gw-stages button").last.click()
    expect(gates.page.locator("#steps [data-testid=gw-expects]").first).to_be_visible()  # after the last word
    gates.box.fill("Mary")
    gates.shows("Mary")
    expect(row).to_have_count(1 + 1)
    gates.page.get_by_test_id("gs-steps").click()


def test_an_empty_line_and_ten_thousand_words_are_sentences(shown: Open) -> None:
    gates = shown("general")
    gates.page.get_by_test_id("gs-steps").click()
    gates.page.get_by_test_id("gs-if").click()
    gates.box.fill("")
    gates.has(text="", steps=0)
    expect(gates.page.locator("#figure").get_by_test_id("gs-empty")).to_be_visible()
    for below in ("#steps", "#if", "#wrote", "gs-steps"):  # nothing is left of the sentence before
        place = gates.page.get_by_test_id(below) if below.startswith("gs") else gates.page.locator(below)
        expect(place).to_be_hidden()
    gates.box.fill("word " * 10_000)
    expect(gates.page.locator("#waiting")).to_contain_text("still being read")
    gates.box.fill("John")  # another text need not wait for it
    gates.shows("John")
    expect(gates.page.locator("#waiting")).to_be_hidden()
    gates.box.fill("word " * 10_000)
    expect(gates.page.get_by_test_id("gs-notice")).to_contain_text("are shown")
    gates.box.fill("Mary")
    gates.shows("Mary")
    equals_the_library(gates, "general", "Mary")


def test_it_fits_a_phone_and_speaks_chinese(open_file: Open, files: dict[str, Path]) -> None:
    gates = open_file(files["chinese"], viewport=PHONE, color_scheme="dark")
    fits(gates.page)
    gates.box.fill("a" * 400)
    gates.shows("a" * 400)
    fits(gates.page)
    gates.box.fill("王女士说她")
    gates.shows("王女士说她")
    equals_the_library(gates, "chinese", "王女士说她")
    gates.box.fill("Mary met John and Anna and he")
    gates.page.set_viewport_size({"width": 300, "height": 844})
    found(gates.page, "box => box.scrollHeight <= box.clientHeight", gates.box.element_handle())
    gates.page.set_viewport_size(LAPTOP)
    fits(gates.page)


@pytest.mark.parametrize("how", ["a byte", "a half", "a tenth"])
def test_a_damaged_file_says_so(disk: BrowserContext, files: dict[str, Path], tmp_path: Path, how: str) -> None:
    page = files["pronouns"].read_text(encoding="utf-8")
    start = page.index('id="network-0">') + 5000
    letter = "A" if page[start] != "A" else "B"
    broken = page[:start] + letter + page[start + 1 :] if how == "a byte" else page[: start + 5000]
    broken = page[: len(page) // 10] if how == "a tenth" else broken
    path = tmp_path / "broken.html"
    path.write_text(broken, encoding="utf-8")
    shown = disk.new_page()
    shown.goto(path.as_uri())
    expect(shown.get_by_text("damaged")).to_be_visible()
    shown.close()


UNTIL_TOLD = """async (box, [text, key]) => {
  const notice = () => document.querySelector("[data-testid=gs-notice]:not([hidden])")?.textContent ?? ""
  const word = text.split(" ").at(-1)
  box.value = text
  box.dispatchEvent(new Event("input", { bubbles: true }))
  if (key) box.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }))
  const begun = performance.now()
  while (!notice().includes(word)) await new Promise(requestAnimationFrame)
  return performance.now() - begun
}"""
"""Milliseconds until the last word of what is typed is called unknown, by the clock of the page."""


def test_a_saved_page_calls_a_word_unknown_when_it_is_finished(shown: Open) -> None:
    gates = shown("pronouns")
    assert gates.box.evaluate(UNTIL_TOLD, ["Mary went to the marke", ""]) > 1000  # after a pause
    words = (f"Mary went to the {word}" for word in ("hou", "gard", "marke", "kitche", "scho"))
    assert any(gates.box.evaluate(UNTIL_TOLD, [text, "Enter"]) < 1000 for text in words)


SLICES = """() => new Promise(done => {
  let [clock, slices] = [0, 0]
  performance.now = () => (clock += 10)
  const later = window.setTimeout
  window.setTimeout = (act, ...how) => later(() => {
    const before = clock
    act()
    if (clock > before) slices++
  }, ...how)
  const drawn = () => Number(document.querySelector(".gw[data-at]")?.dataset.at) > 300
  const look = () => (drawn() ? done(slices) : later(look))
  document.querySelector("[data-testid=gs-steps]").click()
  look()
})"""
"""In how many turns the walk is made by a clock that goes on 10 ms whenever it is asked: on any machine as many."""


def test_the_walk_through_a_long_text_opens_in_pieces_between_which_the_page_answers(
    open_file: Open, files: dict[str, Path]
) -> None:
    gates = open_file(files["general"])
    text = " ".join(["The weather was good and the people were kind."] * 40)
    gates.box.fill(text)
    gates.has(text=text)
    steps = gates.get("steps")
    assert steps > 300
    gates.page.get_by_test_id("gs-steps").focus()
    assert gates.page.evaluate(SLICES) > 2 * steps / 10  # no more than some ten steps of one side at once
    expect(gates.page.locator("#steps .gw")).to_be_focused()  # its keys are its own


def test_the_walk_that_is_asked_for_while_a_long_text_is_read_comes_with_its_figure(
    open_file: Open, tmp_path: Path
) -> None:
    text = " ".join(["The weather was good and the people were kind."] * 40)
    (tmp_path / "long.html").write_bytes(saved("general", text))
    page = open_file(tmp_path / "long.html", drawn=False).page
    page.get_by_test_id("gs-steps").click()
    assert not page.locator("#figure [data-step]").count()
    expect(page.locator("#steps .gw")).to_be_focused()
    page.get_by_test_id("gs-steps").click()
    expect(page.locator("#steps .gw")).to_be_hidden()
