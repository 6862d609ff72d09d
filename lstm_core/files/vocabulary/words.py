"""A vocabulary of whole entries, matched as they are: the longest that fits at each place of a text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from lstm_core.files.vocabulary.cutting import ALONE, MARK, SIGN, SPACE, WORD, Atom, Rule, cut, kind
from lstm_core.say import say
from lstm_core.text import UNKNOWN, Token, Tokenizer

LONGEST = 32
"""Atoms of an entry that is looked for; so a text takes time in proportion to its length, whatever the entries are."""

MARKED = re.compile(
    r"<[^<>\s]+>|\[[^\[\]\s]+\]|\{[^{}\s]+\}|_+[^\W_]+_+|@@\w+@@|[$|*#](?!\d)\w+[$|*#]"
    r"|(pad|unk|oov|bos|sos|eos|eow|cls|sep|mask|go)",
    re.IGNORECASE,
)
"""Entries that stand for no text: <pad>, [UNK], __eos__, and bare names of such."""

WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
TYPED = {ord("\N{LEFT SINGLE QUOTATION MARK}"): "'", ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'"}
TYPED |= {ord("\N{LEFT DOUBLE QUOTATION MARK}"): '"', ord("\N{RIGHT DOUBLE QUOTATION MARK}"): '"'}
ALIKE = WIDTH | TYPED
"""Full-width and half-width forms, straight and curly quotes: one is read as the other where it has no entry."""


class Words(Tokenizer):
    """Each token is an entry, exactly as the vocabulary spells it, or a word that it has no entry for.

    By word an entry begins and ends where a word may: "the" is not found in "theory", "new york" and "don't" are one
    token each, and of Chinese the longest entry is taken. By character each character is a token. What is spelled like
    no entry is looked for once more in its other width, with its other quotes and, if ``rule.fold``, in the
    vocabulary's case; "don't" is read as "do" and "n't", as the Penn Treebank splits it, where these are entries and it
    is none. A word without an entry is one token with ``known`` False, and so is a run of signs.

    entries: the row of each. rows: of the embedding; one without an entry is called "#17". unknown: the entry that is
    read for what has none; without it such tokens have the id ``rows``, one more than there are.
    assumed: what the file does not say of itself, each a sentence without its full stop.
    """

    def __init__(
        self, entries: Mapping[str, int], rows: int, rule: Rule, unknown: str | None, assumed: Sequence[str] = ()
    ) -> None:
        """entries: row by spelling. rows: of the embedding. unknown: the entry of other words; None adds a row."""
        self.entries, self.rows, self.rule, self.unknown = dict(entries), rows, rule, unknown
        self.assumed = tuple(assumed)
        self.by = rule.by
        self.json = json.dumps({"entries": self.entries, "rows": rows, "unknown": unknown, **asdict(rule)})
        self._names = {row: entry for entry, row in self.entries.items()}
        self._others = (unknown, self.entries[unknown]) if unknown is not None else (UNKNOWN, rows)
        self._exact: dict[str, int] = {}
        self._alike: dict[str, int | None] = {}  # None where two entries are alike
        self._begun: set[str] = set()
        for entry, row in self.entries.items():
            self._add(entry, row)
        spaced = rule.whole or any(text.isspace() for text in self._exact)
        self._reads_spaces = rule.by == "character" and spaced

    def switched(self, by: str) -> Words:
        """The same entries, read "word" by word or "character" by character."""
        return Words(self.entries, self.rows, replace(self.rule, by=by), self.unknown, self.assumed)

    @property
    def size(self) -> int:
        """How many ids there are: the embedding's rows, and one for unknown words if no entry is theirs."""
        return self.rows + (self.unknown is None)

    def _piece(self, id: int) -> str:
        return self._others[0] if id == self._others[1] else self._names.get(id) or f"#{id}"

    def display(self, id: int) -> str:
        """The entry of that id as the vocabulary spells it."""
        return self._piece(id)

    def id(self, piece: str) -> int:
        """The row of an entry, or of a text that is read as one; ValueError if there is none."""
        row = self.entries.get(piece, self._nameless(piece))
        if row is None:
            tokens = self.encode(piece)
            if len(tokens) != 1 or not tokens[0].known:
                raise ValueError(
                    say("{piece!r} is not in this model's vocabulary of {size}", piece=piece, size=len(self.entries))
                )
            row = tokens[0].id
        return row

    def encode(self, text: str, begins: bool = True) -> tuple[Token, ...]:
        """The tokens of ``text`` in their order, each with its id and place; no text is refused."""
        text = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is not a character
        atoms = cut(text, self.rule, self._exact.__contains__ if self.rule.by == "character" else None)
        tokens: list[Token] = []
        at = 0
        while at < len(atoms):
            end, row = self._longest(atoms, at)
            known = row is not None and row != self._others[1]
            if row is None:
                if atoms[at].kind == SPACE and not self._reads_spaces:
                    at += 1
                    continue
                if parts := self._negated(atoms[at : at + 3]):
                    for start, stop, row in parts:
                        known = row != self._others[1]
                        tokens.append(Token(text[start:stop], start, stop, row, self.display(row), known, len(tokens)))
                    at += 3
                    continue
                end, row = self._without_entry(atoms, at), self._others[1]
            start, stop = atoms[at].start, atoms[end - 1].end
            tokens.append(Token(text[start:stop], start, stop, row, self.display(row), known, len(tokens)))
            at = end
        return tuple(tokens)

    def _longest(self, atoms: Sequence[Atom], at: int) -> tuple[int, int | None]:
        """Where the longest entry at an atom ends, and its row; None if there is no entry."""
        end, row = at, None
        text = alike = ""
        for place in range(at, min(at + LONGEST, len(atoms))):
            text += atoms[place].text
            alike += self._folded(atoms[place].text)
            here = self._exact.get(text, self._alike.get(alike))
            if here is not None:
                end, row = place + 1, here
            if alike not in self._begun:
                break
        return end, row

    def _negated(self, atoms: Sequence[Atom]) -> list[tuple[int, int, int]]:
        """The places and rows of "do" and "n't" in "don't", where the vocabulary has both, as the Penn Treebank splits
        it; empty for anything else."""
        if self.rule.by != "word" or len(atoms) < 3 or atoms[0].text[-1:] not in ("n", "N"):
            return []
        word, *ending = (atom.text for atom in atoms)
        rows = [self._entry(part) for part in (word[:-1], "".join((word[-1], *ending)))]
        if ending[1].lower() != "t" or self._folded(ending[0]) != "'" or None in rows:
            return []
        places = atoms[0].start, atoms[0].end - 1, atoms[2].end
        return [(places[k], places[k + 1], row) for k, row in enumerate(rows) if row is not None]

    def _entry(self, text: str) -> int | None:
        return self._exact.get(text, self._alike.get(self._folded(text)))

    def _without_entry(self, atoms: Sequence[Atom], at: int) -> int:
        """Where the word or the run of signs ends that begins at an atom and has no entry."""

        def bare(place: int, sort: str) -> bool:
            return place < len(atoms) and atoms[place].kind == sort and self._longest(atoms, place)[1] is None

        end, sort = at + 1, atoms[at].kind
        if self.rule.by == "character" or sort == ALONE:
            return end
        while sort == SIGN and bare(end, SIGN):
            end += 1
        # can't, u.s and 3,14 are words (Unicode's report 29, MidLetter and MidNum), unless their parts are entries.
        while sort == WORD and bare(end, SIGN) and bare(end + 1, WORD) and _joins(*atoms[end - 1 : end + 2]):
            end += 2
        return end

    def _add(self, entry: str, row: int) -> None:
        text = unicodedata.normalize("NFC", entry)
        if self.rule.by == "character":
            if not one_character(text) and (self.rule.whole or text[0].isalnum() or text[-1].isalnum()):
                return  # a mark, "eos", must not be found in "videos"
            self._exact.setdefault(entry, row)
        if text.isascii() and text.isalnum() and self.rule.by == "word":
            parts = [text]
        else:
            parts = [atom.text for atom in cut(text, replace(self.rule, spaces="", dropped=""))]
        if len(parts) > LONGEST:
            return
        self._exact.setdefault(text, row)
        alike = [self._folded(part) for part in parts]
        whole = "".join(alike)
        self._alike[whole] = row if whole not in self._alike else None
        if len(parts) > 1:
            self._begun.update("".join(alike[:length]) for length in range(1, len(parts)))

    def _folded(self, text: str) -> str:
        text = text if text.isascii() else text.translate(ALIKE)
        return text.lower() if self.rule.fold else text


def _joins(before: Atom, sign: Atom, after: Atom) -> bool:
    """Whether a sign between two words is within one, as an apostrophe is."""
    return sign.text in "'\N{RIGHT SINGLE QUOTATION MARK}." or (
        sign.text == "," and before.text[-1].isdigit() and after.text[0].isdigit()
    )


def one_character(entry: str) -> bool:
    """Whether an entry is a single character, with its accents."""
    return all(kind(char) == MARK for char in unicodedata.normalize("NFC", entry)[1:])
