"""Count, mean and variance of every unit, its extremes, and how often it is near an end of its range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lstm_core.cells.base import Signal

SHARE = 0.1
"""``above`` and ``below`` count the steps in the outermost tenths of a signal's range: a gate above 0.9, below 0.1."""
AT_ONCE = 4
"""Units that are worked on together: few enough for the processor's cache."""


def measure(values: np.ndarray, signal: Signal, keeps: bool) -> dict[str, np.ndarray]:
    """Of ``values`` (unit, step), each (unit,). The sums are in float64.

    m2 is the sum of the squared distances from the mean. logs is the sum of the logarithms of a gate that ``keeps``,
    NaN for another signal. above and below are 0 for a signal that has no bounds.
    """
    units, steps = values.shape
    mean, m2, logs = np.zeros(units), np.zeros(units), np.full(units, np.nan)
    low = high = np.zeros(units, np.int64)
    if np.isfinite((signal.low, signal.high)).all():
        margin = SHARE * (signal.high - signal.low)
        high = np.count_nonzero(values > np.float32(signal.high - margin), axis=1)
        low = np.count_nonzero(values < np.float32(signal.low + margin), axis=1)
    for start in range(0, units, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        exact = values[part].astype(np.float64)
        mean[part] = exact.mean(axis=1)
        if keeps:
            with np.errstate(divide="ignore"):
                logs[part] = np.log(np.maximum(exact, 0)).sum(axis=1)
        exact -= mean[part, None]
        m2[part] = np.einsum("ut,ut->u", exact, exact)
    return {
        "count": np.full(units, steps, np.int64),
        "mean": mean,
        "m2": m2,
        "min": values.min(axis=1),
        "max": values.max(axis=1),
        "above": high.astype(np.int64),
        "below": low.astype(np.int64),
        "logs": logs,
    }


def merge(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Both together: Chan, Golub & LeVeque 1979. In one fixed order the result is the same to the last bit."""
    count = a["count"] + b["count"]
    difference = b["mean"] - a["mean"]
    return {
        "count": count,
        "mean": a["mean"] + difference * (b["count"] / count),
        "m2": a["m2"] + b["m2"] + difference**2 * (a["count"] * (b["count"] / count)),
        "min": np.minimum(a["min"], b["min"]),
        "max": np.maximum(a["max"], b["max"]),
        **{name: a[name] + b[name] for name in ("above", "below", "logs")},
    }
