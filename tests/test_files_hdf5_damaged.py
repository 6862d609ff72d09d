"""What h5py says of a damaged HDF5 file, in exceptions of every kind, is a sentence."""

from __future__ import annotations

import io
import random
import struct

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

from lstm_core.files import hdf5  # noqa: E402
from lstm_core.files.limits import reason  # noqa: E402
from lstm_core.say import Said  # noqa: E402


def whole() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as tree:
        tree.attrs["keras_version"] = "3.15.0"
        tree["layers/lstm/cell/vars/0"] = np.ones((3, 16), np.float32)
    return file.getvalue()


def refused(data: bytes) -> bool:
    try:
        hdf5.parse(data, 1 << 20)
    except ValueError as error:
        assert isinstance(reason(error), Said) and len(str(error)) < 400, error
        return True
    return False


def test_numbers_of_a_kind_that_numpy_does_not_have() -> None:
    file = io.BytesIO()
    with h5py.File(file, "w") as tree:
        space = h5py.h5s.create_simple((2, 3))
        h5py.h5d.create(tree.id, b"when", h5py.h5t.UNIX_D32LE, space)
    assert refused(file.getvalue())


def test_addresses_that_lead_out_of_the_file() -> None:
    """Wherever an address may stand in the first part of the file, there is one beyond all that a file can have."""
    data = whole()
    assert not refused(data)
    count = 0
    for at in range(8, 200):
        for value in (1 << 63, (1 << 63) - 1, (1 << 64) - 2):
            count += refused(data[:at] + struct.pack("<Q", value) + data[at + 8 :])
    assert count > 100


def test_whatever_the_library_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = (OverflowError, KeyError, AttributeError, UnicodeDecodeError, AssertionError, ZeroDivisionError, ValueError)
    for kind in random.Random(0).sample(kinds, len(kinds)):

        def trips(*of: object, kind: type[Exception] = kind) -> None:
            raise kind("utf-8", b"\xff", 0, 1, "x") if kind is UnicodeDecodeError else kind("x" * 1000)

        monkeypatch.setattr(hdf5, "nodes", trips)
        assert refused(whole())


def test_what_is_too_much_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (MemoryError, RecursionError):

        def trips(*of: object, kind: type[Exception] = kind) -> None:
            raise kind

        monkeypatch.setattr(hdf5, "nodes", trips)
        with pytest.raises(kind):
            hdf5.parse(whole(), 1 << 20)


def test_the_limit_is_for_all_arrays_together() -> None:
    file = io.BytesIO()
    with h5py.File(file, "w") as tree:
        for name in "abc":
            tree[name] = np.ones((10, 10), np.float32)
    assert len(hdf5.parse(file.getvalue(), 1200)[1]) == 3
    with pytest.raises(ValueError, match="c"):
        hdf5.parse(file.getvalue(), 1199)
