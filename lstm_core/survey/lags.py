"""How long does a unit stay as it is? Products of its values with those some steps before, summed over the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_core.survey.arrays import HERE, Array

LAGS = (1, 2, 4, 8, 16, 32, 64)
LONGEST = LAGS[-1]
AT_ONCE = 4
"""Units that are worked on together: few enough for the processor's cache."""


def paired(document: np.ndarray, head: int) -> np.ndarray:
    """(2 * lag, head + step): for each lag 1 at the earlier and then at the later step of each pair of steps of one
    document that are so far apart, else 0.

    document: (step,). head: steps of the first document that come before, as earlier steps alone.
    """
    whole = np.concatenate([np.full(head, document[0] if len(document) else 0), document])
    steps = len(whole)
    weights = np.zeros((2 * len(LAGS), steps))
    for k, lag in enumerate(LAGS):
        together = np.zeros(steps)  # 1 at a later step whose earlier one is of the same document
        together[lag:] = whole[lag:] == whole[:-lag]
        together[:head] = 0
        weights[2 * k, : max(steps - lag, 0)] = together[lag:]
        weights[2 * k + 1] = together
    return weights


def measure(values: Array, weights: Array, xp: Any = HERE) -> dict[str, Array]:
    """Of ``values`` (unit, head + step), each (unit, lag), over all pairs of steps of one document so far apart.

    pairs: how many. earlier, later: sums of the values at the earlier and the later step. product: of the two together.
    weights: see ``paired``. xp: where (``arrays``).
    """
    units, steps = values.shape
    found = {name: xp.full((units, len(LAGS)), 0.0, xp.double) for name in ("earlier", "later", "product")}
    for part in xp.blocks(units, AT_ONCE):
        exact = xp.cast(values[part], xp.double)
        sums = exact @ weights.T
        found["earlier"][part], found["later"][part] = sums[:, ::2], sums[:, 1::2]
        for k, lag in enumerate(LAGS):
            if lag < steps:
                later = exact[:, lag:] * weights[2 * k + 1, lag:]
                found["product"][part, k] = xp.lib.einsum("ut,ut->u", later, exact[:, : steps - lag])
    pairs = xp.lib.broadcast_to(xp.cast(weights[1::2].sum(axis=1), xp.whole), (units, len(LAGS)))
    return {"pairs": pairs, **found}


def merge(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, Array]:
    """Both together."""
    return {name: a[name] + b[name] for name in ("pairs", "earlier", "later", "product")}


def autocorrelation(state: Mapping[str, np.ndarray]) -> np.ndarray:
    """(unit, lag): of the values with those so many steps later, around the mean of all; NaN where a unit does not move
    or no document is so long. state: what ``measure`` gives, with mean, m2 and count of ``moments``."""
    mean, variance = state["mean"][:, None], (state["m2"] / np.maximum(state["count"], 1))[:, None]
    pairs = state["pairs"]
    with np.errstate(invalid="ignore", divide="ignore"):
        product = state["product"] - mean * (state["earlier"] + state["later"]) + pairs * mean**2
        return np.where(variance > 0, product / pairs / variance, np.nan)


def timescale(correlation: np.ndarray) -> np.ndarray:
    """(unit,): the steps after which a unit's value is like itself by less than 1/e, read off a line between the two
    lags beside it; infinite if it is more alike even at the longest lag there is, NaN if there is none.

    correlation: (unit, lag), see ``autocorrelation``.
    """
    lags = np.array([0, *LAGS])
    curve = np.concatenate([np.ones((len(correlation), 1)), correlation], axis=1)
    found = np.full(len(curve), np.nan)
    for unit, line in enumerate(curve):
        line = line[~np.isnan(line)]
        under = np.flatnonzero(line < 1 / np.e)
        if len(line) > 1:
            found[unit] = np.inf
        if len(under):
            k = under[0]
            share = (line[k - 1] - 1 / np.e) / (line[k - 1] - line[k])
            found[unit] = lags[k - 1] + share * (lags[k] - lags[k - 1])
    return found
