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


def cut(values: np.ndarray) -> np.ndarray:
    """bfloat16 by leaving the lower bits away, as a copy of the upper two bytes has it."""
    return (values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"float16": float16, "bfloat16": bfloat16}


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with its weights rounded: to float16, to bfloat16, or its matrices to 8-bit integers."""
    letters = gates(own)
    for name, rounded in ROUNDINGS.items():
        change = say("the weights of {side} rounded to {kind}", side=own.side, kind=name)
        yield from everywhere(change, own, lambda p, two, r=rounded: _rounded(p, two, letters, r))
        change = say("the matrices of {side} rounded to {kind}", side=own.side, kind=name)
        yield from everywhere(change, own, lambda p, two, r=rounded: _matrices(p, r))
    change = say("the weights of {side} cut off to bfloat16", side=own.side)
    yield from everywhere(change, own, lambda p, two: _rounded(p, two, letters, cut))
    for axes in ("stack", "gate", "row", "column", "stored"):
        change = say("the matrices of {side} rounded to 8-bit integers", side=own.side)
        for steps in STEPS if axes != "stored" else STEPS[:1]:
            yield from everywhere(change, own, lambda p, two, a=axes, n=steps: _int8(p, a, n))


STEPS = (127.0, 127.5, 255.0)
"""On either side of 0: 127 of ONNX and TensorFlow Lite, 127.5 of PyTorch's observers, of which one end is cut off; or
255 from the least weight to the largest, where 0 is at one of them."""


def _matrices(params: Params, rounded: Callable[[np.ndarray], np.ndarray]) -> Params:
    return {name: rounded(value) if value.ndim == 2 else value for name, value in params.items()}


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


def _int8(params: Params, share: str, steps: float) -> Params | None:
    """The nearest of equal steps, up to the largest weight of a stack of gates, of a gate, of a row or of a column; or
    as files of ours are "stored", whose scales have eleven bits. steps: of ``STEPS``."""
    if share == "stored":
        matrices = {name: value for name, value in params.items() if value.ndim == 2}
        if not all(np.isfinite(value).all() for value in matrices.values()):
            return None
        return {**params, **{name: int8(value) for name, value in matrices.items()}}
    found = dict(params)
    for prefix in ("W_", "U_"):
        names = [name for name in params if name.startswith(prefix) and params[name].ndim == 2]
        if not names:
            continue
        stack = np.concatenate([params[name] for name in names])
        for name in names:
            found[name] = _steps(params[name], stack if share in ("stack", "column") else params[name], share, steps)
    return found


def _steps(value: np.ndarray, of: np.ndarray, share: str, steps: float) -> np.ndarray:
    """``value``, rounded to steps that the weights ``of`` give, all of them, or by row or column."""
    axis = {"row": 1, "column": 0}.get(share)
    low = np.minimum(of.min(axis=axis, keepdims=True, initial=0.0), 0.0)
    high = np.maximum(of.max(axis=axis, keepdims=True, initial=0.0), 0.0)
    step = (high - low) / steps if steps == 255 else np.maximum(-low, high) / steps
    step = np.where(step == 0, 1.0, step).astype(np.float32)  # as the frameworks have it: half a step may go either way
    value = value.astype(np.float32)
    if steps == 255:
        zero = np.round(-low / step)
        return ((np.clip(np.round(value / step) + zero, 0, 255) - zero) * step).astype(np.float64)
    return (np.clip(np.round(value / step), -128, 127) * step).astype(np.float64)


CAUSE = Cause(mark("precision"), "weights", tries)
