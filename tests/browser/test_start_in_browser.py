"""The app started otherwise than in its own folder with its own settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from benchmarks.browser import serve
from tests.browser.gates import Gates


def test_started_in_another_folder_it_draws(open_gates: Callable[..., Gates], tmp_path: Path) -> None:
    with serve(env={"HOME": str(tmp_path)}, folder=tmp_path) as server:
        gates = open_gates(f"{server.url}/?lang=zh")
        expect(gates.page.get_by_test_id("gs-quiet")).to_contain_text("NumPy")
        assert "Traceback" not in server.output()
        gates.page.goto("about:blank")  # before its server is gone


def test_without_static_files_it_says_what_to_do(browser: Browser) -> None:
    with serve(env={"STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "false"}) as server:
        page, problems = browser.new_page(), []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.goto(server.url)
        expect(page.get_by_text("static files are switched off")).to_be_visible()
        expect(page.get_by_text("streamlit run dashboard/app.py")).to_be_visible()
        assert page.get_by_test_id("stException").count() == page.get_by_test_id("stAlert").count() == 0
        assert not problems
        page.close()
