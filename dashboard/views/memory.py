"""The page "Memory": which word wrote what a unit holds, or what speaks for one word against another."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from dashboard import frame
from dashboard.controls.kept import kept_option
from dashboard.controls.units import unit_choice, unit_name
from dashboard.controls.words import field, word_pair
from dashboard.figures import memory as draw
from dashboard.frame import Context
from dashboard.language import mark, tr
from dashboard.scene import Drawn, Scene
from lstm_core import Network, Trace
from lstm_core.analysis import memory, readout, retention, timescales
from lstm_core.drawing.panel import panel, quoted, rounded, signed
from lstm_core.drawing.words import as_sentence
from lstm_core.equations import carry

KEY = "memory"
UNIT, WORDS = mark("a unit"), mark("one word against another")
LONGEST = 300
"""Steps of which the retention matrix is drawn."""


@frame.page(mark("Memory"), order=2)
def page(here: Context) -> None:
    shown = here.scene
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        look = kept_option("look", tr("Decompose"), [UNIT, WORDS])
    pair = None
    units = list(shown.units)
    if look == WORDS:
        word, other = word_pair(shown)
        with middle:
            word = field("word", tr("for the word"), word)
        with right:
            other = field("against", tr("against"), other)
        pair = (word.strip(), other.strip())
    else:
        for side, place in enumerate((middle, right)):
            with place:
                units[side] = unit_choice(shown, side)
    sides = [_side(shown, side, step, units[side], pair) for side, step in enumerate(here.steps())]
    here.chart(KEY, frame.columns(sides))
    st.caption(
        tr(
            "On the pronouns models the subject writes the first pronoun's memory; a later pronoun really rewrites it, "
            "and then the bar of that pronoun is the longest."
        )
    )


def _side(shown: Scene, side: int, step: int, unit: int, pair: tuple[str, str] | None) -> list[dict[str, Any]]:
    model, trace, at = shown.models[side], shown.traces[side], shown.drawn[side]
    ids = [f"{kind}{side}" for kind in ("writers", "kept", "spans")]
    cell = tr(trace.cell.title)
    if carry(trace.cell) is None:
        text = tr(
            "The {cell} rewrites its whole state at every step, so no word's share of it can be told apart. See the "
            "page Gradients for what is left of a word.",
            cell=cell,
        )
        return [panel(ids[0], tr("{cell}: who wrote it", cell=cell), text=text), panel(ids[1], ""), panel(ids[2], "")]
    place = {"layer": at.layer, "backward": bool(at.direction)}
    named = unit_name(model, at, unit, trace)
    return [
        _writers(ids[0], model, trace, step, unit, pair, at, named),
        draw.kept(ids[1], trace, retention(trace, unit, **place), step, named)
        if len(trace) <= LONGEST
        else panel(
            ids[1],
            tr("{cell}: what is kept", cell=cell),
            text=tr("The matrix is drawn for up to {count} tokens.", count=LONGEST),
        ),
        draw.spans(ids[2], trace, timescales(trace, **place), unit),
    ]


def _writers(
    id: str, model: Network, trace: Trace, step: int, unit: int, pair: tuple[str, str] | None, at: Drawn, named: str
) -> dict[str, Any]:
    place: dict[str, Any] = {"layer": at.layer, "backward": bool(at.direction)}
    if pair is None:
        return draw.writers(id, trace, memory(trace, step, unit=unit, **place), named)
    if at.layer != len(trace.layers) - 1:
        return panel(id, tr(trace.cell.title), text=tr("Words are read out of the top layer; choose it above."))
    try:
        direction = readout(model, *pair)
    except ValueError as error:
        return panel(id, tr(trace.cell.title), text=as_sentence(error, tr("Try another word.")))
    found = memory(trace, step, direction=direction.vector, **place)
    words = {"word": quoted(pair[0]), "other": quoted(pair[1])}
    of = tr("the lead of {word} over {other}", **words)
    lead = float(found.value) + direction.bias
    if lead < 0:
        words = {"word": words["other"], "other": words["word"]}
    more = tr(
        "The lead is the difference of the two words' scores (logits). With {bias} from the readout's own bias, "
        "whatever was read, {word} is {times} times as likely as {other}.",
        **{**words, "bias": signed(direction.bias), "times": rounded(math.exp(min(abs(lead), 100)))},
    )
    return draw.writers(id, trace, found, of, more)
