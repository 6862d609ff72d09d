"""What the text says at each step, for every unit to be compared with: one number a token, by the property's name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_core.analysis.properties import PROPERTIES, Property
from lstm_core.text import Token


def _digit(text: str, tokens: Sequence[Token]) -> np.ndarray:
    return np.array([any(char.isdigit() for char in token.text) for token in tokens], np.float64)


def _part_of_word(text: str, tokens: Sequence[Token]) -> np.ndarray:
    before = [None, *(token.word for token in tokens)]
    return np.array(
        [token.word != -1 and token.word == last for token, last in zip(tokens, before, strict=False)], float
    )


def _position(text: str, tokens: Sequence[Token]) -> np.ndarray:
    return np.arange(len(tokens), dtype=np.float64)


FOLLOWED: dict[str, Property] = {
    **{name: PROPERTIES[name] for name in ("inside_quotes", "inside_brackets")},
    "digit": Property("digit", "Whether the token holds a digit", True, _digit),
    "part_of_word": Property("part_of_word", "Whether the token goes on with a word", True, _part_of_word),
    "position": Property("position", "How many tokens of the document came before", False, _position),
}
"""By name. Each has a value at every token."""


def moved(labels: np.ndarray, seed: int, document: int, step: int) -> np.ndarray:
    """(property, step): ``labels`` shifted in a circle along the steps, by a tenth of them at least and the same for
    all: what is left of a unit's likeness is chance. seed, document, step: what the shift is drawn from."""
    steps = labels.shape[1]
    least = max(steps // 10, 1)
    shift = np.random.default_rng([seed, document, step]).integers(least, max(steps - least, least) + 1)
    return np.roll(labels, int(shift), axis=1)
