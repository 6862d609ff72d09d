"""Tensors and arrays as a pickle describes them, and their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from lstm_core import narrow
from lstm_core.files import limits
from lstm_core.say import Said, say

NUMBERS = {
    **{name: name for name in ("float64", "float32", "float16", "complex64", "complex128", "bool")},
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **narrow.KINDS,
}
"""NumPy's type for the bits of each of torch's types that it has one for."""
FLOATS = ("float64", "float32", "float16", *narrow.KINDS)
STORAGES = {
    **{"DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16"},
    **{"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8"},
    **{"ByteStorage": "uint8", "BoolStorage": "bool", "UntypedStorage": "uint8", "_UntypedStorage": "uint8"},
    **{"ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128"},
    **{"QInt8Storage": "int8", "QUInt8Storage": "uint8", "QInt32Storage": "int32"},
    **{"QUInt4x2Storage": "uint8", "QUInt2x4Storage": "uint8"},
}
"""The numbers in each of torch's storages."""
AXES = 32


class Storage:
    """Where numbers lie. data: their bytes, looked up when they are asked for. order: "<" or ">"."""

    def __init__(self, dtype: str, data: Callable[[], bytes | memoryview], order: Literal["<", ">"] = "<") -> None:
        """dtype: torch's name, "float32". data: gives the bytes. order: of the bytes of a number."""
        self.dtype, self.data = dtype, data
        self.order: Literal["<", ">"] = order


class Tensor:
    """A tensor or array. dtype: torch's name. refused: why its numbers are not read, if they are not."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    refused: Said | None = None

    def array(self, name: str, limit: int) -> np.ndarray:
        """Its numbers, of at most ``limit`` bytes; narrower floats as float32. Raises ValueError, by its ``name``,
        for what is refused or does not fit the file."""
        if self.refused is not None:
            raise ValueError(say("{name} {reason}", name=name, reason=self.refused))
        if self.dtype not in NUMBERS:
            raise limits.not_floating(name, self.dtype)
        width = 4 if self.dtype in narrow.KINDS else np.dtype(NUMBERS[self.dtype]).itemsize
        limits.check_size(name, self.shape, width, limit)
        limits.check_size(name, [n for n in self.shape if n], width, limit)  # NumPy counts the other axes as well
        if len(self.shape) > AXES:
            raise ValueError(say("{name} has {count} axes", name=name, count=len(self.shape)))
        return self.numbers(name)

    def numbers(self, name: str) -> np.ndarray:
        """What ``array`` gives, once the size is known to be allowed."""
        raise NotImplementedError

    def __setstate__(self, state: Any) -> None:
        """Attributes that somebody gave a tensor are not kept."""


class Refused(Tensor):
    """A tensor that does not lie in its file as plain numbers."""

    def __init__(self, reason: Said, shape: Any = ()) -> None:
        """reason: why its numbers cannot be read, as the end of a sentence. shape: if it is known."""
        self.refused, self.shape = reason, counts(shape)


class Strided(Tensor):
    """A tensor as places in a storage. metadata: torch's marks of views whose numbers are the conjugate or the negative
    of what lies there."""

    def __init__(
        self, storage: Any, offset: Any, shape: Any, strides: Any, dtype: str = "", metadata: Any = None
    ) -> None:
        """offset, strides: counted in elements. Raises ValueError if shape and strides do not belong together."""
        if not isinstance(storage, Storage):
            raise damaged()
        self.storage, self.dtype = storage, dtype or storage.dtype
        self.shape, self.strides, (self.offset,) = counts(shape), counts(strides), counts((offset,))
        if len(self.shape) != len(self.strides):
            raise damaged()
        marks = metadata if isinstance(metadata, dict) else {}
        self.conjugate, self.negative = marks.get("conj") is True, marks.get("neg") is True

    def numbers(self, name: str) -> np.ndarray:
        """The array of ``shape``; narrower floats as float32. Raises ValueError if the storage holds less than
        that needs."""
        dtype = np.dtype(NUMBERS[self.dtype]).newbyteorder(self.storage.order)
        if 0 in self.shape:
            value = np.zeros(self.shape, dtype)
        else:
            data, axes = self.storage.data(), list(zip(self.shape, self.strides, strict=True))
            last = self.offset + sum((n - 1) * step for n, step in axes)
            if (last + 1) * dtype.itemsize > len(data):
                raise ValueError(say("{name} needs more data than the file holds", name=name))
            # Along an axis of one element torch may have any step, also one that NumPy cannot hold.
            steps = [step * dtype.itemsize if n > 1 else 0 for n, step in axes]
            value = np.ndarray(self.shape, dtype, data, self.offset * dtype.itemsize, steps)
        if self.dtype in narrow.KINDS:
            value = narrow.widened(self.dtype, value)
        if value.dtype.kind in "fc":
            value = np.negative(value) if self.negative else value
            value = np.conjugate(value) if self.conjugate else value
        return value


class Sparse(Tensor):
    """A tensor of which only some places are kept: by their coordinates (COO), or by compressed rows (CSR, BSR) or
    columns (CSC, BSC)."""

    def __init__(self, layout: str, parts: list[Any], shape: Any) -> None:
        """layout: torch's name of it. parts: places and then values, as torch stores them. shape: of the whole."""
        if not parts or not all(isinstance(part, Strided) for part in parts):
            raise damaged()
        self.layout, self.parts, self.shape = layout.removeprefix("torch.sparse_"), parts, counts(shape)
        self.dtype = parts[-1].dtype
        compressed = self.layout in ("csr", "bsr", "csc", "bsc") and len(parts) == 3 and len(self.shape) == 2
        if not (compressed or self.layout == "coo" and len(parts) == 2) or self.dtype == "bool":
            self.refused = say("is a sparse tensor of a kind that is not read; save it with .to_dense()")

    def numbers(self, name: str) -> np.ndarray:
        """The array of ``shape``, zeros where nothing is kept. Raises ValueError for places outside of it."""
        room = 16 * AXES * (math.prod(self.shape) + 1)
        *places, values = [part.array(name, room) for part in self.parts]
        value = np.zeros(self.shape, values.dtype.newbyteorder("="))
        try:
            if any(place.size and place.min() < 0 for place in places):
                raise IndexError
            if self.layout == "coo":
                np.add.at(value, tuple(places[0]), values)
            else:
                self._spread(value, places[0], places[1], values)
        except (IndexError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(say("{name} is sparse, and its places do not fit its shape", name=name)) from error
        return value

    def _spread(self, value: np.ndarray, ends: np.ndarray, across: np.ndarray, values: np.ndarray) -> None:
        """Put the values where they belong; each is a block, of one number in CSR and CSC."""
        values = values[:, None, None] if values.ndim == 1 else values
        if len(across) != len(values) or (np.diff(ends) < 0).any() or ends[0] != 0 or ends[-1] != len(across):
            raise IndexError
        along = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        rows, columns = (along, across) if self.layout in ("csr", "bsr") else (across, along)
        high, wide = values.shape[1:]
        blocks = value.reshape(len(value) // high, high, -1, wide).transpose(0, 2, 1, 3)
        blocks[rows, columns] = values


def counts(numbers: Any) -> tuple[int, ...]:
    """Sizes, strides or an offset; ValueError for what are not whole numbers from 0 to 2**63."""
    if not isinstance(numbers, tuple | list) or not all(isinstance(n, int) and 0 <= n < 1 << 63 for n in numbers):
        raise damaged()
    return tuple(int(n) for n in numbers)


def damaged() -> ValueError:
    """What is raised for a tensor whose parts cannot be of one tensor."""
    return ValueError(say("the file is damaged: the description of a tensor contradicts itself"))
