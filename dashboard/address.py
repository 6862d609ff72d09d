"""Everything that an address holds: one table, which the session, the links, the tours and the browser follow.

``python -m dashboard.address`` writes the browser's copy of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

import streamlit as st

BROWSERS = Path(__file__).with_name("browser") / "page" / "parameters.js"


OPENED, WENT = "page that is open", "choices gone back to"
"""Under these names the session keeps which page was shown last, and of what the address has another choice since."""


@dataclass(frozen=True)
class Parameter:
    """What stands in an address under ``name``.

    kind: a "number" is whole. default: what holds where nothing stands there; None: that is decided by something else.
    page: the only page that it means something on, as addresses name pages; "" for every page of the scene, None for
    what belongs to no view. side: who keeps it. The "server" must know it to draw; the "browser" alone changes it.
    cursor: it is the cursor, which goes along from page to page.
    """

    name: str
    kind: Literal["text", "number"]
    default: str | int | None = None
    page: str | None = ""
    side: Literal["server", "browser"] = "browser"
    cursor: bool = False


TEXT = "Mary went to the market because she was hungry. Then John met Anna and he"
TABLE = (
    Parameter("text", "text", TEXT, side="server"),
    Parameter("left", "text", "pronouns-lstm", side="server"),
    Parameter("right", "text", "pronouns-gru", side="server"),
    Parameter("picked", "number", 0, side="server"),
    Parameter("layer", "number", 0, side="server"),
    Parameter("direction", "number", 0, side="server"),
    Parameter("show", "text", "lead", side="server"),
    Parameter("at", "number", -2, cursor=True),
    Parameter("unit", "number", cursor=True),
    Parameter("unit2", "number", cursor=True),
    Parameter("only", "text", ""),
    Parameter("sort", "text", "index", page="gates"),
    Parameter("stage", "number", 0, page="step_by_step"),
    Parameter("view", "text", page="step_by_step"),
    Parameter("notation", "text", "", page="step_by_step"),
    Parameter("order", "text", page="step_by_step"),
    Parameter("look", "text", page="memory", side="server"),
    Parameter("word", "text", page="memory", side="server"),
    Parameter("against", "text", page="memory", side="server"),
    Parameter("method", "text", page="memory", side="server"),
    Parameter("do", "text", page="what_if", side="server"),
    Parameter("do2", "text", page="what_if", side="server"),
    Parameter("target", "text", page="gradients", side="server"),
    Parameter("other", "text", page="contrast", side="server"),
    Parameter("beside", "text", page="compare", side="server"),
    Parameter("fault", "text", page="compare", side="server"),
    Parameter("row", "text", page="corpus", side="server"),
    Parameter("row2", "text", page="corpus", side="server"),
    Parameter("find", "text", page="corpus", side="server"),
    Parameter("experiment", "text", page="experiments", side="server"),
    Parameter("beyond", "text", page="beyond", side="server"),
    Parameter("picture", "text", page="beyond", side="server"),
    Parameter("number", "text", page="beyond", side="server"),
    Parameter("draw", "text", page="beyond", side="server"),
    Parameter("imagine", "text", page="beyond", side="server"),
    Parameter("inside", "text", page="beyond", side="server"),
    Parameter("part", "text", page="beyond", side="server"),
    Parameter("inside_unit", "text", page="beyond", side="server"),
    Parameter("force", "text", page="beyond", side="server"),
    Parameter("long", "number", page=None),
    Parameter("lang", "text", page=None, side="server"),
    Parameter("present", "number", page=None),
    Parameter("tour", "text", page=None, side="server"),
    Parameter("stop", "number", page=None, side="server"),
    Parameter("embed", "text", page=None, side="server"),
    Parameter("embed_options", "text", page=None, side="server"),
)
ALL: Mapping[str, Parameter] = {one.name: one for one in TABLE}
SCENE = tuple(one.name for one in TABLE if one.page == "" and one.side == "server")
"""What the controls send: the sentence, the models, and which of their layers."""
CURSOR = tuple(one.name for one in TABLE if one.cursor)
NOT_OF_A_VIEW = {one.name for one in TABLE if one.page is None and one.name != "long"}
"""What stands beside a view in its address; a tour's views have none of it."""
READERS = ("text", "left", "right")
"""What a bare address leaves to the visitor's language, and a link to others says."""


def whole(query: Mapping[str, str], shown: Mapping[str, Any]) -> dict[str, str]:
    """``query`` with the text and the models that are ``shown``, so that it shows the same in every language; without
    a text that is too long for an address."""
    said = {name: str(shown[name]) for name in READERS if name in shown and name not in query}
    if "long" in query:
        said.pop("text", None)
    return {**said, **query}


def link(page: str, query: Mapping[str, Any]) -> str:
    """The address of a page ("" for the first), relative to any other's, with what of ``query`` is not None."""
    said = {name: str(value) for name, value in query.items() if value is not None}
    return f"./{page}?{urlencode(said, quote_via=lambda part, *_: quote(part, safe=''), errors='replace')}"


# ---- what the server keeps


def chosen(name: str) -> str | None:
    """What the address says; else what was chosen before, for a change of page drops the address."""
    return st.query_params.get(name, _kept().get(name))


def choose(name: str, value: str | None) -> None:
    """From now on this is chosen, and stands in the address; None: nothing is."""
    if value is None:
        _kept().pop(name, None)
        st.query_params.pop(name, None)
    else:
        _kept()[name] = value
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def opened(page: str) -> None:
    """``page`` is run as a whole. Where it was shown before, its address has changed only by somebody's going back or
    forward: what it does not say is no longer chosen, or Back would lead to what it came from."""
    state = st.session_state
    before, state[OPENED] = state.get(OPENED), page
    state[WENT] = set()
    if before != page:
        return
    for one in TABLE:
        if one.page == page and one.side == "server" and st.query_params.get(one.name) != _kept().get(one.name):
            _kept().pop(one.name, None)
            state[WENT].add(one.name)


def went(name: str) -> bool:
    """Whether somebody has just gone back or forward to another choice of ``name``; it is said once."""
    names = st.session_state.get(WENT, set())
    found = name in names
    names.discard(name)
    return found


def _kept() -> dict[str, str]:
    return st.session_state.setdefault("kept", {})


# ---- what the browser keeps


def browsers(query: Mapping[str, str]) -> str:
    """The part of an address that the browser keeps, as a query."""
    said = {name: value for name, value in query.items() if name in ALL and ALL[name].side == "browser"}
    return urlencode(said, errors="replace")


def script() -> str:
    """The browser's copy of the table."""
    rows = [
        f'  {one.name}: {{ kind: "{one.kind}", side: "{one.side}", view: {str(one.page is not None).lower()}, '
        f"cursor: {str(one.cursor).lower()} }},"
        for one in TABLE
    ]
    return "\n".join(
        [
            "// What an address holds. Written by `python -m dashboard.address`, which says what it means.",
            "",
            '/** @type {Record<string, { kind: "text" | "number", side: "server" | "browser", view: boolean, '
            "cursor: boolean }>} */",
            "export const PARAMETERS = {",
            *rows,
            "}",
            "",
        ]
    )


if __name__ == "__main__":
    BROWSERS.write_text(script(), encoding="utf-8")
