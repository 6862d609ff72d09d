"""Which of some words does a model expect after a text?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_core.network import Network


@dataclass(frozen=True)
class Continued:
    """A text with a word after it: its ids, and how many of them are the text."""

    ids: list[int]
    text: int


@dataclass(frozen=True)
class Scored:
    """How a word does after a text: its logarithm of probability, the rank of its first piece (0 the likeliest), and
    whether every further piece of it is the likeliest."""

    log: float
    rank: int
    goes_on: bool


def continued(model: Network, text: str, word: str, gap: str) -> Continued:
    whole = [token.id for token in model.tokenizer.encode(text + gap + word)]
    before = [token.id for token in model.tokenizer.encode(text)]
    same = next((k for k, (a, b) in enumerate(zip(whole, before, strict=False)) if a != b), len(before))
    return Continued(whole, min(same, len(whole) - 1))


def score(model: Network, rows: Sequence[Continued]) -> list[Scored]:
    """Every row read from the state zero."""
    ids = np.zeros((max(len(row.ids) for row in rows), len(rows)), np.intp)
    for k, row in enumerate(rows):
        ids[: len(row.ids), k] = row.ids
    read = model.reads(model.read(ids).signals)
    found = []
    for k, row in enumerate(rows):
        scores = model.predicts.scores(read[row.text - 1 : len(row.ids) - 1, k]).astype(np.float64)
        word = np.array(row.ids[row.text :])
        best = scores[np.arange(len(word)), word]
        total = scores.max(-1) + np.log(np.exp(scores - scores.max(-1, keepdims=True)).sum(-1))
        ranks = (scores > best[:, None]).sum(-1)
        found.append(Scored(float((best - total).sum()), int(ranks[0]), not ranks[1:].any()))
    return found


def either(model: Network, cases: Sequence[Sequence[str]], gap: str) -> np.ndarray:
    """(cases,): the probability of each right word if it is that or the wrong one. A case: (text, right, wrong)."""
    rows = [continued(model, text, word, gap) for text, *words in cases for word in words]
    logs = np.array([one.log for one in score(model, rows)]).reshape(-1, 2)
    return 1 / (1 + np.exp(logs[:, 1] - logs[:, 0]))


def among(model: Network, cases: Sequence[tuple[str, Sequence[str]]], gap: str, most: int) -> np.ndarray:
    """(cases,): whether one of the words is among the ``most`` likeliest. A case: (text, words)."""
    rows = [(k, continued(model, text, word, gap)) for k, (text, words) in enumerate(cases) for word in words]
    right = np.zeros(len(cases), bool)
    for (k, _), one in zip(rows, score(model, [row for _, row in rows]), strict=True):
        right[k] |= one.rank < most and one.goes_on
    return right
