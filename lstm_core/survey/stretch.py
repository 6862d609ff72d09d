"""A stretch of a text that is asked about: which units are on there, and what the text says there and elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice

import numpy as np

from lstm_core.ops import host
from lstm_core.survey import patterns
from lstm_core.survey.documents import Document
from lstm_core.survey.labels import FOLLOWED
from lstm_core.survey.models import Model
from lstm_core.survey.pieces import pieces, read


def switched_on(
    model: Model, document: Document, watched: str, threshold: float, start: int, stop: int
) -> tuple[np.ndarray, tuple[int, int, int], int]:
    """(2 * unit, step): which units are on from ``start`` to ``stop`` of a text and at the step on either side, as in
    the survey, off before the first and after the last; the signal's shape, and the text's steps.

    watched, threshold: the signal, "memory" for the cell's own, and the value from which a unit is on.
    """
    on, shape, steps = np.zeros((0, 0), bool), (0, 0, 0), 0
    asked = None if watched == "memory" else (watched,)
    for piece in pieces(model, [read(model, 0, document, ())], asked):
        for rows in islice(piece.rows.values(), 1):
            signal = patterns.signal_of(rows.cell) if asked is None else watched
            shape, first = rows.shape[signal], steps
            steps += rows.size
            if first == 0:
                on = np.zeros((2 * math.prod(shape), max(stop - start, 0) + 2), bool)
            low, high = max(start - 1, first), min(stop + 1, steps)
            if low < high:
                there = host(patterns.spread(rows, signal, threshold)[:, low - first : high - first])
                on[:, low - start + 1 : high - start + 1] = there
    return on, shape, steps


def shares(
    model: Model,
    document: Document,
    start: int,
    stop: int,
    places: np.ndarray,
    content: Callable[[int], Document],
) -> dict[str, float]:
    """Of the properties of a text that hold at every step of a stretch of ``document``, the share of ``places`` (place,
    3), each document, start and stop, at every step of which they hold too. content: a document by its number."""
    names = tuple(name for name, one in FOLLOWED.items() if one.binary)
    if not isinstance(document.content, str):
        return {}
    there = read(model, 0, document, names).labels[:, start:stop].min(axis=1, initial=1.0).tolist()
    held, labels = np.zeros(len(names)), {}
    for number, first, last in places.tolist():
        if number not in labels:
            one = content(number)
            if not isinstance(one.content, str):
                return {}
            labels[number] = read(model, number, one, names).labels
        held += labels[number][:, first:last].all(axis=1)
    return {name: float(held[k] / max(len(places), 1)) for k, name in enumerate(names) if there[k]}
