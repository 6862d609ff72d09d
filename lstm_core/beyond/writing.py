"""The equations of a model of which a recurrent network is a part, written from the code that runs.

Its step is called with symbols (``lstm_core.symbols``) in the place of arrays, as a cell's ``gates`` and ``update`` are
for the equations of a cell; what it returns by name becomes a line each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_core.equations import Writer
from lstm_core.symbols import Expr, lift, symbol

FUNCTIONS = {
    "tanh": r"\tanh\left({0}\right)",
    "exp": r"\exp\left({0}\right)",
    "transposed": r"{0}^{{\top}}",
}


@dataclass(eq=False)
class Recurrent:
    """Stands for a network under way (``running.Running``): what it shows is a symbol, and a step of it a node.

    name: as it is called in ``letters``; its state before is the symbol "name.h".
    """

    name: str
    h: Expr = field(init=False)

    def __post_init__(self) -> None:
        """The state before the step."""
        self.h = symbol(f"{self.name}.h")

    def __call__(self, x: Any) -> Expr:
        """A step with x."""
        self.h = Expr(self.name, lift(x), self.h)
        return self.h


def parameter(key: str) -> str:
    """The letter of a parameter: "prior.W_mean" is W with "prior" above and "mean" below."""
    group, _, name = key.rpartition(".")
    base, _, index = name.partition("_")
    both = index, group if len(group) > 1 else ""
    below, above = (part if len(part) < 2 else rf"\mathrm{{{part}}}" for part in both)
    return base + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")


def written(
    lines: Mapping[str, Any],
    letters: Mapping[str, str],
    functions: Mapping[str, str] | None = None,
    scalars: Collection[str] = (),
    hidden: Collection[str] = (),
    times: str = r" \odot ",
) -> list[str]:
    """LaTeX of the lines that have a letter. lines: expressions by name. letters: of these names, and of the symbols by
    their keys; another symbol is a parameter. functions, times: as ``Writer`` takes them. scalars: which names are
    those of numbers. hidden: names that are used and not written out."""
    exprs = {name: lift(expr) for name, expr in lines.items() if name in letters}
    names = {id(expr): letters[name] for name, expr in exprs.items() if expr.op != "symbol"}
    numbers = frozenset(letters[name] for name in scalars)
    ops = {**FUNCTIONS, **(functions or {})}
    write = Writer(names, lambda key: letters.get(key) or parameter(key), ops, times, numbers)
    return [f"{letters[name]} = {write(expr, root=True)}" for name, expr in exprs.items() if name not in hidden]
