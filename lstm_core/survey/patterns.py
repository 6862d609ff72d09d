"""Which units were on at which step, a bit each, packed along the steps.

A unit is "on" in two ways, above a threshold or below its negative, and each has its own bits: what a memory says, it
may say with either sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.survey.arrays import HERE, Array
from lstm_core.survey.arrow import table
from lstm_core.survey.rows import Rows


def signal_of(cell: type[Cell]) -> str:
    """The signal to watch where none is named: the cell's memory, or its output if that is all there is."""
    rule = carry(cell) if not cell.by_values else None
    return rule.state if rule else cell.output


def switched(values: Array, threshold: float, xp: Any = HERE) -> Array:
    """(2 * unit, step) bool: above the threshold, unit by unit, and then below its negative. values: (unit, step).
    xp: where (``arrays``)."""
    limit = float(np.float32(threshold))
    return xp.lib.concatenate([values > limit, values < -limit])


class Bits:
    """Packs pieces of bits, one after another along the steps, without gaps."""

    def __init__(self) -> None:
        """Empty; ``left`` are the bits that do not fill a byte yet."""
        self.packed: list[np.ndarray] = []
        self.left: Array = None
        self.steps = 0
        self.xp: Any = HERE

    def add(self, bits: Array, xp: Any = HERE) -> None:
        """bits: (row, step) bool. xp: where they are (``arrays``)."""
        self.steps += bits.shape[1]
        if self.left is not None:
            bits = xp.lib.concatenate([self.left, bits], axis=1)
        whole = bits.shape[1] // 8 * 8
        self.packed.append(xp.packed(bits[:, :whole]))
        self.left, self.xp = xp.copied(bits[:, whole:]), xp

    def rows(self) -> np.ndarray:
        """(row, byte) uint8: all that was added."""
        last = [] if self.left is None else [self.xp.packed(self.left)]
        return np.concatenate([*self.packed, *last], axis=1) if last else np.zeros((0, 0), np.uint8)


def spread(rows: Rows, signal: str, threshold: float) -> Array:
    """(2 * unit, step) bool: what was on at all steps of a piece; nothing was at those that a mask skipped."""
    on = switched(rows.own(signal), threshold, rows.xp)
    found = rows.xp.full((len(on), rows.size), False, rows.xp.truth)
    found[:, rows.xp.asarray(rows.place)] = on
    return found


def to_table(bits: Bits, shape: tuple[int, int, int]) -> pa.Table:
    """A row a unit and sign: layer, direction, unit, sign (1 above, -1 below), bits."""
    layer, direction, unit = (np.tile(axis.reshape(-1).astype(np.int32), 2) for axis in np.indices(shape))
    packed = bits.rows()
    sign = np.repeat(np.array([1, -1], np.int8), len(unit) // 2)
    columns = {"layer": layer, "direction": direction, "unit": unit, "sign": sign, "bits": packed}
    return table(columns).replace_schema_metadata({"steps": str(bits.steps)})
