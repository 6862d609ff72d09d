"""Orders of a layer's units: by index, by how much they keep, by how long they remember, by how much they moved."""

from __future__ import annotations

import numpy as np

from lstm_core.equations import carry
from lstm_core.trace import Trace

ORDERS = ("index", "keep", "timescale", "moved")


def orders(trace: Trace, layer: int = 0, direction: int = 0) -> dict[str, np.ndarray]:
    """Units in the order in which they are drawn, first on top, by name of the order; each (unit,) int32.

    keep: mean of the keeping gate, most forgetful first. timescale: -1 / mean log keep, longest first. A cell without a
    keeping gate has neither. moved: sum over time of how far the memory went in a step, largest first.
    """
    found: dict[str, np.ndarray] = {"index": np.arange(trace.hidden_size)}
    if len(trace) == 0:
        return found
    keep = trace.role("keep")
    if keep is not None:
        values = keep[layer, direction, :, 0]
        found["keep"] = np.argsort(values.mean(0), kind="stable")
        found["timescale"] = np.argsort(-np.log(np.clip(values, 1e-7, 1)).mean(0), kind="stable")
    state = memory(trace)
    values = trace.signals[state][layer, direction, :, 0]
    before = trace.initial[state][layer, direction] if state in trace.initial else np.zeros_like(values[:1])
    found["moved"] = np.argsort(-np.abs(np.diff(values, axis=0, prepend=before)).sum(0), kind="stable")
    return {name: order.astype(np.int32) for name, order in found.items()}


def memory(trace: Trace) -> str:
    """The signal that carries a cell's memory: the one its update keeps, else its output."""
    rule = carry(trace.cell)
    return rule.state if rule is not None else trace.cell.output
