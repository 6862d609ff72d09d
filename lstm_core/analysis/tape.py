"""A cell's step as a list of operations, each done once and in order: forcing a value goes along it, an error back."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lstm_core.cells.base import Cell
from lstm_core.equations import equations
from lstm_core.observed import unknown
from lstm_core.ops import NUMPY
from lstm_core.symbols import Expr

ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "@": operator.matmul,
}


@dataclass(frozen=True)
class Node:
    """One operation on earlier nodes. A leaf has no ``args``: ``value`` is a symbol's key ("x", "p.W_f", "s.c") or a
    number. ``signals``: the cell's signals that this node computes."""

    op: str
    args: tuple[int, ...]
    value: Any
    signals: tuple[str, ...]


@dataclass(frozen=True)
class Tape:
    """``nodes`` in an order in which each can be computed; ``signals``: where each signal of the cell is computed."""

    nodes: tuple[Node, ...]
    signals: Mapping[str, int]

    def forward(
        self, leaves: Mapping[str, Any], xp: Any = NUMPY, edit: Callable[[str, Any], Any] | None = None
    ) -> list[Any]:
        """The value of every node. ``edit(signal, value)`` may replace a signal; all that depends on it follows.

        Raises ValueError where a signal is known by its values alone and ``edit`` does not give it.
        """
        values: list[Any] = []
        for node in self.nodes:
            value = _done(node, leaves, values.__getitem__, xp)
            for name in node.signals if edit else ():
                value = edit(name, value)  # type: ignore[misc]
            if value is None:  # of a cell known by its values, and this one was not put in
                raise ValueError(unknown(node.signals or (node.op,)))
            values.append(value)
        return values

    def signal(self, name: str, leaves: Mapping[str, Any], given: Mapping[str, Any], xp: Any = NUMPY) -> Any:
        """The signal ``name`` where others are ``given``; nothing is computed that it does not need."""
        return self.asked(leaves, given, xp)(self.signals[name])

    def asked(self, leaves: Mapping[str, Any], given: Mapping[str, Any], xp: Any = NUMPY) -> Callable[[int], Any]:
        """What gives the value of a node where signals are ``given``, and computes no more than that needs."""
        values = {self.signals[one]: value for one, value in given.items()}

        def at(place: int) -> Any:
            if place not in values:
                values[place] = _done(self.nodes[place], leaves, at, xp)
            if values[place] is None:
                raise ValueError(unknown(self.nodes[place].signals or (self.nodes[place].op,)))
            return values[place]

        return at


def _done(node: Node, leaves: Mapping[str, Any], at: Callable[[int], Any], xp: Any) -> Any:
    """The value of a node, of whose arguments ``at(place)`` gives the values; None where it is not known how."""
    if node.op == "symbol":
        return leaves[node.value]
    if node.op == "number":
        return node.value
    function = ARITHMETIC.get(node.op) or getattr(xp, node.op, None)
    return function(*map(at, node.args)) if function else None


@cache
def tape(cell: type[Cell], more: tuple[tuple[str, Expr], ...] = ()) -> Tape:
    """The step of ``cell``, read off the code that runs. ``more``: what is to be computed beside, by name, from the
    symbols of the equations and from the signals ("v.f")."""
    lines = {line.name: line.expr for line in equations(cell)} | dict(more)
    places: dict[int, int] = {}
    found: list[tuple[Expr, tuple[int, ...]]] = []

    def visit(expr: Expr) -> int:
        while expr.op == "symbol" and expr.args[0].startswith("v."):
            expr = lines[expr.args[0][2:]]
        if id(expr) not in places:
            args = () if expr.op in ("symbol", "number") else tuple(visit(arg) for arg in expr.args)
            places[id(expr)] = len(found)
            found.append((expr, args))
        return places[id(expr)]

    signals = {name: visit(expr) for name, expr in lines.items()}
    nodes = tuple(
        Node(expr.op, args, None if args else expr.args[0], tuple(s for s, at in signals.items() if at == place))
        for place, (expr, args) in enumerate(found)
    )
    return Tape(nodes, signals)
