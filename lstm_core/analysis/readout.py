"""Directions in the hidden state that speak for a word, or for one word against another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.steps import history
from lstm_core.network import Network
from lstm_core.trace import Trace


@dataclass(frozen=True, eq=False)
class Readout:
    """``vector`` (directions * hidden,) . h + ``bias`` is the logit of ``word``, less that of ``against`` if given."""

    word: str
    against: str | None
    vector: np.ndarray
    bias: float


def readout(model: Network, word: str, against: str | None = None) -> Readout:
    """The direction of a word of the vocabulary. Raises ValueError for a word that the model does not have."""
    at = model.tokenizer.id(word)
    vector, bias = model.predicts.whole[at].astype(np.float64), float(model.predicts.bias[at])
    if against is not None:
        other = model.tokenizer.id(against)
        vector, bias = vector - model.predicts.whole[other], bias - float(model.predicts.bias[other])
    return Readout(word, against, vector, bias)


@dataclass(frozen=True, eq=False)
class Lead:
    """By how much ``word`` leads over ``against`` after one step: ``value`` = contributions.sum() + bias, in logits.

    contributions: (directions * hidden,), what each unit of the top layer's output adds; with attention, what it adds
        as it is now and through the mean of the states that are looked back at.
    """

    word: str
    against: str
    contributions: np.ndarray
    bias: float

    @property
    def value(self) -> float:
        return float(self.contributions.sum()) + self.bias


def lead(model: Network, trace: Trace, step: int) -> Lead:
    """Who speaks for the likeliest next word: the lead over the second, unit by unit, of the first of the batch.

    Raises ValueError for a network that predicts nothing, or knows one word only.
    """
    read = model.reads(trace.signals)[step, 0].astype(np.float64)
    scores = model.predicts.scores(read[None].astype(np.float32))[0]
    if len(scores) < 2:
        raise ValueError("a vocabulary of one word has no second one to lead over")
    best = np.argpartition(-scores, 1)[:2]
    word, against = (int(one) for one in best[np.argsort(-scores[best], kind="stable")])
    predicts = model.predicts
    rows = (predicts.weight if predicts.through is None else predicts.through)[[word, against]].astype(np.float64)
    vector = rows[0] - rows[1]
    if predicts.through is not None:
        vector = vector @ predicts.weight
    parts = vector * read
    width = len(parts) // 2 if model.attention is not None else len(parts)
    display = model.tokenizer.display
    bias = float(predicts.bias[word]) - float(predicts.bias[against])
    return Lead(display(word), display(against), parts.reshape(-1, width).sum(0), bias)


def word_error(model: Network, trace: Trace, step: int, word: str) -> np.ndarray:
    """(directions * hidden,): the gradient, in h after ``step``, of the loss -log p(``word`` comes next).

    Of a batch it is that of the first sequence, from whose own end a negative ``step`` counts. Raises ValueError for a
    step that it does not have and a word that is not in the vocabulary.
    """
    one, step = history(trace, 0, step)
    error = model.probabilities(one)[step].astype(np.float64)
    error[model.tokenizer.id(word)] -= 1
    return error @ model.predicts.whole
