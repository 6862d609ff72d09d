"""For everyone: by keyboard, without animation, in colours of one's own; and what axe finds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FloatRect, Page, expect

from lstm_core import load_model
from tests.browser.axe import violations
from tests.browser.gates import LAPTOP, nothing, rested
from tests.browser.tabs import PAGES, TEXT, Open

VIEWS = [
    *((page, {}) for page in PAGES),
    ("memory", {"look": "one word against another"}),
    ("experiments", {"experiment": "conveyor-belt"}),
    ("experiments", {"experiment": "train"}),
    ("", {"left": "yours"}),
    ("", {"present": "1"}),
    ("step_by_step", {"present": "1"}),
    ("", {"tour": "what-the-gates-do"}),
]


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("path", "query", "scheme", "lang"),
    [
        *((path, query, "light", "en") for path, query in VIEWS),
        *((path, {}, "dark", "zh") for path in ("", "step_by_step", "what_if", "health", "experiments")),
    ],
    ids=str,
)
def test_axe_finds_nothing(visit: Open, path: str, query: dict[str, str], scheme: str, lang: str) -> None:
    page = visit(path, {"lang": lang, "text": TEXT, **query}, color_scheme=scheme)
    assert not violations(page)
    groups = "[role=group][aria-label]:not(.stSlider *):visible"
    figures = page.locator(f"[role=img]:visible, {groups}, svg.gw-drawing:visible")
    said = figures.evaluate_all("figures => figures.map(one => one.getAttribute('aria-label') ?? '')")
    assert not [text for text in said if not re.search(r"\d", text)]
    if not query:  # every figure says what it shows
        assert len(said) >= (1 if path == "compare" else 2) or not path
    if path or query:
        return
    page.keyboard.press("?")
    expect(page.get_by_test_id("gt-help")).to_be_visible()
    assert not violations(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("gt-share").click()
    tabs = page.get_by_role("dialog").get_by_role("tab")
    expect(tabs).not_to_have_count(0)
    rested(page)
    for tab in tabs.all():
        tab.click()
        assert not violations(page)


# ---- by keyboard


def focused(page: Page) -> str:
    return page.evaluate("() => document.activeElement.dataset.testid ?? document.activeElement.tagName")


STOP = """
() => {
  const node = document.activeElement
  window.stop = node === document.body || node.matches('.stMain') ? null : node
  const shown = node.closest('.gs-top, [data-baseweb=select]') ?? node // what is framed where a field is in it
  const { left, top, right, bottom } = shown.getBoundingClientRect()
  return window.stop && { left, top, right, bottom }
}
"""


def seen(page: Page) -> tuple[bytes, bytes] | None:
    """What has the focus, with and without it; None for the page as a whole."""
    box = page.evaluate(STOP)
    if box is None:
        return None
    left, top = max(0, box["left"] - 6), max(0, box["top"] - 6)
    right, bottom = min(LAPTOP["width"], box["right"] + 6), min(LAPTOP["height"], box["bottom"] + 6)
    clip: FloatRect = {"x": left, "y": top, "width": max(1, right - left), "height": max(1, bottom - top)}
    with_focus = page.screenshot(clip=clip, caret="hide")
    page.evaluate("() => window.stop.blur()")
    without = page.screenshot(clip=clip, caret="hide")
    page.evaluate("() => window.stop.focus({ preventScroll: true, focusVisible: true })")
    return with_focus, without


def test_a_key_after_a_click_beside_the_figure_frames_nothing(visit: Open) -> None:
    page = visit("", {"text": "Mary met John"})
    page.mouse.click(4, 400)
    page.keyboard.press("Shift")
    assert focused(page) == "stMain" and page.locator(".stMain:focus-visible").count() == 1
    for part in ("", "::before", "::after"):
        look = f"node => {{ const of = getComputedStyle(node, '{part}'); return [of.boxShadow, of.outlineStyle] }}"
        assert page.locator(".stMain").evaluate(look) == ["none", "none"], part


@pytest.mark.every(3)
@pytest.mark.parametrize("path", ["", "memory", "step_by_step", "experiments"])
def test_every_stop_of_the_keyboard_is_seen_and_left_again(visit: Open, path: str) -> None:
    page = visit(path, {"text": "Mary met John"})
    page.add_style_tag(content="* { transition: none !important }")
    stops, unseen = [], []
    for _ in range(120):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => {const node = document.activeElement; window.stops ??= [];"
            "const known = window.stops.includes(node); window.stops.push(node);"
            "return known ? '' : node.outerHTML.slice(0, 120)}"
        )
        if not name or name.startswith("<body"):
            break
        stops.append(name)
        both = seen(page)
        if both is not None and both[0] == both[1]:
            unseen.append(name)
    else:
        pytest.fail("it does not come to an end")
    assert len(stops) > 20 and not unseen


def test_a_word_as_long_as_a_line_stays_within_the_page(visit: Open) -> None:
    page = visit("", {"text": "a" * 400})
    beyond = """() => [...document.querySelectorAll(".gs-readout *")]
      .filter((node) => node.getBoundingClientRect().right > innerWidth || node.scrollWidth > node.clientWidth + 1)
      .filter((node) => node.clientWidth && getComputedStyle(node).overflowX === "visible")
      .map((node) => node.className)"""
    assert not page.evaluate(beyond)


@pytest.mark.parametrize("path", ("memory", "what_if"))
def test_no_label_of_a_figure_is_cut(visit: Open, path: str) -> None:
    page = visit(path, {"text": "Photosynthesis turns sunlight into something WONDERFULLY refreshing"})
    expect(page.locator(".gc-panel .xtick").first).to_be_visible()
    nothing(
        page,
        """() => [...document.querySelectorAll(".gc-panel :is(.xtick, .ytick) text")].filter((text) => {
          const [own, whole] = [text, text.closest("svg")].map((node) => node.getBoundingClientRect())
          return own.left < whole.left - 1 || own.bottom > whole.bottom + 1
        }).map((text) => text.textContent)""",
    )


def test_one_can_skip_to_the_figure(visit: Open) -> None:
    page = visit("", {"text": TEXT, "at": "4"})
    page.keyboard.press("Tab")
    assert focused(page) == "gt-skip"
    expect(page.get_by_test_id("gt-skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert focused(page) == "gs-stage"
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("gs-plot")).to_have_attribute("data-step", "3")
    page.keyboard.press("Shift+Tab")  # the choice of unit stands above its panels, and before them
    assert focused(page) == "gs-unit-1"
    for path, place in (("memory", ".gc-words"), ("step_by_step", ".gw-words"), ("experiments", ".gx")):
        page = visit(path, {"text": TEXT})
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.locator(place).evaluate("node => node.contains(document.activeElement)"), path


@pytest.mark.parametrize("path", ["memory", "step_by_step"])
def test_words_are_one_stop_and_the_arrows_choose(visit: Open, path: str) -> None:
    page = visit(path, {"text": TEXT, "at": "2"})
    words = page.get_by_role("listbox", name="Words of the sentence")
    expect(words.locator("[tabindex='0']")).to_have_text(["hungry"])
    words.locator("[tabindex='0']").focus()
    for key, word in {"ArrowRight": ".", "ArrowLeft": "hungry", "End": "he", "Home": "Mary"}.items():
        page.keyboard.press(key)
        chosen = words.locator("[aria-selected=true]")
        expect(chosen).to_have_text(word)
        expect(chosen).to_be_focused()
        rested(page)
    if path == "memory":  # the server has drawn it anew
        expect(page.get_by_test_id("gc-writers0").locator("h2")).to_contain_text("“Mary”")
    expect(words.locator("[aria-selected=true]")).to_be_focused()


def test_the_walk_keeps_the_keyboard_where_it_is(visit: Open) -> None:
    page = visit("step_by_step", {"text": TEXT, "at": "2"})
    stages = page.get_by_test_id("gw-stages")
    stages.locator("[aria-selected=true]").focus()
    page.keyboard.press("ArrowRight")
    expect(stages.locator("[aria-selected=true]")).to_be_focused()
    expect(stages.locator("[aria-selected=true]")).to_contain_text("2.")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_test_id("gw")).to_have_attribute("data-at", "1")
    node = page.get_by_test_id("gw-drawing-0").locator(".gw-layer[data-signal=f]")
    node.focus()
    page.keyboard.press("Enter")
    back = page.get_by_role("button", name="Back to the stage")
    expect(back).to_be_visible()
    expect(node).to_be_focused()
    back.focus()
    page.keyboard.press("Enter")
    expect(back).to_be_hidden()
    expect(node).to_be_focused()
    page.get_by_test_id("gw-exercise").click()
    stages.locator("button").first.click()
    guess = page.get_by_test_id("gw-guess-0-open")
    guess.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("gw-verdict-0")).to_be_visible()
    assert page.get_by_test_id("gw").evaluate("node => node.contains(document.activeElement)")


def test_up_and_down_scroll_where_the_walk_is_not_in_focus_and_the_list_says_so(visit: Open) -> None:
    page = visit("step_by_step", {"text": TEXT, "at": "2"})
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")  # which works anywhere
    expect(page.get_by_test_id("gw-stages").locator("[aria-selected=true]")).to_contain_text("2.")
    expect(page.get_by_test_id("gw")).to_have_attribute("data-at", "2")
    page.keyboard.press("?")
    said = page.get_by_test_id("gt-help").locator("dt:text-is('↑ ↓') + dd")
    expect(said).to_have_text(re.compile("^with the figure in focus: .* in Step by step another word"))


def test_digits_show_one_figure_alone(visit: Open) -> None:
    page = visit("memory", {"text": TEXT})
    chart = page.get_by_test_id("gc")
    page.keyboard.press("3")
    expect(chart).to_have_attribute("data-only", "kept0")
    expect(page.locator(".gc-panel:visible")).to_have_count(1)
    wide = page.get_by_test_id("gc-kept0").locator(".main-svg").first.bounding_box()
    assert wide and wide["width"] > 1200 and wide["height"] > 400
    expect(page).to_have_url(re.compile("only=kept0"))
    page.keyboard.press("ArrowLeft")  # drawn anew, and still alone
    expect(page.locator(".gc-words [aria-selected=true]")).to_have_text("and")
    expect(chart).to_have_attribute("data-only", "kept0")
    again = visit("memory", {"text": TEXT, "only": "kept0"})
    expect(again.get_by_test_id("gc")).to_have_attribute("data-only", "kept0")
    page.keyboard.press("0")
    expect(chart).to_have_attribute("data-only", "")
    expect(page).not_to_have_url(re.compile("only="))
    expect(page.locator(".gc-panel:visible")).to_have_count(6)
    page.get_by_test_id("gs-sentence").press("2")  # somebody writes
    expect(chart).to_have_attribute("data-only", "")


# ---- in words


def test_the_drawing_of_a_cell_says_its_numbers(visit: Open) -> None:
    page = visit("step_by_step", {"text": TEXT, "at": "2", "unit": "0"})
    model = load_model("pronouns-lstm")
    trace, unit = model.run(TEXT, device="cpu"), model.meta["units"]["gender"]["unit"]

    def value(signal: str, step: int) -> str:
        found = float(trace.sel(signal, layer=0, direction=0, batch=0, unit=unit)[step])
        return f"{found:.2f}".replace("-0.00", "0.00").replace("-", "\N{MINUS SIGN}")

    said = page.get_by_test_id("gw-drawing-0").get_attribute("aria-label") or ""
    assert said.startswith("The LSTM at “hungry”, gender (unit ")
    for signal in ("f", "i", "o", "g", "c", "h"):
        assert f"{signal} = {value(signal, 2)}" in said
    carried = page.get_by_test_id("gw-strip-0").get_attribute("aria-label") or ""
    assert f"“Mary” {value('c', 0)}" in carried and f"“Anna” {value('c', 7)}" in carried
    page.get_by_test_id("gw-exercise").click()  # what is to be guessed is not given away
    assert "f = " not in (page.get_by_test_id("gw-drawing-0").get_attribute("aria-label") or "")


def test_the_cursor_says_the_values_where_it_stands(visit: Open) -> None:
    page = visit("", {"text": TEXT})
    page.get_by_test_id("gs-stage").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    said = []
    for name, signals in (("pronouns-lstm", "fioc"), ("pronouns-gru", "zrh")):
        model = load_model(name)
        unit = model.meta["units"]["gender"]["unit"]
        trace = model.run(TEXT, device="cpu")
        at = {one: float(trace.sel(one, layer=0, direction=0, batch=0, unit=unit)[1]) for one in signals}
        said += [f"{one} = {value:.2f}".replace("-", "\N{MINUS SIGN}") for one, value in at.items()]
    slider = page.get_by_role("slider", name="Time cursor")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^was, step 2 of 10: LSTM’s gender \(unit \d+\): "))
    text = slider.get_attribute("aria-valuetext") or ""
    assert not [one for one in said if one not in text], text


def test_one_comes_by_headings_to_every_model_and_every_experiment(visit: Open) -> None:
    for path in ("", "step_by_step"):
        headings = visit(path, {"text": TEXT}).get_by_role("heading", level=2)
        for title in ("LSTM", "GRU"):
            expect(headings.filter(has_text=re.compile(f"^{title}$"))).to_have_count(1)
    page = visit("experiments")
    cards = page.locator(".gx-card")
    for card in cards.all():
        title, claim = (card.locator(f".gx-{part}").inner_text() for part in ("title", "claim"))
        expect(card.get_by_role("heading", level=2, name=title, exact=True)).to_have_count(1)
        expect(card.get_by_role("button", name=title, exact=True)).to_have_accessible_description(
            re.compile(f"^{re.escape(claim)} .*\\d")
        )
    assert cards.count() > 10


# ---- motion and colours


MOVING = """
() => [...document.querySelectorAll('*')]
  .filter((node) => getComputedStyle(node).transitionDuration.split(', ').some((time) => time !== '0s')).length
"""


def test_nothing_moves_for_who_asked_for_that(visit: Open) -> None:
    pages = {path: visit(path, {"text": TEXT}, reduced_motion="reduce") for path in ("step_by_step", "experiments", "")}
    assert {page.evaluate(MOVING) for page in pages.values()} == {0}
    plot = pages[""].get_by_test_id("gs-plot")
    step = plot.get_attribute("data-step")
    pages[""].wait_for_timeout(700)
    assert plot.get_attribute("data-step") == step
    pages["step_by_step"].emulate_media(reduced_motion="no-preference")
    pages["step_by_step"].wait_for_function(MOVING)  # it would be seen


def test_data_keeps_its_colours_among_the_visitors_own(visit: Open) -> None:
    def colors(page: Page, *marks: str) -> list[str]:
        look = "node => getComputedStyle(node).backgroundColor + getComputedStyle(node).backgroundImage"
        return [page.locator(mark).first.evaluate(look) for mark in marks]

    marks = {
        "": (".gs-bar-fill", ".gs-scale-bar", ".gs-values i", ".gs-word[style*=background]"),
        "corpus": (".gc-places mark",),
        "step_by_step": (".gw-bar-fill",),
        "experiments": (".gx-key",),
    }
    for path, of in marks.items():
        own = visit(path, {"text": TEXT}, forced_colors="active")
        assert own.evaluate("matchMedia('(forced-colors: active)').matches")
        forced = colors(own, *of)
        own.emulate_media(forced_colors="none")
        assert forced == colors(own, *of)


LOOK = """
(node) => {
  const { backgroundColor, borderBottomColor, borderBottomWidth, textDecorationLine } = getComputedStyle(node)
  return [backgroundColor, borderBottomColor, borderBottomWidth, textDecorationLine].join()
}
"""


def test_what_is_chosen_is_seen_among_the_visitors_own_colours(visit: Open) -> None:
    """There, grounds and shadows are gone, unless they are asked for."""
    pages = {
        path: visit(path, {"text": TEXT}, forced_colors="active") for path in ("beyond", "step_by_step", "what_if")
    }
    pages["step_by_step"].locator(".gb summary").first.click()
    for path, all_of_them, chosen in (
        ("beyond", "[data-testid=stTopNavLink]", "[aria-current=page]"),
        ("beyond", ".stButtonGroup [role=radio]", "[aria-checked=true]"),
        ("beyond", ".gp-brush", "[aria-pressed=true]"),
        ("step_by_step", ".gw-tab", "[aria-selected=true]"),
        ("step_by_step", ".gb-tab", "[aria-pressed=true]"),
    ):
        one, other = (pages[path].locator(f"{all_of_them}{which}").first for which in (chosen, f":not({chosen})"))
        assert one.evaluate(LOOK) != other.evaluate(LOOK), all_of_them
    checked = pages["what_if"].locator(".stCheckbox label[data-selected] > span + div").first
    train = visit("experiments", {"experiment": "train"}, forced_colors="active")
    track = train.locator(".stSlider [role=group] > div > div").first
    for node in (checked, track):
        said = node.evaluate("node => getComputedStyle(node).backgroundColor + getComputedStyle(node).backgroundImage")
        node.evaluate("node => node.style.setProperty('forced-color-adjust', 'none', 'important')")
        assert said == node.evaluate(
            "node => getComputedStyle(node).backgroundColor + getComputedStyle(node).backgroundImage"
        )


def test_what_is_pressed_or_open_can_be_read(visit: Open) -> None:
    page = visit("what_if", {"text": TEXT}, color_scheme="dark")
    page.get_by_test_id("stPopoverButton").first.click()
    step = page.get_by_test_id("stNumberInputStepUp").first
    step.hover()
    assert not violations(page)
    ground, sign = (step.evaluate(f"node => getComputedStyle(node).{what}") for what in ("backgroundColor", "color"))
    assert (ground, sign) == ("rgb(133, 196, 201)", "rgb(20, 23, 28)")
