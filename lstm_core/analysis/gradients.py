"""How does an error flow back through time? Back-propagation by hand, in NumPy, on what a trace recorded.

Going back from the last step to the first, every operation of the cell's step (``lstm_core.analysis.tape``) passes the
error on to what it was computed from, by the chain rule; what reaches the old states is the error of the step before.
For the LSTM that gives the textbook's

    delta_c_t = delta_h_t o (1 - tanh(c_t)^2) + delta_c_{t+1} f_{t+1},      delta_f_t = delta_c_t c_{t-1} f (1 - f), ...

(Hochreiter & Schmidhuber 1997, appendix A; Greff et al. 2015, section II-B), and the same for every cell whose
functions have a derivative here. In float64; errors that are given in float32 are sent back in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.steps import Steps, history, kept_from, steps
from lstm_core.analysis.tape import ARITHMETIC, Tape, tape
from lstm_core.attention import error_in_states, top
from lstm_core.equations import carry
from lstm_core.kinds import Numbers, kinds
from lstm_core.ops import Matrix, host
from lstm_core.say import say
from lstm_core.shown import Result
from lstm_core.trace import Trace


@dataclass(frozen=True)
class _Standardized:
    """The derivative of y = (x - mean) / deviation over the units, with every unit in every other's mean and deviation.
    y: (time, unit). deviation: (time, 1)."""

    y: np.ndarray
    deviation: np.ndarray

    def passed(self, error: np.ndarray, t: int) -> np.ndarray:
        """What reaches x at step ``t`` of the errors (seed, unit) in y."""
        along = (error * self.y[t]).mean(-1, keepdims=True)
        return (error - error.mean(-1, keepdims=True) - self.y[t] * along) / self.deviation[t]


def _of_standardized(y: np.ndarray, x: np.ndarray, eps: float = 1e-5) -> tuple[Any, ...]:
    return _Standardized(y, np.sqrt(x.var(-1, keepdims=True) + eps)), None


DERIVATIVES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "+": lambda y, a, b: (1.0, 1.0),
    "-": lambda y, a, b: (1.0, -1.0),
    "*": lambda y, a, b: (b, a),
    "/": lambda y, a, b: (1 / b, -y / b),
    "sigmoid": lambda y, a: (y * (1 - y),),
    "tanh": lambda y, a: (1 - y**2,),
    "exp": lambda y, a: (y,),
    "log": lambda y, a: (1 / a,),
    "log_sigmoid": lambda y, a: (1 - np.exp(y),),
    "abs": lambda y, a: (np.sign(a),),
    "divides": lambda y, a, b: (None, None),  # a clock: constant wherever it has a slope
    "maximum": lambda y, a, b: (np.greater(a, b) * 1.0, np.less_equal(a, b) * 1.0),  # of a rectifier at 0: 0
    "minimum": lambda y, a, b: (np.less_equal(a, b) * 1.0, np.greater(a, b) * 1.0),
}
"""dy/da, dy/db of y = op(a, b); None where it is 0. The derivatives of what is not elementwise, a matrix product and
"standardized", are cases of their own."""
NEEDS_NO_VALUE, NEEDS_NO_ARGUMENTS = "+-*", ("+", "-", "sigmoid", "tanh", "exp", "log_sigmoid")
"""Those whose derivatives are the same whatever y is, and whatever a and b are."""


@dataclass(frozen=True, eq=False)
class _Factor:
    """The gradient of a parameter, step by step, unmultiplied: delta_t x read_t (entry by entry times ``mask``, if the
    parameter is masked), or delta_t alone for a vector. delta, read: (time, ...) in the order of the tokens."""

    delta: np.ndarray
    read: np.ndarray | None
    mask: np.ndarray | None


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
    _factors: Mapping[tuple[int, int, str], _Factor]

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

    def _factor(self, param: str, layer: int, direction: int) -> _Factor:
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
    found: list[list[_Pass]] = []
    handed: list[np.ndarray] = []
    factors: dict[tuple[int, int, str], _Factor] = {}
    for layer in reversed(range(count)):
        parts = np.split(above, directions, axis=-1)
        above = np.zeros_like(runs[layer][0].x)
        row: list[_Pass] = []
        for way, run in enumerate(runs[layer]):
            given = dict(below[way])
            given[cell.output] = given.get(cell.output, 0.0) + parts[way]
            back = _back(run, {name: run.flip(value)[:, None] for name, value in given.items()})
            above = above + run.flip(back.x[:, 0])
            below[way] = {name: run.flip(value[:, 0]) for name, value in back.below.items()}
            factors |= {(layer, way, name): _factor(run, name, back) for name in run.params}
            row.append(back)
        found.insert(0, row)
        handed.insert(0, above)

    def gather(pick: Callable[[_Pass], np.ndarray]) -> np.ndarray:
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


@brief
@dataclass(frozen=True, eq=False)
class Flow(Result):
    """How the state after ``step`` depends on the same state before: Frobenius norms, (time,), 0 after ``step``.

    norm: of the whole Jacobian ds_T/ds_t, along every path (for the LSTM's c also by h_t into the later gates).
    direct: of its direct path, diag(prod_{j=t+1..T} f_j); None for a state that is not carried on linearly.
    rest: of what is left, the paths through the gates and the candidate.
    identity: the norm at t = T, the square root of the number of units.
    """

    axes = {"norm": "time", "direct": "time", "rest": "time"}

    state: str
    step: int
    norm: np.ndarray
    direct: np.ndarray | None
    rest: np.ndarray | None

    @property
    def identity(self) -> float:
        """The norm at ``step`` itself, where the Jacobian is the identity: the square root of the number of units."""
        return float(self.norm[self.step])

    @property
    def share(self) -> np.ndarray | None:
        """(time,): direct / (direct + rest), between 0 and 1; NaN where neither is left."""
        if self.direct is None or self.rest is None:
            return None
        with np.errstate(invalid="ignore"):
            return self.direct / (self.direct + self.rest)


@kinds
def flow(
    trace: Trace,
    step: int,
    state: str = "h",
    *,
    layer: int = -1,
    backward: bool = False,
    batch: int = 0,
    dtype: Any = np.float64,
) -> Flow:
    """The norms of d(state after ``step``) / d(state after t) for every t, in one layer; takes time * unit^2 memory.

    A state that is computed from another in the same step follows it: dc_T/dc_t includes what h_t does. ``step`` and
    ``batch`` as in ``gradients``; backward: of the backward direction. dtype: of the matrices; in float32, whose norms
    are right to about 1e-5, wide layers take half the time.

    Raises ValueError for a state, step, layer or direction that the trace does not have, TypeError for another
    ``dtype``, and NotImplementedError for a cell with a function that has no derivative here.
    """
    dtype = _floats(dtype)
    trace, step = history(trace, batch, step)
    jacobian = jacobians(trace, step, state, layer=layer, backward=backward, dtype=dtype)
    run = steps(trace, layer, backward)
    norm = np.linalg.norm(jacobian, axis=(1, 2))
    rule = carry(trace.cell)
    if rule is None or rule.state != state:
        return Flow(state, step, norm, None, None)
    at = run.place(step)
    kept = np.zeros(jacobian.shape[:2], dtype)
    kept[: at + 1] = kept_from(run.keep_write()[1][1 : at + 1])
    kept = run.flip(kept)
    rest = jacobian - kept[:, :, None] * np.eye(kept.shape[-1], dtype=dtype)
    return Flow(state, step, norm, np.linalg.norm(kept, axis=1), np.linalg.norm(rest, axis=(1, 2)))


def _floats(dtype: Any) -> np.dtype:
    """Raises TypeError for what is not float32 or float64."""
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError):
        found = None
    if dtype is None or found not in (np.float32, np.float64):
        written = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", type(dtype).__name__)
        raise TypeError(say("dtype must be float32 or float64, not {found}", found=written))
    return found


@kinds
def jacobians(
    trace: Trace,
    step: int,
    state: str = "h",
    *,
    layer: int = -1,
    backward: bool = False,
    batch: int = 0,
    dtype: Any = np.float64,
) -> np.ndarray:
    """(time, unit, unit): entry [t, i, j] is d state_step[i] / d state_t[j], zeros for tokens read after ``step``.

    The arguments are those of ``flow``, of one ``layer`` (the last by default). Raises what ``flow`` raises:
    ValueError, TypeError and NotImplementedError.
    """
    if state not in trace.cell.states():
        told = {"cell": trace.cell.name, "state": state, "names": ", ".join(trace.cell.states())}
        raise ValueError(say("the cell {cell} has no state {state!r}; it has {names}", **told))
    trace, step = history(trace, batch, step)
    run = steps(trace, layer, backward)
    at = run.place(step)
    units = run.signals[state].shape[-1]
    given = np.zeros((len(run), units, units), _floats(dtype))
    given[at] = np.eye(units)
    return run.flip(_back(run, {state: given}, start=at, only=state).states[state])


@dataclass(frozen=True, eq=False)
class _Pass:
    """Errors of one layer and direction in the order of reading, (time, seed, ...) each."""

    deltas: dict[str, np.ndarray]
    states: dict[str, np.ndarray]
    x: np.ndarray
    first: dict[str, np.ndarray]  # (seed, unit), in the states before the first step
    below: dict[str, np.ndarray]
    matrices: dict[str, list[_Factor]]  # in the order of the tokens; of the first seed
    vectors: dict[str, np.ndarray]


def _slopes(cell: Tape, values: list[Any]) -> list[tuple[Any, ...]]:
    """The derivatives of every node."""
    return [_local(node.op, values[at], [values[arg] for arg in node.args]) for at, node in enumerate(cell.nodes)]


def _leading(cell: Tape, states: Sequence[str]) -> list[bool]:
    """Of every node, whether it reads an old state, by whatever others."""
    leads: list[bool] = []
    for node in cell.nodes:
        old = node.op == "symbol" and str(node.value) in {f"s.{name}" for name in states}
        leads.append(old or any(leads[arg] for arg in node.args))
    return leads


def _known_slopes(cell: Tape, value: Callable[[int], Any], leads: list[bool]) -> list[tuple[Any, ...]]:
    """The derivatives of the nodes that lead to the old states, from as few values as they need."""

    def local(at: int) -> tuple[Any, ...]:
        node = cell.nodes[at]
        if not leads[at]:
            return ()
        if node.op == "@":
            return None, value(node.args[0])
        y = None if node.op in NEEDS_NO_VALUE else value(at)
        return _local(node.op, y, [None if node.op in NEEDS_NO_ARGUMENTS else value(arg) for arg in node.args])

    return [local(at) for at in range(len(cell.nodes))]


def _back(
    run: Steps,
    given: Mapping[str, np.ndarray],
    start: int | None = None,
    slopes: Callable[[Tape, list[Any]], list[tuple[Any, ...]]] = _slopes,
    only: str = "",
    known: bool = False,
) -> _Pass:
    """Errors ``given`` in signals, by name (time, seed, unit), sent back from ``start`` (the last step).

    Where the arrays of ``run`` are those of several runs, (time, run, unit), there is a seed for each of them, and no
    parameter's part is of use. slopes: by which each node passes on what reaches it, if not its derivatives. only: the
    state whose errors are wanted, and nothing else is kept or sent anywhere but to the old states. known: the signals
    are taken from ``run`` and not computed again, with ``only``.
    """
    cell = tape(run.cell)
    states = run.cell.states()
    first = next(iter(given.values()))
    time, seeds, _ = first.shape
    dtype = np.float32 if first.dtype == np.float32 else np.float64
    leads = _leading(cell, states) if only else [True] * len(cell.nodes)
    values = [] if known else cell.forward(run.leaves())
    local = _known_slopes(cell, cell.asked(run.leaves(), run.signals), leads) if known else slopes(cell, values)
    if dtype == np.float32:
        local = [tuple(_single(slope) for slope in row) for row in local]
    units = {name: signal.shape[-1] for name, signal in run.signals.items()}
    net = {signal.name: _net_input(cell, signal.name) for signal in run.cell.signals if signal.kind != "state"}
    watched = {*net.values(), *(cell.signals[name] for name in states)}
    watched |= {at for at, node in enumerate(cell.nodes) if node.op == "symbol" or node.op == "@"}
    if only:
        watched = {cell.signals[only]}
    kept: dict[int, np.ndarray] = {}
    carried = {name: np.zeros((seeds, units[name]), dtype) for name in states}
    for name in [only] if only else states:
        kept[cell.signals[name]] = np.zeros((time, seeds, units[name]), dtype)
    for t in range(time - 1 if start is None else start, -1, -1):
        if run.skipped[t]:  # the states went by as they were, and so does the error in them
            carried = {name: error + given[name][t] if name in given else error for name, error in carried.items()}
            for name, error in carried.items():
                if cell.signals[name] in kept:
                    kept[cell.signals[name]][t] = error
            continue
        errors: list[Any] = [None] * len(cell.nodes)
        for name, error in [*carried.items(), *((name, values[t]) for name, values in given.items())]:
            at = cell.signals[name]
            errors[at] = error if errors[at] is None else errors[at] + error
        for at in range(len(cell.nodes) - 1, -1, -1):
            error, node = errors[at], cell.nodes[at]
            if error is None:
                continue
            if at in watched:
                if at not in kept:
                    kept[at] = np.zeros((time, *error.shape))
                kept[at][t] = error
            for arg, slope in zip(node.args, local[at], strict=False):
                if slope is None or not leads[arg]:
                    continue
                if isinstance(slope, Matrix):
                    passed = error @ slope.transposed.T
                elif isinstance(slope, _Standardized):
                    passed = slope.passed(error, t)
                else:
                    passed = error * (slope[t] if np.ndim(slope) >= 2 else slope)
                errors[arg] = passed if errors[arg] is None else errors[arg] + passed
        olds = {node.value: errors[at] for at, node in enumerate(cell.nodes) if node.op == "symbol"}
        carried = {
            name: np.zeros((seeds, units[name]), dtype) if olds.get(f"s.{name}") is None else olds[f"s.{name}"]
            for name in states
        }

    if only:
        return _Pass({}, {only: kept[cell.signals[only]]}, np.zeros(0), carried, {}, {}, {})

    def errors_at(at: int) -> np.ndarray:
        return kept[at] if at in kept else np.zeros((time, seeds, np.shape(values[at])[-1]))

    symbols = {node.value: at for at, node in enumerate(cell.nodes) if node.op == "symbol"}
    matrices: dict[str, list[_Factor]] = {}
    for at, node in enumerate(cell.nodes):
        if node.op == "@":
            matrix, operand = node.args
            names = cell.nodes[matrix].args or (matrix,)  # one parameter, or the product of one and its mask
            for name in names:
                mask = next((values[other].transposed.T for other in names if other != name), None)
                delta = np.where(run.skipped[:, None], 0.0, errors_at(at)[:, 0])
                factor = _Factor(run.flip(delta), run.flip(values[operand]), mask)
                matrices.setdefault(cell.nodes[name].value.removeprefix("p."), []).append(factor)
    return _Pass(
        deltas={name: errors_at(at) for name, at in net.items()},
        states={name: errors_at(cell.signals[name]) for name in states},
        x=errors_at(symbols["x"]),
        first=carried,
        below={name: errors_at(symbols[f"s.below_{name}"]) for name in run.cell.below},
        matrices=matrices,
        vectors={name: errors_at(symbols[f"p.{name}"]) for name in run.params if name not in matrices},
    )


def _single(slope: Any) -> Any:
    """A derivative in single precision."""
    if isinstance(slope, Matrix):
        return Matrix(slope.transposed.T.astype(np.float32))
    if isinstance(slope, _Standardized):
        return _Standardized(slope.y.astype(np.float32), slope.deviation.astype(np.float32))
    return slope.astype(np.float32) if isinstance(slope, np.ndarray | np.floating) else slope


def _local(op: str, value: Any, args: list[Any]) -> tuple[Any, ...]:
    """The derivative of a node in each argument, every step at once; None where no error has to go."""
    if not args:
        return ()
    if op == "@":
        return None, args[0]
    if op == "standardized":
        return _of_standardized(value, *args)
    if op not in DERIVATIVES:
        raise NotImplementedError(say("no derivative is known here for the function {op!r}", op=op))
    return DERIVATIVES[op](value, *args)


def _net_input(cell: Tape, signal: str) -> int:
    """Where the net input of a gate is computed: under its function, or the gate itself if it is only arithmetic."""
    node = cell.nodes[cell.signals[signal]]
    return node.args[0] if node.op not in ARITHMETIC and len(node.args) == 1 else cell.signals[signal]


def _factor(run: Steps, param: str, back: _Pass) -> _Factor:
    if param not in back.matrices:
        return _Factor(run.flip(back.vectors[param][:, 0]), None, None)
    if len(back.matrices[param]) > 1:
        raise NotImplementedError(say("the parameter {param} is applied more than once in a step", param=param))
    return back.matrices[param][0]


def _direct(runs: list[Steps], backs: list[_Pass], step: int) -> np.ndarray | None:
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
