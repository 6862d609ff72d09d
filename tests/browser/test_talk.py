"""A talk as a lecturer gives it: presenting, tours by clicker, one row alone, the list of keys, what is shared."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from dashboard.address import TEXT as DEFAULT
from dashboard.talk.tour import shipped
from tests.browser.gates import Gates, address, found, nothing, rested

Open = Callable[..., Gates]
SIZES = [(1024, 768, "light"), (1366, 768, "dark"), (1920, 1080, "light"), (1920, 1080, "dark"), (3840, 2160, "light")]


@pytest.mark.every(3)
@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_presenting_fills_the_screen_with_the_figure(open_gates: Open, width: int, height: int, scheme: str) -> None:
    gates = open_gates({"present": "1"}, viewport={"width": width, "height": height}, color_scheme=scheme)
    page = gates.page
    for chrome in (".stAppHeader", ".gs-chips", ".gs-tools", ".st-key-language", ".gt-tools"):
        expect(page.locator(chrome).first).to_be_hidden()
    # It may have been drawn for the window with its chrome, and is drawn anew for the one without.
    found(page, "height => document.querySelector('.gs-stage')?.getBoundingClientRect().bottom <= height + 2", height)
    gates.rests()
    stage = gates.stage.bounding_box()
    assert stage and stage["x"] >= 0 and stage["x"] + stage["width"] <= width
    scale = max(1.0, min(width / 1200, height / 675, 4.0))
    assert stage["y"] + stage["height"] <= height + 2 and stage["height"] > 0.6 * height
    word = page.locator(".gs-word").first.evaluate(
        "node => [getComputedStyle(node).fontSize, node.getBoundingClientRect().height]"
    )
    assert float(word[0][:-2]) * scale >= (24 * height / 1080 if scale > 1.2 else 12) and word[1] > 12 * scale
    # the mouse hits what it points at, enlarged as well
    left = page.locator(".gs-word", has_text="John").first.bounding_box()
    assert left
    page.mouse.click(left["x"] + left["width"] / 4, stage["y"] + stage["height"] / 2)
    assert abs(gates.get("step") - 11) <= 1


def test_every_row_of_a_large_layer_is_on_the_wall(open_gates: Open) -> None:
    """384 units beside 448, summed up: nobody scrolls in a talk."""
    query = {"present": "1", "left": "general-lstm", "right": "general-gru", "text": "I grew up in France."}
    gates = open_gates(query, viewport={"width": 1920, "height": 1080})
    found(gates.page, "() => document.querySelector('.gs-stage')?.getBoundingClientRect().bottom <= 1082")
    gates.rests()
    boxes = "nodes => nodes.map(node => node.getBoundingClientRect().toJSON())"
    rows = gates.page.locator(".gs-role:visible").evaluate_all(boxes)
    assert len(rows) == 9
    assert all(box["bottom"] <= 1080 and box["height"] > 12 for box in rows)
    bars = gates.page.locator(".gs-scale-bar").evaluate_all(boxes)  # what dark and purple mean is on the wall, too
    assert len(bars) >= 2
    assert all(box["bottom"] <= 1080 and box["width"] > 40 for box in bars)


def test_the_tables_of_the_corpus_fit_the_wall(open_gates: Open) -> None:
    """Streamlit measures what is enlarged."""
    page = open_gates({"present": "1"}, "corpus", viewport={"width": 1920, "height": 1080}).page
    grids = page.locator(".stDataFrame canvas[data-testid=data-grid-canvas]")
    expect(grids).to_have_count(2)
    nothing(
        page,
        """() => [...document.querySelectorAll(".stColumn:has(.stDataFrame)")].filter(column => {
          const [own, grid] = [column, column.querySelector("canvas")].map(one => one.getBoundingClientRect())
          return Math.abs(own.left - grid.left) > 4 || Math.abs(own.right - grid.right) > 4
        })""",
    )


def test_presenting_an_empty_sentence_offers_the_examples(open_gates: Open) -> None:
    gates = open_gates({"present": "1"})
    expect(gates.page.get_by_test_id("gs-chip").first).to_be_hidden()
    gates.box.fill("")
    gates.box.press("Enter")
    gates.page.get_by_test_id("gs-chip").filter(has_text="A distractor").click()
    gates.shows("The king loved the queen, but")


def test_chinese_words_stand_flat_and_none_is_left_out(open_gates: Open) -> None:
    gates = open_gates({"present": "1"}, locale="zh-CN")
    for width, height in ((1024, 768), (1366, 768), (1920, 1080)):
        gates.page.set_viewport_size({"width": width, "height": height})
        gates.rests()
        expect(gates.page.locator(".gs-words").first.locator(".gs-word:visible")).to_have_count(28)
        expect(gates.page.locator(".gs-slanted")).to_have_count(0)


SHOWN = """(nodes) => nodes.map((node) => {
  const { fontSize, visibility } = getComputedStyle(node)
  return visibility === "visible" ? parseFloat(fontSize) : 0
})"""


@pytest.mark.parametrize(("width", "least"), [(1366, 12), (1920, 15)])
def test_no_word_of_an_ordinary_sentence_is_left_out(open_gates: Open, width: int, least: int) -> None:
    """At 1920 x 1080 what is 15 pixels of the page is 24 of the screen. The nearer words stand, the steeper."""
    last = "and he said that the river was cold"
    text = f"Mary went to the market because she was hungry. Then John met Anna near the old house {last}"
    gates = open_gates({"present": "1", "text": text}, viewport={"width": width, "height": width * 9 // 16})
    gates.rests()
    both = [gates.page.get_by_test_id(f"gs-words-{side}").locator(".gs-word") for side in range(2)]
    assert [words.evaluate_all(SHOWN) for words in both] == [[least] * 26] * 2
    words = both[0]
    tall = words.evaluate_all("nodes => nodes.map(node => parseFloat(getComputedStyle(node).lineHeight))")
    slants = words.evaluate_all("nodes => nodes.map(node => new DOMMatrix(getComputedStyle(node).transform).b)")
    places = words.evaluate_all("nodes => nodes.map(node => parseFloat(node.style.left))")
    apart = min(right - left for left, right in pairwise(places)) * -slants[0]
    assert max(tall) <= apart + 0.1 and apart > 0.8 * least  # none lies on another


def test_the_view_has_a_qr_code(standing: Gates) -> None:
    gates = standing
    gates.page.keyboard.press("ArrowLeft")
    expect(gates.page).to_have_url(re.compile("at=13"))
    gates.page.get_by_test_id("gt-share").click()
    gates.page.get_by_role("tab", name="This view").click()
    expect(gates.page.get_by_role("dialog").locator("img, svg[class*=segno]").first).to_be_visible()
    link = urlsplit(gates.page.get_by_role("dialog").locator("code:visible").text_content() or "")
    # The text and the models, too: a bare address opens what the language of the phone decides.
    said = {"text": [DEFAULT], "left": ["pronouns-lstm"], "right": ["pronouns-gru"], "at": ["13"]}
    assert parse_qs(link.query) == said and link.netloc == urlsplit(gates.page.url).netloc
    gates.page.keyboard.press("Escape")
    expect(gates.page.get_by_role("dialog")).to_have_count(0)


def test_digits_choose_one_row(standing: Gates) -> None:
    gates = standing
    gates.page.keyboard.press("3")
    gates.has(only="keep")
    box = gates.stage.bounding_box()
    assert box and gates.page.locator(".gs-role:visible").all_text_contents() == ["keep"] and box["height"] > 300
    expect(gates.page).to_have_url(re.compile("only=keep"))
    expect(gates.page.locator(".gs-unit-title").first).to_be_hidden()  # nothing would stand below it
    gates.page.keyboard.press("0")
    gates.has(only="")
    assert gates.page.locator(".gs-role:visible").count() > 8
    expect(gates.page.locator(".gs-unit-title").first).to_be_visible()


def test_keys_are_listed_and_the_screen_goes_black(standing: Gates) -> None:
    gates = standing
    gates.page.keyboard.press("?")
    expect(gates.page.get_by_test_id("gt-help")).to_be_visible()
    gates.page.keyboard.press("Escape")
    expect(gates.page.get_by_test_id("gt-help")).to_be_hidden()
    gates.page.keyboard.press("b")
    expect(gates.page.get_by_test_id("gt-black")).to_be_visible()
    gates.page.keyboard.press("b")
    expect(gates.page.get_by_test_id("gt-black")).to_be_hidden()


def test_a_clicker_works_wherever_the_focus_is_but_in_a_field(standing: Gates) -> None:
    gates, page = standing, standing.page
    page.keyboard.press("End")
    gates.has(step=(step := gates.get("steps") - 1))
    for test in ("gt-share", "gs-chip", "gt-present"):
        page.get_by_test_id(test).first.focus()
        page.keyboard.press("PageUp")
        step -= 1
        gates.has(step=step)
    page.keyboard.press("3")
    gates.has(only="keep")
    page.keyboard.press("Space")  # presses the button that has the focus
    gates.has(playing=0)
    expect(page.locator(".gs-present")).to_have_count(1)
    page.keyboard.press("Escape")
    gates.box.focus()
    page.keyboard.press("PageUp")
    gates.has(step=step)
    gates.stage.focus()
    page.keyboard.press("0")
    gates.has(only="")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_the_list_of_keys_can_be_read_from_afar(open_gates: Open, width: int, height: int) -> None:
    gates = open_gates({"present": "1"}, viewport={"width": width, "height": height})
    gates.page.keyboard.press("?")
    listed = gates.page.get_by_test_id("gt-help")
    expect(listed).to_be_visible()
    size = listed.evaluate("list => parseFloat(getComputedStyle(list.querySelector('dd')).fontSize)")
    assert size >= height / 45  # as large as what stands in the figure
    assert listed.evaluate("list => list.scrollHeight <= list.clientHeight && list.offsetTop >= 0")


def test_p_presents_and_escape_leaves(standing: Gates) -> None:
    """The last one on this page, in whose text it writes."""
    gates = standing
    gates.page.locator("body").press("p")
    expect(gates.page.locator(".stAppHeader")).to_be_hidden()
    expect(gates.page).to_have_url(re.compile("present=1"))
    gates.page.keyboard.press("Escape")
    expect(gates.page.locator(".stAppHeader")).to_be_visible()
    expect(gates.page).not_to_have_url(re.compile("present"))
    gates.box.press("p")  # somebody writes
    expect(gates.page.locator(".stAppHeader")).to_be_visible()
    gates.page.keyboard.press("Escape")
    expect(gates.box).not_to_be_focused()
    gates.page.keyboard.press("p")
    expect(gates.page.locator(".stAppHeader")).to_be_hidden()
    gates.box.press("p")
    gates.page.keyboard.press("Escape")  # leaves the sentence, and only then what is presented
    expect(gates.box).not_to_be_focused()
    expect(gates.page.locator(".stAppHeader")).to_be_hidden()
    gates.page.keyboard.press("Escape")
    expect(gates.page.locator(".stAppHeader")).to_be_visible()


def test_a_clicker_walks_through_a_shipped_tour(open_gates: Open) -> None:
    tour = shipped()["what-the-gates-do"]
    gates = open_gates({"tour": "what-the-gates-do"}, first=True)
    assert gates.page.get_by_test_id("gt-hints").count() == 0  # an audience is told nothing
    line, place = gates.page.get_by_test_id("gt-line"), gates.page.get_by_test_id("gt-place")
    for k, view in enumerate(tour.views):
        expect(place).to_have_text(f"{k + 1} / {len(tour.views)}")
        expect(line).to_have_text(view.line)
        path = "" if view.page == "gates" else view.page
        expect(gates.page).to_have_url(re.compile(rf"//[^/]+/{path}\?"))
        if view.page == "gates":
            gates.has(text=view.query["text"], ready=1, only=view.query.get("only", ""))
            if int(view.query["at"]) >= 0:
                gates.has(step=view.query["at"], unit=view.query["unit"])
        elif view.page == "step_by_step":
            tabs = gates.page.get_by_test_id("gw-stages")
            expect(tabs).to_have_count(1)  # a page that is left is there until the next one is drawn
            expect(tabs.locator("[aria-selected=true]")).to_be_visible()
        elif view.page == "what_if":
            expect(gates.page.get_by_test_id("gc-next0")).to_contain_text("expects")
        rested(gates.page)
        gates.page.keyboard.press("PageDown")
    count = len(tour.views)
    expect(place).to_have_text(f"{count} / {count}")  # it ends there
    gates.page.keyboard.press("PageUp")
    expect(place).to_have_text(f"{count - 1} / {count}")
    gates.page.get_by_test_id("gt-end").click()
    expect(gates.page.get_by_test_id("gt-bar")).to_be_hidden()
    rested(gates.page)
    address(gates.page, tour=None, stop=None)  # or it would be there again after a reload


def test_a_tour_is_made_started_and_opened_by_its_link(gates: Gates, open_gates: Open) -> None:
    page = gates.page
    page.get_by_test_id("gs-stage").focus()
    page.keyboard.press("Home")
    page.keyboard.press("3")
    gates.has(step=0, only="keep")
    expect(page).to_have_url(re.compile("at=0.*only=keep"))
    page.get_by_test_id("gt-share").click()
    page.get_by_role("tab", name="Your tour").click()
    page.get_by_label("What you will say at this view").fill("<b>Mary</b> is *first*")
    page.get_by_role("button", name="Add this view").click()
    expect(page.get_by_role("dialog").get_by_text("<b>Mary</b> is *first*")).to_be_visible()
    code = page.get_by_role("dialog").locator("code").last
    expect(code).to_contain_text("tour=")
    link = code.text_content()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    assert b"<b>Mary</b>" in saved.value.path().read_bytes()
    other = open_gates(link)
    expect(other.page.get_by_test_id("gt-line")).to_have_text("<b>Mary</b> is *first*")
    other.has(step=0, only="keep")


def test_a_link_to_a_tour_that_is_not_here_says_so(open_gates: Open) -> None:
    gates = open_gates({"tour": "nonsense"})
    expect(gates.page.get_by_text("This link names a tour that is not here")).to_be_visible()
