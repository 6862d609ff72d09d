"""A closer look at the recurrent networks of the page "Beyond", as the pages Gates, Memory, What if and Gradients
take it of any network that reads a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from dashboard import address
from dashboard.controls.kept import follows, kept_option, starts
from dashboard.figures import changes
from dashboard.figures import gradients as back
from dashboard.figures import memory as held
from dashboard.figures.signals import signals
from dashboard.figures.weight_gradient import over_time
from dashboard.language import mark, tr
from lstm_core.analysis import Force, flow, gradients, memory, retention, timescales
from lstm_core.analysis.intervene import forcing, parse
from lstm_core.beyond.running import Do
from lstm_core.drawing import panel as p
from lstm_core.drawing.words import as_sentence, named
from lstm_core.equations import carry
from lstm_core.trace import Trace

GATES, MEMORY, WHAT_IF, GRADIENTS = mark("Gates"), mark("Memory"), mark("What if"), mark("Gradients")
NUMBER, TURN, HOLD = "number", "flip", "hold"
WAYS = {NUMBER: mark("a number"), TURN: mark("turn it round"), HOLD: mark("hold it")}
ALL = MOST = -1
"""In the place of a unit: all of them, or the one that holds most. None would be no choice: its field were empty."""
LARGEST = 1e6
"""What a signal may be forced to, as on the page "What if"."""
Panels = list[dict[str, Any]]


@dataclass(frozen=True)
class Part:
    """One recurrent network of what is shown, in one direction.

    name: as its model calls it. title: as the page does; "" where it is the only one. step: the one that is chosen.
    error: of what the gradients are, as a sentence, and how that grows with what the network shows at ``step``,
    (direction * unit,) of all its directions; None where nothing follows any more.
    """

    name: str
    title: str
    trace: Trace
    step: int
    error: Callable[[], tuple[str, np.ndarray | None]]
    direction: int = 0

    @property
    def state(self) -> str:
        """What it carries on."""
        rule = carry(self.trace.cell)
        return rule.state if rule else self.trace.cell.output


Again = Callable[[dict[str, Do]], tuple[dict[str, Trace], Panels]]
"""The same with something done to the steps of a part: its traces by part, and panels of what came of it."""


def inside(own: Panels, parts: Sequence[Part], again: Again) -> Panels:
    """The choice of what is looked at, and its panels with the network's ``own``: what somebody chooses stands first,
    or the choice would seem to do nothing; the gates, which are there from the start, stand below."""
    look, closer = _closer(parts, again)
    return [*own, *closer] if look == GATES else [*closer, *own]


def _closer(parts: Sequence[Part], again: Again) -> tuple[str, Panels]:
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        look = kept_option("inside", tr("Look closer"), [GATES, MEMORY, WHAT_IF, GRADIENTS])
    if look == GATES:
        st.caption(
            tr(
                "A row is a unit, a column a step. The more a gate's colour stands out, the nearer it is to 1, open; "
                "all else is purple above 0 and orange below."
            )
        )
        return look, [
            one for part in parts for one in signals(part.name, part.trace, part.step, part.title, part.direction)
        ]
    with middle:
        part = _part(parts)
    if look == GRADIENTS:
        return look, _gradients(part)
    if look == WHAT_IF:
        return look, _what_if(part, again)
    with right:
        unit = _unit(part)
    return look, _memory(part, unit)


def _part(parts: Sequence[Part]) -> Part:
    """Which network, where there are several."""
    if len(parts) == 1:
        return parts[0]
    by_name = {part.name: part for part in parts}
    said = address.chosen("part")
    label, key = tr("Which network"), f"which of {', '.join(by_name)}"
    starts("part", key, said if said in by_name else parts[0].name)
    name = st.selectbox(label, list(by_name), format_func=lambda one: by_name[one].title, key=key)
    address.choose("part", None if name == parts[0].name else name)
    return by_name[name]


def _unit(part: Part) -> int:
    """At first the unit that holds most at the chosen step."""
    most = int(np.abs(part.trace.sel(part.state, layer=0, direction=part.direction, time=part.step, batch=0)).argmax())
    of = f"cell unit of {part.name}, {part.trace.hidden_size}"
    at = address.chosen("inside_unit")
    start = int(at) if at is not None and _number(at) and int(at) < part.trace.hidden_size else MOST

    def called(one: int) -> str:
        return tr("the one that holds most (unit {unit})", unit=most) if one == MOST else tr("unit {unit}", unit=one)

    starts("inside_unit", of, start)
    chosen = st.selectbox(tr("Unit"), [MOST, *range(part.trace.hidden_size)], format_func=called, key=of)
    address.choose("inside_unit", None if chosen == MOST else str(chosen))
    return most if chosen == MOST else chosen


def _number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 7


def _memory(part: Part, unit: int) -> Panels:
    trace, step, place = part.trace, part.step, {"layer": 0, "backward": bool(part.direction)}
    of, (wrote, kept, spans) = tr("unit {unit}", unit=unit), ("writers", "kept", "spans")
    return [
        held.writers(wrote, trace, memory(trace, step, unit=unit, **place), of),
        held.kept(kept, trace, retention(trace, unit, **place), step, of),
        held.spans(spans, trace, timescales(trace, **place), unit),
    ]


def _gradients(part: Part) -> Panels:
    trace, step, place = part.trace, part.step, {"layer": 0, "backward": bool(part.direction)}
    shown, title = trace.cell.output, part.title or tr(trace.cell.title)
    flows = {state: flow(trace, step, state, **place) for state in dict.fromkeys((part.state, shown))}
    ways = [
        back.Way(title, trace.cell.name, found, bool(part.direction), shown=state == shown)
        for state, found in flows.items()
    ]
    panels = [
        back.vanishing("vanishing", trace, ways, named(trace, step)),
        back.paths("paths", trace, flows[part.state]),
    ]
    of, error = part.error()
    if error is None:
        return [*panels, p.panel("gates", tr("{cell}: the error in each gate", cell=title), text=of)]
    found = gradients(trace, step, error)
    gates = back.by_gate("gates", trace, found, None, 0, part.direction)
    return [
        *panels,
        {**gates, "text": p.sentences(of, gates["text"])},
        over_time("weights", trace, found, 0, part.direction),
    ]


# ---- what if


def _what_if(part: Part, again: Again) -> Panels:
    force = _force(part)
    title = tr("What comes of it")
    try:
        traces, panels = again({part.name: forcing(part.trace.cell, [force], LONGEST)})
    except ValueError as error:
        return [p.panel("outcome", title, text=as_sentence(error))]
    count = min(len(part.trace), len(traces[part.name]))
    before, after = (
        one.sel(part.state, layer=0, direction=part.direction, batch=0)[:count]
        for one in (part.trace, traces[part.name])
    )
    unit = force.units[0] if force.units else int(np.abs(after - before).max(axis=0).argmax())
    of = {"cell": part.title or tr(part.trace.cell.title), "state": part.state}
    own, all_ = (
        tr("{cell}: {state} of {unit}", **of, unit=tr("unit {unit}", unit=unit)),
        tr("{cell}: difference of {state}", **of),
    )
    axis, names, less = (
        _read_at(part.trace, traces[part.name]),
        (tr("as it was"), tr("what if")),
        tr("What if minus as it was, unit by unit."),
    )
    return [
        *panels,
        changes.unit_lines("unit", own, axis, before[:, unit], after[:, unit], names),
        changes.difference_map("map", all_, axis, after - before, less, unit),
    ]


def _read_at(before: Trace, after: Trace) -> dict[str, Any]:
    """An axis of steps with what was read there in both runs, one below the other where it is not the same: a network
    that reads its own words goes on from others."""
    if not before.tokens or not after.tokens:
        return p.word_axis(before)
    runs = [[*(token.text for token in one.tokens), *["\N{EN DASH}"] * len(before)] for one in (before, after)]
    both = list(zip(*runs, strict=False))[: len(before)]
    return p.text_axis([(k, list(dict.fromkeys(texts))) for k, texts in enumerate(both)], len(before))


LONGEST = 1000
"""Steps that may be forced."""


def _force(part: Part) -> Force:
    """What is forced: at first the whole memory is 0 at the chosen step, or in the middle where that is the last, which
    nothing follows. It stands in the address as ``parse`` reads it."""
    trace, count, units = part.trace, len(part.trace), part.trace.hidden_size
    at = part.step if part.step < count - 1 else count // 2
    usual = Force(part.state, 0.0, None, at, at + 1)

    def said() -> Force:
        return _said(part) or usual

    def choose(**fields: Any) -> None:
        """One field of the last that was said is another: the others may have changed since the page was drawn."""
        force = replace(said(), **fields)
        if force.value == HOLD and trace.cell.signal(force.signal).kind != "state":
            force = replace(force, value=0.0)
        first, last = force.start or 0, (force.stop or count) - 1
        force = replace(force, start=first, stop=max(first, last) + 1)
        address.choose("force", None if force == usual else f"{part.name}:{force}")

    force = said()
    first, last = min(force.start or 0, count - 1), min((force.stop or count), count) - 1
    key = f"force {part.name} {count}"
    names = [one.name for one in trace.cell.signals]
    columns = st.columns([2, 2, 2, 2, 2, 2], vertical_alignment="bottom")
    with columns[0]:
        field = follows(f"{key} signal", force.signal, lambda one: choose(signal=one))
        st.selectbox(tr("Signal"), names, **field)
    ways = [NUMBER, TURN, *([HOLD] if trace.cell.signal(force.signal).kind == "state" else [])]
    way = force.value if isinstance(force.value, str) else NUMBER
    number = force.value if isinstance(force.value, float) else 0.0
    with columns[1]:
        field = follows(f"{key} how {len(ways)}", way, lambda one: choose(value=0.0 if one == NUMBER else one))
        st.selectbox(tr("Do"), ways, format_func=lambda one: tr(WAYS[one]), **field)
    with columns[2]:
        field = follows(f"{key} value", number, lambda one: choose(value=one))
        st.number_input(tr("Value"), -LARGEST, LARGEST, None, 0.1, disabled=way != NUMBER, **field)
    with columns[3]:
        unit = force.units[0] if force.units else ALL
        field = follows(f"{key} unit", unit, lambda one: choose(units=None if one == ALL else (one,)))
        st.selectbox(tr("Unit"), [ALL, *range(units)], format_func=_units, **field)
    steps = list(range(count))

    def numbered(step: int) -> str:
        return f"{step + 1}. {named(trace, step)}" if trace.tokens else str(step + 1)

    with columns[4]:
        field = follows(f"{key} from", first, lambda one: choose(start=one))
        st.selectbox(tr("From"), steps, format_func=numbered, **field)
    with columns[5]:
        field = follows(f"{key} to {first}", last, lambda one: choose(stop=one + 1))
        st.selectbox(tr("To"), steps[first:], format_func=numbered, **field)
    return force


def _units(unit: int) -> str:
    return tr("all units") if unit == ALL else tr("unit {unit}", unit=unit)


def _said(part: Part) -> Force | None:
    """What the address says to force, if it is about this part and there is all that it names."""
    name, _, text = (address.chosen("force") or "").partition(":")
    if name != part.name or len(text) > 100:
        return None
    try:
        force = parse(text)
    except ValueError:
        return None
    if not isinstance(force, Force) or force.signal not in {one.name for one in part.trace.cell.signals}:
        return None
    inside = 0 <= (force.start or 0) < len(part.trace) and (force.units or (0,))[-1] < part.trace.hidden_size
    held = force.value == HOLD and part.trace.cell.signal(force.signal).kind != "state"
    large = isinstance(force.value, float) and abs(force.value) > LARGEST
    return force if inside and not held and not large and len(force.units or (0,)) == 1 else None
