"""The page without a server: every link leads to something in the folder, nothing is asked of anybody, it is small."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from dashboard import language
from dashboard.site.build import build
from dashboard.site.frame import POLICY
from dashboard.site.pairs import home, pairs
from dashboard.site.tours import tours
from lstm_core import list_models
from tests.test_export import packed

WHOLE, FIRST = 25_000_000, 1_500_000
"""Bytes of all, and of what a visitor loads who opens the first page, or types the first sentence."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder") / "of mine" / "site"
    docs = folder / "docs"
    docs.mkdir(parents=True)
    (docs / "index.html").write_text("<p>Documentation</p>", encoding="utf-8")
    (folder / "shared").mkdir()
    (folder / "shared" / "old.js").write_text("left over")
    build(folder)
    return folder


class Names(HTMLParser):
    """What a page's elements load and link to, and the names of its parts."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads, self.links, self.ids = [], [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.ids.add(said.get("id"))
        for name in ("src", "href", "srcset", "poster", "action", "data"):
            if (value := said.get(name)) is not None:
                (self.links if (tag, name) == ("a", "href") else self.loads).append(value)


def of(site: Path) -> list[Path]:
    return [page for page in sorted(site.rglob("*.html")) if "docs" not in page.relative_to(site).parts]


def test_every_link_is_relative_and_leads_to_something(site: Path) -> None:
    pages = {page: Names(page) for page in of(site)}
    assert {site / "index.html", site / "zh" / "index.html", site / "zh" / "experiments.html"} <= pages.keys()
    for page, names in pages.items():
        for link in (*names.loads, *names.links):
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc and not parts.path.startswith("/"), (page, link)
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file() and target.is_relative_to(site.resolve()), (page, link)
            if parts.fragment:
                assert unquote(parts.fragment) in pages[target].ids, (page, link)


def test_it_is_small_enough_and_what_is_left_over_is_gone(site: Path) -> None:
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < WHOLE
    for code in language.languages():
        folder = site if code == language.ENGLISH else site / code
        for page in (folder / "index.html", folder / home(code).file, folder / "experiments.html"):
            loaded = {page, *((page.parent / urlsplit(name).path).resolve() for name in Names(page).loads)}
            assert sum(path.stat().st_size for path in loaded) < FIRST, page
    assert not (site / "shared" / "old.js").exists() and (site / "docs" / "index.html").exists()


def test_no_page_may_ask_anybody_for_anything(site: Path) -> None:
    assert "http" not in POLICY and "connect-src" not in POLICY and "*" not in POLICY
    for page in of(site):
        html = page.read_text(encoding="utf-8")
        assert html.count('http-equiv="Content-Security-Policy"') == 1 and "default-src 'none'" in html, page
    for path in [*site.rglob("*.css"), *(site / "shared").glob("*.js")]:
        assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org)", path.read_text(encoding="utf-8")), path


def test_every_shipped_model_is_on_a_page_with_its_weights(site: Path) -> None:
    assert {name for pair in pairs() for name in (pair.left, pair.right)} == list_models().keys()
    for pair in pairs():
        for folder in (site, site / "zh"):
            names = Names(folder / pair.file)
            told = packed((folder / pair.file).read_text(encoding="utf-8"), "content")
            for name in (pair.left, pair.right):
                assert any(Path(urlsplit(load).path).name == f"{name}.js" for load in names.loads)
                assert f'"{name}"'.encode() in told


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_tours_stops_are_on_pages_of_its_language(site: Path, code: str) -> None:
    text = (site / "shared" / f"tours.{code}.js").read_text(encoding="utf-8")
    written = json.loads(text.partition(" = ")[2])
    language.ask(lambda: code)
    try:
        assert written == json.loads(json.dumps(tours())) and len(written) >= 3
    finally:
        language.ask(lambda: language.ENGLISH)
    folder = site if code == language.ENGLISH else site / code
    for tour in written:
        assert len(tour["stops"]) >= 3 and tour["title"]
        for stop in tour["stops"]:
            file, _, part = stop["place"].partition("#")
            assert stop["line"] and (not part or part in Names(folder / file).ids)
    index = (folder / "index.html").read_text(encoding="utf-8")
    begun = [dict(parse_qsl(urlsplit(link).query)).get("tour") for link in Names(folder / "index.html").links]
    assert {tour["name"] for tour in written} <= set(begun) and all(tour["title"] in index for tour in written)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="thesis.tex"):
        build(tmp_path)
    assert (tmp_path / "thesis.tex").exists()
