"""Who wrote this memory? The carried state, exactly, as a sum of what each token wrote and what was kept of it.

    c_t = sum_k (prod_{j=k+1..t} f_j) i_k g_k + (prod_{j=1..t} f_j) c_0

Levy et al., "Long Short-Term Memory as a Dynamically Computed Element-wise Weighted Sum", ACL 2018. Which state goes
on linearly, what keeps and what writes, is read off the cell's own update (``lstm_core.equations.carry``), so the same
holds for the GRU's h and for every such cell. The sum is exact given the gates and candidates of this run; those were
computed from the past themselves. In a GRU the candidate n reads the very state that is decomposed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.steps import Steps, history, kept_from, steps
from lstm_core.analysis.tape import tape
from lstm_core.equations import equations
from lstm_core.kinds import Numbers, kinds
from lstm_core.ops import host
from lstm_core.say import Said, say
from lstm_core.shown import Result
from lstm_core.symbols import contains
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Memory(Result):
    """The memory after ``step``: ``value`` = contributions.sum(0) + initial + offset, up to ``residual``.

    contributions: by token of the sequence, zeros for tokens not read yet: (time, unit), or (time,) for one unit or a
        direction.
    initial: what is left of the state before the first token, (unit,) or a number.
    offset: of a direction, what the output holds while the memory is empty (0 for the LSTM and the GRU).
    value: what the trace says: the state, (unit,) or one number, or direction . h.
    residual: largest absolute difference between the two sides. Where an intervention set the state itself, it is
        what that put in.
    state, keep, write, candidate: the rule in the cell's letters, state = keep * old state + write * candidate (what a
        cell adds beside that, such as a share of the layer below, belongs to the step's contribution).
    candidate_reads_state: whether the candidate itself was computed from the old state (the GRU's n).
    """

    axes = {"contributions": "time unit"}

    step: int
    contributions: np.ndarray
    initial: np.ndarray
    offset: float
    value: np.ndarray
    residual: float
    state: str
    keep: str
    write: str
    candidate: str
    candidate_reads_state: bool


@kinds
def memory(
    trace: Trace,
    step: int,
    unit: int | None = None,
    direction: Numbers | None = None,
    *,
    layer: int = -1,
    backward: bool = False,
    batch: int = 0,
) -> Memory:
    """What each token contributed to the memory after ``step``: of every unit, of one ``unit``, or along ``direction``.

    c_t = sum_k (prod_{j=k+1..t} f_j) i_k g_k + (prod_{j=1..t} f_j) c_0 for the LSTM (Levy et al., ACL 2018), and the
    same of every cell whose memory goes on linearly, such as the GRU's h.

    layer: the last by default. backward: of the backward direction.
    batch: which sequence; it ends where its own length says, and a negative ``step`` counts from there. Where rows went
    on from other rows (``Trace.continued``), the tokens are those that led to this row, and ``step`` is the last.

    direction: a readout direction in the layer's output h, (unit,) or (directions * unit,), such as
    ``readout(model, "she", "he").vector``. Each unit's memory is then seen through the output, h = F(c): every part of
    c counts (F(c) - F(0)) / c times, for the LSTM o tanh(c) / c, taken from the cell's own equations.
    With attention the vector is twice as long: what a token wrote then counts where it is shown now, and again in every
    state that is looked back at, by that state's alpha. As the gates are, the alphas are taken as this run had them.

    Needs O(time * unit) numbers. Raises ValueError if the cell's memory is not linear in the old state (the plain
    RNN), and for a step, unit, layer or direction that the trace does not have.
    """
    trace, step = history(trace, batch, step)
    if trace.attention and direction is not None and len(direction) == 2 * len(trace.attention["W_a"]):
        return _looking_back(trace, step, direction, unit=unit, layer=layer, backward=backward)
    run = steps(trace, layer, backward)
    rule, keep, written = run.keep_write()
    at = run.place(step)
    units = run.signals[rule.state].shape[-1]
    if unit is not None and direction is not None:
        raise ValueError(say("give a unit or a direction, not both"))
    if unit is not None and not -units <= unit < units:
        raise ValueError(_no_unit(unit, units))

    chosen = slice(None) if unit is None else unit
    kept = kept_from(keep[: at + 1, chosen])
    parts = kept[1:] * written[: at + 1, chosen]
    initial = kept[0] * run.old[rule.state][0, chosen]
    value = run.signals[rule.state][at, chosen]
    offset = 0.0
    if direction is not None:
        output = run.signals[run.cell.output][at]
        weight = _weight(direction, len(output), len(trace.layers[0]), backward)
        shown = np.flatnonzero(~run.skipped[: at + 1])  # a step that was skipped shows what the last one showed
        if len(shown):
            counts, offset = _through_output(run, rule.state, int(shown[-1]), weight)
        else:
            counts, offset = np.zeros(units), float(output @ weight)
        parts, initial, value = parts @ counts, initial @ counts, output @ weight
    contributions = np.zeros((len(run), *parts.shape[1:]))
    contributions[: at + 1] = parts
    reads = next(line.expr for line in equations(run.cell) if line.name == rule.candidate)
    return Memory(
        step=step,
        contributions=run.flip(contributions),
        initial=np.asarray(initial),
        offset=offset,
        value=np.asarray(value),
        residual=float(np.abs(parts.sum(0) + initial + offset - value).max(initial=0.0)),
        state=rule.state,
        keep=rule.label("keep"),
        write=rule.label("write"),
        candidate=rule.candidate,
        candidate_reads_state=contains(reads, f"s.{rule.state}"),
    )


def _looking_back(trace: Trace, step: int, direction: np.ndarray, **place: Any) -> Memory:
    """``memory`` along a ``direction`` of [h; a]: of h after ``step``, and of every state that a is a mean of."""
    own, mean = np.split(direction, 2)
    here = memory(trace, step, direction=own, **place)
    alpha = trace.sel("alpha", layer=0, direction=0, batch=0, time=step).astype(np.float64)
    back = [memory(trace, k, direction=mean, **place) for k in range(here.step + 1)]
    contributions, initial, offset, value = (
        getattr(here, name) + sum(share * getattr(one, name) for share, one in zip(alpha, back, strict=False))
        for name in ("contributions", "initial", "offset", "value")
    )
    residual = float(np.abs(contributions.sum(0) + initial + offset - value))
    return replace(here, contributions=contributions, initial=initial, offset=offset, value=value, residual=residual)


@brief
@dataclass(frozen=True, eq=False)
class Retention(Result):
    """One unit's memory for every pair of tokens, (time, time): row t is the memory after token t, column k is token k.

    start: the step of the first row and column, where not all were asked for.
    kept: the share of what token k wrote that is still there after token t; 0 where k has not been read. In a cell with
        a normaliser (the sLSTM) it is the share of what k wrote into c / n.
    contributions: how much of the state after t token k wrote. initial: (time,), what is left of the first state.
    """

    axes = {"kept": "time time", "contributions": "time time", "initial": "time"}

    kept: np.ndarray
    contributions: np.ndarray
    initial: np.ndarray
    start: int = 0


@kinds
def retention(
    trace: Trace,
    unit: int,
    *,
    start: int = 0,
    stop: int | None = None,
    layer: int = -1,
    backward: bool = False,
    batch: int = 0,
) -> Retention:
    """The retention matrix of a unit; its row ``step`` is ``memory(trace, step, unit)``.

    start, stop: the steps, from ``start`` to before ``stop``, whose rows and columns are wanted, all by default: the
    matrix of a long text is large. layer, backward: as for ``memory``. Raises ValueError as ``memory`` does, and for
    steps that there are not.

    Of one sequence of the batch, as ``memory``; where rows went on from others, of what led to the row's last step.
    """
    run = steps(trace, layer, backward, batch)
    rule, keep, written = run.keep_write()
    units = keep.shape[-1]
    if not -units <= unit < units:
        raise ValueError(_no_unit(unit, units))
    stop = len(run) if stop is None else stop
    if not 0 <= start <= stop <= len(run):
        message = "there are no steps {start} to {stop}: the text has {steps}"
        raise ValueError(say(message, start=start, stop=stop, steps=len(run)))
    wanted = slice(len(run) - stop, len(run) - start) if run.backward else slice(start, stop)  # as they were read
    both = slice(None, None, -1 if run.backward else 1)
    contributions = (_products(keep[wanted, unit]) * written[wanted, unit])[both, both]
    kept = _products(run.normalised(rule, keep)[0][wanted, unit])[both, both]
    initial = np.cumprod(keep[:, unit])[wanted] * (run.old[rule.state][0, unit] if len(run) else 1.0)
    return Retention(kept, contributions, run.flip(initial), start)


def _products(keep: np.ndarray) -> np.ndarray:
    """(step, step): what is left after each step of what each one wrote."""
    kept, row = np.zeros((len(keep), len(keep))), np.zeros(len(keep))
    for t, share in enumerate(keep):
        row = row * share  # a product, not a quotient of two: a gate may be 0
        row[t] = 1.0
        kept[t] = row
    return kept


def _no_unit(unit: int, units: int) -> Said:
    return say("there is no unit {unit}; the layer has {units} (0 to {last})", unit=unit, units=units, last=units - 1)


def _weight(direction: Any, units: int, directions: int, backward: bool) -> np.ndarray:
    vector = host(direction, np.float64)
    if vector.shape == (units * directions,):
        return vector[units:] if backward and directions == 2 else vector[:units]
    if vector.shape == (units,):
        return vector
    raise ValueError(
        say(
            "direction is a vector of the output, ({units},) or ({all},), not {found}; for the layer that read the "
            "text backwards say backward=True",
            units=units,
            all=units * directions,
            found=vector.shape,
        )
    )


def _through_output(run: Steps, state: str, at: int, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """(counts, empty) with weight . output = counts . state + empty at one step: the secants of h = F(c) from c = 0.

    Each unit's memory is shown by itself, and the sum over units is exact where F adds them up: if it is elementwise,
    also if a matrix (a projection) follows. Where it did not, ``Memory.residual`` would say so.
    """
    if state == run.cell.output:
        return weight, 0.0
    cell = tape(run.cell)
    leaves = {key: value[at] if key == "x" or key.startswith("s.") else value for key, value in run.leaves().items()}
    recorded = {name: values[at] for name, values in run.signals.items() if name != run.cell.output}

    def output(memory: np.ndarray) -> np.ndarray:
        values = recorded | {state: memory}
        found = cell.forward(leaves, edit=lambda name, value: values.get(name, value))
        return found[cell.signals[run.cell.output]] @ weight

    held = run.signals[state][at]
    # Where the memory is all but empty the quotient loses its digits; its limit is the slope at 0.
    used = np.where(np.abs(held) < 1e-6, 1e-6, held)
    empty = float(output(np.zeros_like(held)))
    return (output(np.diag(used)) - empty) / used, empty
