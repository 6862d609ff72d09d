"""The page "Gates" in a real browser: what a visitor does with it, and what he must see."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect

from lstm_core import CELLS, load_model
from tests.browser.gates import LAPTOP, Gates, Held, address, found, rested
from tests.browser.test_restart import compare

DEFAULT = "Mary went to the market because she was hungry. Then John met Anna and he"
MODELS = ("pronouns-lstm", "pronouns-gru")
OWN = "Anna was tired because she had walked home"
Open = Callable[..., Gates]


def expected(role: str, side: int, text: str) -> np.ndarray:
    """(unit, time): what the core computes for the panel."""
    values = load_model(MODELS[side]).run(text, device="cpu").role(role)
    assert values is not None
    return values[0, 0, :, 0].T


@pytest.fixture(scope="module")
def typed(open_standing: Open) -> Gates:
    """A page whose models somebody has chosen, so that they read whatever is typed."""
    return open_standing({"text": "Mary met John"})


def download(gates: Gates, locator) -> bytes:
    with gates.page.expect_download() as waiting:
        locator.click()
    return waiting.value.path().read_bytes()


# ---- chosen, linked


def test_other_models_can_be_chosen_and_their_equations_stand_under_the_panels(gates: Gates) -> None:
    expect(gates.page.locator(".katex").nth(1)).to_be_attached()
    source = gates.page.get_by_test_id("stCaptionContainer").filter(has_text=CELLS["rnn"].source)
    expect(source).to_have_count(0)
    gates.page.get_by_test_id("gs-left").select_option("pronouns-gru")
    gates.page.get_by_test_id("gs-right").select_option("pronouns-lstm")
    gates.of(left="pronouns-gru", right="pronouns-lstm")
    expect(gates.page.get_by_test_id("gs-next-0")).to_contain_text("GRU")
    expect(gates.page.get_by_test_id("gs-next-1")).to_contain_text("LSTM")
    assert np.abs(gates.panel("keep", 0) - expected("keep", 1, DEFAULT)).max() < 1e-6
    gates.page.get_by_test_id("gs-right").select_option("pronouns-rnn")
    expect(source).to_have_count(1)


def test_a_link_opens_the_same_view(open_gates: Open) -> None:
    gates = open_gates({"text": "Mary met John"})
    gates.box.fill(OWN)
    gates.box.press("Enter")
    gates.shows(OWN)
    gates.click_unit(5, "write", 0)
    gates.has(unit=5)
    gates.page.get_by_test_id("gs-right").select_option("pronouns-lstm")
    gates.of(right="pronouns-lstm")
    gates.page.get_by_test_id("gs-sort").select_option("moved")
    gates.stage.focus()
    gates.page.keyboard.press("Home")
    gates.page.keyboard.press("ArrowRight")
    again = open_gates(address(gates.page, text=OWN, right="pronouns-lstm", unit="5", sort="moved", at="1"))
    again.shows(OWN)
    again.has(unit=5, step=1, sort="moved")
    expect(again.box).to_have_value(OWN)
    expect(again.page.get_by_test_id("gs-right")).to_have_value("pronouns-lstm")


def test_a_broken_link_falls_back(open_gates: Open) -> None:
    numbers = {"unit": "abc", "unit2": "99999", "at": "1" * 400, "layer": "-1", "direction": "1e9"}
    gates = open_gates({"left": "no-such-model", "right": "../../etc/passwd", "sort": "<b>", "unknown": "x", **numbers})
    gates.shows(DEFAULT)
    assert gates.page.get_by_test_id("gs-left").input_value() == MODELS[0]
    assert gates.page.get_by_test_id("gs-right").input_value() == MODELS[1]
    assert 0 <= gates.get("unit") < len(gates.panel("keep"))
    assert len(gates.panel("keep")) == load_model(MODELS[0]).hidden_size


def test_dark_and_light(open_gates: Open) -> None:
    gates = open_gates(color_scheme="dark")
    colour = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    for bright in (False, True):
        gates.page.emulate_media(color_scheme="light" if bright else "dark")
        found(gates.page, f"bright => {colour}.match(/\\d+/g).slice(0, 3).some(one => one > 128) === bright", bright)
        lowest = "canvas.layout.coloraxis.colorscale[0][1]"  # "nothing" has the colour of the page
        gates.rests(f"([bright]) => parseInt({lowest}.slice(1, 3), 16) > 128 === bright", bright)


TEXTS = {
    "white space": " \t  \u3000 ",
    "one character": "a",
    "emoji": "Anna \N{SMILING FACE WITH HALO}\N{VARIATION SELECTOR-16} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET} home",
    "Chinese": "王先生遇见了李女士，他很高兴。",
    "right to left": "שלום עולם and مرحبا بالعالم",
    "control characters": "a\x00b\x07c\x1b[31m\x7f\x85 d\u202e e\u200b f",
    "markup": "<img src=x onerror=alert(1)><script>alert(2)</script> **b** $x^2$ :smile: &amp; {{x}}",
    "one long word": "a" * 400,
}


def test_any_text_is_drawn_as_it_stands(gates: Gates, open_gates: Open) -> None:
    links = []
    for text in TEXTS.values():
        gates.box.fill(text)
        text = gates.box.input_value()
        gates.box.press("Enter")
        gates.shows(text)
        steps = len(load_model("general-lstm").run(text)) if text.strip() else 0
        gates.has(steps=steps)
        assert 0 < len(gates.words()) <= steps if steps else gates.page.get_by_test_id("gs-empty").is_visible()
        assert gates.page.locator("[data-testid=gs-plot] img, [data-testid=gs-plot] script").count() == 0
        links.append((address(gates.page, text=text), steps))
    for link, steps in links[5:7]:  # control characters, and markup
        open_gates(link).has(steps=steps, ready=1)


def test_a_text_that_is_too_long_for_an_address_outlives_a_reload(open_gates: Open) -> None:
    gates = open_gates({"text": "Mary met John"})
    text = " ".join(["Anna went home and"] * 300)
    gates.box.fill(text)
    gates.box.press("Enter")
    gates.has(steps=1200)
    link = address(gates.page, long="1")
    assert len(link) < 5000
    gates.page.reload()
    gates.has(steps=1200, text=text)
    elsewhere = open_gates(link)  # another tab, as another person's: it has only the address
    expect(elsewhere.page.get_by_test_id("gs-notice")).to_contain_text("too long for an address")
    gates.box.fill(OWN)
    gates.shows(OWN)
    address(gates.page, long=None)


def test_no_name_of_a_row_is_cut_off(open_gates: Callable[..., Gates]) -> None:
    gates = open_gates({"left": "pronouns-grid"})
    edge = gates.stage.evaluate("stage => stage.getBoundingClientRect().left")
    names = gates.stage.locator(".gs-role").evaluate_all(
        "nodes => nodes.map(one => [one.textContent, one.getBoundingClientRect().left])"
    )
    assert [text for text, _ in names].count("depth") == 6 and "candidate" in [text for text, _ in names]
    assert min(left for _, left in names) >= edge


# ---- the page as it opens: looked at and handled, its text and its models stay


def test_it_opens_on_two_subjects_and_the_gender_cell(standing: Gates) -> None:
    gates = standing
    gates.shows(DEFAULT)
    assert gates.words()[:2] == ["Mary", "went"]
    for side, name in enumerate(("unit", "unit2")):
        assert gates.get(name) == load_model(MODELS[side]).meta["units"]["gender"]["unit"]
        assert "gender" in gates.page.get_by_test_id(f"gs-next-{side}").inner_text()


def test_words_panels_values_and_next_words_are_the_librarys(standing: Gates) -> None:
    compare(standing, DEFAULT, standing.get("step"))
    standing.page.keyboard.press("Home")
    compare(standing, DEFAULT, 0)


def test_keys_move_the_cursor_and_the_server_is_not_asked(standing: Gates) -> None:
    gates = standing
    last = gates.get("steps") - 1
    gates.stage.focus()
    gates.wire.clear()
    seen = []
    for key, step in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last)):
        gates.page.keyboard.press(key)
        gates.has(step=step)
        seen.append(gates.page.get_by_test_id("gs-next-0").inner_text())
    assert len(set(seen)) == 4  # the predictions follow; one step was visited twice
    gates.page.keyboard.press("Home")
    gates.page.keyboard.press("Space")
    gates.has(playing=1)
    expect(gates.plot).not_to_have_attribute("data-step", "0")  # it goes on by itself, on a busy machine past any step
    gates.page.keyboard.press("Space")
    gates.has(playing=0)
    gates.page.wait_for_timeout(600)  # the address has been written by now
    assert gates.wire.sent == []


def test_everything_that_matters_is_seen_without_scrolling(standing: Gates) -> None:
    gates = standing
    boxes = [gates.box_of(role, side) for side in (0, 1) for role in ("keep", "write", "hidden")]
    boxes.append(gates.box_of("cell", 0))
    for test_id in ("gs-sentence", "gs-next-0", "gs-next-1"):
        for bar in gates.page.get_by_test_id(test_id).all():
            boxes.append(bar.evaluate("node => node.getBoundingClientRect().toJSON()"))
    for box in boxes:
        assert box["width"] > 100 and box["height"] > 10
        assert 0 <= box["left"] and box["right"] <= LAPTOP["width"]
        assert 0 <= box["top"] and box["bottom"] <= LAPTOP["height"]
    assert gates.page.evaluate("document.scrollingElement.scrollWidth") <= LAPTOP["width"]


def test_dragging_moves_the_cursor(standing: Gates) -> None:
    gates = standing
    box = gates.box_of("keep")
    y = box["top"] + 5
    gates.page.mouse.move(box["left"] + 3, y)
    gates.page.mouse.down()
    gates.has(step=0)
    gates.page.mouse.move(box["right"] - 3, y, steps=5)
    gates.has(step=gates.get("steps") - 1)
    gates.page.mouse.up()


def test_full_screen_and_back(standing: Gates) -> None:
    gates = standing
    gates.page.bring_to_front()  # only the tab in front may fill the screen
    gates.page.get_by_test_id("gs-full").click()
    found(gates.page, "() => document.fullscreenElement !== null")
    gates.stage.focus()
    gates.page.keyboard.press("Home")
    gates.has(step=0)
    gates.page.get_by_test_id("gs-full").click()
    found(gates.page, "() => document.fullscreenElement === null")


def test_pictures_can_be_downloaded(standing: Gates) -> None:
    gates = standing
    assert download(gates, gates.page.get_by_test_id("gs-png")).startswith(b"\x89PNG\r\n")
    svg = download(gates, gates.page.get_by_test_id("gs-svg")).decode()
    assert svg.startswith("<svg") and "Mary" in svg and "keep" in svg
    ground = "nodes => nodes.map(node => getComputedStyle(node).backgroundColor)"
    for tint in gates.page.locator('.gs-word[style*="background"]').evaluate_all(ground):
        red, green, blue, share = re.findall(r"[\d.]+", tint)
        assert f"fill: rgb({red}, {green}, {blue}); fill-opacity: {share}" in svg
    assert "speaks for the likeliest next word" in svg and "fill-opacity: 0.45" in svg


@pytest.mark.parametrize("side", (0, 1))
def test_a_click_chooses_the_unit_and_the_step(standing: Gates, side: int) -> None:
    gates = standing
    data = ("unit", "unit2")[side]
    unit = 3 if gates.get(data) != 3 else 4
    gates.click_unit(unit, "keep", side)
    gates.has(**{data: unit})
    assert abs(gates.get("step") - (gates.get("steps") - 1) / 2) <= 1
    expect(gates.page.get_by_test_id(f"gs-unit-{side}")).to_have_value(str(unit))
    values, line, panel = gates.line("keep", side), expected("keep", side, DEFAULT)[unit], gates.box_of("keep", side)
    assert np.abs(values["values"] - line).max() < 1e-6
    # The line is drawn where the steps of the heatmap are, and 1 stands higher than 0 by one length for every step.
    assert abs(values["left"] - panel["left"]) < 2 and abs(values["right"] - panel["right"]) < 2
    slope, at_0 = np.polyfit(line, values["y"], 1)
    assert slope < -20 and np.abs(slope * line + at_0 - values["y"]).max() < 1e-3


def test_units_can_be_sorted(standing: Gates) -> None:
    gates = standing
    order = gates.page.get_by_test_id("gs-sort")
    keep = expected("keep", 0, DEFAULT)
    order.select_option("keep")
    gates.has(sort="keep")
    assert np.all(np.diff(gates.panel("keep").mean(1)) >= -1e-6)
    assert np.allclose(np.sort(gates.panel("keep"), axis=0), np.sort(keep, axis=0))
    order.select_option("index")
    gates.has(sort="index")
    address(gates.page, sort=None)  # it follows a little later, and the page may be loaded from it


def test_a_figure_stands_before_plotly_is_there(standing: Gates) -> None:
    gates = standing
    plotly = Held(gates.page, "**/plotly*.js")
    gates.page.reload()
    gates.shows(DEFAULT)
    np.testing.assert_allclose(gates.panel("keep"), expected("keep", 0, DEFAULT), atol=1e-6)
    canvas = "document.querySelector('[data-testid=gs-swift] canvas')"
    pixels = f"{canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data"
    assert gates.page.evaluate(f"new Set({pixels}).size") > 50, "of all the shades"
    plotly.let_go()
    gates.rests()
    expect(gates.page.get_by_test_id("gs-swift")).to_be_hidden()
    expect(gates.page.locator(".gs-canvas .heatmaplayer").first).to_be_visible()


# ---- typed: each writes a text of its own where the one before has left the page


def test_it_follows_while_typing(typed: Gates) -> None:
    gates = typed
    offered = gates.page.get_by_role("button", name=re.compile("values, CSV|Where else"))
    expect(offered).to_have_count(3)
    gates.box.fill("")
    expect(offered).to_have_count(0)  # of a text without words
    gates.box.press_sequentially("Anna was", delay=30)
    gates.shows("Anna was")
    assert gates.words() == ["Anna", "was"] == gates.words(1)
    gates.box.press_sequentially(" tired because she had walked home", delay=10)
    gates.shows(OWN)
    assert gates.words() == OWN.split()
    assert np.abs(gates.panel("keep") - expected("keep", 0, OWN)).max() < 1e-6
    assert gates.box.input_value() == OWN


def test_a_rerun_leaves_the_document_alone(typed: Gates) -> None:
    """A change of the root, even to the value that it has, makes the browser style the whole page anew."""
    gates = typed
    page = gates.page
    page.evaluate(
        "() => {window.changed = []; new MutationObserver(list => list.forEach(one => window.changed.push("
        "one.attributeName))).observe(document.documentElement, {attributes: true})}"
    )
    gates.box.fill("Then John met Anna and")
    gates.box.press("Enter")
    gates.shows("Then John met Anna and")
    rested(page)
    assert page.evaluate("window.changed") == []


def test_values_can_be_downloaded(typed: Gates) -> None:
    gates = typed
    text = "Tom laughed because he"  # typed after the buttons were drawn
    gates.page.get_by_test_id("gs-sentence").fill(text)
    gates.shows(text)
    rested(gates.page)
    trace = load_model(MODELS[0]).run(text)
    csv = download(gates, gates.page.get_by_role("button", name="LSTM values, CSV")).decode()
    assert csv.count("\n") == 1 + sum(values.size for values in trace.signals.values())
    assert {"layer", "direction", "time", "batch", "unit", "signal", "value"} <= set(csv.split("\n")[0].split(","))
    stored = np.load(io.BytesIO(download(gates, gates.page.get_by_role("button", name="GRU values, NPZ"))))
    assert np.abs(stored["z"][0, 0, :, 0].T - expected("keep", 1, text)).max() < 1e-6


SEEN = """node => {
  let seen = 1
  for (let at = node; at; at = at.parentElement) seen *= getComputedStyle(at).opacity
  return seen
}"""
"""How much of a text's own colour is left over what is behind it: axe does not see it."""


def test_empty_text_offers_the_examples(standing: Gates) -> None:
    gates = standing
    gates.box.fill("")
    gates.has(steps=0, text="")
    expect(gates.page.get_by_test_id("gs-empty")).to_be_visible()
    chip = gates.page.get_by_test_id("gs-chip").first
    expect(chip).to_be_visible()
    assert chip.locator(".gs-chip-text").evaluate(SEEN) > 0.6, "grey on white, by 4.5 to 1"
    chip.click()
    expect(gates.plot).not_to_have_attribute("data-text", "")
    assert gates.words()
    assert gates.box.input_value() == gates.plot.get_attribute("data-text")


def test_a_text_that_is_too_long_is_cut_with_a_notice(typed: Gates) -> None:
    gates = typed
    text = " ".join(["Anna went home and"] * 750)  # 3,000 words
    gates.box.fill(text)
    gates.box.press("Enter")
    gates.has(steps=2000)
    notice = gates.page.get_by_test_id("gs-notice")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("2,000")
    expect(notice).to_contain_text("3,000")
    gates.box.fill(OWN)
    gates.shows(OWN)
    expect(notice).to_be_hidden()


def test_letters_on_their_way_to_a_character_are_not_read(standing: Gates) -> None:
    """An input method shows pinyin in the box before its character is chosen."""
    gates = standing
    text, keyboard = gates.plot.get_attribute("data-text"), gates.page.context.new_cdp_session(gates.page)
    gates.box.focus()
    gates.page.keyboard.press("End")
    for letters in ("w", "wa", "wan", "wang"):
        keyboard.send(
            "Input.imeSetComposition", {"text": letters, "selectionStart": len(letters), "selectionEnd": len(letters)}
        )
    gates.page.wait_for_timeout(500)  # more than three times the pause after which a text is read
    assert gates.box.input_value() == f"{text}wang"
    gates.has(text=text)
    keyboard.send("Input.insertText", {"text": "王"})
    gates.shows(f"{text}王")


def test_of_a_long_text_whole_lines_are_seen_at_its_end_as_at_its_beginning(gates: Gates) -> None:
    gates.box.fill("\n".join(["Mary was tired because she was hungry"] * 12))
    cut = """(box, end) => {
      box.scrollTop = end ? box.scrollHeight : 0
      const { lineHeight, paddingTop } = getComputedStyle(box)
      const [line, above] = [parseFloat(lineHeight), parseFloat(paddingTop)]
      return [end ? (box.scrollTop - above) % line : 0, (box.clientHeight - above) % line]
    }"""
    assert gates.box.evaluate("box => box.scrollHeight > box.clientHeight")
    for end in (False, True):
        assert gates.box.evaluate(cut, end) == [0, 0]
