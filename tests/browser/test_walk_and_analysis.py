"""The pages that explain, in a real browser: reached as a visitor reaches them, and compared with the core."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from benchmarks.browser import Server
from lstm_core import load_model
from lstm_core.analysis import memory
from tests.browser.gates import LAPTOP, Gates, apart, found, turn
from tests.browser.tabs import Tabs

TEXT = "Mary met John"
STAGES = 6
Open = Callable[..., Page]


@pytest.fixture
def open_page(open_gates: Callable[..., Gates]) -> Open:
    """``open_page("Memory", {"text": ...})`` opens the app on that page."""

    def opened(title: str, query: dict[str, str] | None = None) -> Page:
        return open_gates(query, title.lower().replace(" ", "_")).page

    return opened


@pytest.fixture(scope="module")
def walk(open_standing: Callable[..., Gates]) -> Page:
    """A walk through the text, for the tests that leave it there; the last two do not."""
    return open_standing({"text": TEXT, "at": "2", "unit": "0"}, "step_by_step").page


def to_john(walk: Page) -> Page:
    """The walk at the first stage of its last word, with no node open."""
    for key in ("Home", "Shift+ArrowRight", "Shift+ArrowRight"):
        walk.keyboard.press(key)
    assert place(walk) == (2, 0)
    return walk


def place(page: Page) -> tuple[int, int]:
    walk = page.get_by_test_id("gw")
    return int(walk.get_attribute("data-at") or -1), int(walk.get_attribute("data-stage") or -1)


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def said(page: Page, panel: str) -> str:
    return page.get_by_test_id(f"gc-{panel}").locator(".gc-text").inner_text()


def drawn(page: Page, panel: str) -> list[list[float]]:
    """The y of every trace that Plotly has drawn in the panel, numbers only."""
    plot = f"document.querySelector('[data-testid=gc-{panel}] .js-plotly-plot')"
    return found(page, f"() => {plot}?.data?.map(one => Array.from(one.y ?? []))")


def test_a_share_without_a_gate_and_a_layer_above_are_named(open_page: Open) -> None:
    """A layer above reads the one below, and no word."""
    both = {"left": "pronouns-depth_gated", "right": "pronouns-mingru", "layer": "1"}
    page = open_page("Step by step", {"text": TEXT, **both})
    read = page.get_by_test_id("gw-stage-0").locator("math").first
    expect(read).to_have_text("ftℓ=σ(Wfhtℓ−1+Ufht−1ℓ+wcf⊙ct−1ℓ+bf)")
    expect(page.get_by_test_id("gw-drawing-0").locator(".gw-read")).to_have_text("")
    expect(page.get_by_test_id("gw")).to_contain_text(
        "The minGRU has no gate of its own for this: the share is 1 \N{MINUS SIGN} z."
    )


def test_who_wrote_the_memory_and_two_sentences_beside_each_other(open_page: Open) -> None:
    """The chosen word is kept from the one page to the other."""
    page = open_page("Memory", {"text": TEXT, "unit": "0"})
    model = load_model("pronouns-lstm")
    trace, unit = model.run(TEXT, device="cpu"), model.meta["units"]["gender"]["unit"]
    for step, word in ((0, "Mary"), (2, "John")):
        page.get_by_test_id("gc-words").get_by_text(word).click()
        expect(page.get_by_test_id("gc-writers0").locator("h2")).to_contain_text(f"after “{word}”")
        bars = np.array(drawn(page, "writers0")[0])
        np.testing.assert_allclose(bars, memory(trace, step, unit=unit).contributions[: step + 1], atol=1e-5)
        expect(page.get_by_test_id("gc-said")).to_contain_text(f"LSTM: who wrote gender (unit 0) after “{word}”: ")
    turn(page, "Contrast")
    expect(page.get_by_test_id("gc-map0")).to_be_visible()
    before, after, difference = (np.array(line, float) for line in drawn(page, "unit0"))
    assert np.nanmax(np.abs(before - after)) > 0.1
    np.testing.assert_allclose(difference, np.nan_to_num(after - before), atol=1e-5)
    field = page.get_by_label("The sentence to compare with")
    field.fill("Mary met the queen and John")
    field.press("Enter")
    here = page.get_by_test_id("gc-words").locator(".gc-here")
    expect(here).to_have_text("John")
    expect(page).to_have_url(re.compile("other=Mary"))
    page.get_by_test_id("gc-words").get_by_text("queen").click()
    expect(here).to_have_text(re.compile("/queen"))
    expect(page.get_by_test_id("gc-next0").locator(".gc-text")).to_contain_text("The first sentence has no word here.")


def test_gradients_draw_three_networks(open_page: Open) -> None:
    page = open_page("Gradients", {"text": TEXT})
    lines = drawn(page, "vanishing")
    assert len(lines) == 4 and all(line[-1] == pytest.approx(1) for line in lines)
    for panel in ("paths0", "gates0", "gates1"):
        assert drawn(page, panel)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1047})  # A4 without its margins
    try:
        left, right = (page.get_by_test_id(f"gc-gates{side}") for side in range(2))
        apart(page, left, right)
        box, other = left.bounding_box(), right.bounding_box()
        assert box and other and box["y"] == other["y"], "beside each other, as they were drawn"
        expect(left).to_have_css("break-inside", "avoid")
    finally:
        page.emulate_media(media="screen")
        page.set_viewport_size(LAPTOP)


def test_the_essays_case_is_there_at_once_and_can_be_switched_off(open_page: Open) -> None:
    page = open_page("What if")
    expect(page.get_by_test_id("gc-next0")).to_contain_text(
        re.compile(r"With f = 1 and i = 0 at “John”, after “and” the LSTM expects “she” .* instead of “he”")
    )
    for label in ("f = 1", "i = 0"):
        page.get_by_test_id("stCheckbox").filter(has_text=label).locator("label").click()
        expect(page).to_have_url(re.compile("do=.*%21" + label[0]))
    expect(page.get_by_test_id("gc-next0")).to_contain_text("Nothing is changed: after “and” the LSTM expects “he”")
    turn(page, "Memory")
    expect(page.get_by_test_id("gc-writers0")).to_be_visible()
    turn(page, "What if")
    expect(page.get_by_test_id("gc-next0")).to_contain_text("Nothing is changed")
    expect(page).to_have_url(re.compile("do=.*%21i"))  # a link to what is seen


LATE = """window.ResizeObserver = class extends ResizeObserver {
  constructor(told) { super((...found) => setTimeout(() => told(...found), 1500)) }
}"""


def test_characters_stand_upright_as_many_as_find_room_even_in_a_window_that_shrinks_early(
    tabs: Tabs, server: Server
) -> None:
    """On a busy computer the browser says how large a figure is when it has been drawn, and the window is smaller."""
    page = tabs.visit().page
    page.add_init_script(LATE)
    page.goto(f"{server.url}/memory?lang=zh")
    labels = page.get_by_test_id("gc-writers0").locator(".xtick text")
    expect(labels).to_have_count(28)
    lowered = page.get_by_test_id("gc-writers0").locator(".xtick text:has(tspan)")
    page.set_viewport_size({"width": 340, "height": 800})
    expect(lowered).to_have_count(14)
    expect(labels).to_have_count(28)
    page.set_viewport_size(LAPTOP)
    expect(lowered).to_have_count(0)
    expect(labels).to_have_count(28)
    assert not page.locator(".xtick text[transform*='rotate(-']").count()
    page.close()


def test_gates_leads_to_where_else_a_pattern_is(open_gates: Callable[..., Gates]) -> None:
    page = open_gates({"text": TEXT, "at": "1"}).page
    page.get_by_role("button", name="Where else is this pattern?").click()
    expect(page).to_have_url(re.compile(r"/corpus\?.*Mary"))
    expect(page.get_by_text("are on just there").first).to_be_visible(timeout=300_000)  # novels are read


def test_another_model_leaves_the_word_and_the_other_side_s_unit(open_page: Open) -> None:
    models = {"left": "pronouns-lstm", "right": "pronouns-gru"}
    page = open_page("Step by step", {"text": "Priyanka met John", "at": "1", "unit": "5", "unit2": "6", **models})
    here, left = page.locator(".gw-words .gw-here"), page.get_by_test_id("gw-unit-0")
    expect(here).to_have_text("met")
    for side, model, unit in (("right", "pronouns-peephole", "5"), ("left", "general-lstm", None)):
        page.get_by_test_id(f"gs-{side}").select_option(model)
        found(page, "([side, model]) => document.querySelector('.gw')?.of?.[side] === model", [side, model])
        expect(here).to_have_text("met")  # general-lstm reads the name in pieces
        if unit:
            expect(left).to_have_value(unit)
    pieces = page.get_by_test_id("gw-pieces-0")
    expect(pieces).to_have_text("")
    page.get_by_role("option", name="Priyanka").click()
    expect(pieces).to_have_text(re.compile("^“.+-”, “-.+”: the pieces in which “Priyanka” is read"))
    expect(page.get_by_test_id("gw-status")).to_have_text(re.compile("“.+-” of “Priyanka”"))
    expect(page.get_by_test_id("gw-pieces-1")).to_be_hidden()  # a model that reads it at once, as an unknown word


# ---- one walk


def test_a_sentence_is_walked_by_key(walk: Page) -> None:
    page = to_john(walk)
    page.keyboard.press("Home")
    seen = [place(page)]
    for _ in range(STAGES * len(TEXT.split()) - 1):
        page.keyboard.press("ArrowRight")
        seen.append(place(page))
    assert seen == [(word, stage) for word in range(3) for stage in range(STAGES)]
    expect(page.get_by_test_id("gw-status")).to_have_text("What it expects, at “John”, 3 of 3.")
    page.keyboard.press("ArrowRight")
    assert place(page) == (2, STAGES - 1), "the walk ends at the last stage of the last word"
    page.keyboard.press("Shift+ArrowLeft")
    assert place(page) == (1, STAGES - 1), "the word before, at the same stage"
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    assert place(page) == (1, 0)


def test_a_node_tells_its_value_and_formula(walk: Page) -> None:
    page = to_john(walk)
    model = load_model("pronouns-lstm")
    value = model.run(TEXT, device="cpu").sel("f", layer=0, time=2, batch=0, unit=model.meta["units"]["gender"]["unit"])
    page.get_by_test_id("gw-drawing-0").locator(".gw-layer[data-signal=f]").click()
    stage = page.get_by_test_id("gw-stage-0")
    expect(stage.locator("h3")).to_have_text("f, gate")
    assert stage.locator("math").count() == 2
    assert stage.locator("math").last.locator("mn").last.text_content() == number(float(value.squeeze()))
    assert "σ" in (stage.locator("math").first.text_content() or "")


def test_the_exercise_hides_and_scores(walk: Page) -> None:
    page = to_john(walk)
    model = load_model("pronouns-lstm")
    value = model.run(TEXT, device="cpu").sel("f", layer=0, time=2, batch=0, unit=model.meta["units"]["gender"]["unit"])
    stage = page.get_by_test_id("gw-stage-0")
    expect(stage.locator("[data-signal=f]")).to_have_count(1)
    page.get_by_test_id("gw-exercise").click()
    expect(stage.locator("[data-signal=f]")).to_have_count(0)
    right, wrong = ("open", "shut") if float(value.squeeze()) > 0.5 else ("shut", "open")
    page.get_by_test_id(f"gw-guess-0-{right}").click()
    expect(page.get_by_test_id("gw-score")).to_have_text("1 of 1 right")
    expect(stage.locator("[data-signal=f]")).to_have_count(1)
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_test_id(f"gw-guess-0-{wrong}").click()
    expect(page.get_by_test_id("gw-score")).to_have_text("1 of 2 right")
    page.get_by_test_id("gw-exercise").click()


def test_an_answer_gives_nothing_away_of_what_is_asked_next(walk: Page) -> None:
    page = to_john(walk)
    page.keyboard.press("Shift+ArrowLeft")
    page.get_by_test_id("gw-exercise").click()

    def said(of: str) -> str:
        return page.get_by_test_id(f"gw-{of}-0").get_attribute("aria-label") or ""

    page.get_by_test_id("gw-guess-0-open").click()
    expect(page.get_by_test_id("gw-verdict-0")).to_be_visible()
    assert "f = " in said("drawing") and not re.search("[iogch] = ", said("drawing"))
    assert re.search(r"“Mary” .?\d.*“met” \?.*“John” \?", said("strip"))
    page.get_by_role("tab", name=re.compile("What it expects")).click()
    assert "c = " in said("drawing")
    assert re.search(r"“Mary” .?\d.*“met” .?\d.*“John” \?", said("strip"))
    page.get_by_test_id("gw-exercise").click()
    assert re.search(r"“John” .?\d", said("strip"))


def test_a_cell_is_copied_as_pytorch(walk: Page) -> None:
    page = to_john(walk)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = page.get_by_test_id("gw-code-1")
    code.locator("summary").click()
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("status")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == code.locator("pre").text_content() and "class Gru(nn.Module)" in copied


def test_the_notation_is_chosen_and_kept_in_the_address(walk: Page) -> None:
    page = to_john(walk)
    formula = page.get_by_test_id("gw-stage-0").locator("math").first
    expect(formula).to_have_text("ft=σ(Wfxt+Ufht−1+bf)")
    page.get_by_test_id("gw-notation").select_option("essays")
    expect(formula).to_have_text("ft=σ(Wf[ht−1,xt]+bf)")
    expect(page.get_by_test_id("gw-stage-0")).to_contain_text("U_f for h (16 × 16) and W_f for x (16 × 16)")
    expect(page).to_have_url(re.compile("notation=essays"))
    program = page.get_by_test_id("gw-program-0")
    program.locator("summary").click()
    program.get_by_role("button").click()
    expect(program.locator("pre")).to_contain_text("return C, h")
    expect(page).to_have_url(re.compile("order=memory"))
    turn(page, "Memory")
    turn(page, "Step by step")
    expect(page).to_have_url(re.compile("notation=essays"))
    expect(page.get_by_test_id("gw-notation")).to_have_value("essays")
    expect(formula).to_have_text("ft=σ(Wf[ht−1,xt]+bf)")


def test_a_walk_is_seen_once_its_style_sheet_is_there(walk: Page) -> None:
    page = to_john(walk)
    held: list[Route] = []
    page.route("**/walk.css", lambda route: held.append(route))
    page.reload()
    shown = page.get_by_test_id("gw")
    expect(shown).to_have_attribute("data-at", "2")
    expect(shown).to_be_hidden()
    held[0].continue_()
    expect(shown).to_be_visible()
    for text in page.locator(".gw-label:has(tspan), .gw-letter:has(tspan)").all():  # or WebKit lowers no index
        expect(text).to_have_css("dominant-baseline", "auto")
    page.unroute("**/walk.css")


def test_the_curve_has_this_word_s_point(walk: Page) -> None:
    page = to_john(walk)
    model = load_model("pronouns-lstm")
    trace, unit = model.run(TEXT, device="cpu"), model.meta["units"]["gender"]["unit"]
    params = model.layers[0][0]
    h = trace["h"][0, 0, 1, 0]
    net = float((params["W_f"] @ trace.inputs[2, 0] + params["U_f"] @ h + params["b_f"])[unit])
    value = 1 / (1 + np.exp(-net))
    curve = page.get_by_test_id("gw-stage-0").locator("svg.gw-picture").first
    expect(curve).to_have_attribute("aria-label", f"The curve of σ: at {number(net)} it is {number(value)}.")
    point = curve.locator(".gw-point")
    reach = max(6, min(12, abs(net) + 1))
    assert float(point.get_attribute("cx") or 0) == pytest.approx(16 + (net + reach) / (2 * reach) * 188, abs=0.1)
    assert float(point.get_attribute("cy") or 0) == pytest.approx(10 + (1 - value) * 58, abs=0.1)
    page.get_by_test_id("gw-legend").locator("summary").click()
    expect(page.get_by_test_id("gw-legend").locator("li:visible")).to_have_count(5)


def test_the_last_stage_says_what_is_expected_and_goes_on_with_it(walk: Page) -> None:
    page = to_john(walk)
    page.keyboard.press("Shift+ArrowLeft")
    model = load_model("pronouns-lstm")
    expected = model.next_tokens(model.run(TEXT, device="cpu"), 1)
    page.get_by_role("tab", name="6. What it expects").click()
    rows = page.get_by_test_id("gw-stage-0").locator("tr td:last-child")
    shares = [float(text.replace("\N{NARROW NO-BREAK SPACE}", "").rstrip("%")) for text in rows.all_text_contents()]
    assert shares[:5] == [pytest.approx(100 * share, abs=0.5 if share >= 0.1 else 0.05) for _, share in expected]
    page.get_by_test_id("gw-stage-0").get_by_role("button", name=expected[1][0], exact=True).click()
    word = expected[1][0]
    text = "Mary met" + (word if word in ".,;" else f" {word}")
    expect(page.get_by_test_id("gs-sentence")).to_have_value(text)
    expect(page.get_by_test_id("gw-status")).to_have_text(f"What it expects, at “{word}”, 3 of 3.")


def test_the_plain_rnn_comes_first(walk: Page) -> None:
    page = walk
    loop = page.get_by_test_id("gw-loop")
    loop.locator("summary").click()
    expect(loop).to_contain_text("An ordinary layer, h = f(W x + b)")  # which the loop makes recurrent
    expect(loop.locator("svg")).to_contain_text("Mary")
    page.get_by_test_id("gw-rnn").click()
    expect(page.get_by_test_id("gw")).to_contain_text("pronouns-rnn")
    expect(page.get_by_test_id("gs-left")).to_have_value("pronouns-rnn")
    expect(page.get_by_test_id("gw-rnn")).to_have_count(0)
    layer = page.get_by_test_id("gw-drawing-0").locator(".gw-layer")
    expect(layer).to_contain_text("+b")
    label, box = (layer.locator(one).bounding_box() for one in (".gw-label", ".gw-shape"))
    assert label and box and box["x"] <= label["x"] and label["x"] + label["width"] <= box["x"] + box["width"]
