"""Histograms on fixed edges, which are the same for every data set, so that they add up; quantiles from them.

A signal between 0 and 1, or -1 and 1, has 512 bins of one width. Another has 256 bins on either side of zero: the
innermost reaches to 2^-6, and from there every octave is cut in sixteen, as far as 960. Edges are binary fractions and
the bins are read off float32 without rounding, so a count is exact. A bin holds its lower edge, the last its upper too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from lstm_core.cells.base import Signal
from lstm_core.survey.arrays import HERE, Array

BINS = 512
HALF = BINS // 2
LOWEST = -6  # the innermost bin reaches to 2 to this
FINE = 4  # an octave is cut in 2 to this
RANGES = ((0.0, 1.0), (-1.0, 1.0))


@cache
def edges(low: float, high: float) -> np.ndarray:
    """(bin + 1,): the edges for a signal of this range. The outermost are infinite where the range is not bounded."""
    if (low, high) in RANGES:
        return np.linspace(low, high, BINS + 1)
    k = np.arange(1, HALF)
    mantissa, octave = 1 + (k - 1) % (1 << FINE) / (1 << FINE), LOWEST + (k - 1) // (1 << FINE)
    outward = np.array([*(mantissa * 2.0**octave), np.inf])
    return np.array([*(-outward[::-1]), 0.0, *outward])


def bins(values: Array, low: float, high: float, xp: Any = HERE) -> Array:
    """The bin of each of ``values``, float32, as int64."""
    lib = xp.lib
    if (low, high) in RANGES:
        scaled = values * float(BINS if low == 0 else HALF)  # a power of two: exact
        whole = xp.cast(lib.floor(scaled, out=scaled), xp.whole)
        whole += 0 if low == 0 else HALF
        return lib.clip(whole, 0, BINS - 1, out=whole)
    bits = xp.bits(values) & 0x7FFFFFFF
    outward = xp.cast(bits >> (23 - FINE), xp.whole) - (((127 + LOWEST) << FINE) - 1)
    # An edge below zero belongs to the bin above it, which is nearer to zero than that of its mirror image.
    outward -= xp.cast((values < 0) & (bits & ((1 << (23 - FINE)) - 1) == 0), xp.whole)
    lib.clip(outward, 0, HALF - 1, out=outward)
    return lib.where(values < 0, HALF - 1 - outward, HALF + outward)


def measure(values: Array, signal: Signal, chosen: Sequence[Array], xp: Any = HERE) -> dict[str, Array]:
    """Of ``values`` (unit, step): histogram (unit, bin), and chosen (unit, set, bin), of the steps of each set alone.

    chosen: the steps of each set. Counts are int32, enough for the steps of a part; those of all parts are int64.
    """
    units = len(values)
    counts = xp.empty((units, BINS), xp.count)
    parts = xp.empty((units, len(chosen), BINS), xp.count)
    for part in xp.blocks(units, 1):
        found = bins(values[part], signal.low, signal.high, xp)
        counts[part] = xp.tally(found, BINS)
        for k, at in enumerate(chosen):
            parts[part, k] = xp.tally(found[:, at], BINS)
    return {"histogram": counts, "chosen": parts}


def merge(a: Mapping[str, Array], b: Mapping[str, Array], xp: Any = HERE) -> dict[str, Array]:
    """Both together. They are large: the counts of ``a`` are overwritten where they have room for those of ``b``."""
    return {name: xp.added(a[name], b[name]) for name in ("histogram", "chosen")}


def quantile(histogram: np.ndarray, share: float, grid: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(unit,): the value of rank ceil(share * count), at least the first, to within the bin that it lies in.

    histogram: (unit, bin). grid: ``edges``. low, high: (unit,) the least and the greatest value, which narrow the
    outermost bins. The middle of the bin is given, so the error is at most half of its width: 1/1024 for a gate, 1/512
    for a signal between -1 and 1, and for one without bounds 1/128 below 2^-6 and 1/32 of the value above that.
    """
    total = histogram.sum(axis=1)
    rank = np.clip(np.ceil(share * total).astype(np.int64), 1, total)
    at = (np.cumsum(histogram, axis=1) < rank[:, None]).sum(axis=1)
    left, right = np.maximum(grid[at], low), np.minimum(grid[at + 1], high)
    return (left + right) / 2


def auc(positive: np.ndarray, histogram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(unit,) each: the area under the ROC curve, and by how much it may be off.

    positive: (unit, bin), the steps that have the label. It is the chance that a step with the label has a higher value
    than one without; two steps in one bin count half, which is off by half of the share of such pairs at most.
    NaN where all steps have the label or none has.
    """
    p, q = positive.astype(np.float64), (histogram - positive).astype(np.float64)
    pairs = p.sum(axis=1) * q.sum(axis=1)
    below = np.cumsum(q, axis=1) - q
    with np.errstate(invalid="ignore", divide="ignore"):
        return (p * (below + q / 2)).sum(axis=1) / pairs, (p * q).sum(axis=1) / 2 / pairs


def threshold(positive: np.ndarray, histogram: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, ...]:
    """(unit,) each: the edge that parts steps with the label from those without best, whether those with it lie above,
    and the balanced accuracy of that rule on these steps."""
    p, q = positive.astype(np.float64), (histogram - positive).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.cumsum(q / q.sum(axis=1, keepdims=True) - p / p.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    best = np.abs(np.nan_to_num(gap)).argmax(axis=1)
    found = gap[np.arange(len(gap)), best]
    return grid[best + 1], found > 0, (1 + np.abs(found)) / 2
