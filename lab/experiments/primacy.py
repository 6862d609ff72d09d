"""What is left of each of five hundred words: the first ones, the last ones, and those between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from lab import corpus
from lab.experiments.base import (
    CHECK_SEED,
    PRICED,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Target,
    Try,
    silent,
    spread,
    watch,
)
from lstm_core.analysis import memory
from lstm_core.network import Network, load_model
from lstm_core.say import say

SEEDS = (0, 1, 2, 3, 4)
CELLS = {"lstm": "general-lstm", "gru": "general-gru"}
WORDS, TEXTS = 500, 16
FIRST, LAST = 10, 50
BETWEEN = slice(100, 400)
BIN = 10


def passages(seed: int, count: int) -> list[str]:
    """So many words from the held-out ends of Austen's novels, each from the beginning of a sentence."""
    rng, found = Random(seed), []
    novels = [novel.split() for novel in corpus.austen()[1]]
    while len(found) < count:
        novel = rng.choice(novels)
        start = rng.randrange(len(novel) - WORDS - 100)
        start = next(k + 1 for k in range(start, len(novel)) if novel[k].endswith("."))
        if start + WORDS <= len(novel):
            found.append(" ".join(novel[start : start + WORDS]))
    return found


def shares(model: Network, seed: int, count: int = TEXTS) -> np.ndarray:
    """(word,): the share of the memory after the last word that each word wrote, over all units; the mean of texts."""
    rows = np.zeros((count, WORDS))
    for row, text in zip(rows, passages(seed, count), strict=True):
        trace = model.run(text, device="cpu")
        assert trace.tokens is not None
        written = np.abs(memory(trace, len(trace) - 1).contributions).sum(1)
        words = np.searchsorted(np.cumsum([len(word) + 1 for word in text.split()]), [t.end for t in trace.tokens])
        np.add.at(row, np.minimum(words, WORDS - 1), written)
    rows /= rows.sum(1, keepdims=True)
    return rows.mean(0)


def early(share: np.ndarray) -> float:
    """How many times as much of the memory one of the first words holds as one of those between."""
    between = float(share[BETWEEN].mean())
    return float(share[:FIRST].mean()) / between if between > 0 else 0.0


def recent(share: np.ndarray) -> float:
    return float(share[-LAST:].sum())


class Primacy(Experiment):
    name = "primacy"
    title = "First and last of five hundred words"
    claim = "Of a long text the memory holds the last words most, then the first ones, and least those between."
    source = "arXiv 2506.15156 (of Mamba); of people: Murdock 1962"
    models = tuple(CELLS.values())
    targets = tuple(
        target
        for cell in CELLS
        for target in (
            Target(
                f"{cell}_recent",
                f"{cell.upper()}: share of the memory that the last {LAST} of {WORDS} words wrote",
                0.5,
                over="least",
                built_in=True,
            ),
            Target(
                f"{cell}_early",
                f"{cell.upper()}: what one of the first {FIRST} words holds over one of those between",
                2.0,
                over="least",
            ),
        )
    )
    shaped = PRICED
    look = (
        "How much of the memory after the last word each word wrote, by its place. That the last words weigh most is "
        "in the equations: a network with random weights has nothing else, its gates stand half open and what it wrote "
        "fades in a few words. The rise at the left end is what training adds: the first words are written into an "
        "empty memory and some units never let go of them. The text was cut from novels at random, so its first words "
        "are like all others."
    )
    disproof = "First words of which no more is left than of those in the middle."
    tries = (
        Try(
            "Mary sat down by the window. It rained all day. The road to the sea was long. The train came late. Nobody "
            "was at the station. Everything was quiet. The bus was late. Snow fell on the bridge. After that",
            "general-lstm",
            "general-gru",
            "On Memory, at the last word: which of the first words still holds a part?",
        ),
    )
    minutes = 2.0
    tolerance = 0.1
    words = {f"{cell}_beyond": say("{cell}: share that older words wrote", cell=cell.upper()) for cell in CELLS}
    order = 115

    def measure(self, progress: Progress = silent) -> Measurement:
        figures: dict[str, Figure] = {}
        data: dict[str, dict[str, list[list[float]]]] = {}
        for place, (cell, name) in enumerate(CELLS.items()):
            model = load_model(name)
            start, stop = place / len(CELLS), (place + 1) / len(CELLS)
            found, blank = [], []
            for seed in watch(SEEDS, progress, name, start, stop):
                found.append(shares(model, seed))
                blank.append(shares(model.untrained(seed), seed, 4))
            for key, figure in (("recent", recent), ("early", early), ("beyond", beyond)):
                values, random = (tuple(map(figure, rows)) for rows in (found, blank))
                figures[f"{cell}_{key}"] = Figure(values, values[0], random)
            data[cell] = {"trained": [binned(row) for row in found], "untrained": [binned(row) for row in blank]}
        notes = (
            f"One trained file for each kind of cell; five draws of {TEXTS} passages of {WORDS} words from the "
            "held-out ends of Austen's novels. A word's share is the sum, over the units, of the absolute value of "
            "what it wrote and what the gates have left of it.",
        )
        return Measurement(SEEDS, figures, data, notes, "texts")

    def remeasure(self) -> Mapping[str, float]:
        return {f"{cell}_beyond": beyond(shares(load_model(name), CHECK_SEED, 4)) for cell, name in CELLS.items()}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        at = [BIN * k + BIN / 2 for k in range(WORDS // BIN)]
        lines = [spread(cell.upper(), at, results.data[cell]["trained"], cell) for cell in CELLS]
        lines.append(spread(say("untrained"), at, results.data["lstm"]["untrained"], "untrained"))
        title = say("What is left of a word, by its place")
        axes = (say("place of the word in the text"), say("its share of the memory at the end"))
        return [Drawing("lines", title, *axes, lines, log_y=True, y_range=(1e-6, 1))]


def beyond(share: np.ndarray) -> float:
    """The share that words before the last ones wrote."""
    return 1 - recent(share)


def binned(share: np.ndarray) -> list[float]:
    """A word's share, the mean of so many neighbours; one that is too small to be drawn is as small as can be."""
    return [float(f"{max(value, 1e-7):.3g}") for value in share.reshape(-1, BIN).mean(1)]


EXPERIMENT = Primacy()
