"""The gates lie in the file in another order than they are read in: i, o, f, g for i, f, g, o."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from lstm_core.comparing.causes import Cause, Try, everywhere, gates
from lstm_core.comparing.level import Level, Params
from lstm_core.say import Said, mark, say

MOST = 5
"""Of more gates the orders are not tried."""


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its gates taken in every other order: of all weights, or of W, U or the biases alone."""
    letters = gates(own)
    if not 2 <= len(letters) <= MOST:
        return
    for parts in ("WUb", "W", "U", "b"):
        for order in permutations(letters):
            if order != letters:
                said = _said(parts, own.side, ", ".join(order), ", ".join(letters))
                yield from everywhere(said, own, lambda p, two, o=order, k=parts: _taken(p, two, letters, o, k))


def _said(parts: str, side: str, order: str, usual: str) -> Said:
    told = {"side": side, "order": order, "usual": usual}
    if parts == "W":
        return say("the input weights of {side} taken in the order {order} in place of {usual}", **told)
    if parts == "U":
        return say("the recurrent weights of {side} taken in the order {order} in place of {usual}", **told)
    if parts == "b":
        return say("the biases of {side} taken in the order {order} in place of {usual}", **told)
    return say("the gates of {side} taken in the order {order} in place of {usual}", **told)


def _taken(params: Params, two: Params, letters: Sequence[str], order: Sequence[str], parts: str) -> Params:
    """The parameters of each gate of ``letters`` are those that ``order`` names in its place."""
    found = dict(params)
    for part in parts:
        for k, source in zip(letters, order, strict=True):
            if f"{part}_{source}" in params:
                found[f"{part}_{k}"] = params[f"{part}_{source}"]
    inside = [k for k in letters if f"b_h{k}" in params]
    if "b" in parts and inside and two:  # a gate's two biases are one sum elsewhere, and go apart inside
        of_input, of_state = (np.split(two[name], len(letters)) for name in ("bias_ih", "bias_hh"))
        for k, source in zip(letters, order, strict=True):
            at = letters.index(source)
            found[f"b_{k}"] = of_input[at] if k in inside else of_input[at] + of_state[at]
            if k in inside:
                found[f"b_h{k}"] = of_state[at]
    return found


CAUSE = Cause(mark("gate order"), "weights", tries)
