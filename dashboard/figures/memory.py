"""The panels of the page "Memory": who wrote it, what is kept of what, and for how long."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard import theme
from dashboard.figures import panel as p
from dashboard.figures.words import named
from lstm_core.analysis import Memory, Retention, Timescales
from lstm_core.trace import Trace


def writers(id: str, trace: Trace, found: Memory, of: str) -> dict[str, Any]:
    """Bars over the tokens: how much of the memory after ``found.step`` each of them wrote."""
    count = found.step + 1
    names = [named(trace, step) for step in range(len(trace))]
    bars = p.signed_bars(range(count), found.contributions[:count], names[:count])
    best = int(np.argmax(np.abs(found.contributions[:count])))
    written = f"({found.write})" if " " in found.write else found.write
    times = "\N{CIRCLED DOT OPERATOR}"
    rule = f"{found.state} = {found.keep} {times} old {found.state} + {written} {times} {found.candidate}"
    note = f"{rule}. Sum of the bars {float(found.contributions.sum() + found.initial + found.offset):+.4f}, "
    note += f"traced value {float(found.value):+.4f}, residual {found.residual:.1e}."
    if abs(float(found.initial)) > 1e-6:
        note += f" The state before the first word adds {float(found.initial):+.4f}."
    if found.candidate_reads_state:
        note += f" The candidate {found.candidate} was itself computed from the old {found.state}, "
        note += "so a word's share holds part of the past."
    text = f"{names[best]} wrote most of it: {found.contributions[best]:+.2f} of {float(found.value):+.2f}."
    axes = {"xaxis": p.word_axis(trace), "yaxis": p.value_axis("share of the value"), "meta": {"pick": "x"}}
    title = f"{trace.cell.title}: who wrote {of} after {p.quoted(names[found.step])}"
    return p.panel(id, title, p.figure([bars], **axes), text=text, note=note, alt=f"{title}. {text}")


def kept(id: str, trace: Trace, found: Retention, step: int, unit: str) -> dict[str, Any]:
    """The retention matrix: row, after which word; column, which word wrote; colour, the share still there."""
    mask = np.where(np.tri(len(trace), dtype=bool), found.kept, np.nan)
    marker = {
        "type": "line",
        "x0": -0.5,
        "x1": len(trace) - 0.5,
        "y0": step + 0.5,
        "y1": step + 0.5,
        "line": {"width": 1},
    }
    tall = {**p.word_axis(trace), "tickangle": 0, "range": [len(trace) - 0.5, -0.5]}
    drawing = p.figure(
        [p.heatmap(mask, hovertemplate="kept %{z:.3f}<extra></extra>")],
        xaxis={**p.word_axis(trace), "title": {"text": ""}},
        yaxis=tall,
        margin={"l": 76, "r": 12, "t": 6, "b": 62},
        shapes=[marker],
        meta={"pick": "y"},
    )
    text = f"Of what the word below wrote into {unit}, the share that is still there after the word on the left. "
    text += "A click chooses the row."
    return p.panel(id, f"{trace.cell.title}: what is kept", drawing, height=360, text=text, alt=text)


def spans(id: str, trace: Trace, found: Timescales, unit: int) -> dict[str, Any]:
    """Timescales of all units, longest first; a unit that forgets nothing is drawn at the top edge."""
    order = np.argsort(-found.on_text, kind="stable")
    top = 1e4
    on_text, at_rest = np.minimum(found.on_text[order], top), np.minimum(found.from_bias[order], top)
    place = int(np.flatnonzero(order == unit)[0])
    names = [f"unit {k}" for k in order]
    dots = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": list(range(len(order))),
            "y": np.asarray(values, np.float32),
            "name": name,
            "marker": {"color": color, "size": 7, "symbol": symbol},
            "hovertext": [f"{unit}, {name}: {value:.3g} steps" for unit, value in zip(names, values, strict=True)],
            "hoverinfo": "text",
        }
        for values, name, color, symbol in (
            (on_text, "on this text", theme.role_color("keep", "light"), "circle"),
            (at_rest, "from the bias alone", theme.OTHER_COLOR, "circle-open"),
        )
    ]
    chosen = {
        "type": "line",
        "x0": place,
        "x1": place,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"width": 1, "dash": "dot"},
    }
    drawing = p.figure(
        dots,
        xaxis={
            "title": {"text": "units, longest first"},
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
        },
        yaxis=p.value_axis("steps", type="log", range=[-0.7, 4.1], dtick=1),
        shapes=[chosen],
        showlegend=True,
        margin={"l": 52, "r": 12, "t": 6, "b": 34},
    )
    value = found.on_text[unit]
    said = (
        "forgets nothing on this text"
        if not np.isfinite(value)
        else f"keeps a memory for about {value:.3g} steps on this text"
    )
    text = f"T = \N{MINUS SIGN}1 / log {found.keep}. The chosen unit {said}."
    return p.panel(id, f"{trace.cell.title}: timescales", drawing, text=text, alt=text)
