"""A tour: views in an order, each with the speaker's line. A small JSON file, or a piece of an address.

    {"gatescope": "tour", "title": "...", "language": "en", "order": 10, "views": [
        {"page": "gates", "query": {"text": "..."}, "line": "...", "ring": ["row keep", "word 11"], "press": []}]}

A view is a page and what stands in its address; everything on a page that a link reopens can so be part of a tour. What
a line speaks of is ringed (``dashboard.tours.THING``, found by `ring.js`), and what it asks for is pressed. A tour with
a ``language`` is offered to visitors of that language alone. The files in assets/tours also hold ``claims``: every
number of a line, and what tests/test_tour_claims.py computes it from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from dashboard import tours
from dashboard.address import NOT_OF_A_VIEW
from dashboard.tours import FOLDER, LARGEST, Written
from dashboard.views import discover

SMALL = 8_000
"""Bytes of a tour that is read at once; a larger one is read in a worker."""

__all__ = ["FOLDER", "LARGEST", "NOT_OF_A_VIEW", "Tour", "View", "from_link", "read", "shipped"]


@dataclass(frozen=True)
class View:
    page: str
    query: Mapping[str, str]
    line: str = ""
    ring: tuple[str, ...] = ()
    press: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tour:
    title: str = ""
    views: tuple[View, ...] = ()
    order: int = 100
    language: str = ""

    @property
    def minutes(self) -> int:
        """What it takes to look at, about: half a minute a view."""
        return max(1, round(len(self.views) / 2))

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
        return tours.to_link(self.title, [_row(view) for view in self.views])


def _row(view: View) -> list[Any]:
    """What a link carries of a view; most have nothing to ring and to press."""
    row = [view.page, dict(view.query), view.line, list(view.ring), list(view.press)]
    while len(row) > 3 and not row[-1]:
        row.pop()
    return row


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
    """From a worker it comes as lists."""
    title, views, order, language = written
    things = [(page, query, line, tuple(ring), tuple(press)) for page, query, line, ring, press in views]
    return Tour(title, tuple(View(*one) for one in things), order, language)


def _pages() -> list[str]:
    return [view.__name__.rpartition(".")[2] for view in discover()]


@cache
def shipped() -> dict[str, Tour]:
    """The tours in assets/tours by the name of their file, those for beginners first; without their views of a page
    that is not installed here."""
    found = {path.stem: _tour(tours.ours(path.read_bytes(), _pages())) for path in sorted(FOLDER.glob("*.json"))}
    return dict(sorted(found.items(), key=lambda item: item[1].order))


def offered(language: str) -> dict[str, Tour]:
    """Those of them that a visitor of this language is offered."""
    return {name: tour for name, tour in shipped().items() if tour.language in ("", language)}
