"""The page "Contrast": two sentences beside each other, and what each signal made of the difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dashboard import frame, library, unread
from dashboard.cache import Reading, cut
from dashboard.chart import chosen_place
from dashboard.controls.text import inline
from dashboard.controls.units import unit_choice, unit_ends, unit_name
from dashboard.controls.words import field, other_sentence
from dashboard.figures import changes as draw
from dashboard.frame import Context
from dashboard.language import mark, tr
from dashboard.scene import Scene
from lstm_core import Trace
from lstm_core.analysis import Contrast, contrast
from lstm_core.drawing.expected import likeliest_words
from lstm_core.drawing.panel import panel, percent, quoted, sentences, text_axis
from lstm_core.drawing.words import named, visible
from lstm_core.equations import carry

KEY = "contrast"
NUMBERS = mark("Two sentences are compared here; a model that reads numbers has none.")


@frame.page(mark("Contrast"), order=5, empty=True)
def page(here: Context) -> None:
    shown = here.scene
    wide, first, second = st.columns([2, 1, 1], vertical_alignment="bottom")
    proposed = other_sentence(shown)
    with wide:
        other = field("other", tr("The sentence to compare with"), proposed)
    units = []
    for side, place in enumerate((first, second)):
        with place:
            units.append(unit_choice(shown, side))
    if not other.strip() and shown.settings.text.strip():
        st.caption(tr("Type above what to compare with: the same sentence with one word changed, such as a name."))
        return
    readings = [library.read(model.name, other) for model in shown.models]
    others = (note for reading in readings for note in reading.others)
    writing = other if shown.writing and other == proposed else ""  # then it ends in the word that is still written
    found = dict.fromkeys([*unread.notices(readings, writing), *cut(readings), *others])
    notices = [one for one in found if one not in shown.notices]  # of a pair that was proposed they are the same
    if other and notices:
        told = (tr("The sentence to compare with: {notice}", notice=notice) for notice in notices)
        st.caption(inline(" ".join(told)))
    if not len(shown.traces[0]) or not all(len(reading.trace) for reading in readings):
        st.caption(tr("Type two sentences: one above, one to compare it with."))
        return
    pairs = [_aligned(trace, reading.trace) for trace, reading in zip(shown.traces, readings, strict=True)]
    found = next((pair for pair in pairs if pair is not None), None)
    if found is None:
        st.caption(tr(NUMBERS))
        return
    if not any(pair.differing for pair in pairs if pair):
        st.caption(tr("Both sentences are the same: change a word in one of them to see what it makes different."))
    places = [
        0 if pair is None else chosen_place(KEY, _steps(pair), step)
        for pair, step in zip(pairs, here.steps(), strict=True)
    ]
    columns = [
        _side(shown, side, pair, reading, unit, place)
        for side, (pair, reading, unit, place) in enumerate(zip(pairs, readings, units, places, strict=True))
    ]
    rows = [["/".join(_texts(found, k)), k, k, int(_known(found, k))] for k in range(len(found.pairs))]
    row = {"words": rows, "step": places[pairs.index(found)], "steps": _steps(found)}
    read = [trace for pair in pairs if pair is not None for trace in (pair.first, pair.second)]
    here.chart(KEY, frame.columns(columns, _across(*pairs)), read, **row)


def _aligned(first: Trace, second: Trace) -> Contrast | None:
    """The two beside each other; None for a model that reads numbers."""
    return contrast(first, second) if first.tokens and second.tokens else None


def _steps(pair: Contrast) -> list[int]:
    """By pair, the step of the first text; where it has no word, the one before."""
    steps: list[int] = []
    for one in pair.pairs:
        steps.append(one.first if one.first is not None else steps[-1] if steps else 0)
    return steps


def _across(left: Contrast | None, right: Contrast | None) -> list[int]:
    """By pair of the right side, the left side's that stands at the same word of the first text; empty where a side
    has none, or both cut it alike."""
    if left is None or right is None or not (back := frame.back(left.first, right.first)):
        return []
    steps = _steps(left)
    return [steps.index(step) if step in steps else 0 for step in (back[one] for one in _steps(right))]


def _side(
    shown: Scene, side: int, pair: Contrast | None, other: Reading, unit: int, place: int
) -> list[dict[str, Any]]:
    model, at = shown.models[side], shown.drawn[side]
    ids = [f"{kind}{side}" for kind in ("unit", "map", "next")]
    cell = tr(model.cell.title)
    if pair is None:
        return [panel(ids[0], cell, text=tr(NUMBERS)), panel(ids[1], ""), panel(ids[2], "")]
    rule = carry(model.cell)
    state = rule.state if rule else model.cell.output
    before, after = (_values(pair, state, which, at.layer, at.direction) for which in (0, 1))
    names = (tr("first sentence"), tr("second sentence"))
    axis = text_axis([(k, _texts(pair, k)) for k in range(len(pair.pairs))], len(pair.pairs))
    here = pair.pairs[place]
    places = [
        None if step is None or reading.why else (reading.trace, step)
        for reading, step in ((shown.readings[side], here.first), (other, here.second))
    ]
    likely = likeliest_words(model, [place for place in places if place])
    told = [likely.pop(0) if place else [] for place in places]
    heard = "/".join(_texts(pair, place))
    title = tr("{cell}: {state} of {unit}", cell=cell, state=state, unit=unit_name(model, at, unit, pair.first))
    ends = unit_ends(model, at, unit, pair.first)
    beside = tr("{cell}: difference of {state}", cell=cell, state=state)
    text = tr("Second sentence minus the first, unit by unit. Where a sentence has no word, nothing is drawn.")
    expected = tr("{cell}: what comes after {word}", cell=cell, word=quoted(heard))
    likeliest = tr(other.why) or sentences(*_likeliest(pair, place, told))
    return [
        draw.unit_lines(ids[0], title, axis, before[:, unit], after[:, unit], names, ends=ends),
        draw.difference_map(ids[1], beside, axis, after - before, text, unit),
        draw.predictions(ids[2], expected, told[0], told[1], names, likeliest),
    ]


def _values(pair: Contrast, signal: str, which: int, layer: int, direction: int) -> np.ndarray:
    """(pair, unit): the signal in the first or the second sentence, NaN where it has no word."""
    trace = (pair.first, pair.second)[which]
    values = trace.sel(signal, layer=layer, direction=direction, batch=0)
    places = [one.first if which == 0 else one.second for one in pair.pairs]
    missing = np.full(values.shape[-1], np.nan, np.float32)
    return np.stack([missing if place is None else values[place] for place in places])


def _likeliest(pair: Contrast, place: int, told: list[list[tuple[str, float]]]) -> list[str]:
    """What each sentence leads to at this place, in words."""
    here, said = pair.pairs[place], []
    for trace, step, likely, first in (
        (pair.first, here.first, told[0], True),
        (pair.second, here.second, told[1], False),
    ):
        if step is None:
            gap = tr("The first sentence has no word here.") if first else tr("The second sentence has no word here.")
            said.append(gap)
        elif likely:
            word, chance = likely[0]
            facts = {"heard": quoted(named(trace, step)), "word": quoted(visible(word)), "chance": percent(chance)}
            said.append(
                tr("After {heard} in the first sentence {word} is likeliest ({chance}).", **facts)
                if first
                else tr("After {heard} in the second {word} is likeliest ({chance}).", **facts)
            )
    return said


def _texts(found: Contrast, k: int) -> list[str]:
    """What each sentence reads in a pair; once where it is the same."""
    pair = found.pairs[k]
    texts = [
        named(trace, place) if place is not None else "\N{EN DASH}"
        for trace, place in ((found.first, pair.first), (found.second, pair.second))
    ]
    return texts[:1] if pair.same else texts


def _known(found: Contrast, k: int) -> bool:
    pair = found.pairs[k]
    return all(
        trace.tokens[place].known
        for trace, place in ((found.first, pair.first), (found.second, pair.second))
        if place is not None
    )
