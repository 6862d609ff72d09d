"""NumPy and torch under one set of names: the only difference between back ends.

A back end is an object with the elementwise functions that cells use (``sigmoid``, ``tanh``) and the few array
functions
that the scan uses. ``lstm_core.equations`` adds a third one, whose arrays are symbols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np


class Matrix:
    """A weight of shape (out, in) that is applied as in the papers: ``W @ x`` for x of shape (..., in) is (...,
    out)."""

    __slots__ = ("transposed",)

    def __init__(self, array: Any) -> None:
        self.transposed = array.T

    def __matmul__(self, x: Any) -> Any:
        return x @ self.transposed


def parameters(params: Mapping[str, Any]) -> SimpleNamespace:
    """Arrays by name as the ``p`` of ``Cell.gates``: matrices are wrapped, vectors are left alone."""
    return SimpleNamespace(**{name: Matrix(a) if a.ndim == 2 else a for name, a in params.items()})


class NumpyOps:
    name = "numpy"
    tanh = staticmethod(np.tanh)

    @staticmethod
    def sigmoid(x: np.ndarray) -> np.ndarray:
        return np.exp(-np.logaddexp(x.dtype.type(0), -x))  # neither overflows nor loses the small values

    @staticmethod
    def asarray(x: Any, like: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(x) if like is None else np.asarray(x, like.dtype)

    @staticmethod
    def zeros(shape: tuple[int, ...], like: np.ndarray) -> np.ndarray:
        return np.zeros(shape, like.dtype)

    stack = staticmethod(np.stack)
    concatenate = staticmethod(np.concatenate)

    @staticmethod
    def to_numpy(x: np.ndarray) -> np.ndarray:
        return x


class TorchOps:
    """The same on torch tensors of one device. torch is imported when the first one is made."""

    name = "torch"

    def __init__(self, device: str = "cpu") -> None:
        import torch

        self.torch = torch
        self.device = device
        self.sigmoid = torch.sigmoid
        self.tanh = torch.tanh

    def asarray(self, x: Any, like: Any = None) -> Any:
        return self.torch.as_tensor(x, device=self.device, dtype=None if like is None else like.dtype)

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        return self.torch.zeros(shape, dtype=like.dtype, device=like.device)

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        return self.torch.stack(list(arrays), dim=axis)

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        return self.torch.cat(list(arrays), dim=axis)

    @staticmethod
    def to_numpy(x: Any) -> np.ndarray:
        return x.detach().cpu().numpy()


NUMPY = NumpyOps()
