"""What of the input made this output? Shares of an output that belong to each input, and how well they add up to it.

The output is a direction in what the top layer shows after a step: a word's logit, or the lead of one word over
another. Four ways to share it out, each with its completeness error, what is left between the sum and the output:

- "gradient": input times gradient. Cheap, and right for a linear network alone; its sum is not the output.
- "integrated": integrated gradients, the gradient averaged on the straight way from a baseline to the input, times the
  way (Sundararajan, Taly & Yan, ICML 2017, arXiv 1703.01365). Complete up to the quadrature.
- "relevance": layer-wise relevance propagation as Arras et al. have it for the LSTM (WASSA 2017, arXiv 1706.07206,
  sections 2.2 and 3; the book chapter of 2019, arXiv 1909.12114): a product of gate and signal gives everything to the
  signal, a sum gives in proportion to its parts, a function gives what it gets. Without their stabiliser it is the
  gradient with gates held fast and f(a) / a for the slope of a function, so nothing is divided by a small number. What
  biases and the first state get is told apart.
- "exact": what each step wrote and what was kept of it (``lstm_core.analysis.memory``), for cells whose memory goes on
  linearly; by step, of the top layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lstm_core import attention as attending
from lstm_core.analysis.brief import brief
from lstm_core.analysis.gradients import ARITHMETIC, Gradients, _back, _local, gradients
from lstm_core.analysis.memory import memory
from lstm_core.analysis.readout import Readout
from lstm_core.analysis.steps import Steps, history
from lstm_core.analysis.tape import Tape
from lstm_core.ops import NUMPY, host
from lstm_core.say import say
from lstm_core.scan import scan
from lstm_core.sequences import skipped
from lstm_core.trace import Trace

METHODS = ("gradient", "integrated", "relevance", "exact")
POINTS = 256
"""On the way from the baseline to the input, for integrated gradients."""
AT_ONCE = 200_000
"""Values of one signal that are held at a time for these points."""


@brief
@dataclass(frozen=True, eq=False)
class Attribution:
    """What each input adds to ``value``, the output after ``step``.

    method: one of ``METHODS``. inputs: (time, input), in units of the output (logits, for a word); None for "exact",
    which is by step. words: (time,), what each step adds, the sum of its inputs.
    initial: what the first state adds, where the method tells it. bias: what the biases add to a relevance, and what an
    exact share has that belongs to no step. value: the output. baseline: the output at the baseline, from which
    integrated gradients start; 0 for the others.
    error: the completeness error, the absolute difference of ``value`` - ``baseline`` and the sum of the rest.
    """

    method: str
    step: int
    inputs: np.ndarray | None
    words: np.ndarray
    initial: float
    bias: float
    value: float
    baseline: float
    error: float

    def leading(self, count: int = 3) -> tuple[int, ...]:
        """The steps that speak most for the output, first the one that adds most."""
        return tuple(int(at) for at in np.argsort(-self.words, kind="stable")[:count])


def attribution(
    trace: Trace,
    target: Any,
    method: str = "relevance",
    *,
    step: int = -1,
    batch: int = 0,
    baseline: Any = 0.0,
    points: int = POINTS,
) -> Attribution:
    """Share the output ``target`` . h after ``step`` out to the inputs.

    target: a direction in the top layer's output, (directions * unit,), with attention (2 * unit,), as an array or a
        tensor, such as a row of a classifier; or a ``Readout``, whose bias is left out. method: one of ``METHODS``.
    step, batch: as for ``analysis.gradients``; the inputs are those of that sequence alone, (time, input).
    baseline: what integrated gradients start from, a number or (input,) or (time, input); zeros are an embedding that
        says nothing. points: how many gradients they average, at the places of Gauss and Legendre.

    All in float64. Raises ValueError for a method, step, sequence or direction that there is not, and for "exact" where
    the cell's memory does not go on linearly; NotImplementedError for a cell with a function that has no derivative
    here.
    """
    if method not in METHODS:
        names = ", ".join(METHODS)
        raise ValueError(say("there is no method {method!r}; there are {names}", method=method, names=names))
    if points < 1:
        raise ValueError(say("points must be at least 1, not {points}", points=points))
    vector = host(target.vector if isinstance(target, Readout) else target, np.float64)
    trace, step = history(trace, batch, step)
    if method == "exact":
        return _exact(trace, step, vector)
    x = np.asarray(trace.inputs[:, 0], np.float64)
    value = _value(trace, step, vector)
    if method == "relevance":
        return _relevance(trace, step, vector, x, value)
    if method == "gradient":
        shares = x * gradients(trace, step, vector).inputs
        return _made("gradient", step, shares, 0.0, 0.0, value, 0.0)
    start = np.broadcast_to(host(baseline, np.float64), x.shape)
    return _integrated(trace, step, vector, x, start, value, points)


def _made(
    method: str, step: int, inputs: np.ndarray, initial: float, bias: float, value: float, baseline: float
) -> Attribution:
    error = abs(value - baseline - float(inputs.sum()) - initial - bias)
    return Attribution(method, step, inputs, inputs.sum(-1), initial, bias, value, baseline, error)


def _value(trace: Trace, step: int, vector: np.ndarray) -> float:
    """The output along the direction, from the states of the trace."""
    shown = attending.top(trace.cell, trace.signals).astype(np.float64)
    if trace.attention is not None and len(vector) == 2 * shown.shape[-1]:
        params = {name: np.asarray(value, np.float64) for name, value in trace.attention.items()}
        shown = attending.attended(params, shown)[0]
    if vector.shape != shown.shape[-1:]:
        raise ValueError(
            say(
                "the target is a vector of the output, {expected}, not {found}",
                expected=shown.shape[-1:],
                found=vector.shape,
            )
        )
    return float(shown[step, 0] @ vector)


# ---- integrated gradients


def _integrated(
    trace: Trace, step: int, vector: np.ndarray, x: np.ndarray, start: np.ndarray, value: float, points: int
) -> Attribution:
    """Steps that a mask skipped are left out: they change nothing and get nothing."""
    taken = ~skipped(trace)[:, 0]
    places = np.flatnonzero(taken)
    if not len(places) or (step < places[0] if not trace.reverse else step > places[-1]):
        return _made("integrated", step, np.zeros_like(x), value, 0.0, value, 0.0)
    near = places[places >= step][0] if trace.reverse and step <= places[-1] else places[places <= step][-1]
    at = int(np.searchsorted(places, near))
    nodes, weights = np.polynomial.legendre.leggauss(points)
    alphas, weights = (nodes + 1) / 2, weights / 2
    own, begin = x[taken], start[taken]
    mean, most = np.zeros_like(own), max(1, AT_ONCE // max(1, len(own) * trace.hidden_size))
    for first in range(0, points, most):
        chosen = slice(first, first + most)
        runs = begin[:, None] + alphas[chosen, None] * (own - begin)[:, None]
        found = _input_gradients(_again(trace, runs), at, vector)
        mean += np.einsum("p,tpi->ti", weights[chosen], found)
    shares = np.zeros_like(x)
    shares[taken] = (own - begin) * mean
    base = _value(_again(trace, begin[:, None]), at, vector)
    return _made("integrated", step, shares, 0.0, 0.0, value, base)


def _again(trace: Trace, inputs: np.ndarray) -> Trace:
    """The network of ``trace`` on other inputs, (time, run, input), in float64."""
    layers = [[{k: np.asarray(v, np.float64) for k, v in params.items()} for params in row] for row in trace.layers]
    runs = inputs.shape[1]
    initial = {name: np.repeat(np.asarray(v, np.float64), runs, axis=2) for name, v in trace.initial.items()}
    way = slice(None, None, -1 if trace.reverse else 1)
    signals, _ = scan(trace.cell, layers, inputs[way], initial, NUMPY)
    signals = {name: values[:, :, way] for name, values in signals.items()}
    looks = attending.weights(trace.attention, trace.cell, signals)
    return replace(trace, signals={**signals, **looks}, inputs=inputs, layers=layers, initial=initial, lengths=None)


def _input_gradients(trace: Trace, step: int, vector: np.ndarray) -> np.ndarray:
    """(time, run, input): the gradient of the output in the inputs of each run."""
    if trace.attention is not None and len(vector) == 2 * len(trace.attention["W_a"]):
        found: list[Gradients] = [gradients(trace, step, vector, run) for run in range(trace.inputs.shape[1])]
        return np.stack([one.inputs for one in found], axis=1)
    above = np.zeros((*trace.inputs.shape[:2], len(vector)))
    above[step] = vector
    return _down(trace, above)[0]


Slopes = Callable[[Tape, list[Any]], "list[tuple[Any, ...]]"]


def _down(trace: Trace, above: np.ndarray, slopes: Slopes | None = None) -> tuple[np.ndarray, float, float]:
    """What is ``above``, (time, run, directions * unit) in the top layer's output, sent down to the inputs: (time, run,
    input); and, times their values and summed, what the first states and the parameters that are vectors get."""
    more: dict[str, Any] = {} if slopes is None else {"slopes": slopes}
    below: list[dict[str, np.ndarray]] = [{} for _ in trace.layers[0]]
    initial = bias = 0.0
    for layer in reversed(range(len(trace.layers))):
        runs = [_steps(trace, layer, way) for way in range(len(trace.layers[0]))]
        parts = np.split(above, len(runs), axis=-1)
        above = np.zeros_like(runs[0].x)
        for way, run in enumerate(runs):
            given = dict(below[way])
            given[run.cell.output] = given.get(run.cell.output, 0.0) + parts[way]
            back = _back(run, {name: run.flip(value) for name, value in given.items()}, **more)
            above = above + run.flip(back.x)
            below[way] = {name: run.flip(value) for name, value in back.below.items()}
            initial += sum(float((back.first[name] * run.old[name][0]).sum()) for name in back.first)
            bias += sum(float((value * run.params[name]).sum()) for name, value in back.vectors.items())
    return above, initial, bias


def _steps(trace: Trace, layer: int, way: int) -> Steps:
    """As ``lstm_core.analysis.steps.steps``, of all rows of the batch at once: (time, run, unit)."""
    cell, backward = trace.cell, trace.reverse or way == 1
    flip = slice(None, None, -1 if backward else 1)
    if layer:
        x = np.concatenate(list(trace.signals[cell.output][layer - 1]), axis=-1)
    else:
        x = trace.inputs
    signals = {s.name: trace.signals[s.name][layer, way][flip].astype(np.float64) for s in cell.signals}
    old = {
        name: np.concatenate([np.asarray(trace.initial[name][layer, way], np.float64)[None], signals[name][:-1]])
        for name in cell.states()
    }
    zero = np.zeros_like(next(iter(signals.values())))
    below = {
        f"below_{name}": trace.signals[name][layer - 1, way][flip].astype(np.float64) if layer else zero
        for name in cell.below
    }
    params = {name: np.asarray(value, np.float64) for name, value in trace.layers[layer][way].items()}
    x = np.asarray(x, np.float64)[flip]
    return Steps(cell, backward, x, signals, old, below, params, np.zeros(len(x), bool))


# ---- relevance


def _relevance(trace: Trace, step: int, vector: np.ndarray, x: np.ndarray, value: float) -> Attribution:
    taken = np.flatnonzero(~skipped(trace)[:, 0])
    if len(taken) < len(trace):
        raise ValueError(say("relevance is not shared out over steps that a mask skips: take method='integrated'"))
    if trace.attention is not None and len(vector) == 2 * len(trace.attention["W_a"]):
        raise ValueError(say("relevance is not shared out through attention: take method='integrated'"))
    again = _again(trace, np.asarray(trace.inputs, np.float64))
    above = np.zeros((*trace.inputs.shape[:2], len(vector)))
    above[step] = vector
    names = frozenset(signal.name for signal in trace.cell.signals if signal.kind == "gate")
    found, initial, bias = _down(again, above, partial(_rules, names=names))
    return _made("relevance", step, x * found[:, 0], initial, bias, value, 0.0)


def _rules(cell: Tape, values: list[Any], names: frozenset[str]) -> list[tuple[Any, ...]]:
    """What each node passes on, of relevance divided by value, so that a sum gives each part its share.

    A product of gate and signal: the gate to the signal, nothing to the gate. A function f of one argument: f(a) / a,
    its derivative where a is 0. Products and sums of matrices: as the gradient. names: of the cell's gates; a parameter
    that a signal is multiplied with counts as one.
    """
    gates: list[bool] = []
    for node in cell.nodes:
        inside = [gates[arg] for arg in node.args]
        shares = not names.isdisjoint(node.signals) or node.op in ("sigmoid", "number")
        fixed = node.op == "symbol" and node.value.startswith("p.")
        gates.append(shares or fixed or (node.op in ARITHMETIC and all(inside)))
    found = []
    for at, node in enumerate(cell.nodes):
        args = [values[arg] for arg in node.args]
        slopes = _local(node.op, values[at], args)
        if node.op == "*":
            first, second = (gates[arg] for arg in node.args)
            if first != second:
                slopes = (None, args[0]) if first else (args[1], None)
            elif not first:  # two signals share it
                slopes = (args[1] / 2, args[0] / 2)
        elif node.op == "/":
            slopes = (slopes[0], None)
        elif len(args) == 1 and node.op not in ARITHMETIC and slopes[0] is not None:
            a = np.asarray(args[0], np.float64)
            small = np.abs(a) < 1e-6
            slopes = (np.where(small, slopes[0], values[at] / np.where(small, 1.0, a)),)
        found.append(slopes)
    return found


# ---- the exact decomposition


def _exact(trace: Trace, step: int, vector: np.ndarray) -> Attribution:
    ways: Sequence[bool] = (trace.reverse,) if len(trace.layers[0]) == 1 else (False, True)
    parts = [memory(trace, step, direction=vector, backward=way) for way in ways]
    words = sum((part.contributions for part in parts), np.zeros(len(trace)))
    initial, bias, value = (float(sum(getattr(one, n) for one in parts)) for n in ("initial", "offset", "value"))
    error = abs(value - float(words.sum()) - initial - bias)
    return Attribution("exact", step, None, words, initial, bias, value, 0.0, error)
