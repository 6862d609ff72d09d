"""The input arrives in another order: from its end, a step late, its sequences or its features in other places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its input reversed in time, a step later, or its sequences or features in the other's order."""
    x, wanted = own.inputs, other.inputs
    if own.chained or x.shape != wanted.shape or not x.size or not np.isfinite(x).all():
        return
    side = {"side": own.side}
    yield Try(say("the input of {side} from its end to its beginning", **side), replace(own, inputs=x[::-1]))
    late = np.concatenate([np.zeros_like(x[:1]), x[:-1]])
    yield Try(say("the input of {side} a step later", **side), replace(own, inputs=late))
    if not any(value.any() for value in own.initial.values()) and own.lengths is None and own.read is None:
        rows = order_of(x.swapaxes(0, 1), wanted.swapaxes(0, 1))
        if rows is not None:
            change = say("the sequences of {side} in the order {order}", order=written(rows), **side)
            yield Try(change, replace(own, inputs=x[:, rows]))
    features = order_of(np.moveaxis(x, 2, 0), np.moveaxis(wanted, 2, 0))
    if features is not None:
        change = say("the features of the input of {side} in the order {order}", order=written(features), **side)
        yield Try(change, replace(own, inputs=x[:, :, features]))


MOST = 512
"""Sequences or features that are looked through."""


def order_of(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """Which row stands where in ``wanted``, (row, ...), found by the values; None where they are other rows, or there
    already."""
    if not 1 < len(rows) <= MOST:
        return None
    flat, goal = (part.reshape(len(part), -1) for part in (rows, wanted))
    order = np.empty(len(rows), np.intp)
    order[np.lexsort(goal.T[::-1])] = np.lexsort(flat.T[::-1])
    return None if (order == np.arange(len(rows))).all() else order


def written(order: np.ndarray) -> str:
    """An order as it is told, the first twelve of it."""
    shown = ", ".join(map(str, order[:12].tolist()))
    return f"{shown}, ..." if len(order) > 12 else shown


CAUSE = Cause(mark("order of the input"), "input", tries)
