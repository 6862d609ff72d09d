"""After phase 2: neither he nor she is preferred where both are as often right.

Real text speaks of him twice as often as of her, so a network that is not sure says he. The readout's bias of the two
is shifted until, on made texts that were not trained on, as many of hers are taken for his as of his for hers (a
threshold moved to equal errors; the order of the texts by their lead does not change).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

from lab.general.export import network
from lab.general.made.marked import plain
from lab.general.model import Reader
from lab.measures.choice import either


@dataclass(frozen=True)
class Pair:
    """The words of him and of her in a language, the first of each the subject; gap: what stands before a word."""

    his: tuple[str, ...]
    hers: tuple[str, ...]
    gap: str


PAIRS = {
    "English": Pair(("he", "him", "his", "himself"), ("she", "her", "hers", "herself"), " "),
    "Chinese": Pair(("他",), ("她",), ""),
}


def cases(pair: Pair, marked: Sequence[str]) -> list[tuple[str, str, str]]:
    """(the text before its first pronoun that is a subject and an answer, that pronoun, the other one)."""
    found = []
    he, she = pair.his[0], pair.hers[0]
    for one in marked:
        mark = re.search(rf"\[({he}|{she})\]", one, re.IGNORECASE)
        if mark:
            word = mark[1]
            other = she if word.lower() == he else he
            before = plain(one[: mark.start()])[0].rstrip()
            found.append((before, word, other.capitalize() if word[0].isupper() else other))
    return found


def equal_errors(leads: np.ndarray, of_her: np.ndarray) -> float:
    """The threshold of the lead of she over he at which equal shares of hers and of his are on the wrong side."""
    hers, his = np.sort(leads[of_her]), np.sort(leads[~of_her])
    tried = np.sort(leads)
    wrong = np.searchsorted(hers, tried) / len(hers) - (1 - np.searchsorted(his, tried) / len(his))
    return float(tried[np.abs(wrong).argmin()])


def pieces(tokenizer: Tokenizer, words: Sequence[str]) -> list[int]:
    """The ids of the pieces that are one of the words, capitalised or not, with or without the space before it."""
    wanted = {form for word in words for form in (word, word.capitalize())}
    return [id for piece, id in tokenizer.get_vocab().items() if piece.lstrip("\u2581") in wanted]


def balance(model: Reader, tokenizer: Tokenizer, marked: Sequence[str], language: str) -> float:
    """Shift the model's bias; returns by how much the lead of she over he has grown, in nats. marked: made texts."""
    pair = PAIRS[language]
    found = cases(pair, marked)
    chances = np.clip(either(network(model, tokenizer, "model"), found, pair.gap), 1e-9, 1 - 1e-9)
    of_her = np.array([right.lower() == pair.hers[0] for _, right, _ in found])
    leads = np.log(chances / (1 - chances)) * np.where(of_her, 1, -1)
    shift = -equal_errors(leads, of_her)
    with torch.no_grad():
        model.bias[pieces(tokenizer, pair.hers)] += shift / 2
        model.bias[pieces(tokenizer, pair.his)] -= shift / 2
    return shift
