"""A recurrent network that is a part of another one: it goes on a step at a time, and what it did becomes a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.ops import NUMPY
from lstm_core.text import Token
from lstm_core.trace import Trace

Do = Callable[[int, Any, Any, Any], "Mapping[str, Any] | None"]
"""What is done instead of a step: (step, parameters, x, states) to the signals, or None where nothing is."""


def step(cell: type[Cell], p: Any, x: Any, state: Mapping[str, Any], xp: Any = NUMPY) -> dict[str, Any]:
    """Every signal of one step of the cell."""
    s = SimpleNamespace(**state)
    values = cell.gates(p, x, s, xp)
    values |= cell.update(p, SimpleNamespace(**values), s, xp)
    return {signal.name: values[signal.name] for signal in cell.signals}


@dataclass(eq=False)
class Running:
    """A network of one layer under way. p: its parameters, as ``lstm_core.ops.parameters`` gives them. state: by name,
    (batch, unit). do: what happens to its steps. steps: the signals of each, and its "inputs"."""

    cell: type[Cell]
    p: Any
    state: Mapping[str, Any]
    xp: Any = NUMPY
    do: Do | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def h(self) -> Any:
        """(batch, unit): what it shows after its last step."""
        return self.state[self.cell.output]

    def __call__(self, x: Any) -> Any:
        """Go on with x (batch, input); what it shows then, (batch, unit)."""
        values = self.do(len(self.steps), self.p, x, SimpleNamespace(**self.state)) if self.do else None
        if values is None:
            values = step(self.cell, self.p, x, self.state, self.xp)
        self.state = {name: values[name] for name in self.state}
        self.steps.append({**{signal.name: values[signal.name] for signal in self.cell.signals}, "inputs": x})
        return self.h

    def trace(
        self, params: Mapping[str, np.ndarray], initial: Mapping[str, np.ndarray], k: int = 0, words: Sequence[str] = ()
    ) -> Trace:
        """What row ``k`` of a batch did, as a trace of the first of its steps if ``words`` are fewer. params: its
        parameters as arrays. initial: by name, (batch, unit)."""
        steps = self.steps[: len(words)] if words else self.steps
        values = {name: np.stack([one[name][k : k + 1] for one in steps]) for name in steps[0]}
        first = {name: value[k : k + 1] for name, value in initial.items()}
        return traced(self.cell, params, values, values["inputs"], first, words)


def slope(loss: Callable[[np.ndarray], np.ndarray], h: np.ndarray, apart: float = 1e-4) -> np.ndarray:
    """(unit,): how a loss grows with each number of h (unit,), by central differences in float64. loss: of many h
    (case, unit) at once, (case,)."""
    moved = apart * np.eye(len(h))
    found = loss(np.concatenate([h + moved, h - moved]))
    return (found[: len(h)] - found[len(h) :]) / (2 * apart)


def traced(
    cell: type[Cell],
    params: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray],
    inputs: np.ndarray,
    initial: Mapping[str, np.ndarray],
    words: Sequence[str] = (),
) -> Trace:
    """A trace of one layer in one direction: values (time, batch, unit) by signal, inputs (time, batch, input), initial
    (batch, unit) by state, and what stands along the steps."""
    signals = {signal.name: values[signal.name][None, None] for signal in cell.signals}
    first = {name: value[None, None] for name, value in initial.items()}
    return Trace(cell, signals, inputs, [[params]], first, tuple(tokens(words)))


def tokens(words: Iterable[str]) -> list[Token]:
    """The words, each as what one step reads, with a blank between them."""
    found, start = [], 0
    for k, word in enumerate(words):
        found.append(Token(word, start, start + len(word), k, word, True, k))
        start += len(word) + 1
    return found
