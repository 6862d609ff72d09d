"""Another function in a gate: Keras 2's hard_sigmoid and Keras 3's, TensorFlow's sigmoid, relu for tanh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lstm_core.cells import CELLS
from lstm_core.comparing.causes import Cause, Try
from lstm_core.comparing.level import Level
from lstm_core.say import Said, mark, say
from lstm_core.variant import SIGMOID, TANH, Activation, activation, variant

PLAIN = {"rnn": "rnn_relu", "rnn_relu": "rnn"}
GATES: tuple[Activation, ...] = (SIGMOID, activation("hardsigmoid", 0.2, 0.5), activation("hardsigmoid", 1 / 6, 0.5))
OTHERS: tuple[Activation, ...] = (TANH, *map(activation, ("relu", "hardtanh", "softsign", "sigmoid")))
OTHERS = (*OTHERS, activation("affine", 1.0, 0.0))


def tries(own: Level, other: Level) -> Iterator[Try]:
    """The cell with another sigmoid, tanh or clip, gate by gate; for a plain RNN, tanh and relu exchanged."""
    recipe = vars(own.cell).get("recipe")
    if isinstance(recipe, tuple):
        base, gate, candidate, shown, clip, coupled = recipe
    elif CELLS.get(own.cell.name) is own.cell:
        base, gate, candidate, shown, clip, coupled = own.cell, SIGMOID, TANH, TANH, float("inf"), False
    else:
        return
    if base.name in PLAIN:
        if recipe is None:
            change = say("{side} as a network of {cell}", side=own.side, cell=CELLS[PLAIN[base.name]].title)
            yield Try(change, replace(own, cell=CELLS[PLAIN[base.name]]))
        return
    theirs = vars(other.cell).get("recipe")
    wanted = theirs[4] if isinstance(theirs, tuple) else float("inf")
    if wanted != clip:
        changed = variant(base, gate, candidate, shown, wanted, coupled)
        if wanted == float("inf"):
            change = say("what goes into the gates of {side} not clipped", side=own.side)
        else:
            change = say("what goes into the gates of {side} clipped at {limit:.3g}", side=own.side, limit=wanted)
        yield Try(change, replace(own, cell=changed))
    for function in GATES:
        if function != gate:
            changed = variant(base, function, candidate, shown, clip, coupled)
            change = say("{function} in the gates of {side}", function=_named(function), side=own.side)
            yield Try(change, replace(own, cell=changed))
    for function in OTHERS:
        if function != candidate:
            changed = variant(base, gate, function, shown, clip, coupled)
            change = say("{function} in the candidate of {side}", function=_named(function), side=own.side)
            yield Try(change, replace(own, cell=changed))
        if function != shown:
            changed = variant(base, gate, candidate, function, clip, coupled)
            change = say("{function} of the memory shown by {side}", function=_named(function), side=own.side)
            yield Try(change, replace(own, cell=changed))
        if function not in (candidate, shown):
            changed = variant(base, gate, function, function, clip, coupled)
            told = {"function": _named(function), "old": _named(candidate), "side": own.side}
            change = say("{function} in place of {old} in {side}", **told)
            yield Try(change, replace(own, cell=changed))


def _named(function: Activation) -> Said | str:
    if function.name == "hardsigmoid":
        return say("the hard sigmoid of slope {slope:.3g}", slope=function.alpha)
    return say("no function") if function.name == "affine" else function.name


CAUSE = Cause(mark("activation"), "weights", tries)
