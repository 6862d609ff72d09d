"""The network of a trace on other inputs, all at once, and what its output passes down to them.

For the analyses that ask what another input would have made of an output: attribution, deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_core import attention as attending
from lstm_core.analysis.backward import Slopes, backward, derivatives, through_time
from lstm_core.analysis.gradients import Gradients, gradients
from lstm_core.analysis.readout import Readout
from lstm_core.analysis.steps import Steps
from lstm_core.analysis.tape import Tape
from lstm_core.ops import NUMPY, host
from lstm_core.say import say
from lstm_core.scan import scan
from lstm_core.sequences import can_run_again, taken
from lstm_core.trace import Trace


def aimed(target: Any) -> np.ndarray:
    """The direction that is asked for, (directions * unit,), float64. Raises ValueError for what is not one."""
    if isinstance(target, Readout):
        return host(target.vector, np.float64)
    return numbers("target", target)


def begun(baseline: Any, x: np.ndarray) -> np.ndarray:
    """The baseline of each of the inputs ``x``, (time, input). Raises ValueError for one that does not fit them."""
    found = numbers("baseline", baseline)
    try:
        return np.broadcast_to(found, x.shape)
    except ValueError as error:
        shapes = {"input": x.shape[1:], "all": x.shape, "found": found.shape}
        raise ValueError(say("a baseline is a number, {input} or {all}, not {found}", **shapes)) from error


def numbers(name: str, value: Any) -> np.ndarray:
    """An argument as float64. Raises TypeError for what is not numbers, ValueError for those that are not finite."""
    try:
        if value.is_complex() if hasattr(value, "is_complex") else np.iscomplexobj(value):
            raise TypeError
        found = host(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        kind = type(value).__name__
        raise TypeError(say("{name} must be numbers, not {found}", name=name, found=kind)) from error
    if not np.isfinite(found).all():
        raise ValueError(say("{name} holds a value that is NaN or infinite", name=name))
    return found


def output(trace: Trace, step: int, vector: np.ndarray) -> float:
    """The output of the first run; see ``outputs``."""
    return float(outputs(trace, step, vector)[0])


def outputs(trace: Trace, step: int, vector: np.ndarray) -> np.ndarray:
    """(run,): the output along the direction, from the states of the trace."""
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
    return shown[step] @ vector


def rerun(trace: Trace, inputs: np.ndarray) -> Trace:
    """The network of ``trace`` on other inputs, (time, run, input), in float64. ValueError where it was forced."""
    can_run_again(trace)
    layers = [[{k: np.asarray(v, np.float64) for k, v in params.items()} for params in row] for row in trace.layers]
    runs = inputs.shape[1]
    initial = {name: np.repeat(np.asarray(v, np.float64), runs, axis=2) for name, v in trace.initial.items()}
    way = slice(None, None, -1 if trace.reverse else 1)
    signals, _ = scan(trace.cell, layers, inputs[way], initial, NUMPY)
    signals = {name: values[:, :, way] for name, values in signals.items()}
    looks = attending.weights(trace.attention, trace.cell, signals)
    return replace(trace, signals={**signals, **looks}, inputs=inputs, layers=layers, initial=initial, lengths=None)


def input_gradients(trace: Trace, step: int, vector: np.ndarray) -> np.ndarray:
    """(time, run, input): the gradient of the output in the inputs of each run."""
    if trace.attention is not None and len(vector) == 2 * len(trace.attention["W_a"]):
        found: list[Gradients] = [gradients(trace, step, vector, run) for run in range(trace.inputs.shape[1])]
        return np.stack([one.inputs for one in found], axis=1)
    above = np.zeros((*trace.inputs.shape[:2], len(vector)))
    above[step] = vector
    return sent_down(trace, above)[0]


def sent_down(
    trace: Trace, above: np.ndarray, slopes: Callable[[Tape, list[Any]], Slopes] = derivatives
) -> tuple[np.ndarray, float, float]:
    """What is ``above``, (time, run, directions * unit) in the top layer's output, sent down to the inputs: (time, run,
    input); and, times their values and summed, what the first states and the parameters that are vectors get."""
    below: list[dict[str, np.ndarray]] = [{} for _ in trace.layers[0]]
    initial = bias = 0.0
    for layer in reversed(range(len(trace.layers))):
        runs = [_steps(trace, layer, way) for way in range(len(trace.layers[0]))]
        parts = np.split(above, len(runs), axis=-1)
        above = np.zeros_like(runs[0].x)
        for way, run in enumerate(runs):
            given = dict(below[way])
            given[run.cell.output] = given.get(run.cell.output, 0.0) + parts[way]
            back = backward(run, {name: run.flip(value) for name, value in given.items()}, slopes)
            above = above + run.flip(back.x)
            below[way] = {name: run.flip(value) for name, value in back.below.items()}
            initial += sum(float((back.first[name] * run.old[name][0]).sum()) for name in back.first)
            bias += sum(float((value * run.params[name]).sum()) for name, value in back.vectors.items())
    return above, initial, bias


def state_errors(trace: Trace, above: np.ndarray, last: Mapping[str, np.ndarray]) -> np.ndarray:
    """(direction, time, run, unit): the error in the top layer's h at every step, by every path, where it comes in at
    the output, ``above`` (time, run, directions * unit), and in the states that each run ends with, ``last`` by name
    (direction, run, unit). 0 after a run's end. In the precision of ``above``."""
    cell, step = trace.cell, taken(trace)
    if not step.all():  # after a run's end stands its first state, which the backward direction begins with
        rest = {name: np.asarray(trace.initial[name])[:, :, None] for name in cell.states()}
        signals = {name: np.where(step[:, :, None], trace[name], rest.get(name, 0)) for name in trace}
        trace = replace(trace, signals=signals)
    found = []
    for way, part in enumerate(np.split(above, len(trace.layers[0]), axis=-1)):
        run = _steps(trace, len(trace.layers) - 1, way, above.dtype)
        given = {cell.output: part.copy()}
        ends = np.zeros_like(step[0], int) if run.backward else step.sum(axis=0) - 1
        for name, error in last.items():
            into = given.setdefault(name, np.zeros((*step.shape, error.shape[-1]), above.dtype))
            into[ends, np.arange(len(ends))] += error[way]
        given = {name: run.flip(value) for name, value in given.items()}
        back = through_time(run, cell.output, given, known=True)
        found.append(np.where(step[:, :, None], run.flip(back), 0))
    return np.stack(found)


def _steps(trace: Trace, layer: int, way: int, dtype: Any = np.float64) -> Steps:
    """As ``lstm_core.analysis.steps.steps``, of all rows of the batch at once: (time, run, unit)."""
    cell, backward = trace.cell, trace.reverse or way == 1
    flip = slice(None, None, -1 if backward else 1)
    if layer:
        x = np.concatenate(list(trace.signals[cell.output][layer - 1]), axis=-1)
    else:
        x = trace.inputs
    signals = {s.name: trace.signals[s.name][layer, way][flip].astype(dtype) for s in cell.signals}
    old = {
        name: np.concatenate([np.asarray(trace.initial[name][layer, way], dtype)[None], signals[name][:-1]])
        for name in cell.states()
    }
    zero = np.zeros_like(next(iter(signals.values())))
    below = {
        f"below_{name}": trace.signals[name][layer - 1, way][flip].astype(dtype) if layer else zero
        for name in cell.below
    }
    params = {name: np.asarray(value, dtype) for name, value in trace.layers[layer][way].items()}
    x = np.asarray(x, dtype)[flip]
    return Steps(cell, backward, x, signals, old, below, params, np.zeros(len(x), bool))
