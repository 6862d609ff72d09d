"""Runs that come to what is not a number: nothing can be said of what comes after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_core.certificate import Broken
from lstm_core.comparing.aligned import pairs
from lstm_core.comparing.level import Level
from lstm_core.comparing.result import Parting
from lstm_core.say import Said, say


def ended(first: Sequence[Level], second: Sequence[Level]) -> tuple[Parting, Said, Said] | None:
    """Where one run ended, at what is not a number, while the other went on, and what is said of it: of this place, and
    of one before it, where they parted already."""
    a, b = _end(first), _end(second)
    if a is None and b is None:
        return None
    if a is not None and b is not None and (a.step, a.sequence, a.layer) == (b.step, b.sequence, b.layer):
        return None
    side, end = ("A", a) if b is None or a is not None and a.step <= b.step else ("B", b)
    assert end is not None
    own, other = (first, second) if side == "A" else (second, first)
    layer = next(k for k, level in enumerate(own) if level.broken is not None and level.layer == end.layer)
    named, values = _both(own[layer], other[layer], end)
    (a, b), (a_value, b_value) = (named, values) if side == "A" else (named[::-1], values[::-1])
    place = end.direction, end.step, end.sequence, a, end.unit
    parting = Parting(layer, first[layer].name, *place, a_value, b_value, other="" if a == b else b)
    there = say("The run of {side} ended there: {why}.", side=side, why=end.message)
    return parting, there, say("Later the run of {side} ended: {why}.", side=side, why=end.message)


def _end(levels: Sequence[Level]) -> Broken | None:
    return next((level.broken for level in levels if level.broken is not None), None)


def _both(own: Level, other: Level, end: Broken) -> tuple[tuple[str, str], tuple[float, float]]:
    """What ended the run of ``own``, as both call it, and its values; where the other cell has no such signal, the
    first quantity of both that it spoiled in that step."""
    at = end.direction, end.step, end.sequence, end.unit
    both = sorted(pairs(own.cell, other.cell), key=lambda pair: pair.a != end.signal)  # the signal itself first
    for pair in both:
        values = _value(pair.of_a(own.signals), at), _value(pair.of_b(other.signals), at)
        if pair.a == end.signal or (np.isfinite(values[1]) and not np.isfinite(values[0])):
            return (pair.a, pair.b), values
    return (end.signal, end.signal), (_value(own.signals.get(end.signal), at), np.nan)


def _value(values: np.ndarray | None, at: tuple[int, ...]) -> float:
    inside = values is not None and all(place < size for place, size in zip(at, values.shape, strict=True))
    return float(values[at]) if values is not None and inside else np.nan


def both_ended(first: Sequence[Level], second: Sequence[Level], at: Parting) -> bool:
    """Whether both did at the place at which ``ended`` says that one did: the run of a file, which is ours, goes on
    with NaN, and is not broken off as a module's is. Then there is something to compare in other sequences alone."""
    place = at.direction, at.step, at.sequence
    for level in (first[at.layer], second[at.layer]):
        shown = level.signals.get(level.cell.output)
        if shown is None or any(k >= size for k, size in zip(place, shown.shape, strict=False)):
            return False
        if np.isfinite(shown[place]).all():
            return False
    return True


def ran(level: Level) -> None:
    """ValueError where there was nothing to compare: no step, or none from some step on that is a number."""
    steps, batch = level.inputs.shape[:2]
    taken = np.ones((steps, batch), bool) if level.read is None else level.read.copy()
    if level.lengths is not None:
        taken &= np.arange(steps)[:, None] < np.asarray(level.lengths)
    if not taken.any():
        raise ValueError(say("the input has no steps, so that there is nothing to compare"))
    shown = level.signals.get(level.cell.output)
    if shown is None:
        return
    bad = ~np.isfinite(shown).all(axis=(0, 3)) & taken[: shown.shape[1]]
    if bad.any():
        raise _nothing_to_compare(int(bad.any(axis=1).argmax()))


def _nothing_to_compare(step: int) -> ValueError:
    return ValueError(
        say(
            "both compute what is not a number from step {step} on, so that nothing can be said of what comes after: "
            "compare them on an input and a state without NaN or infinity, and with finite weights",
            step=step,
        )
    )
