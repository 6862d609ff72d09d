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


def word_error(model: Network, trace: Trace, step: int, word: str) -> np.ndarray:
    """(directions * hidden,): the gradient, in h after ``step``, of the loss -log p(``word`` comes next).

    Of a batch it is that of the first sequence, from whose own end a negative ``step`` counts. Raises ValueError for a
    step that it does not have and a word that is not in the vocabulary.
    """
    one, step = history(trace, 0, step)
    error = model.probabilities(one)[step].astype(np.float64)
    error[model.tokenizer.id(word)] -= 1
    return error @ model.predicts.whole
