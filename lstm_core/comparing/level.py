"""One layer of a run, with all that it takes to run it again, in float64, with something about it exchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lstm_core.block import Block
from lstm_core.cells.base import Cell
from lstm_core.certificate import Broken
from lstm_core.sequences import skipped
from lstm_core.trace import Trace

Params = Mapping[str, np.ndarray]
Signals = Mapping[str, np.ndarray]
"""By name, (direction, time, batch, unit)."""


@dataclass(frozen=True, eq=False)
class Words:
    """embedding: (words, input). ids: (time, batch), the row that each step read."""

    embedding: np.ndarray
    ids: np.ndarray


@dataclass(frozen=True, eq=False)
class Level:
    """side: "A" or "B". name, layer: which trace and which of its layers it is.

    params: by direction, in float64. inputs: (time, batch, input). initial: by state, (direction, batch, unit).
    reverse: whether the only direction goes from the last step to the first. lengths: of the sequences, None where all
    are full. read: (time, batch), False at the steps that a mask skips; None where it skips none.
    chained: whether the inputs are the output of the level below, which has ``under`` directions.
    biases: by direction, the two of which a framework's file or module made one, stacked in PyTorch's order; empty
    where they are not known. words: what the inputs were looked up in, if that is known.
    signals: as the model itself ran. precision: what it ran in. broken: where that run ended, if it came to what is not
    a number.
    """

    side: str
    name: str
    layer: int
    cell: type[Cell]
    params: tuple[Params, ...]
    inputs: np.ndarray
    initial: Mapping[str, np.ndarray]
    reverse: bool
    lengths: tuple[int, ...] | None
    read: np.ndarray | None
    chained: bool
    under: int
    biases: tuple[Params, ...]
    words: Words | None
    signals: Signals
    precision: str
    can_run: bool
    broken: Broken | None = None

    @property
    def directions(self) -> tuple[str, ...]:
        """Their names."""
        return ("reverse",) if self.reverse else ("forward", "reverse")[: len(self.params)]

    @cached_property
    def again(self) -> Signals:
        """The signals of a run of our own, in float64: what the weights, the input and the state say."""
        block = Block(self.name, "gatescope", self.cell, [list(self.params)], self.directions, batch_first=False)
        state = {name: value[None] for name, value in self.initial.items()}
        trace = block.trace(self.inputs, state, self.lengths, self.read)
        return {name: trace.signals[name][0] for name in trace.signals}

    @property
    def output(self) -> np.ndarray:
        """(time, batch, direction * unit) of ``again``: what the level above reads."""
        return np.concatenate(list(self.again[self.cell.output]), axis=-1)

    def backwards(self, direction: int) -> bool:
        """Whether that direction reads the last step first."""
        return self.reverse or direction == 1

    def only(self, direction: int, steps: Sequence[int], row: int, old: Params) -> Level:
        """Those steps of one sequence and direction alone, given in the order of reading, from the states ``old``."""
        return replace(
            self,
            params=(self.params[direction],),
            inputs=self.inputs[list(steps), row : row + 1],
            initial={name: value[None, None] for name, value in old.items()},
            reverse=False,
            lengths=None,
            read=None,
            biases=self.biases[direction : direction + 1],
        )


def levels(side: str, name: str, trace: Trace, biases: Sequence[Sequence[Params]] = ()) -> list[Level]:
    """The layers of a trace, lowest first. biases: by layer and direction; see ``Level``."""
    skips = skipped(trace)
    runs = trace.continued is None and not trace.cell.by_values
    precision = (trace.certificate.precision if trace.certificate else "") or str(trace.inputs.dtype)
    inputs, found = np.asarray(trace.inputs, np.float64), []
    for layer, row in enumerate(trace.layers):
        signals = {s.name: np.asarray(trace[s.name][layer], np.float64) for s in trace.cell.signals if s.name in trace}
        found.append(
            Level(
                side=side,
                name=name,
                layer=layer,
                cell=trace.cell,
                params=tuple({key: np.asarray(value, np.float64) for key, value in params.items()} for params in row),
                inputs=inputs,
                initial={key: np.asarray(value[layer], np.float64) for key, value in trace.initial.items()},
                reverse=trace.reverse,
                lengths=trace.lengths,
                read=~skips if skips.any() else None,
                chained=layer > 0,
                under=len(row) if layer else 0,
                biases=tuple(biases[layer]) if biases else (),
                words=None,
                signals=signals,
                precision=precision,
                can_run=runs and not (trace.cell.below and layer),
                broken=trace.broken,
            )
        )
        if trace.cell.output in signals:
            inputs = np.concatenate(list(signals[trace.cell.output]), axis=-1)
    return found
