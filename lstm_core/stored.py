"""Weights as a file stores them: float32, float16, or int8 with one scale a row.

All are read back as float32, and what is read is what is run: a rounded file is measured as it is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

Kind = Literal["float32", "float16", "int8"]
SCALE = ".scale"
"""Ends the name of the scales, (rows,) float32, of the int8 matrix that the rest names."""
LARGEST = 127
MANTISSA = 0xFFF
"""Bits of a scale's mantissa that are 0: eleven are left, so that a number of 8 bits times a scale is a float32
without rounding. Weights that are read and saved again are therefore the same."""


def packed(tensors: Mapping[str, np.ndarray], kind: Kind) -> dict[str, np.ndarray]:
    """The arrays that a file holds. int8: of matrices; what has another number of axes stays float32.

    Raises ValueError for another kind, and for int8 if a matrix has a weight that is not finite.
    """
    if not isinstance(kind, str) or kind not in get_args(Kind):
        raise ValueError(f"weights are stored as {', '.join(get_args(Kind))}, not as {kind!r}")
    if kind != "int8":
        return {name: np.ascontiguousarray(value, dtype=kind) for name, value in tensors.items()}
    found: dict[str, np.ndarray] = {}
    for name, value in tensors.items():
        value = np.ascontiguousarray(value, np.float32)
        if value.ndim != 2:
            found[name] = value
            continue
        if not np.isfinite(value).all():
            raise ValueError(f"{name} has weights that are not finite; int8 cannot hold them")
        scale = _scales(value)
        found[name] = np.rint(value / scale[:, None]).astype(np.int8)
        found[name + SCALE] = scale
    return found


def unpacked(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same as float32. Raises ValueError for scales that do not fit their matrix, for whole numbers without any,
    and for weights that are not finite."""
    scales = {name: value for name, value in tensors.items() if name.endswith(SCALE)}
    for name, scale in scales.items():
        matrix = tensors.get(name.removesuffix(SCALE))
        if matrix is None or matrix.dtype != np.int8 or matrix.ndim != 2:
            raise ValueError(f"{name} has no int8 matrix")
        if scale.shape != matrix.shape[:1]:
            raise ValueError(f"{name} is {scale.shape}, and its matrix {matrix.shape}")
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise ValueError(f"{name} has scales that are not positive numbers")
    found = {name: value.astype(np.float32) for name, value in tensors.items() if name not in scales}
    for name, value in tensors.items():
        if value.dtype.kind in "iub" and name + SCALE not in scales:
            raise ValueError(f"{name} is {value.dtype} and has no scales, {name + SCALE}")
    for name, scale in scales.items():
        found[name.removesuffix(SCALE)] *= scale.astype(np.float32)[:, None]
    for name, value in found.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{name} has weights that are not finite")
    return found


def rounded(value: np.ndarray, kind: Kind) -> np.ndarray:
    """An array as it comes back from a file that stores it so."""
    return unpacked(packed({"": value}, kind))[""]


def _scales(matrix: np.ndarray) -> np.ndarray:
    """(rows,): the largest weight of each row over 127, rounded up to eleven bits; 1 for a row of zeros."""
    largest = np.abs(matrix).max(axis=1, initial=0.0) / np.float32(LARGEST)
    bits = np.where(largest > 0, largest, np.float32(1)).astype(np.float32).view(np.uint32)
    return ((bits + MANTISSA) & ~np.uint32(MANTISSA)).view(np.float32)
