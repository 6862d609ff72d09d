"""How a module passes its states: as one argument or as several, alone or behind an output, or not at all."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn


class Forms:
    """states: their names, in the order in which the module passes them. returns: the names of what it returns, in the
    form in which it does, None for what is left out; None in all for the usual forms: the states, or h and the states.
    """

    def __init__(self, module: nn.Module, states: Sequence[str], returns: Any) -> None:
        """module: whose forward's arguments say how many states it takes."""
        self.module, self.states, self.returns = module, tuple(states), returns
        self.takes = [p for p in _parameters(module) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][1:]

    @property
    def begins(self) -> bool:
        """Whether forward makes its own first state, or takes none."""
        return not self.takes or self.takes[0].default is not inspect.Parameter.empty

    def arguments(self, state: Any) -> list[Any]:
        """The state as forward takes it."""
        if not self.takes or (state is None and self.begins):
            return []
        needed = [p for p in self.takes if p.default is p.empty]
        named = [p.name[: len(name)] for p, name in zip(self.takes, self.states, strict=False)]
        apart = len(needed) >= len(self.states) or named == list(self.states)
        return list(state) if isinstance(state, tuple | list) and len(self.states) > 1 and apart else [state]

    def passed(self, state: Any) -> Any:
        """The first state, which may be given by name, as the module passes it; a copy, for it may be written to.

        Raises ValueError for one that it does not take."""
        if not isinstance(state, Mapping):
            if state is not None and not self.takes:
                name = type(self.module).__name__
                raise ValueError(f"the forward of {name} takes x alone and no state; say initial=")
            return _cloned(state)
        missing = [name for name in self.states if name not in state]
        if missing:
            raise ValueError(f"the state has no {', '.join(missing)}")
        strange = [str(name) for name in state if name not in self.states]
        if strange:
            text = f"the state has {', '.join(strange)}; the states are {', '.join(self.states)}, as states= says"
            raise ValueError(text)
        return self.joined({name: _cloned(state[name]) for name in self.states})

    def joined(self, by_name: Mapping[str, Any]) -> Any:
        """The states as they are passed."""
        return by_name[self.states[0]] if len(self.states) == 1 else tuple(by_name[name] for name in self.states)

    def by_name(self, state: Any) -> dict[str, Tensor]:
        """The tensors of a state as it is passed; none of None."""
        parts = list(_tensors(state))
        if parts and len(parts) != len(self.states):
            names = ", ".join(self.states)
            raise ValueError(f"the state is {names}, each a tensor; {len(parts)} given")
        return dict(zip(self.states, parts, strict=False))

    def _names(self, result: Any) -> list[str]:
        """What each tensor of a result is, "" for what is left out."""
        if self.returns is not None:
            return [name or "" for name in _leaves(self.returns)]
        if isinstance(result, Mapping):
            return [str(name) for name, value in result.items() if isinstance(value, Tensor)]
        count = len(list(_tensors(result)))
        if count == len(self.states):
            return list(self.states)
        if count == len(self.states) + 1:
            return ["h", *self.states]
        return ["h"] if count == 1 else []

    def named(self, result: Any) -> list[tuple[str, Tensor]]:
        """Copies of what the module returned, each with its name."""
        values, names = list(_tensors(result)), self._names(result)
        if len(names) != len(values):
            raise ValueError(
                f"{type(self.module).__name__} returns {len(values)} tensors, and which is which is not known; say it "
                'in the form in which it returns them, such as returns=("h", ("h", "c"))'
            )
        return [(name, value.detach().clone()) for name, value in zip(names, values, strict=True) if name]

    def fed_back(self, result: Any) -> Any:
        """The state in a result, as the next step takes it."""
        if not self.takes:
            return None
        names, values = self._names(result), list(_tensors(result))
        if isinstance(result, tuple | list) and not isinstance(result[-1], Tensor):
            inner = names[len(names) - len(list(_tensors(result[-1]))) :]
            if [name for name in inner if name] == list(self.states):
                return result[-1]
        if names == list(self.states) and len(names) > 1:
            return result
        by_name = dict(zip(names, values, strict=True))
        missing = [name for name in self.states if name not in by_name]
        if missing:
            raise ValueError(
                f"{type(self.module).__name__} takes a state and does not return {', '.join(missing)}, so it "
                "cannot go on to the next step; say what it returns, returns="
            )
        return self.joined(by_name)


def _parameters(module: nn.Module) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(module.forward).parameters.values())
    except ValueError as error:
        name = type(module).__name__
        raise TypeError(
            f"{name} cannot be traced: its forward does not say what it takes; pass the module it was made from"
        ) from error


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in it, however they lie in tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)


def _cloned(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        return type(value)(map(_cloned, value))
    return value


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value
