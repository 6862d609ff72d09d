"""What of the input made this output? Shares of an output that belong to each input, and how well they add up to it.

The output is a direction in what the top layer shows after a step: a word's logit, or the lead of one word over
another. Four ways to share it out, each with its completeness error, what is left between the sum and the output:

- "gradient": input times gradient. Cheap, and right for a linear network alone; its sum is not the output.
- "integrated": integrated gradients, the gradient averaged on the straight way from a baseline to the input, times the
  way (Sundararajan, Taly & Yan, ICML 2017, arXiv 1703.01365). Complete up to the quadrature, which is made finer where
  it is not.
- "relevance": layer-wise relevance propagation as Arras et al. have it for the LSTM (WASSA 2017, arXiv 1706.07206,
  sections 2.2 and 3; the book chapter of 2019, arXiv 1909.12114): a product of gate and signal gives everything to the
  signal, a sum gives in proportion to its parts, a function gives what it gets. Without their stabiliser it is the
  gradient with gates held fast and f(a) / a for the slope of a function, so nothing is divided by a small number. What
  biases and the first state get is told apart.
- "exact": what each step wrote and what was kept of it (``lstm_core.analysis.memory``), for cells whose memory goes on
  linearly; by step, of the top layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lstm_core.analysis.brief import brief
from lstm_core.analysis.derivatives import derivative
from lstm_core.analysis.gradients import gradients
from lstm_core.analysis.integrated import POINTS, integrated
from lstm_core.analysis.memory import memory
from lstm_core.analysis.rerun import aimed, begun, output, rerun, sent_down
from lstm_core.analysis.steps import history
from lstm_core.analysis.tape import ARITHMETIC, Tape
from lstm_core.kinds import kinds
from lstm_core.say import say
from lstm_core.sequences import skipped
from lstm_core.shown import Result
from lstm_core.trace import Trace

METHODS = ("gradient", "integrated", "relevance", "exact")


@brief
@dataclass(frozen=True, eq=False)
class Attribution(Result):
    """What each input adds to ``value``, the output after ``step``.

    method: one of ``METHODS``. inputs: (time, input), in units of the output (logits, for a word); None for "exact",
    which is by step. words: (time,), what each step adds, the sum of its inputs.
    initial: what the first state adds, where the method tells it. bias: what the biases add to a relevance, and what an
    exact share has that belongs to no step. value: the output. baseline: what the baseline has of it: the
    output there for integrated gradients; input times gradient and relevance of the baseline for those, 0 where it is
    zeros; 0 for "exact".
    error: the completeness error, the absolute difference of ``value`` - ``baseline`` and the sum of the rest; for
        integrated gradients, with what the shares of falls in the output may be off by (``analysis.falling``).
    """

    axes = {"inputs": "time input", "words": "time"}

    method: str
    step: int
    inputs: np.ndarray | None
    words: np.ndarray
    initial: float
    bias: float
    value: float
    baseline: float
    error: float

    @kinds
    def leading(self, count: int = 3) -> tuple[int, ...]:
        """The ``count`` steps that speak most for the output, first the one that adds most."""
        return tuple(int(at) for at in np.argsort(-self.words, kind="stable")[:count])


@kinds
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

    By input times gradient ("gradient"), integrated gradients ("integrated", Sundararajan, Taly & Yan, ICML 2017),
    layer-wise relevance ("relevance", Arras et al., WASSA 2017), or by what each step wrote and what was kept of it
    ("exact", see ``analysis.memory``).

    target: a direction in the top layer's output, (directions * unit,), with attention (2 * unit,), as an array or a
        tensor, such as a row of a classifier; or a ``Readout``, whose bias is left out. method: one of ``METHODS``.
    step, batch: as for ``analysis.gradients``; the inputs are those of that sequence alone, (time, input).
    baseline: what the inputs are compared with, a number or (input,) or (time, input): a step gets what it adds beyond
        its baseline, and "exact" has none. Zeros are an embedding that says nothing; ``expected(model, trace)`` is the
        word that the model expected there. points: how many gradients are averaged for integrated ones at most.

    All in float64. Raises ValueError for a method, step, sequence or direction that there is not, for a target or a
    baseline with NaN, for a trace without h, and for "exact" where the cell's memory does not go on linearly; TypeError
    for an argument of another kind; NotImplementedError for a cell with a function that has no derivative
    here.
    """
    if method not in METHODS:
        names = ", ".join(METHODS)
        raise ValueError(say("there is no method {method!r}; there are {names}", method=method, names=names))
    if points < 1:
        raise ValueError(say("points must be at least 1, not {points}", points=points))
    vector = aimed(target)
    trace, step = history(trace, batch, step)
    trace[trace.cell.output]  # ValueError where it was not kept
    if method == "exact":
        return _exact(trace, step, vector)
    x = np.asarray(trace.inputs[:, 0], np.float64)
    start = begun(baseline, x)
    value = output(trace, step, vector)
    if method == "relevance":
        return _relevance(trace, step, vector, x, start, value)
    if method == "gradient":
        slopes = gradients(trace, step, vector).inputs
        return _made("gradient", step, (x - start) * slopes, 0.0, 0.0, value, float((start * slopes).sum()))
    found = integrated(trace, step, vector, x, start, points)
    if found is None:
        return _made("integrated", step, np.zeros_like(x), value, 0.0, value, 0.0)
    return _made("integrated", step, found[0], 0.0, 0.0, value, found[1], found[2])


def _made(
    method: str, step: int, inputs: np.ndarray, initial: float, bias: float, value: float, baseline: float, doubt=0.0
) -> Attribution:
    error = abs(value - baseline - float(inputs.sum()) - initial - bias) + doubt
    return Attribution(method, step, inputs, inputs.sum(-1), initial, bias, value, baseline, error)


# ---- relevance


def _relevance(
    trace: Trace, step: int, vector: np.ndarray, x: np.ndarray, start: np.ndarray, value: float
) -> Attribution:
    taken = np.flatnonzero(~skipped(trace)[:, 0])
    if len(taken) < len(trace):
        raise ValueError(say("relevance is not shared out over steps that a mask skips: take method='integrated'"))
    if trace.attention is not None and len(vector) == 2 * len(trace.attention["W_a"]):
        raise ValueError(say("relevance is not shared out through attention: take method='integrated'"))
    run = rerun(trace, np.asarray(trace.inputs, np.float64))
    above = np.zeros((*trace.inputs.shape[:2], len(vector)))
    above[step] = vector
    names = frozenset(signal.name for signal in trace.cell.signals if signal.kind == "gate")
    found, initial, bias = sent_down(run, above, partial(_rules, names=names))
    rates = found[:, 0]  # what a unit of each input gets, with everything else as it is
    return _made("relevance", step, (x - start) * rates, initial, bias, value, float((start * rates).sum()))


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
        slopes = derivative(node.op, values[at], args)
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
