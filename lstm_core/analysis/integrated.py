"""Integrated gradients: the gradient averaged on the straight way from a baseline to the input, times the way.

    share_i = (x_i - b_i) * integral over a from 0 to 1 of dF/dx_i at b + a (x - b)

Sundararajan, Taly & Yan, ICML 2017, arXiv 1703.01365; ``lstm_core.analysis.attribution`` asks for them.

A network that keeps one thing or another has cliffs on the way, and gradients at even distances miss them. Where to
take gradients is therefore found by runs forward alone: a part of the way is sampled at Chebyshev's places, the
polynomial through these says what so many places of Gauss and Legendre would miss there, and where it does not fit the
part is halved. Then the gradients are spent where they are worth most. A part that is short and still falls is shared
out along the fall (``lstm_core.analysis.falling``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss

from lstm_core.analysis.falling import PLACES as FALLING
from lstm_core.analysis.falling import fall
from lstm_core.analysis.rerun import input_gradients, outputs, rerun
from lstm_core.sequences import skipped
from lstm_core.trace import Trace

POINTS, ENOUGH, GOOD = 1024, 256, 5e-5
"""Gradients at most; and so many where no more than that, in units of the output, is missed then."""
NODES = 16
"""Of them on a part of the way, at most."""
COMPLETE, NARROWEST = 1e-9, 1e-7
"""Of the output's gain, what may be missing; and the part of the way that is halved no more."""
TURNS = 10.0
"""What a fall's shares are off by, in units of the output, at most, for each unit of the part's length: the gradient
beside the fall, which they leave out."""
RESOLVED = 0.01
"""Of what may be missing, what a part that is halved no more may miss."""
EACH = 2
"""Gradients for each part that is sampled, at least: runs forward are not free either."""
AT_ONCE = 200_000
"""Values of one signal that are held at a time."""
PRICES = tuple(2.0**-k for k in range(-10, 48))
"""What a gradient may cost, in units of the output, from few gradients to many."""


def integrated(
    trace: Trace, step: int, vector: np.ndarray, x: np.ndarray, start: np.ndarray, points: int
) -> tuple[np.ndarray, float, float] | None:
    """What each input, (time, input), gets of what ``vector`` . h after ``step`` gains over the baseline ``start``; the
    output at the baseline; and what the shares of falls may be off by. None where no step up to this one was read.

    Steps that a mask skipped are left out: they change nothing and get nothing.
    """
    taken = ~skipped(trace)[:, 0]
    places = np.flatnonzero(taken)
    if not len(places) or (step < places[0] if not trace.reverse else step > places[-1]):
        return None
    near = places[places >= step][0] if trace.reverse and step <= places[-1] else places[places <= step][-1]
    at = int(np.searchsorted(places, near))
    own, begin = x[taken], start[taken]
    way = _Way(trace, at, vector, begin, own - begin)
    shares = np.zeros_like(x)
    shares[taken], doubt = way.along(points)
    return shares, float(way.values(np.zeros(1))[0]), doubt


def _samples() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chebyshev's places on a part, from -1 to 1; by these, the coefficients of the polynomial through values there,
    (place, coefficient), and what so many of Gauss and Legendre's places miss of its gain, (place, count - 1)."""
    degree = 2 * NODES
    places = np.cos(np.pi * np.arange(degree, -1, -1) / degree)
    series = np.linalg.inv(chebyshev.chebvander(places, degree)).T
    missed = np.zeros((degree + 1, NODES))
    for count in range(1, NODES + 1):
        nodes, weights = leggauss(count)
        for k, one in enumerate(np.eye(degree + 1)):
            gain = chebyshev.chebval(1.0, one) - chebyshev.chebval(-1.0, one)
            missed[k, count - 1] = weights @ chebyshev.chebval(nodes, chebyshev.chebder(one)) - gain
    return places, series, series @ missed


PLACES, SERIES, MISSED = _samples()


@dataclass(eq=False)
class _Part:
    """Of the way from ``low`` to ``high``. errors: what 1, 2, ... gradients there would miss. tail: what the polynomial
    itself may miss. falls: it is short, and the polynomial does not fit: 2 gradients along the fall are best. halves:
    empty for a part that was not halved."""

    low: float
    high: float
    errors: np.ndarray
    tail: float
    falls: bool = False
    halves: list[_Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        off = TURNS * (self.high - self.low)
        self.falls = self.high - self.low <= NARROWEST and self.tail > off
        if self.falls:
            self.errors = np.where(np.arange(1, len(self.errors) + 1) == FALLING, off, np.inf)

    def leaves(self) -> Iterator[_Part]:
        if not self.halves:
            yield self
        for half in self.halves:
            yield from half.leaves()

    def plan(self, price: float) -> _Plan:
        """The cheapest way to go along it: what is missed, and ``price`` for each gradient."""
        costs = self.errors + price * np.arange(1, len(self.errors) + 1)
        count = int(costs.argmin()) + 1
        whole = _Plan([(self, count)], count, float(self.errors[count - 1]))
        if not self.halves:
            return whole
        first, second = (half.plan(price) for half in self.halves)
        apart = _Plan(first.parts + second.parts, first.points + second.points, first.error + second.error)
        return min(whole, apart, key=lambda plan: plan.error + price * plan.points)


@dataclass(frozen=True)
class _Plan:
    """parts: each with how many gradients; of all: their number, and what is missed."""

    parts: list[tuple[_Part, int]]
    points: int
    error: float


class _Way:
    """The straight way from a baseline to the input, (time, input) each, and the gradient along it."""

    def __init__(self, trace: Trace, step: int, vector: np.ndarray, begin: np.ndarray, way: np.ndarray) -> None:
        self._trace, self._step, self._vector, self._begin, self._way = trace, step, vector, begin, way
        self._most = max(1, AT_ONCE // max(1, len(way) * trace.hidden_size))

    def along(self, points: int) -> tuple[np.ndarray, float]:
        """(time, input): what each input gets, from at most so many gradients; and what the falls may be off by."""
        ends = self.values(np.array([0.0, 1.0]))
        allowed = COMPLETE * max(1.0, abs(float(ends[1] - ends[0])))
        best = self._planned(min(points, ENOUGH), allowed)
        if best.error > GOOD and points > ENOUGH:
            best = self._planned(points, max(allowed, GOOD))
        shares, doubt = np.zeros_like(self._way), 0.0
        smooth = [_gauss(part.low, part.high, count) for part, count in best.parts if not part.falls]
        places, weights = (np.concatenate(row) for row in zip((np.zeros(0), np.zeros(0)), *smooth, strict=True))
        for where, each in self._chunks(places, weights):
            shares += np.einsum("tpi,p->ti", self._gradients(where), each)
        shares *= self._way
        for steep in (fall(part.low, part.high, self.values) for part, _ in best.parts if part.falls):
            given, off = steep.shares(self._gradients(steep.places) * self._way[:, None])
            shares, doubt = shares + given, doubt + off
        return shares, doubt

    def _planned(self, points: int, allowed: float) -> _Plan:
        """The best way with so many gradients, with fewer where no more than ``allowed`` is missed."""
        whole = self._halved(points, allowed)
        best = _Plan([(whole, 1)], 1, np.inf)
        for price in PRICES:
            plan = whole.plan(price)
            if plan.points > points:
                break
            best = plan
            if plan.error <= allowed:
                break
        return best

    def values(self, places: np.ndarray) -> np.ndarray:
        """(place,): the output there; 0 is the baseline, and 1 the input."""
        found = [outputs(self._run(where), self._step, self._vector) for where, _ in self._chunks(places, places)]
        return np.concatenate(found)

    def _halved(self, points: int, allowed: float) -> _Part:
        """The whole way, halved until polynomials fit, or until there are too many parts for so few gradients."""
        (whole,) = self._sampled([(0.0, 1.0)])
        rough, count = [whole], 1
        while rough := [part for part in rough if part.tail > RESOLVED * allowed and part.high - part.low > NARROWEST]:
            rough = sorted(rough, key=lambda part: -part.tail)[: max(0, points // EACH - count) // 2]
            middles = [(part, (part.low + part.high) / 2) for part in rough]
            ends = [end for part, middle in middles for end in ((part.low, middle), (middle, part.high))]
            halves = self._sampled(ends) if ends else []
            for at, part in enumerate(rough):
                part.halves = halves[2 * at : 2 * at + 2]
            rough, count = halves, count + len(halves)
        return whole

    def _sampled(self, ends: list[tuple[float, float]]) -> list[_Part]:
        places = [(low + high) / 2 + (high - low) / 2 * PLACES for low, high in ends]
        values = self.values(np.concatenate(places)).reshape(len(ends), -1)
        tails = np.abs(values @ SERIES)[:, -6:].sum(axis=1)
        errors = np.abs(values @ MISSED)
        errors = np.maximum.accumulate(errors[:, ::-1], axis=1)[:, ::-1] + tails[:, None]
        return [_Part(*end, own, float(tail)) for end, own, tail in zip(ends, errors, tails, strict=True)]

    def _chunks(self, *rows: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        for at in range(0, len(rows[0]), self._most):
            yield tuple(row[at : at + self._most] for row in rows)

    def _run(self, places: np.ndarray) -> Trace:
        return rerun(self._trace, self._begin[:, None] + places[:, None] * self._way[:, None])

    def _gradients(self, places: np.ndarray) -> np.ndarray:
        """(time, place, input)"""
        return input_gradients(self._run(places), self._step, self._vector)


def _gauss(low: float, high: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places on a part of the way, and their weights."""
    nodes, weights = leggauss(count)
    return (low + high) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights
