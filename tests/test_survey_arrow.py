"""Columns made from buffers are those that pyarrow makes of the same values, and come back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lstm_core.survey import arrow

VALUES: dict[str, Any] = {
    "bytes": np.arange(-5, 5, dtype=np.int8),
    "every second": np.arange(20.0)[::2],
    "NaN": np.array([np.nan, np.inf, -0.0], np.float32),
    "big": np.array([1 << 63, 3], np.uint64),
    "bools": np.arange(19) % 3 == 0,
    "no number": np.zeros(0, np.int32),
    "no bool": np.zeros(0, bool),
    "strings": ["a", "né 他\0", "", "🙂"],
    "strings and nulls": ["a", None, "", None, *"abcdefgh"],
    "no string": [],
    "objects": np.array(["mod.0", ""], object),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_column_is_pyarrows_own_and_comes_back(name: str) -> None:
    values = VALUES[name]
    found = arrow.column(values)
    found.validate(full=True)
    own = pa.array(values, pa.string() if found.type == pa.string() else None)
    assert found.type == own.type and found.null_count == own.null_count
    for column in (found, own, pa.chunked_array([found[:2], found[2:]])):
        back, whole = arrow.array(column), np.asarray(values, object if isinstance(values, list) else None)
        assert back.dtype == whole.dtype and back.shape == whole.shape
        np.testing.assert_array_equal(back, whole)
    np.testing.assert_array_equal(arrow.array(found[1:]), arrow.array(found)[1:])


def test_rows_of_bytes_and_of_lists() -> None:
    rows = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert arrow.column(rows[:, ::2]).equals(pa.array([bytes(row) for row in rows[:, ::2]], pa.binary()))
    for kind, column in ((np.int32, pa.list_), (np.int64, pa.large_list)):
        found = arrow.lists(np.arange(5.0), np.array([0, 2, 2, 5], kind))
        found.validate(full=True)
        assert found.equals(pa.array([[0.0, 1.0], [], [2.0, 3.0, 4.0]], column(pa.float64())))
    assert arrow.repeated("né", 3).equals(pa.array(["né"] * 3)) and len(arrow.repeated("a", 0)) == 0
    with pytest.raises(UnicodeEncodeError):
        arrow.column(["\ud800"])
