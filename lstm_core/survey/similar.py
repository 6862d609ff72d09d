"""Where else were the same units on? LSTMVis's question (Strobelt et al., TVCG 2018), answered exactly from the bits.

A stretch of a text is chosen. Its units are those that are on at every step of it, and off beside it. Where else in the
data are they on together?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lstm_core.survey.corpus import Corpus


@dataclass(frozen=True)
class Switch:
    """A unit that is on: above the threshold where ``sign`` is 1, below its negative where it is -1."""

    layer: int
    direction: int
    unit: int
    sign: int


@dataclass(frozen=True, eq=False)
class Similar:
    """units: those of the pattern. needed: how many of them have to be on together.

    document, start, stop: (match,) every longest stretch of a document in which so many are on at every step, up to
        ``stop`` (not with it). on: the least number of them that is on at a step of it. off: how many of them are off
        at the step before, and how many at the step after, added up: twice the units where the pattern begins and ends
        just there. Beside the first and the last step of a document all are off.

    In the order: the most off, then the length nearest to the asked stretch's, then the place.
    """

    units: tuple[Switch, ...]
    needed: int
    document: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    on: np.ndarray
    off: np.ndarray
    _shared: Callable[[np.ndarray], dict[str, float]] = field(repr=False)

    def shares(self, most: int = 200) -> dict[str, float]:
        """Of the properties of the text that hold at every step of the stretch that was asked for, as "inside_quotes":
        the share of the first ``most`` places at every step of which they hold too. Nothing where there are no texts.

        Raises ValueError where the texts or the model are needed and not there.
        """
        places = np.stack([self.document, self.start, self.stop], axis=1)
        return self._shared(places[:most])

    def __len__(self) -> int:
        """Number of matches."""
        return len(self.document)


def switch(row: int, shape: tuple[int, int, int]) -> Switch:
    """What row ``row`` of the bits is of. shape: (layer, direction, unit)."""
    layers, directions, units = shape
    half = layers * directions * units
    layer, rest = divmod(row % half, directions * units)
    return Switch(layer, rest // units, rest % units, 1 if row < half else -1)


def pattern(on: np.ndarray, sides: int) -> np.ndarray:
    """The rows of ``on`` (row, step) bool that are false at its first and its last step, or at so many of these
    ``sides`` at least, and true at all between."""
    beside = (~on[:, 0]).astype(int) + ~on[:, -1]
    return np.flatnonzero(on[:, 1:-1].all(axis=1) & (beside >= sides))


def find(corpus: Corpus, rows: np.ndarray, needed: int) -> Iterator[tuple[np.ndarray, ...]]:
    """document, start, stop, on and off of the matches of each part. rows: of the bits, those of the pattern."""
    after = 0
    for number, first, count in corpus.parts:
        steps = corpus.steps[after : after + count]
        after += count
        if total := int(steps.sum()):  # a part without steps has no file
            bits = corpus.bits(number, total)
            yield _matches([np.frombuffer(bits[int(row)].as_buffer(), np.uint8) for row in rows], steps, first, needed)


def _matches(packed: Sequence[np.ndarray], steps: np.ndarray, first: int, needed: int) -> tuple[np.ndarray, ...]:
    total = int(steps.sum())
    count = np.zeros(total + 1, np.uint16)  # and a step after the last, at which none is on
    for one in packed:
        count[:total] += np.unpackbits(one, count=total)
    stops = np.cumsum(steps)
    begins, of = stops - steps, np.repeat(np.arange(len(steps)), steps)
    on = count[:total] >= needed
    goes_on = on[1:] & on[:-1] & (of[1:] == of[:-1])
    start = np.flatnonzero(on & ~np.concatenate([[False], goes_on])[:total])
    stop = np.flatnonzero(on & ~np.concatenate([goes_on, [False]])[:total]) + 1
    document = of[start]
    before = np.where(start == begins[document], 0, count[start - 1])
    behind = np.where(stop == stops[document], 0, count[stop])
    least = np.minimum.reduceat(count, np.stack([start, stop], axis=1).reshape(-1))[::2] if len(start) else start
    places = (document + first, start - begins[document], stop - begins[document])
    return (*places, least, 2 * len(packed) - before.astype(np.int64) - behind)


def ordered(
    units: tuple[Switch, ...],
    needed: int,
    length: int,
    found: Sequence[tuple[np.ndarray, ...]],
    shared: Callable[[np.ndarray], dict[str, float]],
) -> Similar:
    """The matches of all parts in their order. shared: see ``stretch.shares``, of places (place, 3)."""
    nothing = np.zeros(0, np.int64)
    document, start, stop, on, off = (
        (np.concatenate([nothing, *part]) for part in zip(*found, strict=True)) if found else [nothing] * 5
    )
    order = np.lexsort((start, document, np.abs(stop - start - length), -off))
    document, start, stop, on, off = (value[order] for value in (document, start, stop, on, off))
    return Similar(units, needed, document, start, stop, on, off, shared)
