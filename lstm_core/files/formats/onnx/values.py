"""What can be said of the values of an ONNX graph without running it."""

from __future__ import annotations

from copy import copy

import numpy as np

from lstm_core.files.formats.onnx.fold import OPERATORS, STEPS, VIEWS, Budget, Computed, Fold
from lstm_core.files.formats.onnx.graph import Graph, Made, Stored, Value
from lstm_core.files.formats.onnx.shapes import SAME, SIZES, Shapes
from lstm_core.files.formats.onnx.tensors import Tensors
from lstm_core.say import say

LINKS, VISITS, LENGTHS = 256, 1_000_000, 8
FILLED = (VIEWS - {"Shape"}) | {"Cast", "CastLike", "Concat", "Expand", "Gather", "Tile"}
"""What gives the numbers of its first input again, or of all."""


class Values:
    """What can be said of a graph's values without running it.

    size: bytes that what is computed may take. trials: what may be computed to try whether something is so.
    """

    def __init__(self, graph: Graph, tensors: Tensors, size: int) -> None:
        """graph, tensors: of the file. size: as in the class."""
        self.graph, self.tensors, self.budget = graph, tensors, Budget(size)
        self.trials = Budget(size, 4 * STEPS)
        self._visits, self._sized = VISITS, dict[int, list[Values]]()
        self._pure = Fold(graph, tensors, self.budget)
        self.shapes = [Shapes(graph, tensors, sizes) for sizes in SIZES]
        self._constant: dict[Value, bool] = {}
        self._parents: dict[Value, list[Value] | None] = {}
        like = {
            ("", "CastLike"): SAME["", "CastLike"]
        }  # of something that is given: its kind is not known, and no matter
        self._under = [
            Fold(graph, tensors, self.budget, rules=like, shapes=shapes, strict=False) for shapes in self.shapes
        ]

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
        """A first state, of a batch of one if it is the same for every sequence, a single number if that fills it;
        errors as for ``constant``."""
        filled = self._filled(value)
        if filled is not None:
            return filled
        try:
            return self._pure.array(value)
        except Computed:
            first, second = self._both(value)
            if all(array.ndim > 1 and array.shape[axis] for array in (first, second)):
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

    def _filled(self, value: Value) -> np.ndarray | None:
        """The number that fills the value, whatever its shape."""
        waiting, seen, numbers = [value], set[Value](), []
        while waiting and len(seen) < LINKS:
            here, origin = self.graph.resolve(waiting.pop())
            node = origin.node if isinstance(origin, Made) and not origin.node.domain else None
            if here in seen:
                continue
            seen.add(here)
            if self.is_constant(here):
                numbers.append(self._pure.array(here).reshape(-1))
            elif node is not None and node.op == "ConstantOfShape":
                numbers.append(self.tensors.constant(node).reshape(-1) if node.attributes else np.zeros(1, np.float32))
            elif node is not None and node.op in FILLED:
                waiting += [given for given in node.inputs[: None if node.op == "Concat" else 1] if given is not None]
            else:
                return None
        first = next((array[0] for array in numbers if array.size), None)
        known = not waiting and first is not None and all((array == first).all() for array in numbers)
        return first if known else None

    def sized(self, size: int) -> list[Values]:
        """The same, where the first or the second size that the file leaves open is this one."""
        if size not in self._sized:
            if len(self._sized) >= LENGTHS:
                raise ValueError(say("the graph writes cells out in too many different lengths"))
            self._sized[size] = [copy(self), copy(self)]
            for other, sizes in zip(self._sized[size], ((size, 2), (2, size)), strict=True):
                other.shapes = [Shapes(self.graph, self.tensors, (*sizes, *SIZES[0][2:]))]
        return self._sized[size]

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
        """The tensors that a value is computed from, and the operators by which. Raises ValueError where all that were
        asked for come to too many."""
        waiting, seen, operators = [self.graph.resolve(value)[0]], dict[Value, None](), set[str]()
        while waiting:
            here = waiting.pop()
            if here not in seen:
                self._visits -= 1
                if self._visits < 0:
                    raise ValueError(say("the graph is too tangled to be followed"))
                seen[here] = None
                origin = self.graph.resolve(here)[1]
                operators |= {origin.node.op} if isinstance(origin, Made) else set()
                waiting += self._made_of(here) or ()
        return [here for here in seen if not self._made_of(here)], operators

    def _made_of(self, value: Value) -> list[Value] | None:
        """The values that a value is computed from; none for a tensor; None for what cannot be computed."""
        if value not in self._parents:
            self._parents[value] = self._before(value)
        return self._parents[value]

    def _before(self, value: Value) -> list[Value] | None:
        origin = self.graph.resolve(value)[1]
        if isinstance(origin, Stored) or (isinstance(origin, Made) and origin.node.op == "Constant"):
            return []
        if not isinstance(origin, Made) or origin.node.op not in OPERATORS or origin.node.domain:
            return None
        return [self.graph.resolve(given)[0] for given in origin.node.inputs if given is not None]
