"""The visitor's upload, kept in ``st.session_state`` and nowhere else: no cache, no disk, no other session sees it.

All sessions' uploads share ``MODELS``: who looks at theirs keeps it, and one that nobody looks at makes room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import streamlit as st

from dashboard.budgets import Shared
from dashboard.library import OWN
from dashboard.yours import companions
from dashboard.yours.given import Given, together
from dashboard.yours.upload import PROBE, SENTENCE, TRACE, Upload
from lstm_core.files import Ambiguous
from lstm_core.files.limits import reason, shown
from lstm_core.say import Said, say

MODELS = Shared(768 << 20)
"""Bytes of the uploads of all sessions."""
FULL = say("this server holds as many visitors' models as it can; try again in a few minutes")


@dataclass(frozen=True)
class Question:
    """A file that does not say which cell it holds. ``choices``: the cells that fit, by block."""

    given: Given
    choices: Mapping[str, Sequence[str]]


@dataclass(eq=False)
class Place:
    """What a session holds. ``name`` is what its widgets' keys begin with; ``turn`` numbers the files and ``model`` the
    blocks, so that each gets widgets of its own; ``tab`` is the kind of input whose fields are open, ``page`` the page
    on which ``problem`` is shown, and ``unused``: what came with the model and is of no use. ``gone`` names the file
    that was let go of; ``refused`` says whether the last one could not be read."""

    upload: Upload | None = None
    question: Question | None = None
    problem: str = ""
    unused: Sequence[Said] = ()
    turn: int = 0
    model: int = 0
    tab: str = PROBE
    page: str = ""
    gone: str = ""
    refused: bool = False
    name: str = "yours"

    def take_all(self, files: Mapping[str, bytes]) -> None:
        """Read the file among ``files`` that the others belong to: an index of shards, or else the first of a format
        that is read."""
        try:
            self.take(together(files))
        except ValueError as error:
            self.refused, self.problem = True, _wrong(next(iter(files)), error)

    def take(self, given: Given) -> None:
        """Read an uploaded file in the place of the one before; what is wrong with it is ``problem``."""
        self.clear()
        file = given.file
        try:
            loaded, trace = given.load()
            parts = {name: data for name, data in given.beside.items() if name in loaded.beside}
            kept = replace(given, beside=parts) if loaded.format == "Keras" else replace(given, data=b"", beside={})
            upload = Upload(kept, loaded, "", trace)
            upload.set(block=loaded.blocks[0].name, source=TRACE if trace else PROBE)
            if not MODELS.hold(self, upload.size):
                raise ValueError(FULL)
            self.upload, self.tab = upload, upload.source
            self._sort_out({name: data for name, data in given.beside.items() if name not in parts})
        except Ambiguous as asked:
            self.question = Question(given, asked.choices)
        except ValueError as error:
            self.refused, self.problem = True, _wrong(file, error)
        except MemoryError:
            self.refused, self.problem = True, say("{file}: it needs more memory than there is.", file=shown(file))

    def _sort_out(self, files: Mapping[str, bytes]) -> None:
        """Of files that are no part of the model: choose its vocabulary, and say which are of no use."""
        if self.upload is None or not files:
            return
        words, unused = companions.sorted_out(self.upload, files)
        if words is not None:
            self.choose(vocabulary=words, by=words.by, source=SENTENCE)
        self.unused = unused

    def answer(self, cell: Mapping[str, str]) -> None:
        """Read the file that is asked about as it is said to be."""
        if self.question is not None:
            given = self.question.given
            self.take(replace(given, said={**given.said, "cell": dict(cell)}))

    def again(self, **said: Any) -> None:
        """Read a Keras file again, with what the visitor says in its place; what was chosen otherwise stays."""
        before = self.upload
        if before is None:
            return
        said = {**before.given.said, **said}
        try:
            loaded, _ = replace(before.given, said=said).load()
        except ValueError as error:
            self.problem = _wrong(before.file, error)
            return
        self.choose(given=replace(before.given, said=said), loaded=loaded, checked=None)

    def attempt(self, file: str, values: Callable[[], Mapping[str, object]]) -> None:
        """Choose what a second file holds, if it can be read; what is wrong with it is ``problem``."""
        try:
            found = values()
        except ValueError as error:
            self.problem = _wrong(file, error)
        else:
            self.choose(**found)

    def choose(self, **values: object) -> None:
        """Choose something else about the upload, if a model comes of it."""
        if self.upload is None:
            return
        self.problem, self.unused, before = "", (), replace(self.upload)
        try:
            self.upload.set(**values)
            self.upload.model()
        except ValueError as error:
            self.problem, self.upload = _wrong(self.upload.file, error), before
            return
        if {"given", "vocabulary"} & set(values) and not MODELS.hold(self, self.upload.size):
            self.problem, self.upload = _wrong(self.upload.file, ValueError(FULL)), before
            return
        self.tab = str(values.get("source", self.tab))
        if "block" in values:
            self.model += 1

    def clear(self) -> None:
        self.upload, self.question, self.problem, self.tab = None, None, "", PROBE
        self.unused, self.gone, self.refused = (), "", False
        self.model += 1
        MODELS.free(self)

    def used(self) -> Upload | None:
        """The upload, which somebody looks at now."""
        if self.upload is not None:
            MODELS.use(self, self.upload.size)
        return self.upload

    def stamp(self) -> str | None:
        """Tells the upload, with what it reads, from any other; None where there is none."""
        if (upload := self.used()) is None:
            return None
        read = upload.source, upload.kind, upload.steps, upload.seed
        return f"{crc32(repr((upload.file, upload.block, self.turn, self.model, *read)).encode(errors='replace')):x}"

    def absent(self, other: str) -> Said | None:
        """Why the model ``other`` stands where an upload would, if one was tried here."""
        if self.question is not None:
            return say("Your file does not say which cell it holds: until you do, {name} is shown.", name=other)
        if self.refused:
            return say("Your file was refused: {name} is shown in its place.", name=other)
        if self.gone:
            return say("Your model was let go of: {name} is shown in its place.", name=other)
        return None

    def let_go(self) -> None:
        """Others need the room, and nobody has looked at this for a while."""
        file = self.upload.file if self.upload else ""
        self.clear()
        self.gone = file


def _wrong(file: str, error: ValueError) -> Said:
    return say("{file}: {error}.", file=shown(file), error=reason(error))


def place() -> Place:
    here: Place = st.session_state.setdefault(OWN, Place())
    here.used()
    return here
