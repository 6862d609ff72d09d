"""The tours as the folder shows them: their stops on its pages."""

from __future__ import annotations

from typing import Any

from dashboard.export.guided import PAGES, guided
from dashboard.language import current
from dashboard.site.pairs import pairs, shown
from dashboard.talk import tour
from dashboard.tours import Stop
from lab.experiments import discover

EXPERIMENTS = "experiments.html"


def tours() -> list[dict[str, Any]]:
    """Those that a visitor of the language in use is offered, beginners' first."""
    found = []
    for name, one in tour.offered(current()).items():
        stops = [Stop(view.page, dict(view.query), view.line, view.ring, view.press) for view in one.views]
        found += guided(name, one.title, stops, place)
    return found


def place(stop: Stop) -> str | None:
    """The page of a stop. What only a server does (training, gradients) has none."""
    if stop.page == "experiments" and stop.query.get("experiment") in discover():
        return f"{EXPERIMENTS}#{stop.query['experiment']}"
    if stop.page not in PAGES:
        return None
    pair = shown(stop.query)
    return pair.file if pair in pairs() else None
