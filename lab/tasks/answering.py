"""Six small tasks in one form, for comparing cells: texts of one length, where an answer is due, and the answers.

Only what is asked for is learned and measured: letters over a lag, whether another b follows, which language, singular
or plural, he or she, and the next character of a novel. What is held out is other texts: longer lags, longer
strings, countries in other sentences, more nouns between (pairs that never follow each other in training), the
ends of the novels; of the pronouns' small texts others are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from lab.corpus import austen
from lab.tasks import agreement, country
from lab.tasks.miniature import MINIATURES
from lab.tasks.rows import Row, tokenizer_of

LAG, GAP, ATTRACTORS, LONGEST, WINDOW = 20, 20, 3, 12, 40
LETTERS = 8
CHARS = " abcdefghijklmnopqrstuvwxyz.,;'\"!?-"


@dataclass(frozen=True)
class Texts:
    """ids (text, time); places and answers (text, answer): after ``ids[k, :place + 1]`` the answer is due."""

    ids: np.ndarray
    places: np.ndarray
    answers: np.ndarray

    def of(self, rows: np.ndarray) -> Texts:
        return Texts(self.ids[rows], self.places[rows], self.answers[rows])


@dataclass(frozen=True)
class Answering:
    """``make(draw, count, held_out)`` makes texts. held_out: 0 to learn from, 1 to choose a rate by, 2 to measure on.

    classes: how many answers there are; a blind guess costs at most log2 of it in bits.
    """

    vocabulary: int
    classes: int
    make: Callable[[np.random.Generator, int, int], Texts]


def _of_rows(rows: Sequence[Row], classes: dict[int, int]) -> Texts:
    """Rows of any length with as many answers each; zeros stand before the shorter ones."""
    longest = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), longest), np.int64)
    for k, row in enumerate(rows):
        ids[k, longest - len(row.ids) :] = row.ids
    places = np.array([row.answers + longest - len(row.ids) for row in rows])
    answers = np.vectorize(classes.__getitem__)(np.take_along_axis(ids, places, 1))
    return Texts(ids[:, :-1], places - 1, answers)


def _copying(draw: np.random.Generator, count: int, held_out: int) -> Texts:
    """Two letters, up to sixteen dots, a question mark, the letters again; held out are eighteen dots, and twenty."""
    ids = np.full((count, 2 + LAG + 3), LETTERS)
    lags = np.full(count, LAG - 4 + 2 * held_out) if held_out else draw.integers(0, LAG - 3, count)
    ids[:, -3] = LETTERS + 1
    letters = draw.integers(0, LETTERS, (count, 2))
    np.put_along_axis(ids, LAG - lags[:, None] + np.arange(2), letters, 1)
    ids[:, -2:] = letters
    places = np.tile([ids.shape[1] - 3, ids.shape[1] - 2], (count, 1))
    return Texts(ids[:, :-1], places, letters)


def _counting(draw: np.random.Generator, count: int, held_out: int) -> Texts:
    """a^n b^n: is there one more b, or the end? Asked before and after the last b; n is 2 to 12, held out 13 to 24."""
    longest = (LONGEST, 18, 24)[held_out]
    n = draw.integers((2, LONGEST + 1, 19)[held_out], longest + 1, count)[:, None]
    at = np.arange(2 * longest)
    ids = np.where(at < n, 1, np.where(at < 2 * n, 2, 0))
    return Texts(ids, 2 * n - [[2, 1]], np.tile([0, 1], (count, 1)))


def _country() -> Answering:
    tokenizer = tokenizer_of(country.vocabulary())
    id = {word: k for k, word in enumerate(tokenizer.pieces)}
    languages = sorted({language for _, language in country.countries()})
    classes = {id[language]: k for k, language in enumerate(languages)}
    writings = [country.Writing(tokenizer, held_out) for held_out in (False, True)]

    def make(draw: np.random.Generator, count: int, held_out: int) -> Texts:
        gaps = [GAP if held_out else int(draw.integers(0, GAP + 1)) for _ in range(count)]
        return _of_rows([writings[held_out > 0].row(draw, gap) for gap in gaps], classes)

    return Answering(tokenizer.size, len(languages), make)


def _agreement() -> Answering:
    tokenizer = tokenizer_of(agreement.vocabulary())
    writings = [agreement.Writing(tokenizer, held_out) for held_out in (False, True)]

    def make(draw: np.random.Generator, count: int, held_out: int) -> Texts:
        words, rows, numbers = Random(int(draw.integers(2**31))), [], draw.integers(0, 2, count)
        for number in numbers.tolist():
            others = [1 - number] * (ATTRACTORS + held_out)
            if not held_out:
                others = [words.randrange(2) for _ in range(words.randrange(ATTRACTORS + 1))]
            rows.append(writings[held_out > 0].subject(words, number, others))
        ids = np.zeros((count, 2 + 3 * (ATTRACTORS + held_out)), np.int64)
        for k, row in enumerate(rows):
            ids[k, ids.shape[1] - len(row) :] = row
        return Texts(ids, np.full((count, 1), ids.shape[1] - 1), numbers[:, None])

    return Answering(tokenizer.size, 2, make)


def _pronouns() -> Answering:
    small = MINIATURES["pronouns"]
    id = {word: k for k, word in enumerate(small.tokenizer.pieces)}
    classes = {id["he"]: 0, id["she"]: 1}
    return Answering(len(id), 2, lambda draw, count, held_out: _of_rows(small.rows(draw, count), classes))


def _novels() -> Answering:
    train, held_out = ("".join(c for c in " ".join("".join(part).lower().split()) if c in CHARS) for part in austen())
    place = {char: k for k, char in enumerate(CHARS)}
    half = len(held_out) // 2
    parts = [np.array([place[c] for c in text], np.int64) for text in (train, held_out[:half], held_out[half:])]

    def make(draw: np.random.Generator, count: int, held_out: int) -> Texts:
        text = parts[held_out]
        windows = text[draw.integers(0, len(text) - WINDOW, count)[:, None] + np.arange(WINDOW + 1)]
        return Texts(windows[:, :-1], np.tile(np.arange(WINDOW), (count, 1)), windows[:, 1:])

    return Answering(len(CHARS), len(CHARS), make)


TASKS: dict[str, Callable[[], Answering]] = {
    "copying": lambda: Answering(LETTERS + 2, LETTERS, _copying),
    "counting": lambda: Answering(3, 2, _counting),
    "country": _country,
    "agreement": _agreement,
    "pronouns": _pronouns,
    "novels": _novels,
}
