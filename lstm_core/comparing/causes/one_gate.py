"""One gate's weights alone: a bias that was not copied, a matrix the wrong way round; the other gates are right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_core.comparing.causes import Cause, Try, everywhere, gates
from lstm_core.comparing.level import Level, Params
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with one gate's bias left out, or one of its matrices transposed."""
    letters = gates(own)
    for at, gate in enumerate(letters) if len(letters) > 1 else ():
        told = {"side": own.side, "gate": gate}
        yield from everywhere(
            say("the biases of {gate} of {side} left out", **told), own, lambda p, two, k=gate: _without(p, k)
        )
        change = say("the second bias (bias_hh) of {gate} of {side} left out", **told)
        yield from everywhere(change, own, lambda p, two, a=at: _one(p, two, letters, a, "bias_ih"))
        change = say("the first bias (bias_ih) of {gate} of {side} left out", **told)
        yield from everywhere(change, own, lambda p, two, a=at: _one(p, two, letters, a, "bias_hh"))
        for prefix, name in (("U_", "recurrent"), ("W_", "input")):
            if name == "recurrent":
                change = say("the recurrent matrix of {gate} of {side} transposed", **told)
            else:
                change = say("the input matrix of {gate} of {side} transposed", **told)
            yield from everywhere(change, own, lambda p, two, n=prefix + gate: _turned(p, n))


def _without(params: Params, gate: str) -> Params | None:
    found = {name: 0 * params[name] for name in (f"b_{gate}", f"b_h{gate}") if name in params}
    return {**params, **found} if found else None


def _one(params: Params, two: Params, letters: tuple[str, ...], at: int, kept: str) -> Params | None:
    """Of the two biases of one gate the one that is kept."""
    if not two:
        return None
    gate, bias = letters[at], np.split(two[kept], len(letters))[at]
    if f"b_h{gate}" not in params:
        return {**params, f"b_{gate}": bias}
    inside = kept == "bias_hh"
    return {**params, f"b_{gate}": 0 * bias if inside else bias, f"b_h{gate}": bias if inside else 0 * bias}


def _turned(params: Params, name: str) -> Params | None:
    matrix = params[name]
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        return None
    return {**params, name: matrix.T}


CAUSE = Cause(mark("one gate"), "weights", tries)
