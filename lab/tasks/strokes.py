"""Pen strokes that nobody can foresee: a line that goes on as it went, and at moments of its own turns left or right.

A line is (time, 2): how far the pen goes at every step. It has a pace of its own, it wavers a little, and in one step
of eight it turns by a right angle, to either side with the same chance. A single Gaussian has to say what lies between
the two sides, where the pen never goes.
"""

from __future__ import annotations

import numpy as np

STEPS = 40
TURNS = 1 / 8
WAVERS = 0.04  # radians a step
SHAKES = 0.03  # of each number


def strokes(draw: np.random.Generator, count: int, steps: int = STEPS) -> np.ndarray:
    """(line, time, 2), float32."""
    pace = draw.uniform(0.6, 1.4, (count, 1))
    sides = draw.choice([-1, 1], (count, steps)) * (draw.random((count, steps)) < TURNS)
    angle = draw.uniform(-np.pi, np.pi, (count, 1)) + np.cumsum(
        sides * np.pi / 2 + WAVERS * draw.standard_normal((count, steps)), axis=1
    )
    moved = pace[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return (moved + SHAKES * draw.standard_normal(moved.shape)).astype(np.float32)
