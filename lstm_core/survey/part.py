"""One part of the data: the unit of work that is shared out, and that an interrupted survey goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lstm_core.say import say
from lstm_core.survey import patterns, summary, tables
from lstm_core.survey.arrow import array, column, lists
from lstm_core.survey.documents import Document, fingerprint
from lstm_core.survey.folder import Folder, let_go
from lstm_core.survey.models import Model
from lstm_core.survey.pieces import Piece, pieces, read
from lstm_core.survey.summary import Groups, Kept

STEPS = 1 << 16
"""A part of a new survey has about so many steps: few enough that even a million are shared out evenly."""
STEPS_BEFORE = 1 << 18
"""What a survey has that does not say so."""
DOCUMENTS = 1 << 16
"""And no more documents than this."""


@dataclass(frozen=True, eq=False)
class Part:
    """Documents that follow each other. number: of the part. first: the number of its first document."""

    number: int
    first: int
    documents: Sequence[Document]


def parted(documents: Iterable[Document], steps: int) -> Iterator[Part]:
    """The data cut into parts of about so many steps, by what it holds alone."""
    waiting: list[Document] = []
    number = first = size = 0
    for document in documents:
        waiting.append(document)
        size += document.size
        if size >= steps or len(waiting) == DOCUMENTS:
            yield Part(number, first, waiting)
            number, first, size, waiting = number + 1, first + len(waiting), 0, []
    if waiting:
        yield Part(number, first, waiting)


def store(folder: Folder, part: Part) -> None:
    """Writes a part's documents, so that whoever works on it can read them."""
    kind = next((one.kind for one in part.documents if not one.empty), "text")
    contents = [one.content if one.kind == kind else None for one in part.documents]
    columns: dict[str, pa.Array] = {"document": column(np.arange(part.first, part.first + len(contents)))}
    if kind == "text":
        columns["text"] = column([content or "" for content in contents])
    else:
        arrays = [np.zeros(0) if one is None else np.asarray(one) for one in contents]
        columns[kind] = _ragged(arrays)
        columns["width"] = column(np.array([one.shape[-1] if one.ndim == 2 else 0 for one in arrays], np.int32))
    note = {
        "hash": fingerprint(part.documents),
        "kind": kind,
        "first": str(part.first),
        "documents": str(len(contents)),
    }
    folder.write(folder.part("waiting", part.number), [pa.table(columns).replace_schema_metadata(note)])


def _ragged(arrays: Sequence[np.ndarray]) -> pa.Array:
    """Arrays as rows of a plain list column."""
    offsets = np.cumsum([0, *(one.size for one in arrays)], dtype=np.int64)
    return lists(np.concatenate([one.reshape(-1) for one in arrays]), offsets)


def stored(table: pa.Table) -> Iterator[tuple[int, Document]]:
    """The documents of a part, by number."""
    numbers = table.column("document").to_pylist()
    if "text" in table.column_names:
        for number, value in zip(numbers, table.column("text"), strict=True):
            yield number, Document(value.as_py())
        return
    kind = "ids" if "ids" in table.column_names else "vectors"
    for number, value, width in zip(numbers, table.column(kind), table.column("width").to_pylist(), strict=True):
        flat = array(value.values)
        yield number, Document(flat.reshape(-1, width) if width else flat.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Work:
    """What is done with a part. It can be sent to another process."""

    folder: str
    kept: Kept
    watch: tuple[str | None, float] | None
    """The signal whose patterns are kept (None for the cell's memory) and the threshold; None to keep none."""

    def __call__(self, model: Model, number: int) -> int:
        """Surveys part ``number`` and writes what was found. Returns its steps."""
        folder = Folder(self.folder)
        table = folder.read(folder.part("waiting", number))
        kept, note = self.kept, about(folder, "waiting", number)
        groups: Groups = {}
        bits, shape, ended = patterns.Bits(), None, []
        reads = (read(model, n, document, kept.follow) for n, document in stored(table))
        for piece in pieces(model, reads, kept.signals if self.watch is None else _also(kept.signals, self.watch[0])):
            ended += [(one.spans, steps) for one, steps in piece.documents]
            if piece.rows and not groups:
                _known(piece, (*(kept.signals or ()), *((self.watch[0],) if self.watch and self.watch[0] else ())))
            if self.watch and piece.rows:
                shape = self._switched(piece, bits) or shape
            asked = _asked(piece, kept)
            groups = summary.add(groups, asked.rows, kept)
            del piece, asked  # before the next one is made
            let_go()
        steps = sum(count for _, count in ended)
        folder.write(folder.part("documents", number), [_documents(table, ended)])
        if shape is not None:
            folder.write(folder.part("patterns", number), [patterns.to_table(bits, shape)])
        found = tables.to_tables(summary.at_home(groups), {**note, "steps": steps})
        folder.write(folder.part("summaries", number), found)
        return steps

    def _switched(self, piece: Piece, bits: patterns.Bits) -> tuple[int, int, int] | None:
        """Adds which units of the first module were on. Returns the shape of the signal that is watched."""
        assert self.watch is not None
        rows = next(iter(piece.rows.values()))
        signal = self.watch[0] or patterns.signal_of(rows.cell)
        if signal in rows.values:
            bits.add(patterns.spread(rows, signal, self.watch[1]), rows.xp)
        return rows.shape.get(signal)


def _known(piece: Piece, signals: Sequence[str]) -> None:
    """Raises ValueError for a signal that no module has."""
    cells = [rows.cell for rows in piece.rows.values()]
    for name in signals:
        if not any(signal.name == name for cell in cells for signal in cell.signals):
            cells[0].signal(name)


def _also(signals: Sequence[str] | None, watched: str | None) -> Sequence[str] | None:
    """The signals to read: those that are kept, and the one whose patterns are (all of them if that is not known)."""
    return None if signals is None or watched is None else (*signals, watched)


def _asked(piece: Piece, kept: Kept) -> Piece:
    """Without the signals that are read for their patterns alone."""
    if kept.signals is None:
        return piece
    rows = {
        module: replace(found, values={name: v for name, v in found.values.items() if name in (kept.signals or ())})
        for module, found in piece.rows.items()
    }
    return replace(piece, rows=rows)


def _documents(table: pa.Table, ended: Sequence[tuple[np.ndarray | None, int]]) -> pa.Table:
    """The documents with their steps, and where each stands in the text; vectors are not kept."""
    found = table.append_column("steps", column(np.array([steps for _, steps in ended], np.int32)))
    if "vectors" in found.column_names:
        found = found.drop_columns(["vectors"])
    if "text" in found.column_names:
        empty = np.zeros((0, 2), np.int64)
        spans = [empty if one is None else one for one, _ in ended]
        for k, name in enumerate(("starts", "ends")):
            found = found.append_column(name, _ragged([one[:, k].astype(np.int32) for one in spans]))
    return found


def about(folder: Folder, kind: str, number: int) -> dict[str, str]:
    """What a part's file says of its documents: hash, kind, first, documents. Raises ValueError if it does not."""
    path = folder.part(kind, number)
    note = folder.note(path)
    try:
        found = json.loads(note["survey"]) if kind == "summaries" else note
        return {name: str(found[name]) for name in ("hash", "kind", "first", "documents")}
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(
            say("{path} is damaged: remove it and call survey again ({error})", path=str(path), error=str(error))
        ) from error
