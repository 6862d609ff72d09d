"""What leaves a talk, and what it is made of: tours, the view's link with its QR code."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import streamlit as st

from dashboard.address import NOT_OF_A_VIEW, whole
from dashboard.controls.text import plain
from dashboard.language import mark, tr
from dashboard.talk.tour import LARGEST, Tour, View, read
from dashboard.views import pages

if TYPE_CHECKING:
    from dashboard.talk import Place

OWN_COMPUTER = ("localhost", "127.", "0.0.0.0", "[::1]")
ALONE = mark("This address leads to your own computer: the audience needs one that they can reach.")
DENSE = mark("This address is too long for a QR code; a shorter text makes a shorter one.")


class Address(NamedTuple):
    """What a browser shows: the app's own address, the page's name in it, and what was chosen there."""

    app: str
    page: str
    query: dict[str, str]

    @staticmethod
    def parse(said: str) -> Address:
        first, *names = pages()
        try:
            parts = urlsplit(said)
        except ValueError:  # no browser says so, but whoever speaks for one might
            parts = urlsplit("")
        before, _, last = parts.path.rstrip("/").rpartition("/")
        page = last if last in names else first
        path = before if last in names else parts.path.rstrip("/")
        return Address(f"{parts.scheme}://{parts.netloc}{path}", page, dict(parse_qsl(parts.query, True)))

    def link(self, page: str, query: dict[str, str]) -> str:
        place = f"{self.app}/" + (page if page != next(iter(pages())) else "")
        return f"{place}?{urlencode(query)}" if query else place


def share(here: Place, address: str) -> None:
    """Open the dialog. address: what the browser shows; the server does not hear of every change of it."""
    st.dialog(tr("For a talk"), width="large")(_content)(here, Address.parse(address))


def _content(here: Place, address: Address) -> None:
    shown = st.session_state.get("settings", {})
    link, tour = st.tabs([tr("This view"), tr("Your tour")])
    with link:
        _link(address.link(address.page, whole(address.query, shown)))
    with tour:
        _from_file(here)
        _make(here, address)


def _from_file(here: Place) -> None:
    """A tour from a file becomes the visitor's own."""
    file = st.file_uploader(tr("A tour from a file"), type="json", max_upload_size=1, key="tour file")
    if file is None or file.file_id == here.file:
        return
    here.file = file.file_id
    try:
        here.own = read(file.getvalue()[: LARGEST + 1])
    except ValueError as error:
        st.error(tr(error.args[0]))


def _make(here: Place, address: Address) -> None:
    """The tour that is being made: its views, in their order, and the view that is on the page."""
    title = st.text_input(tr("Title"), here.own.title, max_chars=200) or ""
    here.own = Tour(title, here.own.views)
    last = len(here.own.views) - 1
    for k, view in enumerate(here.own.views):
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        row.markdown(f"{k + 1}. {plain(view.line or view.query.get('text', '') or view.page)}")
        earlier, later, without = (
            k and here.own.moved(k, k - 1),
            k < last and here.own.moved(k, k + 1),
            here.own.without(k),
        )
        for label, says, other in (
            ("↑", tr("Earlier"), earlier),
            ("↓", tr("Later"), later),
            ("✕", tr("Remove"), without),
        ):
            become = {"on_click": setattr, "args": (here, "own", other)}
            row.button(
                label, key=f"{label} {k}", type="tertiary", disabled=not isinstance(other, Tour), help=says, **become
            )
    with st.form("add view", border=False, clear_on_submit=True):
        line = st.text_input(tr("What you will say at this view"), max_chars=1000)
        if st.form_submit_button(tr("Add this view")):
            here.own = here.own.added(View(address.page, chosen(address), line))
            st.rerun(scope="fragment")
    if not here.own.views:
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    if row.button(tr("Start"), key="start own", type="tertiary"):
        here.start(here.own, here.own.link(), home=View(address.page, chosen(address)))
        st.rerun()
    row.download_button(tr("Save as a file"), here.own.json(), "tour.json", type="tertiary", on_click="ignore")
    st.caption(tr("Its link:"))
    st.code(address.link(next(iter(pages())), {"tour": here.own.link()}), language=None, wrap_lines=True)


def chosen(address: Address) -> dict[str, str]:
    """What makes the view; a text that is too long for an address is in the session alone."""
    query = whole(address.query, st.session_state.get("settings", {}))
    said = {name: value for name, value in query.items() if name not in NOT_OF_A_VIEW}
    if said.pop("long", None):
        said["text"] = str(st.session_state.get("settings", {}).get("text", ""))
    return said


def _link(address: str) -> None:
    """The address of what is on the page, and its QR code."""
    import segno

    st.code(address, language=None, wrap_lines=True)
    if urlsplit(address).netloc.startswith(OWN_COMPUTER):
        st.caption(tr(ALONE))
    try:
        code = segno.make_qr(address, error="l")
    except segno.DataOverflowError:
        st.caption(tr(DENSE))
        return
    says = escape(tr("This view's address as a QR code"))
    image = code.png_data_uri(scale=8)
    st.html(f'<img src="{image}" width="360" class="gt-code" alt="{says}">')  # st.image knows no alternative text
