"""What the small tasks share without torch: a vocabulary of words or characters, rows of text, and how to measure.

A task makes rows, `Row(ids, answers)`: what is read, and which places are answers that follow from what came before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lstm_core.network import Network
from lstm_core.text import UNKNOWN, Tokenizer
from lstm_core.trace import Trace

MEASURE_SEED = 20_000

# Words, single Chinese characters, runs of dots, 's, and every other mark by itself.
WORDS = r"\p{Han}|'s\b|(?:(?!\p{Han})[\p{L}\p{M}\p{N}_])+|\.{2,}|\S"
CHARACTERS = r"[\s\S]"
MARKS = r"\S"  # characters without white space


@cache
def tokenizer_of(vocabulary: tuple[str, ...], pattern: str = WORDS) -> Tokenizer:
    """Lower-cased pieces of text that match `pattern`, one token each; what is not in `vocabulary` becomes `<unk>`."""
    from tokenizers import Regex, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    ids = {word: k for k, word in enumerate([UNKNOWN, *vocabulary])}
    tokenizer = HuggingFaceTokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()  # type: ignore[assignment]
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)  # type: ignore[assignment]
    return Tokenizer(tokenizer.to_str())


def encode(model: Network, texts: Iterable[str]) -> list[list[int]]:
    """The ids of texts."""
    return [[token.id for token in model.tokenizer.encode(text)] for text in texts]


def top(trace: Trace) -> dict[str, np.ndarray]:
    """The top layer's signals, (time, row, unit)."""
    return {name: value[-1, 0] for name, value in trace.signals.items()}


def read(model: Network, rows: Sequence[Sequence[int] | np.ndarray]) -> dict[str, np.ndarray]:
    """The top layer's signals (time, row, unit) of rows of ids, read from the state zero and padded at their ends."""
    return top(model.read(padded(rows)))


def padded(rows: Sequence[Sequence[int] | np.ndarray]) -> np.ndarray:
    """(time, row) of rows of different lengths, zeros at their ends."""
    ids = np.zeros((max(map(len, rows)), len(rows)), np.int64)
    for k, row in enumerate(rows):
        ids[: len(row), k] = row
    return ids


@dataclass(frozen=True)
class Row:
    """What is read, and the places in it that are answers: all that is needed to tell `ids[k]` stands before k."""

    ids: np.ndarray
    answers: np.ndarray


def answers_right(model: Network, rows: Sequence[Row]) -> float:
    """Share of the rows of which every answer is the likeliest next token after what stands before it."""
    h = read(model, [row.ids[:-1] if row.answers[-1] == len(row.ids) - 1 else row.ids for row in rows])[
        model.cell.output
    ]
    right = []
    for k, row in enumerate(rows):
        said = model.predicts.scores(h[row.answers - 1, k]).argmax(-1)
        right.append((said == row.ids[row.answers]).all())
    return float(np.mean(right))


def by(values: Iterable[int], figure: Callable[[int], float]) -> dict[str, float]:
    """A figure at each of some values, by the value: a header is JSON, whose keys are text."""
    return {str(value): figure(value) for value in values}


def named(meaning: str, unit: int, signal: str, **scores: Any) -> Mapping[str, Any]:
    """A named unit of a network with one layer, as `Network.meta` holds it."""
    return {"layer": 0, "direction": 0, "unit": int(unit), "signal": signal, "meaning": meaning, **scores}
