"""A cell as a JavaScript module, written from its equations: a browser runs it with nothing of ours beside it.

``javascript(cell)`` exports ``step(p, x, s)``: every signal of one step, by name, from the parameters ``p``, what is
read ``x`` and the old states ``s``. Weights are Float32Arrays, a matrix is {rows, columns, values}, row after row; what
is computed is in double precision, and so is closer to the equations than NumPy's run in float32.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from lstm_core import attention
from lstm_core.cells.base import Cell
from lstm_core.equations import carry, equations, in_signals
from lstm_core.say import say
from lstm_core.symbols import Expr, symbols
from lstm_core.torch_source import count_readers

HELPERS = {
    "sigmoid": "const sigmoid = (a) => 1 / (1 + Math.exp(-a))",
    "log_sigmoid": "const log_sigmoid = (a) => Math.min(a, 0) - Math.log1p(Math.exp(-Math.abs(a)))",
    "greater": "const greater = (a, b) => (a > b ? 1 : 0)",
    "divides": "const divides = (period, count) => (count % period === 0 ? 1 : 0)",
    "vectors": "const vectors = (count, units) => Array.from({ length: count }, () => new Float64Array(units))",
    "dot": """// Row r of the matrix W times the vector v.
function dot(W, r, v) {
  let sum = 0
  for (let k = 0, at = r * W.columns; k < W.columns; k++, at++) sum += W.values[at] * v[k]
  return sum
}""",
    "product": """// Two matrices of one shape, element by element.
const product = (A, B) => ({ ...A, values: A.values.map((value, k) => value * B.values[k]) })""",
    "standardized": """// A vector with mean 0 and variance 1.
function standardized(v, eps = 1e-5) {
  const mean = v.reduce((sum, a) => sum + a, 0) / v.length
  const variance = v.reduce((sum, a) => sum + (a - mean) ** 2, 0) / v.length
  return v.map((a) => (a - mean) / Math.sqrt(variance + eps))
}""",
    "times": """// A matrix times each of these vectors.
const times = (W, vectors) => vectors.map((v) => Float64Array.from({ length: W.rows }, (_, r) => dot(W, r, v)))""",
    "inner": """// The product of each pair of vectors: a row for every one of the first.
const inner = (now, states) =>
  now.map((a) => Float64Array.from(states, (b) => a.reduce((sum, _, k) => sum + a[k] * b[k], 0)))""",
    "softmax_past": """// Shares of the steps up to each one itself; those after it have none.
const softmax_past = (scores) =>
  scores.map((row, t) => {
    const most = Math.max(...row.subarray(0, t + 1))
    const parts = Array.from(row, (score, k) => (k <= t ? Math.exp(score - most) : 0))
    const whole = parts.reduce((sum, part) => sum + part, 0)
    return Float64Array.from(parts, (part) => part / whole)
  })""",
    "mix": """// The mean of the states under each row of weights.
const mix = (weights, states) =>
  weights.map((row) => {
    const mean = (unit) => states.reduce((sum, state, k) => sum + row[k] * state[unit], 0)
    return Float64Array.from({ length: states[0].length }, (_, unit) => mean(unit))
  })""",
}
"""What a module defines for itself, where it needs it."""
NEEDS = {"times": ("dot",)}
MATH = {name: f"Math.{name}" for name in ("tanh", "exp", "log", "abs")} | {"maximum": "Math.max", "minimum": "Math.min"}
ELEMENTWISE = {*MATH, "sigmoid", "log_sigmoid", "greater", "divides"}
WHOLE = {"standardized"}
"""Functions of a whole vector."""
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
TAKEN = {"p", "x", "s", "v", "units", "unit", "step", "derived", "attend", "Math", *HELPERS}
TAKEN |= set(
    "await break case catch class const continue debugger default delete do else enum export extends false".split()
)
TAKEN |= set("finally for function if implements import in instanceof interface let new null package private".split())
TAKEN |= set("protected public return static super switch this throw true try typeof var void while with yield".split())


def javascript(cell: type[Cell], looks_back: bool = False) -> str:
    """The source of the module. Beside ``step`` it exports ``derived``: by its label, what the cell's memory keeps and
    writes where that is no signal of its own ("1 - z"), a vector from the signals of a step; where the output is not
    the memory itself, ``shown(v)``, the output that signals give, whatever memory is put among them; and with
    ``looks_back`` ``attend(p, now, states)``, the attention of a readout, over lists of vectors.

    Raises ValueError for a cell whose equations are not known, or that cannot be written.
    """
    if cell.by_values:
        raise ValueError(say("the equations of {cell} are not known", cell=cell.name))
    written = _Step(cell)
    parts, used = [*written.source()], set(written.used)
    for lines, more in [_derived(cell), _shown(cell), *([_attention()] if looks_back else [])]:
        parts += ["", *lines] if lines else []
        used |= more
    used |= {one for name in used for one in NEEDS.get(name, ())}
    head = f"// {cell.title} ({cell.source}), written from the equations that run in Python."
    helpers = [line for name in HELPERS if name in used for line in ("", HELPERS[name])]
    return "\n".join([head, "", *parts, *helpers, ""])


class _Step:
    """The lines of a step, in loops over the units. A product needs the whole of the vector that it reads, so it stands
    in a loop after the one that makes it; x and the old states are there before the first."""

    def __init__(self, cell: type[Cell]) -> None:
        self.cell = cell
        self.lines = {line.name: line for line in equations(cell)}
        self.names = next(iter(self.lines.values())).names
        self.readers = count_readers(line.expr for line in self.lines.values())
        self.called = {name: f"{name}_" if name in TAKEN or name.startswith("part") else name for name in self.lines}
        self.scalars = {f"p.{param.name}" for param in cell.params if not param.axes}
        self.used = {"vectors"}
        self.before: list[str] = []
        self.parts = 0
        self.units: dict[str, str] = {}  # of each vector that is made, how many it has
        self.loops: dict[tuple[int, str], list[str]] = {}  # (which, over how many units); over none, what stands alone
        self.known: dict[
            int, tuple[str, int]
        ] = {}  # by the identity of an expression: its name, the loop it is made in
        self.signals = {name: self.define(line.expr, self.called[name])[0] for name, line in self.lines.items()}

    def source(self) -> list[str]:
        hidden = next(param for param in self.cell.params if param.axes[:1] == ("hidden",))
        size = f"{member('p', hidden.name)}.{'rows' if len(hidden.axes) == 2 else 'length'}"
        usual = [name for name, units in self.units.items() if units == "units"]
        body = [f"const units = {size}", f"const [{', '.join(usual)}] = vectors({len(usual)}, units)"]
        body += [f"const {name} = new Float64Array({units})" for name, units in self.units.items() if units != "units"]
        body += self.before
        for (_, units), lines in sorted(self.loops.items()):
            loop = [f"for (let unit = 0; unit < {units}; unit++) {{", *(f"  {line}" for line in lines), "}"]
            body += loop if units else lines
        signals = (name if name == called else f"{name}: {called}" for name, called in self.signals.items())
        return [
            "export function step(p, x, s) {",
            *(f"  {line}" for line in [*body, f"return {{ {', '.join(signals)} }}"]),
            "}",
        ]

    def define(self, expr: Expr, name: str) -> tuple[str, int]:
        """The name of the vector with these values, and the loop from which on it can be read unit by unit."""
        if id(expr) in self.known:
            return self.known[id(expr)]
        if expr.op in WHOLE:
            self.used.add(expr.op)
            read, loop = self.vector(expr.args[0])
            more = [f"{one.args[0]}" for one in expr.args[1:]]
            self.loops.setdefault((loop + 1, ""), []).append(f"const {name} = {expr.op}({', '.join([read, *more])})")
            self.known[id(expr)] = name, loop + 1
            return self.known[id(expr)]
        leaf = expr.op in ("symbol", "number")
        text, loop = self.write(expr) if leaf else self.operation(expr)
        # h may be narrower than its gates, where a matrix makes it
        units = f"{self.matrix(expr.args[0])}.rows" if expr.op == "@" else "units"
        self.units[name] = units
        self.loops.setdefault((loop, units), []).append(f"{name}[unit] = {text}")
        self.known[id(expr)] = name, loop + (units != "units")
        return self.known[id(expr)]

    def part(self) -> str:
        self.parts += 1
        return f"part{self.parts}"

    def write(self, expr: Expr) -> tuple[str, int]:
        """The value of one unit, and the loop in which it can stand."""
        if expr.op == "number":
            return f"{expr.args[0]:g}" if float(expr.args[0]).is_integer() else repr(float(expr.args[0])), 0
        if expr.op == "symbol" and not expr.args[0].startswith("v."):
            kind, _, name = expr.args[0].partition(".")
            return f"{member(kind, name)}[{'0' if expr.args[0] in self.scalars else 'unit'}]", 0
        if expr.op == "symbol" or id(expr) in self.names or self.readers[id(expr)] > 1 or expr.op in WHOLE:
            name, loop = self.vector(expr)
            return f"{name}[unit]", max(loop, 0)
        return self.operation(expr)

    def vector(self, expr: Expr) -> tuple[str, int]:
        """The name of a whole vector, and the loop that makes it, -1 for what is there before."""
        if expr.op == "symbol":
            kind, _, name = expr.args[0].partition(".")
            return self.define(self.lines[name].expr, self.called[name]) if kind == "v" else (member(kind, name), -1)
        return self.define(expr, self.called[self.names[id(expr)]] if id(expr) in self.names else self.part())

    def matrix(self, expr: Expr) -> str:
        if expr.op == "symbol":
            return member("p", expr.args[0].partition(".")[2])
        if expr.op != "*":
            raise ValueError(say("there is no JavaScript for {name!r}", name=expr.op))
        if id(expr) not in self.known:
            self.used.add("product")
            text = f"product({', '.join(map(self.matrix, expr.args))})"
            self.known[id(expr)] = self.part(), -1
            self.before.append(f"const {self.known[id(expr)][0]} = {text}")
        return self.known[id(expr)][0]

    def operation(self, expr: Expr) -> tuple[str, int]:
        if expr.op == "@":
            self.used.add("dot")
            read, loop = self.vector(expr.args[1])
            return f"dot({self.matrix(expr.args[0])}, unit, {read})", loop + 1
        texts, loops = zip(*map(self.write, expr.args), strict=True)
        if expr.op not in PRECEDENCE and expr.op not in ELEMENTWISE:
            raise ValueError(say("there is no JavaScript for {name!r}", name=expr.op))
        self.used.add(expr.op)
        inside = [self.known_or_operation(arg) for arg in expr.args]
        return composed(expr.op, inside, texts), max(loops)

    def known_or_operation(self, expr: Expr) -> str:
        """The operation that an argument is written out as, "" where it is a name or a number."""
        return "" if id(expr) in self.known or expr.op not in PRECEDENCE else expr.op


def composed(op: str, inside: Sequence[str], texts: Sequence[str]) -> str:
    """An elementwise operation on what is written already; ``inside``: which operation each argument is itself."""
    if op not in PRECEDENCE:
        return f"{MATH.get(op, op)}({', '.join(texts)})"
    low = [one and PRECEDENCE[one] < PRECEDENCE[op] + side for side, one in enumerate(inside)]
    left, right = (f"({text})" if loose else text for loose, text in zip(low, texts, strict=True))
    return f"{left} {op} {right}"


def member(of: str, name: str) -> str:
    """What stands for a symbol: "x", "p.W_i", or in brackets where a name is none in JavaScript."""
    if not name:
        return of
    return f"{of}.{name}" if name.isascii() and name.isidentifier() else f"{of}[{json.dumps(name)}]"


def _of_signals(expr: Expr, unit: str = "[unit]") -> tuple[str, set[str]]:
    """One unit's value from the signals ``v`` of a step, and the helpers that it needs. Raises ValueError for what is
    not made of them unit by unit."""
    used: set[str] = set()

    def write(expr: Expr) -> str:
        if expr.op == "number":
            return f"{expr.args[0]:g}"
        if expr.op == "symbol" and expr.args[0].startswith("v."):
            return f"{member('v', expr.args[0][2:])}{unit}"
        if expr.op not in PRECEDENCE and expr.op not in ELEMENTWISE:
            raise ValueError(say("there is no JavaScript for {name!r}", name=expr.op))
        used.add(expr.op)
        inside = [arg.op if arg.op in PRECEDENCE else "" for arg in expr.args]
        return composed(expr.op, inside, [*map(write, expr.args)])

    return write(expr), used


def _derived(cell: type[Cell]) -> tuple[list[str], set[str]]:
    """``derived`` and the helpers that it needs."""
    rule, used, lines = carry(cell), set(), []
    for role in ("keep", "write") if rule is not None else ():
        assert rule is not None
        first = sorted(symbols(getattr(rule, role)))
        if rule.label(role) in {signal.name for signal in cell.signals} or rule.needs(role) or not first:
            continue
        text, more = _of_signals(getattr(rule, role))
        used |= more
        lines.append(f"  {json.dumps(rule.label(role))}: (v) => {member('v', first[0][2:])}.map((_, unit) => {text}),")
    return (["export const derived = {", *lines, "}"] if lines else ["export const derived = {}"]), used


def _shown(cell: type[Cell]) -> tuple[list[str], set[str]]:
    """``shown`` and the helpers that it needs; nothing of a cell that does not show its memory unit by unit."""
    rule = carry(cell)
    if rule is None or rule.state == cell.output:
        return [], set()
    line = next(line for line in equations(cell) if line.name == cell.output)
    try:
        text, used = _of_signals(in_signals(line.expr, line.names, root=True))
    except ValueError:
        return [], set()
    of = member("v", rule.state)
    return [f"export const shown = (v) => {of}.map((_, unit) => {text})"], used


def _attention() -> tuple[list[str], set[str]]:
    """``attend`` and the helpers that it needs."""
    lines, used = attention.expressions(), set()
    names = {id(expr): name for name, expr in lines.items()}

    def write(expr: Expr, root: bool = False) -> str:
        if not root and id(expr) in names:
            return names[id(expr)]
        if expr.op == "symbol":
            kind, _, name = expr.args[0].partition(".")
            return member(kind, name)
        function = "times" if expr.op == "@" else expr.op
        used.add(function)
        return f"{function}({', '.join(map(write, expr.args))})"

    body = [f"  const {name} = {write(expr, root=True)}" for name, expr in lines.items()]
    return ["export function attend(p, now, states) {", *body, f"  return {{ {', '.join(lines)} }}", "}"], used
