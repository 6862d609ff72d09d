"""Integrated gradients: the gradient averaged on the straight way from a baseline to the input, times the way.

    share_i = (x_i - b_i) * integral over a from 0 to 1 of dF/dx_i at b + a (x - b)

Sundararajan, Taly & Yan, ICML 2017, arXiv 1703.01365; ``lstm_core.analysis.attribution`` asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.rerun import input_gradients, output, rerun
from lstm_core.sequences import skipped
from lstm_core.trace import Trace

POINTS = 1024
"""Gradients at most; fewer where these add up."""
NODES = 16
"""Of them on a part of the way, at the places of Gauss and Legendre."""
COMPLETE, NARROWEST = 1e-9, 1e-9
"""Of the output's gain, what may be missing; and the part of the way that is halved no more."""
AT_ONCE = 200_000
"""Values of one signal that are held at a time."""


def integrated(
    trace: Trace, step: int, vector: np.ndarray, x: np.ndarray, start: np.ndarray, points: int
) -> tuple[np.ndarray, float] | None:
    """What each input, (time, input), gets of what ``vector`` . h after ``step`` gains over the baseline ``start``, and
    the output at the baseline. None where no step up to this one was read.

    Steps that a mask skipped are left out: they change nothing and get nothing.
    """
    taken = ~skipped(trace)[:, 0]
    places = np.flatnonzero(taken)
    if not len(places) or (step < places[0] if not trace.reverse else step > places[-1]):
        return None
    near = places[places >= step][0] if trace.reverse and step <= places[-1] else places[places <= step][-1]
    at = int(np.searchsorted(places, near))
    own, begin = x[taken], start[taken]
    way = _Way(trace, at, vector, begin, own - begin, min(NODES, points))
    shares = np.zeros_like(x)
    shares[taken] = way.along(points)
    return shares, way.value(0.0)


@dataclass(frozen=True)
class _Part:
    """Of the way from ``low`` to ``high``: what each input gets there, (time, input), and how far the sum of that is
    from what the output really gained."""

    low: float
    high: float
    shares: np.ndarray
    error: float


class _Way:
    """The straight way from a baseline to the input, (time, input) each, and the gradient along it.

    What the output gains on a part of the way is known from both ends, so that each part says by itself whether its
    gradients add up. Parts that do not are halved: a network that keeps one thing or another has a cliff on the way.
    """

    def __init__(
        self, trace: Trace, step: int, vector: np.ndarray, begin: np.ndarray, way: np.ndarray, nodes: int
    ) -> None:
        self._trace, self._step, self._vector, self._begin, self._way = trace, step, vector, begin, way
        self._nodes, self._weights = np.polynomial.legendre.leggauss(nodes)
        self._most = max(1, AT_ONCE // max(1, len(way) * trace.hidden_size))
        self._values: dict[float, float] = {}

    def along(self, points: int) -> np.ndarray:
        """(time, input): what each input gets, from at most so many gradients."""
        parts = self._parts([(0.0, 1.0)])
        used = len(self._nodes)
        allowed = COMPLETE * max(1.0, abs(self.value(1.0) - self.value(0.0)))
        while (wrong := sum(part.error for part in parts)) > allowed:
            parts.sort(key=lambda part: part.error)
            room = (points - used) // (2 * len(self._nodes))
            halved = [part for part in parts[-room:] if part.error * len(parts) * 2 > wrong] if room else []
            if not halved or parts[-1].high - parts[-1].low < NARROWEST:
                break
            middles = [(part, (part.low + part.high) / 2) for part in halved]
            ends = [end for part, middle in middles for end in ((part.low, middle), (middle, part.high))]
            parts = parts[: len(parts) - len(halved)] + self._parts(ends)
            used += len(ends) * len(self._nodes)
        return np.sum([part.shares for part in parts], axis=0)

    def value(self, place: float) -> float:
        """The output there; 0 is the baseline, and 1 the input."""
        if place not in self._values:
            run = rerun(self._trace, (self._begin + place * self._way)[:, None])
            self._values[place] = output(run, self._step, self._vector)
        return self._values[place]

    def _parts(self, ends: list[tuple[float, float]]) -> list[_Part]:
        half = [(high - low) / 2 for low, high in ends]
        places = np.concatenate([(low + high) / 2 + h * self._nodes for (low, high), h in zip(ends, half, strict=True)])
        rows = [self._gradients(places[at : at + self._most]) for at in range(0, len(places), self._most)]
        each = np.concatenate(rows, axis=1).reshape(len(self._way), len(ends), len(self._nodes), -1)
        sums = np.einsum("p,tepi,e->eti", self._weights, each, np.array(half)) * self._way
        gains = [self.value(high) - self.value(low) for low, high in ends]
        return [
            _Part(low, high, shares, abs(float(shares.sum()) - gain))
            for (low, high), shares, gain in zip(ends, sums, gains, strict=True)
        ]

    def _gradients(self, places: np.ndarray) -> np.ndarray:
        """(time, place, input)"""
        runs = self._begin[:, None] + places[:, None] * self._way[:, None]
        return input_gradients(rerun(self._trace, runs), self._step, self._vector)
