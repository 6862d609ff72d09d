"""Figures in a real JupyterLab: drawn once the cells ran, their cursors linked, moved by the kernel and by hand."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from jupyter import lab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.environ.get("NIGHTLY"), reason="40 s: a JupyterLab and a kernel"),
    pytest.mark.skipif(find_spec("jupyterlab") is None, reason="pip install jupyterlab==4.6.6"),
]

CELLS = (
    "import lstm_core\n"
    "run = lambda name: lstm_core.load_model(name).run('Mary was late because she', device='cpu')\n"
    "trace, other = run('pronouns-lstm'), run('pronouns-gru')\n"
    "a = trace.show()\na",
    "b = other.show()\na.link(b)\nb",
    "trace.show(live=False)",
    "other.show(live=False)",
    "lstm_core.beside(trace, other)",
    "lstm_core.analysis.memory(trace, 4).show(trace)",
    "a.step, a.unit = 1, 7",
    "print('chosen', a.step, a.unit, b.step)",
)


def notebook(folder: Path) -> None:
    cells: list[Any] = [
        {"cell_type": "code", "id": f"c{k}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for k, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    told = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "figures.ipynb").write_text(json.dumps(told))


def menu(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_text(name, exact=True).first.click()


def test_figures_are_drawn_linked_and_moved(browser: Browser, tmp_path: Path) -> None:
    notebook(tmp_path)
    with lab(tmp_path) as address:
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address.format("figures.ipynb"))
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        expect(page.get_by_text("| Idle")).to_be_visible()
        menu(page, "Run", "Run All Cells")
        plots = page.locator(".gs-plot[data-ready]")
        expect(plots.first).to_be_visible()
        expect(page.get_by_text("chosen 1 7 1")).to_be_attached()
        first, second = plots.nth(0), plots.nth(1)
        expect(first).to_have_attribute("data-step", "1")
        expect(first).to_have_attribute("data-unit", "7")
        expect(second).to_have_attribute("data-step", "1")
        # By hand: the keys are the figure's while the focus is in it.
        first.scroll_into_view_if_needed()
        first.locator(".gs-stage").focus()
        page.keyboard.press("ArrowRight")
        expect(first).to_have_attribute("data-step", "2")
        expect(second).to_have_attribute("data-step", "2")
        where = page.url
        page.locator(".jp-Cell").nth(7).click()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("chosen 2 7 2")).to_be_attached()
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowLeft")  # the notebook's, not the figure's
        expect(first).to_have_attribute("data-step", "2")
        assert page.url == where
        for k in (2, 3):
            page.locator(".jp-Cell").nth(k).scroll_into_view_if_needed()
            frame = page.locator(".jp-Cell").nth(k).frame_locator("iframe")
            expect(frame.locator(".gs-plot[data-ready]")).to_be_visible()
        page.locator(".jp-Cell").nth(5).scroll_into_view_if_needed()
        expect(page.locator(".gc[data-ready]")).to_be_visible()
        assert not [url for url in asked if "127.0.0.1" not in url and url.startswith("http")]
        page.close()
