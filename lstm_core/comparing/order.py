"""The layers of a model in another order: files that number them otherwise, or list them by the alphabet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations

from lstm_core.comparing.level import Level

MOST = 4
"""Of more layers only two are exchanged."""


def reordered(levels: Sequence[Level]) -> Iterator[tuple[tuple[int, ...], list[Level]]]:
    """Every other order in which their weights fit, and the layers so."""
    shapes = [[{name: value.shape for name, value in params.items()} for params in level.params] for level in levels]
    places = range(len(levels))
    orders = (
        permutations(places) if len(levels) <= MOST else (_exchanged(places, *two) for two in combinations(places, 2))
    )
    for order in orders:
        if order != tuple(places) and all(shapes[k] == shapes[place] for k, place in enumerate(order)):
            taken = [levels[place] for place in order]
            yield (
                order,
                [
                    replace(own, cell=other.cell, params=other.params, biases=other.biases)
                    for own, other in zip(levels, taken, strict=True)
                ],
            )


def _exchanged(places: range, first: int, second: int) -> tuple[int, ...]:
    order = list(places)
    order[first], order[second] = second, first
    return tuple(order)
