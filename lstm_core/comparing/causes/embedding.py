"""Rows of an embedding are off by one or two (a row for padding, for unknown words), or padding's row is not zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say

SHIFTS = (1, -1, 2, -2)


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its words looked up some rows away, and with zeros for one of its words."""
    if own.words is None or own.inputs.shape != other.inputs.shape:
        return
    embedding, ids = own.words.embedding, own.words.ids
    for shift in SHIFTS:
        change = say("the words of {side} looked up {shift:+d} rows away in its embedding", side=own.side, shift=shift)
        yield Try(change, replace(own, inputs=embedding[(ids + shift) % len(embedding)]))
    for padding in np.unique(ids)[:8]:
        zeros = np.where((ids == padding)[..., None], 0.0, own.inputs)
        change = say("zeros for the padding of {side}, word {padding}", side=own.side, padding=int(padding))
        yield Try(change, replace(own, inputs=zeros))


CAUSE = Cause(mark("embedding"), "input", tries)
