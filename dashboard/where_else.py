"""The part of the page Corpus that asks where else the pattern of a stretch of the sentence above is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import cache, surveyed
from dashboard.figures import places
from dashboard.figures.corpus import PROPERTIES
from dashboard.frame import Context
from dashboard.language import tr
from dashboard.own_survey import KEY
from dashboard.session import keeps
from dashboard.surveyed import Sides, Surveyed, beside
from lstm_core.drawing import panel as p
from lstm_core.drawing.words import as_sentence, visible

if TYPE_CHECKING:
    from lstm_core.survey.similar import Similar

LONGEST = 200
"""Tokens of the sentence, of which a stretch can be chosen."""
FOUND = 20
"""Places that are listed."""
SHARES = tuple(k / 10 for k in range(10, 2, -1))
"""Of the units, so many have to be on together: fewer and fewer until there are places enough."""
SHARED = 200
"""Places of which it is said what their texts have in common with the stretch."""
LOOK = keeps("where else")
"""Under this name the session keeps that it was asked: here, or by the button on the page Gates."""


def section(here: Context, sides: Sides) -> None:
    """Where else the units are on that are on over a stretch of the sentence above: in the visitor's texts, or in a
    part of the novels. The stretch begins at the chosen word, on whichever page that was chosen."""
    texts = [cache.typed(here.text, one.network.tokenizer) if one else "" for one in sides]
    steps = here.steps()
    asked = [
        one if one and len(one.network.tokenizer.encode(text)) > 1 else None
        for one, text in zip(sides, texts, strict=True)
    ]
    if not any(asked):
        return
    st.markdown(tr("**Where else is this pattern?** A stretch of the sentence above:"))
    novels = any(one and one.ships for one in asked)
    if novels and not st.session_state.get(LOOK) and not all(_there(one) for one in asked if one):
        st.button(
            tr("Look for it in Austen's novels"),
            on_click=lambda: st.session_state.update({LOOK: True}),
            help=tr("In every twentieth paragraph. The first time this takes some seconds."),
        )
        return
    for side, (place, one) in enumerate(zip(st.columns(2, gap="medium"), asked, strict=True)):
        if one is not None:
            with place:
                _side(one, texts[side], steps[side], side, beside(sides, side))


def _there(one: Surveyed) -> bool:
    """Whether it can be asked at once."""
    return not one.ships or surveyed.sampled(one, wait=False) is not None


def _side(one: Surveyed, text: str, step: int, side: int, other: str) -> None:
    tokens = one.network.tokenizer.encode(text)[:LONGEST]
    names = [visible(token.text) for token in tokens]
    start = min(step, len(tokens) - 2)
    ends = st.select_slider(
        tr("{cell}: from word to word", cell=tr(one.network.cell.title)),
        range(len(tokens)),
        (start, start + 1),
        format_func=lambda k: f"{k + 1} {names[k]}",
        key=f"{KEY} stretch {side} {start} {text}",
    )
    with st.spinner(tr("The novels are read …")):
        searched = surveyed.sampled(one, wait=True) if one.ships else one
    assert searched is not None
    try:
        found = _found(searched, text[: tokens[-1].end], int(ends[0]), int(ends[1]) + 1)
        shares = found.shares(SHARED)
    except ValueError as error:
        st.caption(as_sentence(error))
        return
    st.caption(_said(found, shares, one.ships))
    rows = zip(found.document.tolist(), found.start.tolist(), found.stop.tolist(), found.on.tolist(), strict=True)
    there = [
        replace(searched.place(document, start, stop, 0.0, None, "", side, other), units=on)
        for document, start, stop, on in list(rows)[:FOUND]
    ]
    if there:
        st.html(places.places(there, tr("Most alike first"), tr("Open it on the page Gates"), 1.0, True))


def _found(searched: Surveyed, text: str, start: int, stop: int) -> Similar:
    """The places of as many of the units as there are places enough for."""
    found = None
    for share in SHARES:
        found = searched.survey.similar(text, start, stop, sides=1, share=share)
        if len(found) >= FOUND:
            break
    assert found is not None
    return found


def _said(found: Similar, shares: dict[str, float], novels: bool) -> str:
    values = {"units": len(found.units), "needed": found.needed, "count": len(found)}
    where = tr("of your texts")
    if novels:
        where = tr("in every twentieth paragraph of Austen's novels")
    said = tr("Units that are on just there: {units}. At {count:,} places {where}, {needed} of them or more are on "
              "together.", where=where, **values)  # fmt: skip
    for name, share in shares.items() if len(found) else ():
        told = {"what": tr(PROPERTIES.get(name, name)), "share": p.percent(share), "count": min(len(found), SHARED)}
        said = p.sentences(said, tr("The stretch is “{what}”, and so are {share} of the {count} most alike.", **told))
    return said
