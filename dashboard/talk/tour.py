"""A tour: views in an order, each with the speaker's line. A small JSON file, or a piece of an address.

    {"gatescope": "tour", "title": "...", "views": [{"page": "gates", "query": {"text": "..."}, "line": "..."}]}

A view is a page and what stands in its address; everything on a page that a link reopens can so be part of a tour.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from dashboard.views import discover
from lstm_core.say import say

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "tours"
LARGEST = 200_000
"""Bytes of a tour at most."""
VIEWS, LINE, NAME, VALUE = 200, 1000, 40, 20_000
"""Views of a tour, and characters of a line, of a parameter's name and of its value, at most."""
NOT_OF_A_VIEW = {"tour", "stop", "lang", "present"}


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
        small = json.dumps([self.title, [[v.page, dict(v.query), v.line] for v in self.views]], ensure_ascii=False)
        return base64.urlsafe_b64encode(zlib.compress(small.encode(), 9)).decode().rstrip("=")


def read(data: bytes) -> Tour:
    """The tour in a file's bytes. Raises ValueError with what is wrong."""
    if len(data) > LARGEST:
        raise ValueError(say("This tour is larger than {most:,} bytes.", most=LARGEST))
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise ValueError(say("This is no tour: a tour is a JSON file that was saved here.")) from None
    if not isinstance(tree, dict) or tree.get("gatescope") != "tour" or not isinstance(tree.get("views"), list):
        raise ValueError(say("This is no tour: a tour is a JSON file that was saved here."))
    if not 0 < len(tree["views"]) <= VIEWS:
        raise ValueError(
            say("A tour has 1 to {most} views; this one has {count}.", most=VIEWS, count=len(tree["views"]))
        )
    views = tuple(_view(one, k) for k, one in enumerate(tree["views"], 1))
    title = tree.get("title")
    return Tour(title[:LINE] if isinstance(title, str) else "", views)


def from_link(link: str) -> Tour:
    """The reverse of ``Tour.link``. Raises ValueError."""
    try:
        packed = base64.urlsafe_b64decode(link + "=" * (-len(link) % 4))
        title, views = json.loads(zlib.decompressobj().decompress(packed, LARGEST))
        tree = {"gatescope": "tour", "title": title}
        tree["views"] = [{"page": page, "query": query, "line": line} for page, query, line in views]
    except (binascii.Error, zlib.error, ValueError, TypeError, RecursionError):
        raise ValueError(say("This link names a tour that is not here, or it was cut short.")) from None
    return read(json.dumps(tree).encode())


def _view(one: Any, number: int) -> View:
    pages = {view.__name__.rpartition(".")[2] for view in discover()}
    if not isinstance(one, dict) or one.get("page") not in pages:
        raise ValueError(say("View {number} of this tour is on no page that there is.", number=number))
    query, line = one.get("query"), one.get("line", "")
    if not isinstance(query, dict) or not isinstance(line, str):
        raise ValueError(say("View {number} of this tour cannot be read.", number=number))
    if not all(isinstance(value, str) and len(name) <= NAME and len(value) <= VALUE for name, value in query.items()):
        raise ValueError(say("View {number} of this tour cannot be read.", number=number))
    said = {name: value for name, value in query.items() if name not in NOT_OF_A_VIEW}
    return View(one["page"], said, line[:LINE])


@cache
def shipped() -> dict[str, Tour]:
    """The tours in assets/tours, by the name of their file."""
    return {path.stem: read(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))}
