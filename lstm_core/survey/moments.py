"""Count, mean and variance of every unit, its extremes, and how often it is near an end of its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_core.cells.base import Signal
from lstm_core.survey.arrays import HERE, Array

SHARE = 0.1
"""``above`` and ``below`` count the steps in the outermost tenths of a signal's range: a gate above 0.9, below 0.1."""
AT_ONCE = 4
"""Units that are worked on together: few enough for the processor's cache."""


def measure(values: Array, signal: Signal, keeps: bool, xp: Any = HERE) -> dict[str, Array]:
    """Of ``values`` (unit, step), each (unit,). The sums are in float64. xp: where (``arrays``).

    m2 is the sum of the squared distances from the mean. logs is the sum of the logarithms of a gate that ``keeps``,
    NaN for another signal. above and below are 0 for a signal that has no bounds.
    """
    units, steps = values.shape
    mean, m2, logs = (xp.full(units, value, xp.double) for value in (0.0, 0.0, np.nan))
    low = high = xp.full(units, 0, xp.whole)
    if np.isfinite((signal.low, signal.high)).all():
        margin = SHARE * (signal.high - signal.low)
        high = xp.lib.count_nonzero(values > float(np.float32(signal.high - margin)), axis=1)
        low = xp.lib.count_nonzero(values < float(np.float32(signal.low + margin)), axis=1)
    for part in xp.blocks(units, AT_ONCE):
        exact = xp.cast(values[part], xp.double)
        mean[part] = exact.mean(axis=1)
        if keeps:
            with np.errstate(divide="ignore"):
                logs[part] = xp.lib.log(xp.lib.clip(exact, 0, None)).sum(axis=1)
        exact -= mean[part, None]
        m2[part] = xp.lib.einsum("ut,ut->u", exact, exact)
    return {
        "count": xp.full(units, steps, xp.whole),
        "mean": mean,
        "m2": m2,
        "min": xp.lib.amin(values, axis=1),
        "max": xp.lib.amax(values, axis=1),
        "above": high,
        "below": low,
        "logs": logs,
    }


def merge(a: Mapping[str, Array], b: Mapping[str, Array], xp: Any = HERE) -> dict[str, Array]:
    """Both together: Chan, Golub & LeVeque 1979. In one fixed order the result is the same to the last bit."""
    count, difference = a["count"] + b["count"], b["mean"] - a["mean"]
    share = xp.cast(b["count"], xp.double) / count
    return {
        "count": count,
        "mean": a["mean"] + difference * share,
        "m2": a["m2"] + b["m2"] + difference**2 * (a["count"] * share),
        "min": xp.lib.minimum(a["min"], b["min"]),
        "max": xp.lib.maximum(a["max"], b["max"]),
        **{name: a[name] + b[name] for name in ("above", "below", "logs")},
    }
