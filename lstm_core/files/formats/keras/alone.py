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


def layers(
    kernels: Sequence[Kernel], names: Sequence[str], shown: Callable[[Kernel], Steps] | None = None
) -> dict[Recurrent, list[Kernel]]:
    """The recurrent layers that weights alone make up, in their order, with the weights of their cells. Two are the
    directions of one only if they are called so inside a layer.

    names: of the model's own layers, which may be called so for another reason. shown: the path of some weights with
    the layers' names in it, where these are known.
    """
    groups: dict[Steps, dict[str, list[tuple[Place, Kernel]]]] = {}
    for kernel in kernels:
        place = (
            _named(kernel, set(names)) if not kernel.numbered else _numbered(shown(kernel) if shown else kernel.parts)
        )
        groups.setdefault(place.layer, {}).setdefault(place.way, []).append((place, kernel))
    found: dict[Recurrent, list[Kernel]] = {}
    used: set[str] = set()
    for steps, ways in groups.items():
        for name, parts in _split(steps, ways):
            name = "/".join(name) or parts[0][0][1].kind.lower() or "cell"
            number = 0
            while (unique := f"{name}_{number}" if number else name) in used:
                number += 1
            used.add(unique)
            made = tuple(
                Way((), tuple(CellOf("", place.cell, None) for place, _ in cells), way == "backward")
                for cells, way in ((cells, cells[0][0].way if len(parts) == 2 else "") for cells in parts)
            )
            found[Recurrent(unique, made)] = [kernel for cells in parts for _, kernel in cells]
    return found


def _split(
    steps: Steps, ways: dict[str, list[tuple[Place, Kernel]]]
) -> list[tuple[Steps, list[list[tuple[Place, Kernel]]]]]:
    """One layer in its directions, or as many as do not belong together."""
    whole = all(len(cells) == 1 or _is_a_stack(cells) for cells in ways.values())
    if whole and set(ways) == {"forward", "backward"}:
        if len({cells[0][1].width for cells in ways.values()}) == 1:
            return [(steps, [ways["forward"], ways["backward"]])]
    elif whole and len(ways) == 1:
        return [(steps, list(ways.values()))]
    return [(place.whole, [[(place, kernel)]]) for cells in ways.values() for place, kernel in cells]


def _is_a_stack(cells: list[tuple[Place, Kernel]]) -> bool:
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


def _named(kernel: Kernel, names: set[str]) -> Place:
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
    if steps and inside and NAMED_WAY.fullmatch(steps[-1]) and steps[-1] not in names:
        steps, way = steps[:-1], steps[-1].partition("_")[0]
    return Place((*top, *_names(steps)), way, cell, whole)


def _names(steps: Steps) -> Steps:
    return tuple(step for step in steps if step not in NOT_NAMES)
