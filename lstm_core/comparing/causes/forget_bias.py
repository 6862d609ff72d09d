"""TensorFlow's old cells add 1 to the forget gate's bias when they run; other files hold it in the bias."""

from __future__ import annotations

from collections.abc import Iterator

from lstm_core.comparing.causes import Cause, Try, everywhere
from lstm_core.comparing.level import Level
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with 1 added to the bias of each gate that keeps."""
    keeps = [f"b_{signal.name}" for signal in own.cell.signals if signal.role == "keep"]
    for name in keeps:
        if name in own.params[0]:
            change = say("1 added to the forget bias of {side}", side=own.side)
            yield from everywhere(change, own, lambda p, two, n=name: {**p, n: p[n] + 1})


CAUSE = Cause(mark("forget bias"), "weights", tries)
