"""What stands in a pickle for a class or function of others: its name, and what the file puts into it. Nothing runs.

A pickle makes objects by calling something and by a type's ``__new__``, and builds them with ``__setstate__`` where
there is one, else by setting attributes. So whatever it can name is a type here, and every type has ``__setstate__``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar


class Inert:
    """An object of a class that is not read, or what a function would have returned that is not run.

    name: of the class or function, dotted. arguments: what it was made from. state: what it was built with. items: what
    was set, by key. members: what was appended or added.
    """

    __slots__ = ("arguments", "items", "members", "state")
    name: ClassVar[str] = ""
    arguments: tuple[Any, ...]
    items: dict[Any, Any]
    members: list[Any]
    state: Any

    def __new__(cls, *arguments: Any, **named: Any) -> Inert:
        """Keeps what a pickle makes the object from; a pickle may never call ``__init__``, so it is done here."""
        made = object.__new__(cls)
        made.arguments = (*arguments, named) if named else arguments
        made.items, made.members, made.state = {}, [], None
        return made

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Takes whatever the file gives and does nothing with it: ``__new__`` has kept it."""
        pass

    def __call__(self, *arguments: Any) -> Inert:
        """Itself: what a function that is not run would have returned is as little known as the function."""
        return self

    def __setstate__(self, state: Any) -> None:
        """Keeps what the pickle builds the object with."""
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keeps an item of what would be a dict."""
        self.items[key] = value

    def append(self, value: Any) -> None:
        """Keeps a member of what would be a list or a set."""
        self.members.append(value)

    def extend(self, values: list[Any]) -> None:
        """Keeps several members at once, as pickles of protocol 1 and later add them."""
        self.members.extend(values)

    add = append


@cache
def named(name: str) -> type[Inert]:
    """The type of the objects that the class or function of that dotted name would make."""
    return type("Inert", (Inert,), {"__slots__": (), "name": name})


def name_of(kind: Any) -> str:
    """The dotted name of a class or function, as far as a sentence has room for it."""
    return kind.name[:100] if isinstance(kind, type) and issubclass(kind, Inert | Known | Ordered | Size) else "?"


class Known:
    """The type of a function that is run: one of our own, under the name of the one that it stands for."""

    __slots__ = ()
    name: ClassVar[str] = ""

    def __setstate__(self, state: Any) -> None:
        """Drops what a file would set on one of our own functions."""
        pass


def known(name: str, function: Callable[..., Any]) -> type[Known]:
    """A type that returns what ``function`` does."""
    return type("Known", (Known,), {"__slots__": (), "name": name, "__new__": lambda cls, *args: function(*args)})


class Ordered(dict):
    """An OrderedDict. What a state_dict has as attributes, ``_metadata``, is not kept."""

    __slots__ = ()
    name = "collections.OrderedDict"

    def __setstate__(self, state: Any) -> None:
        """Drops the attributes: no weight is among them."""
        pass


class Size(tuple):
    """A torch.Size."""

    __slots__ = ()
    name = "torch.Size"

    def __setstate__(self, state: Any) -> None:
        """Drops the attributes: a shape is all that it is."""
        pass
