"""A cell as the source code of a PyTorch module, written from its equations: it needs PyTorch and nothing of ours."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from lstm_core.cells.base import Cell, Param
from lstm_core.equations import equations
from lstm_core.say import say
from lstm_core.symbols import Expr

FUNCTIONS = {
    **{name: f"torch.{name}({{}})" for name in ("sigmoid", "tanh", "exp", "log", "abs")},
    "log_sigmoid": "nn.functional.logsigmoid({})",
    "divides": "(torch.remainder({1}, {0}) == 0).to({1}.dtype)",
}
"""How a function is written; one of two arguments takes them as {0} and {1}."""
BOUNDS = {"maximum": "min", "minimum": "max"}
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2}
TAKEN = {"x", "self", "torch", "nn", "values", "old", "now", "steps", "time", "zeros", "weight", "bound"}


def torch_source(cell: type[Cell], input_size: int, hidden_size: int) -> str:
    """The source of a module for ``cell`` of these sizes, whose parameters are called as the trace's are.

    ``forward(x)`` reads x (time, ..., input) from a state of zeros, or from the states it is given by name, and returns
    every signal by its name, (time, ..., hidden). Raises ValueError for a cell whose equations are not known, or that
    cannot be written.
    """
    if cell.by_values:
        raise ValueError(say("the equations of {cell} are not known", cell=cell.name))
    step, names = _step(cell)
    states, below = cell.states(), [f"below_{name}" for name in cell.below]
    title = "".join(part[:1].upper() + part[1:] for part in cell.name.split("_"))
    old = [f"{name}_old" for name in states]
    sizes = {"input": "input_size", "hidden": "hidden_size"}
    returned = [f'"{name}": {value}' for name, value in names.items()]
    lines = [
        f"# {cell.title} ({cell.source}), written from the equations that ran. It needs PyTorch alone.",
        "import torch",
        "from torch import nn",
        "",
        "",
        f"class {title}(nn.Module):",
        f"    def __init__(self, input_size={input_size}, hidden_size={hidden_size}):",
        "        super().__init__()",
        "        self.hidden_size = hidden_size",
        "        bound = hidden_size**-0.5",
        "",
        "        def weight(*shape):",
        "            return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))",
        "",
        *(f"        {_parameter(param, sizes, hidden_size)}" for param in cell.params),
        "",
        f"    def step(self, {', '.join(['x', *old, *below])}):",
        *(f"        {line}" for line in step),
        f"        return {{{', '.join(returned)}}}",
        "",
        f"    def forward(self, {', '.join(['x', *(f'{name}=None' for name in (*states, *below))])}):",
        "        zeros = x.new_zeros(*x.shape[1:-1], self.hidden_size)",
        f"        old = [zeros if state is None else state for state in [{', '.join(states)}]]",
        "        steps = []",
        "        for time, now in enumerate(x):",
        f"            values = self.step({', '.join(['now', '*old', *map(_at, below)])})",
        f"            old = [values[name] for name in {list(states)!r}]",
        "            steps.append(values)",
        "        return {name: torch.stack([values[name] for values in steps]) for name in steps[0]}",
        "",
    ]
    return "\n".join(lines)


def _at(name: str) -> str:
    """What the layer below gives at a step; zeros under the first layer."""
    return f"zeros if {name} is None else {name}[time]"


def _parameter(param: Param, sizes: Mapping[str, str], hidden: int) -> str:
    if not param.name.isidentifier() or keyword.iskeyword(param.name):
        raise ValueError(say("{name!r} cannot be a name in Python", name=param.name))
    if param.fixed is not None:
        return f'self.register_buffer("{param.name}", {_literal(np.asarray(param.fixed(hidden)))})  # not trained'
    return f"self.{param.name} = weight({', '.join(sizes[axis] for axis in param.axes)})"


def _literal(values: np.ndarray) -> str:
    """A tensor with these values; of a matrix each row that occurs is written once."""
    if values.ndim == 1:
        return f"torch.tensor({values.astype(float).tolist()})"
    rows, places = np.unique(values.astype(float), axis=0, return_inverse=True)
    return f"torch.tensor({rows.tolist()})[{places.reshape(-1).tolist()}]"


def _step(cell: type[Cell]) -> tuple[list[str], dict[str, str]]:
    """The lines of a step, each after what it reads, and what each signal is called in them."""
    lines = {line.name: line for line in equations(cell)}
    names = next(iter(lines.values())).names
    readers = count_readers(line.expr for line in lines.values())
    source: list[str] = []
    known: dict[int, str] = {}  # by the identity of an expression
    called = {name: f"{name}_" if name in TAKEN or keyword.iskeyword(name) else name for name in lines}

    def define(expr: Expr, name: str) -> str:
        if id(expr) not in known:
            text = operation(expr)
            known[id(expr)] = name
            source.append(f"{name} = {text}")
        return known[id(expr)]

    def write(expr: Expr) -> str:
        if expr.op == "number":
            return f"{expr.args[0]:g}" if float(expr.args[0]).is_integer() else repr(float(expr.args[0]))
        if expr.op == "symbol":
            return leaf(expr.args[0])
        if id(expr) in names:
            return define(expr, called[names[id(expr)]])
        if readers[id(expr)] > 1:  # what the cell's code computes once is computed once here
            return define(expr, f"part{1 + sum(name.startswith('part') for name in known.values())}")
        return operation(expr)

    def leaf(key: str) -> str:
        kind, _, name = key.partition(".")
        if kind == "v":
            return define(lines[name].expr, called[name])
        return {"p": f"self.{name}", "s": name if name.startswith("below_") else f"{name}_old"}.get(kind, key)

    def bracketed(expr: Expr, within: int, right: bool) -> str:
        text = write(expr)
        loose = expr.op in PRECEDENCE and text not in known.values() and PRECEDENCE[expr.op] < within + right
        return f"({text})" if loose else text

    def operation(expr: Expr) -> str:
        if expr.op == "@":
            matrix, vector = expr.args
            weight = f"({write(matrix)})" if matrix.op in PRECEDENCE else write(matrix)
            return f"{bracketed(vector, 2, False)} @ {weight}.T"
        if expr.op in PRECEDENCE:
            mine, (left, right) = PRECEDENCE[expr.op], expr.args
            return f"{bracketed(left, mine, False)} {expr.op} {bracketed(right, mine, True)}"
        args = [write(arg) for arg in expr.args]
        if expr.op in BOUNDS and expr.args[1].op == "number":
            return f"{args[0]}.clamp({BOUNDS[expr.op]}={args[1]})"
        if expr.op in BOUNDS:
            return f"torch.{expr.op}({', '.join(args)})"
        if expr.op not in FUNCTIONS:
            raise ValueError(say("there is no PyTorch for {name!r}", name=expr.op))
        return FUNCTIONS[expr.op].format(*args)

    for name, line in lines.items():
        if line.expr.op == "symbol":
            known.setdefault(id(line.expr), write(line.expr))
        define(line.expr, called[name])
    return source, {name: known[id(line.expr)] for name, line in lines.items()}


def count_readers(lines: Iterable[Expr]) -> Counter[int]:
    """How many nodes read each node that is computed, by its identity; each reads it once."""
    found: Counter[int] = Counter()
    gone: set[int] = set()

    def visit(expr: Expr) -> None:
        if id(expr) in gone or expr.op in ("symbol", "number"):
            return
        gone.add(id(expr))
        for arg in expr.args:
            if isinstance(arg, Expr):
                found[id(arg)] += 1
                visit(arg)

    for line in lines:
        visit(line)
    return found
