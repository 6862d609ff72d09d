"""Brackets and quotation marks in words, character by character: which of `) ] } "` comes next?

Karpathy, Johnson & Fei-Fei (arXiv 1506.02078) found cells that follow quotation marks and brackets. The words are those
of `english.py`; they say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from zlib import crc32

import numpy as np

from lab.measures.units import memory
from lab.tasks.english import lexicon
from lab.tasks.rows import Row, read
from lstm_core.equations import carry
from lstm_core.network import Network
from lstm_core.text import Tokenizer

BRACKETS = {"(": ")", "[": "]", "{": "}"}
QUOTE = '"'
CLOSERS = (*BRACKETS.values(), QUOTE)
DEEPEST = 3
SHORTEST = 40  # characters, before what is open is closed


@cache
def words() -> tuple[str, ...]:
    """One in five is held out: it is in no text for training, and the texts for measuring have no others."""
    return tuple(dict.fromkeys(word for kind in ("place", "thing", "quality") for word in lexicon()[kind]))


@cache
def vocabulary() -> tuple[str, ...]:
    return (*"abcdefghijklmnopqrstuvwxyz .,", *BRACKETS, *CLOSERS)


@dataclass(frozen=True)
class Text:
    """A text, and after each of its characters how many brackets are open and whether a quotation is."""

    text: str
    depth: np.ndarray
    quoted: np.ndarray
    closers: np.ndarray  # places of the characters that close something


def write(rng: Random, held_out: bool = False) -> Text:
    """One text in which all that is opened is closed again in order; a quotation holds words alone, like a string."""
    known = [word for word in words() if (crc32(word.encode()) % 5 == 0) == held_out]
    text: list[str] = []
    open_: list[str] = []
    depth, quoted, closers = [], [], []

    def put(piece: str) -> None:
        text.append(piece)
        depth.extend([sum(mark != QUOTE for mark in open_)] * len(piece))
        quoted.extend([QUOTE in open_] * len(piece))

    while len(depth) < SHORTEST or open_:
        growing = len(depth) < SHORTEST
        put(" " if text else "")
        chance = rng.random() if growing and QUOTE not in open_ else 1.0
        if chance < 0.18 and len(open_) < DEEPEST:
            open_.append(rng.choice(list(BRACKETS)))
            put(open_[-1])
        elif chance < 0.36:
            open_.append(QUOTE)
            put(QUOTE)
        put(rng.choice(known))
        while open_ and rng.random() < (0.3 if growing else 0.6):
            closers.append(len(depth))
            put(BRACKETS.get(open_.pop(), QUOTE))
        if growing and rng.random() < 0.1:
            put(",")
    put(".")
    return Text("".join(text), np.array(depth), np.array(quoted), np.array(closers, np.intp))


def row(tokenizer: Tokenizer, text: Text) -> Row:
    return Row(np.array([tokenizer.id(character) for character in text.text]), text.closers)


def texts(seed: int, count: int) -> list[Text]:
    """Held-out texts."""
    rng = Random(seed)
    return [write(rng, held_out=True) for _ in range(count)]


@dataclass(frozen=True)
class Reading:
    """Some texts as a model read them, all their characters in one row."""

    memory: np.ndarray  # (character, unit), after each
    keep: np.ndarray | None  # (character, unit), the keep gate at each
    depth: np.ndarray
    quoted: np.ndarray
    quote: np.ndarray  # whether the character is a quotation mark
    closed: float  # share of the closing marks that are likelier than the other closing marks

    @staticmethod
    def of(model: Network, found: Sequence[Text]) -> Reading:
        rows = [row(model.tokenizer, text).ids for text in found]
        signals = read(model, rows)
        places = np.concatenate([np.full(len(ids), k) for k, ids in enumerate(rows)])
        times = np.concatenate([np.arange(len(ids)) for ids in rows])
        ids, closers = np.concatenate(rows), np.array([model.tokenizer.id(mark) for mark in CLOSERS])
        closing = np.concatenate([np.isin(np.arange(len(text.text)), text.closers) for text in found])
        h = signals[model.cell.output][times[closing] - 1, places[closing]]
        scores = model.predicts.scores(h)[:, closers]
        rule = carry(model.cell)
        keep = None if rule is None else np.broadcast_to(rule.evaluate("keep", signals), signals["h"].shape)
        return Reading(
            signals[memory(model)][times, places],
            None if keep is None else keep[times, places],
            np.concatenate([text.depth for text in found]),
            np.concatenate([text.quoted for text in found]),
            ids == model.tokenizer.id(QUOTE),
            float((closers[scores.argmax(-1)] == ids[closing]).mean()),
        )

    def depth_correlation(self) -> np.ndarray:
        """For each unit the correlation of its memory with the number of open brackets."""
        return np.nan_to_num([np.corrcoef(column, self.depth)[0, 1] for column in self.memory.T])
