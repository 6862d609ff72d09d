"""Documents, run piece by piece: the steps that are worked on together, cut where the data says, not the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_core.files.limits import reason
from lstm_core.say import say
from lstm_core.survey.arrays import Array
from lstm_core.survey.documents import Document
from lstm_core.survey.gathered import Gathered, Read
from lstm_core.survey.labels import FOLLOWED
from lstm_core.survey.lags import LONGEST
from lstm_core.survey.long_text import windows
from lstm_core.survey.models import BATCH, Model, Traces
from lstm_core.survey.rows import Rows

STEPS = 1 << 13
"""A piece has about so many steps. It decides the memory that is used, and the last bits of sums."""
TOGETHER = 1 << 11
"""And of no more steps, padding included, unless one document has more: while it runs, a batch is held three times."""
WASTE = 1.2
"""Sequences of several lengths run together while padding makes them no longer than this."""
WRONG = (ValueError, IndexError)
"""What a document raises that a model cannot read: IndexError of an id that a module's own embedding lacks."""


@dataclass(frozen=True, eq=False)
class Piece:
    """rows: what each module did. documents: those that end in this piece, and the steps of each."""

    rows: Mapping[str, Rows]
    documents: Sequence[tuple[Read, int]]


def read(model: Model, number: int, document: Document, follow: Sequence[str]) -> Read:
    """A document as the model reads it. Raises ValueError for what it cannot read."""
    content = document.content
    if document.empty and model.encode is None:
        content = np.zeros(0, np.int64)  # a part in which nothing has a step is kept as texts
    if not isinstance(content, str):
        if document.kind == "vectors" and not model.vectors:
            raise ValueError(say("document {number} holds vectors; {name} reads words", number=number, name=model.name))
        labels = np.array([np.arange(len(content)) for _ in follow], np.float32)  # of its position, which has no text
        return Read(number, content, labels=labels.reshape(len(follow), len(content)))
    if model.encode is None:
        raise ValueError(
            say(
                "document {number} is a text; {name} has no words: give ids or vectors, or tokenizer=...",
                number=number,
                name=model.name,
            )
        )
    ids, spans, labels = [], [], []
    for tokens in windows(model.encode, content):
        ids.append(np.array([token.id for token in tokens], np.int64))
        spans.append(np.array([(token.start, token.end) for token in tokens], np.int64).reshape(-1, 2))
        own = np.array([FOLLOWED[name].labels(content, tokens) for name in follow], np.float32)
        labels.append(own.reshape(len(follow), len(tokens)))
    found = Read(number, np.concatenate(ids), np.concatenate(spans), np.concatenate(labels, axis=1))
    if "position" in follow:  # in the document, not in the window
        found.labels[follow.index("position")] = np.arange(len(found.x))
    return found


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
        full = len(batch) == BATCH or len(one.x) * (len(batch) + 1) > TOGETHER
        if batch and (full or not fits):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _together(model: Model, reads: Sequence[Read], signals: Sequence[str] | None) -> Piece:
    found: dict[str, Gathered] = {}
    room = sum(len(one.x) for one in reads)
    for batch in _batches(reads, model.pads):
        _run(model, batch, signals, found, room)
    rows = {name: one.rows(reads) for name, one in found.items()}
    steps = next(iter(found.values())).steps if found else {}
    return Piece(rows, [(one, steps.get(one.number, 0)) for one in reads])


def _run(
    model: Model, batch: Sequence[Read], signals: Sequence[str] | None, found: dict[str, Gathered], room: int
) -> None:
    """Runs a batch and adds what it did to ``found``; its traces are gone afterwards. room: steps of the piece."""
    x = np.zeros((len(batch[-1].x), len(batch), *batch[0].x.shape[1:]), batch[0].x.dtype)
    try:
        for k, one in enumerate(batch):
            x[: len(one.x), k] = one.x
        traces = model.run(x)
    except WRONG as error:
        raise _blamed(model, batch, error) from error
    for name, trace in traces.items():
        found.setdefault(name, Gathered(name, signals, room, model.xp)).add(batch, trace)


def _blamed(model: Model, batch: Sequence[Read], error: Exception) -> ValueError:
    """What is said of the first document of a batch that the model cannot run on."""
    for one in batch:
        try:
            model.run(one.x[:, None])
        except WRONG as own:
            return ValueError(say("document {number}: {error}", number=one.number, error=reason(own)))
    return ValueError(say("document {number}: {error}", number=batch[0].number, error=reason(error)))


def _long(model: Model, one: Read, signals: Sequence[str] | None) -> Iterator[Piece]:
    """A document that is longer than a piece, in stretches, of which as many as make a piece come together; each piece
    knows the last steps of the one before."""
    start = stop = 0
    tails: dict[str, dict[str, Array]] = {}
    gathered: dict[str, Gathered] = {}
    for traces in _stretches(model, one):
        length = len(next(iter(traces.values())))
        part = Read(one.number, one.x[stop : stop + length])
        for name, trace in traces.items():
            gathered.setdefault(name, Gathered(name, signals, STEPS, model.xp)).add([part], trace, stop - start)
        stop += length
        del traces
        last = stop >= len(one.x) or model.stretches is None
        if last or stop - start >= STEPS:
            whole = Read(one.number, one.x[start:stop], labels=one.labels[:, start:stop])
            rows = {name: _after(gathered.pop(name), whole, start, tails) for name in list(gathered)}
            yield Piece(rows, [(one, stop)] if last else [])
            start = stop


def _stretches(model: Model, one: Read) -> Iterator[Traces]:
    try:
        yield from model.whole(one.x, min(STEPS, TOGETHER))
    except WRONG as error:
        raise ValueError(say("document {number}: {error}", number=one.number, error=reason(error))) from error


def _after(gathered: Gathered, part: Read, start: int, tails: dict[str, dict[str, Array]]) -> Rows:
    """What was gathered of a document from its step ``start`` on, behind the ``tails`` of what came before, which are
    then those of this."""
    found = gathered.rows([part])
    before = tails.get(gathered.name, {name: value[:, :0] for name, value in found.values.items()})
    values = {name: gathered.xp.lib.concatenate([before[name], value], axis=1) for name, value in found.values.items()}
    tails[gathered.name] = {name: gathered.xp.copied(value[:, -LONGEST:]) for name, value in values.items()}
    width = next(iter(before.values())).shape[1]
    return replace(found, values=values, step=found.step + start, head=width)
