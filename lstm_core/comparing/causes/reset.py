"""A GRU's reset gate acts before the product U_n h (Cho et al. 2014, Keras's reset_after=False) or after it (cuDNN)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.cells import CELLS
from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level, Params
from lstm_core.say import Said, mark, say
from lstm_core.variant import variant, written


def tries(own: Level, other: Level) -> Iterator[Try]:
    """A GRU of torch's kind as one of Cho's, and one of Cho's as torch's, with its biases where they then belong."""
    recipe = vars(own.cell).get("recipe")
    base, *functions = recipe if isinstance(recipe, tuple) else (own.cell,)
    if written(base) == {"cell": "gru"}:
        changed = variant(CELLS["gru_cho"], *functions)
        params = tuple({**_without(p), "b_n": p["b_n"] + p["b_hn"]} for p in own.params)
        yield Try(_said(own, True), replace(own, cell=changed, params=params))
    elif written(base) == {"cell": "gru_cho"}:
        changed = variant(CELLS["gru"], *functions)
        zeros = [np.zeros_like(p["b_n"]) for p in own.params]
        for ways in ("outside", "inside"):
            two = ("b_n", "b_hn") if ways == "outside" else ("b_hn", "b_n")
            rows = zip(own.params, zeros, strict=True)
            params = tuple({**p, **dict(zip(two, (p["b_n"], zero), strict=True))} for p, zero in rows)
            yield Try(_said(own, False), replace(own, cell=changed, params=params))


def _without(params: Params) -> Params:
    return {name: value for name, value in params.items() if name != "b_hn"}


def _said(own: Level, before: bool) -> Said:
    if before:
        return say("the reset gate of {side} acting before the product", side=own.side)
    return say("the reset gate of {side} acting after the product", side=own.side)


CAUSE = Cause(mark("reset gate"), "weights", tries)
