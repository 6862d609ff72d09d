"""One step of a cell that a graph writes out: which of its values are gates, by what they are multiplied with.

    LSTM   c = sigmoid(f) * c' + sigmoid(i) * tanh(g),  h = sigmoid(o) * tanh(c)
    GRU    h = (h' - n) * sigmoid(z) + n  or  sigmoid(z) * h' + (1 - sigmoid(z)) * n,
           n = tanh(a + sigmoid(r) * b)  or  tanh(a), where a reads sigmoid(r) * h'
    RNN    h = tanh(a)  or  relu(a)

Factors and summands may stand in either order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from lstm_core.files.formats.onnx.affine import Affine
from lstm_core.files.formats.onnx.fold import WRONG
from lstm_core.files.formats.onnx.graph import Made, Node, Value
from lstm_core.files.formats.onnx.values import Values


@dataclass(frozen=True)
class Step:
    """node: gives h. kind: the cell's name. h, c: what the step gives. before: h' of a GRU, c' of an LSTM; None for a
    value that the step does not name, or leaves out as zero. arguments: of each gate, by its letter; of a GRU's
    candidate "n" what stands outside the reset gate, "hn" inside, or "rh", the reset h' that "n" reads."""

    node: Node
    kind: str
    h: Value
    c: Value | None
    before: Value | None
    arguments: dict[str, Value]


class Steps:
    """Finds the steps of LSTM, GRU and RNN that a graph writes out."""

    def __init__(self, values: Values, affine: Affine) -> None:
        """affine: what the arguments of gates are made of."""
        self._values, self._affine = values, affine

    def of(self, node: Node) -> Step | None:
        """The step whose h the node gives."""
        if node.domain or not node.proto.output or node.scope.look(node.proto.output[0]) != Made(node, 0):
            return None
        with suppress(*WRONG):  # a node with fewer inputs than it needs
            return self._of(node)
        return None

    def _of(self, node: Node) -> Step | None:
        if node.op == "Mul":
            return self._lstm(node)
        if node.op == "Add":
            return self._gru(node)
        if node.op in ("Tanh", "Relu") and node.inputs and node.inputs[0] is not None:
            kind = "rnn" if node.op == "Tanh" else "rnn_relu"
            return Step(node, kind, node.output(0), None, None, {"a": node.inputs[0]})
        return None

    def _lstm(self, node: Node) -> Step | None:
        for shown, memory in _orders(node):
            o, squashed = self._argument(shown, "Sigmoid"), self._argument(memory, "Tanh")
            if o is None or squashed is None:
                continue
            c = self._affine.bare(squashed)
            written = self._written(c)
            if written is not None:  # the first step, from a memory of zero
                return Step(node, "lstm", node.output(0), c, None, {"o": o, **written})
            for kept, new in _orders(self._affine.node(c, "Add")):
                written = self._written(new)
                for gate, before in _orders(self._affine.node(kept, "Mul")):
                    f = self._argument(gate, "Sigmoid")
                    if written and f is not None and self._affine.node(before, "Tanh", "Sigmoid") is None:
                        return Step(
                            node, "lstm", node.output(0), c, self._affine.bare(before), {"o": o, "f": f, **written}
                        )
        return None

    def _written(self, value: Value) -> dict[str, Value] | None:
        """The arguments of sigmoid(i) * tanh(g)."""
        for gate, candidate in _orders(self._affine.node(value, "Mul")):
            i, g = self._argument(gate, "Sigmoid"), self._argument(candidate, "Tanh")
            if i is not None and g is not None:
                return {"i": i, "g": g}
        return None

    def _gru(self, node: Node) -> Step | None:
        for first, second in _orders(node):
            for factor, gate in _orders(self._affine.node(first, "Mul")):
                z, difference = self._argument(gate, "Sigmoid"), self._affine.node(factor, "Sub")
                if z is None:
                    continue
                if difference is not None:  # (h' - n) * z + n
                    before, new = difference.inputs[:2]
                    if before is not None and new is not None and self._affine.bare(new) == self._affine.bare(second):
                        return self._candidate(node, z, before, new)
                for rest, new in _orders(self._affine.node(second, "Mul")):  # z * h' + (1 - z) * n
                    left = self._affine.node(rest, "Sub")
                    if left is not None and self._one(left.inputs[0]) and left.inputs[1] is not None:
                        if self._affine.bare(left.inputs[1]) == self._affine.bare(gate):
                            return self._candidate(node, z, factor, new)
        return None

    def _candidate(self, node: Node, z: Value, before: Value, new: Value) -> Step | None:
        before, argument = self._affine.bare(before), self._argument(new, "Tanh")
        if argument is None:
            return None
        for outside, inside in _orders(self._affine.node(argument, "Add")):
            for gate, of_state in _orders(self._affine.node(inside, "Mul")):
                r = self._argument(gate, "Sigmoid")
                if r is not None:
                    arguments = {"z": z, "r": r, "n": outside, "hn": of_state}
                    return Step(node, "gru", node.output(0), None, before, arguments)
        try:
            terms = self._affine.form(argument).terms
        except WRONG:
            return None
        for term in terms:
            for gate, of_state in _orders(self._affine.node(term.value, "Mul")):
                r = self._argument(gate, "Sigmoid")
                if r is not None and self._affine.bare(of_state) == before:
                    return Step(
                        node, "gru_cho", node.output(0), None, before, {"z": z, "r": r, "n": argument, "rh": term.value}
                    )
        return None

    def _argument(self, value: Value, function: str) -> Value | None:
        node = self._affine.node(value, function)
        return None if node is None else node.inputs[0]

    def _one(self, value: Value | None) -> bool:
        if value is None or not self._values.is_constant(value):
            return False
        array = self._values.constant(value)
        return array.size > 0 and bool((array == 1).all())


def _orders(node: Node | None) -> Iterator[tuple[Value, Value]]:
    """The two inputs of a node in both orders."""
    if node is not None and len(node.inputs) == 2:
        first, second = node.inputs
        if first is not None and second is not None:
            yield first, second
            yield second, first
