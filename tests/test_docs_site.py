"""The site of docs/: built strictly, it holds every page and every public name, and asks nothing of other servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

import lstm_core
from lab.experiments import discover
from lstm_core import analysis

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings_handlers.python")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there_and_the_navigation_leads_to_it(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 20
    for page in (*pages, "gallery.html", "examples.html", "ARCHITECTURE.html", "benchmarks/trace.html"):
        assert (site / page).exists()
        if Path(page).parent.name != "reference" and str(page) != "index.html":
            assert f'href="{page}"' in start, page


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html"))
    headings = set(re.findall(r'<h2 id="lstm_core\.[\w.]*?\.?(\w+)"', text))
    assert {*lstm_core.__all__, *analysis.__all__} - headings == {"AXES", "CELLS"} and "lstm_core.AXES" in text
    assert re.search(r"<li>\s*(?:<p>)?<code>lengths</code>: \(batch,\) steps of each", text)  # what it takes, as a list
    assert re.search(r'<a [^>]*href="[^"]*#lstm_core\.block\.Block"[^>]*><code>', text)  # names lead to their places


def test_the_gallery_shows_each_experiment_with_its_figure_and_its_targets(site: Path) -> None:
    text = unescape((site / "gallery.html").read_text(encoding="utf-8"))
    for one in discover().values():
        assert one.title in text and one.claim in text and all(target.says in text for target in one.targets)
    assert text.count("<svg viewBox") >= len(discover()) and "<strong>missed</strong>" in text


def test_nothing_is_asked_of_another_server_and_the_search_runs_from_disk(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        asked = re.findall(r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="((?:https?:)?//[^"]+)"', text)
        assert not asked, page
        assert "iframe-worker.js" in text
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet
    assert (site / "search" / "search_index.js").exists()


def test_links_to_files_that_are_no_pages_are_text(site: Path) -> None:
    assert "test_chaos.py" in (site / "reliability.html").read_text(encoding="utf-8")
    for page in site.rglob("*.html"):
        for link in re.findall(r'href="([^":#]+\.(?:py|md|txt|lock|yaml))"', page.read_text(encoding="utf-8")):
            raise AssertionError(f"{page.name} links to {link}")
