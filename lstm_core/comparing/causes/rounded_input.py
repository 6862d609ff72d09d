"""An input that was rounded on its way in, as a module in half precision reads it, or the embedding it is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.causes.precision import ROUNDINGS, int8
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its input (time, batch, input) rounded to float16 and to bfloat16, its embedding to 8 bits."""
    for name, rounded in ROUNDINGS.items() if not own.chained else ():
        change = say("the input of {side} rounded to {kind}", side=own.side, kind=name)
        yield Try(change, replace(own, inputs=rounded(own.inputs)))
    if own.words is not None and np.isfinite(own.words.embedding).all():
        change = say("the embedding of {side} rounded to 8-bit integers", side=own.side)
        yield Try(change, replace(own, inputs=int8(own.words.embedding)[own.words.ids]))


CAUSE = Cause(mark("precision"), "input", tries)
