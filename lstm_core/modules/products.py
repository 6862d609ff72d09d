"""To what a CPU rounds the float32 numbers that it multiplies: settings allow it, and oneDNN decides, so it is tried.

``torch.set_float32_matmul_precision("medium")`` and ``torch.backends.mkldnn.*.fp32_precision`` allow bfloat16 or TF32.
oneDNN uses them where the processor has units for them and the sizes are worth it. So a product of the same sizes is
made once, of a number that each of the two rounds in another way.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

COARSER = 2.0**-9, 2.0**-12
"""Added to 1: bfloat16 rounds off both, TF32 the second."""
ROWS, SIZES = 32, 4096  # of a product that is tried, at most: what is worth it for so many is for more
BY_ENVIRONMENT = os.environ.get("ONEDNN_DEFAULT_FPMATH_MODE", "STRICT").upper() != "STRICT"
SETTINGS = threading.RLock()
"""Held while one of torch's settings, which are every thread's, is another one for a moment, and by whoever asks for
one: of two traces in two threads neither takes the other's for the user's."""


def coarsest(found: Sequence[str]) -> str:
    """ "bfloat16" or "TF32" if one of them is, else ""."""
    return next((name for name in ("bfloat16", "TF32") if name in found), "")


def allowed(*of: str) -> bool:
    """Whether rounding is allowed in one of these operations, "matmul", "rnn" or "conv"; else nothing is tried."""
    with SETTINGS:
        return any(_settings(one) for one in of)


def of_products(rows: int, shape: Sequence[int]) -> str:
    """To what a product of (rows, width) with weights (out, width) is rounded: "bfloat16", "TF32", or "" for neither.
    shape: of the weights."""
    with SETTINGS:
        settings = _settings("matmul")
        if not settings or 0 in shape:
            return ""
        return _product(settings, min(rows, ROWS), *(min(size, SIZES) for size in shape))


def of_lstm(batch: int, width: int, hidden: int) -> str:
    """The same of torch's LSTM on whole sequences, which is one operation of oneDNN with a setting of its own."""
    with SETTINGS:
        settings = _settings("rnn")
        return _lstm(settings, min(batch, ROWS), width, hidden) if settings else ""


def of_convolutions(shape: Sequence[int]) -> str:
    """The same of convolutions with weights of this shape, (out, in, ...)."""
    with SETTINGS:
        settings = _settings("conv")
        return _convolution(settings, *shape) if settings and 0 not in shape else ""


@contextmanager
def in_full() -> Iterator[None]:
    """Products are made in full float32, whatever is allowed: in this thread, and meanwhile in others."""
    onednn: Any = torch.backends.mkldnn
    backend = onednn.matmul
    with SETTINGS:
        before = backend.fp32_precision
        if before not in ("bf16", "tf32"):
            yield
            return
        backend.fp32_precision = "ieee"
        try:
            yield
        finally:
            backend.fp32_precision = "none"  # as what it is a part of
            if backend.fp32_precision != before:
                backend.fp32_precision = before


def _settings(of: str) -> tuple[str, bool] | None:
    """What the answer depends on besides sizes; None where full precision is certain. of: which operations."""
    backend: Any = torch.backends.mkldnn
    may = getattr(backend, of).fp32_precision
    return (may, backend.enabled) if may in ("bf16", "tf32") or BY_ENVIRONMENT else None


def _rounded(run: Callable[[float], Tensor]) -> str:
    """To what ``run`` rounds the number that it multiplies."""
    first, second = COARSER
    made = run(1 + first + second)
    return "bfloat16" if torch.equal(made, run(1)) else "TF32" if torch.equal(made, run(1 + first)) else ""


def _single(shape: Sequence[int], value: float) -> Tensor:
    """Zeros of this shape, but for ``value`` in the first place of each row."""
    values = torch.zeros(*shape, dtype=torch.float32, device="cpu")
    values[(slice(None), *[0] * (len(shape) - 1))] = value
    return values


@lru_cache(1024)
def _product(settings: Any, rows: int, out: int, width: int) -> str:
    x, bias = _single((rows, width), 1), _single((out,), 0)
    return _rounded(lambda value: nn.functional.linear(x, _single((out, width), value), bias))


@lru_cache(1024)
def _lstm(settings: Any, batch: int, width: int, hidden: int) -> str:
    x = _single((batch, width), 1)[None]
    state = [_single((batch, hidden), 0)[None]] * 2
    inner = _single((4 * hidden, hidden), 0)

    def run(value: float) -> Tensor:
        weights = [_single((4 * hidden, width), value), inner]
        return torch.lstm(x, state, weights, False, 1, 0.0, False, False, False)[0]

    return _rounded(run)


@lru_cache(1024)
def _convolution(settings: Any, out: int, inputs: int, *kernel: int) -> str:
    x = _single((1, inputs, *kernel), 0)
    x[0, 0] = 1
    convolve = (nn.functional.conv1d, nn.functional.conv2d, nn.functional.conv3d)[len(kernel) - 1]
    return _rounded(lambda value: convolve(x, _single((out, inputs, *kernel), value)))
