"""The data of a survey, whatever it comes in, as documents one after another: texts, token ids or vectors."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from lstm_core.say import say
from lstm_core.survey.items import COLUMNS, Item, items, plain

FILES = (".txt", ".csv", ".parquet")
LOOKED_AT = 100
"""Rows of a table by which it is decided whether its first line names columns."""
NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(e[-+]?\d+)?%?", re.IGNORECASE)
NAME = re.compile(r"[^\W\d][\w.-]{,39}")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
LONGEST_UNSPACED = 4
"""Letters of a name in a script that puts no space between words."""
MOST_WORDS = 4
"""Of a name among several."""


@dataclass(frozen=True, eq=False)
class Document:
    """One sequence: a str, ids (time,) of whole numbers, or vectors (time, input)."""

    content: str | np.ndarray

    @property
    def kind(self) -> str:
        """ "text", "ids" or "vectors"."""
        if isinstance(self.content, str):
            return "text"
        return "ids" if self.content.ndim == 1 else "vectors"

    @property
    def empty(self) -> bool:
        """Whether it has no step."""
        return len(self.content) == 0

    @property
    def size(self) -> int:
        """About how many steps it has: a fourth of a text's characters."""
        return len(self.content) // 4 if isinstance(self.content, str) else len(self.content)

    def add_to(self, digest: Any) -> None:
        """Puts everything that it holds into a hash."""
        if isinstance(self.content, str):
            data, form = self.content.encode("utf-8", "surrogatepass"), "text"
        else:
            data, form = np.ascontiguousarray(self.content).tobytes(), f"{self.kind} {self.content.shape}"
        digest.update(f"{form} {len(data)}\n".encode())
        digest.update(data)


def fingerprint(documents: Iterable[Document]) -> str:
    """A hash of all that the documents hold, in their order."""
    digest = hashlib.sha256()
    for document in documents:
        document.add_to(digest)
    return digest.hexdigest()


def documents(
    data: Any, *, lengths: Any = None, padding: int | None = None, column: str | None = None
) -> Iterator[Document]:
    """``data`` (see ``lstm_core.survey``) one document after another, without padding.

    Raises ValueError, with the document's number, for one that is not a sequence, for one of another kind than the
    first, for a vector with a number that is not finite, and for a length or a mask that does not fit; for a file
    that cannot be read; and for a column of what has none.
    """
    file = isinstance(data, str | os.PathLike)
    what = Path(data).suffix.lower() if file else type(data).__name__
    if column is not None and (not file or what == ".txt"):
        raise ValueError(
            say(
                "column is of a .csv or .parquet file, and the data is not one ({what}): give what that column holds",
                what=what,
            )
        )
    kind = None
    found = items(_read(data, column) if file else data, lengths)
    for number, item in enumerate(found):
        document = _document(item, number, padding)
        if not document.empty:
            kind = kind or document.kind
        if not document.empty and document.kind != kind:
            raise ValueError(
                say(
                    "document {number} holds {other}, and those before hold {kind}: one survey reads one kind",
                    number=number,
                    other=document.kind,
                    kind=kind,
                )
            )
        yield document


def _document(item: Item, number: int, padding: int | None) -> Document:
    content = item.content
    if isinstance(content, str):
        if item.length is not None or padding is not None:
            raise ValueError(
                say(
                    "document {number} is a text, which has no padding: lengths and padding are of ids and vectors",
                    number=number,
                )
            )
        return Document(content)
    array = plain(content)
    if array.size == 0 or array.ndim == 2 or (array.ndim == 1 and array.dtype.kind in "iu"):
        array = item.cut(array, number, padding)
    if array.size == 0:
        return Document(np.zeros(0, np.int64) if array.ndim < 2 else np.zeros((0, array.shape[-1]), np.float32))
    if array.dtype.kind in "iu" and array.ndim == 1:
        return Document(array.astype(np.int64))
    if array.dtype.kind in "iuf" and array.ndim == 2:
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            step, place = map(int, bad[0])
            raise ValueError(
                say(
                    "document {number} holds {value} at step {step}, number {place} of its vector",
                    number=number,
                    value=array[step, place],
                    step=step,
                    place=place,
                )
            )
        return Document(array.astype(np.float32, copy=False) if array.dtype.itemsize < 8 else array)
    what = type(content).__name__ if array.dtype.kind == "O" else f"{array.dtype} {array.shape}"
    raise ValueError(
        say(
            "document {number} is neither a text, nor ids (time,), nor vectors (time, input): it is {what}",
            number=number,
            what=what,
        )
    )


def _read(path: str | os.PathLike[str], column: str | None) -> Iterator[Any]:
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if suffix not in FILES:
        raise ValueError(
            say(
                "data in a file is .txt, .csv or .parquet, not {name!r}; a single text is given in a list, [text]",
                name=name[:80],
            )
        )
    try:
        yield from _parquet(name, column) if suffix == ".parquet" else _lines(name, suffix, column)
    except UnicodeDecodeError as error:
        raise ValueError(say("{name} is not UTF-8 text", name=name)) from error


def _lines(name: str, suffix: str, column: str | None) -> Iterator[str]:
    """The lines of a .txt that are not empty, each a document; the column of a .csv."""
    with open(name, encoding="utf-8-sig", newline=None if suffix == ".txt" else "") as file:
        if suffix == ".txt":
            yield from (line.rstrip("\n") for line in file if line.strip())
            return
        yield from cells(file, name, lambda there: _named(name, there, column), () if column else COLUMNS)


def cells(
    file: TextIO, name: str, named: Callable[[list[str]], str], known: Collection[str] = COLUMNS
) -> Iterator[str]:
    """A column of a table of comma-separated values, opened with newline="". named: which, of those that there are.

    The first line names the columns if one of the ``known`` names stands there, or if there are none that are known,
    and else if it looks like names, and not like what follows: then it is a row as they are, and the column is the one
    in which several words stand.

    Raises ValueError, with ``name``, for what is not such a table, for one of which no line says which column it is,
    and for a row with a value too many, whose text was cut where a comma stands in it.
    """
    before = csv.field_size_limit(1 << 30)
    try:
        header = file.readline()
        separator = _delimiter(header)
        table = csv.reader(chain([header] if header else [], file), strict=True, delimiter=separator)
        rows = ((table.line_num, row) for row in table if row)
        first = next(rows, None)
        there = [one.strip() for one in first[1]] if first else []
        column = None
        if first and known and not any(one in there for one in known):
            ahead = list(islice(rows, LOOKED_AT))
            rows = chain(ahead, rows)
            if not _names(there, [row for _, row in ahead]):
                rows = chain([first], rows)
                column = _column_of_texts(name, [there, *(row for _, row in ahead)])
        column = there.index(named(there)) if column is None else column
        for line, row in rows:
            if any(row[len(there) :]):
                raise ValueError(
                    say(
                        "line {line} of {name} has {count} values, and there are {columns} columns: a text that holds "
                        "{separator!r} has to stand in double quotes",
                        line=line,
                        name=name,
                        count=len(row),
                        columns=len(there),
                        separator=separator,
                    )
                )
            yield row[column] if column < len(row) else ""
    except csv.Error as error:
        raise ValueError(
            say("{name} cannot be read as a table of comma-separated values: {error}", name=name, error=str(error))
        ) from error
    finally:
        csv.field_size_limit(before)


def _names(first: list[str], rows: list[list[str]]) -> bool:
    """Whether a table's first row names its columns. Names are single words. Of several columns any other name will
    do, since the one with the texts is asked for by its name; of one column, only what is not like the rows below."""
    if len(first) > 1:
        return not any(NUMBER.fullmatch(one) or len(_words(one)) > MOST_WORDS for one in first)
    below = [row[0].strip() for row in rows]
    return _name(first[0]) and not all(_name(one) for one in below if one)


def _name(text: str) -> bool:
    """Whether it can be a column's name and is hardly a text: one word."""
    return bool(NAME.fullmatch(text)) and (not UNSPACED.search(text) or len(text) <= LONGEST_UNSPACED)


def _words(text: str) -> list[str]:
    return UNSPACED.sub(" \\g<0> ", text).split()


def _column_of_texts(name: str, rows: list[list[str]]) -> int:
    """Of a table without names the only column in which several words stand."""
    columns = range(len(rows[0]))
    wordy = [k for k in columns if any(len(_words(row[k])) > 1 for row in rows if k < len(row))]
    if len(columns) == 1:
        return 0
    if len(wordy) == 1:
        return wordy[0]
    raise ValueError(
        say(
            "the first line of {name} names no columns, and several hold texts, or none does: write a line above it "
            'that calls the one with the texts "text"',
            name=name,
        )
    )


def _delimiter(header: str) -> str:
    """What a table of values separated by commas is separated by, going by its first line: where a comma is written in
    numbers, spreadsheets put a semicolon or a tab between values."""
    return max(",;\t", key=lambda one: len(next(csv.reader([header], delimiter=one), [])))


def _parquet(name: str, column: str | None) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(name) as file:
            named = _named(name, file.schema_arrow.names, column)
            for batch in file.iter_batches(256, columns=[named]):
                for value in batch.column(0):
                    yield value.as_py() if value.is_valid else ""
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(
            say("{name} cannot be read as a Parquet file: {error}", name=name, error=str(error))
        ) from error


def _named(name: str, there: list[str], column: str | None) -> str:
    if column is not None and column not in there:
        raise ValueError(
            say("{name} has no column {column!r}; it has {there}", name=name, column=column, there=", ".join(there))
        )
    found = column or next((c for c in COLUMNS if c in there), there[0] if len(there) == 1 else None)
    if found is None:
        raise ValueError(
            say(
                "{name} has the columns {there}: say which holds the texts, column=...",
                name=name,
                there=", ".join(there) or "none",
            )
        )
    return found
