"""Picking from a signal by the names of its axes: what ``Trace.sel`` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_core.say import say
from lstm_core.trace import AXES


def pick(values: np.ndarray, index: Mapping[str, Any], signal: str) -> np.ndarray:
    """``values``, those of ``signal``, at ``index``; see ``Trace.sel``."""
    at: list[Any] = [slice(None)] * len(AXES)
    for axis, asked in index.items():
        if axis not in AXES:
            raise ValueError(f"the trace has no axis {axis!r}; its axes are {', '.join(AXES)}")
        place = AXES.index(axis)
        at[place] = asked if isinstance(asked, slice) else _places(asked, axis, values.shape[place], signal)
    for place, several in enumerate(at):
        if isinstance(several, np.ndarray):
            values = values.take(several, axis=place)
            at[place] = slice(None)
    return values[tuple(at)]


def _places(asked: Any, axis: str, size: int, signal: str) -> int | np.ndarray:
    """One place, or several, that a signal of ``size`` has along ``axis``."""
    try:
        places = np.asarray(asked)
    except ValueError:  # lists of unequal lengths
        places = np.empty(0, object)
    if places.ndim == 1 and places.size == 0 and places.dtype != object:
        places = places.astype(np.intp)  # an empty list is one of floats to NumPy
    if places.dtype == bool and places.ndim == 1:
        if len(places) != size:
            raise ValueError(
                say(
                    "along {axis} {signal} has {size} places, so it is picked from with as many True and False, "
                    "not {count}",
                    axis=say(axis),
                    signal=signal,
                    size=size,
                    count=len(places),
                )
            )
        return np.flatnonzero(places)
    if places.dtype.kind not in "iu" or places.ndim > 1:
        raise ValueError(
            say(
                "along {axis} one picks with an integer, a slice, or a list of integers or of True and False, "
                "not with {asked}",
                axis=say(axis),
                asked=repr(asked)[:80],
            )
        )
    for each in places.ravel().tolist():
        if not -size <= each < size:
            where = {"axis": say(axis), "at": each, "signal": signal, "size": size, "last": size - 1}
            raise ValueError(say("{axis} {at} does not exist in {signal}; there are {size} (0 to {last})", **where))
    return int(places) if places.ndim == 0 else places.astype(np.intp)
