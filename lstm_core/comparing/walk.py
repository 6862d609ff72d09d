"""Up the layers of two runs: where they part, and what has to be exchanged for them to agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.comparing import sides
from lstm_core.comparing.aligned import difference, pairs
from lstm_core.comparing.beside import beside
from lstm_core.comparing.causes import Cause, Try, discover
from lstm_core.comparing.ended import both_ended, ended, ran
from lstm_core.comparing.level import Level, Signals
from lstm_core.comparing.order import reordered
from lstm_core.comparing.result import Comparison, Found, Parting
from lstm_core.say import mark, say
from lstm_core.trace import Trace

LIMIT = {"float64": 1e-10}
"""What two equal models may differ by, for both in that precision; 1e-5 in float32 and below."""
ROUNDING = 1e-3  # what float32 can add up to over a long run; more than that is not the run that the weights say
FULL = ("float32", "float64", "TF32", "")
STEPS = 2  # of a layer, on which what cannot be the cause is seen before all of it is run
PASSES = 4  # causes of one layer


def compare(
    a: Any, b: Any, x: Any = None, *, lengths: Any = None, state: Any = None, tolerance: float | None = None
) -> Comparison:
    """See ``lstm_core.compare``."""
    if x is None and not (isinstance(a, Trace) and isinstance(b, Trace)):
        raise ValueError(say("an input is needed, compare(a, b, x): only two traces have one already"))
    if tolerance is not None and not tolerance >= 0:
        raise ValueError(say("the tolerance is a number of at least 0, not {tolerance}", tolerance=tolerance))
    a, b = sides.opened(a), sides.opened(b)
    first, second = sides.both(a, b, x, lengths, state)
    found = _compared(first, second, tolerance)
    words = first[0].words, second[0].words
    read = () if words[0] is None or words[1] is None else (words[0].embedding, words[1].embedding)
    return replace(found, beside=beside(a, b, found.limit, read))


def _compared(first: Sequence[Level], second: Sequence[Level], tolerance: float | None) -> Comparison:
    """Of the layers of both."""
    _fit(first, second)
    end = ended(first, second)
    double = all(level.precision == "float64" for level in (*first, *second))
    limit = tolerance if tolerance is not None else LIMIT["float64"] if double else 1e-5
    if end is not None and not both_ended(first, second, end[0]):
        earlier = _parted(first, second, end[0].step, limit)
        said = end[1] if earlier is None else end[2]
        cells = _cells(first, second)
        return Comparison(False, np.inf, limit, earlier or end[0], np.zeros(0), broken=said, cells=cells)
    error = float(max(_error(one, other) for one, other in zip(first, second, strict=True)))
    growth = _growth(first[-1], second[-1])
    if error <= limit:
        for level in (*first, *second):
            ran(level)
        return Comparison(True, error, limit, None, growth)
    parting = next(filter(None, (_parting(k, p, q, limit) for k, (p, q) in enumerate(zip(first, second, strict=True)))))
    cells = _cells(first, second)
    if not all(level.can_run for level in (*first, *second)):
        return Comparison(False, error, limit, parting, growth, cells=cells)
    apart = _end_to_end(first, second)
    if apart <= limit and _as_it_says(first, second):
        rounded = [level for level in (*second, *first) if level.precision not in FULL]
        if not rounded:
            return Comparison(True, apart, limit, None, growth)
        change = say("{side} computed in float64 instead of {kind}", side=rounded[0].side, kind=rounded[0].precision)
        where = tuple((k, None) for k in range(len(first)))
        found = Found(mark("precision"), change, rounded[0].side, where)
        return Comparison(False, error, limit, parting, growth, (found,), True, apart)
    if (found := _reordered(first, second, limit)) is not None:
        return Comparison(False, error, limit, parting, growth, (found[0],), True, found[1])
    causes, first_, second_, whole = _explained(first, second, limit)
    left = _end_to_end(first_, second_) if whole else None
    explained = left is not None and bool(left <= limit * len(first))
    known = causes, explained, left, _parameters(first, second)
    return Comparison(False, error, limit, parting, growth, *known, cells=None if explained else cells)


def _cells(first: Sequence[Level], second: Sequence[Level]) -> tuple[str, str] | None:
    """Their titles in the lowest layer where they are of two kinds; None where they nowhere are."""
    titles = ((str(p.cell.title), str(q.cell.title)) for p, q in zip(first, second, strict=True))
    return next(((a, b) for a, b in titles if a != b), None)


def _fit(first: Sequence[Level], second: Sequence[Level]) -> None:
    """ValueError for two models whose layers are not the same in number and size."""
    sizes = [[(len(level.params), _units(level)) for level in side] for side in (first, second)]
    if sizes[0] != sizes[1]:
        told = [_shapes(first), _shapes(second)]
        raise ValueError(
            say(
                "the two are not models of one shape (directions x units, by layer): A has {first}, B has {second}",
                first=told[0],
                second=told[1],
            )
        )


def _shapes(side: Sequence[Level]) -> str:
    """Of each layer its directions and units, where there are several modules by the name of each."""
    named = len({level.name for level in side}) > 1
    return "; ".join(f"{f'{level.name} ' * named}{len(level.params)} x {_units(level)}" for level in side)


def _units(level: Level) -> int:
    return level.initial[level.cell.output if level.cell.output in level.initial else level.cell.states()[0]].shape[-1]


# ---- how far they are apart


def _apart(p: Level, q: Level, a: Signals, b: Signals) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """By signal: its name, and values of both and their difference, (direction, time, batch, unit)."""
    found = []
    for pair in pairs(p.cell, q.cell):
        own, other = pair.of_a(a), pair.of_b(b)
        if own is not None and other is not None and own.shape == other.shape:
            found.append((pair.a, own, other, difference(own, other)))
    return found


def _error(p: Level, q: Level) -> float:
    if p.inputs.shape[:2] != q.inputs.shape[:2]:
        return np.inf
    return max((d.max(initial=0.0) for *_, d in _apart(p, q, p.signals, q.signals)), default=np.inf)


def _growth(p: Level, q: Level) -> np.ndarray:
    for name, _, _, apart in _apart(p, q, p.signals, q.signals):
        if name == p.cell.output:
            return apart.max(axis=(0, 2, 3), initial=0.0)
    return np.zeros(0)


def _parting(layer: int, p: Level, q: Level, limit: float) -> Parting | None:
    """The first place, as a layer reads, at which it differs."""
    shapes = p.inputs.shape, q.inputs.shape
    if shapes[0] != shapes[1]:
        return Parting(layer, p.name, 0, 0, 0, "x", 0, np.nan, np.nan, shapes)
    entry = difference(p.inputs, q.inputs)
    if entry.max(initial=0.0) > limit and not p.chained:
        step, row, unit = _first(entry, limit, p.backwards(0))
        values = float(p.inputs[step, row, unit]), float(q.inputs[step, row, unit])
        return Parting(layer, p.name, 0, step, row, "x", unit, *values)
    rows, called = _apart(p, q, p.signals, q.signals), {pair.a: pair.b for pair in pairs(p.cell, q.cell)}
    for direction in range(len(p.params)):
        places = []
        for name, a, b, apart in rows:
            if apart[direction].max(initial=0.0) > limit:
                step, row, unit = _first(apart[direction], limit, p.backwards(direction))
                read = -step if p.backwards(direction) else step
                at = direction, step, row, unit
                places.append((read, step, row, unit, name, a[at], b[at]))
        if places:
            _, step, row, unit, name, a, b = min(places, key=lambda found: found[0])  # the first signal of that step
            other = "" if called[name] == name else called[name]
            return Parting(layer, p.name, direction, step, row, name, unit, float(a), float(b), other=other)
    return None


def _parted(first: Sequence[Level], second: Sequence[Level], steps: int, limit: float) -> Parting | None:
    """The first place at which they differ before ``steps``; None where they do not, or where some layer reads from the
    end, and ended before it came there."""
    if any(level.directions != ("forward",) for level in (*first, *second)):
        return None
    for k, (p, q) in enumerate(zip(first, second, strict=True)):
        if (found := _parting(k, _until(p, steps), _until(q, steps), limit)) is not None:
            return found
    return None


def _until(level: Level, steps: int) -> Level:
    signals = {name: value[:, :steps] for name, value in level.signals.items()}
    return replace(level, inputs=level.inputs[:steps], signals=signals)


def _first(apart: np.ndarray, limit: float, backwards: bool) -> tuple[int, int, int]:
    """(step, sequence, unit) of the first difference above the limit in the order of reading, the largest there."""
    steps = np.flatnonzero((apart > limit).any(axis=(1, 2)))
    step = int(steps[-1] if backwards else steps[0])
    row, unit = np.unravel_index(int(apart[step].argmax()), apart[step].shape)
    return step, int(row), int(unit)


def _end_to_end(first: Sequence[Level], second: Sequence[Level]) -> float:
    """The largest difference when both are run from the input up, in float64."""
    worst: float = 0.0
    below: tuple[Level, Level] | None = None
    for p, q in zip(first, second, strict=True):
        if below is not None:
            p = replace(p, inputs=below[0].output) if p.chained else p
            q = replace(q, inputs=below[1].output) if q.chained else q
        worst = max(worst, float(_worst(p, q)))
        below = p, q
    return worst


def _worst(p: Level, q: Level, direction: int | None = None) -> float:
    """The largest difference of two layers run in float64, of all directions or of one."""
    if p.inputs.shape[:2] != q.inputs.shape[:2]:
        return np.inf
    at = slice(None) if direction is None else direction
    return max((d[at].max(initial=0.0) for *_, d in _apart(p, q, p.again, q.again)), default=np.inf)


def _as_it_says(first: Sequence[Level], second: Sequence[Level]) -> bool:
    """Whether every layer ran as its weights say; a trace with something forced, for one, did not."""
    for level in (*first, *second):
        allowed = ROUNDING if level.precision in FULL else 0.1
        rows = _apart(level, level, level.signals, level.again)
        if max((apart.max(initial=0.0) for *_, apart in rows), default=0.0) > allowed:
            return False
    return True


def _parameters(first: Sequence[Level], second: Sequence[Level]) -> dict[tuple[int, int, str], float]:
    found = {}
    for layer, (p, q) in enumerate(zip(first, second, strict=True)):
        for direction, (a, b) in enumerate(zip(p.params, q.params, strict=True)):
            for name in a.keys() & b.keys():
                if a[name].shape == b[name].shape and (worst := float(difference(a[name], b[name]).max(initial=0.0))):
                    found[layer, direction, name] = worst
    return dict(sorted(found.items(), key=lambda item: -item[1]))


# ---- what has to be exchanged


def _reordered(first: Sequence[Level], second: Sequence[Level], limit: float) -> tuple[Found, float] | None:
    """The order of the layers of B that makes both agree, and to what."""
    for order, levels in reordered(second):
        moved = [k for k, place in enumerate(order) if k != place]
        lowest = moved[0]  # below it nothing has changed
        if _worst(first[lowest], replace(levels[lowest], inputs=first[lowest].inputs)) > limit:
            continue
        left = _end_to_end(first, levels)
        if left <= limit * len(first):
            change = say("the layers of B taken in the order {order}", order=", ".join(map(str, order)))
            return Found(mark("layer order"), change, "B", tuple((k, None) for k in moved)), left
    return None


@dataclass
class _Pairs:
    """Two layers of which one is changed until they agree."""

    a: Level
    b: Level

    def other(self, side: str) -> Level:
        return self.b if side == "A" else self.a

    def with_(self, level: Level) -> _Pairs:
        return _Pairs(level, self.b) if level.side == "A" else _Pairs(self.a, level)


def _explained(
    first: Sequence[Level], second: Sequence[Level], limit: float
) -> tuple[tuple[Found, ...], list[Level], list[Level], bool]:
    """The causes, both models with these exchanged, and whether they agree then."""
    new_a, new_b = list(first), list(second)
    found: dict[tuple[str, str], list[tuple[int, int | None]]] = {}
    causes: dict[tuple[str, str], tuple[Cause, str]] = {}
    for layer in range(len(first)):
        a, b = new_a[layer], new_b[layer]
        if layer and a.chained and b.chained:  # below they agree by now: both read what the first model's layer gives
            a = replace(a, inputs=new_a[layer - 1].output)
            b = replace(b, inputs=a.inputs)
        both = _Pairs(a, b)
        for _ in range(PASSES):
            if _worst(both.a, both.b) <= limit and _same_inputs(both, limit):
                break
            step = _exchange(both, limit, [cause for cause, _ in causes.values()])
            if step is None:
                return _merged(found, causes), new_a, new_b, False
            cause, attempt = step
            both = both.with_(attempt.level)
            key = cause.name, attempt.change
            found.setdefault(key, []).append((layer, attempt.direction))
            causes[key] = cause, attempt.level.side
        else:
            return _merged(found, causes), new_a, new_b, False
        new_a[layer], new_b[layer] = both.a, both.b
    return _merged(found, causes), new_a, new_b, True


def _merged(found: dict, causes: dict) -> tuple[Found, ...]:
    return tuple(Found(key[0], key[1], causes[key][1], tuple(where)) for key, where in found.items())


def _same_inputs(both: _Pairs, limit: float) -> bool:
    same = both.a.inputs.shape == both.b.inputs.shape
    return same and float(difference(both.a.inputs, both.b.inputs).max(initial=0.0)) <= limit


def _exchange(both: _Pairs, limit: float, known: list[Cause]) -> tuple[Cause, Try] | None:
    """What makes the layers agree: the inputs, if these differ, else a direction that does not yet."""
    inputs = _same_inputs(both, limit)
    again = _again(both)
    parting = _parting(0, *again, limit) if inputs else None
    direction = 0 if parting is None else parting.direction
    for cause in sorted(discover(), key=lambda cause: cause not in known):
        if inputs == (cause.kind == "input"):
            continue
        for own in (both.b, both.a):
            for attempt in cause.tries(own, both.other(own.side)):
                if cause.kind == "weights" and not _promising(attempt, own, both, parting, limit):
                    continue
                new = both.with_(attempt.level)
                if not inputs:
                    agrees = _same_inputs(new, limit)
                else:
                    agrees = _worst(new.a, new.b) <= limit or (
                        attempt.direction == direction and _worst(new.a, new.b, direction) <= limit
                    )
                if agrees:
                    return cause, attempt
    return None


def _again(both: _Pairs) -> tuple[Level, Level]:
    """Both with the signals of the runs in float64."""
    return replace(both.a, signals=both.a.again), replace(both.b, signals=both.b.again)


def _promising(attempt: Try, own: Level, both: _Pairs, parting: Parting | None, limit: float) -> bool:
    """Whether the first steps that differ come nearer to each other: what does not is not run as a whole."""
    level = attempt.level
    changed = level.inputs is not own.inputs or level.reverse != own.reverse or level.initial is not own.initial
    if parting is None or changed or level.lengths != own.lengths or level.read is not own.read or own.read is not None:
        return True
    if attempt.direction not in (None, parting.direction):
        return False
    other = both.other(own.side)
    if other.reverse != own.reverse:
        return True
    d, row = parting.direction, parting.sequence
    order = range(len(own.inputs))[::-1] if own.backwards(d) else range(len(own.inputs))
    at = order.index(parting.step)
    steps = order[at : at + STEPS]
    if at:
        old = {name: other.again[name][d, order[at - 1], row] for name in other.initial if name in own.initial}
    else:
        old = {name: value[d, row] for name, value in own.initial.items()}
    if set(old) != set(level.cell.states()):
        return True
    short = level.only(d, steps, row, old)
    reference = {name: values[d : d + 1, list(steps), row : row + 1] for name, values in other.again.items()}
    mine, theirs = (short.again, reference) if own.side == "A" else (reference, short.again)
    new = both.with_(replace(own, cell=level.cell))
    worst = max((apart.max(initial=0.0) for *_, apart in _apart(new.a, new.b, mine, theirs)), default=np.inf)
    return worst <= limit
