"""The panels of the page "Gradients": how an error flows back through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dashboard import theme
from dashboard.figures import panel as p
from dashboard.figures.words import named
from dashboard.language import tr
from lstm_core.analysis import Flow, Gradients
from lstm_core.trace import Trace

COLORS = [theme.role_color(role, "light") for role in ("write", "keep", "expose", "reset")]
FLOOR = 1e-12
"""What is smaller is not drawn: it has no logarithm, or none that means something."""


def positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > FLOOR, values, np.nan)


def log_figure(trace: Trace, lines: Sequence[dict[str, Any]], title: str) -> dict[str, Any]:
    values = np.concatenate([np.asarray(line["y"]) for line in lines]) if lines else np.ones(1)
    low = np.floor(np.log10(max(float(np.nanmin(values, initial=1.0)), FLOOR)))
    high = np.ceil(np.log10(max(float(np.nanmax(values, initial=1.0)), 10 ** (low + 1))))
    return p.figure(
        lines,
        xaxis=p.word_axis(trace),
        yaxis=p.value_axis(
            title,
            type="log",
            range=[low - 0.2, high + 0.2],
            exponentformat="power",
            dtick=max(1, round((high - low) / 5)),
        ),
        showlegend=True,
        margin={"l": 60, "r": 12, "t": 8, "b": 62},
        meta={"pick": "x"},
    )


def vanishing(id: str, trace: Trace, flows: Mapping[str, Flow], word: str) -> dict[str, Any]:
    """How much of h after ``word`` still depends on h at each earlier step: one line a model, 1 at the step itself."""
    lines = []
    slopes = []
    for k, (name, flow) in enumerate(flows.items()):
        share = positive(flow.norm / flow.identity)
        lines.append(p.line(np.arange(len(share)), share, name, COLORS[k % len(COLORS)]))
        if flow.step and share[0] > 0:
            factor = share[0] ** (1 / flow.step)
            slopes.append(tr("{cell} \N{MULTIPLICATION SIGN} {factor:.2f} a step", cell=name, factor=factor))
    said = tr("; ").join(slopes)
    text = tr("Mean factor a step, from the first word to this one: {factors}.", factors=said) if slopes else ""
    title = tr("How h after {word} depends on h before", word=p.quoted(word))
    note = tr(
        "Frobenius norm of dh_T / dh_t, divided by its value at t = T. Where a line falls steeply, a longer text would "
        "teach the network nothing about its beginning."
    )
    drawing = log_figure(trace, lines, tr("norm, relative"))
    alt = tr("{title}. {said}", title=title, said=text)
    return p.panel(id, title, drawing, text=text, note=note, alt=alt, wide=True, height=280)


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
    shares = np.delete(flow.direct / np.maximum(flow.direct + flow.rest, FLOOR), flow.step)[
        positive(np.delete(flow.norm, flow.step)) > 0
    ]
    text = ""
    if len(shares):
        text = tr(
            "On average {share:.0f} % of what flows back goes by the product of the keep gates.",
            share=100 * shares.mean(),
        )
    drawing = log_figure(trace, lines, tr("norm of d{state}", state=flow.state))
    return p.panel(id, title, drawing, text=text, alt=tr("{title}. {said}", title=title, said=text))


def by_gate(id: str, trace: Trace, found: Gradients, word: str, layer: int, direction: int) -> dict[str, Any]:
    """The error in each gate's net input at every step, as a norm over units."""
    at = np.arange(len(trace))
    roles = {signal.name: signal.role for signal in trace.cell.signals}
    lines = [
        p.line(at, positive(found.norm(name, layer, direction)), f"\N{GREEK SMALL LETTER DELTA}{name}",
               theme.role_color(roles.get(name, ""), "light"))
        for name in found.deltas
    ]  # fmt: skip
    title = tr("{cell}: the error in each gate", cell=tr(trace.cell.title))
    last = {name: found.norm(name, layer, direction) for name in found.deltas}
    peak = max(last, key=lambda name: float(last[name].max(initial=0.0)))
    where = int(np.argmax(last[peak]))
    text = tr(
        "If the next word is {word}: most is asked of {gate}, at {place}.",
        **{"word": p.quoted(word), "gate": peak, "place": p.quoted(named(trace, where))},
    )
    drawing = log_figure(trace, lines, tr("norm of the error"))
    said = p.sentences(text, tr("Its norm there is {value:.2g}.", value=float(last[peak][where])))
    return p.panel(id, title, drawing, text=text, alt=tr("{title}. {said}", title=title, said=said))
