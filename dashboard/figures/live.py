"""What one model does with a typed text: a unit over the words, and the next words it expects."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.content import named_units
from dashboard.figures.deciding import deciding_unit
from dashboard.language import tr
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.drawing.words import named, visible
from lstm_core.drawing.words import words as written
from lstm_core.equations import carry
from lstm_core.network import Network
from lstm_core.trace import Trace

OPEN = 0.9
"""Above it an output gate is said to be open."""
MOST = 8
"""Words that are named."""


def unit_lines(
    id: str,
    model: Network,
    trace: Trace,
    likeliest: tuple[np.ndarray, np.ndarray] | None,
    name: str = "",
    gate: str = "keep",
) -> dict[str, Any]:
    """The memory of a unit and a gate beside it at every word: the model's unit of that name, or else the one that
    decides what it expects after the text (``likeliest``: see ``deciding_unit``). gate: "expose", where the cell has
    such a gate; else the one that keeps."""
    last = len(model.layers) - 1
    one = next((one for one in named_units(model, last, 0) if name and one["name"] == tr(name)), None)
    chosen = one["unit"] if one else deciding_unit(model, trace, likeliest, len(trace) - 1, last)
    one = one or next((one for one in named_units(model, last, 0, trace) if one["unit"] == chosen), None)
    called = tr("{name} unit", name=one["name"]) if one else tr("unit {unit}", unit=chosen)
    rule = carry(trace.cell)
    state = rule.state if rule else trace.cell.output
    steps = np.arange(len(trace), dtype=np.float32)
    memory = trace.sel(state, layer=last, direction=0, batch=0, unit=chosen)
    lines = [p.line(steps, memory, tr("{state}, memory", state=state), theme.role_color("cell", "light"))]
    keep = trace.role("keep") if rule else None
    text = tr("{state} ends at {value}.", state=state, value=p.signed(float(memory[-1])))
    if gate == "expose" and (shown := trace.roles.get(gate)):
        values = trace.sel(shown, layer=last, direction=0, batch=0, unit=chosen)
        lines.append(p.line(steps, values, tr("{gate}, share shown", gate=shown), theme.role_color(gate, "light")))
        at = [p.read_at(trace, int(step)) for step in np.flatnonzero(values > OPEN)]
        if at:
            told = p.row([*at[:MOST], *["\N{HORIZONTAL ELLIPSIS}"] * (len(at) > MOST)])
            text = tr("{gate} is above {bound} at {words}.", gate=shown, bound=OPEN, words=told)
    elif keep is not None and rule is not None:
        values = np.broadcast_to(keep, trace.signals[state].shape)[last, 0, :, 0, chosen]
        label = rule.label("keep")
        lines.append(p.line(steps, values, tr("{gate}, share kept", gate=label), theme.role_color("keep", "light")))
        later = min(1, len(values) - 1)  # at the first step there is nothing to keep
        lowest = later + int(np.argmin(values[later:]))
        least = {"word": p.read_at(trace, lowest), "gate": label, "value": float(values[lowest])}
        text = p.sentences(tr("Least is kept at {word}: {gate} = {value:.2f}.", **least), text)
    drawn = p.figure(lines, xaxis=p.word_axis(trace), yaxis=p.value_axis(""), showlegend=True, meta={"pick": "x"})
    title = tr("{cell}: {unit}", cell=tr(trace.cell.title), unit=called)
    return p.panel(id, title, drawn, text=text, alt=tr("{title}. {said}", title=title, said=text), height=220)


def next_words(id: str, trace: Trace, predictions: list[tuple[str, float]], step: int) -> dict[str, Any]:
    """The likeliest next words after ``step`` as bars."""
    words = [p.escape(visible(word)) for word, _ in predictions]
    chances = [chance for _, chance in predictions]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": words,
        "x": chances,
        "text": [p.percent(chance) for chance in chances],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "none",
        "marker": {"color": theme.role_color("keep", "light")},
    }
    drawn = p.figure(
        [bars],
        xaxis={"range": [0, 1.12], **p.share_ticks(), "gridcolor": p.GRID, "zeroline": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "showgrid": False, "fixedrange": True, "ticklabelstandoff": 4},
        margin={"l": 84, "r": 40, "t": 6, "b": 30},
    )
    heard = next((word.text for word in written(trace) if word.last == step), named(trace, step))
    title = tr("{cell}: what comes after {word}", cell=tr(trace.cell.title), word=p.quoted(heard))
    said = p.row(f"{visible(word)} {p.percent(chance)}" for word, chance in predictions[:3])
    return p.panel(id, title, drawn, alt=tr("{title}: {said}", title=title, said=said), height=190)
