"""How a visitor's files are read: what runs in a worker (``dashboard.workers``). ``dashboard.yours.given`` asks for it.

Each takes the files by name and returns a value that JSON can hold and arrays, or raises ValueError in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dashboard.yours import inputs, recorded
from lstm_core.files import is_read, load, packed, vocabulary
from lstm_core.files.formats import Content
from lstm_core.files.sandbox import as_json
from lstm_core.files.vocabulary.words import Words

Files = Mapping[str, bytes]
Read = tuple[Any, Sequence[np.ndarray]]


def first(files: Files) -> Read:
    """The name of the file that the others belong to: an index of shards, or else the first of a format that is
    read."""
    return min(sorted(files), key=lambda name: (not name.endswith(".index.json"), not is_read(files[name]))), ()


def network(files: Files, file: str, limit: int, said: Mapping[str, Any]) -> Read:
    """The network or the trace in a file. limit: bytes that it may unfold to. said: what ``lstm_core.load`` takes."""
    data, beside = files[file], {name: other for name, other in files.items() if name != file}
    if recorded.is_trace(content := Content(data, limit)):
        plain, arrays = packed.pack_trace(recorded.read(content))
        return {"trace": plain}, arrays
    plain, arrays = packed.pack(load(data, beside=beside, max_bytes=limit, **said))
    return {"network": plain}, arrays


def numbers(files: Files, width: int, limit: int) -> Read:
    """The first ``limit`` steps of a CSV or NPY file, (time, width), and how many there are."""
    [data] = files.values()
    values, steps = inputs.read(data, width, limit)
    return steps, [values]


def kind(files: Files, width: int, limit: int) -> Read:
    """What a file certainly is: a "model", or "numbers", ``width`` a step, as far as ``limit`` steps show it; else
    ""."""
    [data] = files.values()
    if is_read(data):
        return "model", ()
    try:
        inputs.read(data, width, limit)
    except ValueError:
        return "", ()
    return "numbers", ()


def words(files: Files, rows: int) -> Read:
    """The vocabulary for an embedding of so many rows."""
    [data] = files.values()
    read = vocabulary.read(data, rows)
    if not isinstance(read, Words):
        return {"tokenizer": read.json, "rows": read.rows, "assumed": [as_json(text) for text in read.assumed]}, ()
    plain = {
        "entries": [*read.entries],
        "at": [*read.entries.values()],
        "rows": read.rows,
        "rule": asdict(read.rule),
        "unknown": read.unknown,
        "assumed": [as_json(text) for text in read.assumed],
    }
    return plain, ()
