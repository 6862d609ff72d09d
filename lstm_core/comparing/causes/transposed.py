"""A square matrix fits the wrong way round, and the rows of a stack may go by unit instead of by gate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_core.comparing.causes import Cause, Try, everywhere, gates
from lstm_core.comparing.level import Level, Params
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its matrices transposed, and with the rows of a stack sorted by unit or by gate."""
    side = {"side": own.side}
    turned = say("the recurrent matrices of {side} transposed", **side)
    yield from everywhere(turned, own, lambda p, two: _transposed(p, "U_"))
    turned = say("the input matrices of {side} transposed", **side)
    yield from everywhere(turned, own, lambda p, two: _transposed(p, "W_"))
    turned = say("all matrices of {side} transposed", **side)
    yield from everywhere(turned, own, lambda p, two: _both(p))
    letters = gates(own)
    for by_unit in (True, False) if len(letters) > 1 else ():
        if by_unit:
            mixed = say("the rows of the weights of {side} taken by unit instead of by gate", **side)
        else:
            mixed = say("the rows of the weights of {side} taken by gate instead of by unit", **side)
        yield from everywhere(mixed, own, lambda p, two, u=by_unit: _interleaved(p, letters, u))


def _transposed(params: Params, prefix: str) -> Params | None:
    """None where a matrix is not square."""
    found = {name: value.T for name, value in params.items() if name.startswith(prefix) and value.ndim == 2}
    return {**params, **found} if all(v.shape[0] == v.shape[1] for v in found.values()) and found else None


def _both(params: Params) -> Params | None:
    once = _transposed(params, "U_")
    return once and _transposed(once, "W_")


def _interleaved(params: Params, letters: tuple[str, ...], by_unit: bool) -> Params:
    found = dict(params)
    for part in ("W", "U", "b"):
        if not all(f"{part}_{k}" in params for k in letters):
            continue
        stack = np.stack([params[f"{part}_{k}"] for k in letters])  # (gate, unit, ...)
        gates_, units = stack.shape[:2]
        if by_unit:  # what was cut into gates lay there unit by unit
            stack = stack.reshape(units, gates_, *stack.shape[2:]).swapaxes(0, 1)
        else:
            stack = stack.swapaxes(0, 1).reshape(gates_, units, *stack.shape[2:])
        found |= {f"{part}_{k}": stack[at] for at, k in enumerate(letters)}
    return found


CAUSE = Cause(mark("layout of the weights"), "weights", tries)
