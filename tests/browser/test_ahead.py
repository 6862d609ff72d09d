"""While somebody types the browser reads the text itself; the server's trace takes the place of what it has drawn."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import expect

from lstm_core import load_model
from tests.browser.gates import Gates, rested
from tests.browser.test_own_model import fields, upload
from tests.test_export import packed
from tests.uploads import SENTENCE, WORDS, tagger
from tests.uploads import saved as written

Open = Callable[..., Gates]
PAIR = ("pronouns-lstm", "pronouns-gru")
OPENED, ADDED = "Mary met John", " and she"
CLOSE = 1e-5
HERE = """role => document.querySelector("[data-testid=gs-swift]").data
    .find(one => one.type === "heatmap" && one.meta.role === role && one.meta.side === 0)
    .z.map(row => Array.from(row))"""
PAUSE = 0.1
"""Seconds between two letters after which the server may have been asked."""
HOLD = """() => {
  const { send } = WebSocket.prototype, held = []
  WebSocket.prototype.send = function (data) { held.push([this, data]) }
  window.letGo = () => {
    WebSocket.prototype.send = send
    for (const [socket, data] of held) socket.send(data)
  }
}"""
DIFFERENCE = re.compile(r"read in this browser first, largest difference (\d\.\d)e([+-]\d+)")


def proved(gates: Gates, text: str) -> None:
    """The server's trace has come, and it is what the browser had drawn."""
    gates.shows(text)
    quiet = gates.page.get_by_test_id("gs-quiet")
    expect(quiet).to_contain_text(DIFFERENCE)
    found = DIFFERENCE.search(quiet.inner_text())
    assert found and 0 < float(f"{found[1]}e{found[2]}") < CLOSE


@contextmanager
def alone(gates: Gates) -> Iterator[None]:
    """What the page says to the server waits till the end, so that a slow machine shows what was read here as well."""
    gates.page.evaluate(HOLD)
    yield
    gates.page.evaluate("window.letGo()")


def test_typing_is_answered_here_and_then_by_the_server(open_gates: Open) -> None:
    gates = open_gates({"text": OPENED})
    gates.has(able=1)
    gates.box.focus()
    gates.page.keyboard.press("End")
    gates.wire.clear()
    text, pauses = OPENED, 0
    with alone(gates):
        for letter in ADDED:
            began = time.monotonic()
            gates.page.keyboard.press(letter if letter != " " else "Space")
            text += letter
            gates.has(text=text, here=1)
            pauses += time.monotonic() - began > PAUSE
        expect(gates.page.get_by_test_id("gs-quiet")).to_contain_text("Computed in this browser in")
        trace = load_model(PAIR[0]).run(text, device="cpu")
        drawn = np.array(gates.page.evaluate(HERE, "hidden"))
    np.testing.assert_allclose(drawn, trace.signals["h"][0, 0, :, 0].T, atol=CLOSE)
    proved(gates, text)
    assert len(gates.wire.sent) <= 1 + pauses
    np.testing.assert_allclose(gates.panel("hidden"), drawn, atol=CLOSE)


STOOD = """
performance.setResourceTimingBufferSize(1000)
addEventListener("gs:repaint", () => (window.stood ??= performance.now()), true)"""
AFTER = """() => performance.getEntriesByType("resource").filter(one => /static.(models|\\w+.live)/.test(one.name))
    .map(one => one.startTime - window.stood)"""
"""How long after the first figure each part of what answers here was asked for."""


def test_models_come_after_the_first_figure_and_large_ones_when_somebody_writes(open_gates: Open) -> None:
    gates = open_gates({"text": OPENED})
    gates.page.add_init_script(STOOD)
    gates.page.reload()
    gates.has(able=1)
    waited = gates.page.evaluate(AFTER)
    assert len(waited) > 15 and min(waited) > 0
    asked: list[str] = []
    gates.page.on("request", lambda request: asked.append(request.url) if "/models/" in request.url else None)
    gates.page.get_by_test_id("gs-left").select_option("general-lstm")
    gates.page.get_by_test_id("gs-right").select_option("general-gru")
    gates.of(left="general-lstm", right="general-gru")
    gates.has(able=0)
    rested(gates.page)
    before = len(asked)  # a pair of a small model and a large one may have been on its way
    gates.page.wait_for_timeout(1500)
    assert len(asked) == before and gates.plot.get_attribute("data-able") == "0"
    gates.box.focus()
    gates.has(able=1)
    with alone(gates):
        gates.box.fill(OPENED + ADDED)
        gates.has(text=OPENED + ADDED, here=1)
    gates.box.press("Enter")
    proved(gates, OPENED + ADDED)


def test_a_damaged_model_is_left_to_the_server(open_gates: Open) -> None:
    gates = open_gates({"left": "anbn-lstm", "right": "anbn-gru", "text": "aab"})
    gates.has(able=1)
    gates.page.route("**/models/*.bin", lambda route: route.fulfill(body=b"nothing of ours"))
    with gates.page.expect_response("**/models/*.bin"):
        gates.page.get_by_test_id("gs-left").select_option("copy-lstm")
        gates.page.get_by_test_id("gs-right").select_option("copy-gru")
        gates.of(left="copy-lstm", right="copy-gru")
    gates.box.fill("a b")
    gates.box.press("Enter")
    gates.shows("a b")
    assert gates.plot.get_attribute("data-able") == "0"


def test_what_was_typed_is_said_before_anything_else_is_clicked(open_gates: Open) -> None:
    gates = open_gates({"text": OPENED})
    gates.has(able=1)
    gates.box.fill(OPENED + ADDED)
    gates.has(text=OPENED + ADDED)
    with gates.page.expect_download() as waited:
        gates.page.get_by_test_id("gs-offline").click()
    saved = packed(waited.value.path().read_text(encoding="utf-8"), "content")
    assert (OPENED + ADDED).encode() in saved


def test_hostile_texts_are_drawn_or_left_to_the_server(open_gates: Open) -> None:
    gates = open_gates({"text": OPENED})
    gates.has(able=1)
    for text in ("", "<img src=x onerror=alert(1)> \u202eback 👨‍👩‍👧", "word " * 10_000, OPENED):
        gates.box.fill(text)
        gates.has(text=text)
    gates.shows(OPENED)


def test_a_visitors_own_model_is_read_here_too(open_gates: Open) -> None:
    gates = open_gates({"text": SENTENCE})
    gates.page.get_by_test_id("gs-left").select_option("yours")
    upload(gates.page, written(tagger()))
    gates.has(steps=60, able=0)  # it reads numbers
    fields(gates.page, "the sentence")
    upload(gates.page, "\n".join(WORDS).encode(), "vocabulary.txt")
    gates.has(steps=len(SENTENCE.split()), able=1)
    text = f"{SENTENCE} {WORDS[1]}"
    with alone(gates):
        gates.box.fill(text)
        gates.has(text=text, here=1)
    proved(gates, text)


SEEN = """() => {
  const seen = (window.seen = [])
  const look = () => {
    const { text, here } = document.querySelector("[data-testid=gs-plot]")?.dataset ?? {}
    const left = document.querySelector("[data-testid=gs-plot]")?.of?.left
    if (text) seen.push(`${text}|${here}|${left}`)
  }
  new MutationObserver(look).observe(document.body, { subtree: true, attributes: true })
}"""


def test_what_other_models_will_read_is_never_shown_as_the_small_ones_have_it(open_gates: Open) -> None:
    """Where nobody has chosen models: of two people who were late the small pair would say he for two seconds."""
    gates, text = open_gates({}), "Mary and John were late because"
    gates.box.focus()
    gates.has(able=1)
    gates.page.evaluate(SEEN)
    gates.box.press("Control+a")
    gates.box.press_sequentially(text, delay=40)
    gates.shows(text)
    gates.of(left="general-lstm", right="general-gru")
    seen = [one.split("|") for one in gates.page.evaluate("window.seen")]
    assert not [one for one, _, left in seen if left == "pronouns-lstm" and one and text.startswith(one)]
    gates.has(able=1)
    gates.box.press_sequentially(" they", delay=40)
    gates.has(text=f"{text} they", here=1)  # and the other models are read with here


SAID = """() => {
  window.early = []
  const keys = [performance.now()]
  addEventListener("input", () => keys.push(performance.now()), true)
  const steady = () => keys.every((at, k) => !k || at - keys[k - 1] < 1000)
  new MutationObserver(() => {
    if (!steady() || performance.now() - keys.at(-1) > 1000) return
    for (const one of document.body.innerText.matchAll(/Not in the vocabulary of LSTM and GRU: (.*?)\\. /g))
      window.early.push(one[1])
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
}"""
"""Collects what is called unknown less than a second after a key; of somebody who pauses, as on a slow machine,
nothing."""


@pytest.mark.parametrize("path", ["", "memory"])
def test_a_word_that_is_being_written_is_called_unknown_only_when_it_is_finished(open_gates: Open, path: str) -> None:
    """Here as by the server, on whichever page: small models know no "marke", which is on its way to "market"."""
    gates = open_gates({"left": PAIR[0], "right": PAIR[1], "text": "Mary", "picked": "1"}, path)
    page = gates.page
    if not path:
        gates.has(able=1)
    gates.box.focus()
    page.keyboard.press("End")
    page.evaluate(SAID)
    gates.box.press_sequentially(" went to the marke", delay=350)
    said = page.get_by_text("Not in the vocabulary of LSTM and GRU: “marke”")
    assert not page.evaluate("window.early")
    expect(said).to_be_visible()
    gates.box.press_sequentially("t to the hou", delay=200)
    expect(said).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not in the vocabulary of LSTM and GRU: “hou”")).to_be_visible()
