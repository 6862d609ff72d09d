"""A tour as it is written, in a file or in an address: whether it is one, and what it says.

Pure functions of bytes, which also run in a worker (``dashboard.workers``). Whatever is wrong is a ValueError in plain
words.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dashboard.address import NOT_OF_A_VIEW
from lstm_core.say import say

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "tours"
LARGEST = 200_000
"""Bytes of a tour at most."""
VIEWS, LINE, NAME, VALUE = 200, 1000, 40, 20_000
"""Views of a tour, and characters of a line, of a parameter's name and of its value, at most."""
RINGS = 8
"""Things that a view rings, and that it presses, at most."""
THING = re.compile(r"(row|word|gate|stage|button|fold|panel)( [\w.\u21b5-]{1,40}){1,2}|word|next|headline|sentence")
"""What can be ringed or pressed, as `talk/ring.js` finds it on the page."""


class Stop(NamedTuple):
    """A view as it is written: its page, what stands in its address, its line, what is ringed and what is pressed."""

    page: str
    query: dict[str, str]
    line: str = ""
    ring: tuple[str, ...] = ()
    press: tuple[str, ...] = ()


class Written(NamedTuple):
    title: str
    views: list[Stop]
    order: int = 100
    language: str = ""


def from_file(data: bytes, pages: Collection[str]) -> Written:
    """The tour in a file's bytes. pages: names of those that there are."""
    if len(data) > LARGEST:
        raise ValueError(say("This tour is larger than {most:,} bytes.", most=LARGEST))
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise ValueError(say("This is not a tour: a tour is a JSON file that was saved here.")) from None
    if not isinstance(tree, dict) or tree.get("gatescope") != "tour" or not isinstance(tree.get("views"), list):
        raise ValueError(say("This is not a tour: a tour is a JSON file that was saved here."))
    found = _checked(tree.get("title"), tree["views"], pages)
    order, language = tree.get("order"), tree.get("language")
    return found._replace(
        order=order if isinstance(order, int) and 0 <= order < 1000 else found.order,
        language=language if isinstance(language, str) and len(language) <= NAME else found.language,
    )


def ours(data: bytes, pages: Collection[str]) -> Written:
    """A shipped tour, which may show a page that an installed Gatescope is without: those views are left out."""
    tree = json.loads(data)
    return from_file(json.dumps({**tree, "views": [v for v in tree["views"] if v["page"] in pages]}).encode(), pages)


def to_link(title: str, views: list[Any]) -> str:
    """The tour in characters that an address may hold."""
    small = json.dumps([title, views], ensure_ascii=False)
    return base64.urlsafe_b64encode(zlib.compress(small.encode(), 9)).decode().rstrip("=")


def from_link(link: str, pages: Collection[str]) -> Written:
    """The reverse of ``to_link``."""
    try:
        title, rows = json.loads(unfolded(link, LARGEST))
        views = [dict(zip(Stop._fields, row, strict=False)) for row in rows]
    except (ValueError, TypeError, RecursionError):
        raise ValueError(say("This link names a tour that is not here, or it was cut short.")) from None
    return _checked(title, views, pages)


def unfolded(link: str, most: int) -> bytes:
    """What is packed in a link, of at most so many bytes."""
    try:
        packed = base64.urlsafe_b64decode(link + "=" * (-len(link) % 4))
        return zlib.decompressobj().decompress(packed, most)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(str(error)) from error


def _checked(title: Any, views: list[Any], pages: Collection[str]) -> Written:
    if not 0 < len(views) <= VIEWS:
        raise ValueError(say("A tour has 1 to {most} views; this one has {count}.", most=VIEWS, count=len(views)))
    checked = [_view(view, number, pages) for number, view in enumerate(views, 1)]
    return Written(_text(title[:LINE]) if isinstance(title, str) else "", checked)


def _view(view: Any, number: int, pages: Collection[str]) -> Stop:
    if not isinstance(view, dict) or not isinstance(view.get("page"), str) or view["page"] not in pages:
        raise ValueError(say("View {number} of this tour is on no page that there is.", number=number))
    query, line = view.get("query"), view.get("line", "")
    if not isinstance(query, dict) or not isinstance(line, str):
        raise ValueError(say("View {number} of this tour cannot be read.", number=number))
    if not all(isinstance(value, str) and len(name) <= NAME and len(value) <= VALUE for name, value in query.items()):
        raise ValueError(say("View {number} of this tour cannot be read.", number=number))
    chosen = {_text(name): _text(value) for name, value in query.items() if name not in NOT_OF_A_VIEW}
    ring, press = (_things(view.get(name, ()), number) for name in ("ring", "press"))
    return Stop(view["page"], chosen, _text(line[:LINE]), ring, press)


def _things(named: Any, number: int) -> tuple[str, ...]:
    things = [named] if isinstance(named, str) else named
    if not isinstance(things, list | tuple) or len(things) > RINGS:
        raise ValueError(say("View {number} of this tour cannot be read.", number=number))
    for thing in things:
        if not isinstance(thing, str) or not THING.fullmatch(thing):
            raise ValueError(say("View {number} of this tour points at something that no page has.", number=number))
    return tuple(things)


def _text(written: str) -> str:
    return written.encode("utf-8", "replace").decode()  # half of a pair of surrogates is no character


# ---- in a worker


def read_file(files: Mapping[str, bytes], pages: list[str]) -> tuple[Written, tuple[()]]:
    return from_file(files["tour"], pages), ()


def read_link(files: Mapping[str, bytes], pages: list[str]) -> tuple[Written, tuple[()]]:
    return from_link(files["tour"].decode(), pages), ()
