"""The sequences of a batch one by one, without padding, and which steps of a batch were really taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_core.attention import ALPHA
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.trace import Trace, where_made

NOT_RUN = -2
"""Stands in ``Trace.continued`` where the batch did not have that row at that step."""


def ends(lengths: Any, batch: int, steps: int, least: int) -> np.ndarray:
    """(batch,) whole numbers from ``least`` to ``steps``: where the sequences of a padded batch end.

    Raises TypeError for what are not numbers and for a mask, ValueError for other numbers.
    """
    try:
        found = host([host(one) for one in lengths] if isinstance(lengths, list | tuple) else lengths)
    except (TypeError, ValueError, RuntimeError):
        found = host(None)
    if found.dtype.kind == "b":
        raise TypeError(f"lengths are {batch} whole numbers, not a mask; of a mask (batch, time): mask.sum(1)")
    if found.dtype.kind not in "iuf":
        raise TypeError(f"lengths are {batch} whole numbers, not {repr(lengths)[:80]}")
    if found.ndim == 0:
        raise ValueError(alone(found))
    if (found != np.round(found)).any():  # nor is NaN
        raise ValueError(f"lengths are whole numbers, not {found.tolist()}")
    if found.shape != (batch,) or (found < least).any() or (found > steps).any():
        raise ValueError(f"lengths are {batch} numbers from {least} to {steps}, not {found.tolist()}")
    return found.astype(np.int64)


def alone(number: np.ndarray) -> str:
    """What is said of one length where there are several sequences."""
    return say("lengths is a list of numbers, one for each sequence, not {number} alone", number=number.item())


def sequence(trace: Trace, batch: int = 0, step: int | None = None) -> Trace:
    """See ``Trace.sequence``."""
    batches = trace.inputs.shape[1]
    if not -batches <= batch < batches:
        raise ValueError(
            say(
                "there is no batch entry {batch}; the trace has {count} (0 to {last})",
                batch=batch,
                count=batches,
                last=batches - 1,
            )
        )
    batch %= batches
    if step is not None and not -len(trace) <= step < len(trace):
        raise ValueError(no_step(step, len(trace)))
    if trace.continued is not None:
        return _history(trace, trace.continued, batch, step)
    length = len(trace) if trace.lengths is None else trace.lengths[batch]
    if batches == 1 and length == len(trace):
        return trace if trace.lengths is None else replace(trace, lengths=None)
    one = slice(batch, batch + 1)
    signals = {name: value[:, :, :length, one] for name, value in trace.signals.items()}
    if ALPHA.name in signals:  # its units are steps
        signals[ALPHA.name] = signals[ALPHA.name][..., :length]
    return replace(
        trace,
        signals=signals,
        inputs=trace.inputs[:length, one],
        initial={name: value[:, :, one] for name, value in trace.initial.items()},
        tokens=trace.tokens[:length],
        lengths=None,
    )


def no_step(step: int, count: int) -> str:
    """What is said of a step that a trace does not have."""
    if count == 0:
        return say("there is no step {step}; the sequence has no steps", step=step)
    return say("there is no step {step}; the trace has {count} (0 to {last})", step=step, count=count, last=count - 1)


def _history(trace: Trace, continued: np.ndarray, row: int, step: int | None) -> Trace:
    """The steps that led to ``row`` after ``step``, the first of them first."""
    if step is None:
        step = int(np.flatnonzero(continued[:, row, 0] != NOT_RUN)[-1])
    at, path = step % len(trace), []
    if continued[at, row, 0] == NOT_RUN:
        raise ValueError(say("the batch does not have row {row} at step {step}", row=row, step=at))
    while at >= 0:
        path.append((at, row))
        at, row = map(int, continued[at, row])
    steps, rows = (list(column) for column in zip(*reversed(path), strict=True))
    return replace(
        trace,
        signals={name: value[:, :, steps, rows][:, :, :, None] for name, value in trace.signals.items()},
        inputs=trace.inputs[steps, rows][:, None],
        initial={name: value[:, :, row : row + 1] for name, value in trace.initial.items()},
        tokens=tuple(trace.tokens[at] for at in steps) if trace.tokens else (),
        continued=None,
    )


def can_run_again(trace: Trace) -> None:
    """ValueError for a trace of which some signals were forced: run again, it would be another one."""
    if trace.forced:
        raise ValueError(
            say(
                "this trace was made with something forced ({forced}), and would be run again without that; pass the "
                "trace as it was before, and to intervene all interventions at once",
                forced="; ".join(trace.forced),
            )
        )


def skipped(trace: Trace) -> np.ndarray:
    """(time, batch): the steps that a mask left out, where the states stay and nobody computed the other signals.

    A value that is NaN because the network computed it is not taken for one of these: its states are NaN as well. A
    PyTorch module skips none, and a trace that does not hold all of its signals does not say.
    """
    names, states = [signal.name for signal in trace.cell.signals], trace.cell.states()
    if trace.method or not set(names) <= set(trace.signals):
        return np.zeros(trace.inputs.shape[:2], bool)
    signals = where_made(trace.signals)
    missing = {name: np.isnan(host(signals[name][0, 0, :, :, 0])) for name in names}
    return np.logical_and.reduce([~value if name in states else value for name, value in missing.items()])


def taken(trace: Trace) -> np.ndarray:
    """(time, batch): the steps that are part of a sequence, which is what a share or a mean is taken over.

    Not those after a sequence's end, those that a mask skipped, those at which the batch did not have the row, and
    those whose result was thrown away: the row's next step went on from where this one had begun.
    """
    found = ~skipped(trace)
    if trace.lengths is not None:
        found &= np.arange(len(trace))[:, None] < np.asarray(trace.lengths)
    if trace.continued is not None:
        found &= trace.continued[..., 0] != NOT_RUN
        found[:-1] &= (trace.continued[1:] != trace.continued[:-1]).any(-1)
    return found


def rows(values: np.ndarray, where: Any) -> np.ndarray:
    """(step, unit): ``values`` (time, batch, unit) at the steps ``where`` says, of all sequences, in float64."""
    return values[where].astype(np.float64)
