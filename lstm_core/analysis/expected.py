"""Which input did the network expect at each step? The words that it held to be likely, as one embedding.

    x_t = sum_w p(w | words before t) E_w

A word that was certain says nothing new, and gets nothing where this is the baseline of ``analysis.attribution``: what
is left is what tells this text from the others that were as likely. So do Kim, Yi, Kim & Yoon, "Interpretation of NLP
models through input marginalization", EMNLP 2020, arXiv 2010.13984, with another model's probabilities and one run a
word; here the probabilities are the network's own.
"""

from __future__ import annotations

import numpy as np

from lstm_core.kinds import kinds
from lstm_core.network import CHUNK, Network, softmax
from lstm_core.say import say
from lstm_core.trace import Trace


@kinds
def expected(model: Network, trace: Trace) -> np.ndarray:
    """(time, input), float64: the mean embedding of the next word by the model's own probabilities, of the first of
    the batch; before the first word, of which nothing is expected, the mean of all embeddings.

    A baseline for ``attribution``: the shares are then of what the text says beyond it. After the input
    marginalization of Kim et al., EMNLP 2020, with the network's own probabilities.

    Raises ValueError for a network that reads no words or predicts none, for one that has more words to predict than to
    read or fewer, and for one that reads backwards, which has seen the next word already.
    """
    embedding, readout = model.embedding.astype(np.float64), model.predicts
    if len(trace.layers[0]) > 1 or trace.reverse:
        raise ValueError(say("a network that reads backwards does not predict the next word from those before"))
    if len(readout.bias) != len(embedding):
        raise ValueError(
            say(
                "this network reads {read:,} words and predicts {predicted:,}: they are not the same",
                read=len(embedding),
                predicted=len(readout.bias),
            )
        )
    shown = model.reads(trace.signals)[:-1, 0]
    parts = (shown[first : first + CHUNK] for first in range(0, len(shown), CHUNK))
    means = [softmax(readout.scores(part)) @ embedding for part in parts]
    return np.concatenate([embedding.mean(0, keepdims=True), *means])[: len(trace)]
