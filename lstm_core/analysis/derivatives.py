"""The derivative of every operation of a cell's step, at the values that it had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.ops import Matrix
from lstm_core.say import say


@dataclass(frozen=True)
class Standardized:
    """The derivative of y = (x - mean) / deviation over the units, with every unit in every other's mean and deviation.
    y: (time, unit). deviation: (time, 1)."""

    y: np.ndarray
    deviation: np.ndarray

    def passed(self, error: np.ndarray, t: int) -> np.ndarray:
        """What reaches x at step ``t`` of the errors (seed, unit) in y."""
        along = (error * self.y[t]).mean(-1, keepdims=True)
        return (error - error.mean(-1, keepdims=True) - self.y[t] * along) / self.deviation[t]


def _of_standardized(y: np.ndarray, x: np.ndarray, eps: float = 1e-5) -> tuple[Any, ...]:
    return Standardized(y, np.sqrt(x.var(-1, keepdims=True) + eps)), None


DERIVATIVES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "+": lambda y, a, b: (1.0, 1.0),
    "-": lambda y, a, b: (1.0, -1.0),
    "*": lambda y, a, b: (b, a),
    "/": lambda y, a, b: (1 / b, -y / b),
    "sigmoid": lambda y, a: (y * (1 - y),),
    "tanh": lambda y, a: (1 - y**2,),
    "exp": lambda y, a: (y,),
    "log": lambda y, a: (1 / a,),
    "log_sigmoid": lambda y, a: (1 - np.exp(y),),
    "abs": lambda y, a: (np.sign(a),),
    "divides": lambda y, a, b: (None, None),  # a clock: constant wherever it has a slope
    "maximum": lambda y, a, b: (np.greater(a, b) * 1.0, np.less_equal(a, b) * 1.0),  # of a rectifier at 0: 0
    "minimum": lambda y, a, b: (np.less_equal(a, b) * 1.0, np.greater(a, b) * 1.0),
}
"""dy/da, dy/db of y = op(a, b); None where it is 0. The derivatives of what is not elementwise, a matrix product and
"standardized", are cases of their own."""
NEEDS_NO_VALUE, NEEDS_NO_ARGUMENTS = "+-*", ("+", "-", "sigmoid", "tanh", "exp", "log_sigmoid")
"""Those whose derivatives are the same whatever y is, and whatever a and b are."""


def derivative(op: str, value: Any, args: list[Any]) -> tuple[Any, ...]:
    """The derivative of a node in each argument, every step at once; None where no error has to go."""
    if not args:
        return ()
    if op == "@":
        return None, args[0]
    if op == "standardized":
        return _of_standardized(value, *args)
    if op not in DERIVATIVES:
        raise NotImplementedError(say("no derivative is known here for the function {op!r}", op=op))
    return DERIVATIVES[op](value, *args)


def in_single(slopes: tuple[Any, ...]) -> tuple[Any, ...]:
    """Derivatives in single precision."""

    def single(slope: Any) -> Any:
        if isinstance(slope, Matrix):
            return Matrix(slope.transposed.T.astype(np.float32))
        if isinstance(slope, Standardized):
            return Standardized(slope.y.astype(np.float32), slope.deviation.astype(np.float32))
        return slope.astype(np.float32) if isinstance(slope, np.ndarray | np.floating) else slope

    return tuple(map(single, slopes))


def passed(slope: Any, error: np.ndarray, t: int) -> np.ndarray:
    """What goes on to an argument of the ``error``, (seed, unit), in what was computed from it at step ``t``."""
    if isinstance(slope, Matrix):
        return error @ slope.transposed.T
    if isinstance(slope, Standardized):
        return slope.passed(error, t)
    return error * (slope[t] if np.ndim(slope) >= 2 else slope)
