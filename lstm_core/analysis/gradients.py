"""How does an error flow back through time? Back-propagation by hand, in NumPy, on what a trace recorded.

Going back from the last step to the first, every operation of the cell's step (``lstm_core.analysis.tape``) passes the
error on to what it was computed from, by the chain rule; what reaches the old states is the error of the step before.
For the LSTM that gives the textbook's

    delta_c_t = delta_h_t o (1 - tanh(c_t)^2) + delta_c_{t+1} f_{t+1},      delta_f_t = delta_c_t c_{t-1} f (1 - f), ...

(Hochreiter & Schmidhuber 1997, appendix A; Greff et al. 2015, section II-B), and the same for every cell whose
functions have a derivative here. In float64; errors that are given in float32 are sent back in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lstm_core.analysis.backward import Factor, Pass, backward
from lstm_core.analysis.brief import brief
from lstm_core.analysis.steps import Steps, history, kept_from, steps
from lstm_core.attention import error_in_states, top
from lstm_core.equations import carry
from lstm_core.kinds import Numbers, kinds
from lstm_core.ops import host
from lstm_core.say import say
from lstm_core.shown import Result
from lstm_core.trace import Trace


@brief
@dataclass(frozen=True, eq=False)
class Gradients(Result):
    """What the error ``error`` . h at ``step`` says about every quantity that led to it.

    deltas: by gate and candidate, (layer, direction, time, unit): the error in the gate's net input (what its sigmoid
        or tanh is applied to).
    states: by state, (layer, direction, time, unit): the error in the state, by every path.
    inputs: (time, input), the error in what the first layer read.
    handed: by layer, (time, what it read): the error that it hands to the layer below, at that one's output; ``inputs``
        is the first of them.
    direct: (direction, time, unit), the top layer's error in the carried state that comes by the direct path alone,
        (prod_{j=t+1..step} f_j) times the error at ``step``; None for a cell without such a path (the plain RNN).

    The methods take the layer (the last by default) and the direction (0, or 1 for the backward one), and raise
    ValueError for a name, layer or direction that there is not.
    """

    axes = {
        "deltas": "layer direction time unit",
        "states": "layer direction time unit",
        "inputs": "time input",
        "handed": "time input",
        "direct": "direction time unit",
    }

    step: int
    error: np.ndarray
    deltas: Mapping[str, np.ndarray]
    states: Mapping[str, np.ndarray]
    inputs: np.ndarray
    handed: tuple[np.ndarray, ...]
    direct: np.ndarray | None
    _factors: Mapping[tuple[int, int, str], Factor]

    @kinds
    def norm(self, name: str, layer: int = -1, direction: int = 0) -> np.ndarray:
        """(time,): the Euclidean norm of a delta ("f") or of a state's error ("c", "h") over the units."""
        found = {**self.deltas, **self.states}
        if name not in found:
            raise ValueError(f"there is no error of {name!r}; there are {', '.join(found)}")
        return np.linalg.norm(found[name][self._layer(layer), self._way(direction)], axis=-1)

    @kinds
    def contributions(self, param: str, layer: int = -1, direction: int = 0) -> np.ndarray:
        """(time, *shape of the parameter): what each step adds to its gradient. For a matrix this is delta x input."""
        factor = self._factor(param, layer, direction)
        if factor.read is None:
            return factor.delta
        product = factor.delta[:, :, None] * factor.read[:, None, :]
        return product if factor.mask is None else factor.mask * product

    @kinds
    def weight(self, param: str, layer: int = -1, direction: int = 0) -> np.ndarray:
        """The gradient of a parameter, in its shape: the sum of its ``contributions`` over time, not made."""
        factor = self._factor(param, layer, direction)
        if factor.read is None:
            return factor.delta.sum(0)
        product = factor.delta.T @ factor.read
        return product if factor.mask is None else factor.mask * product

    @kinds
    def contribution_norms(self, param: str, layer: int = -1, direction: int = 0) -> np.ndarray:
        """(time,): the Frobenius norm of each step's contribution to the gradient of ``param``."""
        factor = self._factor(param, layer, direction)
        if factor.read is None:
            return np.linalg.norm(factor.delta, axis=-1)
        squares = (factor.delta**2 if factor.mask is None else factor.delta**2 @ factor.mask**2) * (
            (factor.read**2).sum(-1, keepdims=True) if factor.mask is None else factor.read**2
        )
        return np.sqrt(squares.sum(-1))

    @kinds
    def along(self, param: str, layer: int = -1, direction: int = 0) -> np.ndarray:
        """(time,): each step's share of the size of ``param``'s gradient, the scalar product of its contribution with
        the gradient over the gradient's Frobenius norm. They add up to that norm; zeros where it is 0.
        """
        factor, whole = self._factor(param, layer, direction), self.weight(param, layer, direction)
        size = np.linalg.norm(whole)
        if size == 0:
            return np.zeros(len(factor.delta))
        if factor.read is None:
            return factor.delta @ whole / size
        weighed = whole if factor.mask is None else factor.mask * whole
        return ((factor.delta @ weighed) * factor.read).sum(-1) / size

    def _layer(self, layer: int) -> int:
        return _place(say("layer"), layer, 1 + max(layer for layer, _, _ in self._factors))

    def _way(self, direction: int) -> int:
        return _place(say("direction"), direction, 1 + max(way for _, way, _ in self._factors))

    def _factor(self, param: str, layer: int, direction: int) -> Factor:
        key = (self._layer(layer), self._way(direction), param)
        if key not in self._factors:
            names = sorted({name for _, _, name in self._factors})
            raise ValueError(f"there is no parameter {param!r}; there are {', '.join(names)}")
        return self._factors[key]


def _place(axis: str, at: int, size: int) -> int:
    if not -size <= at < size:
        message = "there is no {axis} {number}; there are {count}, from 0 on"
        raise ValueError(say(message, axis=axis, number=at, count=size))
    return at % size


@kinds
def gradients(trace: Trace, step: int, error: Numbers, batch: int = 0) -> Gradients:
    """Send the error ``error`` (directions * unit,), given in the top layer's h after ``step``, back to the first word.

    The gradients are those of error . h_step: with ``readout(...).vector`` those of a logit, with ``word_error(...)``
    those of a word's loss. They are for a run as the cell does it, not for one with forced signals. With attention the
    error is twice as long, and starts from every state that was looked back at.

    batch: which sequence. "time" is its own steps, as far as its length goes, and a negative ``step`` counts from its
    end. Where rows went on from other rows (``Trace.continued``), it is the steps that led to this row, ``step`` last.

    Raises ValueError for a step that the trace does not have or an error of another shape, and
    NotImplementedError for a cell with a function that has no derivative here.
    """
    trace, step = history(trace, batch, step)
    cell, count, directions = trace.cell, len(trace.layers), len(trace.layers[0])
    error = host(error, np.float64)
    size = directions * trace[cell.output].shape[-1]
    reads = {size} if trace.attention is None else {size, 2 * size}
    if error.ndim != 1 or len(error) not in reads:
        raise ValueError(say("error is a vector of the output, ({size},), not {found}", size=size, found=error.shape))
    runs = [[steps(trace, layer, bool(way)) for way in range(directions)] for layer in range(count)]
    above = np.zeros((len(trace), size))
    if trace.attention is not None and len(error) == 2 * size:
        above = error_in_states(trace.attention, top(cell, trace.signals)[:, 0], step, error)
    else:
        above[step] = error
    below: list[dict[str, np.ndarray]] = [{} for _ in range(directions)]
    found: list[list[Pass]] = []
    handed: list[np.ndarray] = []
    factors: dict[tuple[int, int, str], Factor] = {}
    for layer in reversed(range(count)):
        parts = np.split(above, directions, axis=-1)
        above = np.zeros_like(runs[layer][0].x)
        row: list[Pass] = []
        for way, run in enumerate(runs[layer]):
            given = dict(below[way])
            given[cell.output] = given.get(cell.output, 0.0) + parts[way]
            back = backward(run, {name: run.flip(value)[:, None] for name, value in given.items()})
            above = above + run.flip(back.x[:, 0])
            below[way] = {name: run.flip(value[:, 0]) for name, value in back.below.items()}
            factors |= {(layer, way, name): _factor(run, name, back) for name in run.params}
            row.append(back)
        found.insert(0, row)
        handed.insert(0, above)

    def gather(pick: Callable[[Pass], np.ndarray]) -> np.ndarray:
        return np.stack(
            [
                np.stack([run.flip(pick(back)[:, 0]) for run, back in zip(row, backs, strict=True)])
                for row, backs in zip(runs, found, strict=True)
            ]
        )

    return Gradients(
        step=step,
        error=error,
        deltas={name: gather(lambda b, name=name: b.deltas[name]) for name in found[0][0].deltas},
        states={name: gather(lambda b, name=name: b.states[name]) for name in cell.states()},
        inputs=above,
        handed=tuple(handed),
        direct=_direct(runs[-1], found[-1], step),
        _factors=factors,
    )


def _factor(run: Steps, param: str, back: Pass) -> Factor:
    if param not in back.matrices:
        return Factor(run.flip(back.vectors[param][:, 0]), None, None)
    if len(back.matrices[param]) > 1:
        raise NotImplementedError(say("the parameter {param} is applied more than once in a step", param=param))
    return back.matrices[param][0]


def _direct(runs: list[Steps], backs: list[Pass], step: int) -> np.ndarray | None:
    rule = carry(runs[0].cell)
    if rule is None:
        return None
    found = []
    for run, back in zip(runs, backs, strict=True):
        at = run.place(step)
        errors = np.zeros(back.states[rule.state][:, 0].shape)
        errors[: at + 1] = kept_from(run.keep_write()[1][1 : at + 1]) * back.states[rule.state][at, 0]
        found.append(run.flip(errors))
    return np.stack(found)
