"""Where an output falls, or leaps, on a part of the way so short that gradients at fixed places miss it.

On such a part the gradient grows a millionfold, but hardly turns: what the inputs do there, they do through the one
direction in which the network leaves one memory for another. So its shares are the fall itself, which runs forward
alone measure, shared out in the direction of the gradient where it falls:

    share_i = integral of n_i dF,  n = gradient * way / sum(gradient * way)

A Stieltjes integral; the places are those at equal parts of all that the output goes up and down. How far the
directions there are apart says what this may be off by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PLACES = 2
"""Of gradients on a fall."""
SMOOTH = 0.02
"""Of all that the output goes up and down: what it may go between two runs."""
FINEST = 4e-16
"""Places on the way, from 0 to 1, that are no nearer to each other than float64 tells apart."""
RUNS = 1000


@dataclass(frozen=True)
class Fall:
    """places: where the gradient is taken. gains: what the output gains in the part around each. path: what it goes up
    and down in all."""

    places: np.ndarray
    gains: np.ndarray
    path: float

    def shares(self, gradients: np.ndarray) -> tuple[np.ndarray, float]:
        """What each input gets, (time, input), and what that may be off by, summed over all inputs.

        gradients: (time, place, input), times the way.
        """
        slopes = gradients.sum(axis=(0, 2))
        steep = slopes != 0
        if not steep.any():  # flat to the last bit on both sides of a step
            return np.zeros_like(gradients[:, 0]), self.path
        ways = gradients[:, steep] / slopes[steep][:, None]
        if not steep.all():
            ways = np.repeat(ways[:, :1], len(slopes), axis=1)
        turned = max(float(np.abs(ways[:, at] - ways[:, 0]).sum()) for at in range(ways.shape[1]))
        return np.einsum("tpi,p->ti", ways, self.gains), turned * self.path


def fall(low: float, high: float, values: Callable[[np.ndarray], np.ndarray]) -> Fall:
    """The fall between two places on the way. values: the output at places, by runs forward."""
    places = np.linspace(low, high, 65)
    output = values(places)
    while len(places) < RUNS:
        steps = np.abs(np.diff(output))
        rough = np.flatnonzero((steps > SMOOTH * steps.sum()) & (np.diff(places) > FINEST))
        between = places[rough, None] + np.diff(places)[rough, None] * np.array([0.25, 0.5, 0.75])
        new = np.setdiff1d(between, places)
        if not len(new):
            break
        order = np.argsort(np.concatenate([places, new]))
        places, output = (np.concatenate(pair)[order] for pair in ((places, new), (output, values(new))))
    path = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(output)))])
    quantiles = (np.arange(PLACES) + 0.5) / PLACES * path[-1]
    edges = np.interp(np.linspace(0.0, path[-1], PLACES + 1), path, output)
    return Fall(np.interp(quantiles, path, places), np.diff(edges), float(path[-1]))
