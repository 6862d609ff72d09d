"""Where the page "Compare" compares a visitor's model: in a worker, which has limits of time and memory.

To try every cause on a large model takes long.
"""

from __future__ import annotations

import numpy as np

from dashboard import apart as elsewhere
from dashboard.compared import STEPS, Side, came, sent
from dashboard.workers import Busy
from dashboard.yours.run import alone
from dashboard.yours.upload import TRACE, Upload
from lstm_core.comparing.result import Comparison
from lstm_core.files import wiring
from lstm_core.say import say

TOO_LONG = say("it takes longer, or more memory, than a page may; the library has no such limit")


def given(upload: Upload) -> Side:
    """A visitor's model: what was chosen in it, with what that stands on."""
    blocks = tuple(map(alone, (*upload.below(), upload.chosen())))
    names = [upload.embedding] if upload.embedding else upload.embeddings()
    embedding = wiring.embedding(upload.loaded, names[0]) if names else None
    others = {name: array for name, array in upload.loaded.others.items() if name not in names[:1]}
    return Side(upload.file, blocks, embedding, others)


def input_of(upload: Upload, text: str, steps: int = STEPS) -> np.ndarray:
    """What it reads of a text, or instead of it: ids, (time,), or vectors, (time, input)."""
    if upload.source == TRACE and upload.trace is not None:
        return np.asarray(upload.trace.inputs[:steps, 0])
    return upload.input(text, steps).x


def apart(a: Side, b: Side, x: np.ndarray) -> Comparison:
    """``answered``, in a worker. Raises ValueError as it does, where it takes too long, and ``Busy``."""
    files, plain = sent(a, b, x)
    try:
        said, [growth] = elsewhere.read("dashboard.compared:read", files, plain)
    except Busy:
        raise
    except ValueError as error:  # what ``compare`` raises comes as an answer: these are the worker's limits
        raise ValueError(TOO_LONG) from error
    return came(said, growth)
