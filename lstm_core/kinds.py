"""Arguments of another kind than the signature says, told by their names where a public function is called."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

from lstm_core.say import Said, mark, say

P = ParamSpec("P")
T = TypeVar("T")
Fits = Callable[[Any], bool]

Numbers: TypeAlias = Any
"""An array, a tensor, numbers in lists, or one number: what NumPy makes real numbers of."""
DocumentNumber: TypeAlias = int
"""Which document of a survey's data, from 0."""


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


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (isinstance(value, int | np.integer) and value in (0, 1))


def _numbers(value: Any) -> bool:
    if hasattr(value, "is_complex"):  # a tensor, wherever it is
        return not value.is_complex()
    if isinstance(value, str | bytes | Mapping | set | frozenset):
        return False
    try:
        array = np.asarray(value)
        return array.dtype.kind in "biufV" or (array.dtype.kind == "O" and all(map(_number, array.flat)))
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return False


def _path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _file(value: Any) -> bool:
    return hasattr(value, "read") or hasattr(value, "write")


def _named(*names: str) -> Fits:
    """An object of a class of ours, known by its name: nothing is imported for it."""
    return lambda value: any(kind.__name__ in names for kind in type(value).__mro__)


def _cell(value: Any) -> bool:
    return isinstance(value, type) and any(kind.__name__ == "Cell" for kind in value.__mro__)


def _several(value: Any) -> bool:
    """A list or what is like one, not a text; it is not begun to be read."""
    return not isinstance(value, str | bytes | type) and (hasattr(value, "__iter__") or hasattr(value, "__getitem__"))


def _sized(value: Any) -> bool:
    try:
        return len(value) >= 0
    except TypeError:
        return False


KINDS: dict[str, tuple[Fits, str]] = {
    "int": (_whole, mark("a whole number")),
    "DocumentNumber": (_whole, mark("a document's number")),
    "float": (_number, mark("a number")),
    "str": (lambda value: isinstance(value, str), mark("a text")),
    "bool": (_yes_or_no, mark("True or False")),
    "Numbers": (_numbers, mark("numbers")),
    "os.PathLike[str]": (_path, mark("a path")),
    "IO[bytes]": (_file, mark("an open file")),
    "Trace": (_named("Trace"), mark("a Trace")),
    "Network": (_named("Network"), mark("a Network, as lstm_core.load_model gives it")),
    "Property": (_named("Property"), mark("a Property")),
    "Token": (_named("Token"), mark("a Token")),
    "Signal": (_named("Signal"), mark("a Signal")),
    "Intervention": (_named("Force", "Swap"), mark("a Force or a Swap")),
    "type[Cell]": (_cell, mark("a class of a cell, of lstm_core.CELLS or made from lstm_core.Cell")),
}
"""By annotation: whether a value is of the kind, and what the kind is called."""
LISTS = {
    "int": mark("a list of whole numbers"),
    "str": mark("a list of texts"),
    "Numbers": mark("a list of arrays"),
    "Trace": mark("a list of traces"),
    "Token": mark("a list of tokens"),
    "Signal": mark("a list of signals"),
    "Intervention": mark("a list of interventions"),
}
"""What several of a kind are called."""
SEVERAL = {"Iterable", "Sequence", "tuple", "list"}
PLAIN = (int, float, str, np.number)
LARGEST = 2**63
SHOWN = 40


def kinds(function: Callable[P, T]) -> Callable[P, T]:
    """``function``, which raises TypeError with an argument's name where it is not of the kind that is annotated.

    Checked are the annotations in ``KINDS``, lists of them, mappings and functions, alone, several, or with None; the
    others are not. Where NumPy was told to raise or warn of what is too small for a number, it is 0 in the function.
    """
    parameters = signature(function).parameters
    by_place = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    names = tuple(name for name, parameter in parameters.items() if parameter.kind in by_place)
    checks: dict[str, tuple[list[tuple[Fits, Callable[[], Said]]], bool]] = {}
    for name, parameter in parameters.items():
        parts = list(_split(str(parameter.annotation)))
        known = [_kind(part) for part in parts if part != "None"]
        if known and None not in known and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            checks[name] = [kind for kind in known if kind is not None], "None" in parts

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        for name, value in (*zip(names, args, strict=False), *kwargs.items()):
            if name in checks:
                of, optional = checks[name]
                if value is None and optional:
                    continue
                if not any(fits(value) for fits, _ in of):
                    raise TypeError(_told(name, [noun() for _, noun in of], _shown(value)))
                if isinstance(value, int) and abs(value) >= LARGEST:
                    raise ValueError(say("{name} is too large", name=name))
        with np.errstate(under="ignore"):  # the gates of saturated units
            return function(*args, **kwargs)

    return checked


def _split(annotation: str) -> Iterator[str]:
    """The parts between the bars that are in no bracket."""
    depth, part = 0, ""
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            yield part.strip()
            part = ""
        else:
            part += letter
    yield part.strip()


def _kind(part: str) -> tuple[Fits, Callable[[], Said]] | None:
    """Whether a value is of the kind that a part of an annotation says, and its name; None for an unknown one."""
    if part in KINDS:
        fits, noun = KINDS[part]
        return fits, lambda: say(noun)
    of, _, inside = part.partition("[")
    if of == "Callable":
        return callable, lambda: say("a function")
    if of == "Mapping":
        return lambda value: isinstance(value, Mapping), lambda: say("a dict")
    if of not in SEVERAL:
        return None
    items = list(_split(inside.removesuffix("]").removesuffix(", ...")))
    if not set(items) <= set(LISTS):
        return _several, lambda: say("a list")
    known = [KINDS[item][0] for item in items]

    def all_fit(value: Any) -> bool:
        if isinstance(value, str) and "str" in items:  # of names of a letter
            return True
        if not _several(value) or (of != "Iterable" and (isinstance(value, Mapping | set) or not _sized(value))):
            return False
        return not _sized(value) or all(any(fits(one) for fits in known) for one in _to_look_at(value))

    return all_fit, lambda: _or([say(LISTS[item]) for item in items])


def at_least(least: int, **values: float) -> None:
    """Raises ValueError of the first of the values, by the names of the arguments, that is below."""
    for name, value in values.items():
        if value < least:
            raise ValueError(say("{name} is at least {least}, not {value}", name=name, least=least, value=value))


def _to_look_at(values: Any) -> list[Any]:
    """Those by which all are known: of numbers and texts one of each type, for there may be a million."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind != "O":
        return list(values[:1])
    types = set(map(type, values))
    if all(issubclass(kind, PLAIN) for kind in types):
        return [next(value for value in values if type(value) is kind) for kind in types]
    return list(values)


def _or(nouns: Iterable[Said]) -> Said:
    first, *others = dict.fromkeys(nouns)
    for other in others:
        first = say("{first} or {second}", first=first, second=other)
    return first


def _told(name: str, nouns: Iterable[Said], found: str) -> Said:
    return say("{name} must be {kind}, not {found}", name=name, kind=_or(nouns), found=found)


def _shown(value: Any) -> str:
    """A small value as it is written, another one by its type, with those of what it holds: list[str]."""
    small = isinstance(value, str | bytes | float | None) or (isinstance(value, int) and abs(value) < LARGEST)
    kind = type(value).__name__
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    inside: Iterable[str] = ()
    if isinstance(value, list | tuple | set | frozenset):
        inside = dict.fromkeys(type(one).__name__ for one in value)
    elif isinstance(shape, tuple) and dtype is not None:  # an array or a tensor
        inside = (str(dtype).removeprefix("torch."),)
    written = repr(value) if small else f"{kind}[{' | '.join(inside)}]" if inside else kind
    return written if len(written) <= SHOWN else kind
