"""What is known of a cell by its values alone: which signals are gates, and how its memory goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_core.cells.base import Cell, Signal, candidate, gate, state, upward
from lstm_core.equations import plain
from lstm_core.modules.own.check import Compared
from lstm_core.modules.own.rule import rule
from lstm_core.observed import expressions, observed
from lstm_core.ops import NUMPY
from lstm_core.symbols import Expr

BY_VALUE = "which signals are gates is told by their values, all between 0 and 1: {names}"
FOUND = "the rule {rule} was found in the values, and it holds at every step"


def array(tensor: Tensor) -> np.ndarray:
    """A copy, half precision as float32."""
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    return tensor.detach().cpu().numpy().copy()


def flat(tensor: Tensor) -> np.ndarray:
    """(time, batch, unit) of (time, batch, ...)."""
    return array(tensor.flatten(2) if tensor.dim() > 2 else tensor[..., None])


def frozen(params: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Copies that cannot be written to."""
    copies = {name: array(value) for name, value in params.items()}
    for copy in copies.values():
        copy.flags.writeable = False
    return copies


@dataclass(frozen=True)
class Own:
    """What is known of somebody's cell. outputs: what it gives beside its states. shapes: of what was flattened.
    declared: what its author says of some of the signals."""

    name: str
    states: Sequence[str]
    outputs: Sequence[str]
    shapes: Mapping[str, tuple[int, ...]]
    declared: Sequence[Signal]


def cell_of(
    own: Own,
    values: Mapping[str, np.ndarray],
    initial: Mapping[str, np.ndarray],
    update: Callable[..., Mapping[str, Any]] | None,
    compared: Compared,
) -> tuple[type[Cell], list[str]]:
    """The cell, and what has to be said of it. What its update makes of the values is compared with them.

    values: every signal, (time, batch, unit). initial: the states before, (batch, unit). Without ``update`` it is
    looked for.
    """
    states = own.states
    before = {at: np.concatenate([initial[at][None], values[at][:-1]]) for at in states}
    said: list[str] = []
    if update is not None:
        exprs = expressions(states, own.outputs, list(values), update)
    else:
        others = {at: value for at, value in values.items() if at not in states and at not in own.outputs}
        rules = {at: rule(at, values[at], before[at], others, _close(values[at], compared)) for at in states}
        exprs = {at: expr for at, expr in rules.items() if expr is not None}
    known = {signal.name: signal for signal in own.declared}
    kinds = dict.fromkeys(own.outputs, upward) | dict.fromkeys(states, state)
    signals = tuple(known.get(at) or _signal(at, value, kinds.get(at), exprs) for at, value in values.items())
    guessed = [signal.name for signal in signals if signal.kind == "gate" and signal.name not in known]
    if guessed:
        said.append(BY_VALUE.format(names=", ".join(guessed)))
    cell = observed(own.name, signals, own.shapes, exprs)
    if update is None:
        said += [FOUND.format(rule=f"{at} = {plain(_primed(expr)).replace(' * ', ' ')}") for at, expr in exprs.items()]
    made = cell.update(None, SimpleNamespace(**values), SimpleNamespace(**before), NUMPY)
    for at, value in made.items():
        value = np.broadcast_to(value, values[at].shape)
        compared.compare(at, torch.from_numpy(values[at]), torch.from_numpy(np.array(value)))
    return cell, said


def _close(values: np.ndarray, compared: Compared) -> float:
    """By how much a rule may be off: a tenth of what a run may."""
    return compared.limit / 10 * max(1.0, float(np.abs(values).max(initial=0.0, where=np.isfinite(values))))


def _signal(name: str, values: np.ndarray, kind: Callable[..., Signal] | None, update: Mapping[str, Expr]) -> Signal:
    """A signal as its values suggest. kind: of what is a state or an output."""
    meaning = f"{name}, as the module computes it"
    if kind is not None:
        return kind(name, {"h": "hidden", "c": "cell"}.get(name, name), meaning)
    rules = [parts for parts in (_rule(expr) for expr in update.values()) if parts]
    role = next((role for parts in rules for role, of in parts.items() if of == name), name)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if 0 <= low and high <= 1 and role != "candidate":
        return gate(name, role, meaning)
    ends = (-1.0, 1.0) if -1 <= low and high <= 1 else (-np.inf, np.inf)
    return candidate(name, meaning, *ends, role=role)


def _rule(expr: Expr) -> dict[str, str]:
    """Which signals keep, write and are written, where the rule is as plain as it is found."""
    found = {}
    if expr.op == "+" and expr.args[0].op == "*":
        added = expr.args[1]
        parts = {"keep": expr.args[0].args[0], "candidate": added}
        if added.op == "*":
            parts |= {"write": added.args[0], "candidate": added.args[1]}
        found = {
            role: part.args[0][2:] for role, part in parts.items() if part.op == "symbol" and part.args[0][:2] == "v."
        }
    return found


def _primed(expr: Expr) -> Expr:
    """With old states written as in the tables of cells: c'."""
    if expr.op == "symbol":
        return Expr("symbol", expr.args[0] + "'") if expr.args[0].startswith("s.") else expr
    return expr if expr.op == "number" else Expr(expr.op, *map(_primed, expr.args))
