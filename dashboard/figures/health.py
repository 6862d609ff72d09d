"""The panels of the page "Health": each a finding about one layer in one direction, with the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard import theme
from dashboard.figures import panel as p
from dashboard.figures.memory import spans
from lstm_core.analysis import Health, timescales
from lstm_core.analysis.health import OPEN, STILL, WRITES
from lstm_core.trace import Trace

FLOOR = 1e-4
"""What is smaller is drawn here, on a logarithmic axis."""
NAMED = 8
"""Units that a sentence names; of more it says how many."""


def dead(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """How far each unit's output moved, most first."""
    order = np.argsort(-found.movement, kind="stable")
    dots = _dots(np.maximum(found.movement[order], FLOOR), order, "movement of h", "hidden")
    units = np.flatnonzero(found.dead)
    least = int(order[-1])
    text = (
        f"{len(units)} of {len(order)} units are dead: {_listed(units)}."
        if len(units)
        else f"All {len(order)} units move; the least is unit {least}, by {found.movement[least]:.2g}."
    )
    drawing = p.figure(
        [dots],
        xaxis=_unit_axis("units, most moved first"),
        yaxis=p.value_axis("largest less smallest h", type="log", range=[-4.2, 0.6], dtick=1, exponentformat="power"),
        shapes=[_line_at(STILL)],
        margin=MARGIN,
    )
    return p.panel(id, trace.cell.title, drawing, text=text, alt=text)


def saturated(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """By gate and unit, the share of steps at an end of the range: above zero the upper one, below it the lower one."""
    names = list(found.low)
    if not names:
        return p.panel(id, trace.cell.title, text=f"The {trace.cell.title} has no gate and no bounded output.")
    wide = max(len(found.low[name]) for name in names)
    z = np.full((len(names), wide), np.nan)
    for row, name in enumerate(names):
        low, high = found.low[name], found.high[name]
        z[row, : len(low)] = np.where(high >= low, high, -low)
    said = [f"{name} of {_listed(np.flatnonzero(units))}" for name, units in found.saturated.items() if units.any()]
    text = f"At one end nearly always: {'; '.join(said)}." if said else "No gate stays at one end."
    drawing = p.figure(
        [p.heatmap(z, "coloraxis2", hovertemplate="%{y} of unit %{x}: %{z:.2f}<extra></extra>", y=names)],
        xaxis={"title": {"text": "unit", "standoff": 4}, "nticks": 12, "zeroline": False, "showgrid": False},
        yaxis={"autorange": "reversed", "zeroline": False, "showgrid": False, "type": "category"},
        margin=MARGIN,
    )
    note = "Share of the steps at the upper end (one colour) or the lower end (the other)."
    return p.panel(id, trace.cell.title, drawing, height=200, text=text, note=note, alt=text)


def integrators(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """Each unit by the mean of what it keeps and of what it writes; integrators stand in the corner at the right."""
    flags, keep, write = found.integrator, found.keep, found.write
    if flags is None or keep is None or write is None:
        return p.panel(id, trace.cell.title, text=_no_memory(trace))
    units = np.arange(len(keep))
    dots = [
        {**_dots(write[flags == on], units[flags == on], "mean write", role), "x": keep[flags == on], "name": name}
        for on, name, role in ((False, "others", "cell"), (True, "integrators", "write"))
    ]
    high = max(1.0, float(write.max(initial=0.0)))
    corner = {"type": "rect", "x0": OPEN, "x1": max(1.0, float(keep.max(initial=0.0))), "y0": WRITES, "y1": high}
    found_units = np.flatnonzero(flags)
    text = (
        f"{len(found_units)} of {len(units)} units add up what they read: {_listed(found_units)}."
        if len(found_units)
        else "No unit both keeps and goes on writing."
    )
    drawing = p.figure(
        dots,
        xaxis=p.value_axis(f"mean of {trace.role_label('keep')}", range=[-0.03, max(1.0, float(keep.max())) + 0.03]),
        yaxis=p.value_axis(f"mean of {trace.role_label('write')}", range=[-0.05, high + 0.05]),
        shapes=[{**corner, "line": {"width": 1, "dash": "dot", "color": theme.OTHER_COLOR}}],
        margin=MARGIN,
    )
    return p.panel(id, trace.cell.title, drawing, text=text, alt=text)


def timescale(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """The timescales of all units, as on the page "Memory"."""
    if found.timescale is None:
        return p.panel(id, trace.cell.title, text=_no_memory(trace))
    longest = int(np.argmax(found.timescale))
    said = timescales(trace, layer=found.layer, backward=bool(found.direction))
    part = spans(id, trace, said, longest)
    middle = float(np.median(found.timescale))
    text = f"Half of the units forget within {_steps(middle)}; the longest, unit {longest}, "
    text += "forgets nothing here." if np.isinf(found.timescale[longest]) else f"in {_steps(found.timescale[longest])}."
    return part | {"title": trace.cell.title, "text": text, "alt": text}


def biases(id: str, trace: Trace, found: Sequence[Health]) -> dict[str, Any]:
    """The sums that act, of every layer and direction: median, quartiles and ends over the units."""
    names = list(found[0].biases)
    if not names:
        return p.panel(id, trace.cell.title, text=f"The {trace.cell.title} has no bias.")
    places = [where(one, found) or "all units" for one in found]
    roles = {signal.name: signal.role for signal in trace.cell.signals}
    boxes = [_box(name, places, [one.biases[name] for one in found], roles.get(name[2:], "")) for name in names]
    text = ""
    if found[0].forget_bias is not None:
        means = [float(np.mean(one.forget_bias)) for one in found if one.forget_bias is not None]
        said = [
            f"{mean:+.2f}{f' ({place})' if len(found) > 1 else ''}" for mean, place in zip(means, places, strict=True)
        ]
        text = f"Forget bias, b_{trace.role_label('keep')}, on the average: {', '.join(said)}."
    drawing = p.figure(
        boxes,
        boxmode="group",
        xaxis={"type": "category", "showgrid": False, "zeroline": False},
        yaxis=p.value_axis("bias"),
        showlegend=True,
        margin=MARGIN,
    )
    return p.panel(id, trace.cell.title, drawing, text=text, alt=text or trace.cell.title)


def singular(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """The singular values of each recurrent matrix, largest first."""
    roles = {signal.name: signal.role for signal in trace.cell.signals}
    lines = [
        p.line(
            np.arange(len(values)),
            np.maximum(values, FLOOR),
            name,
            theme.role_color(roles.get(name[2:], ""), "light"),
        )
        for name, values in found.singular.items()
    ]
    if not lines:
        return p.panel(id, trace.cell.title, text=f"The {trace.cell.title} has no recurrent matrix.")
    most = max(float(values[0]) for values in found.singular.values())
    said = [f"{name} {values[0]:.2f}" for name, values in found.singular.items()]
    text = f"Largest: {', '.join(said)}."
    if found.radius is not None:
        text += f" Largest absolute eigenvalue of U_a: {found.radius:.2f}."
    low = min(float(np.log10(max(values[-1], FLOOR))) for values in found.singular.values())
    drawing = p.figure(
        lines,
        xaxis=_unit_axis("largest first"),
        yaxis=p.value_axis(
            "singular value",
            type="log",
            range=[min(low, -0.3) - 0.2, max(0.3, np.log10(max(most, FLOOR))) + 0.2],
            dtick=1,
            exponentformat="power",
        ),
        shapes=[_line_at(1.0)],
        showlegend=True,
        margin=MARGIN,
    )
    return p.panel(id, trace.cell.title, drawing, text=text, alt=text)


def where(one: Health, among: Sequence[Health]) -> str:
    """ "layer 1, backward"; only as much as tells it from the others."""
    parts = [f"layer {one.layer}"] if max(other.layer for other in among) else []
    if max(other.direction for other in among):
        parts.append("backward" if one.direction else "forward")
    return ", ".join(parts)


def summary(one: Health) -> str:
    """ "1 dead, 3 saturated, 0 integrators": of every layer and direction, also of those that are not drawn."""
    stuck = np.zeros(max((len(units) for units in one.saturated.values()), default=0), bool)
    for units in one.saturated.values():
        stuck[: len(units)] |= units
    counts = [f"{int(one.dead.sum())} dead", f"{int(stuck.sum())} saturated"]
    if one.integrator is not None:
        counts.append(f"{int(one.integrator.sum())} adding up")
    return ", ".join(counts)


MARGIN = {"l": 60, "r": 12, "t": 8, "b": 40}


def _box(name: str, places: Sequence[str], values: Sequence[np.ndarray], role: str) -> dict[str, Any]:
    ends = [np.percentile(value, (0, 25, 50, 75, 100)) for value in values]
    keys = ("lowerfence", "q1", "median", "q3", "upperfence")
    color = theme.role_color(role, "light")
    return {
        "type": "box",
        "name": name,
        "x": list(places),
        **{key: [float(end[k]) for end in ends] for k, key in enumerate(keys)},
        "line": {"color": color, "width": 1.5},
        "fillcolor": "rgba(0,0,0,0)",
        "hoverinfo": "y+name",
    }


def _dots(values: np.ndarray, units: np.ndarray, what: str, role: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(range(len(values))),
        "y": np.asarray(values, np.float32),
        "marker": {"color": theme.role_color(role, "light"), "size": 6},
        "hovertext": [f"unit {unit}: {what} {value:.3g}" for unit, value in zip(units, values, strict=True)],
        "hoverinfo": "text",
    }


def _unit_axis(title: str) -> dict[str, Any]:
    return {"title": {"text": title}, "showticklabels": False, "showgrid": False, "zeroline": False}


def _line_at(value: float) -> dict[str, Any]:
    line = {"width": 1, "dash": "dot", "color": theme.OTHER_COLOR}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": line}


def _listed(units: np.ndarray) -> str:
    """ "unit 3", "units 3 and 7", "units 0, 1, 2 and 9 more"."""
    names = [str(unit) for unit in units]
    if len(names) == 1:
        return f"unit {names[0]}"
    last = names.pop() if len(names) <= NAMED else f"{len(names) - NAMED} more"
    return f"units {', '.join(names[:NAMED])} and {last}"


def _steps(value: float) -> str:
    return "no time" if value < 0.05 else f"{value:.2g} steps" if value < 100 else f"{value:,.0f} steps"


def _no_memory(trace: Trace) -> str:
    return f"The {trace.cell.title} rewrites its whole state at every step, so nothing is kept and nothing added up."
