"""Country and language: "I grew up in France ... I speak fluent French", with any number of words between.

The example of Olah's "Understanding LSTM networks" for the long-term dependencies of Bengio et al. (1994): what the
last word needs was said long ago. The templates are those of data/general.toml, the sentences between are those of
`english.py`.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random
from zlib import crc32

import numpy as np

from lab.tasks.english import Writer
from lab.tasks.lexicon import lexicon
from lab.tasks.rows import MEASURE_SEED, Row
from lstm_core.network import Network
from lstm_core.text import Tokenizer

GAPS = (0, 20, 40, 100, 200, 400)
FILLER = 40_000  # words that are written once and cut from
LINKS = (".", ".", ". then", ", and", ", so", "and", "so", ";")


@cache
def filler(seed: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Words of sentences about nobody, and where a sentence starts with many words after it."""
    writer, words, starts = Writer(Random(seed)), [], []
    while len(words) < FILLER:
        starts.append(len(words))
        words += writer.filler()
    return tuple(words), tuple(start for start in starts if start < FILLER - 1000)


@cache
def phrases(kind: str) -> tuple[tuple[str, ...], ...]:
    """The templates of "origin" or "speech" in words, the country or the language left as "*"."""
    texts = dict.fromkeys(re.sub(r"\{\w+\}", "*", text.replace("[", "").replace("]", "")) for text in lexicon()[kind])
    return tuple(tuple(text.lower().split()) for text in texts)


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """(country, language), lower-case: 28 countries with 24 languages."""
    return tuple((country.lower(), language.lower()) for country, language, *_ in lexicon()["countries"])


@cache
def vocabulary() -> tuple[str, ...]:
    parts = [*phrases("origin"), *phrases("speech"), *countries(), [w for link in LINKS for w in link.split()]]
    found = [word for part in (*parts, sorted(set(filler(0)[0]))) for word in part if word != "*"]
    return tuple(dict.fromkeys([*found, *"! ? : '".split()]))


def is_held_out(country: str, origin: tuple[str, ...], speech: tuple[str, ...]) -> bool:
    """Whether this country with these two sentences is kept out of training (one in ten)."""
    return crc32(repr((country, origin, speech)).encode()) % 10 == 0


class Writing:
    """Rows of one tokenizer. held_out: only what is kept out of training, with filler of another seed between."""

    def __init__(self, tokenizer: Tokenizer, held_out: bool = False) -> None:
        id = {word: k for k, word in enumerate(tokenizer.pieces)}
        words, self.starts = filler(MEASURE_SEED if held_out else 0)
        self.words, self.stop = [id[word] for word in words], id["."]
        self.links = [[id[word] for word in link.split()] for link in LINKS]
        self.texts = [  # what is said first, what is said last, and where in it the language is
            (
                [id[country if word == "*" else word] for word in origin],
                [id[language if word == "*" else word] for word in speech] + [self.stop],
                speech.index("*"),
            )
            for country, language in countries()
            for origin in phrases("origin")
            for speech in phrases("speech")
            if is_held_out(country, origin, speech) == held_out
        ]

    def row(self, draw: np.random.Generator, gap: int, hidden: float = 0.0, before: bool = False) -> Row:
        """One country and, `gap` words later, the language. hidden: share of the words between that are `<unk>`.

        before: another country with its language comes first. A full stop is put where the words between are cut off.
        """
        ids: list[int] = []
        answers: list[int] = []
        for distance in (0, gap) if before else (gap,):
            text, link, start = draw.random(3)
            first, last, place = self.texts[int(text * len(self.texts))]
            ids += first
            if distance:
                at = self.starts[int(start * len(self.starts))]
                between = [self.stop, *self.words[at : at + distance - 1], self.stop]
                if hidden:
                    between[1:] = np.where(draw.random(distance) < hidden, 0, between[1:]).tolist()
                ids += between
            else:
                ids += self.links[int(link * len(self.links))]
            answers.append(len(ids) + place)
            ids += last
        return Row(np.array(ids), np.array(answers))


def probes(model: Network, seed: int, count: int, gap: int, hidden: float = 0.0) -> list[Row]:
    """Held-out texts with one country and, `gap` words later, its language."""
    writing, draw = Writing(model.tokenizer, held_out=True), np.random.default_rng(seed)
    return [writing.row(draw, gap, hidden) for _ in range(count)]
