"""What a talk needs on every page: the component that presents and walks through a tour, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from dashboard import session
from dashboard.gateplot.publish import mounted, spoken
from dashboard.language import tr
from dashboard.talk.tour import Tour, View, from_link, shipped
from dashboard.views import pages

KEY = session.keeps("talk")
PLACE = session.keeps("tour")

_mount = mounted("gatescope_talk", "talk.js", stays=True)


@dataclass
class Place:
    """Where the session is in which tour. ``link``: the tour as an address carries it. ``own``: the one being made.
    ``home``: what was on the page when the tour was started here; its end leads back there."""

    tour: Tour | None = None
    link: str = ""
    at: int = 0
    leads: View | None = None  # where to, in this run
    home: View | None = None
    problem: str = ""
    own: Tour = field(default_factory=Tour)
    file: str = ""  # the upload that ``own`` was read from

    def start(self, tour: Tour, link: str, at: int = 0, home: View | None = None) -> None:
        if tour.views:
            self.tour, self.link, self.at = tour, link, max(0, min(at, len(tour.views) - 1))
            self.leads, self.home = tour.views[self.at], home if self.home is None else self.home

    def go(self, by: int) -> None:
        """Some views on, or with 0 out of the tour."""
        if by == 0:
            self.tour, self.link, self.leads, self.home = None, "", self.home, None
        elif self.tour is not None and 0 <= self.at + by < len(self.tour.views):
            self.at += by
            self.leads = self.tour.views[self.at]


def place() -> Place:
    """The session's place; at first what the address says."""
    if PLACE not in st.session_state:
        here = st.session_state[PLACE] = Place()
        if link := st.query_params.get("tour"):
            try:
                found = shipped().get(link) or from_link(link)
            except ValueError as error:
                here.problem = error.args[0]
            else:
                said = st.query_params.get("stop", "1")
                here.start(found, link, int(said) - 1 if said.isdecimal() and len(said) < 6 else 0)
    return st.session_state[PLACE]


def talk() -> None:
    """Draw the component, lead to the view that was asked for, open what is shared."""
    here = place()
    if view := here.leads:
        here.leads = None
        session.arrive(pages()[view.page], {**view.query, **_address(here)})

    def told() -> dict:
        return st.session_state.get(spoken(KEY, stays=True), {})

    def go() -> None:
        by = told().get("go")
        if isinstance(by, (int, float)) and int(by) in (-1, 0, 1):
            here.go(int(by))

    shown = None
    if here.tour is not None:
        line = here.tour.views[here.at].line
        shown = {"title": tr(here.tour.title), "at": here.at, "count": len(here.tour.views), "line": tr(line)}
    _mount(KEY, {"tour": shown}, on_go_change=go, on_share_change=lambda: None)
    if here.problem:
        st.error(tr(here.problem))
        here.problem = ""
    if isinstance(address := told().get("share"), str):
        from dashboard.talk.share import share  # only where it is asked for

        share(here, address)


def _address(here: Place) -> dict[str, str]:
    said = {"tour": here.link, "stop": str(here.at + 1)} if here.tour else {}
    return said | {name: st.query_params[name] for name in ("lang", "present") if name in st.query_params}
