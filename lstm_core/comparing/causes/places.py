"""Weights in other places: W where U belongs, the input's features or the units in another order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lstm_core.comparing.causes import Cause, Try, everywhere, gates
from lstm_core.comparing.causes.order_of_input import order_of, written
from lstm_core.comparing.level import Level, Params
from lstm_core.say import mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with W and U exchanged, and with its features or units where the other's weights say."""
    letters = gates(own)
    exchanged = say("the input and the recurrent matrices of {side} exchanged", side=own.side)
    yield from everywhere(exchanged, own, lambda p, two: _exchanged(p, letters))
    if len(own.params) != 1 or len(other.params) != 1:
        return
    mine, theirs = own.params[0], other.params[0]
    if not _alike(mine, theirs):
        return
    read = [name for name in mine if name.startswith("W_") and name != "W_hr"]
    features = order_of(*(np.concatenate([params[name] for name in read]).T for params in (mine, theirs)))
    if features is not None:
        told = {"side": own.side, "order": written(features)}
        change = say("the columns of the input matrices of {side} in the order {order}", **told)
        yield Try(change, replace(own, params=({**mine, **{name: mine[name][:, features] for name in read}},)))
    rows = [name for name in mine if name[:2] in ("W_", "b_") and name != "W_hr"]
    units = order_of(*(np.concatenate([_tall(params[name]) for name in rows], axis=1) for params in (mine, theirs)))
    if units is not None and "W_hr" not in mine:
        change = say("the units of {side} in the order {order}", side=own.side, order=written(units))
        initial = {name: value[..., units] for name, value in own.initial.items()}
        moved = {name: _moved(name, value, units) for name, value in mine.items()}
        yield Try(change, replace(own, params=(moved,), initial=initial))


def _alike(first: Params, second: Params) -> bool:
    shapes = ({name: value.shape for name, value in params.items()} for params in (first, second))
    return next(shapes) == next(shapes)


def _tall(value: np.ndarray) -> np.ndarray:
    return value if value.ndim == 2 else value[:, None]


def _moved(name: str, value: np.ndarray, units: np.ndarray) -> np.ndarray:
    if len(value) != len(units):
        return value
    return value[units][:, units] if name.startswith("U_") and value.ndim == 2 else value[units]


def _exchanged(params: Params, letters: tuple[str, ...]) -> Params | None:
    found = {f"{one}_{k}": params[f"{two}_{k}"] for k in letters for one, two in ("WU", "UW")}
    same = all(params[name].shape == value.shape for name, value in found.items())
    return {**params, **found} if found and same else None


CAUSE = Cause(mark("places of weights"), "weights", tries)
