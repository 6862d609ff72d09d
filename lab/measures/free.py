"""How a model does on sentences written freely, which nothing that trains has read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_core.network import Network

SENTENCES = Path(__file__).parents[2] / "tests" / "free_sentences"
TARGETS = {
    "he or she": 0.90,
    "he or she: known names": 0.97,
    "he or she: nouns and titles": 0.97,
    "he or she: structures": 0.90,
    "he or she: names of other cultures": 0.85,
    "language of the country: near": 0.70,
    "language of the country: across a paragraph": 0.80,
    "agreement: plain": 0.85,
    "agreement: attractors": 0.75,
    "an expected word": 0.60,
}
AMONG = 5


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


def calibration_error(chances: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of a choice between two: |confidence - share right|, over bins of confidence from
    .5 to 1, each by its size. chances: (cases,), of the right one."""
    sure, right = np.maximum(chances, 1 - chances), chances > 0.5
    bin_of = np.minimum(((sure - 0.5) * 2 * bins).astype(int), bins - 1)
    parts = [bin_of == k for k in range(bins)]
    return float(sum(part.mean() * abs(sure[part].mean() - right[part].mean()) for part in parts if part.any()))


def table(model: Network, language: str) -> dict[str, tuple[float, int]]:
    """Share right and number of sentences by kind, and "he or she: calibration error". language: "english" or
    "chinese"."""
    sentences = json.loads((SENTENCES / f"{language}.json").read_text(encoding="utf-8"))
    gap, pronouns = (" ", ("he", "she")) if language == "english" else ("", ("他", "她"))
    other = dict(zip(pronouns, reversed(pronouns), strict=True))
    found: dict[str, tuple[float, int]] = {}
    every = []
    for kind, cases in sentences["he or she"].items():
        chances = either(model, [(text, right, other[right]) for text, right in cases], gap)
        every.append(chances)
        found[f"he or she: {kind}"] = float((chances > 0.5).mean()), len(cases)
    chances = np.concatenate(every)
    found = {"he or she": (float((chances > 0.5).mean()), len(chances)), **found}
    found["he or she: calibration error"] = calibration_error(chances), len(chances)
    for kind, cases in sentences["language of the country"].items():
        right = among(model, [(text, [word]) for text, word in cases], gap, 1)
        found[f"language of the country: {kind}"] = float(right.mean()), len(cases)
    for kind, cases in sentences.get("agreement", {}).items():
        found[f"agreement: {kind}"] = float((either(model, cases, gap) > 0.5).mean()), len(cases)
    right = among(model, sentences["an expected word"], gap, AMONG)
    found["an expected word"] = float(right.mean()), len(right)
    return found
