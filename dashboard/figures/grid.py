"""The grid of the page "Gates": one column a model, one row a role, and above it the lines of one unit a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard import theme
from lstm_core.cells.base import Signal
from lstm_core.trace import Trace

ROLES = ("keep", "write", "cell", "hidden", "candidate", "reset", "expose")
"""The rows in their order; roles that only some cell has follow in the order in which it declares them."""
STRIPS = {"gates": ("expose", "reset", "write", "keep"), "values": ("candidate", "hidden", "cell")}
"""The two line plots of the chosen unit, what matters most last and so on top. A clock, say, has its panel only."""
GAP = 0.02


def grid(
    traces: Sequence[Trace],
    units: Sequence[int] | None = None,
    drawn: Sequence[tuple[int, int]] | None = None,
    mode: str = "light",
) -> dict[str, Any]:
    """Plotly data and layout of the traces beside each other, in the colours of a "light" or "dark" page.

    units: the unit drawn as lines, one a trace. drawn: the (layer, direction) of each trace.

    Every panel is a heatmap (unit, time) of float32; its ``meta`` says which side, role and signal it is, and a
    line's ``meta`` says of which signal it is a row. ``layout.meta.panels`` lists all panels with what they are for;
    one that a cell does not have carries the reason in ``empty``.
    """
    units = units or [0] * len(traces)
    drawn = drawn or [(0, 0)] * len(traces)
    roles = list(dict.fromkeys(role for trace in traces for role in roles_of(trace)))
    roles.sort(key=lambda role: ROLES.index(role) if role in ROLES else len(ROLES))
    strips = [name for name, members in STRIPS.items() if any(role in members for role in roles)]
    rows = [*strips, *roles]
    scales = _scales(traces, drawn, roles, mode)
    layout: dict[str, Any] = {
        **theme.layout(mode),
        **{name: scale for name, scale in scales.values()},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "meta": {"rows": rows, "strips": strips, "panels": []},
    }
    data: list[dict[str, Any]] = []
    for row, name in enumerate(rows):
        for side, trace in enumerate(traces):
            number = row * len(traces) + side + 1
            suffix = str(number) if number > 1 else ""  # Plotly's first axis has no number
            panel: dict[str, Any] = {"row": name, "side": side, "axis": suffix}
            place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
            if name in strips:
                lines = _lines(trace, STRIPS[name], units[side], drawn[side], mode)
                data += [{**line, **place, "meta": {**line["meta"], "side": side}} for line in lines]
                span = _line_span(name, lines)
                panel |= {"kind": "strip", "signals": [line["meta"]["signal"] for line in lines]}
                panel |= {} if lines else {"empty": f"the {trace.cell.title} has no {name}"}
            else:
                panel |= {"kind": "panel"} | _describe(trace, traces, name)
                span = [trace.hidden_size - 0.5, -0.5]  # unit 0 on top
                values = _values(trace, name, drawn[side])
                if values is not None:
                    look = {"type": "heatmap", "z": values, "coloraxis": scales[name, _kind(trace, name)][0]}
                    meta = {"side": side, "role": name, "signal": panel["signal"]}
                    data.append({**look, **place, "hoverinfo": "none", "meta": meta})
            layout["meta"]["panels"].append(panel)
            layout |= _axes((row, len(rows)), (side, len(traces)), suffix, len(trace), span)
    return {"data": data, "layout": layout}


def roles_of(trace: Trace) -> list[str]:
    """The roles that something plays in this trace's cell, derived ones included."""
    return [role for role in dict.fromkeys((*ROLES, *trace.roles)) if trace.role(role) is not None]


def _values(trace: Trace, role: str, at: tuple[int, int]) -> np.ndarray | None:
    """(unit, time), float32, rows contiguous: how Plotly wants a heatmap and how it is sent."""
    values = trace.role(role)
    return None if values is None else np.ascontiguousarray(values[at][:, 0].T, dtype=np.float32)


def _signal(trace: Trace, role: str) -> Signal:
    """What the cell declares for ``role``; for a derived one ("1 - z") the gate that it is derived from."""
    if role in trace.roles:
        return trace.cell.signal(trace.roles[role])
    names = re.findall(r"\w+", trace.role_label(role) or "")
    return next(signal for signal in trace.cell.signals if signal.name in names)


def _kind(trace: Trace, role: str) -> str:
    """Which scale: "gate" for shares, "signed" within -1 and 1, "wide" without bounds."""
    signal = _signal(trace, role)
    if not np.isfinite([signal.low, signal.high]).all():
        return "wide"
    return "signed" if signal.low < 0 else "gate"


def _scales(
    traces: Sequence[Trace], drawn: Sequence[tuple[int, int]], roles: Sequence[str], mode: str
) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """Name and definition of the colour axis by (role, kind).

    One for gates, one for signed values, and one for each role without bounds, which reaches to the largest size on
    either side and at least to 1.
    """
    base = theme.layout(mode)
    found = {}
    number = 2
    for role in roles:
        found[role, "gate"] = "coloraxis", base["coloraxis"]
        found[role, "signed"] = "coloraxis2", base["coloraxis2"]
        sizes = [
            float(np.abs(values[at]).max(initial=1.0))
            for trace, at in zip(traces, drawn, strict=True)
            if (values := trace.role(role)) is not None and _kind(trace, role) == "wide"
        ]
        if sizes:
            number += 1
            found[role, "wide"] = f"coloraxis{number}", {**base["coloraxis2"], "cmin": -max(sizes), "cmax": max(sizes)}
    return found


def _describe(trace: Trace, traces: Sequence[Trace], role: str) -> dict[str, Any]:
    """What a panel is called and means, or why it is empty: the name of what the other side's cell has there."""
    label = trace.role_label(role)
    if trace.role(role) is not None and label is not None:
        derived = {"keep": "what is not written is kept", "write": "what is not kept is written"}
        meaning = _signal(trace, role).meaning if role in trace.roles else f"{label}: {derived[role]}"
        return {"signal": label, "label": label.replace("-", "\N{MINUS SIGN}"), "meaning": meaning}
    other = next(one for one in traces if one.role(role) is not None)
    what = _signal(other, role).meaning.partition(":")[0]
    return {"signal": None, "label": "", "empty": f"the {trace.cell.title} has no {what}"}


def _lines(trace: Trace, roles: Sequence[str], unit: int, at: tuple[int, int], mode: str) -> list[dict[str, Any]]:
    lines = []
    for role in roles:
        values = _values(trace, role, at)
        if values is not None:
            lines.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": edges(values.shape[1]),
                    "y": held(values[unit]),
                    "line": {"color": theme.role_color(role, mode), "width": 2, "shape": "hv"},
                    "hoverinfo": "none",
                    "meta": {"role": role, "signal": trace.role_label(role)},
                }
            )
    return lines


def _line_span(strip: str, lines: Sequence[dict[str, Any]]) -> list[float]:
    """The range of a line plot: 0 to 1 for gates, symmetric for values, with a little room for the line's width."""
    if strip == "gates":
        return [-0.06, 1.06]
    high = max([1.0, *(float(np.abs(line["y"]).max(initial=0)) for line in lines)])
    return [-1.08 * high, 1.08 * high]


def edges(steps: int) -> np.ndarray:
    """Where steps begin, and where the last one ends: a value is held over the width of its cell in the heatmaps."""
    return np.arange(steps + 1, dtype=np.float32) - 0.5


def held(values: np.ndarray) -> np.ndarray:
    """Values at ``edges``: the last one stands twice."""
    return np.append(values, values[-1:]).astype(np.float32)


def _axes(row: tuple[int, int], side: tuple[int, int], suffix: str, steps: int, span: list[float]) -> dict[str, Any]:
    """One panel's axes. The page places them by pixel; these domains are for whoever draws the figure as it is."""
    (j, rows), (k, sides) = row, side
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "fixedrange": True}
    return {
        f"xaxis{suffix}": {
            **bare,
            "domain": [k / sides + GAP * k, (k + 1) / sides - GAP * (sides - 1 - k)],
            "range": [-0.5, max(steps, 1) - 0.5],
            "anchor": f"y{suffix}",
        },
        f"yaxis{suffix}": {
            **bare,
            "domain": [1 - (j + 1) / rows + GAP / 2, 1 - j / rows - GAP / 2],
            "range": span,
            "anchor": f"x{suffix}",
        },
    }
