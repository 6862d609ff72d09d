"""The sentence box and the choice of models, as every page has them, and the scene that comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import cache, library, unread
from dashboard.controls import chosen, controls
from dashboard.figures.deciding import deciding_unit
from dashboard.language import current, tr
from dashboard.proposed import examples
from dashboard.scene import Drawn, Scene
from dashboard.state import HOMES, YOURS, Settings
from lstm_core import Network
from lstm_core.say import say

MOVED = say(
    "The small models that this page opens with have read little else than sentences like theirs, so the models of "
    "English and Chinese read this one."
)


def scene() -> Scene | None:
    """Draw the controls and read the sentence; None, with a message on the page, if there is no model at all."""
    cache.settle()  # where a part of a page is drawn anew, nothing else passes by
    if not cache.models():
        st.error(tr("There are no models in assets/models. Train one: `python -m lab train pronouns-lstm`."))
        return None
    names = library.names()
    said = chosen() or st.session_state.get("settings") or _arriving()
    settings = Settings.parse(said, names)
    moved: dict[str, str] = {}
    with suppress(Exception):  # the reading below says what it is, under a box in which another text can be typed
        moved = _moved(settings)
    if moved:
        settings = replace(settings, **moved, unit=None, unit2=None)  # what was picked is a unit of the other models
    st.session_state["settings"] = settings.server_side()
    sides = library.stands_for(settings.left, "left"), library.stands_for(settings.right, "right")
    models = [library.model(name) for name in sides]
    layers, directions = max(len(m.layers) for m in models), max(len(m.layers[0]) for m in models)
    instead, unfinished, writing = None, False, settings.text if said.get("writing") else ""
    with suppress(Exception):
        readings = [library.read(name, settings.text) for name in sides if name != YOURS]
        instead = _instead_of(readings, settings, writing)
        unfinished = any(unread.unfinished(reading, writing) for reading in readings)
    offered = examples(models[0]) or examples(models[1])
    beside = {"instead": instead, "moved": moved and {**moved, "text": settings.text}, "unfinished": unfinished}
    controls(settings, names, offered, layers, directions, {**beside, "strays": _strays(settings, offered)})
    if YOURS in (settings.left, settings.right):
        from dashboard.yours.panel import panel  # only where it is chosen: the first page does not wait for it

        panel()
    left, right = (library.read(name, settings.text) for name in sides)
    if moved and settings.left in unread.GENERAL:
        left = replace(left, notes=(*left.notes, MOVED))
    if len(right.trace) and not len(left.trace):
        left = _instead(left, library.shipped("left", settings.text), settings.text)
    elif len(left.trace) and not len(right.trace):
        right = _instead(right, library.shipped("right", settings.text), settings.text)
    if not (len(left.trace) and len(right.trace)):  # both are drawn beside each other, or none
        left, right = (_nothing(name, one) for name, one in zip(sides, (left, right), strict=True))
    drawn = _drawn(left.model, settings), _drawn(right.model, settings)
    lost = "long" in st.query_params and settings.text == Settings().text
    return _with_units(Scene(settings, (left, right), drawn, lost=lost, only=_only(settings), writing=bool(writing)))


def _arriving() -> Mapping[str, Any]:
    """What the address says, or what a visitor of this language sees first; a text without models gets fitting ones.
    Models that its text would have got anyway nobody has chosen, unless it says so: another text gets others."""
    said = Settings.home(st.query_params.to_dict(), current())
    if os.environ.get("GATESCOPE_MODEL") and "left" not in st.query_params:
        from dashboard.yours.started import taken

        if taken():
            return {**said, "left": YOURS, "picked": 1}
    settings = Settings.parse(said, list(cache.models()))
    pair = _fitting(settings.text or Settings().text)
    if pair and "text" in st.query_params and not st.query_params.keys() & {"left", "right"}:
        said = {**said, "left": pair[0], "right": pair[1]}
        settings = replace(settings, left=pair[0], right=pair[1])
    known = "long" not in st.query_params  # else the text comes later, and what fits it nobody can say
    return said if known and pair == (settings.left, settings.right) else {**said, "picked": 1}


def _homes() -> list[Settings]:
    """What the page opens with, in every language."""
    return [Settings(), *(replace(Settings(), **home) for home in HOMES.values())]


def _fitting(text: str) -> tuple[str, str] | None:
    return unread.fitting(text, _homes())


def _moved(settings: Settings) -> dict[str, str]:
    """The models that fit what was typed, where nobody has chosen any and others are shown."""
    now = settings.left, settings.right
    by_themselves = now in (unread.GENERAL, *((home.left, home.right) for home in _homes()))
    if settings.picked or not by_themselves or not settings.text.strip():
        return {}
    pair = _fitting(settings.text)
    return {} if pair in (None, now) else {"left": pair[0], "right": pair[1]}


def _strays(settings: Settings, offered: Sequence[tuple[str, str]]) -> list[str]:
    """The examples of the models on show that others would read, were they typed: a click on one chooses these."""
    now = settings.left, settings.right
    if settings.picked or now != unread.GENERAL:  # those of a home are its own
        return []
    return [text for _, text in offered if _fitting(text) != now]


def _instead_of(readings: list[cache.Reading], settings: Settings, writing: str) -> dict[str, str] | None:
    """A pair by side that is offered in the place of the one that reads, and what its button says."""
    if general := unread.general(readings, writing):
        return {**general, "label": tr("Read it with models for any text")}
    by_themselves = not settings.picked and all(one.model.name in unread.GENERAL for one in readings)
    if by_themselves and (small := unread.small(settings.text, _homes())):
        return {**small, "label": tr("Read it with the small models")}
    return None


def _only(settings: Settings) -> tuple[str, ...]:
    """The sentences for which alone these models are there; none where somebody has chosen them, or they read any."""
    pair = settings.left, settings.right
    home = next((one for one in _homes() if (one.left, one.right) == pair), None)
    return unread.own(home) if home and not settings.picked else ()


def _with_units(shown: Scene) -> Scene:
    """The scene with the units that decide; those that were shown before stay as long as they may."""
    kept = st.session_state.setdefault("deciding", {})
    units = []
    for side, (reading, drawn) in enumerate(zip(shown.readings, shown.drawn, strict=True)):
        place = side, reading.model.name, drawn
        cursor = shown.cursor(side)
        found = deciding_unit(reading.model, reading.trace, reading.likeliest, cursor, *drawn, kept.get(place))
        kept[place] = found
        units.append(found)
    return replace(shown, units=(units[0], units[1]))


def _instead(failed: cache.Reading, name: str, text: str) -> cache.Reading:
    """The reading of a model that can be drawn in the place of one that cannot, with the notes that say why."""
    note = say("{name} is shown in its place.", name=cache.models()[name])
    return replace(library.read(name, text), notes=(*failed.notes, note))


def _nothing(name: str, reading: cache.Reading) -> cache.Reading:
    """A reading of no steps, with the notes of ``reading``."""
    return replace(library.read(name, "", 0), found=0, notes=reading.notes)


def _drawn(model: Network, settings: Settings) -> Drawn:
    return Drawn(min(settings.layer, len(model.layers) - 1), min(settings.direction, len(model.layers[0]) - 1))
