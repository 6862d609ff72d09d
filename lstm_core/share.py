"""What a step keeps of a memory and what it writes, of a whole trace at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_core.equations import Carry

if TYPE_CHECKING:
    from lstm_core.trace import Trace


def share(trace: Trace, rule: Carry, role: str) -> np.ndarray | None:
    """``role`` of the rule, "keep" or "write", (layer, direction, time, batch, unit).

    None where it is made of more than signals, weights that are vectors, and old states: a gate that is not declared
    as a signal. ``lstm_core.analysis.memory`` has that of one sequence. None as well where it is made of a signal that
    the trace did not keep.
    """
    reads, needs = rule.reads(role), rule.needs(role)
    like = next((name for name in (rule.state, *sorted(reads)) if name in trace.signals), None)
    if like is None or not reads <= trace.signals.keys():
        return None
    shape, dtype = trace.signals[like].shape, trace.signals[like].dtype
    if not needs:
        value = np.asarray(rule.evaluate(role, trace.signals), dtype)
        return value if value.shape == shape else np.broadcast_to(value, shape)
    found = np.empty(shape, dtype)
    for layer, direction in np.ndindex(*shape[:2]):
        leaves = dict(_leaves(trace, layer, direction))
        if not needs <= leaves.keys():
            return None
        values = {name: value[layer, direction] for name, value in trace.signals.items()}
        found[layer, direction] = rule.evaluate(role, values, leaves=leaves)
    return found


def _leaves(trace: Trace, layer: int, direction: int) -> Iterator[tuple[str, Any]]:
    for name, value in trace.layers[layer][direction].items():
        if value.ndim < 2:
            yield f"p.{name}", value
    for name in trace.cell.states():
        if name not in trace.signals:
            continue
        values, first = trace.signals[name][layer, direction], trace.initial[name][layer, direction, None]
        before = (values[1:], first) if direction else (first, values[:-1])
        yield f"s.{name}", np.concatenate(before)[: len(values)] if len(values) else values
