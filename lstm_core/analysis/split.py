"""The value of each unit that tells two kinds of steps apart best: below it the one kind, above it the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Split:
    """threshold: (unit,). above: (unit,) bool, whether steps of the kind that is looked for lie above it."""

    threshold: np.ndarray
    above: np.ndarray

    def accuracy(self, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(unit,): balanced accuracy, the mean of the shares of either kind that lie on their side; chance is 0.5.

        values: (step, unit). labels: (step,), true for the kind that is looked for.
        """
        kind = np.asarray(labels, bool)
        right = ((values > self.threshold) == self.above) == kind[:, None]
        return (right[kind].mean(0) + right[~kind].mean(0)) / 2


def split(values: np.ndarray, labels: np.ndarray) -> Split:
    """For each unit the split with the highest balanced accuracy on these steps.

    values: (step, unit). labels: (step,), true for the kind that is looked for; both kinds must be among them.
    """
    order = np.argsort(values, axis=0, kind="stable")
    found = np.take_along_axis(values, order, axis=0).astype(np.float64)
    kind = np.asarray(labels, bool)[order]
    # After the k lowest values: the share of the one kind below the cut, less the share of the other below it.
    gap = np.cumsum(kind / kind.sum(0) - ~kind / (~kind).sum(0), axis=0)[:-1]
    gap[found[1:] == found[:-1]] = 0.0  # no threshold parts two equal values
    cut = np.abs(gap).argmax(0)
    columns = np.arange(found.shape[1])
    return Split((found[cut, columns] + found[cut + 1, columns]) / 2, gap[cut, columns] < 0)
