"""How often is a gate all but shut or all but open? Karpathy, Johnson & Fei-Fei 2015, arXiv 1506.02078, section 4.2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.kinds import kinds
from lstm_core.say import say
from lstm_core.sequences import taken
from lstm_core.shown import Result
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Saturation(Result):
    """left, right: by gate, (unit,): the share of the steps at which the gate is below ``low``, and above ``high``."""

    left: Mapping[str, np.ndarray]
    right: Mapping[str, np.ndarray]
    low: float
    high: float


@kinds
def saturation(
    trace: Trace, low: float = 0.1, high: float = 0.9, *, layer: int = -1, backward: bool = False
) -> Saturation:
    """The saturated fractions of every gate of a layer (Karpathy, Johnson & Fei-Fei 2015, section 4.2), over the steps
    of all sequences: those that were taken, not the padding after a sequence's end nor what a mask skips
    (``lstm_core.sequences.taken``), and where the gate is a number; NaN for a unit whose gate never is.

    Gates are those that lie between 0 and 1 and that the trace holds; the plain RNN has none and gives empty results.
    low, high: below and above which a gate counts as saturated. backward: of the backward direction. Raises ValueError
    where no step was taken, for a layer or direction that the trace does not have, and for a ``low`` above ``high``.
    """
    if not low <= high:
        raise ValueError(say("low is at most high, not {low} and {high}", low=low, high=high))
    counted = taken(trace)
    if not counted.any():
        raise ValueError("a trace of no steps has no fractions")
    gates = [s.name for s in trace.cell.signals if s.kind == "gate" and s.high == 1 and s.name in trace]
    values = {name: trace.sel(name, layer=layer, direction=int(backward))[counted] for name in gates}  # (step, unit)

    def shares(beyond: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        with np.errstate(invalid="ignore"):  # 0 / 0 where no step holds a number
            return {name: beyond(v).sum(axis=0) / (~np.isnan(v)).sum(axis=0) for name, v in values.items()}

    return Saturation(shares(lambda value: value < low), shares(lambda value: value > high), low, high)
