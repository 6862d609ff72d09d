"""Orders of a layer's units: by index, by how much they keep, by how long they remember, by how much they moved."""

from __future__ import annotations

import numpy as np

from lstm_core.equations import carry
from lstm_core.trace import Trace

ORDERS = ("index", "keep", "timescale", "moved")
SMALL = 32
"""Units of a layer that is always drawn whole."""
PANEL = 65_536
"""Values in a panel at most: more would take long on the way, and be more rows than there are pixels."""


def orders(trace: Trace, layer: int = 0, direction: int = 0) -> dict[str, np.ndarray]:
    """Units in the order in which they are drawn, first on top, by name of the order; each (unit,) int32.

    keep: mean of the keeping gate, most forgetful first. timescale: -1 / mean log keep, longest first. A cell without a
    keeping gate has neither. moved: sum over time of how far the memory went in a step, largest first.
    """
    found: dict[str, np.ndarray] = {"index": np.arange(width(trace))}
    if len(trace) == 0:
        return found
    keep = trace.role("keep")
    if keep is not None:
        values = keep[layer, direction, :, 0]
        found["keep"] = np.argsort(values.mean(0), kind="stable")
        found["timescale"] = np.argsort(-np.log(np.clip(values, 1e-7, 1)).mean(0), kind="stable")
    found["moved"] = np.argsort(-moved(trace, layer, direction), kind="stable")
    return {name: order.astype(np.int32) for name, order in found.items()}


def moved(trace: Trace, layer: int, direction: int) -> np.ndarray:
    """(unit,): the sum over time of how far the memory went in a step."""
    state = memory(trace)
    values = trace.signals[state][layer, direction, :, 0]
    before = trace.initial[state][layer, direction] if state in trace.initial else np.zeros_like(values[:1])
    return np.abs(np.diff(values, axis=0, prepend=before)).sum(0)


def seen(trace: Trace, layer: int, direction: int, unit: int) -> np.ndarray:
    """The units that are drawn, by index, (unit,) int32: all, or, of a wide layer on a long text, as many as a panel
    holds of those that moved most, and ``unit``."""
    count = max(16, PANEL // max(1, len(trace)))
    if width(trace) <= count:
        return np.arange(width(trace), dtype=np.int32)
    most = np.argsort(-moved(trace, layer, direction), kind="stable")
    return np.unique(np.append(most[most != unit][: count - 1], unit)).astype(np.int32)


def width(trace: Trace) -> int:
    """Units of a layer's memory and gates; a projected h has fewer."""
    return trace.signals[memory(trace)].shape[-1]


def memory(trace: Trace) -> str:
    """The signal that carries a cell's memory: the one its update keeps, else its output."""
    rule = carry(trace.cell)
    return rule.state if rule is not None else trace.cell.output
