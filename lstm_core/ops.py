"""NumPy and torch under one set of names: the only difference between back ends.

A back end is an object with the elementwise functions that cells use (``sigmoid``, ``tanh``) and the few array
functions that the scan uses. ``lstm_core.equations`` adds a third one, whose arrays are symbols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np


class Matrix:
    """A weight of shape (out, in), applied as in the papers: ``W @ x`` for x of shape (..., in) is (..., out)."""

    __slots__ = ("transposed",)

    def __init__(self, array: Any) -> None:
        """array: (out, in), NumPy's or torch's."""
        self.transposed = array.T

    def __matmul__(self, x: Any) -> Any:
        """x: (..., in) gives (..., out)."""
        return x @ self.transposed

    def __mul__(self, other: Matrix) -> Matrix:
        """Elementwise, for a matrix of which a mask leaves a part."""
        return Matrix((self.transposed * other.transposed).T)


def host(values: Any, dtype: Any = None) -> np.ndarray:
    """NumPy's array of ``values``; of a torch tensor its numbers, whatever device and graph they belong to.

    bfloat16, which NumPy does not have, comes as float32.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    return np.asarray(values, dtype)


def parameters(params: Mapping[str, Any]) -> SimpleNamespace:
    """Arrays by name as the ``p`` of ``Cell.gates``: matrices are wrapped, vectors are left alone."""
    return SimpleNamespace(**{name: Matrix(a) if a.ndim == 2 else a for name, a in params.items()})


class NumpyOps:
    """The back end on NumPy arrays; the result has the precision of what goes in."""

    name = "numpy"
    tanh = staticmethod(np.tanh)
    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    abs = staticmethod(np.abs)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    greater = staticmethod(np.greater)

    @staticmethod
    def sigmoid(x: np.ndarray) -> np.ndarray:
        """1 / (1 + exp(-x)), elementwise."""
        return np.exp(-np.logaddexp(x.dtype.type(0), -x))  # neither overflows nor loses the small values

    @staticmethod
    def log_sigmoid(x: np.ndarray) -> np.ndarray:
        """log(sigmoid(x)), elementwise, also where sigmoid(x) is too small to be a number."""
        return -np.logaddexp(x.dtype.type(0), -x)

    @staticmethod
    def standardized(x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
        """``x`` with mean 0 and variance 1 over its units: layer normalisation before its gain and bias."""
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + x.dtype.type(eps))

    @staticmethod
    def divides(period: np.ndarray, count: np.ndarray) -> np.ndarray:
        """1 where ``count`` is a multiple of ``period``, else 0."""
        return (np.remainder(count, period) == 0).astype(count.dtype)

    @staticmethod
    def asarray(x: Any, like: np.ndarray | None = None) -> np.ndarray:
        """As an array, in the precision of ``like`` if that is given."""
        return np.asarray(x) if like is None else np.asarray(x, like.dtype)

    @staticmethod
    def zeros(shape: tuple[int, ...], like: np.ndarray) -> np.ndarray:
        """Zeros of that shape in the precision of ``like``."""
        return np.zeros(shape, like.dtype)

    @staticmethod
    def nowhere(shape: tuple[int, ...], like: np.ndarray) -> np.ndarray:
        """NaN of that shape in the precision of ``like``."""
        return np.full(shape, np.nan, like.dtype)

    @staticmethod
    def where(condition: Any, x: np.ndarray, y: Any) -> np.ndarray:
        """``x`` where the condition holds, else ``y``, which may be a number, in the precision of ``x``."""
        return np.where(condition, x, np.asarray(y, x.dtype))

    @staticmethod
    def flip(x: np.ndarray, axis: int = 0) -> np.ndarray:
        """Last first along an axis."""
        return np.flip(x, axis)

    @staticmethod
    def inner(now: np.ndarray, states: np.ndarray) -> np.ndarray:
        """(time, batch, source): every now (time, batch, unit) times every state (source, batch, unit)."""
        return np.einsum("tbu,kbu->tbk", now, states)

    @staticmethod
    def softmax_past(scores: np.ndarray) -> np.ndarray:
        """(time, batch, source): a softmax over the sources up to the step itself, and 0 for those after it."""
        past = np.tri(len(scores), dtype=bool)[:, None]
        exp = np.exp(np.where(past, scores, -np.inf) - scores.max(axis=-1, keepdims=True, where=past, initial=-np.inf))
        return exp / exp.sum(axis=-1, keepdims=True)

    @staticmethod
    def mix(weights: np.ndarray, states: np.ndarray) -> np.ndarray:
        """(time, batch, unit): the states (source, batch, unit) under the weights (time, batch, source)."""
        return np.einsum("tbk,kbu->tbu", weights, states)

    @staticmethod
    def softmax_places(scores: np.ndarray) -> np.ndarray:
        """A softmax over the places of a picture, the first axis."""
        exp = np.exp(scores - scores.max(axis=0))
        return exp / exp.sum(axis=0)

    @staticmethod
    def sum_places(x: np.ndarray) -> np.ndarray:
        """The sum over the places of a picture, the first axis."""
        return x.sum(axis=0)

    @staticmethod
    def mean_places(x: np.ndarray) -> np.ndarray:
        """The mean over the places of a picture, the first axis."""
        return x.mean(axis=0)

    @staticmethod
    def likeliest_place(shares: np.ndarray) -> np.ndarray:
        """1 at the place with the largest share, along the first axis, and 0 at all others."""
        found = np.zeros_like(shares)
        np.put_along_axis(found, shares.argmax(axis=0)[None], 1, axis=0)
        return found

    @staticmethod
    def sum_units(x: np.ndarray) -> np.ndarray:
        """The sum over the last axis, which stays as one of length 1."""
        return x.sum(axis=-1, keepdims=True)

    @staticmethod
    def flat(x: np.ndarray) -> np.ndarray:
        """(batch, row, column) as (batch, row * column)."""
        return x.reshape(len(x), -1)

    @staticmethod
    def square(x: np.ndarray) -> np.ndarray:
        """(batch, side * side) as (batch, side, side)."""
        return x.reshape(len(x), round(x.shape[1] ** 0.5), -1)

    @staticmethod
    def transposed(x: np.ndarray) -> np.ndarray:
        """The matrices of the last two axes, transposed."""
        return x.swapaxes(-1, -2)

    stack = staticmethod(np.stack)
    concatenate = staticmethod(np.concatenate)

    @staticmethod
    def to_numpy(x: np.ndarray) -> np.ndarray:
        """The array as it is."""
        return x


class TorchOps:
    """The same on torch tensors of one device. torch is imported when the first one is made."""

    name = "torch"

    def __init__(self, device: str = "cpu") -> None:
        """device: torch's name of one. Raises ImportError if torch is not installed."""
        import torch

        self.torch = torch
        self.device = device
        self.sigmoid = torch.sigmoid
        self.log_sigmoid = torch.nn.functional.logsigmoid
        self.tanh = torch.tanh
        self.exp = torch.exp
        self.log = torch.log
        self.abs = torch.abs
        self.greater = torch.gt

    def maximum(self, x: Any, y: Any) -> Any:
        """Elementwise; ``y`` may be a number, as in NumPy."""
        return self.torch.maximum(x, y) if isinstance(y, self.torch.Tensor) else x.clamp(min=y)

    def minimum(self, x: Any, y: Any) -> Any:
        """Elementwise; ``y`` may be a number, as in NumPy."""
        return self.torch.minimum(x, y) if isinstance(y, self.torch.Tensor) else x.clamp(max=y)

    def standardized(self, x: Any, eps: float = 1e-5) -> Any:
        """``x`` with mean 0 and variance 1 over its units."""
        return self.torch.nn.functional.layer_norm(x, x.shape[-1:], eps=eps)

    def asarray(self, x: Any, like: Any = None) -> Any:
        """As a tensor on the device, in the precision of ``like`` if that is given."""
        x = np.require(x, requirements=("C", "W")) if isinstance(x, np.ndarray) else x  # torch has none of the others
        return self.torch.as_tensor(x, device=self.device, dtype=None if like is None else like.dtype)

    def divides(self, period: Any, count: Any) -> Any:
        """1 where ``count`` is a multiple of ``period``, else 0."""
        return (self.torch.remainder(count, period) == 0).to(count.dtype)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """``x`` where the condition holds, else ``y``, which may be a number."""
        return self.torch.where(self.asarray(condition), x, self.asarray(y, like=x))

    def flip(self, x: Any, axis: int = 0) -> Any:
        """Last first along an axis; a copy, since torch has no negative steps."""
        return x.flip(axis)

    def zeros(self, shape: tuple[int, ...], like: Any) -> Any:
        """Zeros of that shape, where ``like`` is and in its precision."""
        return self.torch.zeros(shape, dtype=like.dtype, device=like.device)

    def nowhere(self, shape: tuple[int, ...], like: Any) -> Any:
        """NaN of that shape, where ``like`` is and in its precision."""
        return self.torch.full(shape, self.torch.nan, dtype=like.dtype, device=like.device)

    def inner(self, now: Any, states: Any) -> Any:
        """(time, batch, source): every now (time, batch, unit) times every state (source, batch, unit)."""
        return self.torch.einsum("tbu,kbu->tbk", now, states)

    def softmax_past(self, scores: Any) -> Any:
        """(time, batch, source): a softmax over the sources up to the step itself, and 0 for those after it."""
        past = self.torch.ones(len(scores), len(scores), dtype=self.torch.bool, device=scores.device).tril()[:, None]
        return scores.masked_fill(~past, -self.torch.inf).softmax(-1)

    def mix(self, weights: Any, states: Any) -> Any:
        """(time, batch, unit): the states (source, batch, unit) under the weights (time, batch, source)."""
        return self.torch.einsum("tbk,kbu->tbu", weights, states)

    def softmax_places(self, scores: Any) -> Any:
        """A softmax over the places of a picture, the first axis."""
        return scores.softmax(0)

    def sum_places(self, x: Any) -> Any:
        """The sum over the places of a picture, the first axis."""
        return x.sum(0)

    def mean_places(self, x: Any) -> Any:
        """The mean over the places of a picture, the first axis."""
        return x.mean(0)

    def likeliest_place(self, shares: Any) -> Any:
        """1 at the place with the largest share, along the first axis, and 0 at all others."""
        return self.torch.zeros_like(shares).scatter(0, shares.argmax(0, keepdim=True), 1.0)

    def sum_units(self, x: Any) -> Any:
        """The sum over the last axis, which stays as one of length 1."""
        return x.sum(-1, keepdim=True)

    def flat(self, x: Any) -> Any:
        """(batch, row, column) as (batch, row * column)."""
        return x.reshape(len(x), -1)

    def square(self, x: Any) -> Any:
        """(batch, side * side) as (batch, side, side)."""
        return x.reshape(len(x), round(x.shape[1] ** 0.5), -1)

    def transposed(self, x: Any) -> Any:
        """The matrices of the last two axes, transposed."""
        return x.transpose(-1, -2)

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Tensors of one shape along a new axis."""
        return self.torch.stack(list(arrays), dim=axis)

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Tensors one after another along an axis that they have."""
        return self.torch.cat(list(arrays), dim=axis)

    @staticmethod
    def to_numpy(x: Any) -> np.ndarray:
        """A copy on the host, without torch's graph."""
        return x.detach().cpu().numpy()


NUMPY = NumpyOps()
