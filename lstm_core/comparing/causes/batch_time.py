"""Batch and time exchanged: batch_first said of one model and not of the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with the first two axes of its input exchanged; (time, batch, input) must then fit the other's."""
    turned = own.inputs.swapaxes(0, 1)
    if own.chained or turned.shape != other.inputs.shape or any(value.any() for value in own.initial.values()):
        return
    change = say("batch and time of the input of {side} exchanged (batch_first)", side=own.side)
    units = {name: (len(value), turned.shape[1], value.shape[-1]) for name, value in own.initial.items()}
    zeros = {name: own.initial[name][:, :1].repeat(shape[1], axis=1) for name, shape in units.items()}
    yield Try(change, replace(own, inputs=turned, initial=zeros, lengths=None, read=None))


CAUSE = Cause(mark("batch and time"), "input", tries)
