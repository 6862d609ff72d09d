"""What a trace reads on its device answers as NumPy's own array of it does, and copies only when somebody reads it."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import kept, trace
from lstm_core.kept import KeptArray

VALUES = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
OTHER = np.random.default_rng(1).normal(size=(4, 2, 3)).astype(np.float32)

METHODS: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda a, name=name: getattr(a, name)()
        for name in (
            "mean max min sum std var argmax argmin prod any all cumsum ravel flatten copy tolist squeeze tobytes "
            "nonzero transpose round argsort"
        ).split()
    },
    "mean of an axis": lambda a: a.mean(axis=(0, 1), keepdims=True),
    "T": lambda a: a.T,
    "flat": lambda a: list(a.flat),
    "nbytes": lambda a: a.nbytes,
    "astype": lambda a: a.astype(np.float64),
    "reshape": lambda a: a.reshape(-1, 3),
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "item": lambda a: a.item(5),
    "take": lambda a: a.take([0, 2], axis=2),
    "clip": lambda a: a.clip(-0.5, 0.5),
    "index": lambda a: a[1:, 0, [0, 2]],
    "mask": lambda a: a[a > 0],
    "iterate": lambda a: [row.sum() for row in a],
    "str": str,
    "in": lambda a: (float(VALUES[0, 0, 0]) in a, 7.5 in a),
    "np.mean": np.mean,
    "np.concatenate": lambda a: np.concatenate([a, a]),
    "np.where": lambda a: np.where(a > 0, a, 0),
    "np.exp": np.exp,
    "np.maximum.reduce": lambda a: np.maximum.reduce(a, axis=1),
    "np.add.outer": lambda a: np.add.outer(a, a),
    "np.allclose": lambda a: np.allclose(a, a),
    "np.linalg.norm": np.linalg.norm,
    "matmul": lambda a: a @ OTHER.swapaxes(1, 2),
    "into": lambda a: np.multiply(a, 2, out=np.zeros((4, 2, 3), np.float32)),
    "unary": lambda a: (-a, +a, abs(a)),
    "divmod": lambda a: divmod(a, 0.3),
}
OPERATORS = "add sub mul truediv floordiv mod pow eq ne lt le gt ge".split()


def same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, list | tuple):
        for a, b in zip(one, other, strict=True):
            same(a, b)
        return
    np.testing.assert_array_equal(one, other)
    assert getattr(one, "dtype", None) == getattr(other, "dtype", None)


@pytest.mark.parametrize("does", METHODS)
def test_it_answers_as_the_array_does(does: str) -> None:
    same(METHODS[does](KeptArray(VALUES)), METHODS[does](VALUES.numpy()))


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_take_it_on_either_side(name: str) -> None:
    does, own, array = getattr(operator, name), KeptArray(VALUES), VALUES.numpy()
    with np.errstate(invalid="ignore"):
        for other in (2.0, OTHER, OTHER[0]):
            same(does(own, other), does(array, other))
            same(does(other, own), does(other, array))
        same(does(own, KeptArray(VALUES)), does(array, array))
    total = OTHER.copy()
    total += own
    same(total, OTHER + array)


def test_nothing_is_copied_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = []
    monkeypatch.setattr(kept, "on_host", lambda values, own=kept.on_host: copies.append(values.numel()) or own(values))
    array = KeptArray(VALUES)
    assert (array.shape, array.ndim, array.size, len(array)) == ((4, 2, 3), 3, 24, 4)
    assert array.dtype == np.float32 and "(4, 2, 3), float32, on cpu" in repr(array) and "mean" in dir(array)
    assert KeptArray(VALUES.bfloat16()).dtype == np.float32 and KeptArray(VALUES.double()).dtype == np.float64
    assert not any(hasattr(array, name) for name in ("tensors", "cpu", "detach", "__array_interface__", "_kept"))
    assert sum(copies) == 0
    assert array.mean() < array.max() and (array + 1).shape == np.asarray(array).shape
    assert sum(copies) == 24


def test_where_it_is_none_it_says_so() -> None:
    array = KeptArray(VALUES)
    with pytest.raises(AttributeError, match="'KeptArray' object has no attribute 'softmax'"):
        _ = array.softmax
    with pytest.raises(ValueError, match="ambiguous"):
        bool(array)
    with pytest.raises(TypeError):
        array += 1
    with pytest.raises(TypeError):
        hash(array)
    one = KeptArray(VALUES[0, 0, 0])
    with pytest.raises(TypeError, match="without axes"):
        len(one)
    assert float(one) == float(VALUES[0, 0, 0]) and bool(one) and int(KeptArray(torch.tensor(3))) == 3
    assert one.numpy() == VALUES[0, 0, 0].numpy()
    for again in (copy.copy(array), copy.deepcopy(array), pickle.loads(pickle.dumps(array))):
        same(again.numpy(), VALUES.numpy())


def test_the_inputs_of_a_trace_on_its_device() -> None:
    x = torch.randn(5, 2, 3)
    found = trace(nn.GRU(3, 4), x, keep="device").inputs
    assert isinstance(found, KeptArray)
    same(found.mean(axis=0), x.numpy().mean(axis=0))
    same(found[..., 0] * 2 - found.T[0].T, x.numpy()[..., 0] * 2 - x.numpy().T[0].T)
