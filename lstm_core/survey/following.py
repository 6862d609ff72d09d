"""How far does every unit follow a label? Sums for correlations; the label's own histograms are in ``histograms``.

Each label is tried twice: as it is, and moved along the text (``labels.moved``). Of hundreds of units the best follows
anything a little; the best with moved labels says how much that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lstm_core.survey import histograms
from lstm_core.survey.arrays import HERE, Array

AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Labelled:
    """labels: (2 * property, step): as they are, and then moved. binary: (property,), whether one is true or false.
    xp: where they are needed (``arrays``)."""

    labels: np.ndarray
    binary: tuple[bool, ...]
    xp: Any = HERE

    @cached_property
    def chosen(self) -> list[Array]:
        """For each label the steps where it holds, if it is binary; none for another."""
        where = (self.labels > 0.5) & np.array([*self.binary, *self.binary], bool)[:, None]
        return [self.xp.asarray(np.flatnonzero(row)) for row in where]

    @cached_property
    def exact(self) -> Array:
        """The labels in float64."""
        return self.xp.asarray(self.labels.astype(np.float64))


def measure(values: Array, labelled: Labelled) -> dict[str, Array]:
    """Of ``values`` (unit, step), each (unit, 2 * property): label, the labels' sums, squares, those of their squares,
    and products, those of the labels times the values. In float64."""
    exact, xp = labelled.exact, labelled.xp
    shape = (len(values), len(exact))
    products = xp.empty(shape, xp.double)
    for part in xp.blocks(len(values), AT_ONCE):
        products[part] = xp.cast(values[part], xp.double) @ exact.T
    return {
        "label": xp.lib.broadcast_to(exact.sum(axis=1), shape),
        "squares": xp.lib.broadcast_to((exact**2).sum(axis=1), shape),
        "products": products,
    }


def merge(a: Mapping[str, Array], b: Mapping[str, Array]) -> dict[str, Array]:
    """Both together."""
    return {name: a[name] + b[name] for name in ("label", "squares", "products")}


def correlation(state: Mapping[str, np.ndarray], k: int) -> np.ndarray:
    """(unit,): Pearson's r of the values with label ``k``; NaN where either never changes."""
    count, mean = state["count"], state["mean"]
    label = state["label"][:, k]
    covariance = state["products"][:, k] - mean * label
    spread = np.maximum(state["squares"][:, k] - label**2 / count, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return covariance / np.sqrt(spread * state["m2"])


def columns(state: Mapping[str, np.ndarray], k: int, properties: int, binary: bool, grid: np.ndarray) -> dict:
    """How well every unit follows property ``k``, each (unit,): see ``Follows``. grid: the histograms' edges."""
    found = {"correlation": correlation(state, k), "shuffled_correlation": correlation(state, k + properties)}
    units, nothing = len(state["count"]), np.full(len(state["count"]), np.nan)
    if not binary:
        names = ("auc", "auc_error", "threshold", "accuracy", "shuffled_auc")
        return {**found, **dict.fromkeys(names, nothing), "above": np.zeros(units, bool)}
    hits, all_steps = state["chosen"][:, k], state["histogram"]
    area, error = histograms.auc(hits, all_steps)
    edge, above, accuracy = histograms.threshold(hits, all_steps, grid)
    moved, _ = histograms.auc(state["chosen"][:, k + properties], all_steps)
    parts = ~np.isnan(area)
    return {
        **found,
        "auc": area,
        "auc_error": error,
        "threshold": np.where(parts, edge, np.nan),
        "accuracy": np.where(parts, accuracy, np.nan),
        "shuffled_auc": moved,
        "above": above & parts,
    }
