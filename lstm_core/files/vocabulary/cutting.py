"""Where a text may be cut: into atoms, which nothing takes apart, each with its place in the text as it was typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

SPACE, WORD, SIGN, ALONE, MARK = "space", "word", "sign", "alone", "mark"
"""Kinds of characters. ALONE: of a script that writes no spaces, so that every character may end a word. MARK: a
combining mark or a joiner, which goes with the character before it."""

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana, bopomofo, Han."""
JOINERS = "\u200c\u200d"
MARKS = 32
"""On one letter, at most: to order a great many takes the square of their number, and nobody writes as many."""
JAMO = range(0x1160, 0x1200)
"""Vowels and final consonants of a Hangul syllable that is spelled in parts."""


@dataclass(frozen=True)
class Rule:
    """How a network's own reader cuts a text.

    by: "word" or "character". fold: whether case is left out of account where no entry is spelled like the text.
    whole: only spaces cut, so that signs are parts of words. spaces: the characters that it then reads as a space, or
    white space if empty. dropped: characters that it takes out. lowered: "all" or "ascii", the letters that it reads as
    small ones, whatever the entries are.
    """

    by: str = "word"
    fold: bool = False
    spaces: str = ""
    dropped: str = ""
    whole: bool = False
    lowered: str = ""


class Atom(NamedTuple):
    """``text`` is composed (NFC); ``start:end`` is its place in the text as it was typed."""

    text: str
    start: int
    end: int
    kind: str


def cut(text: str, rule: Rule, single: Callable[[str], bool] | None = None) -> list[Atom]:
    """The atoms of ``text`` in order, white space among them.

    single: by character, whether the vocabulary has an entry for one character; it decides how an accent is spelled.
    """
    characters = [one for one in _characters(text, single) if one[0] not in rule.dropped]
    kinds: list[str] = []
    starts: list[int] = []
    for at, (char, _, _) in enumerate(characters):
        here, before = kind(char), kinds[-1] if kinds else SPACE
        if rule.whole:
            here = SPACE if (char in rule.spaces if rule.spaces else here == SPACE) else WORD
        goes_on = here == MARK and before != SPACE or here == before == WORD
        if not goes_on or rule.by == "character":
            kinds.append(SIGN if here == MARK else here)
            starts.append(at)
    composed = "".join(char for char, _, _ in characters)
    small = {"all": str.lower, "ascii": _lower}.get(rule.lowered, str)
    return [
        Atom(small(composed[first:end]), characters[first][1], characters[end - 1][2], here)
        for first, end, here in zip(starts, [*starts, len(characters)][1:], kinds, strict=True)
    ]


def _lower(text: str) -> str:
    return text.encode().lower().decode()  # bytes know the letters of ASCII alone


@lru_cache(maxsize=1 << 14)
def kind(char: str) -> str:
    """What a character is, for cutting."""
    category = unicodedata.category(char)
    if char in JOINERS or category[0] == "M":
        return MARK
    if char.isspace() or category == "Cf":  # marks of direction, soft hyphens: nothing that is read
        return SPACE
    if UNSPACED.match(char):
        return ALONE
    return WORD if char.isalnum() or char == "_" else SIGN


def _characters(text: str, single: Callable[[str], bool] | None) -> list[tuple[str, int, int]]:
    """The characters of the text composed, and where each stands in the text as it is."""
    if text.isascii():
        return [(char, at, at + 1) for at, char in enumerate(text)]
    found = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < min(len(text), start + MARKS) and (kind(text[end]) == MARK or ord(text[end]) in JAMO):
            end += 1
        part = text[start:end]
        spelled = _spelling(part, single)
        if spelled == part:
            found += [(char, at, at + 1) for at, char in enumerate(part, start)]
        elif len(spelled) == len(part):  # some marks are in another order
            moved = [at for at, char in enumerate(part) if char != spelled[at]]
            for at, char in enumerate(spelled):
                first, last = (moved[0], moved[-1]) if moved[0] <= at <= moved[-1] else (at, at)
                found.append((char, start + first, start + last + 1))
        elif spelled[0] == part[0]:
            found += [(char, start + (at > 0), end if at else start + 1) for at, char in enumerate(spelled)]
        else:
            found += [(char, start, end) for char in spelled]
        start = end
    return found


def _spelling(part: str, single: Callable[[str], bool] | None) -> str:
    """A character and its marks: as typed, composed or decomposed, the first that the vocabulary can spell."""
    composed = unicodedata.normalize("NFC", part)
    if single is not None:
        for spelled in (part, composed, unicodedata.normalize("NFD", part)):
            if all(map(single, spelled)):
                return spelled
    return composed
