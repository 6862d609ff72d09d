"""What a visitor takes home: the saved page, opened from the disk without a network, and the film of the play."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import BrowserContext, Page, expect

from dashboard.export import offline
from dashboard.figures.content import content
from dashboard.views.gates import captions, lines
from lstm_core import load_model
from tests.browser.gates import Gates, fits, found

MODELS = ("pronouns-lstm", "pronouns-gru")
TEXT = "Mary saw John because she"
HOSTILE = "</script><script>alert(1)</script> <img src=x onerror=alert(1)> \"quoted\" 'too' 😀 她 Mary"
Open = Callable[..., Gates]


def saved(folder: Path, text: str) -> Path:
    """The page as the app makes it of that text."""
    models = [load_model(name) for name in MODELS]
    traces = [model.run(text) for model in models]
    told = content(models, traces, [m.predictions(t, 5) for m, t in zip(models, traces, strict=True)], (None, None))
    cells = [offline.Cell(trace.cell.title, lines(trace), list(captions(trace))) for trace in traces]
    path = folder / "saved.html"
    path.write_bytes(offline.page(told | {"text": text, "settings": {"at": -1}, "notices": []}, cells))
    return path


def shows_the_traces(gates: Gates, text: str) -> None:
    for side, name in enumerate(MODELS):
        trace = load_model(name).run(text)
        for role in ("keep", "hidden", "candidate"):
            values = trace.role(role)
            assert values is not None
            assert np.abs(gates.panel(role, side) - values[0, 0, :, 0].T).max() < 1e-6


def test_the_saved_page_opens_without_a_network_as_the_view_was(open_gates: Open, open_file: Open, tmp_path: Path):
    gates = open_gates({"text": TEXT})
    gates.shows(TEXT)
    gates.page.get_by_test_id("gs-sort").select_option("keep")
    gates.page.get_by_test_id("gs-unit-0").select_option("3")
    gates.page.keyboard.press("Escape")
    gates.stage.focus()
    gates.page.keyboard.press("Home")
    gates.page.keyboard.press("ArrowRight")
    gates.has(step=1, unit=3, sort="keep")
    with gates.page.expect_download() as waited:
        gates.page.get_by_test_id("gs-offline").click()
    path = tmp_path / waited.value.suggested_filename
    waited.value.save_as(path)
    assert path.name == "gatescope.html" and path.stat().st_size < 6_000_000
    gates.has(step=1, unit=3, sort="keep")  # nothing moved on the page itself

    copy = open_file(path)
    copy.shows(TEXT)
    copy.has(step=1, unit=3, sort="keep")
    assert copy.words() == gates.words() == TEXT.split()
    np.testing.assert_allclose(copy.panel("keep"), gates.panel("keep"), atol=1e-6)  # it is computed there
    assert copy.page.get_by_test_id("gs-next-0").inner_text() == gates.page.get_by_test_id("gs-next-0").inner_text()
    expect(copy.page.get_by_test_id("gs-gif")).to_be_hidden()  # there is no server to make it


def test_the_saved_page_is_handled_as_the_page(open_file: Open, tmp_path: Path) -> None:
    gates = open_file(saved(tmp_path, TEXT))
    gates.shows(TEXT)
    shows_the_traces(gates, TEXT)
    last = gates.get("steps") - 1
    gates.has(step=last)
    press = gates.page.keyboard.press
    for key, step in (("Home", 0), ("ArrowRight", 1), ("PageDown", 2), ("PageUp", 1), ("End", last)):
        press(key)
        gates.has(step=step)
    model = load_model(MODELS[0])
    words = [word for word, _ in model.next_tokens(model.run(TEXT), last)]
    assert gates.page.get_by_test_id("gs-next-0").locator(".gs-bar-word").all_text_contents() == words
    press("Home")
    press("Space")
    gates.has(playing=0, step=last)  # to its end
    gates.click_unit(4, "keep")
    gates.has(unit=4)
    press("3")
    gates.has(only="keep")
    press("0")
    gates.has(only="")
    gates.page.get_by_test_id("gs-sort").select_option("moved")
    gates.has(sort="moved")
    for kind in ("png", "svg"):
        with gates.page.expect_download() as waited:
            gates.page.get_by_test_id(f"gs-{kind}").click()
        assert waited.value.suggested_filename == f"gatescope.{kind}"
    gates.page.get_by_test_id("gs-full").click()
    found(gates.page, "() => document.fullscreenElement?.matches('.gs-plot')")
    assert len(gates.page.locator("math").all()) == len(lines(model.run(TEXT))) + len(
        lines(load_model(MODELS[1]).run(TEXT))
    )
    assert model.meta["honesty"] in gates.page.get_by_test_id("gs-honesty").inner_text()


def test_what_was_chosen_outlives_a_reload(open_file: Open, tmp_path: Path) -> None:
    gates = open_file(saved(tmp_path, TEXT))
    gates.page.get_by_test_id("gs-unit-1").select_option("3")
    gates.page.wait_for_url("**unit2=3*")
    gates.page.reload()
    gates.has(ready=1, unit2=3)


def test_markup_in_the_sentence_is_shown_and_does_nothing(open_file: Open, tmp_path: Path) -> None:
    gates = open_file(saved(tmp_path, HOSTILE))
    gates.shows(HOSTILE)
    assert gates.page.locator("h1").text_content() == HOSTILE
    assert gates.page.locator("img").count() == 0
    shows_the_traces(gates, HOSTILE)


@pytest.mark.parametrize(("width", "scheme"), [(1366, "light"), (390, "dark")])
def test_the_saved_page_fits_and_follows_light_and_dark(open_file: Open, tmp_path: Path, width: int, scheme: str):
    gates = open_file(saved(tmp_path, TEXT), viewport={"width": width, "height": 768}, color_scheme=scheme)
    fits(gates.page)
    colour = "getComputedStyle(document.body).backgroundColor"
    assert gates.page.evaluate(colour) == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]
    dark = "document.querySelector('.gs-plot').classList.contains('gs-dark')"
    assert gates.page.evaluate(dark) == (scheme == "dark")
    gates.page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    shown = expect(gates.page.locator(".gs-plot"))
    (shown.to_have_class if scheme == "light" else shown.not_to_have_class)(re.compile("gs-dark"))
    fits(gates.page)


# ---- the film


def filmed(page: Page, path: Path) -> list[np.ndarray]:
    with page.expect_download() as waited:
        page.get_by_test_id("gs-gif").click()
    assert waited.value.suggested_filename == "gatescope.gif"
    waited.value.save_as(path)
    assert path.stat().st_size < 5_000_000
    with Image.open(path) as image:
        assert image.info["duration"] == 450 and image.info["loop"] == 0
        return [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(image)]


def test_the_film_has_every_step_with_the_cursor_where_it_stands(open_gates: Open, tmp_path: Path) -> None:
    gates = open_gates({"text": TEXT})
    gates.shows(TEXT)
    downloads = []
    gates.page.on("download", lambda download: downloads.append(download))
    frames = filmed(gates.page, tmp_path / "film.gif")
    steps = gates.get("steps")
    assert len(frames) == steps == len(TEXT.split())
    stage, panel = gates.stage.evaluate("node => node.getBoundingClientRect().toJSON()"), gates.box_of("keep")
    wide = panel["right"] - panel["left"]
    height, width = frames[0].shape[:2]
    assert width == round(stage["width"]) + 36
    scales = frames[-1][height - 20]  # below the grid: what the colours mean
    assert len(np.unique(scales[10:120], axis=0)) > 15 < len(np.unique(scales[width // 2 :], axis=0))
    ink = np.array([31, 35, 40])
    # In the last rows the grid has ended and the cursors alone go on.
    for step, frame in enumerate(frames):
        found = np.flatnonzero(np.abs(frame[height - 40] - ink).sum(-1) < 12)
        left = 10 + panel["left"] - stage["left"] + wide * step / steps
        assert found.size == 4 and abs(found[0] - left) <= 1.5 and abs(found[1] - left - wide / steps) <= 1.5
    for one, other in zip(frames, frames[1:], strict=False):
        changed = np.abs(one - other).sum(-1) > 30
        assert changed[:24].any()  # the word and what is expected next
        assert 0 < changed[24:].any(0).sum() <= 8  # and nothing but the edges of the cursors
    expect(gates.page.get_by_test_id("gs-gif")).to_have_text("GIF")
    gates.page.emulate_media(color_scheme="dark")  # the same content is drawn again
    expect(gates.plot).to_have_class("gs-plot gs-dark")
    gates.box.fill("Anna was tired")
    gates.shows("Anna was tired")
    assert len(downloads) == 1  # once, and not with what is drawn next


def test_a_film_that_cannot_be_made_or_is_cut_is_said(open_gates: Open) -> None:
    """How far a film goes is in tests/node/film.test.js."""
    gates = open_gates({"text": " ".join(["Mary saw John and"] * 60)})
    gates.has(steps=240)
    gates.page.evaluate(
        "() => { const draw = HTMLCanvasElement.prototype.toDataURL;"
        "HTMLCanvasElement.prototype.toDataURL = function (...how) {"
        "return this.height > 2 * this.width ? 'data:image/png;base64,AAAA' : draw.apply(this, how) } }"
    )
    gates.page.get_by_test_id("gs-gif").click()
    expect(gates.page.get_by_test_id("gs-notice")).to_contain_text("the first 200 steps in view")
    expect(gates.page.get_by_test_id("gs-notice")).to_contain_text("no film that can be read")
    expect(gates.page.get_by_test_id("gs-gif")).to_have_text("GIF")


def test_a_file_that_was_cut_short_says_so(disk: BrowserContext, tmp_path: Path) -> None:
    path = saved(tmp_path, TEXT)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    page = disk.new_page()
    page.goto(path.as_uri())
    expect(page.get_by_text("it is damaged")).to_be_visible()
    page.close()
