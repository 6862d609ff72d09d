"""Values that depend on sizes that the file leaves open: of a batch, or of a sequence.

They are computed with two sets of made-up sizes. What comes out the same does not depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lstm_core.files.formats.onnx.fold import OPERATORS, Budget, Computed, Fold
from lstm_core.files.formats.onnx.graph import DIRECTIONS, RECURRENT, Entry, Graph, Made, Node, Stored, Value
from lstm_core.files.formats.onnx.tensors import Tensors

SIZES = (2, 3, 5, 7, 11, 13, 17, 19), (7, 5, 3, 2, 19, 17, 13, 11)
"""Two sets, unlike each other in every place."""
SAME = {("", op): (1, lambda node, arrays: arrays[:1]) for op in ("Cast", "CastLike", "Dropout")}
"""Rules for numbers whose kind does not matter."""
ROOM = 1 << 27
"""Bytes that zeros of such shapes may take."""


class Shapes(Fold):
    """Computes with zeros for what is given when the graph runs, and for what recurrent nodes give: the shapes are
    right, the numbers are not."""

    def __init__(self, graph: Graph, tensors: Tensors, sizes: tuple[int, ...]) -> None:
        rules = {("", op): (1, _zeros) for op in RECURRENT} | {("com.microsoft", "DynamicQuantizeLSTM"): (1, _zeros)}
        super().__init__(graph, tensors, Budget(ROOM), rules=rules, strict=False)
        self._sizes, self._named = sizes, dict[Any, int]()

    def _advance(self, value: Value) -> Sequence[Value]:
        missing = super()._advance(value)
        if not missing and isinstance(self._known[value], Computed):
            stated = value.scope.types.get(value.name)
            if stated is not None and isinstance(self.graph.resolve(value)[1], Entry | Made):
                with suppress(ValueError, KeyError):  # of a kind that is no array's, or larger than arrays are
                    self._known[value] = self._zeros(stated)
        return missing

    def _zeros(self, stated: Any) -> np.ndarray:
        from onnx import helper

        kind = helper.tensor_dtype_to_np_dtype(stated.elem_type)
        sizes = [d.dim_value if d.HasField("dim_value") else self._size(d.dim_param) for d in stated.shape.dim]
        return np.broadcast_to(np.zeros((), kind), sizes)

    def _size(self, name: str | bytes) -> int:
        """The size for a name; one without a name is like no other."""
        key = name or len(self._named)
        return self._named.setdefault(key, self._sizes[len(self._named) % len(self._sizes)])


def _zeros(node: Node, arrays: list[Any]) -> list[np.ndarray]:
    """Y, Y_h and Y_c of a recurrent node. Any error if it does not say its size."""
    (first, second), hidden = arrays[0].shape[:2], int(node.values["hidden_size"])
    count = len(DIRECTIONS[node.values.get("direction", b"forward").decode()])
    if node.values.get("layout", 0):
        shapes = (first, second, count, hidden), (first, count, hidden), (first, count, hidden)
    else:
        shapes = (first, count, second, hidden), (count, second, hidden), (count, second, hidden)
    return [np.broadcast_to(arrays[0].dtype.type(0), shape) for shape in shapes]


class Values:
    """What can be said of a graph's values without running it.

    size: bytes that what is computed may take.
    """

    def __init__(self, graph: Graph, tensors: Tensors, size: int) -> None:
        self.graph, self.tensors, self.budget = graph, tensors, Budget(size)
        self._pure = Fold(graph, tensors, self.budget)
        self.shapes = [Shapes(graph, tensors, sizes) for sizes in SIZES]
        self._constant: dict[Value, bool] = {}
        self._under = [Fold(graph, tensors, self.budget, shapes=shapes, strict=False) for shapes in self.shapes]

    def constant(self, value: Value) -> np.ndarray:
        """Its numbers. Raises Computed if they depend on what the graph is given, ValueError if it cannot be read."""
        try:
            return self._pure.array(value)
        except Computed:
            first, second = self._both(value)
            if first.shape == second.shape and (first == second).all():
                return first
            raise

    def state(self, value: Value, axis: int) -> np.ndarray:
        """A first state, of a batch of one if it is the same for every sequence; errors as for ``constant``."""
        try:
            return self._pure.array(value)
        except Computed:
            first, second = self._both(value)
            if axis < first.ndim == second.ndim:
                one = first.take([0], axis)
                if one.shape == second.take([0], axis).shape and (first == one).all() and (second == one).all():
                    return one
            raise

    def lengths(self, value: Value, x: Value, layout: int) -> np.ndarray | None:
        """Lengths of the sequences of a batch, None if all are as long as ``x``; errors as for ``constant``."""
        try:
            return self._pure.array(value)
        except Computed:
            for lengths, shapes in zip(self._both(value), self.shapes, strict=True):
                steps, batch = shapes.array(x).shape[:2][:: -1 if layout else 1]
                if lengths.shape != (batch,) or (lengths != steps).any():
                    raise
            return None

    def _both(self, value: Value) -> list[np.ndarray]:
        return [fold.array(value) for fold in self._under]

    def is_constant(self, value: Value) -> bool:
        """Whether the value is made of constants alone, and by operators that can be computed."""
        waiting, begun = [self.graph.resolve(value)[0]], set[Value]()
        while waiting:
            here = waiting[-1]
            made_of = self._made_of(here)
            missing = [] if made_of is None or here in begun else [v for v in made_of if v not in self._constant]
            if here not in self._constant and missing:
                begun.add(here)
                waiting.extend(missing)
                continue
            waiting.pop()
            self._constant.setdefault(here, made_of is not None and all(self._constant.get(v) for v in made_of))
        return self._constant[self.graph.resolve(value)[0]]

    def leaves(self, value: Value) -> tuple[list[Value], set[str]]:
        """The tensors that a value is computed from, and the operators by which."""
        waiting, seen, operators = [self.graph.resolve(value)[0]], dict[Value, None](), set[str]()
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen[here] = None
                origin = self.graph.resolve(here)[1]
                operators |= {origin.node.op} if isinstance(origin, Made) else set()
                waiting += self._made_of(here) or ()
        return [here for here in seen if not self._made_of(here)], operators

    def _made_of(self, value: Value) -> list[Value] | None:
        """The values that a value is computed from; none for a tensor; None for what cannot be computed."""
        origin = self.graph.resolve(value)[1]
        if isinstance(origin, Stored) or (isinstance(origin, Made) and origin.node.op == "Constant"):
            return []
        if not isinstance(origin, Made) or origin.node.op not in OPERATORS or origin.node.domain:
            return None
        return [self.graph.resolve(given)[0] for given in origin.node.inputs if given is not None]
