"""What of a run a trace is to hold, and where: ``keep=``, ``signals=`` and ``layers=`` of ``lstm_core.trace``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index
from typing import Any

from lstm_core.device import stays
from lstm_core.modules.call import Call


@dataclass(frozen=True)
class Keep:
    """where: "host" or "device". named: of the signals; None for all. numbered: of the layers, next to each other."""

    where: str = "host"
    named: tuple[str, ...] | None = None
    numbered: tuple[int, ...] | None = None

    def signals(self, call: Call) -> list[str]:
        """The names, in the order of the cell. Raises ValueError for one that it has not."""
        there = [signal.name for signal in call.cell.signals]
        for name in self.named or ():
            if name not in there:
                raise ValueError(f"{call.cell.title} has no signal {name!r}; it has {', '.join(there)}")
        return there if self.named is None else [name for name in there if name in self.named]

    def layers(self, call: Call) -> slice:
        """The layers. Raises ValueError for one that the module has not."""
        size = call.shape[0]
        if self.numbered is None:
            return slice(0, size)
        for layer in self.numbered:
            if not 0 <= layer < size:
                raise ValueError(f"layer {layer} does not exist; there are {size} (0 to {size - 1})")
        return slice(self.numbered[0], self.numbered[-1] + 1)


EVERYTHING = Keep()


def kept(where: str, signals: str | Iterable[str] | None, layers: int | Iterable[int] | None) -> Keep:
    """What the caller asks for. Raises ValueError for a place that there is not, and for layers that are not next to
    each other: a trace of some layers is that of a network of these."""
    stays(where)
    named = None if signals is None else _names(signals)
    numbered: Any = None if layers is None else _numbers(layers)
    if named == () or numbered == ():
        raise ValueError("a trace keeps at least one signal and one layer")
    if numbered and numbered != tuple(range(numbered[0], numbered[-1] + 1)):
        raise ValueError(f"layers that are kept are next to each other; {list(numbered)} are not")
    return Keep(where, named, numbered)


def _names(signals: Any) -> tuple[str, ...]:
    """One name or several; TypeError for what is neither."""
    names = (signals,) if isinstance(signals, str) else tuple(signals) if isinstance(signals, Iterable) else ()
    if not isinstance(signals, Iterable) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"signals are names, such as ('f', 'c'), not {signals!r:.80}")
    return names


def _numbers(layers: Any) -> tuple[int, ...]:
    """One whole number or several, in order; TypeError for what is neither."""
    try:
        return (index(layers),)
    except TypeError:
        pass
    try:
        return tuple(sorted({index(layer) for layer in layers}))
    except TypeError as error:
        raise TypeError(f"layers are whole numbers, not {layers!r}") from error
