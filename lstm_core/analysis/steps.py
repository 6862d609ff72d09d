"""One layer of a trace in one direction, as it ran: what it read and what it computed, step after step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from lstm_core.cells.base import Cell
from lstm_core.equations import Carry, carry
from lstm_core.ops import Matrix, parameters
from lstm_core.say import say
from lstm_core.sequences import no_step, skipped
from lstm_core.trace import Trace


@dataclass(frozen=True)
class Steps:
    """All arrays are float64 and in the order of reading: a backward direction starts with the last token. They are of
    one sequence alone, without padding (``Trace.sequence``).

    x: (time, input), what this layer read. signals, old: (time, unit) by name, the values of a step and the states
    before it. below: (time, unit), what the cell reads of the layer below (see ``Cell.below``). params: by name.
    skipped: (time,), the steps that a mask left out: the states stay, ``x`` and ``below`` are 0 and the other signals
    are NaN. ahead: (time,), the steps that read what stands before the text (a token that ends at 0), if there are any.
    """

    cell: type[Cell]
    backward: bool
    x: np.ndarray
    signals: Mapping[str, np.ndarray]
    old: Mapping[str, np.ndarray]
    below: Mapping[str, np.ndarray]
    params: Mapping[str, np.ndarray]
    skipped: np.ndarray
    ahead: np.ndarray | None = None

    def __len__(self) -> int:
        """How many steps the sequence has."""
        return len(self.x)

    def flip(self, values: np.ndarray) -> np.ndarray:
        """From the order of reading to the order of the tokens, and back; time is the first axis."""
        return values[::-1] if self.backward else values

    def place(self, step: int) -> int:
        """Where token ``step`` stands in the order of reading. Raises ValueError if there is no such token."""
        if not -len(self) <= step < len(self):
            raise ValueError(no_step(step, len(self)))
        step %= len(self)
        return len(self) - 1 - step if self.backward else step

    def leaves(self) -> dict[str, Any]:
        """Values for the symbols of the cell's equations, every step at once."""
        p: SimpleNamespace = parameters(self.params)
        named: list[tuple[str, Mapping[str, np.ndarray | Matrix]]] = [
            ("p", vars(p)),
            ("s", self.old),
            ("s", self.below),
        ]
        return {"x": self.x} | {f"{prefix}.{key}": value for prefix, group in named for key, value in group.items()}

    def keep_write(self) -> tuple[Carry, np.ndarray, np.ndarray]:
        """The rule of the memory, the share kept and what is added at each step, both (time, unit). A step that was
        skipped keeps all and adds nothing.

        Raises ValueError if the cell has no state that goes on linearly.
        """
        rule = carry(self.cell)
        if rule is None and self.cell.by_values:
            raise ValueError(
                say(
                    "how the memory of {cell} goes on is not known: no rule such as c = f c' + i g was found in its "
                    "values; give one to lstm_core.trace_cell (update=)",
                    cell=self.cell.name,
                )
            )
        if rule is None:
            raise ValueError(
                say(
                    "the memory of the cell {cell} does not go on linearly: every step rewrites it whole, so no "
                    "token's share of it can be told apart",
                    cell=self.cell.name,
                )
            )
        shape = self.signals[rule.state].shape
        values = {**self.signals, **self.below}
        leaves = self.leaves() if any(map(rule.needs, ("keep", "write", "rest"))) else None
        keep, write, rest = (
            np.broadcast_to(rule.evaluate(k, values, leaves=leaves), shape) for k in ("keep", "write", "rest")
        )
        written = write * self.signals[rule.candidate] + rest
        passed = self.skipped[:, None]
        return rule, np.where(passed, 1.0, keep), np.where(passed, 0.0, written)

    def normalised(self, rule: Carry, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a step keeps, the memory and the old memory, (time, unit) each, as the output reads them.

        In a cell with a normaliser (the sLSTM) that is c / n: a word that weighs more than all before it outweighs
        them while the gate stays open, and f old n / n of them is kept. In every other cell it is what was given.
        """
        now, old = self.signals[rule.state], self.old[rule.state]
        name = next((signal.name for signal in self.cell.signals if signal.role == "normaliser"), None)
        if name is None:
            return keep, now, old
        sum_now, sum_old = self.signals[name], self.old[name]
        some = (sum_old > 0) & (sum_now > 0) & ~self.skipped[:, None]  # before the first word nothing is summed up
        shares = np.divide(sum_old, sum_now, out=np.ones_like(sum_old), where=some)
        now, old = (
            np.divide(value, total, out=np.zeros_like(value), where=total > 0)
            for value, total in ((now, sum_now), (old, sum_old))
        )
        return keep * shares, now, old


def history(trace: Trace, batch: int, step: int) -> tuple[Trace, int]:
    """Sequence ``batch`` of ``trace`` alone, and where token ``step`` stands in it: negative steps count from its end.

    Where rows went on from other rows, it is what led to the row after ``step``, which stands last. Raises ValueError
    for a sequence or a step that there is not.
    """
    one = trace.sequence(batch, None if trace.continued is None else step)
    if trace.continued is not None:
        return one, len(one) - 1
    if not -len(one) <= step < len(one):
        raise ValueError(no_step(step, len(one)))
    return one, step % len(one)


def steps(trace: Trace, layer: int = -1, backward: bool = False, batch: int = 0) -> Steps:
    """One layer and direction of ``trace``. Raises ValueError if it has no such layer, direction or batch entry."""
    trace = trace.sequence(batch)
    count, directions = len(trace.layers), len(trace.layers[0])
    if not -count <= layer < count:
        raise ValueError(
            say(
                "there is no layer {layer}; the trace has {count} (0 to {last})",
                layer=layer,
                count=count,
                last=count - 1,
            )
        )
    if backward and directions == 1 and not trace.reverse:
        raise ValueError(say("the trace has no backward direction"))
    layer %= count
    direction = int(backward and directions == 2)
    backward = backward or trace.reverse
    flip = slice(None, None, -1 if backward else 1)

    def read(name: str, at: int, way: int) -> np.ndarray:
        return trace[name][at, way, :, 0].astype(np.float64)

    passed = skipped(trace)[:, 0]
    if layer == 0:
        x = trace.inputs[:, 0].astype(np.float64)
    else:
        x = np.concatenate([read(trace.cell.output, layer - 1, way) for way in range(directions)], axis=-1)
    x = np.where(passed[:, None], 0.0, x)
    names = [signal.name for signal in trace.cell.signals]
    signals = {name: read(name, layer, direction)[flip] for name in names}
    old = {
        name: np.concatenate([trace.initial[name][layer, direction], signals[name][:-1]])[: len(x)]
        for name in trace.cell.states()
    }
    below = {
        f"below_{name}": read(name, layer - 1, direction)[flip] if layer else np.zeros_like(signals[name])
        for name in trace.cell.below
    }
    below = {name: np.where(passed[flip, None], 0.0, value) for name, value in below.items()}
    params = {name: np.asarray(value, np.float64) for name, value in trace.layers[layer][direction].items()}
    ahead = np.array([token.end == 0 for token in trace.tokens], bool)[flip] if trace.tokens else None
    return Steps(trace.cell, backward, x[flip], signals, old, below, params, passed[flip], ahead)


def kept_from(keep: np.ndarray) -> np.ndarray:
    """(steps + 1, ...): entry k is the product of keep[k:], what is left in the end of a memory from before step k."""
    products = np.ones((len(keep) + 1, *keep.shape[1:]))
    np.cumprod(keep[::-1], axis=0, out=products[:-1][::-1])
    return products
