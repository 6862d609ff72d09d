"""Memory for what a trace returns: megabytes, written once and given back with it.

A page that is new to the process costs 0.2 to 2 microseconds when it is first touched, often more than what is written
to it. glibc keeps what was freed, but only up to twice the largest block that ever was, and never a block above
``KEPT``. So what belongs together is one block, where it can be kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

KEPT = 32 << 20  # bytes; DEFAULT_MMAP_THRESHOLD_MAX of glibc


def empty(shapes: Sequence[tuple[int, ...]], dtype: np.dtype | type) -> list[np.ndarray]:
    """Arrays of these shapes, not initialised."""
    sizes = [math.prod(shape) for shape in shapes]
    if sum(sizes) * np.dtype(dtype).itemsize > KEPT:
        return [np.empty(shape, dtype) for shape in shapes]
    block, ends = np.empty(sum(sizes), dtype), accumulate(sizes)
    return [block[end - size : end].reshape(shape) for end, size, shape in zip(ends, sizes, shapes, strict=True)]
