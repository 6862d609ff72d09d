"""Weights that no configuration speaks of: which are the directions and the cells of one layer, by their paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lstm_core.files.formats.keras.kernels import Kernel
from lstm_core.files.formats.keras.recurrent import CellOf, Recurrent, Way

CELL = re.compile(r"cell|(lstm|gru|simple_rnn)_cell(_\d+)?")
NAMED_STACK = re.compile(r"stacked_rnn_cells(_\d+)?")
NAMED_WAY = re.compile(r"(forward|backward)_.+")
NUMBERED_WAYS = {"forward_layer": "forward", "backward_layer": "backward"}
NOT_NAMES = ("layers", "layer", "cell")

Steps = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where weights stand: the layer, its direction ("forward", "backward" or none), the cell if it is one of a stack,
    and all of it, to tell apart what is not of one layer."""

    layer: Steps
    way: str
    cell: str
    whole: Steps


Cells = list[tuple[Place, Kernel]]


def layers(kernels: Sequence[Kernel], shown: Callable[[Kernel], Steps]) -> dict[Recurrent, list[Kernel]]:
    """The recurrent layers that weights alone make up, in their order, with the weights of their cells. Two are the
    directions of one only if they are called so inside a layer.

    shown: the groups that lead to numbered weights, with the layers' names in them where these are known.
    """
    groups: dict[Steps, dict[str, Cells]] = {}
    for kernel in kernels:
        place = _named(kernel) if not kernel.numbered else _numbered(shown(kernel))
        groups.setdefault(place.layer, {}).setdefault(place.way, []).append((place, kernel))
    found: dict[Recurrent, list[Kernel]] = {}
    for steps, ways in groups.items():
        for name, parts in _split(steps, ways):
            both = len(parts) == 2
            made = tuple(
                Way(
                    (),
                    tuple(CellOf("", place.cell, None) for place, _ in cells),
                    both and cells[0][0].way == "backward",
                )
                for cells in parts
            )
            layer = Recurrent("/".join(name) or parts[0][0][1].kind.lower(), made)
            found[layer] = [kernel for cells in parts for _, kernel in cells]
    return found


def _split(steps: Steps, ways: dict[str, Cells]) -> list[tuple[Steps, list[Cells]]]:
    """One layer in its directions, or as many as do not belong together; each with its name."""
    whole = all(len(cells) == 1 or _is_a_stack(cells) for cells in ways.values())
    if whole and set(ways) == {"forward", "backward"}:
        if len({cells[0][1].width for cells in ways.values()}) == 1:
            return [(steps, [ways["forward"], ways["backward"]])]
    elif whole and len(ways) == 1:
        return [(steps, list(ways.values()))]
    return [(place.whole, [[(place, kernel)]]) for cells in ways.values() for place, kernel in cells]


def _is_a_stack(cells: Cells) -> bool:
    """Whether each cell is as wide as the one below gives."""
    below = all(place.cell for place, _ in cells)
    return below and all(lower.hidden == upper.width for (_, lower), (_, upper) in pairwise(cells))


def _numbered(parts: Steps) -> Place:
    """.../forward_layer/cell/cells/lstm_cell: the attributes of Keras's own layers."""
    whole, cell, way = _names(parts), "", ""
    for place, step in enumerate(parts):
        if step == "cells" and place and parts[place - 1] == "cell" and place + 1 < len(parts):
            parts, cell = parts[: place - 1], "/".join(parts[place + 1 :])
            break
    parts = parts[:-1] if parts and CELL.fullmatch(parts[-1]) else parts
    if parts and parts[-1] in NUMBERED_WAYS:
        parts, way = parts[:-1], NUMBERED_WAYS[parts[-1]]
    return Place(_names(parts), way, cell, whole)


def _named(kernel: Kernel) -> Place:
    """bidirectional/bidirectional/forward_lstm/lstm_cell: the layer of the model, then scopes, its own the first."""
    top = tuple(kernel.layer.split("/"))
    steps = kernel.parts[len(top) :]
    scoped = top[-1] in steps
    if scoped:  # Keras 3 has the model's name before it
        steps = steps[len(steps) - steps[::-1].index(top[-1]) :]
    whole, cell, way = (*top, *_names(steps)), "", ""
    for place, step in enumerate(steps):
        if NAMED_STACK.fullmatch(step) and place + 1 < len(steps):
            steps, cell = steps[:place], "/".join(steps[place + 1 :])
            break
    steps = steps[:-1] if steps and CELL.fullmatch(steps[-1]) else steps
    inside = scoped or len(steps) > 1  # else a layer of a model in the model may be called so
    if steps and inside and NAMED_WAY.fullmatch(steps[-1]):
        steps, way = steps[:-1], steps[-1].partition("_")[0]
    return Place((*top, *_names(steps)), way, cell, whole)


def _names(steps: Steps) -> Steps:
    return tuple(step for step in steps if step not in NOT_NAMES)
