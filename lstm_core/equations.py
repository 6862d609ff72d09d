"""A cell's equations, read off the code that runs: as LaTeX, as a data-flow graph, and as its rule for memory.

Nothing here knows a cell by name. ``gates`` and ``update`` are called with symbols (``lstm_core.symbols``), and what
comes out is the formula that the scan computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY
from lstm_core.symbols import Expr, SymbolicOps, Symbols, contains, evaluate, linear, symbol, symbols


@dataclass(frozen=True)
class Equation:
    """One line: ``name`` is the signal on the left, ``expr`` the right-hand side in symbols."""

    name: str
    expr: Expr
    names: Mapping[int, str]
    """Which subtrees are themselves signals, by identity: they are written as that signal."""

    @property
    def latex(self) -> str:
        """The line in LaTeX, the signal with its step on the left: ``f_t = \\sigma(W_f x_t + ...)``."""
        write = Writer({at: _symbol(f"v.{name}") for at, name in self.names.items()})
        return f"{_symbol(f'v.{self.name}')} = {write(self.expr, root=True)}"


@cache
def equations(cell: type[Cell]) -> tuple[Equation, ...]:
    """The step's equations in the order in which the cell's code computes them: gates, then update."""
    xp, p, s = SymbolicOps(), Symbols("p"), Symbols("s")
    declared = {signal.name for signal in cell.signals}
    values = cell.gates(p, symbol("x"), s, xp)
    v = SimpleNamespace(**{name: symbol(f"v.{name}") if name in declared else expr for name, expr in values.items()})
    values |= cell.update(p, v, s, xp)
    names = {id(expr): name for name, expr in values.items() if name in declared}
    return tuple(Equation(name, expr, names) for name, expr in values.items() if name in declared)


def latex(cell: type[Cell]) -> list[str]:
    """One LaTeX line an equation. A product of two vectors is elementwise and is written with a dot in a circle."""
    return [equation.latex for equation in equations(cell)]


@dataclass(frozen=True)
class Carry:
    """How a cell's memory goes on: ``state`` at t is keep * (its value at t-1) + write * candidate + rest, elementwise.

    ``keep`` and ``write`` are expressions in the values of this step (keys "v.f", "v.z"). ``rest`` is the number 0 but
    for a cell that takes in something else beside: the depth-gated LSTM adds a share of the layer below.
    """

    state: str
    candidate: str
    keep: Expr
    write: Expr
    rest: Expr

    def needs(self, role: str) -> frozenset[str]:
        """The keys of what it reads beside signals: a leak that is a parameter ("p.a"), another old state ("s.h")."""
        return frozenset(key for key in symbols(getattr(self, role)) if not key.startswith("v."))

    def reads(self, role: str) -> frozenset[str]:
        """The names of the signals that it reads: of 1 - z, z alone."""
        return frozenset(key[2:] for key in symbols(getattr(self, role)) if key.startswith("v."))

    def label(self, role: str) -> str:
        """The expression in plain text, such as "f" or "1 - z"."""
        return plain(getattr(self, role))

    def evaluate(
        self, role: str, values: Mapping[str, Any], xp: Any = NUMPY, leaves: Mapping[str, Any] | None = None
    ) -> Any:
        """``keep``, ``write`` or ``rest`` from the values of the cell's signals by name, of any shape.

        ``rest`` needs what the cell reads of the layer below as well, under names such as "below_c". leaves: what else
        there is to read, by the symbols' keys ("p.a", "s.h"), for a cell whose rule needs it (``needs``).
        """
        keys = {("s." if name.startswith("below_") else "v.") + name: value for name, value in values.items()}
        keys |= leaves or {}
        return evaluate(getattr(self, role), keys, xp)


@cache
def carry(cell: type[Cell]) -> Carry | None:
    """The rule of the cell's memory, found from its own update; None if no state goes on linearly (the plain RNN)."""
    lines = {line.name: line for line in equations(cell)}
    candidates = [signal.name for signal in cell.signals if signal.kind == "candidate"]
    for name in cell.states():
        expr = in_signals(lines[name].expr, lines[name].names, root=True)
        parts = linear(expr, f"s.{name}")
        if parts is None or not contains(expr, f"s.{name}"):
            continue
        keep, rest = parts
        for candidate in candidates:
            split = linear(rest, f"v.{candidate}")
            if split is not None and contains(rest, f"v.{candidate}"):
                return Carry(name, candidate, keep, *split)
    return None


def remembering(cell: type[Cell]) -> tuple[str, ...]:
    """The signals that say what a unit remembers and for how long: the memory, and the gates that ``Carry.keep`` is
    made of. The output alone for a cell without such a rule."""
    rule = None if cell.by_values else carry(cell)
    if rule is None:
        return (cell.output,)
    return rule.state, *sorted(rule.reads("keep"))


def in_signals(expr: Expr, names: Mapping[int, str], root: bool = False) -> Expr:
    """``expr`` with every subtree that is a signal written as that signal's symbol."""
    if not root and id(expr) in names:
        return symbol(f"v.{names[id(expr)]}")
    if expr.op in ("symbol", "number"):
        return expr
    return Expr(expr.op, *(in_signals(arg, names) for arg in expr.args))


@dataclass(frozen=True)
class Node:
    """``kind``: "input", "old" (a state of the step before), "layer" (an affine map and what is applied to it),
    "function", "product", "sum", "difference" or "quotient"; a number belongs to the node that uses it (its label is
    then "1 - "). ``signal`` is the signal that this node computes, if it is one."""

    id: int
    kind: str
    label: str
    signal: str | None
    expr: Expr


@dataclass(frozen=True)
class Graph:
    """The data flow of one step. ``edges`` are (from, to) ids of ``nodes``."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


@cache
def graph(cell: type[Cell]) -> Graph:
    """The data-flow graph of a step. Matrix products and biases are gathered into one "layer" node with the
    function on them."""
    lines = equations(cell)
    names = {id(line.expr): line.name for line in lines}
    by_name = {line.name: line.expr for line in lines}
    nodes: dict[int, Node] = {}
    edges: set[tuple[int, int]] = set()
    keys: dict[Any, int] = {}

    def resolve(expr: Expr) -> Expr:
        if expr.op == "symbol" and expr.args[0].startswith("v."):
            return by_name[expr.args[0][2:]]
        return expr

    def visit(expr: Expr) -> int:
        expr = resolve(expr)
        key = expr.args[0] if expr.op in ("symbol", "number") else id(expr)
        if key in keys:
            return keys[key]
        keys[key] = number = len(keys)
        kind, label, sources = _classify(expr)
        nodes[number] = Node(number, kind, label, names.get(id(expr)), expr)
        for source in sources:
            edges.add((visit(source), number))
        return number

    for line in lines:
        visit(line.expr)
    return Graph(tuple(nodes[k] for k in sorted(nodes)), tuple(sorted(edges)))


_KINDS = {"*": "product", "+": "sum", "-": "difference", "/": "quotient"}


def _classify(expr: Expr) -> tuple[str, str, list[Expr]]:
    """Kind, label and the expressions that flow into a node (parameters belong to it and do not flow)."""
    if expr.op == "symbol":
        key = expr.args[0]
        return ("input", "x", []) if key == "x" else ("old", key.partition(".")[2], [])
    leaves = _affine_sources(expr)
    if leaves is not None:
        return "layer", "", leaves
    if expr.op not in _KINDS and len(expr.args) == 1:
        leaves = _affine_sources(expr.args[0])
        if leaves is not None:
            return "layer", expr.op, leaves
    numbers = [arg for arg in expr.args if arg.op == "number"]
    flowing = [arg for arg in expr.args if arg.op != "number" and not _is_parameter(arg)]
    if numbers and expr.op in _KINDS:
        blanks = (arg if arg.op == "number" else symbol("v.") for arg in expr.args)
        return "function", plain(Expr(expr.op, *blanks)), flowing
    return _KINDS.get(expr.op, "function"), expr.op, flowing


def _is_parameter(expr: Expr) -> bool:
    return expr.op == "symbol" and expr.args[0].startswith("p.")


def _affine_sources(expr: Expr) -> list[Expr] | None:
    """What is multiplied by matrices in a sum of matrix products and biases; None if ``expr`` is no such sum."""
    if expr.op == "@":
        return [expr.args[1]]
    if _is_parameter(expr):
        return []
    if expr.op == "*" and any(map(_is_parameter, expr.args)):  # a diagonal matrix, such as a peephole
        return [arg for arg in expr.args if not _is_parameter(arg)]
    if expr.op != "+":
        return None
    parts = [_affine_sources(arg) for arg in expr.args]
    if any(part is None for part in parts):
        return None
    return [source for part in parts for source in part or []]


# How an expression is written. Precedence decides where brackets are needed.

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 3}
_FUNCTIONS = {
    "sigmoid": r"\sigma",
    "log_sigmoid": r"\log\sigma",
    "tanh": r"\tanh",
    "exp": r"\exp",
    "log": r"\log",
    "maximum": r"\max",
    "minimum": r"\min",
}


def _name(name: str) -> tuple[str, str]:
    """Letter and index of a name: b_hn is b with index hn; a letter of several characters is set upright."""
    base, _, index = name.partition("_")
    return (base if len(base) == 1 else rf"\mathrm{{{base}}}"), index


def _symbol(key: str) -> str:
    prefix, _, name = key.partition(".")
    if key == "x":
        return "x_t"
    if name.startswith("below_"):
        return rf"{_symbol('v.' + name.removeprefix('below_'))}^{{\ell-1}}"
    base, index = _name(name)
    if prefix == "p":
        return f"{base}_{{{index}}}" if index else base
    time = "t-1" if prefix == "s" else "t"
    return f"{base}_{{{index},{time}}}" if index else f"{base}_{{{time}}}"


@dataclass(frozen=True)
class Writer:
    """Writes expressions in LaTeX.

    names: the letters of subtrees that have one, by identity. letter: that of a symbol, by its key. functions: further
    ones by name, with {0} for the first of what they are of. times: between what is multiplied. scalars: letters of
    numbers; they stand beside what they are multiplied with, and so do numbers where this is not None.
    """

    names: Mapping[int, str]
    letter: Callable[[str], str] = _symbol
    functions: Mapping[str, str] = field(default_factory=dict)
    times: str = r" \odot "
    scalars: frozenset[str] | None = None

    def __call__(self, expr: Expr, root: bool = False) -> str:
        """root: write the expression out even if it has a letter."""
        if not root and id(expr) in self.names:
            return self.names[id(expr)]
        if expr.op == "symbol":
            return self.letter(expr.args[0])
        if expr.op == "number":
            return re.sub(r"^1e-0*(\d+)$", r"10^{-\1}", f"{expr.args[0]:g}")
        if expr.op == "/":
            return rf"\frac{{{self(expr.args[0])}}}{{{self(expr.args[1])}}}"
        if expr.op in _PRECEDENCE:
            left, right = (self._bracketed(expr, arg, side) for side, arg in enumerate(expr.args))
            if expr.op == "-" and expr.args[0].op == "number" and expr.args[0].args[0] == 0:
                return f"-{right}"
            if expr.op == "@" or (expr.op == "*" and self._beside(expr, left, right)):
                return rf"{left}\, {right}"
            if expr.op == "*" and expr.args[0] is expr.args[1]:
                letter = id(expr.args[0]) in self.names and "^" not in left
                return f"{left}^{{2}}" if letter else rf"\left({self(expr.args[0])}\right)^{{2}}"
            return f"{left}{self.times if expr.op == '*' else f' {expr.op} '}{right}"
        inner = [self(arg) for arg in expr.args]
        if expr.op in self.functions:
            return self.functions[expr.op].format(*inner)
        if expr.op == "divides":
            return rf"\left[{inner[1]} \bmod {inner[0]} = 0\right]"
        function, joined = _FUNCTIONS.get(expr.op, rf"\operatorname{{{expr.op}}}"), ",\\; ".join(inner)
        return rf"{function}\left({joined}\right)"

    def _beside(self, expr: Expr, left: str, right: str) -> bool:
        if self.scalars is None:
            return False
        return "number" in (expr.args[0].op, expr.args[1].op) or bool(self.scalars & {left, right})

    def _bracketed(self, parent: Expr, arg: Expr, side: int) -> str:
        text = self(arg)
        if id(arg) in self.names or arg.op not in _PRECEDENCE or arg.op == "/":
            return text
        mine, its = _PRECEDENCE[parent.op], _PRECEDENCE[arg.op]
        if its < mine or (its == mine and side == 1 and parent.op in ("-", "@")):
            return rf"\left({text}\right)"
        return text


def plain(expr: Expr) -> str:
    """An expression in plain text, without times: "1 - z"."""
    if expr.op == "symbol":
        return expr.args[0].partition(".")[2]
    if expr.op == "number":
        return f"{expr.args[0]:g}"
    if expr.op in _PRECEDENCE:
        parts = []
        for side, arg in enumerate(expr.args):
            text = plain(arg)
            low = arg.op in _PRECEDENCE and (
                _PRECEDENCE[arg.op] < _PRECEDENCE[expr.op]
                or (side == 1 and expr.op in "-/" and _PRECEDENCE[arg.op] == _PRECEDENCE[expr.op])
            )
            parts.append(f"({text})" if low else text)
        return f" {expr.op} ".join(parts)
    return f"{expr.op}({', '.join(map(plain, expr.args))})"
