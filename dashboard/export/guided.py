"""Tours as a page takes them that has no server: the stops that it can show, in the language in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from dashboard import tours
from dashboard.language import current, tr
from dashboard.state import Settings
from dashboard.tours import Stop
from lstm_core import list_models

PAGES = "gates", "step_by_step", "memory", "what_if"
"""What a page that lives shows of the app's pages, all of it at once."""
FEWEST = 3
"""Stops that make a tour."""
OWN = "own"


class Told(Protocol):
    """A tour that a visitor has (``dashboard.talk.tour``)."""

    @property
    def title(self) -> str: ...
    @property
    def views(self) -> Sequence[Any]: ...


def guided(name: str, title: str, stops: Iterable[Stop], place: Callable[[Stop], str | None]) -> list[dict[str, Any]]:
    """``Tour`` of dashboard/browser/live/tour.js; none where too few of its stops can be shown. ``place``: the file
    that shows a stop, "" for the page itself, None where none does."""
    found = []
    for stop in stops:
        if (file := place(stop)) is not None:
            said = {"page": stop.page, "query": dict(stop.query), "line": tr(stop.line), "place": file}
            found.append({**said, "ring": list(stop.ring), "press": list(stop.press)})
    minutes = max(1, round(len(found) / 2))
    return [{"name": name, "title": tr(title), "minutes": minutes, "stops": found}] if len(found) >= FEWEST else []


def carried(left: str, right: str, own: Iterable[Told] = ()) -> list[dict[str, Any]]:
    """What one file with these models takes along: the visitor's own tours, and the shipped ones of the language in use
    as far as their stops are about this pair."""

    def place(stop: Stop) -> str | None:
        said = Settings.parse(stop.query, list_models())
        return "" if stop.page in PAGES and (said.left, said.right) == (left, right) else None

    found = []
    for k, tour in enumerate(own):
        stops = [Stop(view.page, dict(view.query), view.line, view.ring, view.press) for view in tour.views]
        found += guided(f"{OWN}{k + 1}", tour.title, stops, place)
    written = {path.stem: _read(path.read_bytes()) for path in sorted(tours.FOLDER.glob("*.json"))}
    for name, tour in sorted(written.items(), key=lambda item: item[1].order):
        if tour.language in ("", current()):
            found += guided(name, tour.title, tour.views, place)
    return found


def _read(data: bytes) -> tours.Written:
    """A shipped tour: it may be about pages that are not here."""
    return tours.from_file(data, {view["page"] for view in json.loads(data)["views"]})
