"""The words that are expected next, as they are called everywhere: pieces as pieces, the beginning of a word with its
end."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from lstm_core.drawing.endings import endings
from lstm_core.drawing.words import next_word
from lstm_core.network import Network, softmax
from lstm_core.text import Tokenizer
from lstm_core.trace import Trace

NONE = -1
"""In the place of a word where there is none."""


def next_words(
    model: Network, trace: Trace, likeliest: tuple[np.ndarray, np.ndarray] | None
) -> list[list[tuple[str, float]]]:
    """The likeliest next words after each step of ``trace`` and their probabilities, as ``Network.likeliest`` gives
    them, called as ``next_word`` and ``endings`` do; bytes of characters, which nobody can read, are one word together.
    """
    if likeliest is None:
        return [[] for _ in range(len(trace))]
    ids, chances = likeliest
    names = _called.setdefault(model.tokenizer, {})
    for id in map(int, np.unique(ids)):
        if id not in names:
            names[id] = next_word(model.tokenizer, id)
    ends = endings(model, trace, likeliest)
    rows = []
    for step, (row, shares) in enumerate(zip(ids, chances, strict=True)):
        found: dict[str, float] = {}
        for id, share in zip(map(int, row), shares, strict=True):
            name = names[id] + ends.get((step, id), "")
            found[name] = found.get(name, 0.0) + float(share)
        rows.append(sorted(found.items(), key=lambda item: -item[1]))
    return rows


_called: WeakKeyDictionary[Tokenizer, dict[int, str]] = WeakKeyDictionary()
"""What the words of a vocabulary are called: the same ones are expected again and again."""


def chances_after(model: Network, trace: Trace, step: int) -> np.ndarray:
    """(vocabulary,): the probability of each next word after one step."""
    return softmax(model.predicts.scores(model.reads(trace.signals)[step, :1]))[0]


def likeliest_words(
    model: Network, places: Sequence[tuple[Trace, int]], count: int = 8
) -> list[list[tuple[str, float]]]:
    """The words that are likeliest after one step or another, with their chances after each, the likeliest there first.

    places: a trace of the model and a step of it, each.
    """
    runs = [chances_after(model, trace, step) for trace, step in places]
    ids = np.array(sorted({int(word) for run in runs for word in np.argsort(-run)[:count]}))
    names = names_after(model, places, ids)
    rows = []
    for run in runs:
        found: dict[str, float] = {}
        for id, name in names.items():
            found[name] = found.get(name, 0.0) + float(run[id])
        rows.append(sorted(found.items(), key=lambda item: -item[1]))
    return rows


def names_after(model: Network, places: Sequence[tuple[Trace, int]], ids: np.ndarray) -> dict[int, str]:
    """What each of ``ids``, (word,), is called where it comes next, as where it is likeliest of ``places``."""
    names, most = {int(id): next_word(model.tokenizer, int(id)) for id in ids}, np.zeros(len(ids))
    for trace, step in places:
        chances = chances_after(model, trace, step)[ids]
        table = np.zeros((len(trace), len(ids)), ids.dtype), np.zeros((len(trace), len(ids)))
        table[0][step], table[1][step] = ids, np.where(chances >= most, chances, 0.0)
        most = np.maximum(most, chances)
        for (_, id), end in endings(model, trace, table).items():
            names[id] = next_word(model.tokenizer, id) + end
    return names
