"""Documents, run piece by piece: the steps that are worked on together, cut where the data says, not the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.say import say
from lstm_core.sequences import taken
from lstm_core.survey.documents import Document
from lstm_core.survey.labels import FOLLOWED
from lstm_core.survey.lags import LONGEST
from lstm_core.survey.models import Model, Traces
from lstm_core.survey.rows import Rows
from lstm_core.trace import Trace

STEPS = 1 << 15
"""A piece has about so many steps. It decides the memory that is used, and the last bits of sums."""
BATCH = 64
WASTE = 1.2
"""Sequences of several lengths run together while padding makes them no longer than this."""


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
        if not len(self.labels):
            object.__setattr__(self, "labels", np.zeros((0, len(self.x)), np.float32))


@dataclass(frozen=True, eq=False)
class Piece:
    """rows: what each module did. documents: those that end in this piece, and the steps of each."""

    rows: Mapping[str, Rows]
    documents: Sequence[tuple[Read, int]]


def read(model: Model, number: int, document: Document, follow: Sequence[str]) -> Read:
    """A document as the model reads it. Raises ValueError for what it cannot read."""
    content = document.content
    if not isinstance(content, str):
        if document.kind == "vectors" and not model.vectors:
            raise ValueError(say("document {number} holds vectors; {name} reads words", number=number, name=model.name))
        labels = np.array([np.arange(len(content)) for _ in follow], np.float32)  # of its position, which has no text
        return Read(number, content, labels=labels.reshape(len(follow), len(content)))
    if model.encode is None:
        message = "document {number} is a text; {name} has no words: give ids or vectors, or tokenizer=..."
        raise ValueError(say(message, number=number, name=model.name))
    tokens = model.encode(content)
    ids = np.array([token.id for token in tokens], np.int64)
    spans = np.array([(token.start, token.end) for token in tokens], np.int64).reshape(-1, 2)
    labels = np.array([FOLLOWED[name].labels(content, tokens) for name in follow], np.float32)
    return Read(number, ids, spans, labels.reshape(len(follow), len(ids)))


def pieces(model: Model, reads: Iterable[Read], signals: Sequence[str] | None = None) -> Iterator[Piece]:
    """What the model does on the documents, in their order. Raises ValueError, with the document's number, for one that
    the model cannot run on, and where a value is not a finite number."""
    waiting: list[Read] = []
    steps = 0
    for one in reads:
        if len(one.x) > STEPS:
            if waiting:
                yield _together(model, waiting, signals)
                waiting, steps = [], 0
            yield from _long(model, one, signals)
            continue
        waiting.append(one)
        steps += len(one.x)
        if steps >= STEPS:
            yield _together(model, waiting, signals)
            waiting, steps = [], 0
    if waiting:
        yield _together(model, waiting, signals)


def _batches(reads: Sequence[Read], pads: bool) -> Iterator[list[Read]]:
    """The documents that have steps by their length, some at a time."""
    batch: list[Read] = []
    for one in sorted((one for one in reads if len(one.x)), key=lambda one: len(one.x)):
        total = sum(len(other.x) for other in batch) + len(one.x)
        same = not batch or len(one.x) == len(batch[0].x)
        fits = same or (pads and len(one.x) * (len(batch) + 1) <= WASTE * total)
        if batch and (len(batch) == BATCH or not fits):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _together(model: Model, reads: Sequence[Read], signals: Sequence[str] | None) -> Piece:
    ran: list[tuple[list[Read], Traces]] = []
    for batch in _batches(reads, model.pads):
        longest = len(batch[-1].x)
        x = np.zeros((longest, len(batch), *batch[0].x.shape[1:]), batch[0].x.dtype)
        try:
            for k, one in enumerate(batch):
                x[: len(one.x), k] = one.x
            ran.append((batch, model.run(x)))
        except ValueError as error:
            raise _blamed(model, batch, error) from error
    rows, steps = {}, {one.number: 0 for one in reads}
    for name in dict.fromkeys(name for _, traces in ran for name in traces):
        rows[name], found = _rows(name, [(b, t) for b, t in ran if name in t], reads, signals)
        if len(rows) == 1:
            steps |= found
    return Piece(rows, [(one, steps[one.number]) for one in reads])


def _blamed(model: Model, batch: Sequence[Read], error: ValueError) -> ValueError:
    """What is said of the first document of a batch that the model cannot run on."""
    for one in batch:
        try:
            model.run(one.x[:, None])
        except ValueError as own:
            return ValueError(say("document {number}: {error}", number=one.number, error=str(own)))
    return ValueError(say("document {number}: {error}", number=batch[0].number, error=str(error)))


def _rows(
    name: str, ran: Sequence[tuple[list[Read], Traces]], reads: Sequence[Read], signals: Sequence[str] | None
) -> tuple[Rows, dict[int, int]]:
    """Of one module, and the number of its steps in each document."""
    steps = {}
    for batch, traces in ran:
        trace = traces[name]
        _check(name, trace, batch)
        same = len(trace) == len(batch[-1].x)
        steps |= {one.number: len(one.x) if same else len(trace) for one in batch}
    starts = dict(
        zip((one.number for one in reads), np.cumsum([0, *(steps.get(o.number, 0) for o in reads)]), strict=False)
    )
    parts: dict[str, list[np.ndarray]] = {}
    documents, at_steps, places = [], [], []
    shape: dict[str, tuple[int, int, int]] = {}
    for batch, traces in ran:
        trace = traces[name]
        numbers = np.array([one.number for one in batch])
        there = taken(trace) & (np.arange(len(trace))[:, None] < [steps[number] for number in numbers])
        row, time = np.nonzero(there.T)
        documents.append(numbers[row])
        at_steps.append(time)
        places.append(np.array([starts[number] for number in numbers])[row] + time)
        for signal in _signals(trace.cell, signals):
            value = trace[signal]
            shape[signal] = (value.shape[0], value.shape[1], value.shape[-1])
            parts.setdefault(signal, []).append(np.moveaxis(value[:, :, time, row], 2, 0).reshape(len(time), -1))
    place = np.concatenate(places)
    order = np.argsort(place)
    document, step = np.concatenate(documents)[order], np.concatenate(at_steps)[order]
    values = {}
    for signal, value in parts.items():
        values[signal] = np.ascontiguousarray(np.concatenate(value)[order].T, np.float32)
        _finite(values[signal], signal, document, step)
    size, labels = int(sum(steps.values())), np.concatenate([one.labels for one in reads], axis=1)
    # A module inside a model may take other steps than the data has; then nothing is known of them.
    labels = labels[:, place[order]] if labels.shape[1] == size else np.zeros((0, len(place)), np.float32)
    cell = ran[0][1][name].cell
    return Rows(cell, values, shape, document, step, place[order], size, labels), steps


def _signals(cell: type[Cell], asked: Sequence[str] | None) -> list[str]:
    names = [signal.name for signal in cell.signals]
    return names if asked is None else [name for name in names if name in asked]


def _check(name: str, trace: Trace, batch: Sequence[Read]) -> None:
    numbers = ", ".join(str(one.number) for one in batch[:5])
    if trace.broken is not None:
        raise ValueError(say("document {number}: {error}", number=numbers, error=str(trace.broken)))
    if trace.continued is not None:
        message = "document {number}: the rows of {name} change places as it runs, so no row is one document"
        raise ValueError(say(message, number=numbers, name=name or "the model"))


def _finite(values: np.ndarray, signal: str, document: np.ndarray, step: np.ndarray) -> None:
    if not np.isfinite(values).all():
        unit, at = map(int, np.argwhere(~np.isfinite(values))[0])
        message = "document {number}: {signal} of unit {unit} is {value} at step {step}"
        where = {"number": int(document[at]), "step": int(step[at]), "unit": unit}
        raise ValueError(say(message, signal=signal, value=values[unit, at], **where))


def _long(model: Model, one: Read, signals: Sequence[str] | None) -> Iterator[Piece]:
    """A document that is longer than a piece, in stretches that each know the last steps of the one before."""
    start, tails = 0, {}
    stretches = model.whole(one.x, STEPS)
    while True:
        try:
            traces = next(stretches, None)
        except ValueError as error:
            raise ValueError(say("document {number}: {error}", number=one.number, error=str(error))) from error
        if traces is None:
            return
        length = len(next(iter(traces.values())))
        stop = start + length
        part = Read(one.number, one.x[start:stop], labels=one.labels[:, start:stop])
        rows = {}
        for name in traces:
            found, _ = _rows(name, [([part], traces)], [part], signals)
            step = found.step + start
            head = {s: tails[name][s] if name in tails else v[:, :0] for s, v in found.values.items()}
            values = {s: np.concatenate([head[s], v], axis=1) for s, v in found.values.items()}
            tails[name] = {s: v[:, -LONGEST:].copy() for s, v in values.items()}
            width = next(iter(head.values())).shape[1]
            rows[name] = Rows(
                found.cell, values, found.shape, found.document, step, found.place, found.size, found.labels, width
            )
        last = stop >= len(one.x) or model.stretches is None
        yield Piece(rows, [(one, stop)] if last else [])
        start = stop
