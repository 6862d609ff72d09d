"""Are these the words that matter? What is left of an output as the inputs that an attribution names are deleted.

The first to go is the one with the largest share. The better the shares, the faster the output falls: the smaller the
area under the curve. Samek et al., "Evaluating the visualization of what a deep neural network has learned", IEEE TNNLS
2017, arXiv 1509.06321; for words Arras et al., WASSA 2017, arXiv 1706.07206, section 4.2, who set embeddings to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.rerun import aimed, begun, numbers, outputs, rerun
from lstm_core.analysis.steps import history
from lstm_core.kinds import kinds
from lstm_core.say import say
from lstm_core.sequences import skipped
from lstm_core.shown import Result
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Deletion(Result):
    """order: the steps as they were deleted. values: (deleted + 1,), the output with so many of them deleted, from 0
    on."""

    axes = {"values": "deleted"}

    order: tuple[int, ...]
    values: np.ndarray

    @property
    def area(self) -> float:
        """The mean of the output over the curve: lower is better."""
        return float(np.trapezoid(self.values) / len(self.order)) if self.order else float(self.values[0])


@kinds
def deletion(
    trace: Trace,
    target: Any,
    words: Any,
    *,
    step: int = -1,
    batch: int = 0,
    baseline: Any = 0.0,
    most: int | None = None,
) -> Deletion:
    """Delete the steps up to ``step``, the one with the largest of ``words`` first, and run the network on the rest.

    The better the shares, the faster the output falls (Samek et al., IEEE TNNLS 2017; of words Arras et al., WASSA
    2017, section 4.2).

    words: (time,), a share of each, such as ``attribution(...).words``. target, step, batch: as for ``attribution``;
    the output has no bias of the readout. baseline: what stands in the place of a deleted input, a number or (input,)
    or (time, input). most: of the steps that are deleted, all by default.

    In float64, all runs at once: O(most * time * unit) numbers. Raises ValueError as ``attribution`` does, and for
    another number of ``words`` than there are steps.
    """
    vector = aimed(target)
    trace, step = history(trace, batch, step)
    words = numbers("words", words)
    if most is not None and most < 0:
        raise ValueError(say("most must be at least 0, not {most}", most=most))
    if words.shape != (len(trace),):
        raise ValueError(
            say("words holds {found} shares; this sequence has {steps} steps", found=words.shape, steps=len(trace))
        )
    if skipped(trace).any():
        raise ValueError(say("steps that a mask skips cannot be deleted: trace the sequence without them"))
    read = np.arange(step, len(trace)) if trace.reverse else np.arange(step + 1)
    read = np.arange(len(trace)) if len(trace.layers[0]) > 1 else read
    order = read[np.argsort(-words[read], kind="stable")][:most]
    x = np.asarray(trace.inputs[:, 0], np.float64)
    start = begun(baseline, x)
    runs = np.repeat(x[:, None], len(order) + 1, axis=1)
    for count, at in enumerate(order, 1):
        runs[at, count:] = start[at]
    return Deletion(tuple(map(int, order)), outputs(rerun(trace, runs), step, vector))
