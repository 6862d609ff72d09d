"""The gradient of a gate's weights as what it is: a sum over time of what every step adds."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.language import tr
from lstm_core.analysis import Gradients
from lstm_core.cells.base import Cell
from lstm_core.drawing import panel as p
from lstm_core.drawing.words import named
from lstm_core.equations import equations
from lstm_core.symbols import Expr
from lstm_core.trace import Trace


def over_time(id: str, trace: Trace, found: Gradients, layer: int, direction: int) -> dict[str, Any]:
    """What each step adds to the gradient of the weights of the gate with the largest error: bars that add up.

    A gate that is what another leaves (1 - f) has no weights of its own, and is not asked.
    """
    matrices = {name: _reads_input(trace.cell, name) for name in found.deltas}
    own = [name for name, matrix in matrices.items() if matrix is not None]
    peak = max(own or matrices, key=lambda name: float(found.norm(name, layer, direction).max(initial=0.0)))
    matrix = matrices[peak]
    cell = tr(trace.cell.title)
    if matrix is None:
        text = tr("{gate} has no weights that read the input.", gate=peak)
        return p.panel(id, tr("{cell}: the gradient of the weights", cell=cell), text=text)
    parts = found.along(matrix, layer, direction)
    names = [named(trace, step) for step in range(len(trace))]
    most = int(np.argmax(np.abs(parts)))
    title = tr("{cell}: the gradient of {matrix}, step by step", cell=cell, matrix=matrix)
    text = tr(
        "Training changes {matrix} by the sum of what every step adds, {sum}; the largest part was added at {word}: "
        "{part}.",
        **{
            "matrix": matrix,
            "sum": f"{parts.sum():.2g}",
            "word": p.read_at(trace, most),
            "part": p.minus(f"{parts[most]:.2g}"),
        },
    )
    note = tr(
        "At each step the error \N{GREEK SMALL LETTER DELTA}{gate} times what was read, a matrix as large as {matrix}. "
        "Drawn is its part along the sum of them all, so that the bars add up to the size of the gradient (its "
        "Frobenius norm).",
        **{"gate": peak, "matrix": matrix},
    )
    bars = p.signed_bars(range(len(trace)), parts, names)
    axes = {"xaxis": p.word_axis(trace), "yaxis": p.value_axis(tr("part of the gradient")), "meta": {"pick": "x"}}
    drawing = p.figure([bars], **axes)
    return p.panel(id, title, drawing, text=text, note=note, alt=tr("{title}. {said}", title=title, said=text))


def _reads_input(cell: type[Cell], gate: str) -> str | None:
    """The matrix that the input is multiplied by in a gate's equation."""
    if cell.by_values:
        return None
    lines = {line.name: line.expr for line in equations(cell)}
    names = {id(expr): name for name, expr in lines.items()}

    def find(expr: Expr, root: bool = False) -> str | None:
        if expr.op in ("symbol", "number") or (not root and id(expr) in names):
            return None
        if expr.op == "@" and expr.args[1].op == "symbol" and expr.args[1].args[0] == "x":
            key = expr.args[0].args[0] if expr.args[0].op == "symbol" else ""
            return key.removeprefix("p.") if key.startswith("p.") else None
        return next((name for arg in expr.args if isinstance(arg, Expr) and (name := find(arg))), None)

    return find(lines[gate], root=True)
