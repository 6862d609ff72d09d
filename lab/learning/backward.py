"""Back through time for a batch: the errors of a layer's run, with the core's derivatives.

The error of a value is a sum, over what it went into, of slope times error. Slopes are multiplied along a chain for all
steps at once, and the time loop does only what has to wait for the step after it. For the LSTM, where what stands in
brackets is known before the loop:

    delta_h_t = [given_t] + U^T (deltas of the net inputs)_{t+1}
    delta_c_t = delta_h_t [o (1 - tanh(c)^2)] + delta_c_{t+1} [f_{t+1}]
    delta of f's net input = delta_c_t [c_{t-1} f (1 - f)], ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lab.learning.arrange import BEFORE, Op
from lab.learning.unrolled import Call, Run, Unrolled, in_turn
from lstm_core.analysis.derivatives import DERIVATIVES


def backward(
    layer: Unrolled, run: Run, given: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Add the parameters' gradients to ``grads``; return the errors in x and in what was read of the layer below.

    given: errors in signals, by name, (time, unit, batch). grads: by parameter, for those that are trained.

    Raises NotImplementedError for a cell with a function that has no derivative.
    """
    back = _Back(layer, run, given, grads)
    back.through_time()
    return back.to_leaves()


class _Back:
    """The error of operation ``at`` is the sum of parts[at][k] * settled[k], and of known[at], of those there are."""

    def __init__(
        self, layer: Unrolled, run: Run, given: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]
    ) -> None:
        self.layer, self.ops, self.run, self.grads = layer, layer.ops, run, grads
        self.parts: list[dict[int, Any]] = [{} for _ in self.ops]
        self.known: list[Any] = [None] * len(self.ops)
        self.settled: list[np.ndarray] = []
        self.calls: list[Call] = []
        self.applied: list[tuple[tuple[str, ...], np.ndarray, np.ndarray]] = []
        time, _, batch = run.read.shape
        self.shape = time - 1, layer.hidden, batch
        self.scratch = np.empty(self.shape[1:], layer.dtype)
        self.delta = np.zeros((time - 1, len(layer.matrix), batch), layer.dtype)
        self.past = np.zeros((time, layer.one, batch), layer.dtype)
        self.carried = layer.states(self.past)
        for name, error in given.items():
            at = layer.signals[name]
            self.known[at] = _plus(self.known[at], np.broadcast_to(error, self.shape))

    # ---- what has to wait for the step after it

    def through_time(self) -> None:
        layer = self.layer
        moving = [(at, op) for at, op in enumerate(self.ops) if op.when != BEFORE]
        for at, op in reversed(moving):
            come = self._come(at)
            if op.op == "net":
                self._settle(at, come, self.delta[:, layer.rows[at]])
            elif op.args:
                if come or op.op == "@" or len(self.parts[at]) > 1:
                    self._settle(at, come)
                self._pass_on(at)
        rows = slice(0, layer.done[BEFORE].start)
        if rows.stop:
            self.calls.append((np.matmul, (layer.matrix[rows, : layer.one].T, self.delta[:, rows], self.past[:-1])))
        for at, op in moving:
            if op.op == "symbol":
                old, given = self.carried[op.value.removeprefix("s.")][:-1], [*self._come(at), *self._given(at)]
                self._add(old, self.parts[at], given, op.value not in layer.columns)
        in_turn(self.calls, -1)

    def _come(self, at: int) -> list[np.ndarray]:
        """The errors that come from the next step, if ``at`` is a new state."""
        return [carried[1:] for name, carried in self.carried.items() if self.layer.signals[name] == at]

    def _given(self, at: int) -> list[np.ndarray]:
        return [] if self.known[at] is None else [self.known[at]]

    def _settle(self, at: int, come: Sequence[np.ndarray], out: np.ndarray | None = None) -> None:
        """Have the error of ``at`` added up in one array, if there is one."""
        given = [*come, *self._given(at)]
        if not self.parts[at] and not given:
            return
        if out is None and not self.parts[at] and len(given) == 1:
            out = given[0]
        elif out is not None and not self.parts[at] and not come:
            out[:] = given[0]
        else:
            out = np.empty(self.shape, self.layer.dtype) if out is None else out
            self._add(out, self.parts[at], given, True)
        self.parts[at], self.known[at] = {len(self.settled): 1.0}, None
        self.settled.append(out)

    def _add(self, out: np.ndarray, parts: Mapping[int, Any], given: Sequence[np.ndarray], anew: bool) -> None:
        """Calls that write a sum into ``out``, or add it to what is there."""
        plain = [*given, *(self.settled[k] for k, slope in parts.items() if _is_one(slope))]
        scaled = [(self.settled[k], np.asarray(s, out.dtype)) for k, s in parts.items() if not _is_one(s)]
        if anew and scaled:
            self.calls.append((np.multiply, (*scaled.pop(), out)))
        elif anew and len(plain) > 1:
            self.calls.append((np.add, (plain.pop(), plain.pop(), out)))
        elif anew and plain:
            self.calls.append((np.positive, (plain.pop(), out)))
        for error, slope in scaled:
            self.calls.append((np.multiply, (error, slope, self.scratch)))
            self.calls.append((np.add, (out, self.scratch, out)))
        self.calls += [(np.add, (out, error, out)) for error in plain]

    def _pass_on(self, at: int) -> None:
        """Give the error of ``at`` to what it was computed from."""
        op, values = self.ops[at], self.run.values
        if op.op == "@":
            self._through_matrix(at)
            return
        if op.op not in DERIVATIVES:
            raise NotImplementedError(f"no derivative is known here for the function {op.op!r}")
        for arg, slope in zip(op.args, DERIVATIVES[op.op](values[at], *(values[arg] for arg in op.args)), strict=True):
            if slope is None or not self._learns(self.ops[arg]):
                continue
            slope = slope if isinstance(slope, float) else np.asarray(slope, self.layer.dtype)
            for k, factor in self.parts[at].items():
                self.parts[arg][k] = _plus(self.parts[arg].get(k), _times(factor, slope))
            for error in self._given(at):
                self.known[arg] = _plus(self.known[arg], _times(error, slope))

    def _learns(self, op: Op) -> bool:
        """Whether an error of this operation leads anywhere: not so for a number and for what is not trained."""
        return op.op != "number" and (not str(op.value).startswith("p.") or op.value[2:] in self.grads)

    def _through_matrix(self, at: int) -> None:
        ((names, _),), (operand,) = self.ops[at].products, self.ops[at].args
        weight, read = self.layer.weight(names), np.broadcast_to(self.run.values[operand], self.shape)
        if self.ops[at].when == BEFORE:
            self._learn(names, over_time(self.known[at], read))
            self.known[operand] = _plus(self.known[operand], weight.T @ self.known[at])
        for k in self.parts[at]:
            error = np.empty(self.shape, weight.dtype)
            self.calls.append((np.matmul, (weight.T, self.settled[k], error)))
            self.applied.append((names, self.settled[k], read))
            self.parts[operand][len(self.settled)] = 1.0
            self.settled.append(error)

    # ---- what needs no order

    def to_leaves(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        layer, columns = self.layer, self.layer.columns
        x = np.zeros(1, layer.dtype)
        below: dict[str, np.ndarray] = {}
        for names, error, read in self.applied:
            self._learn(names, over_time(error, read))
        for at in reversed(range(len(self.ops))):
            op = self.ops[at]
            terms = [*self._come(at), *self._given(at)]
            terms += [_times(slope, self.settled[k]) for k, slope in self.parts[at].items()]
            if op.when != BEFORE or not terms:
                continue
            self.parts[at], self.known[at] = {}, sum(terms)
            if op.op == "net":
                self.delta[:, layer.rows[at]] = self.known[at]
            elif op.args:
                self._pass_on(at)
            elif op.value == "x":
                x = self.known[at]
            elif op.value.startswith("p."):
                self._learn((op.value[2:],), self.known[at].sum((0, 2)))
            else:
                below[op.value.removeprefix("s.below_")] = self.known[at]
        gradient = over_time(self.delta, self.run.read[:-1])
        for at, rows in layer.rows.items():
            for names, key in self.ops[at].products:
                self._learn(names, gradient[rows, columns[key]])
            for name in self.ops[at].biases:
                self._learn((name,), gradient[rows, layer.one])
        return x + np.matmul(layer.matrix[:, columns["x"]].T, self.delta), below

    def _learn(self, names: Sequence[str], gradient: np.ndarray) -> None:
        """Of a parameter, or of the product of one and its mask."""
        for name in names:
            if name in self.grads:
                masks = [self.layer.params[mask] for mask in names if mask != name]
                self.grads[name][...] += gradient * masks[0] if masks else gradient


def over_time(error: np.ndarray, read: np.ndarray) -> np.ndarray:
    """The gradient of a matrix: delta x what it was applied to, summed over time and batch."""
    return np.tensordot(error, read, ((0, 2), (0, 2)))


def _plus(a: Any, b: Any) -> Any:
    return b if a is None else a + b


def _times(a: Any, b: Any) -> Any:
    return b if _is_one(a) else a if _is_one(b) else a * b


def _is_one(slope: Any) -> bool:
    return isinstance(slope, float) and slope == 1.0
