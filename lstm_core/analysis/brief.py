"""How a result prints: its fields, with the shapes of arrays in the place of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def brief(kind: type[T]) -> type[T]:
    """A dataclass that prints itself briefly: ``Health(layer=0, direction=0, movement=(32,), ...)``."""

    def __repr__(self: Any) -> str:
        told = ", ".join(f"{one.name}={_short(getattr(self, one.name))}" for one in fields(self) if one.repr)
        return f"{kind.__name__}({told})"

    kind.__repr__ = __repr__
    return kind


def _short(value: Any) -> str:
    """An array's shape; what an array is in, by name or by place; a number with six digits; the rest as it prints."""
    if isinstance(value, np.ndarray):
        return str(value.shape)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list) and any(isinstance(item, np.ndarray | Mapping) for item in value):
        return f"[{', '.join(map(_short, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)
