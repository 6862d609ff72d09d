"""NumPy's arrays and scalars in a pickle, as far as they are numbers."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from lstm_core.files.checkpoint.tensors import Tensor, counts, damaged
from lstm_core.say import say


class Kind:
    """A ``numpy.dtype``: "f8", say, and its byte order."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        """code: NumPy's, of a kind and bytes ("f8"); text or bytes."""
        self.code = text(code)
        self.order: Literal["<", ">"] = "<"

    def __setstate__(self, state: Any) -> None:
        """state: NumPy's tuple, of which the second item is the order of bytes."""
        self.order = ">" if isinstance(state, tuple) and len(state) > 1 and text(state[1]) == ">" else "<"

    @property
    def dtype(self) -> np.dtype | None:
        """None for what are no numbers."""
        known = len(self.code) in (2, 3) and self.code[0] in "biufc" and self.code[1:] in ("1", "2", "4", "8", "16")
        return np.dtype(self.code).newbyteorder(self.order) if known and self.code not in NONE else None


NONE = {"b2", "b4", "b8", "b16", "i16", "u16", "f1", "f16", "c1", "c2", "c4"}
"""Sizes that there are not everywhere, or not at all."""


class Array(Tensor):
    """A ``numpy.ndarray``. Made empty, as NumPy's pickles do, it is then built."""

    def __init__(self, kind: Any = None, shape: Any = (), data: Any = b"", columns: bool = False) -> None:
        """kind, shape, data: of numbers, column after column if ``columns``. Refused where they are not of numbers."""
        self.kind, self.shape, self.data, self.columns = kind, counts(shape), data, columns
        dtype = kind.dtype if isinstance(kind, Kind) else None
        self.dtype = "" if dtype is None else dtype.name
        if dtype is None or not isinstance(data, bytes | bytearray | memoryview):
            self.refused = say("is an array, but not of numbers")

    def __setstate__(self, state: Any) -> None:
        """state: ([version,] shape, kind, columns, data). Raises ValueError if it is anything else."""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise damaged()
        shape, kind, columns, data = state[-4:]
        self.refused = None
        Array.__init__(self, kind, shape, data, columns is True or columns == 1)

    def numbers(self, name: str) -> np.ndarray:
        """The array of ``shape``, in the file's memory. Raises ValueError if the file holds fewer or more bytes."""
        assert self.kind.dtype is not None
        if memoryview(self.data).nbytes != math.prod(self.shape) * self.kind.dtype.itemsize:
            raise ValueError(say("{name} needs more data than the file holds", name=name))
        return np.ndarray(self.shape, self.kind.dtype, self.data, order="F" if self.columns else "C")


def text(value: Any) -> str:
    """What Python 2 wrote as bytes, as text; nothing for what is neither."""
    value = value.decode("latin1") if isinstance(value, bytes) else value
    return value if isinstance(value, str) else ""
