"""Arrays as Arrow columns and back, by their buffers.

``pa.array`` and ``to_numpy`` do the same, but import pandas first where it is installed: 40 MB and half a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

Values = np.ndarray | pa.Array | Sequence[str | None]


def column(values: Values) -> pa.Array:
    """Numbers or bools (row,), bytes (row, byte) uint8, or strings, of which None is null, as a column. What are not
    bools or strings is shared. Raises UnicodeEncodeError for half of a surrogate pair."""
    if isinstance(values, pa.Array):
        return values
    if not isinstance(values, np.ndarray) or values.dtype == object:
        data = ["" if one is None else one for one in values]
        return _joined(pa.string(), [one.encode() for one in data], [one is not None for one in values])
    if values.ndim == 2:
        return _joined(pa.binary(), np.ascontiguousarray(values), [])
    bits = values.dtype == bool
    data = np.packbits(values, bitorder="little") if bits else np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(data)])


def _joined(kind: pa.DataType, rows: Any, there: Sequence[bool]) -> pa.Array:
    """Rows of bytes as a column; of a ``kind`` with room for more than 2 GB where it takes that."""
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    data = pa.py_buffer(rows if isinstance(rows, np.ndarray) else b"".join(rows))
    valid = None if all(there) else pa.py_buffer(np.packbits(there, bitorder="little"))
    if offsets[-1] < 1 << 31:
        offsets = offsets.astype(np.int32)
    else:
        kind = pa.large_string() if kind == pa.string() else pa.large_binary()
    return pa.Array.from_buffers(kind, len(rows), [valid, pa.py_buffer(offsets), data])


def lists(values: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """Rows of plain lists: row k is ``values[offsets[k]:offsets[k + 1]]``. offsets: int32, or int64 for large lists."""
    kind = pa.ListArray if offsets.dtype == np.int32 else pa.LargeListArray
    return kind.from_arrays(column(offsets), column(values))


def repeated(text: str, rows: int) -> pa.Array:
    """A column of the same string."""
    return pa.repeat(column([text])[0], rows)


def table(columns: Mapping[str, Values]) -> pa.Table:
    """Columns by name, see ``column``."""
    return pa.table({name: column(values) for name, values in columns.items()})


def array(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(row,): a column of numbers or bools without nulls, or of strings, as objects. It may share the column's memory,
    and is then not to be written to."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_boolean(whole.type):
        return array(whole.cast(pa.uint8())).astype(bool)
    if pa.types.is_primitive(whole.type) and not whole.null_count:
        return np.from_dlpack(whole)
    return np.array(whole.to_pylist(), object)
