"""Which row of a batch went on from which: between the steps of a loop a model may reorder, hold back or renew states.

Beam search takes the states of its best hypotheses, ``h[index]``; a decoder holds the rows that are finished where they
were, ``torch.where(done, old, new)``; others drop them from the batch. A row of a state is known again by its bits, in
h and c and every layer: a model that computes with its states between two steps has begun something new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.chunks import behind_each_other, join
from lstm_core.sequences import NOT_RUN
from lstm_core.trace import Trace

States = dict[str, Tensor]
"""By name, each (layer, direction, batch, unit)."""


def straight(states: States, step: int) -> np.ndarray:
    """(batch, 2): the places of the rows of ``states``, which are those after ``step``, as ``origins`` gives them."""
    batch = next(iter(states.values())).shape[2]
    return np.stack([np.full(batch, step), np.arange(batch)], axis=-1)


def origins(given: States, left: Sequence[tuple[States, np.ndarray]]) -> np.ndarray | None:
    """(batch, 2): the step and the row that each row of ``given`` went on from; None if some row did not, or if none
    went on from a step that the last call took or began with.

    left: what the last call left, what it began with, and the first states of all, each with its rows' places. Of rows
    that are alike the same row counts, then the latest.
    """
    last, places = left[0]
    if given.keys() != last.keys() or any(given[name].dtype is not value.dtype for name, value in last.items()):
        return None
    if all(torch.equal(given[name], value) for name, value in last.items()):
        return places
    known: dict[bytes, list[tuple[int, int]]] = {}
    for kind, (states, _) in enumerate(left):
        for row, key in enumerate(_keys(states)):
            known.setdefault(key, []).append((kind, row))
    found, goes_on = [], False
    for row, key in enumerate(_keys(given)):
        alike = known.get(key)
        if alike is None:
            return None
        kind, at = next((one for one in alike if one[1] == row), alike[0])
        found.append(left[kind][1][at])
        goes_on |= kind < 2 and found[-1][0] >= 0
    return np.stack(found) if goes_on else None


def _keys(states: States) -> list[bytes]:
    """The bits of each row of the batch, in all states and layers; 0 and -0 are the same."""
    parts = [
        (value[:, 0] + 0).transpose(0, 1).flatten(1).contiguous().view(torch.uint8).cpu() for value in states.values()
    ]
    return [row.tobytes() for row in torch.cat(parts, dim=1).numpy()]


def joined(traces: Sequence[Trace], begun: Sequence[np.ndarray]) -> Trace:
    """One trace of consecutive calls, of which ``begun`` says what each row went on from, (batch, 2) for every call."""
    batch = max(len(rows) for rows in begun)
    parts, start = [], 0
    for trace, rows in zip(traces, begun, strict=True):
        part = np.full((len(trace), batch, 2), NOT_RUN)
        part[:, : len(rows), 0] = np.arange(start - 1, start - 1 + len(trace))[:, None]
        part[:, : len(rows), 1] = np.arange(len(rows))
        part[0, : len(rows)] = rows
        parts.append(part)
        start += len(trace)
    continued = np.concatenate(parts)
    run = continued[..., 0] != NOT_RUN
    straight_on = bool((continued[run] == _in_line(len(continued), batch)[run]).all())
    if straight_on and run.all():
        return join(traces)
    whole = behind_each_other([_widened(trace, batch) for trace in traces])
    if straight_on and bool((run[1:] <= run[:-1]).all()):  # rows only end, as sequences do
        return replace(whole, lengths=tuple(run.sum(axis=0).tolist()))
    return replace(whole, continued=continued)


def _in_line(steps: int, batch: int) -> np.ndarray:
    """(time, batch, 2): every row goes on from itself."""
    return np.stack(np.broadcast_arrays(np.arange(-1, steps - 1)[:, None], np.arange(batch)), axis=-1)


def _widened(trace: Trace, batch: int) -> Trace:
    """With NaN in the rows that a call did not have."""
    missing = batch - trace.inputs.shape[1]
    if not missing:
        return trace

    def wide(values: np.ndarray, axis: int) -> np.ndarray:
        pad = [(0, missing if at == axis else 0) for at in range(values.ndim)]
        return np.pad(values, pad, constant_values=np.nan)

    return replace(
        trace,
        signals={name: wide(value, 3) for name, value in trace.signals.items()},
        inputs=wide(trace.inputs, 1),
        initial={name: wide(value, 2) for name, value in trace.initial.items()},
    )
