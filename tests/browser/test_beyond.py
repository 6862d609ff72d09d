"""The page Beyond in a real browser: a picture is made by clicking, a word is chosen, and the address keeps both."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.gates import Gates, address


def test_a_picture_is_made_by_clicking_and_the_address_keeps_it(open_gates: Callable[..., Gates]) -> None:
    page = open_gates({"picture": "rc5-bs6"}, "beyond").page
    said = page.get_by_test_id("gf-said")
    expect(said).to_contain_text("a red circle left of a blue square")
    page.get_by_test_id("gp-color-g").click()
    page.get_by_test_id("gp-form-t").click()
    page.get_by_test_id("gp-12").click()
    expect(said).to_contain_text("above a green triangle")
    page.get_by_role("option", name="square").click()
    expect(said).to_contain_text("Says “square”")
    page.keyboard.press("ArrowLeft")
    expect(said).to_contain_text("Says “blue”")
    address(page, picture="rc5-bs6-gt12", at="6")
    page.reload()
    expect(said).to_contain_text("Says “blue”")
    page.get_by_test_id("gp-12").click()  # another brush replaces what is there, the same one takes it away
    expect(said).to_contain_text("above a red circle")
    page.get_by_test_id("gp-12").click()
    expect(said).not_to_contain_text("above")
