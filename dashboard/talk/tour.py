"""A tour: views in an order, each with the speaker's line. A small JSON file, or a piece of an address.

    {"gatescope": "tour", "title": "...", "views": [{"page": "gates", "query": {"text": "..."}, "line": "..."}]}

A view is a page and what stands in its address; everything on a page that a link reopens can so be part of a tour.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from dashboard import tours
from dashboard.tours import LARGEST, NOT_OF_A_VIEW, Written
from dashboard.views import discover

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "tours"
SMALL = 8_000
"""Bytes of a tour that is read at once; a larger one is read in a worker."""

__all__ = ["LARGEST", "NOT_OF_A_VIEW", "Tour", "View", "from_link", "read", "shipped"]


@dataclass(frozen=True)
class View:
    page: str
    query: Mapping[str, str]
    line: str = ""


@dataclass(frozen=True)
class Tour:
    title: str = ""
    views: tuple[View, ...] = ()

    def added(self, view: View) -> Tour:
        return replace(self, views=(*self.views, view))

    def without(self, at: int) -> Tour:
        return replace(self, views=self.views[:at] + self.views[at + 1 :])

    def moved(self, at: int, to: int) -> Tour:
        views = list(self.views)
        views.insert(to, views.pop(at))
        return replace(self, views=tuple(views))

    def json(self) -> str:
        return json.dumps({"gatescope": "tour", **asdict(self)}, ensure_ascii=False, indent=1) + "\n"

    def link(self) -> str:
        """The tour in characters that an address may hold."""
        return tours.to_link(self.title, [[v.page, dict(v.query), v.line] for v in self.views])


def read(data: bytes) -> Tour:
    """The tour in a file's bytes. Raises ValueError with what is wrong."""
    if SMALL < len(data) <= LARGEST:
        return _apart("read_file", data)
    return _tour(tours.from_file(data, _pages()))


def from_link(link: str) -> Tour:
    """The reverse of ``Tour.link``. Raises ValueError."""
    try:
        large = len(link) > SMALL or len(tours.unfolded(link, SMALL)) >= SMALL
    except ValueError:
        large = False
    return _apart("read_link", link.encode("utf-8", "replace")) if large else _tour(tours.from_link(link, _pages()))


def _apart(reader: str, data: bytes) -> Tour:
    from dashboard import apart  # only where it is needed: most tours are small

    return _tour(apart.read(f"dashboard.tours:{reader}", {"tour": data}, {"pages": _pages()})[0])


def _tour(written: Written) -> Tour:
    title, views = written
    return Tour(title, tuple(View(page, query, line) for page, query, line in views))


def _pages() -> list[str]:
    return [view.__name__.rpartition(".")[2] for view in discover()]


@cache
def shipped() -> dict[str, Tour]:
    """The tours in assets/tours, by the name of their file."""
    files = sorted(FOLDER.glob("*.json"))
    return {path.stem: _tour(tours.from_file(path.read_bytes(), _pages())) for path in files}
