"""Where a survey counts: NumPy in memory, or torch on the device that ran the model, under one set of names.

What both call the same (``lib.einsum``, ``lib.where``, slices, ``@``) is written once, in the files that count. Here is
the rest. Counts, extremes and places are exact in both; sums are in float64, and each adds up in an order of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = Any
"""NumPy's array or torch's tensor."""
NOWHERE = -1
"""Stands for a place where there are fewer steps than places."""


class Here:
    """NumPy. How a model is run for it: device, backend, keep, as ``Block.trace`` takes them."""

    lib: Any = np
    device, backend, keep = "cpu", "numpy", "host"
    single, double, whole, count, truth = np.float32, np.float64, np.int64, np.int32, np.bool_

    @staticmethod
    def asarray(values: Any) -> np.ndarray:
        """As an array here; no copy of one that is."""
        return np.asarray(values)

    @staticmethod
    def cast(values: np.ndarray, kind: Any) -> np.ndarray:
        """A copy of another kind: single, double, whole, count."""
        return values.astype(kind)

    @staticmethod
    def full(shape: Any, value: Any, kind: Any) -> np.ndarray:
        """An array filled with ``value``."""
        return np.full(shape, value, kind)

    @staticmethod
    def empty(shape: Any, kind: Any) -> np.ndarray:
        """An array of anything."""
        return np.empty(shape, kind)

    @staticmethod
    def copied(values: np.ndarray) -> np.ndarray:
        """A copy."""
        return values.copy()

    @staticmethod
    def added(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The sum, in the place of ``a`` if that can hold it."""
        if a.flags.writeable and np.result_type(a, b) == a.dtype:
            return np.add(a, b, out=a)
        return a + b

    @staticmethod
    def blocks(units: int, few: int) -> Iterator[slice]:
        """Units that are worked on together: as ``few`` as stay in the processor's cache."""
        return (slice(start, start + few) for start in range(0, units, few))

    @staticmethod
    def bits(values: np.ndarray) -> np.ndarray:
        """The bits of float32 as whole numbers."""
        return values.view(np.int32)

    @staticmethod
    def tally(bins: np.ndarray, size: int) -> np.ndarray:
        """(unit, bin): how often each of ``size`` numbers stands in a row of ``bins`` (unit, step)."""
        return np.stack([np.bincount(row, minlength=size) for row in bins])

    @staticmethod
    def ordered(values: np.ndarray) -> np.ndarray:
        """The places of each row's values, the least first, of equal ones the first."""
        return np.argsort(values, axis=1, kind="stable")

    @staticmethod
    def along(values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The values at each row's own places."""
        return np.take_along_axis(values, places, axis=1)

    @staticmethod
    def highest(values: np.ndarray, top: int, least: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """(unit, top) each: the highest of every row of ``values`` (unit, step), the highest first, of equal ones the
        first, and their places; -infinity and ``NOWHERE`` where there are no more. least: (unit,), leave out what is
        not above it."""
        worth = np.full((len(values), top), -np.inf, np.float32)
        at = np.full((len(values), top), NOWHERE, np.int64)
        for unit, row in enumerate(values):
            places = np.flatnonzero(row > (-np.inf if least is None else least[unit]))
            if len(places) > top:
                left = row[places]
                last = np.partition(left, len(left) - top)[len(left) - top]
                more, same = places[left > last], places[left == last]
                places = np.concatenate([more, same[: top - len(more)]])
                places.sort()
            places = places[np.argsort(-row[places], kind="stable")]
            worth[unit, : len(places)], at[unit, : len(places)] = row[places], places
        return worth, at

    @staticmethod
    def packed(bits: np.ndarray) -> np.ndarray:
        """(row, byte) uint8, NumPy's: eight of ``bits`` (row, step) in a byte, the first the highest, then zeros"""
        return np.packbits(bits, axis=1)


class There:
    """The same in torch, on one device: what is counted stays there, and a part's summary comes back."""

    backend, keep = "torch", "device"

    def __init__(self, device: str) -> None:
        """device: torch's name of one that has float64."""
        import torch

        self.lib: Any = torch
        self.device = device
        self.single, self.double, self.whole, self.count = torch.float32, torch.float64, torch.int64, torch.int32
        self.truth = torch.bool

    def asarray(self, values: Any) -> Array:
        """As in ``Here``."""
        values = np.require(values, requirements=("C", "W")) if isinstance(values, np.ndarray) else values
        return self.lib.as_tensor(values, device=self.device)

    def cast(self, values: Array, kind: Any) -> Array:
        """As in ``Here``."""
        return values.to(kind, copy=True)

    def full(self, shape: Any, value: Any, kind: Any) -> Array:
        """As in ``Here``."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return self.lib.full(shape, value, dtype=kind, device=self.device)

    def empty(self, shape: Any, kind: Any) -> Array:
        """As in ``Here``."""
        return self.lib.empty(shape, dtype=kind, device=self.device)

    def copied(self, values: Array) -> Array:
        """As in ``Here``."""
        return values.clone()

    def added(self, a: Array, b: Array) -> Array:
        """As in ``Here``."""
        return a.add_(b) if self.lib.result_type(a, b) == a.dtype else a + b

    def blocks(self, units: int, few: int) -> Iterator[slice]:
        """All units at once: what takes time there is to begin."""
        return iter((slice(0, units),))

    def bits(self, values: Array) -> Array:
        """As in ``Here``."""
        return values.view(self.lib.int32)

    def tally(self, bins: Array, size: int) -> Array:
        """As in ``Here``."""
        first = size * self.lib.arange(len(bins), device=self.device)[:, None]
        return self.lib.bincount((bins + first).reshape(-1), minlength=len(bins) * size).reshape(-1, size)

    def ordered(self, values: Array) -> Array:
        """As in ``Here``."""
        return self.lib.argsort(values, dim=1, stable=True)

    def along(self, values: Array, places: Array) -> Array:
        """As in ``Here``."""
        return self.lib.take_along_dim(values, places, dim=1)

    def highest(self, values: Array, top: int, least: Array | None) -> tuple[Array, Array]:
        """As in ``Here``. A value and its place are one whole number, in which no two are equal: the value's bits, in
        the order of the values, and below them how many steps come after it."""
        units, steps = values.shape
        bits = self.bits(values + 0.0).to(self.whole)  # without a zero that is negative
        bits = self.lib.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
        later = LATEST - self.lib.arange(steps, device=self.device)
        found = ((bits << 32) | later).topk(min(top, steps), dim=1).values
        places = LATEST - (found & LATEST)
        best = self.along(values, places)
        above = self.lib.isfinite(best) if least is None else best > least[:, None]
        worth = self.full((units, top), -np.inf, self.single)
        at = self.full((units, top), NOWHERE, self.whole)
        worth[:, : best.shape[1]] = self.lib.where(above, best, -np.inf)
        at[:, : best.shape[1]] = self.lib.where(above, places, NOWHERE)
        return worth, at

    def packed(self, bits: Array) -> np.ndarray:
        """As in ``Here``."""
        bits = self.lib.nn.functional.pad(bits.to(self.lib.uint8), (0, -bits.shape[1] % 8))
        worth = self.lib.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=self.lib.uint8, device=self.device)
        return (bits.reshape(len(bits), -1, 8) * worth).sum(axis=2, dtype=self.lib.uint8).cpu().numpy()


LATEST = (1 << 32) - 1
HERE = Here()


def on(device: str) -> Any:
    """Where signals of a run on ``device`` are counted."""
    return HERE if device == "cpu" else There(device)
