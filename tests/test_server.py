"""What the server adds to Streamlit's: headers, closed metrics, no question to another host, numbers, a way out."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message as Headers
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit import net_util
from streamlit.web.server import server_util

from benchmarks.browser import Server, serve
from dashboard import faults, server, share, workers

ROOT = Path(__file__).resolve().parent.parent
STANDS_STILL = """
import asyncio, sys, time
sys.path.insert(0, {root!r})
from dashboard import server
async def main():
    signs = asyncio.create_task(server.alive({most}))
    await asyncio.sleep({lives})
    time.sleep({sleeps})  # nothing else of the loop's turns meanwhile
    signs.cancel()
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serve() as running:
        yield running


def answer(url: str, method: str = "GET") -> tuple[int, Headers]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 200),
        ("/memory?text=a", "GET", 200),
        ("/_stcore/health", "GET", 200),
        ("/_stcore/host-config", "GET", 200),
        ("/app/static/none.js", "GET", 404),
        ("/media/none", "GET", 404),
        ("/_stcore/upload_file/a/b", "PUT", 403),
        ("/_stcore/metrics", "GET", 404),
        ("/_stcore/metrics/", "GET", 404),
        ("/%5fstcore/metrics?families=session_events_total", "GET", 404),
        ("/_stcore/metrics", "OPTIONS", 404),
    ],
)
def test_every_answer_has_the_headers(path: str, method: str, status: int, running: Server) -> None:
    came, headers = answer(running.url + path, method)
    assert came == status
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'self'"
    assert not {"'unsafe-eval'", "'unsafe-inline'", "*", "https:"} & set(policy["script-src"].split())
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"


def test_the_host_says_who_may_frame_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATESCOPE_FRAME_ANCESTORS", "moodle.example.org *.example.edu")
    policy = dict(server.headers())[b"content-security-policy"].decode()
    assert policy.endswith("; frame-ancestors 'self' moodle.example.org *.example.edu")


@pytest.mark.parametrize("ancestors", ["a.org; script-src *", "a.org, b.org", "a.org\nX-Header: 1", "münchen.de"])
def test_what_is_no_list_of_sites_does_not_start(ancestors: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATESCOPE_FRAME_ANCESTORS", ancestors)
    with pytest.raises(ValueError, match="addresses with spaces between them"):
        server.headers()


@pytest.mark.parametrize("wanted", [None, "", "closed", "open"])
def test_the_metrics_are_open_where_the_host_wants_it(wanted: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATESCOPE_METRICS", raising=False)
    if wanted is not None:
        monkeypatch.setenv("GATESCOPE_METRICS", wanted)
    came: list[Message] = []

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: Message) -> None:
        came.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "path": "/gates/_stcore/metrics", "method": "GET", "headers": []}
    with ThreadPoolExecutor(1) as apart:  # a browser's tests may have left a loop in this thread
        apart.submit(asyncio.run, server.Guard(streamlit)(scope, receive, send)).result()
    assert came[0]["status"] == (200 if wanted == "open" else 404)
    assert b"content-security-policy" in dict(came[0]["headers"])


def test_another_sites_page_makes_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit would ask another host for this machine's address, in the loop that serves everybody."""
    monkeypatch.setattr(net_util, "_external_ip", None)
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda *_, **__: pytest.fail("it asks another host"))
    server.options()
    assert not server_util.is_url_from_allowed_origins("https://attacker.example")
    assert server_util.is_url_from_allowed_origins("http://localhost:8501")


def test_it_asks_no_other_host_when_it_starts(tmp_path: Path) -> None:
    """As somebody starts it without make, on a machine without a screen: the address that it prints is known to all."""
    config = (
        "import streamlit.config as c; c._main_script_path = 'dashboard/app.py'; from streamlit.web import bootstrap\n"
    )
    code = config + (
        "from streamlit import net_util\n"
        "bootstrap.load_config_options({'server.headless': True})\n"
        "net_util._make_blocking_http_get = lambda *a, **k: print('asks', a)\n"
        "bootstrap._print_url(False)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "http://localhost:8501" in done.stdout and "asks" not in done.stdout


def test_the_address_of_this_computer_is_one_that_others_can_open() -> None:
    own = share.address()
    assert own is None or not own.startswith(("127.", "169.254."))


def test_a_server_that_stands_still_ends_and_says_where_it_stood() -> None:
    code = STANDS_STILL.format(root=str(ROOT), most=1, lives=0, sleeps=60)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert ended.returncode == 1 and "Timeout (0:00:01)!" in ended.stderr and "in main" in ended.stderr


def test_a_server_that_lives_goes_on() -> None:
    code = STANDS_STILL.format(root=str(ROOT), most=3, lives=4, sleeps=0.3)
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def raised() -> Exception:
    secret = "-".join(["told", "42"])
    try:
        try:
            raise KeyError(secret)
        except KeyError:
            int(secret)
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(("details", "whole"), [("none", False), ("stacktrace", False), ("full", True), (True, True)])
def test_the_log_has_the_number_and_the_place_and_not_what_was_typed(
    details: str | bool, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit.get_option", lambda name: details)
    error = raised()
    record = logging.LogRecord("", logging.ERROR, "", 0, "Uncaught %s", ("told-42",), (type(error), error, None))
    assert faults.Numbered().filter(record)
    text = logging.Formatter().format(record)
    assert text.startswith(f"error {faults.number(error)}\n") and ("told-42" in text) is whole
    if not whole:
        assert (
            text.count("in raised") == 2
            and text.index("KeyError\n") < text.index("led to")
            and text.endswith("ValueError")
        )


def test_every_error_has_a_number_of_its_own() -> None:
    errors = [raised() for _ in range(50)]
    numbers = [faults.number(error) for error in errors]
    assert len(set(numbers)) == 50 and numbers == [faults.number(error) for error in errors]


def test_errors_that_led_to_one_another_in_a_circle_are_logged() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert faults.trace(first).count("led to") == faults.DEEPEST - 1


def test_the_log_says_where_a_reader_failed_and_not_on_what(caplog: pytest.LogCaptureFixture) -> None:
    apart = workers.Workers(1)
    with pytest.raises(ValueError, match="PanicException"):
        apart.read("tests.worker_readers:panic", {})
    apart.close()
    assert "in panic" in caplog.text and "PanicException" in caplog.text
    assert "PanicException:" not in caplog.text  # which is where it would go on with what was said
