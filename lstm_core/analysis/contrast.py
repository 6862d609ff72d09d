"""Two texts beside each other: which tokens differ, and what each signal made of it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from lstm_core.attention import ALPHA
from lstm_core.kinds import kinds
from lstm_core.shown import Result
from lstm_core.trace import Trace


@dataclass(frozen=True)
class Pair:
    """A column of the comparison: a step of each trace (None where it has no token), and whether they read the same."""

    first: int | None
    second: int | None
    same: bool


@dataclass(frozen=True, eq=False)
class Contrast(Result):
    """Two aligned traces, ``first`` and ``second``.

    pairs: in the order of both texts; every token of each stands in exactly one of them.
    """

    first: Trace
    second: Trace
    pairs: tuple[Pair, ...]

    @property
    def differing(self) -> tuple[int, ...]:
        """Which pairs do not read the same."""
        return tuple(k for k, pair in enumerate(self.pairs) if not pair.same)

    @kinds
    def difference(self, signal: str) -> np.ndarray:
        """second - first of that signal, (layer, direction, pair, batch, unit); NaN where a side has no token.

        Raises ValueError for a signal that the traces do not have, and for "alpha", whose units are each text's own
        tokens.
        """
        first, second = self.first.sel(signal), self.second.sel(signal)
        if signal == ALPHA.name:
            raise ValueError("alpha weighs the tokens of its own text; two texts have different ones")
        shape = (*first.shape[:2], len(self.pairs), *first.shape[3:])
        values = np.full(shape, np.nan, np.result_type(first, second))
        both = [
            (k, p.first, p.second) for k, p in enumerate(self.pairs) if p.first is not None and p.second is not None
        ]
        if both:
            at, i, j = (list(column) for column in zip(*both, strict=True))
            values[:, :, at] = second[:, :, j] - first[:, :, i]
        return values


@kinds
def contrast(first: Trace, second: Trace) -> Contrast:
    """Align two traces of one network token by token.

    Tokens are compared by the vocabulary's piece (so case does not count where the network does not see it). Where a
    run of tokens was replaced by another, they are paired in order, and what is left over stands alone.

    Raises ValueError if the traces are of different cells or sizes, or carry no tokens.
    """
    if first.cell is not second.cell:
        raise ValueError(f"one trace is of the cell {first.cell.name}, the other of {second.cell.name}")
    names = [signal.name for signal in first.cell.signals]
    shapes = [[np.delete(trace[name].shape, 2).tolist() for name in names] for trace in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError("the two traces differ in layers, directions, batch or units")
    for trace in (first, second):
        if len(trace.tokens) != len(trace):
            raise ValueError("a trace without tokens cannot be aligned")
    left, right = (
        [(token.known, token.piece if token.known else token.text) for token in t.tokens] for t in (first, second)
    )
    pairs: list[Pair] = []
    for kind, i, i_end, j, j_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for k in range(max(i_end - i, j_end - j)):
            a, b = (i + k if i + k < i_end else None), (j + k if j + k < j_end else None)
            pairs.append(Pair(a, b, kind == "equal"))
    return Contrast(first, second, tuple(pairs))
