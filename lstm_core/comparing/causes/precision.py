"""Weights that were rounded: to half precision, to bfloat16, or to 8-bit integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lstm_core import stored
from lstm_core.comparing.causes import Cause, Try, everywhere, gates
from lstm_core.comparing.level import Level, Params
from lstm_core.say import mark, say


def float16(values: np.ndarray) -> np.ndarray:
    """The nearest of half precision."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float64)


def bfloat16(values: np.ndarray) -> np.ndarray:
    """The nearest of bfloat16, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    bits = bits + 0x7FFF + ((bits >> 16) & 1)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


def int8(matrix: np.ndarray) -> np.ndarray:
    """As it comes back from a file of ours that stores 8-bit integers, (row, ...)."""
    return stored.rounded(matrix, "int8").astype(np.float64)


ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"float16": float16, "bfloat16": bfloat16}


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its weights rounded: to float16, to bfloat16, or its matrices to 8-bit integers."""
    letters = gates(own)
    for name, rounded in ROUNDINGS.items():
        change = say("the weights of {side} rounded to {kind}", side=own.side, kind=name)
        yield from everywhere(change, own, lambda p, two, r=rounded: _rounded(p, two, letters, r))
    for axes in ("stack", "gate", "row", "stored"):
        change = say("the matrices of {side} rounded to 8-bit integers", side=own.side)
        yield from everywhere(change, own, lambda p, two, a=axes: _int8(p, a))


def _rounded(
    params: Params, two: Params, letters: tuple[str, ...], rounded: Callable[[np.ndarray], np.ndarray]
) -> Params:
    """Of two biases each is rounded, and not their sum."""
    found = {name: rounded(value) for name, value in params.items()}
    if two:
        of_input, of_state = (np.split(rounded(two[name]), len(letters)) for name in ("bias_ih", "bias_hh"))
        for at, k in enumerate(letters):
            inside = f"b_h{k}" in params
            found[f"b_{k}"] = of_input[at] if inside else of_input[at] + of_state[at]
            found |= {f"b_h{k}": of_state[at]} if inside else {}
    return found


def _int8(params: Params, share: str) -> Params | None:
    """Symmetric: the nearest of 127 equal steps on either side of 0, up to the largest weight of a stack of gates, of
    a gate, or of a row; or as files of ours are "stored", whose scales have eleven bits."""
    if share == "stored":
        matrices = {name: value for name, value in params.items() if value.ndim == 2}
        if not all(np.isfinite(value).all() for value in matrices.values()):
            return None
        return {**params, **{name: int8(value) for name, value in matrices.items()}}
    found = dict(params)
    for prefix in ("W_", "U_"):
        names = [name for name in params if name.startswith(prefix)]
        largest = max((np.abs(params[name]).max(initial=0.0) for name in names), default=0.0)
        for name in names:
            value = params[name]
            most = {"stack": largest, "gate": np.abs(value).max(initial=0.0)}.get(share)
            step = (np.abs(value).max(axis=1, keepdims=True, initial=0.0) if most is None else np.asarray(most)) / 127
            step = np.where(step == 0, 1.0, step)
            found[name] = np.round(value / step) * step
    return found


CAUSE = Cause(mark("precision"), "weights", tries)
