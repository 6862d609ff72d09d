"""The values of a batch without its padding, laid side by side with those of other batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.sequences import taken
from lstm_core.survey.arrays import Array
from lstm_core.survey.rows import Rows
from lstm_core.trace import Trace, where_made


@dataclass(frozen=True, eq=False)
class Read:
    """A document as the model reads it.

    x: (time,) ids or (time, input). spans: (time, 2), where each step stands in the text. labels: (property, time).
    """

    number: int
    x: np.ndarray
    spans: np.ndarray | None = None
    labels: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        """Without labels: no property, (0, time)."""
        if not len(self.labels):
            object.__setattr__(self, "labels", np.zeros((0, len(self.x)), np.float32))


class Gathered:
    """What one module did, batch by batch. name: the module's. signals: those to keep, None for all. room: for how many
    steps; a module that takes more than the data has makes more. xp: where they are (``arrays``).

    steps: of the module in each document, by number.
    """

    def __init__(self, name: str, signals: Sequence[str] | None, room: int, xp: Any) -> None:
        """Empty; batches are added one after another."""
        self.name, self.signals, self.room, self.xp = name, signals, room, xp
        self.steps: dict[int, int] = {}
        self._cell: type[Cell] | None = None
        self._shape: dict[str, tuple[int, int, int]] = {}
        self._values: dict[str, Array] = {}
        self._places: list[np.ndarray] = []

    def add(self, batch: Sequence[Read], trace: Trace, first: int = 0) -> None:
        """The steps that were taken. first: how many steps of the document are there already, where it is one that goes
        on. Raises ValueError for a run that says nothing about one document."""
        self._check(trace, batch)
        self._cell = trace.cell
        same = len(trace) == len(batch[-1].x)
        lengths = [len(one.x) if same else len(trace) for one in batch]
        numbers = np.array([one.number for one in batch])
        self.steps |= {number: first + length for number, length in zip(numbers.tolist(), lengths, strict=True)}
        row, time = np.nonzero((taken(trace) & (np.arange(len(trace))[:, None] < lengths)).T)
        start = sum(place.shape[1] for place in self._places)
        stop = start + len(time)
        self._places.append(np.stack([numbers[row], time + first]))
        time, row, signals = self.xp.asarray(time), self.xp.asarray(row), where_made(trace.signals)
        for signal in trace.cell.signals:
            if self.signals is None or signal.name in self.signals:
                value = self.xp.asarray(signals[signal.name])
                self._shape[signal.name] = (value.shape[0], value.shape[1], value.shape[-1])
                self._with_room(signal.name, stop)[:, start:stop] = (
                    value[:, :, time, row].swapaxes(2, 3).reshape(-1, len(time))
                )

    def _with_room(self, signal: str, steps: int) -> Array:
        """(unit of any layer and direction, step): what is known of a signal, with room for so many steps."""
        units, old = int(np.prod(self._shape[signal])), self._values.get(signal)
        if old is None or old.shape[1] < steps:
            room = max(self.room, steps, 0 if old is None else 2 * old.shape[1])
            new = self.xp.empty((units, room), self.xp.single)
            if old is not None:
                new[:, : old.shape[1]] = old
            self._values[signal] = new
        return self._values[signal]

    def rows(self, reads: Sequence[Read]) -> Rows:
        """All of them, by document and step. reads: the documents of the piece, in order.

        Raises ValueError for a value that is not a finite number."""
        assert self._cell is not None
        document, step = np.concatenate(self._places, axis=1)
        order = np.lexsort((step, document))
        document, step = document[order], step[order]
        values = {name: value[:, : len(order)] for name, value in self._values.items()}
        places = self.xp.asarray(order)
        for signal, value in values.items():
            for part in self.xp.blocks(len(value), 1):  # in place: they are what takes most of the memory
                value[part] = value[part][:, places]
            if not self.xp.lib.isfinite(value).all():
                raise _not_finite(host(value), signal, document, step)
        sizes = [self.steps.get(one.number, 0) for one in reads]
        starts = dict(zip((one.number for one in reads), np.cumsum([0, *sizes]), strict=False))
        place = np.array([starts[number] for number in document.tolist()], int) + step
        labels = np.concatenate([one.labels for one in reads], axis=1)
        # A module inside a model may take other steps than the data has; then nothing is known of them.
        own = labels.shape[1] == sum(sizes)
        labels = labels[:, place] if own else np.zeros((0, len(place)), np.float32)
        return Rows(self._cell, values, self._shape, document, step, place, sum(sizes), labels, xp=self.xp)

    def _check(self, trace: Trace, batch: Sequence[Read]) -> None:
        numbers = ", ".join(str(one.number) for one in batch[:5])
        if trace.broken is not None:
            raise ValueError(say("document {number}: {error}", number=numbers, error=str(trace.broken)))
        if trace.continued is not None:
            raise ValueError(
                say(
                    "document {number}: the rows of {name} change places as it runs, so no row is one document",
                    number=numbers,
                    name=self.name or "the model",
                )
            )


def _not_finite(values: np.ndarray, signal: str, document: np.ndarray, step: np.ndarray) -> ValueError:
    unit, at = map(int, np.argwhere(~np.isfinite(values))[0])
    where = {"number": int(document[at]), "step": int(step[at]), "unit": unit}
    return ValueError(
        say(
            "document {number}: {signal} of unit {unit} is {value} at step {step}",
            signal=signal,
            value=values[unit, at],
            **where,
        )
    )
