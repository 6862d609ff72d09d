"""A text of any length as tokens, a window of it at a time: the tokens of a million words at once take a gigabyte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lstm_core.text import Token

SIZE = 1 << 17
"""Characters of a window."""
AROUND = 256
"""Characters that two windows have in common on either side of their seam. Their tokens there have to be the same, or
the seam is not one, and the window grows to the next."""
SEAM = re.compile("[\\s。，、；：！？…]")
"""Where a window may end: before a space, or what ends a clause in Chinese and Japanese, which have none."""


def windows(encode: Callable[[str], Sequence[Token]], text: str) -> Iterator[Sequence[Token]]:
    """The tokens of ``text`` in order, each with its place in the whole of it; the words are numbered anew in each
    window, which begins with a word. What ``encode`` raises."""
    seam, begin, end = 0, 0, _next(text, SIZE)
    tokens = _placed(encode, text, begin, end)
    while end < len(text):
        after = _next(text, end + SIZE)
        following = _placed(encode, text, end - AROUND, after)
        if _near(tokens, end) == _near(following, end) and _between_words(following, end):
            yield [one for one in tokens if seam <= one.start < end]
            seam, begin, tokens = end, end - AROUND, following
        else:
            tokens = _placed(encode, text, begin, after)
        end = after
    yield [one for one in tokens if one.start >= seam]


def _next(text: str, place: int) -> int:
    """The first seam from ``place`` on, or the end of the text."""
    found = SEAM.search(text, place) if place + AROUND < len(text) else None
    return found.start() if found else len(text)


def _placed(encode: Callable[[str], Sequence[Token]], text: str, begin: int, end: int) -> Sequence[Token]:
    tokens = encode(text[begin : end + AROUND])
    return [replace(one, start=one.start + begin, end=one.end + begin) for one in tokens] if begin else tokens


def _near(tokens: Sequence[Token], seam: int) -> list[tuple[int, int, int]]:
    return [(one.start, one.end, one.id) for one in tokens if abs(one.start - seam) < AROUND // 2]


def _between_words(tokens: Sequence[Token], seam: int) -> bool:
    """Whether no word goes on over the seam."""
    before = {one.word for one in tokens if seam - AROUND // 2 < one.start < seam}
    return all(one.word < 0 or one.word not in before for one in tokens if seam <= one.start < seam + AROUND // 2)
