"""The page "Contrast": two sentences beside each other, and what each signal made of the difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard import library
from dashboard.cache import Reading
from dashboard.chart import chart, chosen_step
from dashboard.controls.kept import kept
from dashboard.controls.units import unit_choice, unit_name
from dashboard.figures import changes as draw
from dashboard.figures.panel import escape, panel, short
from dashboard.figures.words import visible
from dashboard.language import mark, tr
from dashboard.scene import Scene, scene
from lstm_core import Trace
from lstm_core.analysis import Contrast, contrast
from lstm_core.equations import carry

TITLE = mark("Contrast")
ORDER = 5
KEY = "contrast"
NUMBERS = mark("Two sentences are compared here; a model that reads numbers has none.")
OTHER = "John went to the market because he was hungry. Then Mary met Anna and she"


@st.fragment
def page() -> None:
    shown = scene()
    if shown is None:
        return
    if shown.notices:
        st.caption(" ".join(shown.notices))
    wide, first, second = st.columns([4, 1, 1], vertical_alignment="bottom")
    with wide:
        label = tr("The sentence to compare with")
        other = kept("other", lambda: st.text_input(label, OTHER, key="other", bind="query-params"))
    units = []
    for side, (place, model, at) in enumerate(zip((first, second), shown.models, shown.drawn, strict=True)):
        with place:
            units.append(unit_choice(model, at, side))
    readings = [library.read(model.name, other) for model in shown.models]
    if not len(shown.traces[0]) or not all(len(reading.trace) for reading in readings):
        st.caption(tr("Type two sentences: one above, one to compare it with."))
        return
    pairs = [_aligned(trace, reading.trace) for trace, reading in zip(shown.traces, readings, strict=True)]
    found = next((pair for pair in pairs if pair is not None), None)
    if found is None:
        st.caption(tr(NUMBERS))
        return
    step = chosen_step(shown.settings.text, len(found.pairs))
    columns = [
        _side(shown, side, pair, reading, unit, step)
        for side, (pair, reading, unit) in enumerate(zip(pairs, readings, units, strict=True))
    ]
    ordered = [panel for both in zip(*columns, strict=True) for panel in both]
    rows = [[_label(found, k), k, k, 1] for k in range(len(found.pairs))]
    chart({"words": rows, "step": step, "columns": 2, "panels": ordered}, KEY, shown.settings.text)


def _aligned(first: Trace, second: Trace) -> Contrast | None:
    """The two beside each other; None for a model that reads numbers."""
    return contrast(first, second) if first.tokens and second.tokens else None


def _side(shown: Scene, side: int, pair: Contrast | None, other: Reading, unit: int, step: int) -> list[dict[str, Any]]:
    model, at = shown.models[side], shown.drawn[side]
    ids = [f"{kind}{side}" for kind in ("unit", "map", "next")]
    cell = tr(model.cell.title)
    if pair is None:
        return [panel(ids[0], cell, text=tr(NUMBERS)), panel(ids[1], ""), panel(ids[2], "")]
    rule = carry(model.cell)
    state = rule.state if rule else model.cell.output
    before, after = (_values(pair, state, which, at.layer, at.direction) for which in (0, 1))
    names = (tr("first sentence"), tr("second sentence"))
    axis = _axis(pair)
    at_step = pair.pairs[min(step, len(pair.pairs) - 1)]
    told = [
        [] if place is None else reading.predictions[place]
        for reading, place in ((shown.readings[side], at_step.first), (other, at_step.second))
    ]
    title = tr("{cell}: {state} of {unit}", cell=cell, state=state, unit=unit_name(model, at, unit))
    beside = tr("{cell}: difference of {state}", cell=cell, state=state)
    text = tr("Second sentence less the first, every unit. Where a sentence has no word, nothing is drawn.")
    expected = tr("{cell}: what comes next", cell=cell)
    return [
        draw.unit_lines(ids[0], title, axis, before[:, unit], after[:, unit], names),
        draw.difference_map(ids[1], beside, axis, after - before, text),
        draw.predictions(ids[2], expected, told[0], told[1], names, tr(other.why)),
    ]


def _values(pair: Contrast, signal: str, which: int, layer: int, direction: int) -> np.ndarray:
    """(pair, unit): the signal in the first or the second sentence, NaN where it has no word."""
    trace = (pair.first, pair.second)[which]
    values = trace.sel(signal, layer=layer, direction=direction, batch=0)
    places = [one.first if which == 0 else one.second for one in pair.pairs]
    missing = np.full(values.shape[-1], np.nan, np.float32)
    return np.stack([missing if place is None else values[place] for place in places])


def _label(found: Contrast, k: int) -> str:
    pair = found.pairs[k]
    texts = [
        visible(trace.tokens[place].text) if place is not None else "\N{EN DASH}"
        for trace, place in ((found.first, pair.first), (found.second, pair.second))
    ]
    return texts[0] if pair.same else "/".join(texts)


def _axis(found: Contrast) -> dict[str, Any]:
    count = len(found.pairs)
    every = max(1, -(-count // 20))
    ticks = list(range(0, count, every))
    return {
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [escape(short(_label(found, k), 16)) for k in ticks],
        "tickangle": -40,
        "range": [-0.5, count - 0.5],
        "automargin": False,
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }
