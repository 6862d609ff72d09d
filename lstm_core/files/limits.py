"""What a file may cost and must not contain. Everything that is wrong with one is a ValueError in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lstm_core.say import Said, say

MAX_BYTES = 1 << 30


class Ambiguous(ValueError):
    """Several cells fit what the file holds. ``choices``: their names by block; pass one as ``load(..., cell=...)``."""

    def __init__(self, choices: Mapping[str, Sequence[str]]) -> None:
        """choices: by block, the names of the cells that fit."""
        self.choices = {name: tuple(cells) for name, cells in choices.items()}
        asked = "; ".join(f"{name or 'the block'}: {' or '.join(cells)}" for name, cells in self.choices.items())
        super().__init__(
            say(
                "the file does not say which cell it holds ({choices}); "
                "pass cell='...', or cell={{block: '...'}} where blocks differ",
                choices=asked,
            )
        )


class Incomplete(ValueError):
    """Some weights of a block are not in the file; they may lie in another one."""


def reason(error: BaseException) -> str:
    """What an error says; what was said with ``say`` stays so."""
    return next((part for part in error.args if isinstance(part, Said)), str(error))


def block_of(name: str) -> str:
    """A block's name in a sentence; not every block has one."""
    return name or say("the block")


def shown(name: str) -> str:
    """A name that a file gives or has, no longer than can be read."""
    return name if len(name) <= 80 else f"{name[:77]}..."


def some(names: Iterable[str], count: int = 6) -> str:
    """The first few of many names, as they are ``shown``."""
    short = [shown(name) for name in names] or [""]
    listed = short[0]
    for name in short[1:count]:
        listed = say("{first}, {second}", first=listed, second=name)
    more = len(short) - count
    return listed if more <= 0 else say("{names} and {count} more", names=listed, count=more)


def choose(asked: Mapping[str, Sequence[str]], cell: str | Mapping[str, str] | None) -> dict[str, str]:
    """The cell of each block that has several to choose from, as the caller says; Ambiguous for what is left open."""
    chosen: dict[str, str] = {}
    left: dict[str, Sequence[str]] = {}
    for name, cells in asked.items():
        wanted = cell.get(name) if isinstance(cell, Mapping) else cell
        if wanted is not None and wanted in cells:
            chosen[name] = wanted
        elif wanted is None:
            left[name] = cells
        else:
            raise ValueError(f"{name or 'the block'} cannot be a {wanted}: its shapes fit {' or '.join(cells)}")
    if left:
        raise Ambiguous(left)
    return chosen


def check_size(what: str, shape: Iterable[int], itemsize: int, limit: int) -> None:
    """ValueError if an array of that shape is larger than the whole file may be."""
    shape = tuple(int(n) for n in shape)
    if any(n < 0 for n in shape) or math.prod(shape) * itemsize > limit:
        raise ValueError(
            say(
                "{what} claims the shape {shape}, more than the {limit:,} bytes that are allowed",
                what=what,
                shape=shape,
                limit=limit,
            )
        )


def weights(arrays: Mapping[str, Any], where: str) -> dict[str, np.ndarray]:
    """``arrays`` as float32 or float64 of their own; ValueError for other kinds of numbers, and for NaN and
    infinity."""
    found = {}
    for name, value in arrays.items():
        value = np.asarray(value)
        if value.dtype.kind != "f" and value.dtype.name != "bfloat16":
            raise not_floating(say("{key} of {where}", key=name, where=where), value.dtype)
        value = np.array(value, np.float64 if value.dtype == np.float64 else np.float32)
        if not np.isfinite(value).all():
            count = int((~np.isfinite(value)).sum())
            if count == 1:
                raise ValueError(say("{name} of {where} holds a value that is NaN or infinite", name=name, where=where))
            raise ValueError(
                say(
                    "{name} of {where} holds {count} values that are NaN or infinite",
                    name=name,
                    where=where,
                    count=count,
                )
            )
        found[name] = value
    kind = np.result_type(*found.values()) if found else np.float32
    return {name: value.astype(kind, copy=False) for name, value in found.items()}


def not_floating(name: str, kind: object) -> ValueError:
    """What is raised for weights that are other numbers than those of floating point."""
    return ValueError(
        say(
            "{name} holds {kind}, not floating-point weights; if the model was quantised, give it as it was before",
            name=name,
            kind=str(kind),
        )
    )


def expect(value: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    """``value``, if it has that shape."""
    if value.shape != shape:
        raise ValueError(
            say("{what} is {found}; {shape} would fit the others", what=what, found=value.shape, shape=shape)
        )
    return value
