"""Places drawn from all steps, the same for every unit, with the values there: what a unit is like on the whole.

Which are drawn depends on the seed and on where a step stands, not on how the work was shared out: those whose hash is
lowest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_core.survey.arrays import HERE, Array

PLACE = ("sample_order", "sample_document", "sample_step")


def order(document: np.ndarray, step: np.ndarray, seed: int) -> np.ndarray:
    """(step,) uint64: a number that looks random for each place (Steele, Lea & Flood 2014, SplitMix64)."""
    with np.errstate(over="ignore"):
        x = (document.astype(np.uint64) << np.uint64(32)) + step.astype(np.uint64) + np.uint64(seed)
        x = (x + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def measure(values: Array, document: np.ndarray, step: np.ndarray, size: int, seed: int) -> dict[str, Array]:
    """``size`` places of ``values`` (unit, step), or as many as there are, each (unit, place): sample_order,
    sample_document, sample_step, the same for all units, and sample_value."""
    return _lowest(values, (order(document, step, seed), document, step), size)


def merge(a: Mapping[str, Array], b: Mapping[str, Array], size: int, xp: Any = HERE) -> dict[str, Array]:
    """``size`` places of both together."""
    places = [np.concatenate([a[name][0], b[name][0]]) for name in PLACE]
    return _lowest(xp.lib.concatenate([a["sample_value"], b["sample_value"]], axis=1), places, size)


def _lowest(values: Array, places: Sequence[np.ndarray], size: int) -> dict[str, Array]:
    """The places that come first. places: (place,) each in the order of ``PLACE``, kept once for all units."""
    at = np.argsort(places[0], kind="stable")[:size]
    shape = (len(values), len(at))
    kept = {name: np.broadcast_to(one[at], shape) for name, one in zip(PLACE, places, strict=True)}
    return {**kept, "sample_value": values[:, at]}
