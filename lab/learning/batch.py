"""What a network learns from in one step: padded texts, what comes next in them, and how much each place counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.tasks.rows import Row, padded


@dataclass(frozen=True)
class Batch:
    """Sequences to learn from: after `inputs[t]` comes `targets[t]`, whose loss counts `weights[t]`; all (time, batch).

    The loss is the weighted *sum*: a recipe scales its weights (see `mean_weights`), and may so mix parts that each
    count as a whole. `read` is 1 where there is a word and 0 at the padding; the gates' economy is the mean over words.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    read: np.ndarray


def mean_weights(weights: np.ndarray) -> np.ndarray:
    """Weights that add up to 1, so that the weighted sum of the losses is their weighted mean."""
    return (weights / max(float(weights.sum()), 1e-9)).astype(np.float32)


def batch_of(rows: Sequence[Row], draw: np.random.Generator, others: float = 0.3, share: float = 0.1) -> Batch:
    """All answers together weigh 1, all other tokens ``others``; of these only a ``share``, drawn, is predicted."""
    ids = padded([row.ids for row in rows])
    read = padded([np.ones(len(row.ids)) for row in rows])
    answers = np.zeros(ids.shape, bool)
    for k, row in enumerate(rows):
        answers[row.answers, k] = True
    rest = (read > 0) & ~answers & (draw.random(ids.shape) < share)
    weights = answers[1:] / max(answers[1:].sum(), 1) + others * rest[1:] / max(rest[1:].sum(), 1)
    return Batch(ids[:-1], ids[1:], weights.astype(np.float32), read[:-1].astype(np.float32))
