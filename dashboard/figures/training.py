"""Health over a training: the lines that ``lstm_core.watch`` wrote, for the page "Health"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.watching.course import Layer

ROLES = ("keep", "write", "expose", "reset", "cell", "hidden")
DRAWN = 8
"""Lines of a panel, and characters of a signal's name."""
LARGEST = 1e30
"""What a float32 can be drawn at."""
NEVER = 1e6
"""Steps at which a memory that never fades is drawn."""


def title(one: Layer) -> str:
    """What to call a layer: its module, where the model has several, its number and direction."""
    parts = [p.short(one.name, 40)] * bool(one.name)
    parts.append(tr("layer {layer}", layer=one.layer))
    parts += [tr("backward")] * bool(one.direction)
    return p.row(parts)


def panels(one: Layer) -> list[dict[str, Any]]:
    """Of one layer: shares of its units, its timescales, and the gradient that reaches it."""
    return [_shares("training shares", one), _timescales("training timescales", one), _gradient("training dh", one)]


def _shares(id: str, one: Layer) -> dict[str, Any]:
    heading = tr("Dead and saturated units")
    names = [name for name in one.values if name == "dead" or name.startswith("saturated ")][:DRAWN]
    if not names:
        return p.panel(id, heading, text=_nothing())
    labels = [_label(name) for name in names]
    drawing = _lines(
        one, names, labels, yaxis=p.value_axis(tr("share of the units"), range=[-0.03, 1.03], **p.share_ticks())
    )
    ends = [tr("{name} {first}, then {last}", name=label, first=_percent(one.values[name][0]),
               last=_percent(one.values[name][-1])) for name, label in zip(names, labels, strict=True)]  # fmt: skip
    text = tr("At the first reading and at the last: {values}.", values=tr("; ").join(ends))
    note = tr("A dead unit does not move; a saturated one is at an end of its range at 95 % of the steps.")
    return p.panel(id, heading, drawing, text=text, note=note, alt=text)


def _percent(share: float) -> str:
    """Of a run that came to no number there is no share."""
    return tr("not a number") if np.isnan(share) else p.percent(share)


def _label(name: str) -> str:
    kind, _, signal = name.partition(" ")
    return tr("saturated {signal}", signal=p.escape(p.short(signal, DRAWN))) if kind == "saturated" else tr("dead")


def _timescales(id: str, one: Layer) -> dict[str, Any]:
    heading, names = (
        tr("How long it remembers"),
        [n for n in ("timescale median", "timescale longest") if n in one.values],
    )
    if not names:
        return p.panel(
            id, heading, text=tr("This cell rewrites its whole state at every step, so it has no timescale.")
        )
    labels = {"timescale median": tr("half of the units"), "timescale longest": tr("the longest")}
    drawing = _lines(one, names, [labels[name] for name in names], top=NEVER, yaxis=_log(tr("steps")))
    ends = [_steps(float(one.values[names[-1]][k])) for k in (0, -1)]
    text = tr("The longest memory: {first} at the first reading, {last} at the last.", first=ends[0], last=ends[1])
    return p.panel(id, heading, drawing, text=text, alt=text)


def _gradient(id: str, one: Layer) -> dict[str, Any]:
    heading, names = (
        tr("The gradient that reaches it"),
        [name for name in ("dh first", "dh last", "dh through time") if name in one.values],
    )
    if len(names) < 3:
        text = tr("Measured in the top layer, over sequences of several steps; there is none here.")
        return p.panel(id, heading, text=text, wide=True)
    labels = [tr("at the step read first"), tr("at the one read last"), tr("at the first, from later steps alone")]
    drawing = _lines(one, names, labels, yaxis=_log(tr("size of dL/dh")))
    share = float(one.values["dh through time"][-1]) / max(float(one.values["dh last"][-1]), 1e-30)
    text = tr(
        "At the last reading the step read first gets from later ones {share} of what the step read last gets.",
        share=p.minus(f"{share:.2g}"),
    )
    note = tr(
        "dL/dh is the whole derivative of the loss in h, through the recurrence as well. Where next to nothing comes "
        "from later steps, the gradient vanishes: what they need is not learned at the first. Where every step has a "
        "loss, most comes from the nearest ones, and little is said of those far away."
    )
    return p.panel(id, heading, drawing, text=text, note=note, alt=text, wide=True)


def _lines(
    one: Layer, names: Sequence[str], labels: Sequence[str], top: float | None = None, **axes: Any
) -> dict[str, Any]:
    drawn = []
    for k, (name, label) in enumerate(zip(names, labels, strict=True)):
        values = np.where(np.isposinf(one.values[name]), top if top is not None else np.nan, one.values[name])
        values = np.clip(values, -LARGEST, LARGEST)
        if axes["yaxis"].get("type") == "log":
            values = np.where(values > 0, values, np.nan)
        color = theme.role_color(ROLES[k % len(ROLES)], "light")
        style = {"dash": "solid" if k < len(ROLES) else "dot"}
        drawn.append(
            p.line(np.asarray(one.steps[name], np.float32), values, label, color, style=style, mode="lines+markers")
        )
    bottom = {"title": {"text": tr("steps of the training"), "standoff": 4}, "zeroline": False, "showgrid": False}
    return p.figure(drawn, xaxis=bottom, showlegend=True, margin={"l": 60, "b": 40}, **axes)


def _log(name: str) -> dict[str, Any]:
    return p.value_axis(name, type="log", exponentformat="power", dtick=1)


def _steps(value: float) -> str:
    return tr("it forgets nothing") if np.isinf(value) else tr("{value:.3g} steps", value=value)


def _nothing() -> str:
    return tr("The file holds no such reading.")
