"""The bench on Step by step and the two figures to move on Gradients, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from lstm_core import CELLS
from lstm_core.javascript import javascript
from tests.browser.gates import Gates


@pytest.fixture(scope="module")
def bench(open_standing: Callable[..., Gates]) -> Page:
    page = open_standing({"text": "Mary met John"}, "step_by_step").page
    page.get_by_test_id("gb-summary").click()
    expect(page.get_by_test_id("gb-verdict")).to_be_visible()
    return page


def test_the_puzzles_are_solved_by_hand_and_by_training(bench: Page) -> None:
    verdict, root = bench.get_by_test_id("gb-verdict"), bench.get_by_test_id("gb")
    for name in ("hold", "count", "latch"):
        bench.get_by_test_id(f"gb-{name}").click()
        expect(verdict).to_contain_text("Not yet")
        bench.get_by_test_id("gb-solution").click()
        expect(verdict).to_contain_text("Solved: every step of 4 texts is right.")
    bench.get_by_test_id("gb-i-0").fill("0")  # the word no longer opens the input gate
    expect(root).to_have_attribute("data-solved", "false")
    bench.get_by_test_id("gb-train").click()
    expect(verdict).to_contain_text("Training")  # as long as it goes on, and when it is over
    expect(bench.get_by_test_id("gb-train")).to_have_text("Let training find them")
    expect(verdict).to_contain_text("steps from")


def test_a_peephole_is_a_switch_and_brings_its_slider(bench: Page) -> None:
    assert bench.get_by_test_id("gb-f-c").count() == 0
    bench.get_by_test_id("gb-peephole-f").check()
    expect(bench.get_by_test_id("gb-f-c")).to_be_visible()
    assert bench.get_by_test_id("gb-i-c").count() == 0 == bench.get_by_test_id("gb-g-c").count()


def test_the_cell_that_runs_is_the_one_whose_equations_are_shown(bench: Page) -> None:
    sent = bench.evaluate("fetch(`app/static/${window.gatescope}/cells/peephole.js`).then((found) => found.text())")
    assert sent == javascript(CELLS["peephole"])


def test_what_explodes_and_what_is_dropped_can_be_moved(open_gates: Callable[..., Gates]) -> None:
    page = open_gates({"text": "Mary met John"}, "gradients").page
    said = page.get_by_test_id("gv-clipped")
    expect(said).to_contain_text("clipped to w = 4.90")
    page.get_by_test_id("gv-most").fill("-2")
    expect(said).to_contain_text("clipped to w = 4.81")
    page.get_by_test_id("gv-rate").fill("0.5")
    page.get_by_test_id("gv-back").fill("2")
    expect(page.get_by_test_id("gv-arrives")).to_contain_text("passes 3 dropouts")
    expect(page.get_by_test_id("gv-arrives")).to_contain_text("it would pass 5")
