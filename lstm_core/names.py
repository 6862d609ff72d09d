"""Things by their names, and a name that is not among them: which there are is said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from lstm_core.say import say

T = TypeVar("T")
MOST = 30
"""Names that are told; of more, the rest is counted."""


class UnknownName(KeyError, ValueError):
    """A name that is not among those there are, whose text is a sentence. It is a KeyError, as of any dict, and a
    ValueError, as whatever else is refused."""

    def __str__(self) -> str:
        """The sentence, and not its repr as of a KeyError."""
        return str(self.args[0])


class Names(dict[str, T]):
    """A dict, but for what is raised of a name that it does not have: ``UnknownName``."""

    def __missing__(self, name: Any) -> NoReturn:
        """Raises ``UnknownName``."""
        raise unknown(name, self)


def unknown(name: Any, there: Iterable[str]) -> UnknownName:
    """What to raise of a name that is not among those that are there."""
    there = list(there)
    names = [repr(one) for one in there]
    if there == [""]:
        return UnknownName(say("there is no {name!r}; there is only one, without a name", name=name))
    if not names:
        return UnknownName(say("there is no {name!r}; there is nothing", name=name))
    told = ", ".join(names[:MOST])
    if len(names) > MOST:
        told = say("{names} and {count} more", names=told, count=len(names) - MOST)
    return UnknownName(say("there is no {name!r}; there are {names}", name=name, names=told))
