"""The cells, found in this folder: adding a cell is adding its file."""

from __future__ import annotations

import importlib
import pkgutil

from lstm_core.cells.base import Cell
from lstm_core.names import Names
from lstm_core.say import say


def discover() -> dict[str, type[Cell]]:
    """Every ``Cell`` defined in a module of this package, by its name. Raises ValueError if two share a name."""
    found: dict[str, type[Cell]] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Cell) and "name" in vars(value):
                if value.__module__ != module.__name__:
                    continue
                if value.name in found:
                    raise ValueError(f"two cells are named {value.name!r}: {found[value.name]} and {value}")
                found[value.name] = value
    return found


_FOUND = discover()
CELLS: dict[str, type[Cell]] = Names({name: found for name, found in _FOUND.items() if not found.for_experiments})
VARIANTS: dict[str, type[Cell]] = {name: found for name, found in _FOUND.items() if found.for_experiments}
"""Cells with something taken away or exchanged, for experiments; ``cell`` knows them, and no list offers them."""


def cell(name: str) -> type[Cell]:
    """The cell of that name, of ``CELLS`` or ``VARIANTS``; ValueError lists the names there are."""
    if name not in _FOUND:
        raise ValueError(say("there is no cell {name!r}; there are {names}", name=name, names=", ".join(_FOUND)))
    return _FOUND[name]


def shipped(chosen: type[Cell]) -> bool:
    """Whether it is one of these cells itself, which its name finds again."""
    return _FOUND.get(chosen.name) is chosen
