"""The steps at which a unit is highest and lowest, exactly; of equal values the first in the data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

NOWHERE = -1
"""Stands for the document where there are fewer steps than places."""
ENDS = {"high": 1, "low": -1}


def measure(
    values: np.ndarray, document: np.ndarray, step: np.ndarray, top: int, so_far: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """The ``top`` highest and lowest of ``values`` (unit, step), each (unit, top): high_value, high_document,
    high_step, the highest first, and low_value, low_document, low_step, the lowest first.

    so_far: of what comes before in the data; steps that could not come among those are left out.
    """
    units = len(values)
    found: dict[str, np.ndarray] = {}
    for end, sign in ENDS.items():
        worth = np.full((units, top), -np.inf, np.float32)
        at = np.full((units, top), NOWHERE, np.int64)
        for unit in range(units):
            row = values[unit] if sign > 0 else -values[unit]
            # Of a value that equals the last one kept, the one that came first stays.
            least = -np.inf if so_far is None else sign * so_far[f"{end}_value"][unit, -1]
            places = _best(row, top, least)
            worth[unit, : len(places)], at[unit, : len(places)] = row[places], places
        there = at != NOWHERE
        found[f"{end}_value"] = sign * worth
        for name, where in (("document", document), ("step", step)):
            found[f"{end}_{name}"] = np.where(there, where[at] if len(where) else NOWHERE, NOWHERE)
    return found


def _best(row: np.ndarray, top: int, least: float) -> np.ndarray:
    """The places of the ``top`` highest of ``row`` above ``least``, the highest first, of equal ones the first."""
    places = np.flatnonzero(row > least)
    if len(places) > top:
        left = row[places]
        last = np.partition(left, len(left) - top)[len(left) - top]
        more, same = places[left > last], places[left == last]
        places = np.concatenate([more, same[: top - len(more)]])
        places.sort()
    return places[np.argsort(-row[places], kind="stable")]


def merge(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Both together; ``a`` comes before ``b`` in the data."""
    found: dict[str, np.ndarray] = {}
    for end, sign in ENDS.items():
        worth = np.concatenate([a[f"{end}_value"], b[f"{end}_value"]], axis=1)
        top = a[f"{end}_value"].shape[1]
        order = np.argsort(-sign * worth, axis=1, kind="stable")[:, :top]
        found[f"{end}_value"] = np.take_along_axis(worth, order, axis=1)
        for name in ("document", "step"):
            both = np.concatenate([a[f"{end}_{name}"], b[f"{end}_{name}"]], axis=1)
            found[f"{end}_{name}"] = np.take_along_axis(both, order, axis=1)
    return found
