"""Which unit a page speaks of: the one that decides what the model expects of this very text.

The rule. The step is the last one up to the cursor after which the model expected a word with at least 25 %, else the
first such step behind it, else the cursor's. There each unit's share in the lead of the likeliest next word over the
second is known, and the unit with the largest is chosen; but one that the model's header names and whose memory holds
there what the name means goes first, and then the unit that is shown already, while its share is at least half of that.
So typing on moves it only where another unit matters more than twice as much. Where the likeliest word is one of the
two that a name tells apart, its unit's share is that in the lead over the other of them: after a woman the second is
often "her", of which the gender says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.figures.content import named_unit, named_units
from dashboard.figures.meaning import rivals
from lstm_core.analysis import lead
from lstm_core.drawing.drawn import STAYS
from lstm_core.drawing.order import orders, width
from lstm_core.network import Network
from lstm_core.trace import Trace

DECIDED = 0.245
"""How likely a word is that a model can be said to expect: as much as is written as 25 %."""


def deciding_unit(
    model: Network,
    trace: Trace,
    likeliest: tuple[np.ndarray, np.ndarray] | None,
    cursor: int,
    layer: int = 0,
    direction: int = 0,
    before: int | None = None,
) -> int:
    """The unit to show at first. ``likeliest``: as ``Network.likeliest`` gives it, if words are predicted; ``before``:
    the unit that is shown already.

    Where nothing is predicted it is the unit that is named, or the first. In a layer that no word is read out of it is
    a named one that holds what its name means, or else the one whose memory moved most.
    """
    if not len(trace):
        return named_unit(model, layer, direction) if before is None else before
    named = named_units(model, layer, direction, trace)
    first = [*(one["unit"] for one in named), *([before] if before is not None and before < width(trace) else [])]
    if layer != len(trace.layers) - 1:
        return first[-1] if first else int(orders(trace, layer, direction)["moved"][0])
    try:
        if likeliest is None:
            raise ValueError("nothing is predicted")
        at = decided(likeliest[1], cursor)
        shares = lead(model, trace, at).contributions
    except ValueError:  # no readout, no words, or one word only
        return first[-1] if first else named_unit(model, layer, direction)
    directions = len(trace.layers[0])
    if len(shares) != directions * width(trace):
        return first[-1] if first else 0  # a projected h is read out of, whose units are others

    def matters(unit: int, parts: np.ndarray) -> bool:
        here = parts.reshape(directions, -1)[direction]
        return bool(here[unit] >= STAYS * here.max())

    word, told_apart = int(likeliest[0][at, 0]), rivals(model, layer, direction)
    for unit in [one["unit"] for one in reversed(named) if one["side"][at]]:
        other = told_apart.get(unit, {}).get(word)
        if matters(unit, shares if other is None else lead(model, trace, at, other).contributions):
            return unit
    if before is not None and before in first and matters(before, shares):
        return before
    return int(np.argmax(shares.reshape(directions, -1)[direction]))


CLOSE = 3 / 7
"""... and of it the share of the next one from which on it cannot: .3 to .7 of the two is undecided."""


def sure(likely: Sequence[tuple[str, float]]) -> bool:
    """Whether a model can be said to expect the first of these words, likeliest first, as the headline says it."""
    return likely[0][1] >= DECIDED and (len(likely) < 2 or likely[1][1] < CLOSE * likely[0][1])


def decided(chances: np.ndarray, cursor: int) -> int:
    """The step whose expectation is spoken of: at the cursor, before it, or behind it. ``chances``: (time, k), of the
    likeliest words after each step, likeliest first."""
    sure = np.flatnonzero(chances[:, 0] >= DECIDED)
    past = sure[sure <= cursor]
    return int(past[-1] if len(past) else sure[0] if len(sure) else min(cursor, len(chances) - 1))
