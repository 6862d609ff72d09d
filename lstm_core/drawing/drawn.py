"""Which units of a wide layer are drawn: not all of them as hair lines, but the two dozen that matter most here.

The rule. A layer of up to ``SMALL`` units is drawn whole, and so is any other where that is asked for. Else each unit
has a figure, as the visitor chooses: what it adds to the lead of the likeliest next word over the second or takes
from it, in logits without their sign, in the mean over the text and half as much again for the step that the page
speaks of (``dashboard.figures.deciding``); or how far its memory went. The ``COUNT`` units with the largest figures are
drawn, in any case the one that is chosen and those that a name is shown of. The figure of a unit that is drawn already
counts double, so that while a text is typed a unit gives way only to one that matters more than twice as much.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from lstm_core.analysis import leads
from lstm_core.drawing.order import SMALL, moved, seen, width
from lstm_core.network import Network
from lstm_core.trace import Trace

LEAD, MOVED, ALL = "lead", "moved", "all"
"""What the visitor can choose."""
COUNT = 24
STAYS = 0.5
"""Of the largest share, how much a unit has that goes before the unit with the largest."""
SPOKEN_OF = 0.5
"""How much the step that the page speaks of counts, beside the mean over all."""


def drawn_units(
    model: Network,
    trace: Trace,
    likeliest: np.ndarray | None,
    step: int,
    layer: int,
    direction: int,
    show: str,
    always: Collection[int],
    before: Collection[int] = (),
) -> tuple[np.ndarray, str]:
    """The units that have a row, by index, (unit,) int32, and what they were chosen by: LEAD, MOVED or ALL.

    likeliest: ids of the likeliest next words, as ``Network.likeliest`` gives them, if any are predicted. always: units
    that are drawn whatever they do, the chosen one first. before: those that are drawn already. Where no word is read
    out of the layer its units are chosen by how far they moved.
    """
    always = [unit for unit in always if unit < width(trace)]
    if show == ALL or width(trace) <= SMALL or not len(trace):
        return seen(trace, layer, direction, next(iter(always), 0)), ALL
    figures = None if show == MOVED else _added(model, trace, likeliest, step, layer, direction)
    by = MOVED if figures is None else LEAD
    figures = moved(trace, layer, direction).astype(float) if figures is None else figures
    figures[[unit for unit in before if unit < len(figures)]] /= STAYS
    figures[always] = np.inf
    return np.sort(np.argsort(-figures, kind="stable")[: max(COUNT, len(always))]).astype(np.int32), by


def _added(
    model: Network, trace: Trace, likeliest: np.ndarray | None, step: int, layer: int, direction: int
) -> np.ndarray | None:
    """(unit,): what each unit adds to a lead or takes from it; None where no word is read out of the units."""
    if likeliest is None or layer != len(trace.layers) - 1:
        return None
    try:
        parts = np.abs(leads(model, trace, likeliest))
    except ValueError:  # one word only
        return None
    directions = len(trace.layers[0])
    if parts.shape[-1] != directions * width(trace):
        return None  # a projected h is read out of, whose units are others
    parts = parts.reshape(len(parts), directions, -1)[:, direction]
    return parts.mean(0) + SPOKEN_OF * parts[step]
