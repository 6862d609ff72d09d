"""Which weights belong to which cell of the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from lstm_core.files.formats.keras.kernels import Kernel
from lstm_core.files.formats.keras.recurrent import CellOf, Recurrent, Way

LOOKED_AT = 64  # of the weights that have a name in common, so that no file makes it long


def match(layers: Sequence[Recurrent], kernels: Sequence[Kernel]) -> dict[CellOf, Kernel]:
    """The weights of every cell that has some: by their groups where variables are numbered, else within the layer of
    the model that they lie under, in the order in which Keras itself reads them."""
    found: dict[CellOf, Kernel] = {}
    numbered = {kernel.parts: kernel for kernel in kernels if kernel.numbered}
    for cell in (cell for layer in layers for cell in layer.cells):
        kernel = numbered.pop(cell.keys, None) or numbered.pop(cell.keys[:-1], None)
        if kernel is not None:
            found[cell] = kernel
    named: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        if not kernel.numbered:
            named.setdefault(kernel.layer, []).append(kernel)
    under: dict[str, list[Recurrent]] = {}
    for layer in layers:
        if layer.node is not None:
            under.setdefault(layer.node.top, []).append(layer)
    for name, group in under.items():
        found |= _within(group, named.get(name, []))
    return found


def _within(layers: Sequence[Recurrent], kernels: Sequence[Kernel]) -> dict[CellOf, Kernel]:
    """The weights under one layer of the model and the cells in it: by their names if each has one of its own there,
    else as they follow each other, else by the names that there are."""
    ways = [way for layer in layers for way in layer.ways]
    cells = [cell for way in ways for cell in way.cells]
    called: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        for part in dict.fromkeys(kernel.parts[1:]):
            called.setdefault(part, []).append(kernel)
    named = {cell: _called(called, way, cell) for way in ways for cell in way.cells}
    alone = {cell: found[0] for cell, found in named.items() if len(found) == 1}
    if len(set(alone.values())) == len(cells):
        return alone
    if len(cells) == len(kernels):
        for order in (sorted(cells, key=lambda cell: not cell.trainable), cells):  # what is not trained comes last
            if all(map(_fits, order, kernels)):
                return dict(zip(order, kernels, strict=True))
    found: dict[CellOf, Kernel] = {}
    taken: set[Kernel] = set()
    for cell, several in named.items():
        free = [kernel for kernel in several if kernel not in taken]
        if free:
            found[cell] = next((kernel for kernel in free if _fits(cell, kernel)), free[0])
            taken.add(found[cell])
    return found or dict(zip(cells, kernels, strict=False))


def _called(called: Mapping[str, list[Kernel]], way: Way, cell: CellOf) -> list[Kernel]:
    """Weights whose path has the layer's name and, of one of several cells, the cell's; the cell's alone if none has
    both."""
    found = [kernel for name in way.names for kernel in islice(called.get(name, []), LOOKED_AT)]
    if len(way.cells) > 1:
        found = [kernel for kernel in found if cell.name in kernel.parts]
    return list(dict.fromkeys(found)) or called.get(cell.name, [])[:LOOKED_AT]


def _fits(cell: CellOf, kernel: Kernel) -> bool:
    """Whether the weights are of the cell's kind and of as many units as its options say."""
    if cell.kind and kernel.kind != cell.kind:
        return False
    units = (cell.options or {}).get("units")
    return not isinstance(units, int) or kernel.hidden == units
