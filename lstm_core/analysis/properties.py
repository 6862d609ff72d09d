"""Properties of a text that a unit may follow, one function each: what holds after each token has been read.

A property is a function from the text and its tokens to one number a token, NaN where it says nothing. ``binary`` ones
are 0 or 1. Adding one is adding a function with the decorator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_core.names import Names
from lstm_core.text import Token


@dataclass(frozen=True)
class Property:
    """``labels(text, tokens)`` gives (token,) float; ``name`` is the one in ``PROPERTIES``, and ``meaning`` says in
    words what is counted. binary: whether the labels are 0 and 1 alone."""

    name: str
    meaning: str
    binary: bool
    labels: Callable[[str, Sequence[Token]], np.ndarray]


PROPERTIES: dict[str, Property] = Names()


def _property(binary: bool) -> Callable[[Callable[[str, Sequence[Token]], np.ndarray]], Property]:
    def register(function: Callable[[str, Sequence[Token]], np.ndarray]) -> Property:
        name, meaning = function.__name__, (function.__doc__ or "").partition("\n")[0].rstrip(".")
        PROPERTIES[name] = Property(name, meaning, binary, function)
        return PROPERTIES[name]

    return register


@_property(binary=True)
def inside_quotes(text: str, tokens: Sequence[Token]) -> np.ndarray:
    """Whether a quotation is open."""
    depth = _depth(text, "“«「『", "”»」』")
    straight = np.append(0, np.cumsum(_is_one_of(text, '"'))) % 2
    return _at_ends((depth > 0) | (straight > 0), tokens)


@_property(binary=True)
def inside_brackets(text: str, tokens: Sequence[Token]) -> np.ndarray:
    """Whether a bracket is open."""
    return _at_ends(_depth(text, "([{（【", ")]}）】") > 0, tokens)


@_property(binary=False)
def letters_since_space(text: str, tokens: Sequence[Token]) -> np.ndarray:
    """How many characters were read since the last white space."""
    counts, count = [0], 0
    for char in text:
        count = 0 if char.isspace() else count + 1
        counts.append(count)
    return _at_ends(np.array(counts), tokens)


@_property(binary=True)
def subject_number(text: str, tokens: Sequence[Token]) -> np.ndarray:
    """Whether the verb that comes next (is or are, was or were, has or have) is plural."""
    return _before(tokens, {"is": 0, "was": 0, "has": 0, "are": 1, "were": 1, "have": 1})


@_property(binary=True)
def gender(text: str, tokens: Sequence[Token]) -> np.ndarray:
    """Whether the pronoun that comes next (he or she) is feminine."""
    return _before(tokens, {"he": 0, "she": 1, "他": 0, "她": 1})


def _at_ends(by_char: np.ndarray, tokens: Sequence[Token]) -> np.ndarray:
    """A value after each character (the first one before any) as the value after each token."""
    return by_char[[token.end for token in tokens]].astype(np.float64)


def _depth(text: str, opening: str, closing: str) -> np.ndarray:
    """How many are open after each character; a closing mark too many counts nothing."""
    change = _is_one_of(text, opening).astype(np.int32) - _is_one_of(text, closing)
    total = np.append(np.int32(0), np.cumsum(change, dtype=np.int32))
    return total - np.minimum.accumulate(total)


def _is_one_of(text: str, characters: str) -> np.ndarray:
    """(character,) bool."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.isin(codes, [ord(char) for char in characters])


def _before(tokens: Sequence[Token], answers: Mapping[str, int]) -> np.ndarray:
    """The answer's value at the token before it, where a network has to know it; NaN elsewhere."""
    words = [re.sub(r"\W", "", token.text).lower() for token in tokens]
    return np.array([answers.get(word, np.nan) for word in [*words[1:], ""][: len(words)]], dtype=np.float64)
