"""The state that a run begins with: not passed on, h taken for c, or the one direction's for the other's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with the other's first state, with h and c exchanged, or with those of its two directions exchanged."""
    if {n: v.shape for n, v in own.initial.items()} != {n: v.shape for n, v in other.initial.items()}:
        return
    side = {"side": own.side, "other": other.side}
    if all((value == 0).all() for value in own.initial.values()):
        change = say("the first state of {other} passed to {side}, which begins with zeros", **side)
        yield Try(change, _from(own, other))
    names = list(own.initial)
    if len(names) == 2 and own.initial[names[0]].shape == own.initial[names[1]].shape:
        swapped = dict(zip(names, list(own.initial.values())[::-1], strict=True))
        yield Try(say("h and c of the first state of {side} exchanged", **side), replace(own, initial=swapped))
    if len(own.params) == 2:
        turned = {name: value[::-1] for name, value in own.initial.items()}
        change = say("the first states of the two directions of {side} exchanged", **side)
        yield Try(change, replace(own, initial=turned))
    if own.side == "B" and any(np.any(value) for value in own.initial.values()):
        yield Try(say("the first state of {other} in place of that of {side}", **side), _from(own, other))


def _from(own: Level, other: Level) -> Level:
    return replace(own, initial=other.initial)


CAUSE = Cause(mark("first state"), "state", tries)
