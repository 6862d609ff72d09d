"""Made text with marks in it: ``[she]`` is an answer, ``<Hiroshi>`` is read but not to be predicted."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from lab.general.data import Lines

ANSWER, NAME, OTHER = 10.0, 0.0, 0.3
"""How much a piece weighs in the loss; a piece of real text weighs 1. A name is drawn at random, so nothing is learned
from predicting it; the words around are drawn as well, so they weigh little. With 3 for an answer and a third of the
made sentences, 12 million tokens taught neither gender nor countries."""
_MARK = re.compile(r"\[([^\]]*)\]|<([^>]*)>")


def plain(marked: str) -> tuple[str, list[tuple[int, int, float]]]:
    """The text without its marks, and (start, end, weight) of what they held."""
    parts, spans, at, length = [], [], 0, 0
    for mark in _MARK.finditer(marked):
        before = marked[at : mark.start()]
        held, weight = (mark[1], ANSWER) if mark[1] is not None else (mark[2], NAME)
        parts += [before, held]
        start = length + len(before)
        length = start + len(held)
        spans.append((start, length, weight))
        at = mark.end()
    return "".join([*parts, marked[at:]]), spans


def lines(marked: Sequence[str], tokenizer: Tokenizer, other: float = OTHER, passes: float = 1) -> Lines:
    """Made sentences as ids, each with its weight. other: the weight of what is not marked; 1 for real sentences."""
    read = [plain(one) for one in marked]
    encodings = tokenizer.encode_batch([text for text, _ in read])
    ids, weights, starts = [], [], [0]
    for encoding, (_, spans) in zip(encodings, read, strict=True):
        ids += encoding.ids
        starts.append(len(ids))
        for start, end in encoding.offsets:
            # A piece holds the space before it.
            weights.append(next((w for a, b, w in spans if start < b and end > a), other))
    return Lines(np.array(ids, np.uint16), np.array(starts), "sentences", passes, np.array(weights, np.float32))


def masked(marked: str, found: re.Pattern[str]) -> str:
    """The text with what is found outside its marks marked, too, as not to be predicted."""
    parts = re.split(r"(\[[^\]]*\]|<[^>]*>)", marked)
    return "".join(part if k % 2 else found.sub(r"<\g<0>>", part) for k, part in enumerate(parts))
