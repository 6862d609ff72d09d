"""Whole numbers in German and in English words, and which word of one says what a word of the other does.

German says the ones before the tens: 23 is "drei und zwanzig". It is written with spaces here, in words that each mean
one thing.
"""

from __future__ import annotations

MOST = 999_999
_ONES = (
    *(("null", "zero"), ("ein", "one"), ("zwei", "two"), ("drei", "three"), ("vier", "four"), ("fünf", "five")),
    *(("sechs", "six"), ("sieben", "seven"), ("acht", "eight"), ("neun", "nine"), ("zehn", "ten"), ("elf", "eleven")),
    *(("zwölf", "twelve"), ("dreizehn", "thirteen"), ("vierzehn", "fourteen"), ("fünfzehn", "fifteen")),
    *(("sechzehn", "sixteen"), ("siebzehn", "seventeen"), ("achtzehn", "eighteen"), ("neunzehn", "nineteen")),
)
_TENS = (
    *(("zwanzig", "twenty"), ("dreißig", "thirty"), ("vierzig", "forty"), ("fünfzig", "fifty")),
    *(("sechzig", "sixty"), ("siebzig", "seventy"), ("achtzig", "eighty"), ("neunzig", "ninety")),
)
GERMAN = (*(german for german, _ in (*_ONES, *_TENS)), "eins", "und", "hundert", "tausend")
ENGLISH = (*(english for _, english in (*_ONES, *_TENS)), "hundred", "thousand")

Pairs = list[tuple[str, str]]
"""Words of the same meaning, German and English; "" where the other language has none."""


def _below_hundred(n: int) -> tuple[Pairs, list[int]]:
    """German's words with their English ones, and the order in which English says them."""
    if n < 20:
        return [_ONES[n]], [0]
    ten = _TENS[n // 10 - 2]
    if n % 10 == 0:
        return [ten], [0]
    return [_ONES[n % 10], ("und", ""), ten], [2, 0]


def _below_thousand(n: int) -> tuple[Pairs, list[int]]:
    if n < 100:
        return _below_hundred(n)
    pairs, order = [_ONES[n // 100], ("hundert", "hundred")], [0, 1]
    if n % 100:
        more, then = _below_hundred(n % 100)
        pairs, order = [*pairs, *more], [*order, *(k + 2 for k in then)]
    return pairs, order


def both(n: int) -> tuple[list[str], list[str], list[int]]:
    """n in German, in English, and for each English word the place of the German one that means the same.

    Raises ValueError for a number below 0 or above ``MOST``.
    """
    if not 0 <= n <= MOST:
        raise ValueError(f"numbers go from 0 to {MOST:,}, not {n:,}")
    pairs: Pairs = []
    order: list[int] = []
    if n >= 1000:
        pairs, order = _below_thousand(n // 1000)
        order = [*order, len(pairs)]
        pairs = [*pairs, ("tausend", "thousand")]
    if n < 1000 or n % 1000:
        more, then = _below_thousand(n % 1000)
        order, pairs = [*order, *(k + len(pairs) for k in then)], [*pairs, *more]
    german = [word for word, _ in pairs]
    if german[-1] == "ein":
        german[-1] = "eins"
    return german, [pairs[k][1] for k in order], order


def held_out(n: int) -> bool:
    """Whether a number is one of the one in ten that are never learned from."""
    return (n * 2_654_435_761 % 2**32 >> 16) % 10 == 0
