"""What a talk needs on every page: the component that presents and walks through a tour, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.address import NOT_OF_A_VIEW
from dashboard.browser.mount import mounted, spoken
from dashboard.language import current, tr
from dashboard.talk.tour import Tour, View, from_link, offered, shipped
from dashboard.views import discover, pages

KEY = session.keeps("talk")
PLACE = session.keeps("tour")
FIRST = discover()[0].__name__.rpartition(".")[2]
"""The page whose name does not stand in the address."""

_mount = mounted("gatescope_talk", "talk/talk.js", stays=True)


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

    def open(self, link: str, at: int) -> None:
        """Start the tour that a link carries; what is wrong with it is ``problem``."""
        try:
            found = shipped().get(link) or from_link(link)
        except ValueError as error:
            self.problem = error.args[0]
        else:
            self.start(found, link, at)

    def take_up(self, said: Any) -> bool:
        """Be where the browser says that it is, in a tour or in none, and leave the page as it is; whether that is
        elsewhere."""
        before = self.link, self.at
        self.tour, self.link = None, ""
        if isinstance(said, Mapping) and isinstance(at := said.get("at"), (int, float)) and 0 <= at < 1e6:
            self.open(str(said.get("link")), int(at))
        self.leads = None
        return (self.link, self.at) != before

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
            said = st.query_params.get("stop", "1")
            here.open(link, int(said) - 1 if said.isdecimal() and len(said) < 6 else 0)
            if st.query_params.keys() - NOT_OF_A_VIEW:  # the address of what is on the page, not of the tour alone
                here.leads = None
    return st.session_state[PLACE]


def talk(page: str) -> None:
    """Draw the component, lead to the view that was asked for, open what is shared. page: the title of this one."""
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
        if here.tour is None and here.leads is None:  # it began at its address, where the page now stays without it
            for name in ("tour", "stop"):
                st.query_params.pop(name, None)

    def start() -> None:
        said = told().get("start")
        if isinstance(said, Mapping) and (tour := shipped().get(str(said.get("name")))):
            from dashboard.talk.share import Address, chosen

            address = Address.parse(str(said.get("address")))
            here.start(tour, str(said["name"]), home=View(address.page, chosen(address)))

    shown = {"tour": _shown(here), "tours": _menu(), "page": page}
    _mount(KEY, shown, on_go_change=go, on_start_change=start, on_share_change=_nothing, on_here_change=_nothing)
    said = told().get("here")
    if session.goes_on(said) and isinstance(said, Mapping) and here.take_up(said.get("tour")):
        st.rerun()
    if here.problem:
        st.error(tr(here.problem))
        here.problem = ""
    if isinstance(address := told().get("share"), str):
        from dashboard.talk.share import share  # only where it is asked for

        share(here, address)


def _nothing() -> None:
    """What is said is read in the run that it starts."""


def _shown(here: Place) -> dict[str, Any] | None:
    """What the browser needs of the stop."""
    if here.tour is None:
        return None
    view = here.tour.views[here.at]
    place = {"title": tr(here.tour.title), "at": here.at, "count": len(here.tour.views), "link": here.link}
    first = view.page == FIRST
    where = {"page": view.page, "first": first, "arrival": session.arrival()}
    return {**place, **where, "line": tr(view.line), "ring": list(view.ring), "press": list(view.press)}


def _menu() -> list[dict[str, Any]]:
    return [
        {"name": name, "title": tr(tour.title), "stops": len(tour.views), "minutes": tour.minutes}
        for name, tour in offered(current()).items()
    ]


def _address(here: Place) -> dict[str, str]:
    said = {"tour": here.link, "stop": str(here.at + 1)} if here.tour else {}
    return said | {name: st.query_params[name] for name in ("lang", "present") if name in st.query_params}
