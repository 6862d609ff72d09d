"""Arguments of another kind than the signature says, told by their names where a public function is called."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from lstm_core.say import Said, say

P = ParamSpec("P")
T = TypeVar("T")


def _whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _number(value: Any) -> bool:
    if isinstance(value, str | bytes):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return False
    return True


def _named(name: str) -> Callable[[Any], bool]:
    """An object of a class of ours, known by its name: nothing is imported for it."""
    return lambda value: any(kind.__name__ == name for kind in type(value).__mro__)


KINDS: dict[str, tuple[Callable[[Any], bool], Callable[[str, str], Said]]] = {
    "int": (_whole, lambda name, found: say("{name} must be a whole number, not {found}", name=name, found=found)),
    "float": (_number, lambda name, found: say("{name} must be a number, not {found}", name=name, found=found)),
    "str": (
        lambda value: isinstance(value, str),
        lambda name, found: say("{name} must be a text, not {found}", name=name, found=found),
    ),
    "Trace": (
        _named("Trace"),
        lambda name, found: say("{name} must be a Trace, not {found}", name=name, found=found),
    ),
    "Network": (
        _named("Network"),
        lambda name, found: say(
            "{name} must be a Network, as lstm_core.load_model gives it, not {found}", name=name, found=found
        ),
    ),
}
"""By annotation: whether a value is of the kind, and what is said where it is not."""
SHOWN = 40


def kinds(function: Callable[P, T]) -> Callable[P, T]:
    """``function``, which raises TypeError with an argument's name where it is not of the kind that is annotated.

    Checked are the annotations in ``KINDS``, alone, several, or with None; the others are not.
    """
    parameters = signature(function).parameters
    names = tuple(parameters)
    checks = {}
    for name, parameter in parameters.items():
        parts = str(parameter.annotation).split(" | ")
        of = [part for part in parts if part != "None"]
        if KINDS.keys() >= set(of):
            checks[name] = [KINDS[kind][0] for kind in of], KINDS[of[0]][1], "None" in parts

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            if name in checks:
                fits, told, optional = checks[name]
                if not (any(fit(value) for fit in fits) or (optional and value is None)):
                    raise TypeError(told(name, _shown(value)))
        return function(*args, **kwargs)

    return checked


def _shown(value: Any) -> str:
    """A small value as it is written, another one by its type."""
    written = repr(value) if isinstance(value, str | bytes | int | float | None) else type(value).__name__
    return written if len(written) <= SHOWN else type(value).__name__
