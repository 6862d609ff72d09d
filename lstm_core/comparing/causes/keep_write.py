"""Some papers let z keep the old state and some let it write: z in the one is 1 - z in the other."""

from __future__ import annotations

from collections.abc import Iterator

from lstm_core.comparing.causes import Cause, Try, everywhere
from lstm_core.comparing.level import Level, Params
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with each gate that keeps or writes exchanged for 1 minus itself."""
    for signal in own.cell.signals:
        if signal.kind == "gate" and signal.role in ("keep", "write"):
            change = say("{gate} of {side} exchanged for 1 \N{MINUS SIGN} {gate}", gate=signal.name, side=own.side)
            yield from everywhere(change, own, lambda p, two, k=signal.name: _opposite(p, k))


def _opposite(params: Params, gate: str) -> Params | None:
    """sigmoid(-x) is 1 - sigmoid(x), and so it is of every hard sigmoid."""
    found = {name: -params[name] for name in (f"W_{gate}", f"U_{gate}", f"b_{gate}") if name in params}
    return {**params, **found} if found else None


CAUSE = Cause(mark("keep and write"), "weights", tries)
