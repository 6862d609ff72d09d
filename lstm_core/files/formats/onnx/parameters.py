"""Weights and biases of a cell, from the arguments of the gates of one of its steps."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from lstm_core.files import limits
from lstm_core.files.formats.onnx.affine import Affine, Term
from lstm_core.files.formats.onnx.fold import Computed
from lstm_core.files.formats.onnx.graph import Value
from lstm_core.files.formats.onnx.steps import Step

Parameters = dict[str, np.ndarray]


def of_step(affine: Affine, step: Step, before: Value) -> tuple[Parameters, Value]:
    """The parameters as the step has them, and what it reads. before: h of the step before.

    Raises Computed if a gate's argument is another than ``W @ x + U @ h + b``.
    """
    params: Parameters = {}
    inputs = set[Value]()
    for letter, argument in _arguments(step):
        form = affine.form(argument)
        state = step.arguments["rh"] if letter == "n" and "rh" in step.arguments else before
        terms = [part for term in form.terms for part in _split(affine, term, state)]
        of_state = [matrix for value, matrix in terms if value == state]
        of_input = [matrix for value, matrix in terms if value != state]
        inputs |= {value for value, _ in terms if value != state}
        inside, outside = letter == "hn", letter == "n" and "hn" in step.arguments  # of a GRU's reset gate
        if len(of_state) != (not outside) or len(of_input) != (not inside):
            raise Computed(letter)
        gate = "n" if inside else letter
        params |= {f"U_{gate}": matrix.T for matrix in of_state} | {f"W_{gate}": matrix.T for matrix in of_input}
        units = (of_state or of_input)[0].shape[1]
        params[f"b_{letter}"] = np.broadcast_to(form.bias, (units,))
    if len(inputs) != 1:
        raise Computed(step.kind)
    return limits.weights(params, step.kind), inputs.pop()


def of_first(affine: Affine, step: Step, params: Parameters) -> tuple[Value, Value | None]:
    """What the first step of a cell with these parameters reads, and the h that it starts from; None for one that is
    left out, as zeros are. Raises Computed if it has other parameters."""
    inputs, states = set[Value](), set[Value]()
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
                    (inputs if is_input else states).add(value)
    if step.c is None and step.before is not None:
        states.add(step.before)
    if len(inputs) != 1 or len(states) > 1:
        raise Computed(step.kind)
    return inputs.pop(), states.pop() if states else None


def of_single(affine: Affine, step: Step, states: set[Value]) -> tuple[Parameters, Value, Value]:
    """Parameters of a step that stands alone, what it reads, and the h before. states: what is known to be one.

    Raises Computed where it is not certain which of two values is h.
    """
    if step.c is None and step.before is not None:
        return *of_step(affine, step, step.before), step.before
    found = []
    terms = [part for term in affine.form(step.arguments["o"]).terms for part in affine.parts(term)]
    for value in {term.value for term in terms if not states or term.value in states}:
        with suppress(Computed, ValueError):
            params, x = of_step(affine, step, value)
            if params["U_o"].shape[0] == params["U_o"].shape[1]:
                found.append((params, x, value))
    if len(found) != 1:
        raise Computed(step.kind)
    return found[0]


def _arguments(step: Step) -> list[tuple[str, Value]]:
    return [(letter, argument) for letter, argument in step.arguments.items() if letter != "rh"]


def _split(affine: Affine, term: Term, state: Value) -> list[Term]:
    """A product of x and h side by side is the sum of theirs."""
    parts = affine.parts(term)
    return parts if any(part.value == state for part in parts) else [term]
