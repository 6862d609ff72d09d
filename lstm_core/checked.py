"""A block's run beside the output of somebody's own runtime, in whatever layout that runtime has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_core.attention import top
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.trace import Trace

if TYPE_CHECKING:
    from lstm_core.block import Block

TOLERANCE = {np.dtype(np.float64): 1e-10}
"""By precision; 1e-4 for others. Times the largest |h|, where that is above 1."""


def check(block: Block, trace: Trace, output: Any, tolerance: float | None = None) -> float:
    """The largest difference between h of ``trace`` and ``output``; see ``Block.check``."""
    if tolerance is not None and not tolerance >= 0:
        raise ValueError(say("the tolerance is a number of at least 0, not {tolerance}", tolerance=tolerance))
    own = top(trace.cell, trace.signals)
    expected = _aligned(block, host(output, np.float64), own.shape)
    if len(expected) == 1 and len(own) > 1:
        own = _last(block, own, trace)
    difference = np.abs(own - expected)
    difference[np.isnan(own)] = 0  # after a sequence's end there is nothing to compare
    if not difference.size:
        return 0.0
    error = float(difference.max())
    size = max(1.0, float(np.nanmax(np.abs(own))))
    limit = TOLERANCE.get(own.dtype, 1e-4) * size if tolerance is None else tolerance
    if not error <= limit:
        apart = difference.max(axis=-1) > limit
        apart |= np.isnan(difference).any(axis=-1)
        step, sequence = np.argwhere(apart)[0]
        unit = int(np.nan_to_num(difference[step, sequence], nan=np.inf).argmax())
        raise ValueError(
            say(
                "h differs from the expected output by {error:.2g}, more than {limit:.0e}: the two part first at step "
                "{step}, sequence {sequence}, unit {unit} (ours {own:.6g}, expected {expected:.6g})",
                error=error,
                limit=limit,
                step=int(step) + (len(trace) - len(own)),
                sequence=int(sequence),
                unit=unit,
                own=float(own[step, sequence, unit]),
                expected=float(expected[step, sequence, unit]),
            )
        )
    return error


def _aligned(block: Block, output: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``output`` as (time, batch, direction * unit), or (1, batch, direction * unit) where it is the last step's."""
    steps, batch, width = shape
    directions = len(block.directions)
    given = output.shape
    if output.ndim == 4 and block.format == "onnx":  # Y; the directions are its axis 1, or 2
        output = output.transpose(1, 0, 2, 3) if block.batch_first else output.transpose(0, 2, 1, 3)
        output = output.reshape(*output.shape[:2], -1)
    elif output.ndim == 3 and block.format == "onnx" and given == (directions, batch, width // directions) != shape:
        output = output.transpose(1, 0, 2).reshape(1, batch, width)  # Y_h
    elif output.ndim == 3:
        output = output.swapaxes(0, 1) if block.batch_first else output
    elif output.ndim == 2 and output.shape == (steps, width) and batch == 1:
        output = output[:, None]
    elif output.ndim == 2:
        output = output[None]
    elif output.ndim == 1:
        output = output[None, None]
    if output.shape not in (shape, (1, batch, width)):
        raise ValueError(
            say(
                "the expected output is {found}; every step would be {every} (time, batch, unit) in the layout of the "
                "input, the last step {last}",
                found=given,
                every=shape,
                last=(batch, width),
            )
        )
    # Keras gives the steps of a layer that goes backwards in the order in which it read them.
    return output[::-1] if block.format == "keras" and block.directions == ("reverse",) and len(output) > 1 else output


def _last(block: Block, own: np.ndarray, trace: Trace) -> np.ndarray:
    """(1, batch, direction * unit): what each direction had at its own end."""
    ends = np.array(trace.lengths or [len(own)] * own.shape[1]) - 1
    parts = np.split(own, len(block.directions), axis=-1)
    at = np.arange(own.shape[1])
    last = [part[0] if way == "reverse" else part[ends, at] for part, way in zip(parts, block.directions, strict=True)]
    return np.concatenate(last, axis=-1)[None]
