"""Every signal of one layer of a trace, a panel each: units from top to bottom, steps from left to right."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.drawing import panel as p
from lstm_core.drawing.grid import NAMES, ROLES
from lstm_core.drawing.words import named
from lstm_core.trace import Trace


def signals(id: str, trace: Trace, step: int, of: str = "", direction: int = 0) -> list[dict[str, Any]]:
    """One panel a signal, in the order of the page "Gates". ``of``: which network it is, where there are two."""
    declared = sorted(trace.cell.signals, key=lambda s: ROLES.index(s.role) if s.role in ROLES else len(ROLES))
    return [_panel(f"{id} {signal.name}", trace, signal.name, step, of, direction) for signal in declared]


def _panel(id: str, trace: Trace, name: str, step: int, of: str, direction: int) -> dict[str, Any]:
    declared = trace.cell.signal(name)
    values = trace.signals[name][0, direction, :, 0].T
    share = declared.kind == "gate"
    hover = f"{name}[%{{y}}]: %{{z:.3f}}<extra></extra>"
    drawn = p.heatmap(values, "coloraxis" if share else "coloraxis2", hovertemplate=hover)
    mark = {"type": "rect", "x0": step - 0.5, "x1": step + 0.5, "y0": -0.5, "y1": len(values) - 0.5}
    layout: dict[str, Any] = {
        "xaxis": p.word_axis(trace),
        "yaxis": {"autorange": "reversed", "showgrid": False, "zeroline": False, "nticks": 4, "fixedrange": True},
        "shapes": [{**mark, "line": {"width": 1.5, "color": "rgba(128,136,144,0.9)"}}],
    }
    if not share:
        layout["coloraxis2"] = p.signed_scale(values)
    role = tr(NAMES.get(declared.role, declared.role))
    title = tr("{name}: {role}", name=name, role=role)
    if of:
        title = tr("{network}, {title}", network=of, title=title)
    mean = float(np.mean(values[:, step]))
    said = tr("Mean after {word}: {value}.", word=p.quoted(named(trace, step)), value=p.signed(mean))
    return p.panel(
        id, title, p.figure([drawn], **layout), height=190, alt=p.sentences(tr("{title}.", title=title), said)
    )
