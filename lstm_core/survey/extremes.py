"""The steps at which a unit is highest and lowest, exactly; of equal values the first in the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lstm_core.survey.arrays import HERE, NOWHERE, Array

ENDS = {"high": 1, "low": -1}


def measure(
    values: Array,
    document: Array,
    step: Array,
    top: int,
    so_far: Mapping[str, Array] | None = None,
    xp: Any = HERE,
) -> dict[str, Array]:
    """The ``top`` highest and lowest of ``values`` (unit, step), each (unit, top): high_value, high_document,
    high_step, the highest first, and low_value, low_document, low_step, the lowest first.

    document, step: (step,) where each stands. so_far: of what comes before in the data; steps that could not come among
    those are left out: of a value that equals the last one kept, the one that came first stays. xp: where (``arrays``).
    """
    units = len(values)
    found: dict[str, Array] = {}
    for end, sign in ENDS.items():
        worth, at = xp.empty((units, top), xp.single), xp.empty((units, top), xp.whole)
        for part in xp.blocks(units, 1):
            least = None if so_far is None else sign * so_far[f"{end}_value"][part, -1]
            worth[part], at[part] = xp.highest(values[part] if sign > 0 else -values[part], top, least)
        there = at != NOWHERE
        found[f"{end}_value"] = sign * worth
        for name, where in (("document", document), ("step", step)):
            found[f"{end}_{name}"] = xp.lib.where(there, where[at] if len(where) else NOWHERE, NOWHERE)
    return found


def merge(a: Mapping[str, Array], b: Mapping[str, Array], xp: Any = HERE) -> dict[str, Array]:
    """Both together; ``a`` comes before ``b`` in the data."""
    found: dict[str, Array] = {}
    for end, sign in ENDS.items():
        names = [f"{end}_{name}" for name in ("value", "document", "step")]
        both = {name: xp.lib.concatenate([a[name], b[name]], axis=1) for name in names}
        order = xp.ordered(-sign * both[names[0]])[:, : a[names[0]].shape[1]]
        found |= {name: xp.along(values, order) for name, values in both.items()}
    return found
