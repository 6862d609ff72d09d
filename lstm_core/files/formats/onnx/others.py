"""Matrices and vectors of an ONNX file that are not weights of a recurrent block, and what each is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from lstm_core.files.formats.onnx.fold import WRONG, Fold
from lstm_core.files.formats.onnx.graph import Made, Node, Stored, Value, text
from lstm_core.files.formats.onnx.values import Values

ARRANGE = frozenset(("Cast", "Constant", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))
AFTER = ARRANGE | {"ArgMax", "Flatten", "Gather", "LogSoftmax", "Sigmoid", "Slice", "Softmax", "TopK"}
"""What may stand between an output layer and what the network gives."""
PRODUCTS = frozenset(("FusedMatMul", "Gemm", "MatMul"))
CHAIN, OUTPUTS = 64, 256


class Lookup(NamedTuple):
    """The name of a matrix, how many rows it has, and the numbers of those that are looked up."""

    name: str
    rows: int
    ids: Value


class Others:
    """The file's tensors of floating point, and the matrices that the graph computes from constants: under a tensor's
    name where they are another arrangement of it. own: the tensors that are weights of blocks.
    """

    def __init__(self, values: Values, own: Iterable[Value]) -> None:
        """own: the values that blocks have read as their weights."""
        self._values, self._graph = values, values.graph
        self._own, self._hidden = set(own), set(own)
        self._arrays: dict[str, np.ndarray] = {}
        self._names: dict[Value, str] = {}
        self._scaled: dict[Node, Node] = {}
        self.roles: dict[str, str] = {}

    def collect(self, reaches: Callable[[Value], bool]) -> dict[str, np.ndarray]:
        """All of them by name, in the file's order; ``roles`` is what each is for. reaches: whether a value is what a
        block gives."""
        self._output_layers(reaches)
        for node in self._graph.walk():
            if not node.recurrent and not any(self._values.is_constant(node.output(k)) for k in _outputs(node)):
                self._used_by(node)
        for value, _ in self._graph.main.stored:
            with suppress(*WRONG):  # one that cannot be read is not needed
                if value not in self._hidden and value not in self._names:
                    self.matrix(value, (1, 2))
        stored = [self._names[value] for value, _ in self._graph.main.stored if value in self._names]
        return {name: self._arrays[name] for name in dict.fromkeys([*stored, *self._arrays])}

    def matrix(self, value: Value, axes: tuple[int, ...] = (2,), scaled: Node | None = None) -> str:
        """The name under which the value is kept. Raises ValueError if it is not of numbers with that many axes,
        Computed if it is not constant. scaled: the DequantizeLinear that its rows go through."""
        value = self._graph.resolve(value)[0]
        if value in self._names:
            return self._names[value]
        leaves, operators = self._values.leaves(value)
        array = self._values.constant(value)
        if scaled is not None:
            rows = {self._graph.resolve(given)[0]: array for given in scaled.inputs[:1] if given is not None}
            array = Fold(self._graph, self._values.tensors, self._values.trials, rows).array(scaled.output(0))
        if array.ndim not in axes or not _is_float(array):
            raise ValueError(text(value.name))
        self._hidden.update(leaves)
        if operators <= ARRANGE:
            sizes = {leaf: self._values.constant(leaf) for leaf in leaves}
            same = [
                leaf for leaf, of in sizes.items() if of.size == array.size and of.ndim == array.ndim and _is_float(of)
            ]
            if len(same) == 1:
                value, array = same[0], sizes[same[0]]
        if value not in self._names:
            name, number = text(value.name), 1
            while name in self._arrays:
                number += 1
                name = f"{text(value.name)}#{number}"
            self._names[value], self._arrays[name] = name, array
        return self._names[value]

    def lookup(self, node: Node) -> Lookup | None:
        """Which rows of which matrix the node looks up, if it does, by numbers that the graph is given; rows of eight
        bits may be scaled by it, or later (``scales``)."""
        scaled, first = self._scaled.get(node), node.input(0)
        if node.op == "DequantizeLinear" and not node.domain and first is not None:
            origin = self._graph.resolve(first)[1]
            scaled, node = node, origin.node if isinstance(origin, Made) else node
        table, ids = node.input(0), node.input(1)
        if node.op != "Gather" or node.domain or table is None or ids is None or self._values.is_constant(ids):
            return None
        with suppress(*WRONG):
            if node.number("axis") == 0 and self._values.is_constant(table):
                name = self.matrix(table, scaled=scaled)
                self.roles[name] = "embedding"
                return Lookup(name, len(self._arrays[name]), ids)
        return None

    def scales(self, node: Node) -> bool:
        """Whether the node scales rows of eight bits that were looked up, and then arranged anew."""
        if node.op != "DequantizeLinear" or node.domain:
            return False
        between, value = 0, node.input(0)
        while value is not None and between < CHAIN:
            origin = self._graph.resolve(value)[1]
            before = origin.node if isinstance(origin, Made) and not origin.node.domain else None
            if before is None or before.op not in ARRANGE:
                if between and before is not None and before.op == "Gather" and self._is_one_scale(node):
                    self._scaled[before] = node
                return before is not None and self._scaled.get(before) is node
            between, value = between + 1, before.input(0)
        return False

    def _is_one_scale(self, node: Node) -> bool:
        """Whether there is one scale for all numbers, whatever their arrangement."""
        scale = node.input(1)
        with suppress(*WRONG):
            return scale is not None and self._values.constant(scale).size == 1
        return False

    def _used_by(self, node: Node) -> None:
        """What the node takes from the file is of its kind."""
        if self.lookup(node) is not None:
            return
        for given in node.inputs:
            if (
                given is not None
                and self._values.is_constant(given)
                and self._own.isdisjoint(self._values.leaves(given)[0])
            ):
                with suppress(*WRONG):
                    if node.op in PRODUCTS or isinstance(self._graph.resolve(given)[1], Stored):
                        self.roles.setdefault(self.matrix(given, (1, 2)), node.op)

    def _output_layers(self, reaches: Callable[[Value], bool]) -> None:
        """The product, and what is added, between a block's h and what the network gives."""
        for name in self._graph.main.outputs[:OUTPUTS]:
            value, parts = Value(self._graph.main, name), list[Value]()
            for _ in range(CHAIN):
                origin = self._graph.resolve(value)[1]
                node = origin.node if isinstance(origin, Made) else None
                if node is None or node.domain not in ("", "com.microsoft") or not node.inputs:
                    break
                known = [value for value in node.inputs if value is not None and self._values.is_constant(value)]
                given = [value for value in node.inputs if value is not None and value not in known]
                if node.op in AFTER:
                    given, known = [value for value in node.inputs[:1] if value is not None], []
                parts += known
                if node.op in PRODUCTS and len(given) == 1 and reaches(given[0]):
                    for part in parts:
                        with suppress(*WRONG):
                            self._is_output(part, node)
                if node.op not in AFTER | {"Add"} or len(given) != 1:
                    break
                value = given[0]

    def _is_output(self, part: Value, product: Node) -> None:
        """A square matrix is kept as (output, input): its shape does not say which of the two is first."""
        name, array = self.matrix(part, (1, 2)), self._values.constant(part)
        if array.ndim == 2 and len(set(array.shape)) == 1:
            self._arrays[name] = array if product.number("transB") else array.T
        self.roles[name] = "output"


def _is_float(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def _outputs(node: Node) -> list[int]:
    return [k for k, name in enumerate(node.proto.output) if name]
