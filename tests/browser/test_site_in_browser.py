"""The page without a server, opened from a disk in a folder of some name, without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from dashboard.site.build import build
from tests.browser.gates import Gates, fits
from tests.browser.test_live_in_browser import PHONE, equals_the_library

Open = Callable[..., Gates]
PRONOUNS = "pronouns-lstm--pronouns-gru.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("some folder") / "50 % of it" / "site"
    build(folder)
    return folder


def test_from_the_first_page_to_a_sentence_and_through_a_tour(open_file: Open, site: Path) -> None:
    gates = open_file(site / PRONOUNS)
    page = gates.page
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="Type a sentence").click()
    expect(gates.plot).to_have_attribute("data-ready", "1")
    gates.box.fill("John met Anna and he")
    gates.shows("John met Anna and he")
    equals_the_library(gates, "pronouns", "John met Anna and he")
    page.wait_for_url("**text=John+met+Anna+and+he**")
    page.reload()
    gates.has(text="John met Anna and he")

    page.get_by_test_id("gt-tours").click()
    page.get_by_test_id("gt-tour-what-the-gates-do").click()
    stops = page.get_by_test_id("gt-place")
    expect(stops).to_have_text("1 / 11")
    gates.has(step=0, unit=0, only="hidden")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    expect(stops).to_have_text("4 / 11")
    gates.has(step=11, only="keep")
    expect(page.locator(".gt-ring:not([hidden])")).to_have_count(2)
    page.get_by_test_id("gt-next").click()
    expect(page.locator("#steps")).to_be_visible()
    expect(page.locator("#steps .gw")).to_have_attribute("data-at", "11")
    for number in range(6, 12):
        page.get_by_test_id("gt-next").click()
        expect(stops).to_have_text(f"{number} / 11")
        if number == 10:
            expect(page.get_by_test_id("gs-verdict-0")).to_contain_text("instead of “he”")
    page.wait_for_url("**/copy-lstm--copy-rnn.html?tour=what-the-gates-do&stop=11*")
    gates.has(text="daf........................................?")
    page.get_by_test_id("gt-back").click()
    page.wait_for_url("**/pronouns-lstm--pronouns-gru.html?tour=what-the-gates-do&stop=10*")
    expect(stops).to_have_text("10 / 11")
    page.get_by_test_id("gt-end").click()
    expect(page.get_by_test_id("gt-bar")).to_be_hidden()


def test_an_experiments_texts_and_a_tours_stop_there(open_file: Open, site: Path) -> None:
    gates = open_file(site / "zh" / PRONOUNS, viewport=PHONE, color_scheme="dark")
    page = gates.page
    fits(page)
    page.goto((site / "zh" / "experiments.html").as_uri() + "?tour=lstm-or-gru&stop=6#counting")
    expect(page.get_by_test_id("gt-place")).to_have_text("6 / 6")
    expect(page.locator("#counting")).to_be_in_viewport()
    page.locator("#counting .gl-list a").first.click()
    page.wait_for_url("**/zh/anbn-lstm--anbn-gru.html?text=*")
    expect(gates.plot).to_have_attribute("data-ready", "1")
    text = gates.plot.get_attribute("data-text")
    assert text and set(text) == {"a", "b"}
    expect(gates.box).to_have_value(text)


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_weights_that_are_not_there_are_missed_in_words(
    disk: BrowserContext, site: Path, tmp_path: Path, how: str
) -> None:
    shutil.copytree(site, tmp_path / "site", copy_function=os.link)
    weights = tmp_path / "site" / "shared" / "pronouns-gru.js"
    code = weights.read_text(encoding="utf-8")
    weights.unlink()
    if how == "damaged":
        middle = len(code) // 2
        weights.write_text(code[:middle] + ("A" if code[middle] != "A" else "B") + code[middle + 1 :], encoding="utf-8")
    shown = disk.new_page()
    shown.goto((tmp_path / "site" / PRONOUNS).as_uri())
    expect(shown.locator("#waiting")).to_contain_text("damaged")
    shown.close()
