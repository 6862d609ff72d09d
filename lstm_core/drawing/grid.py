"""The grid of the page "Gates": one column a model, one row a role, and above it the lines of one unit a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_core.attention import ALPHA
from lstm_core.cells.base import Signal
from lstm_core.drawing import theme
from lstm_core.drawing.band import band
from lstm_core.say import mark, tr
from lstm_core.trace import Trace

ROLES = ("keep", "write", "cell", "hidden", "candidate", "reset", "expose")
"""The rows in their order; roles that only some cell has follow in the order in which it declares them."""
STRIPS = {"gates": ("expose", "reset", "write", "keep"), "values": ("candidate", "hidden", "cell")}
"""The two line plots of the chosen unit, what matters most last and so on top. A clock, say, has its panel only."""

SUMMED = ("write", "cell", "normaliser")
"""Of a cell with a normaliser: what is summed up, and the sums, which are read as shares of it."""

NAMES = {
    **{"keep": mark("keep"), "write": mark("write"), "cell": mark("cell"), "hidden": mark("hidden")},
    **{"candidate": mark("candidate"), "reset": mark("reset"), "expose": mark("expose")},
    **{"gates": mark("gates"), "values": mark("values"), ALPHA.role: mark("attention")},
    **{"clock": mark("clock"), "depth": mark("depth"), "stabiliser": mark("stabiliser")},
    **{"normaliser": mark("normaliser"), "depth write": mark("depth write"), "depth keep": mark("depth keep")},
    **{"depth candidate": mark("depth candidate"), "depth expose": mark("depth expose")},
    **{"depth cell": mark("depth cell"), "depth hidden": mark("depth hidden")},
}
LONGEST = 300
"""Steps of which attention is drawn, a square of every step by every step."""


def grid(
    traces: Sequence[Trace],
    drawn: Sequence[tuple[int, int]] | None = None,
    mode: str = "light",
    seen: Sequence[np.ndarray] | None = None,
    sums: bool = True,
) -> dict[str, Any]:
    """Plotly data and layout of the traces beside each other, in the colours of a "light" or "dark" page.

    drawn: the (layer, direction) of each trace. seen: the units of each that have a row; all, if it is not given.
    With ``sums`` the others are summed up in a band below them, and a panel's ``others`` is their number.

    Every panel is a heatmap (unit, time) of float32; its ``meta`` says which side, role and signal it is, and a
    line's ``meta`` says of which signal it is a row and in which strip it is drawn. ``layout.meta.tight`` names the
    colour axes that reach to the largest value, however small, and ``layout.meta.panels`` lists all
    panels with what they are for; one that a cell does not have carries the reason in ``empty``. Where everything
    stands is for the browser, which knows the size: it draws all panels on one pair of axes.
    """
    drawn = drawn or [(0, 0)] * len(traces)
    roles = list(dict.fromkeys(role for trace in traces for role in roles_of(trace)))
    roles.sort(key=lambda role: ROLES.index(role) if role in ROLES else len(ROLES))
    strips = [name for name, members in STRIPS.items() if any(role in members for role in roles)]
    rows = [*strips, *roles]
    scales = _scales(traces, drawn, roles, mode, seen)
    tight = [name for (_, kind), (name, _) in scales.items() if kind in ("weight", "sum")]
    layout: dict[str, Any] = {
        **theme.layout(mode),
        **{name: scale for name, scale in scales.values()},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "meta": {"rows": rows, "strips": strips, "panels": [], "tight": tight},
    }
    data: list[dict[str, Any]] = []
    for name in rows:
        for side, trace in enumerate(traces):
            panel: dict[str, Any] = {"row": name, "title": tr(NAMES.get(name, name)), "side": side}
            if name in strips:
                lines = _lines(trace, STRIPS[name], mode)
                data += [{**line, "meta": {**line["meta"], "side": side, "strip": name}} for line in lines]
                panel |= {"kind": "strip", "signals": [line["meta"]["signal"] for line in lines]}
                panel |= {} if lines else {"empty": _lacks(trace, tr(NAMES[name]), STRIPS[name])}
            else:
                panel |= {"kind": "panel"} | _describe(trace, traces, name)
                values = _values(trace, name, drawn[side])
                if values is not None:
                    meta: dict[str, Any] = {"side": side, "role": name, "signal": panel["signal"]}
                    meta["sources"] = name == ALPHA.role
                    if seen is not None and name != ALPHA.role:
                        values, panel["others"] = _rows(values, seen[side], sums)
                        meta["band"] = panel["others"] > 0
                    look = {"type": "heatmap", "z": values, "coloraxis": scales[name, _kind(trace, name)][0]}
                    data.append({**look, "hoverinfo": "none", "meta": meta})
            layout["meta"]["panels"].append(panel)
    return {"data": data, "layout": layout}


def roles_of(trace: Trace) -> list[str]:
    """The roles that something plays in this trace's cell, derived ones included."""
    return [role for role in dict.fromkeys((*ROLES, *trace.roles)) if trace.role(role) is not None]


def _values(trace: Trace, role: str, at: tuple[int, int]) -> np.ndarray | None:
    """(unit, time), float32, rows contiguous: how Plotly wants a heatmap and how it is sent.

    Attention has one layer and one direction, whichever is drawn, and its rows are the steps that were looked back at.
    """
    values = trace.role(role)
    if values is None or (role == ALPHA.role and len(trace) > LONGEST):
        return None
    layer, direction = (min(index, size - 1) for index, size in zip(at, values.shape, strict=False))
    return np.ascontiguousarray(values[layer, direction, :, 0].T, dtype=np.float32)


def _rows(values: np.ndarray, seen: np.ndarray, sums: bool) -> tuple[np.ndarray, int]:
    """The rows of the units ``seen`` and below them the band of the others, and how many those are."""
    seen = seen[seen < len(values)]  # a projected h has fewer units
    if not sums:
        return values[seen], 0
    rest = np.delete(values, seen, axis=0)
    rows = [values[seen], *([band(rest)] if len(rest) else [])]
    return np.concatenate(rows), len(rest)


def _signal(trace: Trace, role: str) -> Signal:
    """What the cell declares for ``role``; for a derived one ("1 - z") the gate that it is derived from."""
    for signal in trace.declared:
        if signal.role == role:
            return signal
    names = re.findall(r"\w+", trace.role_label(role) or "")
    return next(signal for signal in trace.cell.signals if signal.name in names)


def _kind(trace: Trace, role: str) -> str:
    """Which scale: "gate" for shares, "signed" within -1 and 1, "wide" without bounds, and "weight" (from 0) and "sum"
    (signed) for what only counts relative to a normaliser and may be as small as it likes."""
    signal = _signal(trace, role)
    if role in SUMMED and "normaliser" in trace.roles:
        return "weight" if signal.low == 0 else "sum"
    if not np.isfinite([signal.low, signal.high]).all():
        return "wide"
    return "signed" if signal.low < 0 else "gate"


def _scales(
    traces: Sequence[Trace],
    drawn: Sequence[tuple[int, int]],
    roles: Sequence[str],
    mode: str,
    seen: Sequence[np.ndarray] | None,
) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """Name and definition of the colour axis by (role, kind).

    One for gates, one for signed values, and one for each role without bounds, which reaches to the largest size that
    has a row on either side and at least to 1; what only counts relative to a normaliser has no such least.
    """
    base = theme.layout(mode)
    found = {}
    number = 2
    for role in roles:
        found[role, "gate"] = "coloraxis", base["coloraxis"]
        found[role, "signed"] = "coloraxis2", base["coloraxis2"]
        for kind, least in (("wide", 1.0), ("weight", 0.0), ("sum", 0.0)):
            sizes = [
                float(np.nanmax(np.abs(_of(values[at], None if seen is None else seen[side])), initial=least))
                for side, (trace, at) in enumerate(zip(traces, drawn, strict=True))
                if (values := trace.role(role)) is not None and _kind(trace, role) == kind
            ]
            if sizes:
                number += 1
                most = max(sizes) or 1.0
                ends = {"cmin": 0.0 if kind == "weight" else -most, "cmax": most}
                look = base["coloraxis" if kind == "weight" else "coloraxis2"]
                found[role, kind] = f"coloraxis{number}", {**look, **ends}
    return found


def _of(values: np.ndarray, units: np.ndarray | None) -> np.ndarray:
    """(time, batch, unit) of these units alone."""
    return values if units is None else values[..., units[units < values.shape[-1]]]


def _describe(trace: Trace, traces: Sequence[Trace], role: str) -> dict[str, Any]:
    """What a panel is called and means, or why it is empty: the name of what the other side's cell has there."""
    label = trace.role_label(role)
    if trace.role(role) is not None and label is not None:
        derived = {
            "keep": mark("{label}: what is not written is kept"),
            "write": mark("{label}: what is not kept is written"),
        }
        meaning = tr(_signal(trace, role).meaning) if role in trace.roles else tr(derived[role], label=label)
        if role == ALPHA.role:
            alpha = {"signal": label, "label": "\N{GREEK SMALL LETTER ALPHA}", "meaning": meaning, "sources": True}
            return alpha | (
                {"empty": tr("drawn for up to {count} tokens", count=LONGEST)} if len(trace) > LONGEST else {}
            )
        return {"signal": label, "label": label.replace("-", "\N{MINUS SIGN}"), "meaning": meaning}
    other = next(one for one in traces if one.role(role) is not None)
    what = re.split("[:\N{FULLWIDTH COLON}]", tr(_signal(other, role).meaning))[0]
    return {"signal": None, "label": "", "empty": _lacks(trace, what, [role])}


def _lacks(trace: Trace, what: str, roles: Sequence[str]) -> str:
    """Why nothing is drawn for these roles, none of which the trace has."""
    left = [label for role in roles if (label := trace.role_label(role)) is not None]
    if left:
        return tr("not kept in this trace: {names}", names=", ".join(left))
    return tr("the {cell} has no {what}", cell=tr(trace.cell.title), what=what)


def _lines(trace: Trace, roles: Sequence[str], mode: str) -> list[dict[str, Any]]:
    """How the lines of one unit look; their values are rows of the heatmaps, whichever unit is chosen."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "line": {"color": theme.role_color(role, mode), "width": 2, "shape": "hv"},
            "hoverinfo": "none",
            "meta": {"role": role, "signal": trace.role_label(role)},
        }
        for role in roles
        if trace.role(role) is not None
    ]
