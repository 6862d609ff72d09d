"""Directions in the hidden state that speak for a word, or for one word against another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.steps import history
from lstm_core.kinds import Numbers, kinds
from lstm_core.network import Network
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.shown import Result
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Readout(Result):
    """``vector`` (directions * hidden,) . h + ``bias`` is the logit of ``word``, less that of ``against`` if given.
    With attention the vector is twice as long, for h and the mean of the states that are looked back at."""

    word: str
    against: str | None
    vector: np.ndarray
    bias: float


@kinds
def readout(model: Network, word: str | int, against: str | int | None = None) -> Readout:
    """The direction, in h of the top layer, of a word of the vocabulary, or of its id; of its lead over ``against``, if
    that is given. Raises ValueError for a word that the model does not have, and for a model that predicts nothing."""
    at = _id(model, word)
    vector, bias = model.predicts.whole[at].astype(np.float64), float(model.predicts.bias[at])
    if against is not None:
        other = _id(model, against)
        vector, bias = vector - model.predicts.whole[other], bias - float(model.predicts.bias[other])
        against = against if isinstance(against, str) else model.tokenizer.display(other)
    return Readout(word if isinstance(word, str) else model.tokenizer.display(at), against, vector, bias)


def _id(model: Network, word: str | int) -> int:
    if isinstance(word, str):
        return model.tokenizer.id(word)
    count = len(model.predicts.bias)
    if not 0 <= word < count:
        raise ValueError(say("there is no word {number}; there are {count:,}, from 0 on", number=word, count=count))
    return int(word)


@brief
@dataclass(frozen=True, eq=False)
class Lead(Result):
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
        """The lead in logits, contributions.sum() + bias: positive where ``word`` is likelier than ``against``."""
        return float(self.contributions.sum()) + self.bias


@kinds
def lead(model: Network, trace: Trace, step: int, against: str | int | None = None) -> Lead:
    """Who speaks for the likeliest next word: the lead over the second, unit by unit, of the first of the batch.

    A negative ``step`` counts from that one's own end. against: a word, or its id, in the place of the second. Raises
    ValueError for a step that there is not, for a word that the model does not have, and for a network that predicts
    nothing, or knows one word only.
    """
    one, step = history(trace, 0, step)
    read = model.reads(one.signals)[step, :1].astype(np.float32)
    scores = model.predicts.scores(read)[0]
    if len(scores) < 2:
        raise ValueError(ALONE)
    best = np.argpartition(-scores, 1)[:2]
    word, second = (int(one) for one in best[np.argsort(-scores[best], kind="stable")])
    other = second if against is None else _id(model, against)
    parts = _shares(model, read, np.array([[word, other]]))[0]
    display, given = model.tokenizer.display, model.predicts.bias
    return Lead(display(word), display(other), parts, float(given[word]) - float(given[other]))


ALONE = "a vocabulary of one word has no second one to lead over"


@kinds
def leads(model: Network, trace: Trace, likeliest: Numbers | None = None) -> np.ndarray:
    """(time, directions * hidden): ``lead(model, trace, step).contributions`` of every step.

    likeliest: (time, 2 or more), as ``Network.likeliest`` gives it, where it is known already. Raises ValueError as
    ``lead`` does.
    """
    ids = model.likeliest(trace, 2)[0] if likeliest is None else host(likeliest)
    words = len(model.predicts.bias)
    fits = ids.ndim == 2 and len(ids) == len(trace) and ids.dtype.kind in "iu"
    if not fits or not 0 <= ids.min(initial=0) <= ids.max(initial=0) < words:
        raise ValueError(
            say(
                "likeliest holds the numbers of words, ({steps}, 2 or more), each from 0 to {last}",
                steps=len(trace),
                last=words - 1,
            )
        )
    return _shares(model, model.reads(trace.signals)[:, 0], ids)


def directions(model: Network, ids: np.ndarray) -> np.ndarray:
    """(time, read): the direction of the first of ``ids`` (time, 2 or more) less that of the second, at every step.

    Raises ValueError for a vocabulary of one word.
    """
    if ids.shape[-1] < 2:
        raise ValueError(ALONE)
    predicts = model.predicts
    rows = predicts.weight if predicts.through is None else predicts.through
    vectors = rows[ids[:, 0]].astype(np.float64) - rows[ids[:, 1]]
    return vectors if predicts.through is None else vectors @ predicts.weight


def _shares(model: Network, read: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(time, directions * hidden): what each unit of ``read`` (time, read) adds to the score of the first of ``ids``
    (time, 2 or more) over the second."""
    parts = directions(model, ids) * read
    width = parts.shape[-1] // 2 if model.attention is not None else parts.shape[-1]
    return parts.reshape(len(parts), -1, width).sum(1)


@kinds
def word_error(model: Network, trace: Trace, step: int, word: str | int) -> np.ndarray:
    """(directions * hidden,): the gradient, in h after ``step``, of the loss -log p(``word``, or its id, comes next).

    Of a batch it is that of the first sequence, from whose own end a negative ``step`` counts. Raises ValueError for a
    step that it does not have, for a word that is not in the vocabulary, and for a model that predicts nothing.
    """
    one, step = history(trace, 0, step)
    error = model.probabilities(one)[step].astype(np.float64)
    error[_id(model, word)] -= 1
    return error @ model.predicts.whole
