"""The input of one model is the other's, scaled or shifted: pixels from 0 to 255, features that were standardised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its input scaled and shifted by what fits the other's best: as a whole, then by feature."""
    x, wanted = own.inputs, other.inputs
    if own.chained or x.shape != wanted.shape or not x.size:
        return
    there = np.isfinite(x) & np.isfinite(wanted)
    if not x[there].any():
        return
    side = {"side": own.side}
    factor = float((x[there] * wanted[there]).sum() / (x[there] ** 2).sum())
    yield Try(say("the input of {side} multiplied by {factor:.6g}", **side, factor=factor), _with(own, x * factor))
    slope, offset = _line(x[there], wanted[there])
    numbers = {"factor": slope, "offset": offset}
    change = say("the input of {side} multiplied by {factor:.6g} and {offset:.6g} added", **side, **numbers)
    yield Try(change, _with(own, x * slope + offset))
    if there.all() and x.shape[0] * x.shape[1] > 2:
        rows, targets = x.reshape(-1, x.shape[-1]), wanted.reshape(-1, x.shape[-1])
        lines = [_line(*columns) for columns in zip(rows.T, targets.T, strict=True)]
        slopes, offsets = (np.array(part) for part in zip(*lines, strict=True))
        change = say("each feature of the input of {side} scaled and shifted by itself", **side)
        yield Try(change, _with(own, x * slopes + offsets))


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the straight line from x to y with the least squares."""
    spread = ((x - x.mean()) ** 2).sum()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread) if spread else 1.0
    return slope, float(y.mean() - slope * x.mean())


def _with(own: Level, inputs: np.ndarray) -> Level:
    return replace(own, inputs=inputs)


CAUSE = Cause(mark("scaled input"), "input", tries)
