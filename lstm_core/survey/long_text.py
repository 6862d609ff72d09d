"""A text of any length as tokens, a window of it at a time: the tokens of a million words at once take a gigabyte."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lstm_core.text import Token

SIZE = 1 << 17
"""Characters of a window."""
AROUND = 256
"""Characters that two windows have in common on either side of their seam. Their tokens there have to be the same, or
the seam is not one, and the window grows to the next."""


def windows(encode: Callable[[str], Sequence[Token]], text: str) -> Iterator[Sequence[Token]]:
    """The tokens of ``text`` in order, each with its place in the whole of it; the words are numbered anew in each
    window, which begins with a word. What ``encode`` raises."""
    seam, begin, end = 0, 0, _next(text, SIZE)
    tokens = _placed(encode, text, begin, end)
    while end < len(text):
        after = _next(text, end + SIZE)
        following = _placed(encode, text, end - AROUND, after)
        if _near(tokens, end) == _near(following, end):
            yield [one for one in tokens if seam <= one.start < end]
            seam, begin, tokens = end, end - AROUND, following
        else:
            tokens = _placed(encode, text, begin, after)
        end = after
    yield [one for one in tokens if one.start >= seam]


def _next(text: str, place: int) -> int:
    """The first space from ``place`` on, or the end of the text."""
    found = text.find(" ", place)
    return found if 0 <= found and place + AROUND < len(text) else len(text)


def _placed(encode: Callable[[str], Sequence[Token]], text: str, begin: int, end: int) -> Sequence[Token]:
    tokens = encode(text[begin : end + AROUND])
    return [replace(one, start=one.start + begin, end=one.end + begin) for one in tokens] if begin else tokens


def _near(tokens: Sequence[Token], seam: int) -> list[tuple[int, int, int]]:
    return [(one.start, one.end, one.id) for one in tokens if abs(one.start - seam) < AROUND // 2]
