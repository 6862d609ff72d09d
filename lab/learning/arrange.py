"""A cell's step arranged for training: the tape's operations, and which of them have to wait for the step before.

Sums of matrix products with x_t and the old states, and of biases, are gathered into net inputs, W x_t + U h_{t-1} + b:
all net inputs of a cell are one matrix product. What looks at no old state can be computed for all steps before the
time loop, and what no new state is made of for all steps after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from lstm_core.analysis.tape import Tape, tape
from lstm_core.cells.base import Cell
from lstm_core.equations import carry

COST = "cost"
"""Named as if it were a signal: what a cell writes plus what it forgets (see ``lab.learning.loop.economy``)."""

LOOP, AFTER, BEFORE = 0, 1, 2
"""When an operation is done: step by step, for all steps after the time loop, or for all steps before it."""


@dataclass(frozen=True)
class Op:
    """One operation on earlier ones, ``args``. ``op`` is that of a tape's node, but for two:

    "net": a net input, without ``args``; its ``products`` are (matrix, what it is applied to), such as
        (("U_f",), "s.h"), or (("M", "U_n"), "s.h") for a masked matrix, and its ``biases`` names of vectors;
    "@": one matrix product with anything else; its matrix is the only one in ``products``.
    """

    op: str
    args: tuple[int, ...]
    value: Any = None
    products: tuple[tuple[tuple[str, ...], str], ...] = ()
    biases: tuple[str, ...] = ()
    when: int = BEFORE


@dataclass(frozen=True)
class Step:
    """``ops`` in an order in which each can be computed; ``signals``: where each signal of the cell is computed."""

    ops: tuple[Op, ...]
    signals: Mapping[str, int]


@cache
def arranged(cell: type[Cell]) -> Step:
    """The step of ``cell``, with ``COST`` among its signals if its memory has a rule."""
    rule = carry(cell)
    found = _Arranging(cell, tape(cell, () if rule is None else ((COST, rule.write + (1 - rule.keep)),)))
    return Step(found.timed(), found.signals)


class _Arranging:
    def __init__(self, cell: type[Cell], source: Tape) -> None:
        self.cell, self.nodes = cell, source.nodes
        self.uses = Counter(arg for node in source.nodes for arg in node.args)
        self.leaves = {"x", *(f"s.{name}" for name in cell.states())}
        self.vectors = {f"p.{param.name}" for param in cell.params if len(param.axes) == 1}
        self.ops: list[Op] = []
        self.places: dict[int, int] = {}
        self.signals = {name: self.place(at) for name, at in source.signals.items()}

    def place(self, at: int) -> int:
        """Where node ``at`` of the tape is computed here."""
        if at not in self.places:
            self.places[at] = self._arrange(at)
        return self.places[at]

    def _arrange(self, at: int) -> int:
        node = self.nodes[at]
        terms = self._terms(at) if node.op == "+" else [at]
        products = [term for term in terms if self._affine(term) and (term == at or self._alone(term))]
        if products:
            biases = [term for term in terms if self.nodes[term].value in self.vectors]
            pairs = tuple((self._matrix(term), self._key(self.nodes[term].args[1])) for term in products)
            place = self._add(Op("net", (), products=pairs, biases=tuple(self._key(term)[2:] for term in biases)))
            for term in terms:
                if term not in products and term not in biases:
                    place = self._add(Op("+", (place, self.place(term))))
            return place
        if node.op == "@":
            return self._add(Op("@", (self.place(node.args[1]),), products=((self._matrix(at), ""),)))
        return self._add(Op(node.op, tuple(self.place(arg) for arg in node.args), node.value))

    def _add(self, op: Op) -> int:
        self.ops.append(op)
        return len(self.ops) - 1

    def _terms(self, at: int) -> list[int]:
        """What node ``at``, a sum, is the sum of."""
        parts = []
        for arg in self.nodes[at].args:
            parts += self._terms(arg) if self.nodes[arg].op == "+" and self._alone(arg) else [arg]
        return parts

    def _alone(self, at: int) -> bool:
        """Whether nobody else reads node ``at``."""
        return self.uses[at] == 1 and not self.nodes[at].signals

    def _affine(self, at: int) -> bool:
        return self.nodes[at].op == "@" and self._key(self.nodes[at].args[1]) in self.leaves

    def _key(self, at: int) -> str:
        return self.nodes[at].value if self.nodes[at].op == "symbol" else ""

    def _matrix(self, at: int) -> tuple[str, ...]:
        """The matrix of the product ``at``: one parameter, or the product of one and its mask."""
        matrix = self.nodes[at].args[0]
        return tuple(self._key(name)[2:] for name in self.nodes[matrix].args or (matrix,))

    def timed(self) -> tuple[Op, ...]:
        """The operations with the time at which each is done."""
        states = {f"s.{name}" for name in self.cell.states()}
        moves: list[bool] = []
        for op in self.ops:
            reads = {op.value, *(key for _, key in op.products)}
            moves.append(bool(reads & states) or any(moves[arg] for arg in op.args))
        needed = {self.signals[name] for name in self.cell.states()}
        for at in reversed(range(len(self.ops))):
            needed |= {*self.ops[at].args} if at in needed else set()
        return tuple(
            replace(op, when=(LOOP if at in needed else AFTER) if moves[at] else BEFORE)
            for at, op in enumerate(self.ops)
        )
