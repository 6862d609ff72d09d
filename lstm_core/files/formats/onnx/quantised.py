"""ONNX Runtime's quantised LSTM (com.microsoft.DynamicQuantizeLSTM): weights of eight bits, with a scale.

At every step the runtime rounds x and h to eight bits, too, by the largest of their numbers (onnxruntime,
docs/ContribOperators.md). A trace that reads the weights as what they stand for does not: it is of the LSTM that the
runtime approaches.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lstm_core.files import limits
from lstm_core.files.formats.onnx.fold import Computed
from lstm_core.files.formats.onnx.graph import Node
from lstm_core.files.formats.onnx.values import Values
from lstm_core.say import say

DOMAIN = "com.microsoft"
KINDS = {"DynamicQuantizeLSTM": "LSTM"}
INPUTS = {"W": (8, 9), "R": (10, 11)}
"""Where the scale and the zero of a matrix stand."""


def assumed() -> str:
    """What is to be said of a trace of such a block."""
    return say("x and h are not rounded to eight bits at each step, as ONNX Runtime does here")


def weights(node: Node, arrays: Mapping[str, np.ndarray], values: Values, where: str) -> dict[str, np.ndarray]:
    """W and R as an LSTM has them, (direction, gate * unit, input), from those of eight bits, (direction, input,
    gate * unit). Raises ValueError for a scale or zero that does not fit."""
    found = {}
    for key, positions in INPUTS.items():
        try:
            sources = [node.input(position) for position in positions]
            scale, zero = (None if source is None else values.constant(source) for source in sources)
        except Computed as error:
            message = say(
                "the scale of {key} of {where} is computed from {source}", key=key, where=where, source=error.by
            )
            raise ValueError(message) from error
        matrix = arrays[key]
        if scale is None or matrix.ndim != 3 or matrix.dtype.kind not in "iu":
            raise ValueError(say("{key} of {where} is not a quantised matrix with a scale", key=key, where=where))
        zero = np.zeros(len(matrix), matrix.dtype) if zero is None else zero
        count, _, rows = matrix.shape
        for part in (scale, zero):  # one for a direction, or one for each of its rows
            if part.size != count:
                limits.expect(part, (count, rows), say("the scale of {key} of {where}", key=key, where=where))
        scale, zero = (part.reshape(count, 1, -1).astype(np.float32) for part in (scale, zero))
        found[key] = ((matrix.astype(np.float32) - zero) * scale).swapaxes(1, 2)
    return found
