"""An input that was rounded on its way in, as a module in half precision reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.causes.precision import ROUNDINGS
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its input (time, batch, input) rounded to float16 and to bfloat16."""
    for name, rounded in ROUNDINGS.items() if not own.chained else ():
        change = say("the input of {side} rounded to {kind}", side=own.side, kind=name)
        yield Try(change, replace(own, inputs=rounded(own.inputs)))


CAUSE = Cause(mark("precision"), "input", tries)
