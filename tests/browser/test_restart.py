"""The server is killed and started under open pages, or the line is cut: what they show then is of what is written.

Every number that is looked at is compared with the library's own for the text in the box.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from benchmarks.browser import APP, Server
from benchmarks.clock import Wire
from dashboard.talk.tour import shipped
from lstm_core import load_model
from lstm_core.analysis import memory
from lstm_core.drawing.panel import percent
from tests.browser.gates import LAPTOP, Gates, address, arrived, by_small_models, found, rested
from tests.browser.test_own_model import upload
from tests.browser.test_walk_and_analysis import drawn, number
from tests.uploads import saved

OPENED, TYPED = "Mary met John", "Anna was sad. Then Paul met Lucy and"
UNIT = 5
LOSING = 3  # seconds for which what is typed is lost; six after it, it is asked for again
WAIT = ("own model", "memory", "step by step")
"""Pages that have nothing new to show without the server."""
SAID = """() => {
  window.said = ""
  const look = () => (window.said += document.querySelector("[data-testid=gs-line]")?.textContent ?? "")
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
}"""
"""Keeps what is ever said in the line below the page."""
AWAY = "The server cannot be reached."
TOUR = shipped()["what-the-gates-do"]


@dataclass
class Host:
    """A server that can be killed and started again, and pages that are open."""

    browser: Browser
    server: Server
    context: BrowserContext
    problems: list[str] = field(default_factory=list)
    pages: dict[str, Gates] = field(default_factory=dict)

    def open(self, name: str, path: str = "", page: Page | None = None, **query: str) -> Gates:
        page = page or self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"{name}: {error}"))
        self.pages[name] = Gates(page, Wire(page))
        page.goto(f"{self.server.url}/{path}?{urlencode(by_small_models(query))}")
        arrived(page)
        return self.pages[name]

    def kill(self) -> None:
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()
        self.server.stop()

    def start(self) -> None:
        self.server = Server(APP, port=self.server.port)
        self.server.wait()


@pytest.fixture(scope="module")
def host(browser: Browser) -> Iterator[Host]:
    """Its pages have outlived a restart of the server."""
    server = Server(APP)
    server.wait()
    host = Host(browser, server, browser.new_context(viewport=LAPTOP))
    try:
        before(host)
        host.kill()
        meanwhile(host)
        host.start()
        yield host
        shown = [page.get_by_test_id("stException") for page in (gates.page for gates in host.pages.values())]
        host.problems += [text for one in shown for text in one.all_text_contents()]
        assert not host.problems and "Traceback" not in host.server.output(), host.problems
    finally:
        if host.server.process.poll() is None:
            host.server.stop()
        host.context.close()


def before(host: Host) -> None:
    """What was done in each page while the server was there."""
    host.open("untouched", text=OPENED).has(able=1)
    for name in ("typed before", "typed while it was gone", "own model"):
        gates = host.open(name, text=OPENED, unit="0")
        gates.has(able=1)
        enter(gates, TYPED)
        gates.shows(TYPED)
    press(host.pages["typed before"], "Home", "ArrowRight", "ArrowRight", "ArrowDown")
    host.pages["typed before"].has(step=2, unit=1)
    own = host.pages["own model"]
    own.page.get_by_test_id("gs-left").select_option("yours")
    upload(own.page, saved(torch.nn.GRU(3, 4)))
    own.has(steps=60)
    tour = host.open("tour", tour="what-the-gates-do")
    for stop in (2, 3):
        tour.page.keyboard.press("PageDown")
        expect(tour.page.get_by_test_id("gt-place")).to_have_text(f"{stop} / {len(TOUR.views)}")
        view = TOUR.views[stop - 1].query
        tour.has(step=view["at"], only=view["only"])
        rested(tour.page)  # what is pressed while a page is made may be lost
    tour.has(able=1)
    memories = host.open("memory", "memory", text=OPENED)
    enter(memories, TYPED)
    memories.page.get_by_test_id("gc-words").get_by_text("Paul").click()
    expect(memories.page.get_by_test_id("gc-writers0").locator("h2")).to_contain_text("after “Paul”")
    choose_unit(memories.page, "LSTM", UNIT)
    settled(memories, TYPED)  # although the server has written in the address what it knew of it
    walk = host.open("step by step", "step_by_step", text=OPENED)
    enter(walk, TYPED)
    expect(walk.page.get_by_test_id("gw-words")).to_contain_text("Lucy")
    press(walk, "Home", "Shift+ArrowRight")


def meanwhile(host: Host) -> None:
    """Every page says that the server is away, and lets itself be used. What is typed is read in the browser where that
    has the models, and lost nowhere."""
    for name, gates in host.pages.items():
        expect(gates.page.get_by_test_id("gs-line")).to_contain_text(AWAY)
        expect(gates.page.locator("html.gs-old")).to_have_count(int(name in WAIT))
    gone = host.pages["typed while it was gone"]
    gone.box.fill("")
    gone.page.wait_for_timeout(2000)  # Streamlit's dialog would come now, and take the keyboard
    gone.box.press_sequentially(OPENED, delay=100)
    expect(gone.box).to_have_value(OPENED)
    expect(gone.page.get_by_role("dialog")).to_have_count(0)
    gone.has(text=OPENED, here=1)
    enter(host.pages["tour"], OPENED)
    press(host.pages["typed before"], "ArrowRight")
    host.pages["typed before"].has(step=3)


def enter(gates: Gates, text: str) -> None:
    gates.box.fill(text)
    gates.box.press("Enter")


def choose_unit(page: Page, cell: str, unit: int) -> None:
    page.get_by_role("combobox", name=f"{cell} unit").click()
    page.get_by_role("option", name=f"unit {unit}", exact=True).click()
    expect(page.get_by_test_id("gc-writers0").locator("h2")).to_contain_text(f"unit {unit}")


def press(gates: Gates, *keys: str) -> None:
    gates.page.locator(".gs-stage, .gw").focus()
    for key in keys:
        gates.page.keyboard.press(key)


def settled(gates: Gates, text: str) -> None:
    """Nothing is said or dimmed any more; the box and the address hold this text."""
    expect(gates.page.locator("[data-test-connection-state=CONNECTED]")).to_have_count(1)
    rested(gates.page)
    expect(gates.page.locator("[data-testid=gs-line]:not(:empty)")).to_have_count(0)
    expect(gates.page.locator("html.gs-old")).to_have_count(0)
    expect(gates.box).to_have_value(text)
    gates.page.wait_for_function("text => (new URL(location.href).searchParams.get('text') ?? text) === text", arg=text)


def compare(gates: Gates, text: str, at: int, models: tuple[str, str] = ("pronouns-lstm", "pronouns-gru")) -> None:
    """Words, panels, the unit's values, what is expected next and the headline are the library's for this text."""
    gates.shows(text)
    gates.has(step=at)
    settled(gates, text)
    only = gates.plot.get_attribute("data-only")  # a stop of a tour may draw one row alone
    for side, name in enumerate(models):
        model = load_model(name)
        trace = model.run(text, device="cpu")
        assert gates.words(side) == [token.text for token in trace.tokens]
        for role in [only] if only else trace.roles:
            values = trace.role(role)
            assert values is not None
            np.testing.assert_allclose(gates.panel(role, side), values[0, 0, :, 0].T, atol=1e-6)
        next_words = gates.page.get_by_test_id(f"gs-next-{side}")
        likeliest = model.predictions(trace, 5)[at]
        expect(next_words.locator(".gs-bar-word").first).to_have_text(likeliest[0][0])
        assert next_words.locator(".gs-bar-word").all_text_contents() == [word for word, _ in likeliest]
        assert next_words.locator(".gs-bar-value").all_text_contents() == [percent(p) for _, p in likeliest]
        if only:  # ... and then has no values of a unit, and its own headline
            continue
        unit = gates.get("unit2" if side else "unit")
        names = next_words.locator(".gs-values dt").all_text_contents()
        values = next_words.locator(".gs-values dd").all_text_contents()
        told = {name: text.partition(":")[0] for name, text in zip(names, values, strict=True)}
        mine = {signal.name for signal in trace.cell.signals} & set(names)
        assert mine and {name: told[name] for name in mine} == {
            name: number(trace.sel(name, layer=0, direction=0, batch=0, time=at, unit=unit).item()) for name in mine
        }
        (word, p), (other, q), *_ = likeliest
        said = f"expects “{word}” ({percent(p)})"
        if p < 0.25:
            said = f"is undecided, likeliest “{word}” ({percent(p)})"
        elif q >= 3 / 7 * p:
            said = f"is undecided between “{word}” ({percent(p)}) and “{other}” ({percent(q)})"
        said = f"{trace.cell.title} {said}"
        expect(gates.page.get_by_test_id("gs-caption")).to_contain_text(said)


def test_a_page_that_nobody_touched_goes_on(host: Host) -> None:
    gates = host.pages["untouched"]
    compare(gates, OPENED, 2)
    enter(gates, TYPED)  # a session that does not know the part of the page with the figure would never answer
    compare(gates, TYPED, 8)


def test_what_was_typed_before_is_shown_and_the_cursor_stays(host: Host) -> None:
    gates = host.pages["typed before"]
    compare(gates, TYPED, 3)
    gates.has(unit=1)
    address(gates.page, at="3")
    enter(gates, OPENED)
    compare(gates, OPENED, 2)


def test_what_was_typed_while_it_was_gone_is_drawn(host: Host) -> None:
    compare(host.pages["typed while it was gone"], OPENED, 2)


def test_a_model_that_is_gone_has_to_be_given_again(host: Host) -> None:
    gates = host.pages["own model"]
    expect(gates.page.get_by_test_id("gs-notice")).to_contain_text("No model of yours is in this tab")
    compare(gates, TYPED, 8)
    expect(gates.page.get_by_test_id("stFileUploader")).to_be_visible()
    upload(gates.page, saved(torch.nn.GRU(3, 4)))
    gates.has(steps=60)
    settled(gates, TYPED)


def test_a_tour_goes_on_where_it_was(host: Host) -> None:
    gates = host.pages["tour"]
    place, line = gates.page.get_by_test_id("gt-place"), gates.page.get_by_test_id("gt-line")
    gates.shows(OPENED)  # typed at this view
    settled(gates, OPENED)
    gates.has(only="values")
    expect(place).to_have_text(f"3 / {len(TOUR.views)}")
    expect(line).to_have_text(TOUR.views[2].line)
    press(gates, "PageDown")
    expect(line).to_have_text(TOUR.views[3].line)
    compare(gates, TOUR.views[3].query["text"], 11)


def test_the_chosen_word_on_the_page_memory_stays(host: Host) -> None:
    gates = host.pages["memory"]
    settled(gates, TYPED)
    address(gates.page, at="5", unit=str(UNIT))
    expect(gates.page.get_by_test_id("gc-words")).to_have_text(re.compile("Anna.*sad.*Lucy.*and"))
    for side, name in enumerate(("pronouns-lstm", "pronouns-gru")):
        model = load_model(name)
        unit = model.meta["units"]["gender"]["unit"] if side else UNIT
        expect(gates.page.get_by_test_id(f"gc-writers{side}").locator("h2")).to_contain_text("after “Paul”")
        trace = model.run(TYPED, device="cpu")
        step = next(k for k, token in enumerate(trace.tokens) if token.text == "Paul")
        wrote = memory(trace, step, unit=unit).contributions[: step + 1]
        np.testing.assert_allclose(np.array(drawn(gates.page, f"writers{side}")[0]), wrote, atol=1e-5)


def test_the_walk_stays_at_its_word(host: Host) -> None:
    gates = host.pages["step by step"]
    settled(gates, TYPED)
    walk = gates.page.get_by_test_id("gw")
    expect(walk).to_have_attribute("data-at", "1")
    for side, (name, state) in enumerate((("pronouns-lstm", "c"), ("pronouns-gru", "h"))):
        model = load_model(name)
        trace = model.run(TYPED, device="cpu")
        carried = trace.sel(state, layer=0, direction=0, batch=0).T  # of the unit that decided on the text of before
        shown = gates.page.get_by_test_id(f"gw-strip-{side}").locator(".gw-figure").all_text_contents()
        assert shown and shown in [[number(value) for value in unit[: len(shown)]] for unit in carried]


def test_a_page_of_another_version_is_loaded_anew(host: Host) -> None:
    gates = host.open("version", text=OPENED)
    gates.page.evaluate("window.gatescope = 'the version before'")
    with gates.page.expect_event("load"):
        enter(gates, TYPED)
    compare(gates, TYPED, 8)


def test_a_cut_line_is_said_and_what_was_typed_is_drawn_when_it_is_back(host: Host) -> None:
    own = host.browser.new_context(viewport=LAPTOP).new_page()
    gates = host.open("cut", page=own, text=TYPED)
    gates.has(able=1)
    line = gates.page.get_by_test_id("gs-line")
    gates.page.context.set_offline(True)
    press(gates, "Home")
    gates.has(step=0)
    expect(line).to_have_count(0)  # nothing is missing yet
    enter(gates, OPENED)
    expect(line).to_contain_text(f"{AWAY} What you type is read in this browser")
    expect(gates.page.locator("html.gs-old")).to_have_count(0)
    gates.has(text=OPENED, here=1)
    gates.page.context.set_offline(False)
    compare(gates, OPENED, 2)
    own.context.close()
    del host.pages["cut"]


@pytest.mark.parametrize("able", [0, 1])
def test_what_is_not_answered_is_said_and_asked_for_again(host: Host, able: int) -> None:
    """What this browser has drawn itself is asked for all the same, but nothing has to be said of it."""
    lost: list[float] = []  # when each came: what is typed is sent at once, and twice where Enter comes late

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            now = time.monotonic()
            if TYPED.encode() in bytes(message if isinstance(message, bytes) else message.encode()) and (
                not lost or now < lost[0] + LOSING
            ):
                lost.append(now)
            else:
                server.send(message)

        socket.on_message(pass_on)

    page = host.context.new_page()
    page.route_web_socket(re.compile("_stcore"), route)
    if not able:
        page.route("**/static/models/**", lambda asked: asked.abort())
    gates = host.open(f"lost {able}", page=page, text=OPENED)
    gates.has(able=able)
    page.evaluate(SAID)
    enter(gates, TYPED)
    if able:
        gates.has(text=TYPED, here=1)
    else:
        found(page, "() => window.said.includes('from before your last change')")
    compare(gates, TYPED, 8)
    assert lost
