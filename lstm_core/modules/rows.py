"""Which row of a batch went on from which: between the steps of a loop a model may reorder, hold back or renew states.

Beam search takes the states of its best hypotheses, ``h[index]``; a decoder holds the rows that are finished where they
were, ``torch.where(done, old, new)``; others drop them from the batch. A row of a state is known again by its bits, in
h and c and every layer: a model that computes with its states between two steps has begun something new. Where several
loops left the same bits, as those that began alike and read the same first word, the tensors tell whose they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.chunks import behind_each_other, join
from lstm_core.sequences import NOT_RUN
from lstm_core.trace import Trace

States = dict[str, Tensor]
"""By name, each (layer, direction, batch, unit)."""


class Moment:
    """The states between two calls.

    states: copies, since the model may write to its own. places: (batch, 2), the step and the row that each row is
    after, as ``Trace.continued`` has them. tensors: those of the model that hold the states; while they are kept,
    nothing else can lie in their memory.
    """

    def __init__(self, states: States, places: np.ndarray, tensors: Sequence[Tensor]) -> None:
        """states: as they are now; they are copied."""
        self.states = {name: value.clone() for name, value in states.items()}
        self.places, self.tensors = places, [tensor.detach() for tensor in tensors]

    @cached_property
    def rows(self) -> dict[bytes, list[int]]:
        """The rows by their bits."""
        known: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys(self.states)):
            known.setdefault(key, []).append(row)
        return known

    @cached_property
    def memory(self) -> set[int]:
        """Where ``tensors`` lie."""
        return set(map(_address, self.tensors))


@dataclass(frozen=True)
class Given:
    """The states that a call begins with, and the model's tensors that hold them."""

    states: States
    tensors: Sequence[Tensor]

    @cached_property
    def keys(self) -> list[bytes]:
        """The bits of each row."""
        return keys(self.states)

    def lies_in(self, memory: set[int]) -> bool:
        """Whether all its tensors are those that lie there, or parts of them."""
        return all(_address(tensor) in memory for tensor in self.tensors)


@dataclass(frozen=True)
class Origin:
    """What the rows of a call may have gone on from.

    rows: (batch, 2), the step and the row. handed: 2 where the tensors are those that the last call left, 1 where some
    are those that it began with, 0 where bits alone say so. straight: how many of the rows the last call left. first:
    whether their bits are those of the first states, too.
    """

    rows: np.ndarray
    handed: int
    straight: int
    first: bool


def straight(states: States, step: int) -> np.ndarray:
    """(batch, 2): the places of the rows of ``states``, which are those after ``step``, as ``origins`` gives them."""
    batch = next(iter(states.values())).shape[2]
    return np.stack([np.full(batch, step), np.arange(batch)], axis=-1)


def origin(given: Given, last: Moment, began: Moment, first: Moment) -> Origin | None:
    """What each row of ``given`` may have gone on from; None if some row did not, or if none went on from a step that
    the last call took or began with.

    last, began: what the last call left, and what it began with; first: the first states of all. Of rows that are alike
    the same row counts, then the latest.
    """
    states = given.states
    if states.keys() != last.states.keys():
        return None
    if any(states[name].dtype is not value.dtype for name, value in last.states.items()):
        return None
    handed = 2 if given.lies_in(last.memory) else int(began is not first and given.lies_in(last.memory | began.memory))
    if _equal(states, last.states):
        return Origin(last.places, handed, len(last.places), handed < 2 and _equal(states, first.states))
    found, goes_on, left = [], False, 0
    for row, key in enumerate(given.keys):
        moment = next((one for one in (last, began, first) if row in one.rows.get(key, ())), None)
        if moment is None:
            moment = next((one for one in (last, began, first) if key in one.rows), None)
        if moment is None:
            return None
        at = moment.rows[key]
        found.append(moment.places[row if row in at else at[0]])
        left += moment is last
        goes_on |= moment is not first and found[-1][0] >= 0
    return Origin(np.stack(found), handed, left, all(key in first.rows for key in given.keys)) if goes_on else None


def _equal(one: States, other: States) -> bool:
    return all(torch.equal(one[name], value) for name, value in other.items())


def keys(states: States) -> list[bytes]:
    """The bits of each row of the batch, in all states and layers; 0 and -0 are the same."""
    parts = [
        (value[:, 0] + 0).transpose(0, 1).flatten(1).contiguous().view(torch.uint8).cpu() for value in states.values()
    ]
    return [row.tobytes() for row in torch.cat(parts, dim=1).numpy()]


def _address(tensor: Tensor) -> int:
    """Of the memory that it is a part of."""
    return tensor.untyped_storage().data_ptr()


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
