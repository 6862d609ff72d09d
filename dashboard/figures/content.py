"""What the page's grid needs: what ``lstm_core.drawing`` makes of the traces, with the units' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.figures.meaning import held
from lstm_core.drawing import content as drawing
from lstm_core.drawing.order import width
from lstm_core.network import Network
from lstm_core.say import tr
from lstm_core.trace import Trace


def content(
    models: Sequence[Network],
    traces: Sequence[Trace],
    predictions: Sequence[list[list[tuple[str, float]]]],
    units: Sequence[int | None],
    drawn: Sequence[tuple[int, int]] = ((0, 0), (0, 0)),
    rows: Sequence[tuple[np.ndarray, str]] | None = None,
    likeliest: Sequence[np.ndarray | None] | None = None,
) -> dict[str, Any]:
    """``lstm_core.drawing.content`` with the names that each model's header gives its units; a unit that is None, or
    that there is not, is the first that has one."""
    sides = list(zip(models, traces, units, drawn, strict=True))
    chosen = [
        named_unit(model, *at) if unit is None or unit >= width(trace) else unit for model, trace, unit, at in sides
    ]
    named = [named_units(model, *at, trace) for model, trace, _, at in sides]
    return drawing.content(models, traces, predictions, chosen, drawn, named, rows, likeliest=likeliest)


def side(
    model: Network,
    trace: Trace,
    predictions: list[list[tuple[str, float]]],
    layer: int,
    direction: int,
    units: np.ndarray,
) -> dict[str, Any]:
    """One model's column, see ``lstm_core.drawing.content.side``."""
    named = named_units(model, layer, direction, trace)
    return drawing.side(model, trace, predictions, layer, direction, units, named)


def named_units(model: Network, layer: int, direction: int, trace: Trace | None = None) -> list[dict[str, Any]]:
    """The units that the model's header names, in the layer and direction drawn; those whose memory holds what the name
    means somewhere in ``trace``, with what it holds at every step, where one is given."""
    found = []
    for name, unit in model.meta.get("units", {}).items():
        if unit.get("layer", 0) != layer or unit.get("direction", 0) != direction:
            continue
        one = {"name": tr(name), "unit": int(unit["unit"]), "meaning": tr(str(unit.get("meaning", "")))}
        if trace is not None:
            holds = held(model, trace, unit)
            if not holds.side.any():
                continue
            one |= {"side": holds.side, "leans": holds.leans, "from": holds.start}
            one |= {"high": tr(holds.high), "low": tr(holds.low)}
        found.append(one)
    return found


def named_unit(model: Network, layer: int, direction: int) -> int:
    """The first named unit, the one that is worth seeing first; 0 if there is none."""
    named = named_units(model, layer, direction)
    return named[0]["unit"] if named else 0
