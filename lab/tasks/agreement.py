"""Agreement: "the keys to the cabinet near the door are ...". The verb has the number of the first noun.

After Lakretz et al. (arXiv 1903.07435), who found cells that carry number in a large language model; other nouns stand
between (attractors; Linzen et al., arXiv 1611.01368). The words are those of data/general.toml.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random
from zlib import crc32

import numpy as np

from lab.measures.units import memory
from lab.tasks.lexicon import lexicon
from lab.tasks.rows import Row
from lstm_core.analysis import Force, intervene
from lstm_core.network import Network
from lstm_core.text import Tokenizer

ATTRACTORS = (0, 1, 2, 3, 4, 6)


@cache
def pairs(kind: str) -> tuple[tuple[str, str], ...]:
    """(singular, plural) of the "nouns" or the "verbs", each once."""
    return tuple(dict.fromkeys((one, many) for one, many in lexicon()[kind]))


@cache
def between() -> tuple[str, ...]:
    return tuple(phrase for phrase in lexicon()["between"] if " " not in phrase)


@cache
def endings(verb: int) -> tuple[str, ...]:
    """The words that may follow a verb."""
    kind = {"has": "have", "does": "do"}.get(pairs("verbs")[verb][0], "be")
    return tuple(lexicon()["after"][kind])


@cache
def vocabulary() -> tuple[str, ...]:
    forms = [form for kind in ("nouns", "verbs") for pair in pairs(kind) for form in pair]
    after = [word for verb in range(len(pairs("verbs"))) for word in endings(verb)]
    return tuple(dict.fromkeys(["the", ".", ",", "and", *between(), *forms, *after]))


def is_held_out(noun: int, attractor: int) -> bool:
    """Whether these two nouns, one after the other, are kept out of training (one pair in ten)."""
    return crc32(f"{noun} {attractor}".encode()) % 10 == 0


class Writing:
    """Sentences of one tokenizer. held_out: each noun is followed by one that never follows it in training."""

    def __init__(self, tokenizer: Tokenizer, held_out: bool = False) -> None:
        id = {word: k for k, word in enumerate(tokenizer.pieces)}
        self.the, self.stop = id["the"], id["."]
        self.between = [id[word] for word in between()]
        self.nouns = [[id[form] for form in pair] for pair in pairs("nouns")]
        self.verbs = [[id[form] for form in pair] for pair in pairs("verbs")]
        self.endings = [[id[word] for word in endings(verb)] for verb in range(len(self.verbs))]
        every = range(len(self.nouns))
        self.next = [[b for b in every if b != a and is_held_out(a, b) == held_out] for a in every]

    def subject(self, draw: Random, number: int, attractors: Sequence[int]) -> list[int]:
        """Ids of all before the verb: a noun of this number (0 singular, 1 plural), and attractors of these."""
        noun = draw.randrange(len(self.nouns))
        ids = [self.the, self.nouns[noun][number]]
        for other in attractors:
            noun = draw.choice(self.next[noun])
            ids += [draw.choice(self.between), self.the, self.nouns[noun][other]]
        return ids

    def row(self, draw: Random, sentences: int, most: int) -> Row:
        """Sentences with at most so many attractors of either number; the verbs are the answers."""
        ids: list[int] = []
        answers = []
        for _ in range(sentences):
            number, verb = draw.randrange(2), draw.randrange(len(self.verbs))
            ids += self.subject(draw, number, [draw.randrange(2) for _ in range(draw.randrange(most + 1))])
            answers.append(len(ids))
            ids += [self.verbs[verb][number], draw.choice(self.endings[verb]), self.stop]
        return Row(np.array(ids), np.array(answers))


def probes(model: Network, seed: int, count: int, attractors: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out sentences up to the verb, ids (time, sentence), and their numbers; every attractor has the other one."""
    writing, draw = Writing(model.tokenizer, held_out=True), Random(seed)
    numbers = np.arange(count) % 2
    return np.array([writing.subject(draw, int(n), [1 - int(n)] * attractors) for n in numbers]).T, numbers


def numbered(
    model: Network, seed: int, documents: int, sentences: int = 20
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Documents of held-out sentences, (step,) ids each, and the number of the subject (0, or 1 for the plural) at
    every step from its noun to the word before the verb; NaN elsewhere. Each sentence has three nouns of the other
    number between."""
    writing, draw = Writing(model.tokenizer, held_out=True), Random(seed)
    texts, labels = [], []
    for _ in range(documents):
        ids: list[int] = []
        label: list[float] = []
        for _ in range(sentences):
            number, verb = draw.randrange(2), draw.randrange(len(writing.verbs))
            subject = writing.subject(draw, number, [1 - number] * 3)
            ids += [*subject, writing.verbs[verb][number], draw.choice(writing.endings[verb]), writing.stop]
            label += [np.nan, *[float(number)] * (len(subject) - 1), *[np.nan] * 3]
        texts.append(np.array(ids))
        labels.append(np.array(label))
    return texts, labels


def accuracy(model: Network, ids: np.ndarray, numbers: np.ndarray, without: int | None = None) -> float:
    """Share of sentences and verbs for which the verb is likelier in the right number than in the wrong one.

    without: a unit whose memory is 0 at every step.
    """
    trace = model.read(ids)
    if without is not None:
        trace = intervene(trace, [Force(memory(model), 0.0, (without,), layer=len(model.layers) - 1)]).after
    scores = model.predicts.scores(trace.signals[model.cell.output][-1, 0, -1])
    one, many = np.array([[model.tokenizer.id(form) for form in pair] for pair in pairs("verbs")]).T
    return float(((scores[:, many] > scores[:, one]) == (numbers[:, None] == 1)).mean())


def ablations(model: Network, seed: int, count: int, attractors: int = 3) -> tuple[float, np.ndarray]:
    """Accuracy with that many attractors as the model is, and without each unit."""
    ids, numbers = probes(model, seed, count, attractors)
    without = [accuracy(model, ids, numbers, unit) for unit in range(model.hidden_size)]
    return accuracy(model, ids, numbers), np.array(without)
