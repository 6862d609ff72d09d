"""Tasks so small that a network learns them while one watches. Nothing here needs torch.

Each has a text that shows what it is about, and ``rows``: texts to learn from, with the places that are answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.tasks.rows import MARKS, WORDS, Row, tokenizer_of
from lstm_core.text import Tokenizer

WOMEN = ("mary", "anna", "emma", "lucy")
MEN = ("john", "peter", "tom", "david")
NAMES = (*WOMEN, *MEN)
VERBS = ("met", "saw", "helped", "liked")
REST = ("then", "it", "rained", "the", "bus", "was", "late", "because", "tired", ".", "she", "he")
PEOPLE = (*NAMES, *VERBS, *REST)
CLAUSES = tuple(". then it rained . the bus was late .".split()[:length] for length in (1, 5, 10))
"""What may stand between an object and a pronoun."""
LETTERS = "abcdef"
COPYING = (*LETTERS, ".", "?")
COUNTING = ("a", "b", ".")


@dataclass(frozen=True)
class Miniature:
    """``rows(draw, count)`` makes texts; ``text`` is the one whose gates are shown; ``about`` says what is to learn."""

    title: str
    about: str
    text: str
    vocabulary: tuple[str, ...]
    pattern: str
    rows: Callable[[np.random.Generator, int], list[Row]]

    @property
    def tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.vocabulary, self.pattern)


def _people(draw: np.random.Generator, count: int) -> list[Row]:
    """Two subjects, one after the other, each with an object and a pronoun."""
    place = {word: k + 1 for k, word in enumerate(PEOPLE)}
    drawn = [draw.integers(0, n, (count, 2)).tolist() for n in (2, len(MEN), len(VERBS), len(NAMES), 2, len(CLAUSES))]
    rows = []
    for sentences in zip(*drawn, strict=True):
        words: list[str] = []
        answers = []
        for woman, subject, verb, other, at_once, clause in zip(*sentences, strict=True):
            words += [(WOMEN if woman else MEN)[subject], VERBS[verb], NAMES[other]]
            words += ["because"] if at_once else CLAUSES[clause]
            answers.append(len(words))
            words += ["she" if woman else "he", "was", "tired", "."]
        rows.append(Row(np.array([place[word] for word in words]), np.array(answers)))
    return rows


def _copying(draw: np.random.Generator, count: int, letters: int = 2, longest: int = 16) -> list[Row]:
    rows = []
    for _ in range(count):
        kept = draw.integers(1, len(LETTERS) + 1, letters)
        lag = int(draw.integers(0, longest + 1))
        ids = np.concatenate([kept, np.full(lag, len(LETTERS) + 1), [len(LETTERS) + 2], kept])
        rows.append(Row(ids, len(ids) - letters + np.arange(letters)))
    return rows


def _counting(draw: np.random.Generator, count: int, longest: int = 12) -> list[Row]:
    rows = []
    for n in draw.integers(1, longest + 1, count).tolist():
        ids = np.array([1] * n + [2] * n + [3])
        rows.append(Row(ids, np.arange(n + 1, 2 * n + 1)))
    return rows


MINIATURES: dict[str, Miniature] = {
    "pronouns": Miniature(
        "He or she",
        "Which pronoun comes next? The subject says it, the object does not.",
        "mary met john because she was tired . john saw anna . then it rained . he was tired .",
        PEOPLE,
        WORDS,
        _people,
    ),
    "copy": Miniature(
        "Copy two letters",
        "Two letters, up to sixteen dots, a question mark: say the letters again.",
        "da............?da",
        COPYING,
        MARKS,
        _copying,
    ),
    "count": Miniature(
        "Count",
        "As many b as there were a, then a full stop; up to twelve.",
        "aaaaaaaabbbbbbbb.",
        COUNTING,
        MARKS,
        _counting,
    ),
}
