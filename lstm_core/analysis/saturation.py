"""How often is a gate all but shut or all but open? Karpathy, Johnson & Fei-Fei 2015, arXiv 1506.02078, section 4.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lstm_core.trace import Trace


@dataclass(frozen=True, eq=False)
class Saturation:
    """left, right: by gate, (unit,): the share of the steps at which the gate is below ``low``, and above ``high``."""

    left: Mapping[str, np.ndarray]
    right: Mapping[str, np.ndarray]
    low: float
    high: float


def saturation(
    trace: Trace, low: float = 0.1, high: float = 0.9, *, layer: int = -1, backward: bool = False
) -> Saturation:
    """The saturated fractions of every gate of a layer, over all steps and the whole batch. Needs at least one step.

    Gates are those that lie between 0 and 1; the plain RNN has none and gives empty results.
    """
    if len(trace) == 0:
        raise ValueError("a trace of no steps has no fractions")
    gates = [signal.name for signal in trace.cell.signals if signal.kind == "gate" and signal.high == 1]
    values = {name: trace.sel(name, layer=layer, direction=int(backward)) for name in gates}
    return Saturation(
        {name: (value < low).mean(axis=(0, 1)) for name, value in values.items()},
        {name: (value > high).mean(axis=(0, 1)) for name, value in values.items()},
        low,
        high,
    )
