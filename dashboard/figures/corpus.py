"""What the page "Corpus" draws of a survey: a row a unit, a unit's histograms, what it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dashboard.language import mark, tr
from lstm_core.cells.base import Cell
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.equations import carry, remembering

Columns = Mapping[str, np.ndarray]

PROPERTIES = {
    "inside_quotes": mark("inside quotes"),
    "inside_brackets": mark("inside brackets"),
    "digit": mark("digits of a number"),
    "part_of_word": mark("middle of a word"),
    "position": mark("position in the text"),
}
TAKES_MEMORY = ("inside_quotes", "inside_brackets")
LEAST = 0.2
"""How strongly a unit follows what it is said to follow: beyond any unit with moved labels, and an AUC of 0.6."""
BARS = 60


@dataclass(frozen=True)
class Following:
    """How a signal of a unit follows a property. score: the AUC, or Pearson's r where the property is a number
    (``counts``); moved: the best that any unit does with the labels moved, as far on the same side of ``middle``.
    untrained: the same of the best unit of a network that was not trained; None where that was not measured."""

    what: str
    signal: str
    score: float
    moved: float
    counts: bool
    untrained: float | None = None

    @property
    def middle(self) -> float:
        return 0.0 if self.counts else 0.5

    @property
    def strength(self) -> float:
        """From 0, not at all, to 1."""
        return abs(self.score - self.middle) / (1 - self.middle)

    @property
    def chance(self) -> float:
        return abs(self.moved - self.middle) / (1 - self.middle)

    @property
    def blank(self) -> float | None:
        """The strength of the best unit that was not trained."""
        return None if self.untrained is None else abs(self.untrained - self.middle) / (1 - self.middle)


@dataclass(frozen=True)
class Unit:
    """A row of the map. keep: the mean of what is kept a step, and stuck the share of steps in which that is in an
    outermost tenth; NaN without such a gate. timescale: steps. following: by strength beyond chance, most first."""

    layer: int
    direction: int
    unit: int
    keep: float
    stuck: float
    timescale: float
    dead: bool
    following: tuple[Following, ...]

    @property
    def place(self) -> str:
        """As it stands in an address: "17", or "1.0.17" beyond the first layer and direction."""
        return f"{self.layer}.{self.direction}.{self.unit}" if self.layer or self.direction else str(self.unit)

    @cached_property
    def best(self) -> Following | None:
        """What it is said to follow."""
        first = next(iter(self.following), None)
        return first if first and first.strength >= LEAST and first.strength > first.chance else None

    @property
    def name(self) -> str:
        parts = [tr("layer {layer}", layer=self.layer)] * bool(self.layer)
        parts += [tr("backward")] * bool(self.direction)
        return p.row([*parts, tr("unit {unit}", unit=self.unit)])

    def label(self) -> str:
        """Its name, and what it follows."""
        if self.best is None:
            return self.name
        return tr("{name}: {what} ({signal})", name=self.name, what=what(self.best), signal=self.best.signal)

    def says(self) -> str:
        """Everything that a filter looks in, in the language in use and in English."""
        said = [self.place, self.name, *["dead", tr("dead")] * self.dead]
        said += ["saturated", tr("saturated")] * bool(self.stuck >= 0.95)
        if self.best:
            said += [self.best.what.replace("_", " "), PROPERTIES[self.best.what], what(self.best), self.best.signal]
        return " ".join(said).casefold()


def what(following: Following) -> str:
    return tr(PROPERTIES.get(following.what, following.what))


def units(
    columns: Columns, followed: Mapping[str, Columns], cell: type[Cell], untrained: Mapping[str, float] | None = None
) -> list[Unit]:
    """Every unit of a survey's main module, those that follow something most clearly first.

    columns: ``Survey.units()``. followed: by property the columns of ``Survey.follows``. untrained: by property how far
    the best unit of a network that was not trained is from the middle, where that was measured.
    """
    state, *gates = remembering(cell)

    def by_place(table: Columns, signal: str) -> dict[tuple[int, int, int], int]:
        rows = np.flatnonzero((table["module"] == "") & (table["signal"] == signal)).tolist()
        return {(int(table["layer"][k]), int(table["direction"][k]), int(table["unit"][k])): k for k in rows}

    following: dict[tuple[int, int, int], list[Following]] = {}
    for name, table in followed.items():
        counts = bool(np.isnan(table["auc"]).all())
        measure, middle = ("correlation", 0.0) if counts else ("auc", 0.5)
        moved = float(np.nanmax(np.abs(table[f"shuffled_{measure}"] - middle), initial=0.0))
        blank = (untrained or {}).get(name)
        for signal in (state, *gates):
            for place, row in by_place(table, signal).items():
                score = float(table[measure][row])
                if not np.isnan(score):
                    side = 1 if score >= middle else -1
                    other = None if blank is None else middle + blank * side
                    found_here = Following(name, signal, score, middle + moved * side, counts, other)
                    following.setdefault(place, []).append(found_here)
    states, kept = by_place(columns, state), by_place(columns, gates[0]) if gates else {}
    rule, found = None if cell.by_values else carry(cell), []
    for place, row in states.items():
        keep = stuck = np.nan
        if place in kept and rule is not None:
            gate = kept[place]
            means = {gates[0]: float(columns["mean"][gate])}
            keep = float(rule.evaluate("keep", means)) if len(gates) == 1 and not rule.needs("keep") else np.nan
            stuck = float(columns["above"][gate] + columns["below"][gate])
        ranked = sorted(following.get(place, ()), key=lambda one: one.chance - one.strength)
        timescale, dead = float(columns["timescale"][row]), bool(columns["dead"][row])
        found.append(Unit(*place, keep, stuck, timescale, dead, tuple(ranked)))
    return sorted(found, key=_order)


def _order(one: Unit) -> tuple[int, float]:
    """What takes a memory comes before what a token shows by itself, and that before the position, which many count."""
    if one.best is None:
        return 3, 0.0
    return (0 if one.best.what in TAKES_MEMORY else 1 + one.best.counts), one.best.chance - one.best.strength


def matching(found: Sequence[Unit], asked: str) -> list[Unit]:
    """The units of which every word of ``asked`` is said."""
    words = asked.casefold().split()
    return [one for one in found if all(word in one.says() for word in words)]


def table(found: Sequence[Unit]) -> dict[str, list[Any]]:
    """The map, by column."""
    best = [one.best for one in found]
    several = any(one.layer or one.direction for one in found)
    return {
        tr("unit"): [one.name if several else str(one.unit) for one in found],
        tr("follows"): [f"{what(one)} ({one.signal})" if one else "" for one in best],
        tr("score"): [round(one.score, 3) if one else None for one in best],
        tr("moved"): [round(one.moved, 3) if one else None for one in best],
        tr("kept"): [number(one.keep, 3) for one in found],
        tr("saturated"): [number(one.stuck, 3) for one in found],
        tr("timescale"): [number(one.timescale, 1) for one in found],
    }


def number(value: float, digits: int) -> float | None:
    """Empty where there is none."""
    return None if np.isnan(value) else round(value, digits)


def histogram(id: str, title: str, signal: str, bins: Columns, low: float, high: float, role: str) -> dict[str, Any]:
    """Over all steps, how often a signal of a unit has which value. bins: ``Survey.histogram``; low, high: its ends."""
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BARS + 1)
    share = rebinned(bins, edges)
    centres = (edges[1:] + edges[:-1]) / 2
    bars = {
        "type": "bar",
        "x": np.asarray(centres, np.float32),
        "y": np.asarray(share, np.float32),
        "marker": {"color": theme.role_color(role, "light")},
        "hovertemplate": tr("{signal} near {value}: {share} of the steps", signal=signal, value="%{x:.2f}",
                            share="%{customdata}") + "<extra></extra>",
        "customdata": [tr("{share:.1f} %", share=100 * one) for one in share.tolist()],
    }  # fmt: skip
    drawn = p.figure(
        [bars],
        bargap=0.04,
        xaxis={"title": {"text": signal, "standoff": 4}, "showgrid": False, "zeroline": False},
        yaxis=p.value_axis(tr("share of the steps"), **p.share_ticks(float(share.max(initial=0))), rangemode="tozero"),
        margin={"b": 40},
    )
    most = int(np.argmax(share))
    said = tr(
        "Between {low:.2f} and {high:.2f}; most often near {value:.2f}, in {share} of the steps.",
        low=low,
        high=high,
        value=float(centres[most]),
        share=p.percent(float(share[most])),
    )
    return p.panel(id, title, drawn, text=p.minus(said), alt=tr("{title}. {said}", title=title, said=said), height=200)


def rebinned(bins: Columns, edges: np.ndarray) -> np.ndarray:
    """(bar,): the share of the steps between each two ``edges``, a bin's steps spread evenly over it."""
    ends = np.stack([bins["low"], bins["high"]], axis=1).clip(edges[0], edges[-1]).reshape(-1)
    below = np.concatenate([[0], np.cumsum(bins["count"])])
    shares = np.stack([below[:-1], below[1:]], axis=1).reshape(-1) / max(below[-1], 1)
    return np.diff(np.interp(edges, ends, shares, left=0.0, right=1.0))


def follows(id: str, title: str, one: Unit) -> dict[str, Any]:
    """How strongly a unit follows each property, beside the best of all units with moved labels."""
    names = [name for name in PROPERTIES if any(found.what == name for found in one.following)]
    signals = list(dict.fromkeys(found.signal for found in sorted(one.following, key=lambda found: found.signal)))
    at = {(found.what, found.signal): found for found in one.following}
    labels = [tr(PROPERTIES[name]) for name in names]
    bars = []
    for k, signal in enumerate(signals):
        here = [at.get((name, signal)) for name in names]
        bars.append({
            "type": "bar", "orientation": "h", "name": signal, "y": labels,
            "x": np.array([found.strength if found else 0 for found in here], np.float32),
            "marker": {"color": theme.role_color(("cell", "keep", "write")[k % 3], "light")},
            "hovertext": [p.escape(told(found)) if found else "" for found in here], "hoverinfo": "text",
        })  # fmt: skip
    chance = [max(found.chance for found in one.following if found.what == name) for name in names]
    bars.append({
        "type": "scatter", "mode": "markers", "name": tr("best unit with moved labels"), "y": labels,
        "x": np.array(chance, np.float32), "hoverinfo": "name+x",
        "marker": {"symbol": "line-ns-open", "size": 16, "color": theme.OTHER_COLOR, "line": {"width": 2}},
    })  # fmt: skip
    blank = [next(found.blank for found in one.following if found.what == name) for name in names]
    if any(value is not None for value in blank):
        bars.append({
            "type": "scatter", "mode": "markers", "name": tr("best unit of an untrained network"), "y": labels,
            "x": np.array([np.nan if value is None else value for value in blank], np.float32), "hoverinfo": "name+x",
            "marker": {"symbol": "diamond-open", "size": 9, "color": p.NEGATIVE, "line": {"width": 2}},
        })  # fmt: skip
    drawn = p.figure(
        bars,
        barmode="group",
        xaxis={"range": [0, 1.03], "title": {"text": tr("how strongly"), "standoff": 4}, "gridcolor": p.GRID},
        yaxis={"autorange": "reversed", "showgrid": False, "fixedrange": True, "ticklabelstandoff": 6},
        showlegend=True,
        margin={"l": 130, "b": 40},
    )
    said = told(one.best) if one.best else tr("It follows none of these clearly.")
    note = tr(
        "0 is not at all, 1 is always: twice the distance of the AUC from 0.5, and of the position the size of the "
        "correlation r. Labels that are moved along the text say what chance does."
    )
    alt = tr("{title}. {said}", title=title, said=said)
    return p.panel(id, title, drawn, text=said, note=note, alt=alt, height=230)


def told(found: Following) -> str:
    """One unit and one property in a sentence."""
    values = {"signal": found.signal, "what": what(found)}
    values |= {name: p.minus(f"{getattr(found, name):.2f}") for name in ("score", "moved")}
    if found.counts and found.score >= 0:
        said = tr("{signal} rises with “{what}”: r = {score}.", **values)
    elif found.counts:
        said = tr("{signal} falls with “{what}”: r = {score}.", **values)
    elif found.score >= 0.5:
        said = tr("{signal} is higher at “{what}”: AUC {score}.", **values)
    else:
        said = tr("{signal} is lower at “{what}”: AUC {score}.", **values)
    said = p.sentences(said, tr("With the labels moved the best unit has {moved}.", **values))
    if found.untrained is None:
        return said
    blank = p.minus(f"{found.untrained:.2f}")
    return p.sentences(said, tr("In a network that was not trained the best has {value}.", value=blank))
