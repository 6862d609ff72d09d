"""The panels of the page "Health": each a finding about one layer in one direction, with the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.figures.memory import spans
from dashboard.language import tr
from lstm_core.analysis import Health, timescales
from lstm_core.analysis.health import OPEN, STILL, WRITES
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.trace import Trace

FLOOR = 1e-4
"""What is smaller is drawn here, on a logarithmic axis."""
NAMED = 8
"""Units that a sentence names; of more it says how many."""


def dead(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """How far each unit's output moved, most first."""
    title = tr(trace.cell.title)
    order = np.argsort(-found.movement, kind="stable")
    dots = _dots(np.maximum(found.movement[order], FLOOR), order, tr("movement of h"), "hidden")
    units = np.flatnonzero(found.dead)
    least = int(order[-1])
    if len(trace) < 2:
        text = tr("With a single step nothing can move.")
    elif len(units):
        said = {"count": len(units), "all": len(order), "units": _listed(units)}
        text = tr("{count} of {all} units did not move on this input: {units}.", **said)
    else:
        said = {"all": len(order), "unit": least, "by": found.movement[least]}
        text = tr("Every unit moves; the least is unit {unit}, by {by:.2g}.", **said)
    top = max(0.6, float(np.log10(max(found.movement.max(initial=1.0), 1.0))) + 0.3)  # some cells' h has no bounds
    drawing = p.figure(
        [dots],
        xaxis=_unit_axis(tr("units, most moved first")),
        yaxis=p.value_axis(
            tr("largest minus smallest h"), type="log", range=[-4.2, top], dtick=1, exponentformat="power"
        ),
        shapes=[_line_at(STILL)],
        margin=MARGIN,
    )
    return p.panel(id, title, drawing, text=text, alt=text)


def saturated(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """By gate and unit, the share of steps at an end of the range: above zero the upper one, below it the lower one."""
    title = tr(trace.cell.title)
    names = list(found.low)
    if not names:
        return p.panel(id, title, text=tr("The {cell} has no gate and no bounded output.", cell=title))
    wide = max(len(found.low[name]) for name in names)
    z = np.full((len(names), wide), np.nan)
    for row, name in enumerate(names):
        low, high = found.low[name], found.high[name]
        z[row, : len(low)] = np.where(high >= low, high, -low)
    said = [
        tr("{signal} of {units}", signal=name, units=_listed(np.flatnonzero(units)))
        for name, units in found.saturated.items()
        if units.any()
    ]
    text = tr("No gate and no output stays at one end.")
    if said:
        text = tr("At one end nearly always: {places}.", places=tr("; ").join(said))
    hover = tr("{signal} of unit {unit}: {share}", signal="%{y}", unit="%{x}", share="%{z:.2f}") + "<extra></extra>"
    drawing = p.figure(
        [p.heatmap(z, "coloraxis2", hovertemplate=hover, y=names)],
        xaxis={"title": {"text": tr("unit"), "standoff": 4}, "nticks": 12, "zeroline": False, "showgrid": False},
        yaxis={"autorange": "reversed", "zeroline": False, "showgrid": False, "type": "category"},
        margin=MARGIN,
    )
    note = tr("Share of the steps at the upper end (purple) or at the lower end (orange) of the range.")
    row, unit = np.unravel_index(np.nanargmax(np.abs(z)), z.shape)
    said = {"signal": names[row], "unit": int(unit), "share": p.percent(abs(float(z[row, unit])))}
    most = tr("The most is {signal} of unit {unit}, at one end in {share} of the steps.", **said)
    return p.panel(id, title, drawing, height=200, text=text, note=note, alt=p.sentences(text, most))


def integrators(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """Each unit by the mean of what it keeps and of what it writes; integrators stand in the corner at the right."""
    title = tr(trace.cell.title)
    flags, keep, write = found.integrator, found.keep, found.write
    if flags is None or keep is None or write is None:
        return p.panel(id, title, text=_no_memory(trace))
    units = np.arange(len(keep))
    dots = [
        {**_dots(write[flags == on], units[flags == on], tr("mean write"), role), "x": keep[flags == on], "name": name}
        for on, name, role in ((False, tr("others"), "cell"), (True, tr("integrators"), "write"))
    ]
    high = max(1.0, float(write.max(initial=0.0)))
    corner = {"type": "rect", "x0": OPEN, "x1": max(1.0, float(keep.max(initial=0.0))), "y0": WRITES, "y1": high}
    found_units = np.flatnonzero(flags)
    text = tr("No unit both keeps and goes on writing.")
    if len(found_units):
        said = {"count": len(found_units), "all": len(units), "units": _listed(found_units)}
        text = tr("Integrators, {count} of {all} units: {units}.", **said)
    drawing = p.figure(
        dots,
        xaxis=p.value_axis(
            tr("mean of {gate}", gate=_letters(trace, "keep")), range=[-0.03, max(1.0, float(keep.max())) + 0.03]
        ),
        yaxis=p.value_axis(tr("mean of {gate}", gate=_letters(trace, "write")), range=[-0.05, high + 0.05]),
        shapes=[{**corner, "line": {"width": 1, "dash": "dot", "color": theme.OTHER_COLOR}}],
        margin=MARGIN,
    )
    reach = [
        tr(
            "mean of {gate} from {low:.2f} to {high:.2f}",
            gate=_letters(trace, role),
            low=means.min(),
            high=means.max(),
        )
        for role, means in (("keep", keep), ("write", write))
    ]
    alt = p.sentences(text, tr("{said}.", said=p.listed(reach)))
    return p.panel(id, title, drawing, text=text, alt=alt)


def timescale(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """The timescales of all units, as on the page "Memory"."""
    title = tr(trace.cell.title)
    if found.timescale is None:
        return p.panel(id, title, text=_no_memory(trace))
    said = timescales(trace, layer=found.layer, backward=bool(found.direction))
    longest = int(np.argmax(said.holding))
    part = spans(id, trace, said, longest)
    middle = float(np.median(said.holding))
    told = {"half": _steps(middle), "unit": longest, "all": _steps(said.holding[longest])}
    if np.isinf(said.holding[longest]):
        text = tr("Half of the units forget within {half}; the longest, unit {unit}, forgets nothing here.", **told)
    else:
        text = tr("Half of the units forget within {half}; the longest, unit {unit}, in {all}.", **told)
    return part | {"title": title, "text": text, "alt": text}


def biases(id: str, trace: Trace, found: Sequence[Health]) -> dict[str, Any]:
    """The sums that act, of every layer and direction: median, quartiles and ends over the units."""
    title = tr(trace.cell.title)
    names = list(found[0].biases)
    if not names:
        return p.panel(id, title, text=tr("The {cell} has no bias.", cell=title))
    places = [where(one, found) or tr("all units") for one in found]
    roles = {signal.name: signal.role for signal in trace.cell.signals}
    boxes = [_box(name, places, [one.biases[name] for one in found], roles.get(name[2:], "")) for name in names]
    text = ""
    if found[0].forget_bias is not None:
        means = [float(np.mean(one.forget_bias)) for one in found if one.forget_bias is not None]
        said = [p.minus(f"{mean:+z.2f}") for mean in means]
        if len(found) > 1:
            said = [tr("{mean} ({place})", mean=mean, place=place) for mean, place in zip(said, places, strict=True)]
        gate = _letters(trace, "keep")
        text = tr("Forget bias, b_{gate}, on the average: {means}.", gate=gate, means=p.row(said))
    drawing = p.figure(
        boxes,
        boxmode="group",
        xaxis={"type": "category", "showgrid": False, "zeroline": False},
        yaxis=p.value_axis(tr("bias")),
        showlegend=True,
        margin=MARGIN,
    )
    middles = [
        tr("{name} {values}", name=name, values=p.row(p.minus(f"{np.median(one.biases[name]):+z.2f}") for one in found))
        for name in names
    ]
    medians = tr("Medians: {values}.", values=tr("; ").join(middles))
    return p.panel(id, title, drawing, text=text, alt=p.sentences(text or tr("{said}.", said=title), medians))


def _letters(trace: Trace, role: str) -> str:
    """What the cell writes for a role: "f", "1 − z"."""
    return p.minus(str(trace.role_label(role)))


def singular(id: str, trace: Trace, found: Health) -> dict[str, Any]:
    """The singular values of each recurrent matrix, largest first."""
    title = tr(trace.cell.title)
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
        return p.panel(id, title, text=tr("The {cell} has no recurrent matrix.", cell=title))
    most = max(float(values[0]) for values in found.singular.values())
    said = [f"{name} {values[0]:.2f}" for name, values in found.singular.items()]
    text = tr("Largest: {values}.", values=p.row(said))
    if found.radius is not None:
        text = p.sentences(text, tr("Largest absolute eigenvalue of U_a: {radius:.2f}.", radius=found.radius))
    low = min(float(np.log10(max(values[-1], FLOOR))) for values in found.singular.values())
    drawing = p.figure(
        lines,
        xaxis=_unit_axis(tr("largest first")),
        yaxis=p.value_axis(
            tr("singular value"),
            type="log",
            range=[min(low, -0.3) - 0.2, max(0.3, np.log10(max(most, FLOOR))) + 0.2],
            dtick=1,
            exponentformat="power",
        ),
        shapes=[_line_at(1.0)],
        showlegend=True,
        margin=MARGIN,
    )
    return p.panel(id, title, drawing, text=text, alt=text)


def where(one: Health, among: Sequence[Health]) -> str:
    """ "layer 1, backward"; only as much as tells it from the others."""
    parts = [tr("layer {layer}", layer=one.layer)] if max(other.layer for other in among) else []
    if max(other.direction for other in among):
        parts.append(tr("backward") if one.direction else tr("forward"))
    return p.row(parts)


def summary(one: Health, steps: int) -> str:
    """ "units that do not move (dead): 1, ...": of every layer and direction, also of those that are not drawn. Of one
    step nothing is said of what moves, of a run that breaks only that it does."""
    if one.message is not None:
        return tr(one.message)
    stuck = np.zeros(max((len(units) for units in one.saturated.values()), default=0), bool)
    for units in one.saturated.values():
        stuck[: len(units)] |= units
    ends = int(stuck.sum())
    counts = [
        tr("units that do not move (dead): {count}", count=int(one.dead.sum())),
        tr("with a gate at one end (saturated): {count}", count=ends),
    ]
    if steps < 2:
        counts = [tr("units with a gate at one end (saturated): {count}", count=ends)]
    if one.integrator is not None:
        counts.append(tr("that keep and go on writing (integrating): {count}", count=int(one.integrator.sum())))
    return p.row(counts)


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
        "hovertext": [
            tr("unit {unit}: {what} {value:.3g}", unit=unit, what=what, value=value)
            for unit, value in zip(units, values, strict=True)
        ],
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
        return tr("unit {unit}", unit=names[0])
    if len(names) <= NAMED:
        return tr("units {units}", units=p.listed(names))
    return tr("units {units} and {count} more", units=p.row(names[:NAMED]), count=len(names) - NAMED)


def _steps(value: float) -> str:
    if value < 0.05:
        return tr("no time")
    return tr("{value:.3g} steps", value=value) if value < 100 else tr("{value:,.0f} steps", value=value)


def _no_memory(trace: Trace) -> str:
    return tr(
        "The {cell} rewrites its whole state at every step, so nothing is kept and nothing added up.",
        cell=tr(trace.cell.title),
    )
