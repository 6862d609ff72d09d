"""A cell known by its values: a module gave them while it ran, and how it computes its gates is not written here.

Such a cell is a class like any other, made of a recipe that is plain JSON. What its gates read is known and how is not,
so its equations say f_t = own_f(x_t, h_{t-1}). An update that is known, or was found in the values, is an expression as
in any cell, and its carry rule is read off it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lstm_core.cells.base import Cell, Signal
from lstm_core.say import say
from lstm_core.symbols import Expr, SymbolicOps, Symbols, evaluate, lift, symbol

ARITHMETIC = ("+", "-", "*", "/")
OF_ONE, OF_TWO = ("sigmoid", "log_sigmoid", "tanh", "exp", "log", "abs"), ("maximum", "minimum", "greater")
FUNCTIONS = (*OF_ONE, *OF_TWO, "standardized")  # of the last, the second argument may be left out
LONGEST = 100_000
"""Characters of a recipe: it is kept for as long as the program runs."""

KINDS = ("gate", "candidate", "state", "output")
TAKEN = ("inputs", "axes", "tokens", "trace", "continued")  # what else a trace's file holds, by name

Tree = list[Any] | str | float
"""An expression in JSON: ["*", "v.f", "s.c"]; a symbol is its key, a number itself."""


def observed(
    name: str, signals: Sequence[Signal], shapes: Mapping[str, Sequence[int]], update: Mapping[str, Expr]
) -> type[Cell]:
    """The cell with these signals, of which ``update`` says how some of the states are made.

    shapes: of those that were flattened to units, the axes that a sequence has at a step: (8, 5, 5). The same arguments
    give the same class. Raises ValueError for a name that cannot be a signal's.
    """
    known: dict[int, str] = {}
    trees: dict[str, Tree] = {}
    for state, expr in update.items():
        trees[state] = _tree(expr, known)
        known[id(expr)] = state
    recipe = {
        "name": name,
        "signals": [[s.name, s.kind, s.role, s.meaning, *map(_finite, (s.low, s.high))] for s in signals],
        "shapes": {of: list(shape) for of, shape in shapes.items()},
        "update": trees,
    }
    return _made(json.dumps(recipe))


def remade(recipe: Any) -> type[Cell]:
    """The cell of a recipe out of a file. ValueError, TypeError or KeyError for what ``observed`` never wrote."""
    return _made(json.dumps({key: recipe[key] for key in ("name", "signals", "shapes", "update")}))


@lru_cache(maxsize=256)
def _made(recipe: str) -> type[Cell]:
    if len(recipe) > LONGEST:
        raise ValueError(say("the cell's description has more than {longest:,} characters", longest=LONGEST))
    told = json.loads(recipe)
    declared = tuple(_signal(*row) for row in told["signals"])
    names = [signal.name for signal in declared]
    states = [signal.name for signal in declared if signal.kind == "state"]
    _check(names, states, [signal.name for signal in declared if signal.kind == "output"], told)
    before = [name for name in names if name not in told["update"]]

    class Observed(Cell):
        recipe: Mapping[str, Any] = {"observed": told}
        shapes: Mapping[str, tuple[int, ...]] = {of: tuple(shape) for of, shape in told["shapes"].items()}
        name = str(told["name"])
        title = name
        source = "known by its values"
        signals = declared
        params = ()
        by_values = True

        @staticmethod
        def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
            if not isinstance(xp, SymbolicOps):
                raise ValueError(unknown(before))
            return {name: Expr(f"own_{name}", x, *(getattr(s, state) for state in states)) for name in before}

        @staticmethod
        def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
            values = {f"v.{name}": value for name, value in vars(v).items()}
            values |= {f"s.{name}": getattr(s, name) for name in states}
            made: dict[str, Any] = {}
            for state, tree in told["update"].items():
                if isinstance(xp, SymbolicOps):
                    made[state] = _expr(tree, values)
                else:
                    made[state] = evaluate(_expr(tree), values, xp)
                values[f"v.{state}"] = made[state]
            return made

    folded = [f"{of} is {' x '.join(map(str, shape))}" for of, shape in Observed.shapes.items()]
    Observed.__doc__ = f"{Observed.name}, known by the values of {', '.join(names)} alone."
    if folded:
        Observed.__doc__ += f"\n\n    What is flattened to units here: {', '.join(folded)}."
    return Observed


def unknown(names: Sequence[str]) -> str:
    """Why such a cell cannot be run."""
    return (
        f"the values of {', '.join(names)} are known and not the equations, which this needs; declare them as a Cell, "
        "or those of a state as its update (lstm_core.trace_cell)"
    )


def expressions(states: Sequence[str], outputs: Sequence[str], signals: Sequence[str], update: Any) -> dict[str, Expr]:
    """What the function ``update(v, s, xp)`` makes of symbols, by state or output. v: the values of this step, s: the
    states before it. Raises ValueError for what is not there.
    """
    v, s, xp = _Named("v", signals), _Named("s", states), _Named("xp", FUNCTIONS)
    made = {name: lift(value) for name, value in update(v, s, xp).items()}
    for name in made:
        if name not in (*states, *outputs):
            there = ", ".join((*states, *outputs))
            raise ValueError(f"update gives {name!r}, which is neither state nor output; {there} are")
    return made


class _Named:
    """Symbols by attribute, or the functions of a back end; ValueError for another name than these."""

    def __init__(self, group: str, names: Sequence[str]) -> None:
        self._group, self._names, self._made = group, names, Symbols(group)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._names:
            there = ", ".join(self._names)
            raise ValueError(f"update: {self._group} has no {name!r}; it has {there}")
        return getattr(SymbolicOps() if self._group == "xp" else self._made, name)


def _signal(name: str, kind: Any, role: str, meaning: str, low: float | None, high: float | None) -> Signal:
    if kind not in KINDS:
        raise ValueError(say("{kind!r} is not a kind of signal; there are {kinds}", kind=kind, kinds=", ".join(KINDS)))
    ends = -math.inf if low is None else float(low), math.inf if high is None else float(high)
    return Signal(str(name), kind, str(role), str(meaning), *ends)


def _finite(end: float) -> float | None:
    return end if math.isfinite(end) else None


def _check(names: Sequence[str], states: Sequence[str], outputs: Sequence[str], told: Mapping[str, Any]) -> None:
    for name in names:
        if not name.isidentifier() or name in TAKEN or names.count(name) > 1:
            raise ValueError(
                say(
                    "{name!r} cannot name a signal: names are letters, digits and _, each once, and none of {taken}",
                    name=name[:80],
                    taken=", ".join(TAKEN),
                )
            )
    if "h" not in names:
        raise ValueError(
            say("there is no signal h among {names}: what the module gives is called h", names=", ".join(names))
        )
    made: list[str] = []
    for state, tree in told["update"].items():
        there = {f"s.{name}" for name in states}
        there |= {f"v.{name}" for name in names if name in made or name not in told["update"]}
        if state not in (*states, *outputs) or not _fits(tree, there):
            raise ValueError(
                say("the update of {state} is not made of the signals there are by then", state=state[:80])
            )
        made.append(state)
    for shape in told["shapes"].values():
        if not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError(say("{shape} is not a shape", shape=str(shape)[:80]))


def _fits(tree: Any, there: set[str]) -> bool:
    """Whether it is an expression of these symbols."""
    if isinstance(tree, list):
        op, *args = tree
        of_two = op in ARITHMETIC or op in OF_TWO or (op == "standardized" and len(args) == 2)
        known = op in ARITHMETIC or op in FUNCTIONS
        return known and len(args) == 1 + of_two and all(_fits(arg, there) for arg in args)
    return tree in there if isinstance(tree, str) else type(tree) in (int, float)


def _tree(expr: Expr, known: Mapping[int, str]) -> Tree:
    """known: by identity, the states made before: they are written as these."""
    if id(expr) in known:
        return f"v.{known[id(expr)]}"
    if expr.op == "symbol":
        return expr.args[0]
    if expr.op == "number":
        return float(expr.args[0])
    return [expr.op, *(_tree(arg, known) for arg in expr.args)]


def _expr(tree: Tree, values: Mapping[str, Expr] | None = None) -> Expr:
    if isinstance(tree, list):
        return Expr(tree[0], *(_expr(arg, values) for arg in tree[1:]))
    if isinstance(tree, str):
        return symbol(tree) if values is None else values[tree]
    return lift(tree)
