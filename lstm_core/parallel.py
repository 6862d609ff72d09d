"""All steps of a text at once, for cells whose gates do not look at the past: log2(time) passes in place of time steps.

Such a cell's memory is h_t = a_t h_{t-1} + b_t with every a and b known beforehand. Two such steps are one of the same
kind, (a, b) then (a', b') being (a' a, a' b + b'), so neighbours can be joined, then neighbours of those, and so on:
Hillis & Steele, "Data parallel algorithms", 1986; for recurrent networks Martin & Cundy 2018 (arXiv 1709.04057) and
Feng et al. 2024 (arXiv 2410.01201), section 2.3. Feng et al. add in logarithms, which needs positive candidates; here
they may have either sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from lstm_core import scan as loop
from lstm_core.cells.base import Cell
from lstm_core.equations import Carry, carry
from lstm_core.ops import NUMPY, parameters
from lstm_core.symbols import Expr, SymbolicOps, Symbols, symbol


@cache
def rule_of(cell: type[Cell]) -> Carry | None:
    """The rule of the cell's memory if ``scan`` can run it: its one state goes on linearly, and no gate reads it."""
    rule = carry(cell)
    if rule is None or cell.states() != (rule.state,) or cell.below:
        return None
    gates = cell.gates(Symbols("p"), symbol("x"), Symbols("s"), SymbolicOps())
    known = all(_holds_no_state(expr) for expr in (*gates.values(), rule.rest))
    return rule if known and rule.candidate in gates else None


def _holds_no_state(expr: Expr) -> bool:
    if expr.op == "symbol":
        return not expr.args[0].startswith("s.")
    return expr.op == "number" or all(map(_holds_no_state, expr.args))


def scan(
    cell: type[Cell],
    layers: loop.Layers,
    x: Any,
    state: Mapping[str, Any] | None = None,
    xp: Any = NUMPY,
    reads: Callable[[Any], Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ``lstm_core.scan.scan`` returns, up to rounding. Raises ValueError for a cell that must go step by step."""
    if rule_of(cell) is None:
        raise ValueError(f"the cell {cell.name} reads its past in its gates, so its steps cannot be computed at once")
    return loop.scan(cell, layers, x, state, xp, run=_run, reads=reads)


def linear_recurrence(a: Any, b: Any, first: Any, xp: Any = NUMPY) -> Any:
    """h_t = a_t * h_{t-1} + b_t for all t at once. a, b: (time, ...); first: (...), h before the first step."""
    b = xp.concatenate([a[:1] * first + b[:1], b[1:]])
    reach = 1  # a and b at t stand for the steps t - reach + 1 to t
    while reach < len(b):
        b = xp.concatenate([b[:reach], a[reach:] * b[:-reach] + b[reach:]])
        a = xp.concatenate([a[:reach], a[reach:] * a[:-reach]])
        reach *= 2
    return b


def _run(
    cell: type[Cell],
    params: Mapping[str, Any],
    x: Any,
    old: dict[str, Any],
    below: Any,
    xp: Any,
    backward: bool,
    step: None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One layer in one direction: signals (time, batch, unit) and the last states (batch, unit)."""
    rule = rule_of(cell)
    assert rule is not None
    first = old[rule.state]
    p = parameters(params)
    values = cell.gates(p, xp.flip(x) if backward else x, SimpleNamespace(), xp)
    keep, write = rule.evaluate("keep", values, xp), rule.evaluate("write", values, xp)
    memory = linear_recurrence(keep, write * values[rule.candidate], first, xp)
    before = SimpleNamespace(**{rule.state: xp.concatenate([first[None], memory[:-1]])})
    values |= cell.update(p, SimpleNamespace(**values), before, xp)
    last = {rule.state: values[rule.state][-1]}
    kept = {signal.name: values[signal.name] for signal in cell.signals}
    return {name: xp.flip(value) if backward else value for name, value in kept.items()}, last
