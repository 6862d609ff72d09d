"""Cells with other activation functions, a clip, or coupled gates: what ONNX and Keras let a file ask for.

A variant is its base cell with the functions exchanged where the base says sigmoid and tanh, so that its equations,
too, are the ones that run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from types import SimpleNamespace
from typing import Any

from lstm_core import observed
from lstm_core.cells import cell as find_cell
from lstm_core.cells import shipped
from lstm_core.cells.base import Cell, Signal
from lstm_core.say import say


@dataclass(frozen=True)
class Activation:
    """A function by its name in lower case, with what ONNX calls alpha and beta."""

    name: str
    alpha: float = 0.0
    beta: float = 0.0

    def __call__(self, x: Any, xp: Any) -> Any:
        """The function's values of ``x``, elementwise, on the back end ``xp``."""
        return FORMULAS[self.name].function(x, self.alpha, self.beta, xp)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value that it can take; infinities where there is no bound."""
        low, high = FORMULAS[self.name].range(self.alpha, self.beta)
        return float(low), float(high)


@dataclass(frozen=True)
class Formula:
    """A function of (x, alpha, beta, xp), the range of its values, and the defaults of alpha and beta."""

    function: Callable[[Any, float, float, Any], Any]
    range: Callable[[float, float], tuple[float, float]]
    alpha: float | None = None
    beta: float | None = None
    """Their defaults, None where the function takes none."""


def _between(low: float, high: float) -> Callable[[float, float], tuple[float, float]]:
    return lambda a, b: (low, high)


def _elu(x: Any, a: float, xp: Any) -> Any:
    return xp.maximum(x, 0) + a * (xp.exp(xp.minimum(x, 0)) - 1)


ANY = _between(-math.inf, math.inf)
SELU = 1.0507009873554805, 1.6732632423543772  # scale and alpha, Klambauer et al. 2017

FORMULAS: dict[str, Formula] = {
    "sigmoid": Formula(lambda x, a, b, xp: xp.sigmoid(x), _between(0, 1)),
    "tanh": Formula(lambda x, a, b, xp: xp.tanh(x), _between(-1, 1)),
    "relu": Formula(lambda x, a, b, xp: xp.maximum(x, 0), _between(0, math.inf)),
    "affine": Formula(lambda x, a, b, xp: a * x + b, ANY, 1.0, 0.0),
    "leakyrelu": Formula(lambda x, a, b, xp: xp.maximum(x, 0) + a * xp.minimum(x, 0), ANY, 0.01),
    "thresholdedrelu": Formula(lambda x, a, b, xp: x * xp.greater(x, a), ANY, 1.0),
    "scaledtanh": Formula(lambda x, a, b, xp: a * xp.tanh(b * x), lambda a, b: (-abs(a), abs(a)), 1.0, 1.0),
    "hardsigmoid": Formula(lambda x, a, b, xp: xp.minimum(xp.maximum(a * x + b, 0), 1), _between(0, 1), 0.2, 0.5),
    "elu": Formula(lambda x, a, b, xp: _elu(x, a, xp), lambda a, b: (min(0, -a), math.inf), 1.0),
    "softsign": Formula(lambda x, a, b, xp: x / (1 + xp.abs(x)), _between(-1, 1)),
    "softplus": Formula(lambda x, a, b, xp: -xp.log_sigmoid(-x), _between(0, math.inf)),
    "relu6": Formula(lambda x, a, b, xp: xp.minimum(xp.maximum(x, 0), 6), _between(0, 6)),
    "hardtanh": Formula(lambda x, a, b, xp: xp.minimum(xp.maximum(x, -1), 1), _between(-1, 1)),
    "exponential": Formula(lambda x, a, b, xp: xp.exp(x), _between(0, math.inf)),
    "silu": Formula(lambda x, a, b, xp: x * xp.sigmoid(x), _between(-0.279, math.inf)),
    "selu": Formula(lambda x, a, b, xp: SELU[0] * _elu(x, SELU[1], xp), _between(-SELU[0] * SELU[1], math.inf)),
    "logsigmoid": Formula(lambda x, a, b, xp: xp.log_sigmoid(x), _between(-math.inf, 0)),
    "hardsilu": Formula(lambda x, a, b, xp: x * xp.minimum(xp.maximum(x / 6 + 0.5, 0), 1), _between(-0.375, math.inf)),
    "mish": Formula(lambda x, a, b, xp: x * xp.tanh(-xp.log_sigmoid(-x)), _between(-0.309, math.inf)),
    "tanhshrink": Formula(lambda x, a, b, xp: x - xp.tanh(x), ANY),
}


def activation(name: str, alpha: float | None = None, beta: float | None = None) -> Activation:
    """The function of that name, case and underscores ignored; ValueError lists the names there are."""
    key = name.lower().replace("_", "")
    if key not in FORMULAS:
        raise ValueError(
            say("the activation {name!r} is not supported; {names} are", name=name, names=", ".join(FORMULAS))
        )
    formula = FORMULAS[key]
    values = (
        0.0 if usual is None else usual if asked is None else asked
        for usual, asked in ((formula.alpha, alpha), (formula.beta, beta))
    )
    return Activation(key, *values)


SIGMOID, TANH = activation("sigmoid"), activation("tanh")
ROLES = ("gate", "candidate", "shown")
"""What a variant has a function for."""


class _Exchanged:
    """A back end with other functions for sigmoid and tanh, and their arguments clipped."""

    def __init__(self, xp: Any, sigmoid: Activation, tanh: Activation, clip: float) -> None:
        self._xp, self._sigmoid, self._tanh, self._clip = xp, sigmoid, tanh, clip

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def _clipped(self, x: Any) -> Any:
        return self._xp.minimum(self._xp.maximum(x, -self._clip), self._clip) if self._clip < math.inf else x

    def sigmoid(self, x: Any) -> Any:
        return self._sigmoid(self._clipped(x), self._xp)

    def tanh(self, x: Any) -> Any:
        return self._tanh(self._clipped(x), self._xp)


def variant(
    base: type[Cell],
    gate: Activation = SIGMOID,
    candidate: Activation = TANH,
    shown: Activation = TANH,
    clip: float = math.inf,
    coupled: bool = False,
) -> type[Cell]:
    """``base`` with other functions for its gates, its candidate and what is shown of its memory.

    clip: arguments of gates and candidate are kept within it. coupled: f = 1 - i. Without any of these, ``base``
    itself. A plain RNN has one function, ``shown``; what it clips is that function's argument. The same changes give
    the same class.
    """
    return _variant(base, gate, candidate, shown, clip, coupled)


@lru_cache(maxsize=256)
def _variant(
    base: type[Cell], gate: Activation, candidate: Activation, shown: Activation, clip: float, coupled: bool
) -> type[Cell]:
    plain = base.name in ("rnn", "rnn_relu")
    if (gate, candidate, shown, clip, coupled) == (SIGMOID, TANH, TANH, math.inf, False):
        return base
    said = [say("gates {name}", name=gate.name)] if gate != SIGMOID and not plain else []
    said += [say("candidate {name}", name=candidate.name)] if candidate != TANH and not plain else []
    said += [say("shown {name}", name=shown.name)] if shown != TANH else []
    said += [say("clipped to {clip:g}", clip=clip)] if clip < math.inf else []
    said += [say("i and f coupled")] if coupled else []
    listed = reduce(lambda first, second: say("{first}, {second}", first=first, second=second), said)

    class Variant(base):
        recipe = base, gate, candidate, shown, clip, coupled
        name = f"{base.name} ({listed})"
        title = say("{title} ({changes})", title=say(base.title), changes=listed)
        note = (
            say("{note} From a file: {changes}.", note=say(base.note), changes=listed)
            if base.note
            else say("From a file: {changes}.", changes=listed)
        )
        signals = _ranges(base, gate, candidate, shown, coupled)

        @staticmethod
        def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
            values = base.gates(p, x, s, _Exchanged(xp, gate, candidate, clip))
            if coupled:
                values["f"] = 1 - values["i"]
            return values

        @staticmethod
        def update(p: Any, v: SimpleNamespace, s: Any, xp: Any) -> dict[str, Any]:
            # The output gate of a peephole LSTM is a sigmoid in the update, clipped like the others; tanh(c) is not
            # clipped.
            exchanged = _Exchanged(xp, gate, shown, clip)
            if not plain:
                exchanged.tanh = lambda x: shown(x, xp)  # type: ignore[method-assign]
            return base.update(p, v, s, exchanged)

    Variant.__doc__ = f"{base.__doc__}\n\n    From a file: {listed}."
    return Variant


def written(cell: type[Cell]) -> dict[str, Any]:
    """What ``remade`` makes the cell of again, as JSON has it."""
    recipe = vars(cell).get("recipe")  # a class made from a variant is another cell
    if isinstance(recipe, Mapping):  # of a cell known by its values (``lstm_core.observed``)
        return dict(recipe)
    if recipe is None:
        return {"cell": cell.name} if shipped(cell) else {"own": cell.name}
    base, *functions, clip, coupled = recipe
    named = {role: [f.name, f.alpha, f.beta] for role, f in zip(ROLES, functions, strict=True)}
    return {"cell": base.name, **named, "clip": None if clip == math.inf else clip, "coupled": coupled}


def remade(recipe: Mapping[str, Any]) -> type[Cell]:
    """The cell of which ``written`` wrote that. Raises ValueError for a cell of somebody's own, which no recipe makes,
    and ValueError, KeyError or TypeError for what ``written`` did not write."""
    if "own" in recipe:
        raise ValueError(
            say("its cell {name!r} is not one of Gatescope's: give its class, cell=...", name=str(recipe["own"])[:80])
        )
    if "observed" in recipe:
        return observed.remade(recipe["observed"])
    base = find_cell(recipe["cell"])
    if set(recipe) == {"cell"}:
        return base
    functions = []
    for role in ROLES:
        name, *numbers = recipe[role]
        functions.append(replace(activation(name), **dict(zip(("alpha", "beta"), map(float, numbers), strict=True))))
    clip = math.inf if recipe["clip"] is None else float(recipe["clip"])
    numbers = [number for function in functions for number in (function.alpha, function.beta)]
    if not all(map(math.isfinite, numbers)) or not clip > 0:
        raise ValueError(say("its cell's functions have numbers that are not finite"))
    gate, candidate, shown = functions
    return variant(base, gate, candidate, shown, clip, recipe["coupled"] is True)


def _ranges(
    base: type[Cell], gate: Activation, candidate: Activation, shown: Activation, coupled: bool
) -> tuple[Signal, ...]:
    """The signals with the ranges that the functions give them."""

    def ranged(signal: Signal) -> Signal:
        if signal.kind == "gate":
            low, high = gate.range
            if coupled and signal.name == "f":
                low, high = 1 - high, 1 - low
        elif base.name in ("rnn", "rnn_relu"):
            low, high = shown.range if signal.name == "h" else (signal.low, signal.high)
        elif signal.kind == "candidate":
            low, high = candidate.range
        elif signal.name != "h" or gate.range != (0.0, 1.0):
            low, high = -math.inf, math.inf
        else:  # a share of something, between it and 0; a GRU's h is an average, which begins at 0
            low, high = shown.range if "c" in base.states() else candidate.range
            low, high = min(low, 0.0), max(high, 0.0)
        return replace(signal, low=low, high=high)

    return tuple(ranged(signal) for signal in base.signals)
