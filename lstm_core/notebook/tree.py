"""What a notebook's grid is drawn from: one sequence as the page draws it, with as many units as there is room for.

A figure may weigh 300 kB. Of a long sequence fewer units have a row, and numbers are kept to three digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.attention import ALPHA
from lstm_core.drawing.content import content
from lstm_core.drawing.drawn import ALL, COUNT, LEAD, drawn_units
from lstm_core.drawing.expected import next_words
from lstm_core.drawing.grid import LONGEST as LONGEST_ATTENTION
from lstm_core.drawing.grid import roles_of
from lstm_core.drawing.order import SMALL, memory, moved, width
from lstm_core.network import Network
from lstm_core.notebook.packing import packed
from lstm_core.say import say
from lstm_core.trace import Trace

VALUES = 140_000
"""Numbers in the heat maps of a figure, at most: less than two bytes each, when they are compressed."""
FRAME = 80_000
"""The same for a figure that carries its modules, in letters."""
BYTES = {VALUES: 240_000, FRAME: 130_000}
"""What so many numbers may take; where they are smaller there are more of them, ``MORE`` times as many at most."""
MORE = 4
LONGEST = 4_000
"""Steps that are drawn."""
FEWEST = 2
"""Units that have a row, at least."""
BAND = 4
"""Rows of the band that sums up the others."""
ROOMY = 16
"""Where there is room for fewer rows, there is none for a band."""
NEXT, MANY = (5, 2), 1000
"""So many of the likeliest next words; of more steps than that so many."""
HEIGHT = 620
"""Pixels that the grid takes where its rows do not need more."""


@dataclass(frozen=True)
class Shown:
    """One column: the sequence alone, which layer and direction of it, and of how many ``steps`` these are the first.

    network: what ran, if that is known. likeliest: the next words that it reads out, see ``Network.likeliest``.
    """

    trace: Trace
    layer: int
    direction: int
    steps: int
    network: Network | None
    likeliest: tuple[np.ndarray, np.ndarray] | None


def shown(trace: Trace, signals: Sequence[str] | None, layer: int, direction: int, batch: int) -> Shown:
    """Raises ValueError for a signal, layer, direction or sequence that the trace does not have."""
    for name in signals or list(trace)[:1]:
        trace.sel(name, layer=0 if name == "alpha" else layer, direction=direction, batch=batch)
    layers, directions, *_ = trace.shape
    whole = trace.sequence(batch)
    one = _first(whole, LONGEST)
    network = one.network if isinstance(one.network, Network) else None
    return Shown(one, layer % layers, direction % directions, len(whole), network, _likeliest(network, one))


def can_draw(one: Shown) -> bool:
    """Whether there is something to draw: steps, and the memory, by which units are told apart."""
    return len(one.trace) > 0 and memory(one.trace) in one.trace.signals


def check(what: str, number: int, count: int, least: int = 0) -> None:
    """Raises ValueError for a "step" or a "unit" that there is not."""
    if not least <= number < count:
        told = {"number": number, "count": count, "last": count - 1}
        if what == "step":
            raise ValueError(say("there is no step {number}; there are {count} (0 to {last})", **told))
        raise ValueError(say("there is no unit {number}; there are {count} (0 to {last})", **told))


class Grid:
    """The figure of one trace, or of two beside each other, as a tree for ``pack``."""

    def __init__(
        self, sides: Sequence[Shown], signals: Sequence[str] | None, unit: int | None, values: int = VALUES
    ) -> None:
        """signals: which have rows, all by default. unit: the chosen one of the left side. values: see ``VALUES``."""
        self.sides, self.signals, self.values = sides, signals, values
        rooms = [self._room(one) for one in sides]
        self.sums = min(rooms) >= ROOMY
        self.counts = [width(one.trace) for one in sides]
        self.units = [_first_unit(one) if unit is None or k else unit for k, one in enumerate(sides)]
        self.rows = [self._rows(one, at) for one, at in zip(sides, self.units, strict=True)]

    def framed(self) -> Grid:
        """The same, small enough for a frame."""
        return Grid(self.sides, self.signals, self.units[0], FRAME).filled()

    def filled(self) -> Grid:
        """The same with as many rows as there is room for when they are compressed."""
        most = Grid(self.sides, self.signals, self.units[0], MORE * self.values)
        if most._drawn == self._drawn:  # all that this trace can have: nothing needs to be compressed to know it
            return self
        allowed = BYTES[self.values]
        times = min(MORE, allowed / max(1, len(packed(self, self.steps - 1))))
        more = Grid(self.sides, self.signals, self.units[0], int(times * self.values)) if times > 1.2 else self
        fits = more is not self and len(packed(more, self.steps - 1)) <= allowed * 1.1
        return more if fits else self

    @property
    def _drawn(self) -> tuple[bool, list[int]]:
        """Whether it has sums, and the rows of each side."""
        return self.sums, [len(units) for units, _ in self.rows]

    @property
    def steps(self) -> int:
        """How many steps the cursor has to stand on: those of the left side."""
        return len(self.sides[0].trace)

    def has(self, side: int, unit: int) -> bool:
        """Whether a unit has a row."""
        return unit in self.rows[side][0]

    def choose(self, side: int, unit: int) -> None:
        """Choose a unit, which is given a row if it has none."""
        self.units[side] = unit
        if not self.has(side, unit):
            self.rows[side] = self._rows(self.sides[side], unit)

    def tree(self, step: int) -> dict[str, Any]:
        """What the figure is drawn from, with its cursor at ``step``."""
        sides = self.sides
        words = [
            next_words(one.network, one.trace, one.likeliest)
            if one.network and one.likeliest
            else [[] for _ in range(len(one.trace))]
            for one in sides
        ]
        found = content(
            [one.network for one in sides],
            [one.trace for one in sides],
            words,
            self.units,
            [(one.layer, one.direction) for one in sides],
            [_named(one) for one in sides],
            self.rows,
            self.sums,
        )
        for side in found["sides"]:
            side["next"]["why"] = ""
        if self.signals is not None:
            _keep(found["figure"], set(self.signals), [memory(one.trace) for one in sides])
        settings = {"at": step, "unit": None, "unit2": None, "sort": "index", "only": None}
        said = {"settings": settings, "show": ALL, "count": COUNT, "room": HEIGHT, "of": None}
        text = " ".join(word for word, *_ in found["sides"][0]["words"])
        return {**found, **said, "text": text, "notices": [*found["cut"], *self._notes()]}

    def _rows(self, one: Shown, unit: int) -> tuple[np.ndarray, str]:
        """The units that have a row, and by what they were chosen."""
        always = [unit, *(named["unit"] for named in _named(one))]
        ids = None if one.likeliest is None else one.likeliest[0]
        room = max(FEWEST, self._room(one) - BAND * self.sums)
        count = width(one.trace)
        if count <= min(SMALL, room):
            return np.arange(count, dtype=np.int32), ALL
        if count > SMALL and one.network is not None:
            units, by = drawn_units(
                one.network, one.trace, ids, len(one.trace) - 1, one.layer, one.direction, LEAD, always
            )
            if len(units) <= room:
                return units, by
        far = np.nan_to_num(moved(one.trace, one.layer, one.direction).astype(float))
        far[[unit for unit in always if unit < count][: max(1, room // 2)]] = np.inf
        most = np.argsort(-far, kind="stable")[: min(room, COUNT)]
        return np.sort(most).astype(np.int32), "moved"

    def _room(self, one: Shown) -> int:
        """How many rows a panel of a side has room for."""
        steps, panels = len(one.trace), len(roles_of(one.trace)) if self.signals is None else len(self.signals) + 1
        values = self.values // len(self.sides) - (0 if one.likeliest is None else 2 * one.likeliest[0].size)
        if ALPHA.name in one.trace and steps <= LONGEST_ATTENTION:
            values, panels = values - steps * steps, panels - 1
        return values // (max(1, panels) * max(1, steps))

    def _notes(self) -> list[str]:
        return [
            say("the first {shown:,} of {count:,} steps", shown=len(one.trace), count=one.steps)
            for one in self.sides
            if one.steps > len(one.trace)
        ]


def _first(trace: Trace, count: int) -> Trace:
    """The first steps of a trace of one sequence."""
    if len(trace) <= count:
        return trace
    signals = {name: value[:, :, :count] for name, value in trace.signals.items()}
    if ALPHA.name in signals:  # its units are steps
        signals[ALPHA.name] = signals[ALPHA.name][..., :count]
    return replace(trace, signals=signals, inputs=trace.inputs[:count], tokens=trace.tokens[:count], lengths=None)


def _likeliest(network: Network | None, trace: Trace) -> tuple[np.ndarray, np.ndarray] | None:
    """Ids of the likeliest next words and their probabilities; None where none are read out."""
    if network is None or network.readout is None or not network.reads_words or not len(trace):
        return None
    try:
        return network.likeliest(trace, NEXT[len(trace) > MANY])
    except (KeyError, ValueError):  # signals that were not kept
        return None


def _named(one: Shown) -> list[dict[str, Any]]:
    """The units that the model's header names in what is drawn. What they hold is told on the page."""
    units = one.network.meta.get("units", {}) if one.network is not None else {}
    found = []
    for name, unit in units.items():
        if unit.get("layer", 0) == one.layer and unit.get("direction", 0) == one.direction:
            meaning = str(unit.get("meaning", ""))
            ends = {"side": np.zeros(len(one.trace), np.int32), "high": "", "low": ""}
            found.append({"name": name, "unit": int(unit["unit"]), "meaning": meaning, **ends})
    return found


def _first_unit(one: Shown) -> int:
    """The unit to begin with: one that has a name, or else the one whose memory moved most."""
    named = _named(one)
    if named:
        return named[0]["unit"]
    return int(np.argmax(np.nan_to_num(moved(one.trace, one.layer, one.direction)))) if len(one.trace) else 0


def _keep(figure: dict[str, Any], names: set[str], remembers: Sequence[str]) -> None:
    """Leave the rows and the lines of these signals alone, a gate's also where it stands as "1 - z". The memory of each
    side stays among the numbers: what is said of a unit is read off it."""
    meta = figure["layout"]["meta"]

    def wanted(label: str | None) -> bool:
        return bool(names & set((label or "").replace("-", " ").split()))

    rows = {panel["row"] for panel in meta["panels"] if panel["kind"] == "panel" and wanted(panel["signal"])}
    drawn = [one["meta"] for one in figure["data"] if one["type"] == "scatter"]
    lines = {one["strip"] for one in drawn if wanted(one["signal"])}
    for panel in meta["panels"]:
        if panel["kind"] == "strip":
            panel["signals"] = [signal for signal in panel["signals"] if wanted(signal)]
    meta["rows"] = [row for row in meta["rows"] if row in rows or row in lines]
    meta["strips"] = [row for row in meta["strips"] if row in lines]
    meta["panels"] = [panel for panel in meta["panels"] if panel["row"] in meta["rows"]]
    figure["data"] = [
        one
        for one in figure["data"]
        if wanted(one["meta"]["signal"])
        or (one["type"] == "heatmap" and one["meta"]["signal"] == remembers[one["meta"]["side"]])
    ]
