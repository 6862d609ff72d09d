"""What is known to go wrong between two models, found in this folder: adding one is adding its file with a ``CAUSE``.

A cause exchanges one thing about a layer of one model. It is the cause if the layer, run again with that exchanged,
then agrees with the other model's.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from lstm_core.comparing.level import Level, Params
from lstm_core.say import Said

Kind = Literal["input", "state", "weights"]
ORDER: tuple[Kind, ...] = ("input", "state", "weights")
"""What goes in is looked at first: what weights and equations make of it can only be compared after that."""


@dataclass(frozen=True, eq=False)
class Try:
    """change: what is exchanged, as a sentence that begins with "With" goes on. level: with that exchanged.
    direction: the only one that it was exchanged in; None for all."""

    change: Said
    level: Level
    direction: int | None = None


@dataclass(frozen=True, eq=False)
class Cause:
    """name: what one calls it. kind: what it is about. tries: what could be exchanged in a layer, given the other
    model's; each is tried in both models."""

    name: str
    kind: Kind
    tries: Callable[[Level, Level], Iterator[Try]]


@cache
def discover() -> tuple[Cause, ...]:
    """Every cause, in the order in which they are tried."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = [module.CAUSE for module in modules if hasattr(module, "CAUSE")]
    return tuple(sorted(found, key=lambda cause: ORDER.index(cause.kind)))


def everywhere(change: Said, level: Level, exchange: Callable[[Params, Params], Params | None]) -> Iterator[Try]:
    """Tries that exchange parameters: in all directions, and in each alone where there are two.

    exchange: the new parameters of a direction from the old ones and from its two biases (empty if they are not known);
    None where there is nothing to exchange.
    """
    biases = level.biases or ({},) * len(level.params)
    new = [exchange(params, both) for params, both in zip(level.params, biases, strict=True)]
    if None in new:
        return
    whole = tuple(params for params in new if params is not None)
    yield Try(change, replace(level, params=whole))
    for at in range(len(whole)) if len(whole) > 1 else ():
        one = tuple(whole[k] if k == at else params for k, params in enumerate(level.params))
        yield Try(change, replace(level, params=one), at)


def gates(level: Level) -> tuple[str, ...]:
    """The letters of what reads the input and the old h, in the order in which they are stacked."""
    names = {param.name for param in level.cell.params}
    letters = (param.name[2:] for param in level.cell.params if param.name.startswith("W_"))
    return tuple(k for k in letters if f"U_{k}" in names)


def with_values(params: Params, values: Mapping[str, np.ndarray]) -> Params:
    """``params`` with these in their place."""
    return {**params, **values}
