"""What every page begins with: the sentence box and the choice of models, and the two readings that come of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from weakref import ref

import streamlit as st

from dashboard import cache, library, unread
from dashboard.controls import chosen, controls
from dashboard.figures.deciding import deciding_unit
from dashboard.language import current, mark, tr
from dashboard.state import HOMES, YOURS, Settings
from lstm_core import Network, Trace
from lstm_core.say import say

LOST = mark("The text of this link was too long for an address; paste it to see it.")


class Drawn(NamedTuple):
    """The layer and direction of one model that are drawn: the chosen ones, or the nearest that it has."""

    layer: int
    direction: int


@dataclass(frozen=True)
class Scene:
    """What was chosen and what came of it; the tuples hold the left side, then the right side."""

    settings: Settings
    readings: tuple[cache.Reading, cache.Reading]
    drawn: tuple[Drawn, Drawn]
    units: tuple[int, int] = (0, 0)  # what each side's page speaks of until another unit is picked
    lost: bool = False  # the link stands for a text that was too long for it

    @property
    def models(self) -> tuple[Network, ...]:
        return tuple(reading.model for reading in self.readings)

    @property
    def traces(self) -> tuple[Trace, ...]:
        return tuple(reading.trace for reading in self.readings)

    @property
    def key(self) -> Hashable:
        """Two scenes with one key show the same, in one language. It keeps no reading in memory."""
        return self.settings, self.drawn, self.units, self.lost, *map(ref, self.readings)

    def cursor(self, side: int) -> int:
        """The step of ``side`` at which the address has the cursor; 0 where nothing is read."""
        at, count = self.settings.at, len(self.traces[0])
        return self.same_step(side, max(0, min(at + count if at < 0 else at, count - 1))) if count else 0

    def same_step(self, side: int, step: int) -> int:
        """The step at which ``side`` has read as far into the text as the left side after ``step``."""
        return step if side == 0 else same_step(self.traces[0], self.traces[side], step)

    @property
    def notices(self) -> list[str]:
        """What the reader must know about what is not shown."""
        wanted = (self.settings.left, self.settings.right)
        said = [
            note
            for name, reading in zip(wanted, self.readings, strict=True)
            for note in (*library.notices(name, reading.model), *reading.notices)
        ]
        return [tr(LOST)] * self.lost + list(dict.fromkeys([*unread.notices(self.readings), *said]))


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
        moved = _moved(settings, said)
    settings = replace(settings, **moved)
    st.session_state["settings"] = settings.server_side()
    sides = library.stands_for(settings.left, "left"), library.stands_for(settings.right, "right")
    models = [library.model(name) for name in sides]
    layers, directions = max(len(m.layers) for m in models), max(len(m.layers[0]) for m in models)
    general: dict[str, str] = {}
    with suppress(Exception):
        general = unread.general([library.read(name, settings.text) for name in sides if name != YOURS])
    beside = {"general": general, "moved": moved and {**moved, "text": settings.text}}
    controls(settings, names, examples(models[0]) or examples(models[1]), layers, directions, beside)
    if YOURS in (settings.left, settings.right):
        from dashboard.yours.panel import panel  # only where it is chosen: the first page does not wait for it

        panel()
    left, right = (library.read(name, settings.text) for name in sides)
    if len(right.trace) and not len(left.trace):
        left = _instead(left, library.shipped("left", settings.text), settings.text)
    elif len(left.trace) and not len(right.trace):
        right = _instead(right, library.shipped("right", settings.text), settings.text)
    if not (len(left.trace) and len(right.trace)):  # both are drawn beside each other, or none
        left, right = (_nothing(name, one) for name, one in zip(sides, (left, right), strict=True))
    drawn = _drawn(left.model, settings), _drawn(right.model, settings)
    lost = "long" in st.query_params and settings.text == Settings().text
    return _with_units(Scene(settings, (left, right), drawn, lost=lost))


def _arriving() -> Mapping[str, Any]:
    """What the address says, or what a visitor of this language sees first; a text without models gets fitting ones."""
    said = Settings.home(st.query_params.to_dict(), current())
    given = st.query_params.keys() & {"left", "right"}
    st.session_state["models of home"] = not given
    if given or "text" not in st.query_params:
        return said
    homes = [Settings(), *(replace(Settings(), **home) for home in HOMES.values())]
    pair = unread.fitting(str(said.get("text", "")), [(home.left, home.right) for home in homes])
    return {**said, "left": pair[0], "right": pair[1]} if pair else said


def _moved(settings: Settings, said: Mapping[str, Any]) -> dict[str, str]:
    """The general models, where a Chinese home that nobody has chosen cannot read what was typed there."""
    home = HOMES.get(current(), {})
    pair = settings.left, settings.right
    if pair != (home.get("left"), home.get("right")) or said.get("picked") or settings.text == home.get("text"):
        return {}
    own = any(settings.text == text for _, text in examples(library.model(pair[0])))
    if own or not st.session_state.get("models of home"):
        return {}
    return unread.general([library.read(name, settings.text) for name in pair])


def _with_units(shown: Scene) -> Scene:
    """The scene with the units that decide; those that were shown before stay as long as they may."""
    kept = st.session_state.setdefault("deciding", {})
    units = []
    for side, (reading, drawn) in enumerate(zip(shown.readings, shown.drawn, strict=True)):
        place = side, reading.model.name, drawn
        cursor = shown.cursor(side)
        found = deciding_unit(reading.model, reading.trace, reading.predictions, cursor, *drawn, kept.get(place))
        kept[place] = found
        units.append(found)
    return replace(shown, units=(units[0], units[1]))


def same_step(first: Trace, other: Trace, step: int) -> int:
    """The step at which ``other`` has read as far into the text as ``first`` after ``step``; where one of them reads
    no text, the step of the same number."""
    if not first.tokens or not other.tokens:
        return min(step, max(0, len(other) - 1))
    return max(0, bisect_right([token.end for token in other.tokens], first.tokens[step].end) - 1)


def examples(model: Network) -> list[tuple[str, str]]:
    """Label and text of the sentences that the model's header proposes."""
    given = [one if isinstance(one, dict) else {"text": one} for one in model.meta.get("examples", [])]
    return [(tr(str(one.get("label", one["text"]))), str(one["text"])) for one in given if "text" in one]


def _instead(failed: cache.Reading, name: str, text: str) -> cache.Reading:
    """The reading of a model that can be drawn in the place of one that cannot, with the notes that say why."""
    note = say("{name} is shown in its place.", name=cache.models()[name])
    return replace(library.read(name, text), notes=(*failed.notes, note))


def _nothing(name: str, reading: cache.Reading) -> cache.Reading:
    """A reading of no steps, with the notes of ``reading``."""
    return replace(library.read(name, "", 0), found=0, notes=reading.notes)


def _drawn(model: Network, settings: Settings) -> Drawn:
    return Drawn(min(settings.layer, len(model.layers) - 1), min(settings.direction, len(model.layers[0]) - 1))
