"""Attention in a real browser: the square that is drawn is the trace's, and units have no part in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from playwright.sync_api import expect

from dashboard.state import Settings
from lstm_core import load_model
from tests.browser.gates import Gates

NAME = "pronouns-lstm-attention"


def test_the_panel_is_the_square_of_every_word_by_every_word(open_gates: Callable[..., Gates]) -> None:
    gates = open_gates({"right": NAME})
    alpha = load_model(NAME).run(Settings().text).sel("alpha", layer=0, direction=0, batch=0)
    np.testing.assert_allclose(gates.panel("attention", 1), alpha.T, atol=1e-6)
    expect(gates.page.get_by_text("the LSTM has no attention")).to_be_visible()
    gates.page.get_by_test_id("gs-sort").select_option("moved")
    gates.has(sort="moved")
    np.testing.assert_allclose(gates.panel("attention", 1), alpha.T, atol=1e-6)
    unit = gates.get("unit2")
    box = gates.box_of("attention", 1)
    x, y = (box["left"] + box["right"]) / 2, box["top"] + 3
    gates.page.mouse.move(x, y)
    tip = gates.page.locator(".gs-tip")
    expect(tip).to_contain_text("α = ")
    expect(tip).to_contain_text("back to “Mary”")
    gates.page.mouse.click(x, y)
    gates.has(step=len(alpha) // 2, unit2=unit)
