"""A visitor's file and everything that was chosen about it: what it is read as, and what it reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from dashboard import budgets, cache
from dashboard.cache import LIMIT, Reading
from dashboard.state import YOURS
from dashboard.yours import inputs, recorded
from dashboard.yours.given import Given
from dashboard.yours.run import alone, changed, run
from lstm_core import Block, Token, Tokenizer, Trace
from lstm_core.certificate import Certificate
from lstm_core.files import Loaded, wiring
from lstm_core.files.limits import reason
from lstm_core.files.vocabulary import By
from lstm_core.files.vocabulary.words import Words
from lstm_core.network import Network, Reader
from lstm_core.say import Said, say

VALUES = 400_000
"""Values of one signal that are drawn, units times steps."""
KEPT = 32 << 20
"""Bytes of readings that a session keeps."""
WRITTEN = 20
"""Bytes that a vocabulary takes for each of those that it is written in, about."""

SENTENCE, FILE, PROBE, TRACE = "sentence", "file", "probe", "trace"


@dataclass(frozen=True)
class Input:
    """x: ids or vectors of the steps that are read, (time,) or (time, input). found: the steps that there were."""

    x: np.ndarray
    tokens: tuple[Token, ...]
    found: int
    notes: tuple[str, ...]


@dataclass
class Upload:
    """What was uploaded and how it is read. ``vocabulary`` and ``signal`` fit the block and embedding chosen.

    stacked: whether the block reads the blocks that it stands on, or its input by itself. by: whether the vocabulary is
    read by the word or by the character. checked: the largest difference from an output that the visitor gave. trace:
    what the file holds if it is a trace and no network.
    """

    given: Given
    loaded: Loaded
    block: str
    trace: Trace | None = field(default=None, repr=False)
    stacked: bool = True
    embedding: str | None = None
    output: str | None = None
    vocabulary: Tokenizer | None = None
    signal: np.ndarray | None = None
    by: By | None = None
    checked: float | None = None
    found: int = 0
    source: str = PROBE
    kind: str = "sine"
    steps: int = 60
    seed: int = 0
    _model: Network | None = field(default=None, repr=False)
    _readings: budgets.Cache[Reading] = field(
        default_factory=lambda: budgets.Cache(KEPT, cache.reading_size), repr=False
    )

    @property
    def file(self) -> str:
        return self.given.file

    @property
    def size(self) -> int:
        """Bytes of all that is kept of it, about."""
        rows = [params for block in self.loaded.blocks for row in block.layers for params in row]
        arrays = [value for params in (*rows, self.loaded.others) for value in params.values()]
        if self.trace is not None:
            arrays += [*self.trace.signals.values(), self.trace.inputs]
        words = 0 if self.vocabulary is None else WRITTEN * len(self.vocabulary.json)
        return budgets.size(arrays) + self.given.size + words + self._readings.bytes

    def chosen(self) -> Block:
        return self.loaded[self.block]

    def below(self) -> tuple[Block, ...]:
        """The blocks that run before the chosen one, first to last."""
        return wiring.below(self.loaded, self.chosen()) if self.stacked else ()

    def first(self) -> Block:
        """The block that reads the input."""
        return (*self.below(), self.chosen())[0]

    def embeddings(self) -> list[str]:
        return wiring.embeddings(self.loaded, self.first())

    def outputs(self) -> list[str]:
        return wiring.outputs(self.loaded, self.chosen(), self.rows()) if self.embedding else []

    def rows(self) -> int:
        """Words that the embedding has a row for."""
        return len(self.loaded.others[self.embedding]) if self.embedding else 0

    @property
    def longest(self) -> int:
        """Steps that are read at most: fewer for a wide block."""
        return max(20, min(LIMIT, VALUES // self.chosen().hidden_size))

    def set(self, **values: object) -> None:
        """Choose; what no longer fits the choice is dropped."""
        for name, value in values.items():
            setattr(self, name, value)
        if {"block", "stacked"} & set(values):
            self.checked = None
        if "block" in values:
            self.stacked = True
        if {"block", "stacked"} & set(values):
            self.embedding = next(iter(self.embeddings()), None)
            self.signal, self.vocabulary = None, self.vocabulary if self.embedding else None
        if {"block", "stacked", "embedding"} & set(values):
            if self.vocabulary is not None and "vocabulary" not in values:
                self.vocabulary = None
            self.output = next(iter(self.outputs()), None)
        if "by" in values and "vocabulary" not in values and isinstance(self.vocabulary, Words) and self.by is not None:
            self.vocabulary = self.vocabulary.switched(self.by)
        missing = {SENTENCE: self.vocabulary is None, FILE: self.signal is None}
        if missing.get(self.source):
            self.source = TRACE if self.trace is not None else PROBE
        self.steps = min(self.steps, self.longest)
        self._model = None
        self._readings.clear()

    def model(self) -> Network:
        """The block as a network of the page. Raises ValueError if embedding or output layer hold NaN."""
        if self._model is None:
            self._model = self._made()
        return self._model

    def _made(self) -> Network:
        reader = readout = None
        if self.source == SENTENCE and self.vocabulary is not None and self.embedding:
            at = wiring.source(self.loaded, self.first())
            padding = 0 if at is not None and at.mask_zero else None
            reader = Reader(wiring.embedding(self.loaded, self.embedding), self.vocabulary, padding)
            readout = wiring.output(self.loaded, self.output, self.rows()) if self.output else None
        below = tuple(map(alone, self.below()))
        return Network(YOURS, alone(self.chosen()), reader, readout, below, silent=self._why())

    def _why(self) -> str:
        """Why no next word is predicted; empty if one is."""
        if self.source == TRACE:
            return say("Your file holds a trace and no output layer: there is no next word to expect.")
        if self.source != SENTENCE:
            return say("Your model reads numbers here: there is no next word to expect.")
        return "" if self.output else self.without_output()

    def without_output(self) -> Said:
        """Why no output layer is used: the file has none that fits the block and the embedding, or has it elsewhere."""
        wide = self.chosen().output_size * len(self.chosen().directions)
        why = wiring.no_outputs(self.loaded, self.chosen(), self.rows())
        if self.outputs():
            return say("No output layer is chosen for your model: no next word is predicted.")
        if why is not None:
            return say("No output layer certainly reads your model's h: {why}. No next word is predicted.", why=why)
        return say(
            "Your model has no output layer of {rows:,} x {wide}: no next word is predicted.",
            rows=self.rows(),
            wide=wide,
        )

    def read(self, text: str, limit: int) -> Reading:
        """The block's run. What cannot be run is a reading of no steps, with the reason among its notes."""
        limit = min(limit, self.longest)
        return self._readings.get((text, limit), lambda: self._read(text, limit))

    def input(self, text: str, limit: int) -> Input:
        """What the network reads of ``text``, of the visitor's numbers, or of a probe."""
        tokens: tuple[Token, ...] = ()
        notes: list[str] = [*changed((*self.below(), self.chosen()))]
        model = self.model()
        if model.reader is not None:
            tokens, left_out = self._words(text)
            found, tokens = len(tokens), tokens[:limit]
            notes += [left_out] if left_out else []
            x = np.array([token.id for token in tokens], np.intp)
        elif self.source == FILE and self.signal is not None:
            x, found = self.signal[:limit], self.found
        else:
            x = inputs.probe(self.kind, self.steps, self.first().input_size, self.seed)
            found, x = len(x), x[:limit]
        mask = model.mask_of(x)  # a step that is skipped changes nothing and has no gates to draw
        if mask is not None and not mask.all():
            x, count = x[mask], int((~mask).sum())
            tokens = tuple(token for token, read in zip(tokens, mask, strict=False) if read)
            notes.append(say("Your model skips {count:,} of these steps: its file masks them.", count=count))
        return Input(x, tokens, found, tuple(notes))

    def check(self, expected: np.ndarray, text: str) -> float:
        """The largest difference of h from what the visitor's own runtime gives for the same input, (time, unit) or
        (1, unit) of the last step. Raises ValueError where it is more than rounding."""
        model, given = self.model(), self.input(text, self.longest)
        trace, block = model.read(given.x), replace(model.block)
        return block.check(block.laid_out(trace.inputs), expected[0] if len(expected) == 1 else expected[:, None])

    def _read(self, text: str, limit: int) -> Reading:
        model = self.model()
        why = model.silent
        if self.source == TRACE and self.trace is not None:
            trace, notes = recorded.shown(self.trace, limit)
            return Reading(model, trace, None, len(self.trace), notes, why)
        given = self.input(text, limit)
        found, notes = given.found, list(given.notes)
        try:
            trace = run(model, given.x, given.tokens, self.loaded.format == "PyTorch" and self.checked is None)
        except ValueError as error:
            notes.append(reason(error))
            trace, found = run(model, given.x[:0], (), certified=False), 0
        if self.checked is not None:
            trace = replace(trace, certificate=Certificate({"h": self.checked}))
        if model.block.directions == ("reverse",):
            notes.append(say("Your model reads from the end: the steps stand in the order in which it reads them."))
        return Reading(model, trace, None if why else model.likeliest(trace, 5), found, tuple(notes), why)

    def _words(self, text: str) -> tuple[tuple[Token, ...], Said | None]:
        """The tokens that the embedding has a row for, and what is said of the others. A vocabulary without an entry
        for unknown words has no row for them either."""
        assert self.vocabulary is not None
        tokens, rows = self.vocabulary.encode(cache.typed(text, self.vocabulary)), self.rows()
        known = tuple(token for token in tokens if token.id < rows)
        if len(known) == len(tokens):
            return known, None
        left = list(dict.fromkeys(token.text for token in tokens if token.id >= rows))
        words = left[0]
        for word in left[1:5]:  # with the comma of whatever language is in use when it is shown
            words = say("{first}, {second}", first=words, second=word)
        return known, say("Your vocabulary has no entry for {words}: left out.", words=words)
