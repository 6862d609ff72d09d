"""A Streamlit server on a free port and a real Chromium, for the benchmarks and for the browser tests."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "dashboard" / "app.py"
# Nothing in the browser but the page takes time or calls anywhere while it is measured.
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-background-timer-throttling "
    "--disable-renderer-backgrounding --disable-backgrounding-occluded-windows"
).split()


SHELL = "chromium-headless-shell"
"""Chromium's engine without the browser around it: the tests take half the time in it."""


def find_chromium(*first: str) -> str | None:
    """Path of the installed Chromium or Chrome, or None; one of the names ``first`` is preferred."""
    names = (*first, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def chromium(*switches: str, path: str | None = None) -> Iterator[Browser]:
    """A headless Chromium, with more ``switches``. Raises RuntimeError where none is installed."""
    path = path or find_chromium()
    if path is None:
        raise RuntimeError("no Chromium or Chrome is installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*SWITCHES, *switches])
        try:
            yield browser
        finally:
            browser.close()


def free_port() -> int:
    """A port that nobody has, and that the system does not give to somebody's connection before it is used."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """``streamlit run script`` on a free port, or on ``port``, started in ``folder``; ``url`` answers once ``wait``
    returned."""

    def __init__(
        self, script: Path, env: Mapping[str, str] | None = None, folder: Path = ROOT, port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log", delete=False)
        options = {
            "server.port": self.port,
            "server.address": "127.0.0.1",
            "server.headless": "true",
            "browser.gatherUsageStats": "false",
        }
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), *(f"--{k}={v}" for k, v in options.items())],
            cwd=folder,
            env={**os.environ, "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def output(self) -> str:
        """What the server has printed so far: warnings and tracebacks of the page stand here."""
        return Path(self.log.name).read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = 60, poll: float = 0.01) -> None:
        """Until the server answers. Raises RuntimeError with its output if it ends or takes longer."""
        while time.perf_counter() - self.started < seconds:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{self.output()}")
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(poll)
        raise RuntimeError(f"the server did not answer within {seconds:.0f} s:\n{self.output()}")

    def memory_mb(self) -> float:
        """Proportional set size of the server's process in MB (Linux), else its resident set size."""
        try:
            rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
            return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024 / 1e6
        except OSError:
            listing = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True)
            return int(listing.stdout) * 1024 / 1e6

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()
        os.unlink(self.log.name)


@contextmanager
def serve(script: Path = APP, env: Mapping[str, str] | None = None, folder: Path = ROOT) -> Iterator[Server]:
    """A running server; it is ended on the way out."""
    server = Server(script, env, folder)
    try:
        server.wait()
        yield server
    finally:
        server.stop()
