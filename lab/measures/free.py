"""How a model does on sentences written freely, which nothing that trains has read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lab.measures.choice import among, either
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
UNDECIDED = 0.3, 0.7
"""Between these a chance of one of two words claims nothing."""


def calibration_error(chances: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of a choice between two: |confidence - share right|, over bins of confidence from
    .5 to 1, each by its size. chances: (cases,), of the right one."""
    sure, right = np.maximum(chances, 1 - chances), chances > 0.5
    bin_of = np.minimum(((sure - 0.5) * 2 * bins).astype(int), bins - 1)
    parts = [bin_of == k for k in range(bins)]
    return float(sum(part.mean() * abs(sure[part].mean() - right[part].mean()) for part in parts if part.any()))


def undecided(chances: np.ndarray) -> np.ndarray:
    low, high = UNDECIDED
    return (chances > low) & (chances < high)


def sentences_of(language: str) -> tuple[dict[str, Any], str]:
    """The sentences by kind, and what stands between two words. language: "english", "chinese" or "chinese_people"."""
    sentences = json.loads((SENTENCES / f"{language}.json").read_text(encoding="utf-8"))
    return sentences, " " if language == "english" else ""


def he_or_she(model: Network, language: str) -> dict[str, tuple[float, int]]:
    """``table`` of these words alone, all that a small model of pronouns is asked."""
    sentences, gap = sentences_of(language)
    pronouns = ("he", "she") if language == "english" else ("他", "她")
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
    if untold := sentences.get("nobody knows"):
        found["he or she: nobody knows, undecided"] = float(undecided(either(model, untold, gap)).mean()), len(untold)
    return found


def table(model: Network, language: str) -> dict[str, tuple[float, int]]:
    """Share right and number of sentences by kind, and "he or she: calibration error"."""
    sentences, gap = sentences_of(language)
    found = he_or_she(model, language)
    for kind, cases in sentences["language of the country"].items():
        right = among(model, [(text, [word]) for text, word in cases], gap, 1)
        found[f"language of the country: {kind}"] = float(right.mean()), len(cases)
    for kind, cases in sentences.get("agreement", {}).items():
        found[f"agreement: {kind}"] = float((either(model, cases, gap) > 0.5).mean()), len(cases)
    right = among(model, sentences["an expected word"], gap, AMONG)
    found["an expected word"] = float(right.mean()), len(right)
    return found
