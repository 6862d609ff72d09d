"""A figure's tree as bytes."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np

from lstm_core.drawing.pack import pack

FULL = 25_000
"""Numbers of a figure that are all sent in full; of more three digits are kept."""


def packed(figure: Any, step: int) -> bytes:
    """What the browser draws of the figure, its cursor at ``step``; compressed."""
    tree = figure.tree(step)
    return gzip.compress(pack(tree, half=_count(tree) > FULL), mtime=0)


def _count(node: Any) -> int:
    """Numbers in arrays."""
    if isinstance(node, np.ndarray):
        return node.size
    if isinstance(node, dict):
        return sum(map(_count, node.values()))
    return sum(map(_count, node)) if isinstance(node, (list, tuple)) else 0
