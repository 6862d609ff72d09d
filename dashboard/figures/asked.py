"""Words that a visitor writes into a field, as pieces of a model's vocabulary."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from lstm_core.drawing.words import bare, next_word, visible
from lstm_core.text import Tokenizer


class Asked(NamedTuple):
    """The piece that is scored in the place of a word, and what to call it: "Nor(wegian)" where it is only the word's
    beginning."""

    id: int
    name: str


def asked(tokenizer: Tokenizer, word: str) -> Asked:
    """What stands for ``word`` where it is expected: itself, as written or in small letters, a piece as the page writes
    one ("-ard"), or the first of its pieces. Raises ValueError where the vocabulary has none of these."""
    word = word.strip()
    for text in dict.fromkeys((word, word.lower())):
        with suppress(ValueError):
            return named(tokenizer, tokenizer.id(text))
    if word.startswith("-") and word[1:] in tokenizer.pieces:
        return named(tokenizer, tokenizer.pieces.index(word[1:]))
    tokens = tokenizer.encode(word, begins=False)
    if len(tokens) > 1 and all(token.known for token in tokens) and tokens[0].end < tokens[-1].end:
        return Asked(tokens[0].id, f"{bare(tokenizer, tokens[0].id)}({word[tokens[0].end :]})")
    return named(tokenizer, tokenizer.id(word))  # says that there is none


def known(tokenizer: Tokenizer, word: str) -> str:
    """``word`` as the vocabulary has it, as written or in small letters. Raises ValueError where it has neither."""
    with suppress(ValueError):
        tokenizer.id(word)
        return word
    tokenizer.id(word.lower())
    return word.lower()


def named(tokenizer: Tokenizer, id: int) -> Asked:
    return Asked(id, visible(next_word(tokenizer, id)))
