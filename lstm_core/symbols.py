"""A third back end, whose arrays are symbols: running a cell on it gives the cell's equations as expression trees."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class Expr:
    """A node of an expression tree. ``op`` is "symbol", "number", "@", "+", "-", "*", "/", or the name of a function.

    A symbol's only argument is its key, "x", "p.W_f", "s.c" (old state) or "v.f" (value of this step).
    Two nodes are the same quantity if they are the same object: the cell's code decides what is shared.
    """

    __slots__ = ("op", "args")
    __array_ufunc__ = None  # a NumPy number on the left leaves the operation to us

    def __init__(self, op: str, *args: Any) -> None:
        """op, args: as in the class."""
        self.op = op
        self.args = args

    def __add__(self, other: Any) -> Expr:
        """self + other as a node; numbers become nodes of their own."""
        return Expr("+", self, lift(other))

    def __radd__(self, other: Any) -> Expr:
        """other + self as a node, where ``other`` is a number."""
        return Expr("+", lift(other), self)

    def __sub__(self, other: Any) -> Expr:
        """self - other as a node."""
        return Expr("-", self, lift(other))

    def __rsub__(self, other: Any) -> Expr:
        """other - self as a node: the 1 - z of a GRU."""
        return Expr("-", lift(other), self)

    def __mul__(self, other: Any) -> Expr:
        """self * other as a node, elementwise."""
        return Expr("*", self, lift(other))

    def __rmul__(self, other: Any) -> Expr:
        """other * self as a node, where ``other`` is a number."""
        return Expr("*", lift(other), self)

    def __truediv__(self, other: Any) -> Expr:
        """self / other as a node, elementwise."""
        return Expr("/", self, lift(other))

    def __rtruediv__(self, other: Any) -> Expr:
        """other / self as a node, where ``other`` is a number."""
        return Expr("/", lift(other), self)

    def __neg__(self) -> Expr:
        """0 - self: a negation is not an operator of its own."""
        return Expr("-", lift(0), self)

    def __matmul__(self, other: Expr) -> Expr:
        """A matrix times a vector as a node."""
        return Expr("@", self, other)

    def __repr__(self) -> str:
        """The tree with its operators in front: "+(@(symbol(p.W_f), symbol(x)), symbol(p.b_f))"."""
        return f"{self.op}({', '.join(map(str, self.args))})"


def lift(value: Any) -> Expr:
    """A node, of a number if ``value`` is none yet."""
    return value if isinstance(value, Expr) else Expr("number", value)


def symbol(key: str) -> Expr:
    """A node with that key, "p.W_f"; a new one at every call, so no other node is the same quantity."""
    return Expr("symbol", key)


class Symbols:
    """Attribute access gives symbols, always the same one for a name: ``Symbols("p").W_f`` has the key "p.W_f"."""

    def __init__(self, prefix: str) -> None:
        """prefix: what stands before the dot of every key."""
        self._prefix = prefix

    def __getattr__(self, name: str) -> Expr:
        """The symbol of that name, made at the first call. Raises AttributeError for a name of Python's own."""
        if name.startswith("_"):
            raise AttributeError(name)
        value = symbol(f"{self._prefix}.{name}")
        setattr(self, name, value)
        return value


class SymbolicOps:
    """Every function of a back end, as a node of that name."""

    name = "symbols"

    @staticmethod
    def concatenate(arrays: Sequence[Any], axis: int = 0) -> Expr:
        """What is put one after another, along whichever axis."""
        return Expr("concatenate", *map(lift, arrays))

    def __getattr__(self, function: str) -> Any:
        """A function that makes a node of that name from its arguments."""
        if function.startswith("_"):
            raise AttributeError(function)
        return lambda *args: Expr(function, *map(lift, args))


def evaluate(expr: Expr, values: Mapping[str, Any], xp: Any) -> Any:
    """The value of ``expr`` with its symbols' values by key, computed by the back end ``xp``."""
    if expr.op == "symbol":
        return values[expr.args[0]]
    if expr.op == "number":
        return expr.args[0]
    args = [evaluate(arg, values, xp) for arg in expr.args]
    match expr.op:
        case "+":
            return args[0] + args[1]
        case "-":
            return args[0] - args[1]
        case "*":
            return args[0] * args[1]
        case "/":
            return args[0] / args[1]
        case "@":
            return args[0] @ args[1]
        case function:
            return getattr(xp, function)(*args)


def linear(expr: Expr, key: str) -> tuple[Expr, Expr] | None:
    """(a, b) with expr = a * symbol(key) + b and neither holding the symbol; None if expr is not linear in it."""
    if expr.op == "symbol":
        return (lift(1), lift(0)) if expr.args[0] == key else (lift(0), expr)
    if not contains(expr, key):
        return lift(0), expr
    parts = [linear(arg, key) for arg in expr.args]
    if expr.op not in ("+", "-", "*", "/") or None in parts:
        return None
    (a, b), (c, d) = parts  # type: ignore[misc]
    match expr.op:
        case "+":
            return _add(a, c), _add(b, d)
        case "-":
            return _subtract(a, c), _subtract(b, d)
        case "*" if _is(a, 0):
            return _multiply(b, c), _multiply(b, d)
        case "*" if _is(c, 0):
            return _multiply(a, d), _multiply(b, d)
        case "/" if _is(c, 0):
            return _divide(a, d), _divide(b, d)
    return None


def contains(expr: Expr, key: str) -> bool:
    """Whether the symbol with that key is anywhere in the tree."""
    if expr.op == "symbol":
        return expr.args[0] == key
    return expr.op != "number" and any(contains(arg, key) for arg in expr.args)


def symbols(expr: Expr) -> set[str]:
    """The keys of all symbols in it."""
    if expr.op == "symbol":
        return {expr.args[0]}
    return set() if expr.op == "number" else set().union(*map(symbols, expr.args))


def _is(expr: Expr, number: float) -> bool:
    return expr.op == "number" and expr.args[0] == number


def _number(op: Callable[[Any, Any], Any], a: Expr, b: Expr) -> Expr | None:
    """Of two numbers the result, so that a rule says 0.86 and not 1 + 0.2 * (0 - 0.7)."""
    return lift(op(a.args[0], b.args[0])) if a.op == b.op == "number" else None


def _add(a: Expr, b: Expr) -> Expr:
    both = _number(operator.add, a, b)
    if both is not None:
        return both
    return b if _is(a, 0) else a if _is(b, 0) else a + b


def _subtract(a: Expr, b: Expr) -> Expr:
    both = _number(operator.sub, a, b)
    if both is not None:
        return both
    return a if _is(b, 0) else a - b


def _multiply(a: Expr, b: Expr) -> Expr:
    both = _number(operator.mul, a, b)
    if both is not None:
        return both
    if _is(a, 0) or _is(b, 0):
        return lift(0)
    return b if _is(a, 1) else a if _is(b, 1) else a * b


def _divide(a: Expr, b: Expr) -> Expr:
    return lift(0) if _is(a, 0) else a if _is(b, 1) else a / b
