"""For how many steps does a unit remember? T = -1 / log f: after T steps 1/e of a memory is left.

Mahto et al., "Multi-timescale representation learning in LSTM language models", ICLR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.letting_go import HALF, let_go
from lstm_core.analysis.steps import Steps, steps
from lstm_core.analysis.tape import tape
from lstm_core.kinds import kinds
from lstm_core.shown import Result
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Timescales(Result):
    """Steps, (unit,) each; infinite for a unit that forgets nothing.

    In a cell with a normaliser (the sLSTM) a step keeps f old n / n: its share of c / n. ``from_bias`` is f's alone.

    on_text: from the unit's own keep gates on this text, -1 / mean(log f): a constant gate of this timescale would keep
        as much of a memory over the whole text. The mean is over the steps that the sequence really took, be it one;
        NaN for a sequence of none.
    from_bias: from the gate at rest, with no input and empty states: the biases alone. NaN for a cell that cannot be
        run, being known by its values alone (``Cell.by_values``).
    keep: the gate in the cell's letters ("f", "z").
    holding: as ``on_text``, over the steps at which the unit keeps at least half of what it has, all of them where
        there is none: a reset says nothing about how long it remembers between resets.
    let_go: (time, unit), True at the steps at which a unit that held something lets go of it: it keeps less than half,
        and does not write the same again. Something is a quarter of the most that it holds in this text, be that 0.25;
        what is read before the text (a token that ends at 0) is none of it.
    """

    axes = {"let_go": "time unit"}

    on_text: np.ndarray
    from_bias: np.ndarray
    keep: str
    holding: np.ndarray
    let_go: np.ndarray


@kinds
def timescales(trace: Trace, *, layer: int = -1, backward: bool = False, batch: int = 0) -> Timescales:
    """The timescale of every unit of a layer in one sequence of the batch, in steps: -1 / log f, after which 1/e of a
    memory is left (Mahto et al., ICLR 2021).

    backward: of the backward direction. Raises ValueError if the cell's memory is not linear (the plain RNN), and for a
    layer, direction or sequence that the trace does not have.
    """
    run = steps(trace, layer, backward, batch)
    rule, keep, _ = run.keep_write()
    keep = run.normalised(rule, keep)[0]
    read = keep[~run.skipped]
    unknown = np.full(keep.shape[-1], np.nan)
    on_text = lasting(read) if len(read) else unknown
    holds = (keep >= HALF) & ~run.skipped[:, None]
    held = holds.any(0)
    logs = np.where(holds, np.log(np.maximum(keep, HALF)), 0.0).sum(0) / np.maximum(holds.sum(0), 1)
    return Timescales(
        on_text,
        unknown if run.cell.by_values else lasting(at_rest(run)[None]),
        rule.label("keep"),
        np.where(held, lasting(np.exp(logs)[None]), on_text),
        run.flip(let_go(run)),
    )


def at_rest(run: Steps) -> np.ndarray:
    """(unit,): the keep gate of a step with no input from empty states."""
    rule, keep, _ = run.keep_write()
    zeros = {
        key: np.zeros(value.shape[1:]) if key == "x" or key.startswith("s.") else value
        for key, value in run.leaves().items()
    }
    cell = tape(run.cell)
    values = cell.forward(zeros)
    found = rule.evaluate("keep", {name: values[at] for name, at in cell.signals.items()}, leaves=zeros)
    return np.broadcast_to(np.asarray(found, np.float64), keep.shape[1:])


def lasting(keep: np.ndarray) -> np.ndarray:
    """(unit,): the steps after which 1/e of a memory is left under these keep gates, (step, unit); infinite if nothing
    is forgotten."""
    with np.errstate(divide="ignore"):
        return 1 / np.maximum(-np.log(keep).mean(0), 0.0)  # a gate above 1 (exponential gates) forgets nothing either
