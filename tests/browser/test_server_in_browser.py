"""What a host promises, in a real browser: the page keeps to its policy, is framed where the host wants it and nowhere
else, and an error is a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.browser import Server, free_port, serve
from dashboard.views import discover
from tests.browser.conftest import PATIENCE
from tests.browser.gates import arrived, turn
from tests.browser.tabs import PAGES, Tabs

NUMBER = re.compile(r"\b[0-9A-F]{8}\b")
ERRORS = "[data-testid=stAlert]"


def test_every_page_keeps_to_its_policy(tabs: Tabs, server: Server) -> None:
    visit, violations = tabs.visit(), []
    visit.on("console", lambda message: violations.append(message.text) if "Policy" in message.text else None)
    page = visit.page
    page.goto(server.url)
    arrived(page)
    for name, view in zip(PAGES, discover(), strict=True):
        answer = page.request.get(f"{server.url}/{name}")
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        turn(page, view.page.title)
    assert not violations
    with page.expect_console_message(lambda message: "Policy" in message.text):  # or nothing was looked at
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    tabs.leave(visit)


def test_a_first_visit_loads_what_the_documentation_says(browser: Browser, server: Server) -> None:
    hosting = (Path(__file__).resolve().parents[2] / "docs" / "hosting.md").read_text(encoding="utf-8")
    said = re.search(r"a first visit loads (\S+) MB until its first figure, and (\S+) MB after it", hosting)
    with browser.new_context() as context:
        page = context.new_page()
        addresses: dict[str, str] = {}
        loaded: dict[str, float] = {}
        wire = context.new_cdp_session(page)
        wire.on("Network.requestWillBeSent", lambda file: addresses.update({file["requestId"]: file["request"]["url"]}))
        wire.on("Network.loadingFinished", lambda file: loaded.update({file["requestId"]: file["encodedDataLength"]}))
        wire.send("Network.enable")
        page.goto(server.url)
        expect(page.get_by_test_id("gs-plot")).to_have_attribute("data-ready", "1")
        for _ in range(PATIENCE // 50):  # of each network its words, its weights and its equations
            if sum("/models/" in addresses[id] for id in loaded) == 6:
                break
            page.wait_for_timeout(50)
        page.wait_for_load_state("networkidle")
        assert said and sum(loaded.values()) / 1e6 == pytest.approx(float(said[1]) + float(said[2]), abs=0.05)
        expect(page.locator(".opening")).to_have_count(0)  # what stood there until the scripts came


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def course(folder: Path, inside: str, port: int) -> Iterator[str]:
    """A course's page with another page inside."""
    (folder / "index.html").write_text(f"<iframe src='{inside}/?embed=true' width=1300 height=700></iframe>")
    with ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder))) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://localhost:{port}/"
        host.shutdown()


def test_it_is_framed_where_the_host_allows_it_and_nowhere_else(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with serve(env={"GATESCOPE_FRAME_ANCESTORS": f"http://localhost:{port} moodle.example.org"}) as server:
        page = browser.new_page()
        with course(tmp_path, server.url, port) as allowed:
            page.goto(allowed)
            plot = page.frame_locator("iframe").get_by_test_id("gs-plot")
            expect(plot).to_have_attribute("data-ready", "1")
        with course(tmp_path, server.url, free_port()) as other:
            with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
                page.goto(other)
            assert page.frame_locator("iframe").get_by_test_id("stApp").count() == 0
        page.close()


@pytest.fixture(scope="module")
def failing(browser: Browser) -> Iterator[Server]:
    with serve(Path(__file__).with_name("failing_app.py"), {"STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "none"}) as server:
        yield server


@pytest.fixture(scope="module")
def failing_tabs(browser: Browser, failing: Server) -> Tabs:
    return Tabs(browser, failing)


@pytest.fixture
def opened(failing_tabs: Tabs, failing: Server) -> Iterator[Callable[[str], Page]]:
    visit = failing_tabs.visit()
    page = visit.page

    def opened(address: str) -> Page:
        page.goto(f"{failing.url}/{address}")
        return page

    yield opened
    assert page.get_by_test_id("stException").count() == 0
    assert "told-42" not in page.content() + failing.output()
    failing_tabs.leave(visit)


def number(page: Page) -> str:
    """The error's number as the page says it."""
    expect(page.locator(ERRORS)).to_have_text(NUMBER)
    return NUMBER.findall(page.locator(ERRORS).inner_text())[0]


def logged(server: Server, number: str) -> str:
    """What stands in the log under that number."""
    _, found, rest = server.output().partition(f"error {number}\n")
    assert found, server.output()
    return re.split(r"error [0-9A-F]{8}\n", rest)[0]


def test_an_error_is_a_number_on_every_page(opened: Callable[[str], Page], failing: Server) -> None:
    numbers: list[str] = []

    def another(page: Page) -> None:
        for known in numbers:
            expect(page.locator(ERRORS)).not_to_contain_text(known)
        numbers.append(number(page))
        log = logged(failing, numbers[-1])
        assert "failing_app.py" in log and "KeyError\n\nwhich led to\n\nTraceback" in log and "\nValueError\n" in log

    another(opened("memory?text=something+wrong&lang=zh"))
    page = opened("?text=something+wrong&lang=en")
    another(page)
    for view in discover()[1:]:
        if view.page.title != "Beyond":  # which reads no sentence
            page.get_by_role("link", name=view.page.title, exact=True).click()
            another(page)
    assert len(set(numbers)) == len(numbers)


def test_an_error_of_a_typed_text_goes_away_with_it(opened: Callable[[str], Page]) -> None:
    page = opened("")
    plot, box = page.get_by_test_id("gs-plot"), page.get_by_test_id("gs-sentence")
    expect(plot).to_have_attribute("data-ready", "1")
    box.fill("something wrong")
    number(page)
    box.fill("Mary met John")
    expect(page.locator(ERRORS)).to_have_count(0)
    expect(plot).to_have_attribute("data-text", "Mary met John")


def test_an_error_of_a_button_is_a_number(opened: Callable[[str], Page], failing: Server) -> None:
    page = opened("experiments?experiment=train")
    page.get_by_role("button", name="All experiments").click()
    assert "failing_app.py" in logged(failing, number(page))
