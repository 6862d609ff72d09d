"""What of one cell corresponds to what of another: by name, and by role where the letters differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.comparing.level import Signals
from lstm_core.equations import carry

Values = Callable[[Signals], np.ndarray | None]


@dataclass(frozen=True)
class Pair:
    """A quantity that both cells have. a, b: what each calls it. of_a, of_b: its values; None where there are none."""

    a: str
    b: str
    of_a: Values
    of_b: Values


@lru_cache(maxsize=256)
def pairs(a: type[Cell], b: type[Cell]) -> tuple[Pair, ...]:
    """In the order of the first cell's signals. A share that is kept in one and written in the other is aligned by what
    it does: z of a GRU with 1 - z of one that lets z write."""
    roles = {signal.role: signal.name for signal in b.signals}
    names = {signal.name: signal.role for signal in b.signals}
    found = []
    for signal in a.signals:
        name, role = signal.name, signal.role
        if names.get(name) == role:
            found.append(Pair(name, name, _signal(name), _signal(name)))
        elif role in roles:
            found.append(Pair(name, roles[role], _signal(name), _signal(roles[role])))
        elif role in ("keep", "write") and (rule := carry(b)) is not None and not rule.needs(role):
            found.append(Pair(name, rule.label(role), _signal(name), lambda v, rule=rule, r=role: rule.evaluate(r, v)))
    return tuple(found)


def _signal(name: str) -> Values:
    return lambda signals: signals.get(name)


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Absolute; of values above 1, relative to them. Infinite where only one of them is a number."""
    with np.errstate(invalid="ignore"):
        found = np.abs(a - b) / np.maximum(1.0, np.maximum(np.abs(a), np.abs(b)))
    found = np.where(np.isnan(a) & np.isnan(b) | (a == b), 0.0, found)
    return np.where(np.isnan(found), np.inf, found)
