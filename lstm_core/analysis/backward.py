"""Errors sent back through a layer's run, by the chain rule: what reaches an operation of the cell's step goes on to
what it was computed from, and what reaches the old states is the error of the step before.

In float64; errors that are given in float32 are sent back in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.analysis.derivatives import NEEDS_NO_ARGUMENTS, NEEDS_NO_VALUE, derivative, in_single, passed
from lstm_core.analysis.steps import Steps
from lstm_core.analysis.tape import ARITHMETIC, Tape, tape

Slopes = list[tuple[Any, ...]]
"""By node of a tape, how it passes an error on to each of its arguments, every step at once: its derivatives, or what
an attribution puts in their place; None for an argument to which none goes."""


@dataclass(frozen=True, eq=False)
class Factor:
    """The gradient of a parameter, step by step, unmultiplied: delta_t x read_t (entry by entry times ``mask``, if the
    parameter is masked), or delta_t alone for a vector. delta, read: (time, ...) in the order of the tokens."""

    delta: np.ndarray
    read: np.ndarray | None
    mask: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Pass:
    """Errors of one layer and direction in the order of reading, (time, seed, ...) each."""

    deltas: dict[str, np.ndarray]
    states: dict[str, np.ndarray]
    x: np.ndarray
    first: dict[str, np.ndarray]  # (seed, unit), in the states before the first step
    below: dict[str, np.ndarray]
    matrices: dict[str, list[Factor]]  # in the order of the tokens; of the first seed
    vectors: dict[str, np.ndarray]


def derivatives(cell: Tape, values: list[Any]) -> Slopes:
    """Of every node."""
    return [derivative(node.op, values[at], [values[arg] for arg in node.args]) for at, node in enumerate(cell.nodes)]


def backward(
    run: Steps, given: Mapping[str, np.ndarray], slopes: Callable[[Tape, list[Any]], Slopes] = derivatives
) -> Pass:
    """Errors ``given`` in signals, by name (time, seed, unit), sent back from the last step.

    Where the arrays of ``run`` are those of several runs, (time, run, unit), there is a seed for each of them, and no
    parameter's part is of use. Raises NotImplementedError where a function has no derivative.
    """
    cell, states = tape(run.cell), run.cell.states()
    values = cell.forward(run.leaves())
    net = {signal.name: _net_input(cell, signal.name) for signal in run.cell.signals if signal.kind != "state"}
    symbols = {node.value: at for at, node in enumerate(cell.nodes) if node.op == "symbol"}
    products = [at for at, node in enumerate(cell.nodes) if node.op == "@"]
    watched = {*net.values(), *symbols.values(), *products, *(cell.signals[name] for name in states)}
    kept, first = _sent(run, given, slopes(cell, values), watched)
    seeds = next(iter(given.values())).shape[:2]

    def errors_at(at: int) -> np.ndarray:
        return kept[at] if at in kept else np.zeros((*seeds, *np.shape(values[at])[-1:]))

    matrices: dict[str, list[Factor]] = {}
    for at in products:
        matrix, operand = cell.nodes[at].args
        names = cell.nodes[matrix].args or (matrix,)  # one parameter, or the product of one and its mask
        for name in names:
            mask = next((values[other].transposed.T for other in names if other != name), None)
            delta = np.where(run.skipped[:, None], 0.0, errors_at(at)[:, 0])
            factor = Factor(run.flip(delta), run.flip(values[operand]), mask)
            matrices.setdefault(cell.nodes[name].value.removeprefix("p."), []).append(factor)
    return Pass(
        deltas={name: errors_at(at) for name, at in net.items()},
        states={name: errors_at(cell.signals[name]) for name in states},
        x=errors_at(symbols["x"]),
        first=first,
        below={name: errors_at(symbols[f"s.below_{name}"]) for name in run.cell.below},
        matrices=matrices,
        vectors={name: errors_at(symbols[f"p.{name}"]) for name in run.params if name not in matrices},
    )


def through_time(
    run: Steps, state: str, given: Mapping[str, np.ndarray], start: int | None = None, known: bool = False
) -> np.ndarray:
    """(time, seed, unit): the errors in ``state`` alone of errors as in ``backward``, sent from ``start`` (the last
    step) to the old states and nowhere else. known: the signals are taken from ``run`` and not computed again."""
    cell = tape(run.cell)
    leads = _leading(cell, run.cell.states())
    value = cell.asked(run.leaves(), run.signals) if known else cell.forward(run.leaves()).__getitem__
    local = [_towards(cell, at, leads, value) for at in range(len(cell.nodes))]
    return _sent(run, given, local, {cell.signals[state]}, start)[0][cell.signals[state]]


def _leading(cell: Tape, states: tuple[str, ...]) -> list[bool]:
    """Of every node, whether it reads an old state, by whatever others."""
    leads: list[bool] = []
    for node in cell.nodes:
        old = node.op == "symbol" and str(node.value) in {f"s.{name}" for name in states}
        leads.append(old or any(leads[arg] for arg in node.args))
    return leads


def _towards(cell: Tape, at: int, leads: list[bool], value: Callable[[int], Any]) -> tuple[Any, ...]:
    """The derivatives of a node in the arguments that ``leads`` names, from as few values as they need."""
    node = cell.nodes[at]
    if not leads[at]:
        return ()
    if node.op == "@":
        slopes: tuple[Any, ...] = None, value(node.args[0])
    else:
        y = None if node.op in NEEDS_NO_VALUE else value(at)
        slopes = derivative(node.op, y, [None if node.op in NEEDS_NO_ARGUMENTS else value(arg) for arg in node.args])
    return tuple(slope if leads[arg] else None for arg, slope in zip(node.args, slopes, strict=False))


def _sent(
    run: Steps, given: Mapping[str, np.ndarray], local: Slopes, watched: set[int], start: int | None = None
) -> tuple[dict[int, np.ndarray], dict[str, np.ndarray]]:
    """(time, seed, unit) of every node of ``watched`` that an error reaches and of every state of it; and (seed, unit)
    of the states before the first step."""
    cell, states = tape(run.cell), run.cell.states()
    time, seeds, _ = next(iter(given.values())).shape
    dtype = np.float32 if next(iter(given.values())).dtype == np.float32 else np.float64
    if dtype == np.float32:
        local = [in_single(slopes) for slopes in local]
    none = {name: np.zeros((seeds, run.signals[name].shape[-1]), dtype) for name in states}
    held = {name: cell.signals[name] for name in states if cell.signals[name] in watched}
    kept: dict[int, np.ndarray] = {at: np.zeros((time, *none[name].shape), dtype) for name, at in held.items()}
    carried = none
    for t in range(time - 1 if start is None else start, -1, -1):
        if run.skipped[t]:  # the states went by as they were, and so does the error in them
            carried = {name: error + given[name][t] if name in given else error for name, error in carried.items()}
            for name, at in held.items():
                kept[at][t] = carried[name]
            continue
        errors: list[Any] = [None] * len(cell.nodes)
        for name, error in [*carried.items(), *((name, found[t]) for name, found in given.items())]:
            at = cell.signals[name]
            errors[at] = error if errors[at] is None else errors[at] + error
        for at in range(len(cell.nodes) - 1, -1, -1):
            error, node = errors[at], cell.nodes[at]
            if error is None:
                continue
            if at in watched:
                if at not in kept:
                    kept[at] = np.zeros((time, *error.shape), dtype)
                kept[at][t] = error
            for arg, slope in zip(node.args, local[at], strict=False):
                if slope is not None:
                    more = passed(slope, error, t)
                    errors[arg] = more if errors[arg] is None else errors[arg] + more
        olds = {node.value: errors[at] for at, node in enumerate(cell.nodes) if node.op == "symbol"}
        carried = {name: zero if olds.get(f"s.{name}") is None else olds[f"s.{name}"] for name, zero in none.items()}
    return kept, carried


def _net_input(cell: Tape, signal: str) -> int:
    """Where the net input of a gate is computed: under its function, or the gate itself if it is only arithmetic."""
    node = cell.nodes[cell.signals[signal]]
    return node.args[0] if node.op not in ARITHMETIC and len(node.args) == 1 else cell.signals[signal]
