"""The documents of a survey, found by their number: their text, and where each step stands in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from lstm_core.say import say
from lstm_core.survey.arrow import array
from lstm_core.survey.documents import Document, fingerprint
from lstm_core.survey.folder import Folder
from lstm_core.survey.part import about, stored
from lstm_core.text import Token


@dataclass(frozen=True)
class Words:
    """A stretch of a document: ``text`` and what stands before and after it. Of a
    model without words the ids that it reads; empty where the data is vectors."""

    before: str
    text: str
    after: str

    def __str__(self) -> str:
        """On one line, with the stretch in brackets: "before[text]after"."""
        return f"{self.before}[{self.text}]{self.after}"


class Corpus:
    """folder: of the survey. parts: its finished parts, each (number, first document, documents). display: the word of
    an id. again: all documents once more, for those that the folder does not keep: vectors, and the texts of a survey
    that was made to be small. encode: a text's tokens, for these."""

    def __init__(
        self,
        folder: Folder,
        parts: Sequence[tuple[int, int, int]],
        display: Callable[[int], str] | None,
        again: Callable[[], Iterator[Document]] | None,
        encode: Callable[[str], Sequence[Token]] | None = None,
    ) -> None:
        """All as in the class; documents are read when they are asked for, and the last 16 parts kept."""
        self.folder, self.parts, self.display, self.again, self.encode = folder, parts, display, again, encode
        self.given = lru_cache(maxsize=256)(self._given)
        self.table = lru_cache(maxsize=16)(self._table)
        self.bits = lru_cache(maxsize=16)(self._bits)
        self.same = lru_cache(maxsize=1)(self._same)

    def _table(self, number: int) -> pa.Table:
        return self.folder.read(self.folder.part("documents", number), ("document", "steps"))

    def _bits(self, number: int, steps: int) -> pa.Array:
        """Which units were on in a part (``patterns``) that has so many steps. Raises ValueError if the file is missing
        or of other steps."""
        path = self.folder.part("patterns", number)
        found = self.folder.read(path, ["bits"], ["bits"]).column("bits").combine_chunks()
        if any(len(row.as_buffer()) != -(-steps // 8) for row in (found[0], found[-1])):
            raise ValueError(say("{path} is of other data than the survey", path=str(path)))
        return found

    def at(self, document: int) -> tuple[pa.Table, int]:
        """The part's table that a document is in, and its row. Raises ValueError for one that was not surveyed."""
        for number, first, count in self.parts:
            if first <= document < first + count:
                return self.table(number), document - first
        raise ValueError(say("the survey has no document {number}", number=document))

    @cached_property
    def steps(self) -> np.ndarray:
        """(document,): of all finished parts, in order."""
        read = (array(self.table(number).column("steps")) for number, _, _ in self.parts)
        return np.concatenate([np.zeros(0, np.int32), *read])

    @cached_property
    def numbers(self) -> np.ndarray:
        """(document,): their numbers."""
        return np.concatenate([np.zeros(0, int), *(np.arange(f, f + n) for _, f, n in self.parts)])

    def document(self, number: int) -> Document:
        """What a document holds. Raises ValueError for vectors if the data is not there any more."""
        table, row = self.at(number)
        if _kept(table):
            return next(stored(table.slice(row, 1)))[1]
        return self.given(number)

    def _given(self, number: int) -> Document:
        """What the data has in the place of a document that is not kept. Raises ValueError if it is not there."""
        if self.again is None:
            raise self._not_kept()
        self.same()
        return next(one for k, one in enumerate(self.again()) if k == number)

    def _same(self) -> None:
        """Raises ValueError if the data is not what was surveyed."""
        assert self.again is not None
        data, k = iter(self.again()), 0
        for number, first, count in sorted(self.parts, key=lambda part: part[1]):
            for _ in islice(data, first - k):
                pass
            found = list(islice(data, count))
            k = first + count
            if fingerprint(found) != about(self.folder, "documents", number)["hash"]:
                raise ValueError(
                    say(
                        "documents {first} to {last} of the data are not those that were surveyed",
                        first=first,
                        last=first + count - 1,
                    )
                )

    def _not_kept(self) -> ValueError:
        if self.parts and "width" in self.table(self.parts[0][0]).column_names:
            return ValueError(
                say("a survey does not keep vectors: open it with the data, open_survey(folder, data=...)")
            )
        return ValueError(say("this survey keeps no texts: open it with them, open_survey(folder, data=...)"))

    def documents(self) -> Iterator[tuple[int, Document]]:
        """All of the finished parts, by number."""
        if self.parts and not _kept(self.table(self.parts[0][0])):
            if self.again is None:
                raise self._not_kept()
            self.same()
            there = set(self.numbers.tolist())
            yield from ((k, one) for k, one in enumerate(self.again()) if k in there)
            return
        for number, _, _ in self.parts:
            yield from stored(self.table(number))

    def words(self, document: int, start: int, stop: int, around: int = 8) -> Words:
        """The words at steps ``start`` to ``stop`` (not with it), and so many before and after."""
        table, row = self.at(document)
        steps = table.column("steps")[row].as_py()
        low, high, stop = max(start - around, 0), min(stop + around, steps), min(stop, steps)
        if "text" in table.column_names:
            starts, ends = (table.column(name)[row].values for name in ("starts", "ends"))
            if len(starts) != steps or start >= stop:
                return Words("", "", "")
            text: str = table.column("text")[row].as_py()
            begin, end, left, right = (
                starts[start].as_py(),
                ends[stop - 1].as_py(),
                starts[low].as_py(),
                ends[high - 1].as_py(),
            )
            return Words(text[left:begin], text[begin:end], text[end:right])
        if "ids" in table.column_names:
            display = self.display or str  # of a model without words the numbers that it reads
            ids = array(table.column("ids")[row].values).astype(int)
            pieces = [display(int(id)) for id in ids[low:high]]
            before, own, after = pieces[: start - low], pieces[start - low : stop - low], pieces[stop - low :]
            return Words(" ".join([*before, ""]), " ".join(own), " ".join(["", *after]))
        content = None if _kept(table) or self.again is None else self.given(document).content
        if not isinstance(content, str) or self.encode is None:
            return Words("", "", "")
        tokens = self.encode(content)
        if len(tokens) != steps:
            told = {"number": document, "found": len(tokens), "steps": steps}
            raise ValueError(
                say("document {number} of the data has {found} steps; the surveyed one has {steps}", **told)
            )
        if start >= stop:
            return Words("", "", "")
        begin, end, left, right = tokens[start].start, tokens[stop - 1].end, tokens[low].start, tokens[high - 1].end
        return Words(content[left:begin], content[begin:end], content[end:right])


def _kept(table: pa.Table) -> bool:
    """Whether a part holds what its documents are."""
    return "text" in table.column_names or "ids" in table.column_names


def parts_of(folder: Folder, manifest: dict[str, Any]) -> list[tuple[int, int, int]]:
    """(number, first document, documents) of every finished part."""
    if manifest["complete"]:
        return [(number, first, count) for number, (first, count) in enumerate(manifest["parts"])]
    notes = ((number, about(folder, "summaries", number)) for number in folder.parts("summaries"))
    return [(number, int(note["first"]), int(note["documents"])) for number, note in notes]
