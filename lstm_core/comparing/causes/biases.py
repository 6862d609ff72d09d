"""PyTorch has two biases a gate, others one: of two, one is lost, counted twice, or added in the wrong place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lstm_core.comparing.causes import Cause, Try, everywhere, gates
from lstm_core.comparing.level import Level, Params
from lstm_core.say import Said, mark, say


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The layer with one bias of each gate's two left out, doubled, halved, swapped or merged."""
    letters = gates(own)
    side = {"side": own.side}
    ways: list[tuple[Said, Callable[[Params, Params], Params | None]]] = [
        (say("the second bias of {side} (bias_hh) left out", **side), lambda p, two: _of(p, two, letters, 1, 0)),
        (say("the first bias of {side} (bias_ih) left out", **side), lambda p, two: _of(p, two, letters, 0, 1)),
        (say("the two biases of {side} swapped", **side), lambda p, two: _swapped(p, letters)),
        (
            say("both biases of {side} merged within what the reset gate multiplies", **side),
            lambda p, two: _merged(p, letters, True),
        ),
        (
            say("both biases of {side} merged outside of what the reset gate multiplies", **side),
            lambda p, two: _merged(p, letters, False),
        ),
        (say("the biases of {side} left out", **side), lambda p, two: _times(p, 0.0)),
        (say("the biases of {side} halved", **side), lambda p, two: _times(p, 0.5)),
        (say("the biases of {side} doubled", **side), lambda p, two: _times(p, 2.0)),
        (say("the first bias of {side} (bias_ih) counted twice", **side), lambda p, two: _of(p, two, letters, 2, 0)),
        (say("the second bias of {side} (bias_hh) counted twice", **side), lambda p, two: _of(p, two, letters, 0, 2)),
    ]
    for change, exchange in ways:
        yield from everywhere(change, own, exchange)


def _of(params: Params, two: Params, letters: tuple[str, ...], first: float, second: float) -> Params | None:
    """So many times the one bias and the other."""
    if not two:
        return None
    of_input, of_state = (np.split(two[name], len(letters)) for name in ("bias_ih", "bias_hh"))
    found = dict(params)
    for at, k in enumerate(letters):
        if f"b_h{k}" in params:
            found[f"b_{k}"], found[f"b_h{k}"] = first * of_input[at], second * of_state[at]
        else:
            found[f"b_{k}"] = first * of_input[at] + second * of_state[at]
    return found


def _inside(params: Params, letters: tuple[str, ...]) -> list[str]:
    """Gates whose second bias acts apart from the first, as the GRU's inside the reset gate's product."""
    return [k for k in letters if f"b_h{k}" in params]


def _swapped(params: Params, letters: tuple[str, ...]) -> Params | None:
    inside = _inside(params, letters)
    swaps = {name: params[other] for k in inside for name, other in ((f"b_{k}", f"b_h{k}"), (f"b_h{k}", f"b_{k}"))}
    return {**params, **swaps} if inside else None


def _merged(params: Params, letters: tuple[str, ...], within: bool) -> Params | None:
    inside = _inside(params, letters)
    found = dict(params)
    for k in inside:
        both = params[f"b_{k}"] + params[f"b_h{k}"]
        zero = np.zeros_like(both)
        found[f"b_{k}"], found[f"b_h{k}"] = (zero, both) if within else (both, zero)
    return found if inside else None


def _times(params: Params, factor: float) -> Params | None:
    found = {name: factor * value for name, value in params.items() if name.startswith("b_")}
    return {**params, **found} if found else None


CAUSE = Cause(mark("biases"), "weights", tries)
