"""A figure in a notebook has the colours of the ground that it stands on, however the notebook writes that."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

LOOK = Path(__file__).parents[2] / "dashboard" / "browser" / "notebook" / "look.js"
GROUND = """async (colour) => {
    document.body.style.background = colour
    return (await import("http://notebook.test/look.js")).ground(document.getElementById("cell"))
}"""
WHITE, NIGHT = (255, 255, 255), (22, 22, 22)
"""Of oklch(0.2 0 0): a grey of linear light l = 0.2 ** 3, in sRGB 255 * (1.055 * l ** (1 / 2.4) - 0.055)."""


def serve(route: Route) -> None:
    if route.request.url.endswith(".js"):
        route.fulfill(body=LOOK.read_text("utf8"), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><body><p id=cell></p>", content_type="text/html")


@pytest.mark.browser
def test_the_ground_is_read_in_every_colour_space(browser: Browser) -> None:
    """Themes are written in such, and a browser leaves them so in what it computes."""
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.route("http://notebook.test/**", serve)
        page.goto("http://notebook.test/")
        for colour, expected in {
            "white": WHITE,
            "oklch(1 0 0)": WHITE,
            "color(display-p3 1 1 1)": WHITE,
            "lab(100 0 0)": WHITE,
            "oklch(0.2 0 0)": NIGHT,
            "oklch(0.2 0 0 / 0.1)": WHITE,  # it is seen through
        }.items():
            assert tuple(page.evaluate(GROUND, colour)) == expected, colour
