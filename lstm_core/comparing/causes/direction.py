"""A layer that reads from the wrong end, two directions that are exchanged, or their outputs in the other order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try, everywhere
from lstm_core.comparing.level import Level, Params
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer read from the other end, or with two directions, or the two it reads, exchanged."""
    side = {"side": own.side}
    if len(own.params) == 1:
        change = say("{side} reading from the other end", **side)
        yield Try(change, replace(own, reverse=not own.reverse))
    else:
        change = say("the two directions of {side} exchanged", **side)
        yield Try(change, replace(own, params=own.params[::-1], biases=own.biases[::-1]))
    if own.under == 2:
        change = say("the two directions below {side} read in the other order", **side)
        yield from everywhere(change, own, lambda p, two: _halves(p))


def _halves(params: Params) -> Params:
    def exchanged(matrix: np.ndarray) -> np.ndarray:
        first, second = np.split(matrix, 2, axis=1)
        return np.concatenate([second, first], axis=1)

    read = [name for name in params if name.startswith("W_") and name != "W_hr"]
    return {**params, **{name: exchanged(params[name]) for name in read}}


CAUSE = Cause(mark("direction"), "weights", tries)
