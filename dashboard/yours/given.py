"""Files as a visitor gave them. They are read in a worker (``dashboard.yours.readers``); what comes back is put
together here: arrays, and what was said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dashboard.apart import read
from dashboard.yours import recorded
from lstm_core import Tokenizer, Trace
from lstm_core.files import Loaded, packed
from lstm_core.files.sandbox import from_json
from lstm_core.files.vocabulary.cutting import Rule
from lstm_core.files.vocabulary.words import Words

READERS = "dashboard.yours.readers"
UNFOLDED = 150 << 20
"""Bytes that a file may unfold to; ``maxUploadSize`` limits the file itself."""


@dataclass(frozen=True)
class Given:
    """A file as it was given. beside: those that came with it, by name. said: what the visitor says in the place of the
    file, as ``lstm_core.load`` takes it."""

    file: str
    data: bytes = field(repr=False)
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data) + sum(map(len, self.beside.values()))

    def load(self) -> tuple[Loaded, Trace | None]:
        """What is in it, and the trace if it is one. Raises ValueError as
        ``lstm_core.load`` does, and ``Busy``."""
        files = {**self.beside, self.file: self.data}
        said = {"file": self.file, "limit": UNFOLDED, "said": dict(self.said)}
        plain, arrays = read(f"{READERS}:network", files, said, room=UNFOLDED)
        if "trace" in plain:
            trace = packed.unpack_trace(plain["trace"], arrays)
            return recorded.network(trace), trace
        loaded = packed.unpack(plain["network"], arrays)
        return loaded, None


def together(files: Mapping[str, bytes]) -> Given:
    """Files that came together: one of them, which the others belong to. Raises ``Busy``."""
    name = next(iter(files)) if len(files) == 1 else read(f"{READERS}:first", files)[0]
    return Given(name, files[name], {other: data for other, data in sorted(files.items()) if other != name})


def numbers(file: str, data: bytes, width: int, limit: int) -> tuple[np.ndarray, int]:
    """``inputs.read`` of a file."""
    steps, [values] = read(f"{READERS}:numbers", {file: data}, {"width": width, "limit": limit})
    return values, steps


def kind(file: str, data: bytes, width: int, limit: int) -> str:
    """``readers.kind`` of a file. Raises ``Busy``."""
    return read(f"{READERS}:kind", {file: data}, {"width": width, "limit": limit})[0]


def words(file: str, data: bytes, rows: int) -> Tokenizer:
    """The vocabulary in a file, for an embedding of so many rows. Raises ValueError as ``vocabulary.read`` does."""
    plain, _ = read(f"{READERS}:words", {file: data}, {"rows": rows})
    assumed = tuple(from_json(text) for text in plain["assumed"])
    if "tokenizer" in plain:
        tokenizer = Tokenizer(plain["tokenizer"], plain["rows"])
        tokenizer.assumed = assumed
        return tokenizer
    entries = dict(zip(plain["entries"], plain["at"], strict=True))
    return Words(entries, plain["rows"], Rule(**plain["rule"]), plain["unknown"], assumed)
