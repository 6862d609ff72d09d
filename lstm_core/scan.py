"""The only time loop: runs a cell over a sequence, layer by layer, in one or both directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY, parameters

Layers = Sequence[Sequence[Mapping[str, Any]]]
"""Parameters by layer, then by direction (forward, and backward if there are two), then by name."""

Step = Callable[[int, int, int, SimpleNamespace, Any, SimpleNamespace], "dict[str, Any] | None"]
"""(layer, direction, t, p, x_t, s) -> the values of this step, or None to let the cell compute them."""


def hidden_size(cell: type[Cell], params: Mapping[str, Any]) -> int:
    """Number of units, read off the first parameter with a hidden axis."""
    for param in cell.params:
        if "hidden" in param.axes:
            return params[param.name].shape[param.axes.index("hidden")]
    raise ValueError(f"no parameter of the cell {cell.name} has a hidden axis")


@np.errstate(
    under="ignore", invalid="ignore"
)  # BLAS raises the latter for lanes that it does not use: numpy issue #24067
def scan(
    cell: type[Cell],
    layers: Layers,
    x: Any,
    state: Mapping[str, Any] | None = None,
    xp: Any = NUMPY,
    step: Step | None = None,
    run: Callable[..., tuple[dict[str, Any], dict[str, Any]]] | None = None,
    reads: Callable[[Any], Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run ``cell`` over ``x``.

    x: (time, batch, input). state: for each state of the cell (layer, direction, batch, unit); zeros where left out.
    step: asked first at every step; it may do the step in the cell's place.
    run: does one layer in one direction in place of the time loop (``lstm_core.parallel``).
    reads: applied to what each layer reads, x included (dropout).

    Returns the signals, each (layer, direction, time, batch, unit), and the last states, each (layer, direction,
    batch, unit). The time index is the index in ``x`` in both directions. A layer above gets the output of both
    directions, forward first.
    """
    signals: dict[str, list[Any]] = {signal.name: [] for signal in cell.signals}
    final: dict[str, list[Any]] = {name: [] for name in cell.states()}
    under: list[dict[str, Any]] = []
    for layer, directions in enumerate(layers):
        rows = []
        x = reads(x) if reads else x
        for direction, params in enumerate(directions):
            zeros = None
            if state is None or cell.below or not set(cell.states()) <= set(state):
                zeros = xp.zeros((x.shape[1], hidden_size(cell, params)), like=x)
            old = {
                name: zeros if state is None or name not in state else xp.asarray(state[name][layer][direction], like=x)
                for name in cell.states()
            }
            below = {f"below_{name}": under[direction][name] if under else [zeros] * len(x) for name in cell.below}
            values, last = (run or _run)(
                cell, params, x, old, below, xp, direction == 1, step and partial(step, layer, direction)
            )
            for name, value in values.items():
                signals[name].append(value)
            for name, value in last.items():
                final[name].append(value)
            rows.append(values)
        outputs = [values[cell.output] for values in rows]
        x = outputs[0] if len(outputs) == 1 else xp.concatenate(outputs, axis=-1)
        under = rows

    def fold(arrays: list[Any]) -> Any:
        stacked = xp.stack(arrays)
        return stacked.reshape((len(layers), len(layers[0]), *stacked.shape[1:]))

    return {name: fold(a) for name, a in signals.items()}, {name: fold(a) for name, a in final.items()}


def _run(
    cell: type[Cell],
    params: Mapping[str, Any],
    x: Any,
    old: dict[str, Any],
    below: Mapping[str, Any],
    xp: Any,
    backward: bool,
    step: Callable[..., dict[str, Any] | None] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One layer in one direction: signals (time, batch, unit) and the last states (batch, unit)."""
    p = parameters(params)
    order = range(len(x) - 1, -1, -1) if backward else range(len(x))
    steps: dict[str, list[Any]] = {signal.name: [] for signal in cell.signals}
    for t in order:
        s = SimpleNamespace(**old, **{name: values[t] for name, values in below.items()})
        values = step(t, p, x[t], s) if step else None
        if values is None:
            values = cell.gates(p, x[t], s, xp)
            values |= cell.update(p, SimpleNamespace(**values), s, xp)
        for name, kept in steps.items():
            kept.append(values[name])
        old = {name: values[name] for name in old}
    return {name: xp.stack(a[::-1] if backward else a) for name, a in steps.items()}, old


def skipping(cell: type[Cell], read: np.ndarray, xp: Any = NUMPY) -> Step:
    """A ``step`` for ``scan`` that skips: where ``read`` (time, batch) is False the states stay as they were, and the
    other signals, which nobody computed, are NaN."""

    def step(layer: int, direction: int, t: int, p: SimpleNamespace, x: Any, s: SimpleNamespace) -> dict[str, Any]:
        values = cell.gates(p, x, s, xp)
        values |= cell.update(p, SimpleNamespace(**values), s, xp)
        return passed_by(cell, values, read[t], s, xp)

    return step


def passed_by(
    cell: type[Cell], values: Mapping[str, Any], read: np.ndarray, s: SimpleNamespace, xp: Any = NUMPY
) -> dict[str, Any]:
    """The ``values`` of a step in the rows that ``read`` it, (batch,); in the others the old states ``s``, else NaN."""
    states = cell.states()
    return {
        signal.name: xp.where(
            read[:, None], values[signal.name], getattr(s, signal.name) if signal.name in states else math.nan
        )
        for signal in cell.signals
    }
