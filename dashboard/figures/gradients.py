"""The panels of the page "Gradients": how an error flows back through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.analysis import Flow, Gradients
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import named, places
from lstm_core.trace import Trace

BACK = 10
"""Steps back for which the models are compared in words."""
FLOOR = 1e-12
"""What is smaller is not drawn: it has no logarithm, or none that means something."""


def positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > FLOOR, values, np.nan)


def log_figure(axis: dict[str, Any], lines: Sequence[dict[str, Any]], title: str) -> dict[str, Any]:
    values = np.concatenate([np.asarray(line["y"]) for line in lines]) if lines else np.ones(1)
    low = np.floor(np.log10(max(float(np.nanmin(values, initial=1.0)), FLOOR)))
    high = np.ceil(np.log10(max(float(np.nanmax(values, initial=1.0)), 10 ** (low + 1))))
    return p.figure(
        lines,
        xaxis=axis,
        yaxis=p.value_axis(
            title,
            type="log",
            range=[low - 0.2, high + 0.2],
            exponentformat="power",
            dtick=max(1, round((high - low) / 5)),
        ),
        showlegend=True,
        margin={"l": 60, "t": 8},
        meta={"pick": "x"},
    )


@dataclass(frozen=True)
class Way:
    """How one model's state depends on the same state before, which is at later words if it ran backward; ``shown``
    where it is what the cell shows, not the memory that it carries on beside that; ``trace``, where another than the
    one that it is drawn over."""

    name: str
    cell: str
    flow: Flow
    backward: bool = False
    shown: bool = True
    trace: Trace | None = None

    @property
    def share(self) -> np.ndarray:
        """(time,), 1 at the step itself."""
        return self.flow.norm / self.flow.identity

    def back(self, steps: int) -> int | None:
        """The step that was taken so many steps before; None if there is none."""
        at = self.flow.step + steps if self.backward else self.flow.step - steps
        return at if 0 <= at < len(self.flow.norm) else None

    @property
    def first(self) -> int:
        return len(self.flow.norm) - 1 if self.backward else 0


def vanishing(id: str, trace: Trace, ways: Sequence[Way], word: str) -> dict[str, Any]:
    """How much of a state after ``word`` still depends on it at each earlier step: one line a state, 1 at the step
    itself, each point at the word that its model has read by then."""
    colors: dict[str, str] = {}
    lines, named_ways = [], []
    before: list[str] = []
    for way in ways:
        own = way.trace or trace
        at = places(trace, own)
        before = max(before, [named(own, step) for step, place in enumerate(at) if place < 0], key=len)
        color = colors.setdefault(way.name, theme.model_color(way.cell, taken=colors.values()))
        alone = sum(other.name == way.name for other in ways) == 1
        name = way.name if alone else tr("{cell} ({state})", cell=way.name, state=way.flow.state)
        named_ways.append((name, way))
        style = {"dash": "dash" if way.shown and not alone else "solid"}
        lines.append(p.line(np.array(at, np.float32), positive(way.share), name, color, style=style))
    said = []
    if any(way.back(BACK + 1) is not None for way in ways):  # else that is where it began
        factors = _factors([(name, way, way.back(BACK)) for name, way in named_ways])
        said.append(tr("{count} steps back it is smaller by a factor of: {factors}.", count=BACK, factors=factors))
    if len({way.backward for way in ways}) == 1:
        starts: dict[str, list[tuple[str, Way, int | None]]] = {}  # some read a sign before the first word
        for name, way in named_ways:
            if way.back(1) is not None:
                starts.setdefault(named(way.trace or trace, way.first), []).append((name, way, way.first))
        for start, begun in starts.items():
            told = {"word": p.quoted(start), "factors": _factors(begun)}
            said.append(
                tr("Where it began, at {word}, by: {factors}.", **told)
                if said
                else tr("Where it began, at {word}, it is smaller by a factor of: {factors}.", **told)
            )
    if all(way.back(1) is None for way in ways):
        said.append(tr("Nothing was read before: there is nothing to draw."))
    text = p.sentences(*said)
    title = tr("How the state after {word} depends on the states before", word=p.quoted(word))
    notes = [
        tr(
            "Drawn is how much a change of the state s at each step would change it at the end: the size of "
            "ds_T / ds_t (its Frobenius norm, the root of the sum of all squares), divided by its value at t = T. "
            "Where a line keeps falling, training on longer inputs would hardly learn anything from their beginning."
        )
    ]
    notes += [
        tr(
            "What the {cell} carries on, {state}, is drawn solid; what it shows of it passes through its gates at "
            "every step, and is dashed.",
            **{"cell": way.name, "state": way.flow.state},
        )
        for way in ways
        if not way.shown
    ]
    drawing = log_figure(p.word_axis(trace, before=before), lines, tr("size, the last being 1"))
    alt = tr("{title}. {said}", title=title, said=text)
    return p.panel(id, title, drawing, text=text, note=p.sentences(*notes), alt=alt, wide=True, height=280)


def _factors(places: Sequence[tuple[str, Way, int | None]]) -> str:
    """How many times smaller than at the end each line is at its place; some are larger there."""

    def told(line: str, share: float) -> str:
        if share <= FLOOR:
            return tr("{line}, nothing left", line=line)
        if share > 1:
            return tr("{line}, {times} times larger", line=line, times=p.rounded(share))
        return tr("{line} {times}", line=line, times=p.rounded(1 / share))

    return tr("; ").join(told(name, float(way.share[at])) for name, way, at in places if at is not None)


def paths(id: str, trace: Trace, flow: Flow) -> dict[str, Any]:
    """The direct path of the carried state beside the whole."""
    cell = tr(trace.cell.title)
    title = tr("{cell}: the direct path of {state}", cell=cell, state=flow.state)
    if flow.direct is None or flow.rest is None:
        text = tr(
            "The {cell} has no direct path: every step rewrites all of {state}.",
            **{"cell": cell, "state": flow.state},
        )
        return p.panel(id, title, text=text)
    at = np.arange(len(flow.norm))
    lines = [
        p.line(at, positive(values / flow.identity), name, color, style={"dash": dash})
        for values, name, color, dash in (
            (flow.norm, tr("whole"), theme.role_color("cell", "light"), "solid"),
            (flow.direct, tr("direct path alone"), theme.role_color("keep", "light"), "dash"),
            (flow.rest, tr("through gates and candidate"), theme.OTHER_COLOR, "dot"),
        )
    ]
    text = _beside_the_whole(trace, flow)
    drawing = log_figure(p.word_axis(trace), lines, tr("size of d{state}", state=flow.state))
    note = tr(
        "The direct path is the product of the keep gates; it and the rest add up to the whole as matrices. Their "
        "sizes do not, for one can take from the other what it gives."
    )
    return p.panel(id, title, drawing, text=text, note=note, alt=tr("{title}. {said}", title=title, said=text))


def _beside_the_whole(trace: Trace, flow: Flow) -> str:
    """How large the direct path alone is beside the whole, at the step that is farthest and still reached."""
    assert flow.direct is not None
    reached = [step for step in np.flatnonzero(flow.norm > FLOOR) if step != flow.step]
    if not reached:
        return ""
    far = int(max(reached, key=lambda step: abs(step - flow.step)))
    return tr(
        "Back at {word} the direct path alone is {times} times the size of the whole.",
        word=p.read_at(trace, far),
        times=p.rounded(float(flow.direct[far] / flow.norm[far])),
    )


def by_gate(id: str, trace: Trace, found: Gradients, word: str | None, layer: int, direction: int) -> dict[str, Any]:
    """The error in each gate's net input at every step, as a norm over units. ``word``: the one whose surprise it is
    of, if it is of one."""
    at = np.arange(len(trace))
    roles = {signal.name: signal.role for signal in trace.cell.signals}
    lines = [
        p.line(at, positive(found.norm(name, layer, direction)), f"\N{GREEK SMALL LETTER DELTA}{name}",
               theme.role_color(roles.get(name, ""), "light"))
        for name in found.deltas
    ]  # fmt: skip
    shown = [
        (found.norm(state, layer, direction), f"\N{GREEK SMALL LETTER DELTA}{state}", "cell", "solid")
        for state in trace.cell.states()
        if state == trace.cell.output
    ]
    handed = tr("handed to the layer below") if layer else tr("handed to the word")
    shown.append((np.linalg.norm(found.handed[layer], axis=-1), handed, "hidden", "dot"))
    lines += [
        p.line(at, positive(values), name, theme.role_color(role, "light"), style={"dash": dash, "width": 3})
        for values, name, role, dash in shown
    ]
    title = tr("{cell}: the error in each gate", cell=tr(trace.cell.title))
    last = {name: found.norm(name, layer, direction) for name in found.deltas}
    peak = max(last, key=lambda name: float(last[name].max(initial=0.0)))
    where = int(np.argmax(last[peak]))
    said = {"gate": peak, "place": p.read_at(trace, where)}
    text = (
        tr(
            "The error is largest in {gate} at {place}: there a small change of its net input would matter most.",
            **said,
        )
        if word is None
        else tr(
            "If the next word is {word}, the error is largest in {gate} at {place}: there a small change of its net "
            "input would matter most.",
            **{"word": p.quoted(word), **said},
        )
    )
    drawing = log_figure(p.word_axis(trace), lines, tr("size of the error"))
    said = p.sentences(text, tr("Its size there is {value:.2g}.", value=float(last[peak][where])))
    return p.panel(id, title, drawing, text=text, alt=tr("{title}. {said}", title=title, said=said))
