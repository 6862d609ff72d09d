"""Attention: beside its own h_t the readout reads a_t, a weighted mean of all states up to now.

Xu et al. 2015, "Show, Attend and Tell" (arXiv 1502.03044), soft attention: the weights alpha are a softmax of scores
(their equations 4 and 5), what is read is the mean under them (13), and the readout is linear in both (7). They look at
the regions of a picture, we at the network's own states; the score is the "general" one of Luong et al. 2015 (arXiv
1508.04025, section 3.1), one matrix, where theirs is a small network. Only states that are already there are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell, Param, gate
from lstm_core.ops import NUMPY, parameters
from lstm_core.symbols import Expr, SymbolicOps, Symbols, symbol

SOURCE = "Xu et al. 2015, with the score of Luong et al. 2015; the readout reads h and a"
ALPHA = gate("alpha", "attention", "attention: the share of each word's state in what is looked back at")
PARAMS = (Param("W_a", ("hidden", "hidden"), "which state is looked for, given the state now"),)


def attend(p: Any, now: Any, states: Any, xp: Any) -> dict[str, Any]:
    """now (time, batch, unit) asks, states (source, batch, unit) answer; the same array, seen from both sides.

    Returns the scores e and the weights alpha, (time, batch, source), and the means a, (time, batch, unit). ``xp`` is a
    back end: NumPy, torch or symbols.
    """
    e = xp.inner(now, p.W_a @ states)
    alpha = xp.softmax_past(e)
    return {"e": e, "alpha": alpha, "a": xp.mix(alpha, states)}


def attended(params: Mapping[str, Any], h: Any, xp: Any = NUMPY) -> tuple[Any, Any]:
    """h (time, batch, unit) with its a beside it, (time, batch, 2 * unit), and alpha (time, batch, source)."""
    found = attend(parameters(params), h, h, xp)
    return xp.concatenate([h, found["a"]], axis=-1), found["alpha"]


def top(cell: type[Cell], signals: Mapping[str, np.ndarray]) -> np.ndarray:
    """(time, batch, directions * unit): what the top layer shows, both directions beside each other."""
    return np.concatenate(list(signals[cell.output][-1]), axis=-1)


def weights(
    params: Mapping[str, Any] | None, cell: type[Cell], signals: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The signal "alpha" of a run, (1, 1, time, batch, source), by its name; nothing if there is no attention.

    The readout is one layer in one direction, and a source stands where other signals have a unit.
    """
    return {} if params is None else {"alpha": attended(params, top(cell, signals))[1][None, None]}


def error_in_states(params: Mapping[str, np.ndarray], h: np.ndarray, step: int, error: np.ndarray) -> np.ndarray:
    """The error in every state of ``h``, (time, unit), that an ``error`` (2 * unit,) in [h; a] after ``step`` gives.

    It reaches a state as one that asks, as one that answers, and as one that is read: the chain rule, in float64.
    """
    h, error = h.astype(np.float64), np.asarray(error, np.float64)
    weight = np.asarray(params["W_a"], np.float64)
    own, mean = np.split(error, 2)
    found = attend(parameters({"W_a": weight}), h[:, None], h[:, None], NUMPY)
    alpha = found["alpha"][step, 0]
    weighed = h @ mean
    score = alpha * (weighed - alpha @ weighed)  # the derivative of a softmax
    passed = alpha[:, None] * mean + score[:, None] * (h[step] @ weight)
    passed[step] += own + score @ h @ weight.T
    return passed


_WRITTEN = {
    "inner": r"{0}^{{\top}} {1}",
    "softmax_past": r"\operatorname{{softmax}}_{{k \le t}}\left({0}\right)",
    "mix": r"\sum_{{k \le t}} {0}\, {1}",
    "@": r"{0}\, {1}",
}
_LETTERS = {"e": "e_{t,k}", "alpha": r"\alpha_{t,k}", "a": "a_{t}", "now": "h_{t}", "states": "h_{k}", "p.W_a": "W_{a}"}


def expressions() -> dict[str, Expr]:
    """``attend`` on symbols, by name; its symbols are "now", "states" and "p.W_a"."""
    return attend(Symbols("p"), symbol("now"), symbol("states"), SymbolicOps())


def latex() -> list[str]:
    """The equations, one line each, written from the code that runs; k counts the steps up to t."""
    lines = expressions()
    names = {id(expr): name for name, expr in lines.items()}

    def write(expr: Expr, root: bool = False) -> str:
        if not root and id(expr) in names:
            return _LETTERS[names[id(expr)]]
        if expr.op == "symbol":
            return _LETTERS[expr.args[0]]
        return _WRITTEN[expr.op].format(*map(write, expr.args))

    return [f"{_LETTERS[name]} = {write(expr, root=True)}" for name, expr in lines.items()]
