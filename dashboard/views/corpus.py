"""The page "Corpus": every unit of two models over a whole data set, and where a unit is high, low or as usual."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import streamlit as st

from dashboard import address, frame, own_survey, surveyed, where_else
from dashboard.controls.kept import starts
from dashboard.figures import corpus as draw
from dashboard.figures import places
from dashboard.frame import Context
from dashboard.language import mark, tr
from dashboard.own_survey import KEY, OWN, OwnSurvey
from dashboard.surveyed import Sides, Surveyed, beside
from lstm_core.drawing.panel import panel
from lstm_core.drawing.words import as_sentence

KINDS = (("highest", mark("Highest"), 7), ("lowest", mark("Lowest"), 7), ("typical", mark("As usual"), 6))
NOVELS, OWN_TEXTS = mark("Austen's novels"), mark("My texts")


@frame.page(mark("Corpus"), order=8, empty=True)
def page(here: Context) -> None:
    if find_spec("pyarrow") is None:
        st.info(tr("A survey is kept in Parquet files, which need a package that is not installed here:"))
        st.code("python -m pip install -r dashboard/requirements.txt", language=None)
        return
    sides = _sides(here)
    if any(sides):
        st.caption(
            tr(
                "Every unit of both models over a whole set of texts: what it follows, and where it is high or low. A "
                "row chooses a unit; a place below opens on the page Gates."
            )
            + " "
            + tr(
                "The score is the AUC: 1 or 0 where the unit always tells, 0.5 where it is chance; of a position it is "
                "the correlation r, between 1 and −1."
            )
        )
        with st.columns(2)[0]:
            asked = _find()
        for side, (place, one) in enumerate(zip(st.columns(2, gap="medium"), sides, strict=True)):
            with place:
                if one is None:
                    st.caption(tr("There is no survey for this side."))
                else:
                    _map(here, side, one, asked)
        _units(here, sides)
        where_else.section(here, sides)
    else:
        st.info(
            tr(
                "No survey of the models of English and Chinese ships with this copy. Below you can survey texts of "
                "your own; in a checkout this makes the surveys that belong here:"
            )
        )
        st.code("python -m lab survey", language=None)
    own_survey.section(here, opened=not any(sides))


def _sides(here: Context) -> Sides:
    """What is drawn on the left and on the right: what ships, or the visitor's own survey."""
    ships = [surveyed.shipped(model, side) for side, model in enumerate(here.scene.models)]
    own: OwnSurvey | None = st.session_state.get(OWN)
    if own is None:
        return ships
    texts = [*[NOVELS] * any(ships), OWN_TEXTS]
    st.session_state.setdefault(key := f"{KEY} texts", OWN_TEXTS)
    chosen = st.segmented_control(tr("Texts"), texts, required=True, format_func=tr, key=key)
    return ships if chosen == NOVELS else [own.sides[0], own.sides[-1]]


def _find() -> str:
    starts("find", f"{KEY} find", address.chosen("find") or "")
    hint = tr("quotes, digits, position, saturated")
    said = st.text_input(tr("Find units"), key=f"{KEY} find", max_chars=100, placeholder=hint)
    address.choose("find", said or None)
    return said


# ---- the map


def _map(here: Context, side: int, one: Surveyed, asked: str) -> None:
    st.markdown(f"**{_title(one)}** :small[{_about(here, side, one)}]")
    try:
        found = draw.matching(one.units, asked)
    except ValueError as error:
        st.caption(as_sentence(error))
        return
    if not found:
        st.caption(tr("No unit is described by these words; empty the field to see all {all}.", all=len(one.units)))
        return
    chosen = _chosen(side, one)
    rows = [k for k, unit in enumerate(found) if unit.place == chosen.place]
    turn = st.session_state.get(_turn(side), 0)
    key = f"{KEY} map {side} {one.name} {id(one)} {asked} {turn}"

    def choose() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked and picked[0] < len(found):
            address.choose(_row(side), found[picked[0]].place)

    import pandas as pd  # which takes as long as half of the first page; that one does without

    table = draw.table(found)
    st.dataframe(
        pd.DataFrame(table).style.format(_steps, subset=list(table)[-1:]),
        height=300,
        hide_index=True,
        key=key,
        on_select=choose,
        selection_mode="single-row",
        selection_default={"selection": {"rows": rows}},
        column_config=_columns(list(table)),
        alt=tr("{count} units, one a row; a click chooses one.", count=len(found)),
    )
    _named(side, one, chosen)


def _named(side: int, one: Surveyed, chosen: draw.Unit) -> None:
    """The same choice as a list, for the keyboard and for who knows the number."""
    key, names = f"{KEY} unit {side} {one.name} {id(one)}", {unit.place: unit.label() for unit in one.units}
    st.session_state[key] = chosen.place

    def choose() -> None:
        address.choose(_row(side), st.session_state[key])
        st.session_state[_turn(side)] = st.session_state.get(_turn(side), 0) + 1

    st.selectbox(
        tr("{cell} unit", cell=tr(one.network.cell.title)),
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=choose,
    )


def _turn(side: int) -> str:
    """Counts the choices that were made beside the map, which then is another one and has another row marked."""
    return f"{KEY} turn {side}"


def _row(side: int) -> str:
    return ("row", "row2")[side]


def _columns(names: Sequence[str]) -> dict[str, Any]:
    """unit, follows, score, moved, kept, saturated, timescale."""
    unit, follows, score, moved, kept, saturated, timescale = names
    column = st.column_config
    return {
        unit: column.TextColumn(width=56),
        follows: column.TextColumn(width=138, help=tr("What the unit follows, and the signal that does.")),
        score: column.NumberColumn(
            format="%.2f", width=64, help=tr("How well it tells what it follows: the AUC; of a position, r.")
        ),
        moved: column.NumberColumn(
            format="%.2f", width=64, help=tr("The best that any unit does where the labels are moved along the text.")
        ),
        kept: column.NumberColumn(
            format="%.2f", width=60, help=tr("Share of the memory that a step keeps, on average.")
        ),
        saturated: column.NumberColumn(
            format="%.2f", width=72, help=tr("Share of the steps at which what is kept is below 0.1 or above 0.9.")
        ),
        timescale: column.NumberColumn(
            width=76, help=tr("Steps after which the memory is no longer like itself, looked at up to 64.")
        ),
    }


def _steps(value: float | None) -> str:
    """A timescale: infinite beyond the longest lag that is looked at."""
    if value is None or value != value:
        return ""
    return tr("over 64") if value == float("inf") else f"{value:.1f}"


def _chosen(side: int, one: Surveyed) -> draw.Unit:
    """The unit that the address names, or else the first of the map."""
    said = address.chosen(_row(side))
    return next((unit for unit in one.units if unit.place == said), one.units[0])


def _title(one: Surveyed) -> str:
    return tr("{cell} ({name})", cell=tr(one.network.cell.title), name=one.name)


def _about(here: Context, side: int, one: Surveyed) -> str:
    survey = one.survey
    counts = {"documents": survey.documents, "steps": survey.steps}
    said = tr("Your texts: {documents:,} of them, {steps:,} steps.", **counts)
    if one.ships:
        said = tr("Austen's novels: {documents:,} paragraphs, {steps:,} steps.", **counts)
    if not survey.complete:
        said = tr("Stopped before its end: {documents:,} texts, {steps:,} steps.", **counts)
    name = here.scene.models[side].name
    if name != one.name and st.session_state.get(OWN) is None:
        said += " " + tr("{name} has no survey of its own; this is that of a model of English and Chinese.", name=name)
    return said


# ---- a unit


def _units(here: Context, sides: Sides) -> None:
    """The chosen unit of each side: its histograms, what it follows, and twenty places."""
    panels, there = [], []
    for side, one in enumerate(sides):
        try:
            unit = _chosen(side, one) if one else None
        except ValueError:  # nothing was surveyed yet; the map says so
            unit = None
        there.append(unit)
        panels.append(_panels(side, one, unit) if one and unit else [])
    most = max(map(len, panels))
    if not most:
        return
    for side, own in enumerate(panels):
        own += [panel(f"none{side}{k}", "") for k in range(most - len(own))]
    here.chart(KEY, frame.columns(panels), (), words=[])
    for side, (place, one, unit) in enumerate(zip(st.columns(2, gap="medium"), sides, there, strict=True)):
        if one and unit:
            with place:
                _contexts(side, one, unit, beside(sides, side))


def _panels(side: int, one: Surveyed, unit: draw.Unit) -> list[dict[str, Any]]:
    place: dict[str, Any] = {"unit": unit.unit, "layer": unit.layer, "direction": unit.direction}
    panels = [draw.follows(f"follows{side}", tr("{name}: what it follows", name=unit.name), unit)]
    for k, signal in enumerate(one.signals[:2]):
        title = tr("{name}: its memory", name=unit.name) if k == 0 else tr("{name}: its gate", name=unit.name)
        bins = one.survey.histogram(signal, **place)
        low, high = one.ends(unit, signal)
        role = "keep" if k else "cell"
        panels.append(draw.histogram(f"{signal}{k}{side}", title, signal, bins, low, high, role))
    return panels


def _contexts(side: int, one: Surveyed, unit: draw.Unit, other: str) -> None:
    best = unit.best
    signals = list(one.signals)
    start = best.signal if best else signals[0]
    signal = start
    if len(signals) > 1:
        label, key = tr("{name}: words tinted by", name=unit.name), f"{KEY} by {side} {unit.place} {start}"
        signal = st.segmented_control(label, signals, default=start, required=True, key=key)
    low, high = one.ends(unit, signal, "q01", "q99")
    gate = one.network.cell.signal(signal).low == 0
    opens = tr("Open it on the page Gates")
    for kind, heading, count in KINDS:
        there = [
            one.place(document, step, step + 1, value, unit, signal, side, other)
            for document, step, value in one.contexts(unit, signal, kind, count)
        ]
        st.html(places.places(there, tr(heading), opens, 1.0 if gate else max(abs(low), abs(high)), gate))
