"""An error that vanishes and one that explodes: the powers of a plain RNN's recurrent matrix."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from dashboard.figures.gradients import positive
from dashboard.language import tr
from lstm_core.cells.base import Cell
from lstm_core.drawing import panel as p
from lstm_core.drawing import theme
from lstm_core.equations import carry, equations, plain
from lstm_core.symbols import Expr

STEPS_BACK = 40
KEPT = 50
"""Matrices of which is kept what was computed: some hundred bytes each."""
RADII = (0.8, 1.25)
"""The sizes of the largest eigenvalue that are drawn beside the trained one: a little under 1 and a little over it."""


def recurrent(cell: type[Cell]) -> str | None:
    """The matrix through which alone a cell's state comes from the state before, as in the plain RNN; None where the
    state goes on by itself as well."""
    if cell.by_values or carry(cell) is not None or len(cell.states()) != 1:
        return None
    key = f"s.{cell.states()[0]}"
    found: set[str] = set()

    def find(expr: Expr) -> None:
        if expr.op == "@" and expr.args[1].op == "symbol" and expr.args[1].args[0] == key:
            found.add(plain(expr.args[0]))
        for arg in expr.args:
            if isinstance(arg, Expr) and expr.op not in ("symbol", "number"):
                find(arg)

    for line in equations(cell):
        find(line.expr)
    return found.pop() if len(found) == 1 else None


def powers(id: str, matrix: np.ndarray, name: str, title: str) -> dict[str, Any]:
    """How large the powers of a recurrent matrix are, as trained and with its largest eigenvalue under and over 1.

    ``matrix``: (unit, unit), called ``name``. 1 at 0 steps back.
    """
    radius, trained = spectrum(matrix)
    back = np.arange(STEPS_BACK + 1)
    drawn = [(radius, tr("as trained, {radius:.2f}", radius=radius), theme.role_color("cell", "light"), "solid")]
    if radius > 0:
        drawn += [
            (one, tr("scaled to {radius:.2f}", radius=one), color, "dash")
            for one, color in zip(
                RADII, (theme.role_color("keep", "light"), theme.role_color("write", "light")), strict=True
            )
        ]
    lines, ends = [], []
    for one, label, color, dash in drawn:
        sizes = trained * (one / radius if radius > 0 else 1.0) ** back
        lines.append(p.line(back, positive(sizes), label, color, style={"dash": dash}))
        ends.append((label, sizes[-1]))
    heading = tr("{cell}: an error that vanishes, and one that explodes", cell=title)
    text = tr(
        "After {count} steps back the error is multiplied by: {factors}.",
        count=STEPS_BACK,
        factors=tr("; ").join(tr("{times} ({line})", line=label, times=p.rounded(float(size))) for label, size in ends),
    )
    note = tr(
        "Every step back multiplies the error by {matrix}, and by the slope of tanh, which is at most 1. Drawn are the "
        "powers of {matrix} alone, where the slope is 1. They vanish where its largest eigenvalue is smaller than 1 in "
        "size, and explode where it is larger.",
        matrix=name,
    )
    values = np.concatenate([line["y"] for line in lines])
    low, high = (np.log10(limit(values)) for limit in (np.nanmin, np.nanmax))
    drawing = p.figure(
        lines,
        xaxis={"title": {"text": tr("steps back")}, "showgrid": False, "zeroline": False, "fixedrange": True},
        yaxis=p.value_axis(
            tr("size, the last being 1"),
            type="log",
            range=[float(low) - 0.3, float(high) + 0.3],
            exponentformat="power",
            dtick=max(1, round(float(high - low) / 5)),
        ),
        showlegend=True,
        margin={"l": 60, "t": 8},
    )
    return p.panel(
        id, heading, drawing, text=text, note=note, alt=tr("{title}. {said}", title=heading, said=text), wide=True
    )


_spectra: dict[bytes, tuple[float, np.ndarray]] = {}


def spectrum(matrix: np.ndarray) -> tuple[float, np.ndarray]:
    """The size of the largest eigenvalue, and ``power_sizes``; of wide matrices that takes a second, so it is kept."""
    key = blake2b(matrix.tobytes(), digest_size=16).digest()
    if key not in _spectra:
        if len(_spectra) >= KEPT:
            _spectra.clear()
        _spectra[key] = float(np.abs(np.linalg.eigvals(matrix)).max()), power_sizes(matrix, STEPS_BACK)
    return _spectra[key]


def power_sizes(matrix: np.ndarray, count: int) -> np.ndarray:
    """(count + 1,): the Frobenius norms of the powers of ``matrix``, 1 for the power 0."""
    power, found = np.eye(len(matrix)), []
    for _ in range(count + 1):
        found.append(np.linalg.norm(power) / np.sqrt(len(matrix)))
        power = power @ matrix
    return np.array(found)
