"""What stands in the argument of a gate that is written out: products with constant matrices, and constants added.

Taking parts, and arranging anew, is followed on an array of column numbers: what it does to the last axis is done to
the columns of the matrices, and what it does to the others is left to them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lstm_core.files.formats.onnx.fold import VIEWS, WRONG, Budget, Computed, Fold
from lstm_core.files.formats.onnx.graph import Made, Node, Value, text
from lstm_core.files.formats.onnx.values import Values

SAME = frozenset(("Cast", "CastLike", "Dropout", "Identity"))
PARTS = (VIEWS - {"Identity", "Shape", "SplitToSequence"}) | {"Gather"}
DEPTH = 64


class Term(NamedTuple):
    """``value @ matrix``; the matrix is (input, output)."""

    value: Value
    matrix: np.ndarray


@dataclass(frozen=True)
class Form:
    """The sum of terms and a bias, () or (output,)."""

    terms: tuple[Term, ...]
    bias: np.ndarray

    def plus(self, other: Form) -> Form:
        """The sum of both."""
        return Form(self.terms + other.terms, self.bias + other.bias)

    def times(self, factor: np.ndarray | float) -> Form:
        """Every term and the bias multiplied by a number, or by one for each output, (output,)."""
        if np.ndim(factor) == 0 and factor == 1:
            return self
        terms = tuple(Term(value, np.asarray(matrix * factor, matrix.dtype)) for value, matrix in self.terms)
        return Form(terms, np.asarray(self.bias * factor, self.bias.dtype))

    def columns(self, chosen: np.ndarray) -> Form:
        """Those columns; where they lie side by side, as a part of the same memory."""
        first = int(chosen[0]) if len(chosen) else 0
        together = np.array_equal(chosen, np.arange(first, first + len(chosen)))
        at = slice(first, first + len(chosen)) if together else chosen
        terms = tuple(Term(value, matrix[:, at]) for value, matrix in self.terms)
        return Form(terms, self.bias[at] if self.bias.ndim else self.bias)

    @property
    def size(self) -> int:
        """Bytes of the matrices that have memory of their own."""
        return sum(matrix.nbytes for _, matrix in self.terms if matrix.base is None)


class Affine:
    """Values of a graph as sums of products with constant matrices, each worked out once."""

    def __init__(self, values: Values) -> None:
        """values: of the graph. What is multiplied on the way may take as many bytes as they may."""
        self._values, self._graph = values, values.graph
        self._forms: dict[Value, Form | Computed] = {}
        self._budget = Budget(values.budget.size)

    def bare(self, value: Value) -> Value:
        """The value before what changes nothing."""
        for _ in range(DEPTH):
            value, origin = self._graph.resolve(value)
            before = origin.node.input(0) if isinstance(origin, Made) else None
            if before is None or not isinstance(origin, Made) or origin.node.op not in SAME or origin.node.domain:
                return value
            value = before
        return value

    def node(self, value: Value | None, *operators: str) -> Node | None:
        """The node of one of these operators that makes the value."""
        origin = None if value is None else self._graph.resolve(self.bare(value))[1]
        known = isinstance(origin, Made) and origin.node.op in operators and not origin.node.domain
        return origin.node if known and isinstance(origin, Made) else None

    def alike(self, first: Value, second: Value) -> bool:
        """Whether two states are the same value, or the same numbers, as zeros are that a step writes twice."""
        if first == second:
            return True
        with suppress(*WRONG):
            return np.array_equal(self._values.state(first, -2), self._values.state(second, -2))
        return False

    def form(self, value: Value, depth: int = 0) -> Form:
        """The value as a form; raises Computed if it is none."""
        value = self.bare(value)
        if value not in self._forms:
            try:
                form = self._sum(value, depth + 1)
                self._budget.take(form.size, text(value.name))
                self._forms[value] = form
            except Computed as error:
                self._forms[value] = self._or_rows(value, error)
        form = self._forms[value]
        if isinstance(form, Computed):
            raise form
        return form

    def _sum(self, value: Value, depth: int) -> Form:
        origin = self._graph.resolve(value)[1]
        node = origin.node if isinstance(origin, Made) and not origin.node.domain else None
        given = [] if node is None else [part for part in node.inputs if part is not None]
        if node is None or depth > DEPTH:
            raise Computed("")
        if node.op in ("Gemm", "MatMul") and len(given) > 1 and self._values.is_constant(given[1]):
            return self._product(node, given, depth)
        if node.op in ("Add", "Sub") and len(given) == 2:
            second = self.form(given[1], depth)
            return self.form(given[0], depth).plus(second.times(-1) if node.op == "Sub" else second)
        if node.op == "Mul" and len(given) == 2 and any(map(self._values.is_constant, given)):
            factor, other = given if self._values.is_constant(given[0]) else given[::-1]
            return self.form(other, depth).times(self._rows(factor).bias)
        if node.op in PARTS:
            return self._part(value, node, depth)
        raise Computed("")

    def _or_rows(self, value: Value, error: Computed) -> Form | Computed:
        try:
            return self._rows(value) if self._values.is_constant(value) else error
        except Computed as other:
            return other

    def _rows(self, value: Value) -> Form:
        """A constant that is the same for every sequence."""
        rows = self._values.constant(value)
        rows = rows.reshape(-1, rows.shape[-1]) if rows.ndim else rows[None]
        if not rows.size or (rows != rows[:1]).any():
            raise Computed("")
        return Form((), rows[0])

    def _product(self, node: Node, given: list[Value], depth: int) -> Form:
        matrix, settings = self._values.constant(given[1]), node.values
        matrix = matrix.T if settings.get("transB") else matrix
        if matrix.ndim != 2 or settings.get("transA"):
            raise Computed("")
        product = Form((Term(self._unflattened(given[0]), matrix),), np.zeros(matrix.shape[1], matrix.dtype))
        form = product.times(settings.get("alpha", 1.0))
        return form if len(given) < 3 else form.plus(self.form(given[2], depth).times(settings.get("beta", 1.0)))

    def _unflattened(self, value: Value) -> Value:
        """What is multiplied, before its rows were put into one matrix, as ONNX Runtime does for a Gemm."""
        value = self.bare(value)
        node = self.node(value, "Reshape")
        with suppress(*WRONG):
            if node is not None and node.inputs[0] is not None:
                before, after = (self._values.shapes[0].array(of).shape for of in (node.inputs[0], value))
                if len(after) == 2 and len(before) == 3 and before[2] == after[1]:
                    return self.bare(node.inputs[0])
        return value

    def parts(self, term: Term) -> list[Term]:
        """A product of values that are put side by side as the sum of theirs; of another, that one."""
        node = self.node(term.value, "Concat")
        parts = [] if node is None else [part for part in node.inputs if part is not None]
        shapes = [self._values.shapes[0].array(part).shape for part in parts]
        if node is None or not shapes or node.values.get("axis") not in (-1, len(shapes[0]) - 1):
            return [term]
        matrices = np.split(term.matrix, np.cumsum([shape[-1] for shape in shapes])[:-1])
        return [Term(self.bare(part), rows) for part, rows in zip(parts, matrices, strict=True)]

    def _part(self, value: Value, node: Node, depth: int) -> Form:
        split = self.node(node.inputs[0], "SplitToSequence") if node.op == "SequenceAt" else node
        of = None if split is None else split.inputs[0]
        if of is None:
            raise Computed("")
        form, shape = self.form(of, depth), self._values.shapes[0].array(of).shape
        if not shape or any(term.matrix.shape[1] != shape[-1] for term in form.terms):
            raise Computed("")
        numbers = {self._graph.resolve(of)[0]: np.broadcast_to(np.arange(shape[-1]), shape)}
        result = Fold(self._graph, self._values.tensors, self._budget, numbers, strict=False).array(value)
        rows = result.reshape(-1, result.shape[-1]) if result.ndim else result[None]
        if (rows != rows[:1]).any():
            raise Computed("")
        return form.columns(rows[0])
