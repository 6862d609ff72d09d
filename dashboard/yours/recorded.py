"""A trace that the visitor made elsewhere and wrote with ``Trace.to_npz``: shown as it was recorded."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from lstm_core import Block, Trace
from lstm_core.files import Loaded
from lstm_core.files.formats import Content
from lstm_core.say import say

FORMAT = "a trace in .npz"


def is_trace(content: Content) -> bool:
    """Whether a file is what ``Trace.to_npz`` writes, by the names of its arrays."""
    return {"axes.npy", "inputs.npy"} <= set(content.members)


def read(content: Content) -> Trace:
    """The trace's first sequence. Raises ValueError as ``Trace.from_npz`` does."""
    whole = Trace.from_npz(io.BytesIO(content.data), max_bytes=content.limit)
    steps = whole.lengths[0] if whole.lengths else len(whole)
    return replace(whole, lengths=None, **_cut(whole, steps))


def network(trace: Trace) -> Loaded:
    """What ran, which interventions run again."""
    ways = ("reverse",) if trace.reverse else ("forward", "reverse")[: len(trace.layers[0])]
    block = Block("", "gatescope", trace.cell, trace.layers, ways, batch_first=False, assumed=trace.assumed)
    return Loaded(FORMAT, (block,))


def shown(trace: Trace, limit: int) -> tuple[Trace, tuple[str, ...]]:
    """The first steps of a trace, as far as every value is a number, and what there is to say of it."""
    wrong = [np.argwhere(~np.isfinite(value))[:, 2].min() for value in trace.signals.values() if not _is_finite(value)]
    steps, notes = limit, ()
    if wrong and min(wrong) < limit:
        steps = int(min(wrong))
        notes = (say("The trace has values that are not numbers from step {step} on.", step=steps + 1),)
        if trace.broken is not None:
            notes += (say("{message}.", message=trace.broken.message),)
    return replace(trace, tokens=trace.tokens[:steps], **_cut(trace, steps)), notes


def _is_finite(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all())


def _cut(trace: Trace, steps: int) -> dict:
    """The first sequence's first steps of all that has steps."""
    return {
        "signals": {name: value[:, :, :steps, :1] for name, value in trace.signals.items()},
        "inputs": trace.inputs[:steps, :1],
        "initial": {name: value[:, :, :1] for name, value in trace.initial.items()},
    }
