"""How a memory goes on, found in the values of a run: c_t = keep * c_{t-1} + write * candidate among named signals.

Keep and write are a signal, 1 minus a signal, or 1. A rule is found on a few values and taken only if it holds for all
of them to rounding. Which of two rules that both hold is written, they cannot say: it is the plainer one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lstm_core.symbols import Expr, lift, symbol

PLACES = 256
"""Values that a rule is looked for in, drawn with a fixed seed from those where there is a memory to keep."""

EVIDENCE = 8
"""Without so many of them, nothing is said."""

Choice = tuple[Expr, np.ndarray]


def rule(
    state: str, after: np.ndarray, before: np.ndarray, signals: Mapping[str, np.ndarray], limit: float
) -> Expr | None:
    """The rule of ``state`` as an expression in the signals ("v.f") and the old state; None if there is none.

    after, before: (time, batch, unit), the state after each step and before it. signals: by name, of as many units or
    of one. limit: by how much the two sides may differ.
    """
    fitting = {
        name: np.broadcast_to(value, after.shape)
        for name, value in signals.items()
        if value.shape[-1] in (1, after.shape[-1])
    }
    places = np.flatnonzero(np.abs(before) > 100 * limit)
    if len(places) < EVIDENCE or not fitting:
        return None
    if len(places) > PLACES:
        places = np.random.default_rng(0).choice(places, PLACES, replace=False)
    few = {name: value.ravel()[places] for name, value in fitting.items()}
    gates = [name for name, value in few.items() if value.min() >= 0 and value.max() <= 1]
    rest = [name for name in few if name not in gates]
    old, new = before.ravel()[places], after.ravel()[places]
    keeps = _shares(few, [*gates, *rest])
    writes = _shares(few, [*gates, *rest])
    for keep, share in keeps:
        left = new - share * old
        for write, amount in writes:
            for name in (*rest, *gates):
                if np.abs(left - amount * few[name]).max() <= limit:
                    if _holds(keep, write, name, after, before, fitting, limit):
                        return keep * symbol(f"s.{state}") + _times(write, symbol(f"v.{name}"))
    return None


def _shares(values: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Choice]:
    """What may keep or write, plainest first."""
    plain = [(symbol(f"v.{name}"), values[name]) for name in names]
    return [*plain, *((1 - expr, 1 - value) for expr, value in plain), (lift(1), np.ones_like(plain[0][1]))]


def _times(write: Expr, candidate: Expr) -> Expr:
    return candidate if write.op == "number" else write * candidate


def _holds(
    keep: Expr,
    write: Expr,
    candidate: str,
    after: np.ndarray,
    before: np.ndarray,
    signals: Mapping[str, np.ndarray],
    limit: float,
) -> bool:
    """Whether it does everywhere."""

    def value(expr: Expr) -> np.ndarray | float:
        if expr.op == "number":
            return 1.0
        if expr.op == "symbol":
            return signals[expr.args[0].removeprefix("v.")]
        return 1 - signals[expr.args[1].args[0].removeprefix("v.")]

    return bool(np.abs(value(keep) * before + value(write) * signals[candidate] - after).max() <= limit)
