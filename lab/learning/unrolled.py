"""One layer of any cell over a batch of texts, in NumPy: the cell's own step, arranged so that training is fast.

Arrays are (time, unit, batch). All net inputs of a step are one product, [U b W] with [h_{t-1}; 1; x_t], and each is
some of its rows. The way back is ``lab.learning.backward``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from lab.learning.arrange import AFTER, BEFORE, LOOP, arranged
from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY

Call = tuple[Callable[..., Any], Sequence[np.ndarray]]
"""A function and its arrays, the last of which it fills. Those with an axis of time are given step by step."""


def sigmoid(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """1 / (1 + exp(-x)); 0 where exp is too large for the precision."""
    out = np.negative(x, out)
    np.exp(out, out)
    np.add(out, 1, out)
    return np.reciprocal(out, out)


def log_sigmoid(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """min(x, 0) - log(1 + exp(-|x|)): never an exp that is too large."""
    low = np.log1p(np.exp(-np.abs(x)))
    return np.subtract(np.minimum(x, 0), low, out)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "@": np.matmul,
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    **{name: getattr(np, name) for name in ("tanh", "exp", "log", "abs")},
    "maximum": lambda a, b, out=None: np.maximum(a, b, out=out),
    "minimum": lambda a, b, out=None: np.minimum(a, b, out=out),
}
"""Operations that can write into an array given last; what another one gives is copied there."""


def _copied(plain: Callable[..., np.ndarray], *arrays: np.ndarray) -> None:
    np.copyto(arrays[-1], plain(*arrays[:-1]))


def in_turn(calls: Sequence[Call], way: int = 1) -> None:
    """All calls at the first step, all at the second, ...; ``way`` -1 begins with the last step."""
    functions = [function for function, _ in calls]
    steps = [zip(*(a[::way] if a.ndim == 3 else repeat(a) for a in arrays), strict=False) for _, arrays in calls]
    for arguments in zip(*steps, strict=True):
        for do, arrays in zip(functions, arguments, strict=True):
            do(*arrays)


@dataclass(frozen=True, eq=False)
class Run:
    """What a layer did: ``values`` by operation, and ``read``, (time, column, batch), what the net inputs read."""

    values: dict[int, np.ndarray]
    read: np.ndarray


class Unrolled:
    """One layer of ``cell``. ``params`` are arrays by name, all of one precision, and may be changed in place.

    matrix: [U b W]. rows: those of a net input, by its place among ``ops``; done: those of LOOP, AFTER and BEFORE.
    columns: of what the net inputs read, "x" and old states such as "s.h"; ``one`` is the column of the biases.
    """

    def __init__(self, cell: type[Cell], params: Mapping[str, np.ndarray]) -> None:
        self.cell, self.params = cell, params
        self.ops, self.signals = arranged(cell).ops, arranged(cell).signals
        sizes = {axis: n for param in cell.params for axis, n in zip(param.axes, params[param.name].shape, strict=True)}
        self.hidden, self.dtype = sizes["hidden"], next(iter(params.values())).dtype
        times = {at: op.when for at, op in enumerate(self.ops) if op.op == "net"}
        nets = sorted(times, key=lambda at: times[at])
        reads = sorted({key for at in nets for _, key in self.ops[at].products} - {"x"})
        self.rows = {at: self._block(k) for k, at in enumerate(nets)}
        self.columns = {key: self._block(k) for k, key in enumerate(reads)}
        self.one = len(reads) * self.hidden
        self.columns["x"] = slice(self.one + 1, self.one + 1 + sizes["input"])
        self.matrix = np.zeros((len(nets) * self.hidden, self.columns["x"].stop), self.dtype)
        ends = [sum(when <= end for when in times.values()) * self.hidden for end in (LOOP, AFTER, BEFORE)]
        self.done = [slice(0, ends[LOOP]), slice(ends[LOOP], ends[AFTER]), slice(ends[AFTER], ends[BEFORE])]

    def _block(self, k: int) -> slice:
        return slice(k * self.hidden, (k + 1) * self.hidden)

    def weight(self, names: tuple[str, ...]) -> np.ndarray:
        """A matrix that the step applies: a parameter, or one under its mask."""
        weight = self.params[names[0]]
        return weight if len(names) == 1 else weight * self.params[names[1]]

    def states(self, read: np.ndarray) -> dict[str, np.ndarray]:
        """(time, unit, batch) for every state: in ``read``, (time, column, batch), where it is read; else new zeros."""
        shape = len(read), self.hidden, read.shape[-1]
        places = {name: self.columns.get(f"s.{name}") for name in self.cell.states()}
        return {name: read[:, at] if at else np.zeros(shape, self.dtype) for name, at in places.items()}

    def forward(self, x: np.ndarray, below: Mapping[str, np.ndarray]) -> Run:
        """Read x, (time, input, batch), from the state zero. ``below``: what the cell reads of the layer below it."""
        time, _, batch = x.shape
        self.matrix[:] = 0
        for at, rows in self.rows.items():
            for names, key in self.ops[at].products:
                self.matrix[rows, self.columns[key]] += self.weight(names)
            self.matrix[rows, self.one] = sum(self.params[name] for name in self.ops[at].biases)
        read = np.empty((time + 1, self.matrix.shape[1], batch), self.dtype)
        read[0, : self.one], read[:, self.one], read[:-1, self.columns["x"]] = 0, 1, x
        nets = np.empty((time, len(self.matrix), batch), self.dtype)
        states = self.states(read)
        new = [(self.signals[name], state[1:]) for name, state in states.items()]
        written = dict(new)
        values = self._leaves(read[:-1, self.columns["x"]], states, below)
        values |= {at: nets[:, rows] for at, rows in self.rows.items()}
        calls: list[Call] = []
        for when in (BEFORE, LOOP, AFTER):
            if when == AFTER:
                calls += [(np.positive, (values[at], state)) for at, state in new if values[at] is not state]
                in_turn(calls)
            rows, columns = self.done[when], slice(self.one if when == BEFORE else 0, None)
            product = self.matrix[rows, columns], read[:-1, columns], nets[:, rows]
            if when != LOOP:
                np.matmul(*product)
            elif rows.stop:
                calls.append((np.matmul, product))
            for at, op in enumerate(self.ops):
                if op.when != when or at in values:
                    continue
                args = [*(self.weight(names) for names, _ in op.products), *(values[arg] for arg in op.args)]
                do = FUNCTIONS.get(op.op) or getattr(NUMPY, op.op)
                if when == LOOP:
                    values[at] = written[at] if at in written else np.empty((time, self.hidden, batch), self.dtype)
                    calls.append((do if op.op in FUNCTIONS else partial(_copied, do), (*args, values[at])))
                else:
                    values[at] = do(*args)
        return Run(values, read)

    def _leaves(
        self, x: np.ndarray, states: Mapping[str, np.ndarray], below: Mapping[str, np.ndarray]
    ) -> dict[int, np.ndarray]:
        """The values of x, of the old states, of vectors and of numbers, by place."""
        symbols = {"x": x, **{f"s.below_{name}": value for name, value in below.items()}}
        symbols |= {f"s.{name}": state[:-1] for name, state in states.items()}
        symbols |= {f"p.{name}": value[:, None] for name, value in self.params.items() if value.ndim == 1}
        leaves = {at: symbols[op.value] for at, op in enumerate(self.ops) if op.op == "symbol"}
        return leaves | {at: np.asarray(op.value, self.dtype) for at, op in enumerate(self.ops) if op.op == "number"}
