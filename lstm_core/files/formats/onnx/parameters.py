"""Weights and biases of a cell, from the arguments of the gates of one of its steps."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from lstm_core.files.formats.onnx.affine import Affine, Term
from lstm_core.files.formats.onnx.fold import WRONG, Computed
from lstm_core.files.formats.onnx.graph import Value
from lstm_core.files.formats.onnx.steps import Step

Parameters = dict[str, np.ndarray]


def of_step(affine: Affine, step: Step, before: Value) -> tuple[Parameters, list[Value]]:
    """The parameters as the step has them, and what it reads, in as many forms as it does.

    before: h of the step before. The parameters are parts of the graph's own arrays.

    Raises Computed if a gate's argument is another than ``W @ x + U @ h + b``.
    """
    params: Parameters = {}
    inputs = dict[Value, None]()
    for letter, argument in _arguments(step):
        form = affine.form(argument)
        state = step.arguments["rh"] if letter == "n" and "rh" in step.arguments else before
        terms = [part for term in form.terms for part in _split(affine, term, state)]
        of_state = [matrix for value, matrix in terms if value == state]
        of_input = [matrix for value, matrix in terms if value != state]
        inputs |= {value: None for value, _ in terms if value != state}
        inside, outside = letter == "hn", letter == "n" and "hn" in step.arguments  # of a GRU's reset gate
        if len(of_state) != (not outside) or len(of_input) != (not inside):
            raise Computed(letter)
        gate = "n" if inside else letter
        params |= {f"U_{gate}": matrix.T for matrix in of_state} | {f"W_{gate}": matrix.T for matrix in of_input}
        units = (of_state or of_input)[0].shape[1]
        params[f"b_{letter}"] = np.broadcast_to(form.bias, (units,))
    return params, list(inputs)


def of_first(affine: Affine, step: Step, params: Parameters) -> tuple[list[Value], Value | None]:
    """What the first step of a cell with these parameters reads, and the h that it starts from; None for one that is
    left out, as zeros are. Raises Computed if it has other parameters."""
    inputs, states = dict[Value, None](), dict[Value, None]()
    for letter, argument in _arguments(step):
        weight = params.get("U_n" if letter == "hn" else f"W_{letter}")
        form = affine.form(argument)
        if not np.allclose(form.bias, params[f"b_{letter}"], rtol=1e-5, atol=1e-6):
            raise Computed(letter)
        for term in form.terms:
            whole = weight is None or term.matrix.T.shape in (weight.shape, params[f"U_{letter[-1]}"].shape)
            for value, matrix in [term] if whole else affine.parts(term):
                if value != step.arguments.get("rh"):
                    is_input = letter != "hn" and weight is not None and np.array_equal(matrix.T, weight)
                    (inputs if is_input else states)[value] = None
    if step.c is None and step.before is not None:
        states[step.before] = None
    first = next(iter(states), None)
    if first is not None and not all(affine.alike(first, other) for other in states):
        raise Computed(step.kind)
    return list(inputs), first


def of_single(affine: Affine, step: Step, states: set[Value]) -> tuple[Parameters, list[Value], Value]:
    """Parameters of a step that stands alone, what it reads, and the h before. states: what is known to be one.

    Raises Computed where it is not certain which of two values is h.
    """
    if step.c is None and step.before is not None:
        return *of_step(affine, step, step.before), step.before
    if not states and step.kind != "lstm":
        raise Computed(step.kind)  # any layer of tanh looks like it
    found, letter = [], "o" if step.kind == "lstm" else "a"
    terms = [part for term in affine.form(step.arguments[letter]).terms for part in affine.parts(term)]
    for value in {term.value for term in terms if not states or term.value in states}:
        with suppress(*WRONG):
            params, x = of_step(affine, step, value)
            if len(set(params[f"U_{letter}"].shape)) == 1:
                found.append((params, x, value))
    if len(found) != 1:
        raise Computed(step.kind)
    return found[0]


def same(first: Parameters, second: Parameters) -> bool:
    """Whether two steps have the same parameters: the same memory, or the same numbers in it."""
    return first.keys() == second.keys() and all(_same(first[name], second[name]) for name in first)


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    lie = [(a.__array_interface__["data"][0], a.shape, a.strides, a.dtype) for a in (first, second)]
    return lie[0] == lie[1] or np.array_equal(first, second)


def _arguments(step: Step) -> list[tuple[str, Value]]:
    return [(letter, argument) for letter, argument in step.arguments.items() if letter != "rh"]


def _split(affine: Affine, term: Term, state: Value) -> list[Term]:
    """A product of x and h side by side is the sum of theirs."""
    parts = affine.parts(term)
    return parts if any(part.value == state for part in parts) else [term]
