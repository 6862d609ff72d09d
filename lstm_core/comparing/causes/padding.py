"""One model skips padding, or stops at the end of each sequence, and the other reads on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with the lengths or the mask of the other model."""
    if own.inputs.shape != other.inputs.shape:
        return
    side = {"side": own.side, "other": other.side}
    if own.lengths is None and other.lengths is not None:
        change = say("{side} ending each sequence where {other} does (lengths)", **side)
        yield Try(change, replace(own, lengths=other.lengths))
    if own.read is None and other.read is not None:
        change = say("{side} skipping the padding that {other} skips (mask)", **side)
        yield Try(change, replace(own, read=other.read))


CAUSE = Cause(mark("padding"), "weights", tries)
