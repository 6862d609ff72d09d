"""What the page "Compare" draws: whether two models part, where, how the difference grows, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.comparing.result import Comparison
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import named
from lstm_core.trace import Trace

SMALLEST = 1e-10
"""Differences below it are drawn there: a logarithm has no 0."""


def verdict(id: str, trace: Trace, found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    """Whether they are equal, or the first place at which they are not. names: of A and B."""
    title = tr("A is {a}, B is {b}", a=names[0], b=names[1])
    if found.equal and found.beside:
        text = p.sentences(*map(tr, found.differing()))
    elif found.equal and not found.error:
        text = tr("They are equal: every gate and every state of every step is the same number in both.")
    elif found.equal:
        text = tr(
            "They are equal: no gate and no state of any step differs by more than {error}.",
            error=p.powered(found.error),
        )
    else:
        text = _parting(trace, found)
    return p.panel(id, title, text=text, wide=True)


def _parting(trace: Trace, found: Comparison) -> str:
    place = found.parting
    if place is None:
        return tr("They part.")
    if place.shapes is not None:
        return tr("They part: {place}.", place=str(place))
    told = {"signal": place.signal, "unit": place.unit, "a": p.minus(f"{place.a:.4g}"), "b": p.minus(f"{place.b:.4g}")}
    word = p.quoted(named(trace, place.step)) if place.step < len(trace) else ""
    told |= {"word": word, "step": place.step + 1, "layer": place.layer, "other": place.other}
    if place.signal == "x":
        text = tr("They part at {word} (step {step}): what layer {layer} reads is {a} in A and {b} in B.", **told)
    elif place.other and place.direction:
        text = tr(
            "They part at {word} (step {step}): {signal} of unit {unit} in layer {layer}, backward, is {a} in A, and "
            "{other}, which does the same in B, is {b}.",
            **told,
        )
    elif place.other:
        text = tr(
            "They part at {word} (step {step}): {signal} of unit {unit} in layer {layer} is {a} in A, and {other}, "
            "which does the same in B, is {b}.",
            **told,
        )
    elif place.direction:
        text = tr(
            "They part at {word} (step {step}): {signal} of unit {unit} in layer {layer}, backward, is {a} in A and "
            "{b} in B.",
            **told,
        )
    else:
        text = tr(
            "They part at {word} (step {step}): {signal} of unit {unit} in layer {layer} is {a} in A and {b} in B.",
            **told,
        )
    if found.cells is not None:
        cells = tr("The cell of A is the {a}, that of B the {b}.", a=tr(found.cells[0]), b=tr(found.cells[1]))
        text = p.sentences(cells, text)
    return text


def why(id: str, found: Comparison) -> dict[str, Any]:
    """The cause, if one is proved."""
    if found.equal:
        return p.panel(id, "")
    title = tr("Why, and the proof") if found.explained else tr("Why")
    said = p.sentences(*map(tr, [*found.why(), *found.differing()]))
    note = tr(
        "A cause is exchanged in one of the two, layer by layer, and both are run again: it is the cause if every gate "
        "of every step then agrees."
    )
    return p.panel(id, title, text=said, note=note, wide=True)


def growth(id: str, trace: Trace, found: Comparison) -> dict[str, Any]:
    """The largest difference of what the highest layer shows, at each step."""
    title = tr("How the difference grows")
    values = np.where(np.isfinite(found.growth), found.growth, np.nan)
    if not len(values) or np.isnan(values).all():
        return p.panel(id, title, text=tr("Their outputs are not of one shape."), wide=True)
    if not np.nanmax(values):
        return p.panel(id, title, text=tr("There is none at any step."), wide=True)
    steps = np.arange(len(values))
    line = p.line(steps, np.maximum(values, SMALLEST), tr("largest difference"), theme.role_color("write", "light"))
    top = float(max(np.nanmax(values), 1e-6))
    low = max(SMALLEST, min(float(np.nanmin(values)) / 10, top / 1e4))
    ends, every = [np.log10(low) - 0.3, np.log10(top) + 0.5], 1 if top / low < 1e6 else 2
    drawing = p.figure(
        [{**line, "mode": "lines+markers"}],
        xaxis=p.word_axis(trace) if len(trace) == len(values) else {"title": {"text": tr("step")}},
        yaxis=p.value_axis(
            tr("difference of h"), type="log", range=ends, dtick=every, exponentformat="power"
        ),
        shapes=[_at(found)] if found.parting and not found.parting.shapes else [],
    )  # fmt: skip
    worst = int(np.nanargmax(values))
    told = {"first": p.rounded(values[0]), "worst": p.rounded(values[worst]), "last": p.rounded(values[-1])}
    word = p.read_at(trace, worst) if worst < len(trace) else p.quoted(str(worst + 1))
    said = tr(
        "{first} at the first step, {worst} at most, at {word}, and {last} at the last.", **told, word=word
    )
    return p.panel(id, title, drawing, text=said, alt=tr("{title}. {said}", title=title, said=said), wide=True)


def _at(found: Comparison) -> dict[str, Any]:
    """A line at the step at which they part."""
    assert found.parting is not None
    at, line = found.parting.step, {"width": 1, "dash": "dot", "color": theme.OTHER_COLOR}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line}
