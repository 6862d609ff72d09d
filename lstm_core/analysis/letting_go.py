"""Where a unit lets go: it holds something, its keep gate shuts, and less than half of that is left after the step.

What is written again as it was is not let go, and what a word's pieces build up bit by bit is not yet held. At the
first word of a text nothing of it had been held, whatever was read before it. The page's browser part goes by the same
rule: ``dashboard/browser/gates/letting_go.js``.
"""

from __future__ import annotations

import numpy as np

from lstm_core.analysis.steps import Steps, steps
from lstm_core.trace import Trace

HALF = 0.5
"""A unit that keeps less of what it has lets go of it."""
SHARE, LEAST = 0.25, 0.25
"""What counts as something: this share of the most that the unit holds in the text, which has to be that far from 0."""


def let_go(run: Steps) -> np.ndarray:
    """(time, unit), in the order of reading: the steps at which a unit lets go of what it held. Raises ValueError if
    the cell's memory does not go on linearly (the plain RNN)."""
    rule, keep, _ = run.keep_write()
    keep, now, old = run.normalised(rule, keep)
    if run.ahead is not None:
        now = np.where(run.ahead[:, None], 0.0, now)
        old = np.where((run.ahead | np.append(False, run.ahead[:-1]))[:, None], 0.0, old)
    most = np.maximum(np.abs(old), np.abs(now)).max(axis=0, initial=0.0)
    something = (np.abs(old) > SHARE * most) & (most >= LEAST)
    gone = now * np.sign(old) < HALF * np.abs(old)
    return (keep < HALF) & something & gone & ~run.skipped[:, None]


def last(trace: Trace, unit: int, *, layer: int = -1, backward: bool = False, batch: int = 0) -> range:
    """The tokens over which ``unit`` lets go last, in the order of the text: from where it does on for as long as its
    keep gate stays shut, for a name may be several tokens. Empty where it lets go of nothing. Raises as ``let_go``."""
    run = steps(trace, layer, backward, batch)
    rule, keep, _ = run.keep_write()
    shut = run.normalised(rule, keep)[0][:, unit] < HALF
    gone = let_go(run)[:, unit]
    if not gone.any():
        return range(0)
    start = int(np.flatnonzero(gone)[-1])
    stop = start + 1
    while start and gone[start - 1]:
        start -= 1
    while stop < len(gone) and shut[stop]:
        stop += 1
    return range(len(gone) - stop, len(gone) - start) if run.backward else range(start, stop)
