"""Ranks of many over several tasks, and how sure they are: bootstrap over the seeds."""

from __future__ import annotations

import numpy as np

DRAWS = 4000


def ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks along the first axis, 1 for the lowest score; equal scores share the mean of their ranks."""
    below = (scores[None] < scores[:, None]).sum(1)
    same = (scores[None] == scores[:, None]).sum(1)
    return below + (same + 1) / 2


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """(one, seed): of scores (one, task, seed), lower being better, the mean over the tasks of each seed's ranks."""
    return ranks(scores).mean(1)


def interval(values: np.ndarray, level: float = 0.95, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap of the mean over the last axis (Efron & Tibshirani 1993, chapter 13): (low, high)."""
    drawn = np.random.default_rng(seed).integers(0, values.shape[-1], (DRAWS, values.shape[-1]))
    means = values[..., drawn].mean(-1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low, high
