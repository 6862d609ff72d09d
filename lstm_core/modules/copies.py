"""Copies of what belongs to the caller, so that a trace stays what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from torch import Tensor, nn

from lstm_core.cells.base import Cell
from lstm_core.kept import KeptRows
from lstm_core.modules.call import LOW, Call
from lstm_core.modules.kinds import with_biases
from lstm_core.scan import Layers
from lstm_core.stacked import split_weights

Blocks = Sequence[Sequence[Mapping[str, Any]]]
"""Weights by layer, direction and torch's name."""


class Copies(KeptRows):
    """A copy of a module's weights, as ours once they are read. blocks: as torch's, with zeros for missing biases."""

    def __init__(self, cell: type[Cell], blocks: Blocks) -> None:
        """blocks: in NumPy, nobody else's."""
        super().__init__(partial(_split, cell, blocks), len(blocks))
        self.blocks = blocks


_latest: WeakKeyDictionary[nn.Module, ref[Copies]] = WeakKeyDictionary()
"""Of every module the copy that its latest trace holds."""


def weights_of(call: Call) -> Copies:
    """A copy of the module's weights, which its traces share for as long as they stay the same: of a thousand short
    traces they would be the greater part."""
    latest = _latest.get(call.module)
    earlier = latest() if latest else None
    if earlier is None or not _same(call, earlier.blocks):
        earlier = Copies(call.cell, _copies(call.blocks))
        _latest[call.module] = ref(earlier)
    return earlier


def _copies(blocks: Blocks) -> list[list[dict[str, np.ndarray]]]:
    """A copy of torch's weights in NumPy."""
    return [
        [{name: copied(value) for name, value in with_biases(weights).items()} for weights in row] for row in blocks
    ]


def _split_copies(cell: type[Cell], blocks: Blocks) -> Layers:
    """A copy of torch's weights, as ours."""
    return _split(cell, _copies(blocks))


def _split(cell: type[Cell], blocks: Blocks) -> Layers:
    """torch's weights in NumPy as ours, that cannot be written to."""
    layers = [[split_weights(cell, weights) for weights in row] for row in blocks]
    for params in chain(*layers):
        for value in params.values():
            value.flags.writeable = False
    return layers


def _same(call: Call, blocks: Blocks) -> bool:
    """Whether they are the module's weights, to the last bit but for the sign of 0."""
    if not call.x.is_cpu or len(blocks) != len(call.blocks) or len(blocks[0]) != len(call.blocks[0]):
        return False
    for weights, earlier in zip(chain(*call.blocks), chain(*blocks), strict=True):
        for name, value in with_biases(weights).items():
            own = (value.float() if value.dtype in LOW else value).numpy()
            if name not in earlier or earlier[name].dtype != own.dtype or not np.array_equal(earlier[name], own):
                return False
    return True


def copied(tensor: Tensor) -> np.ndarray:
    """A NumPy copy on the host; half precision, which NumPy lacks or hardly computes with, as float32."""
    if tensor.dtype in LOW:
        tensor = tensor.float()
    return tensor.numpy().copy() if tensor.device.type == "cpu" else tensor.cpu().numpy()


def cloned(states: Mapping[str, Tensor], layers: slice) -> dict[str, Tensor]:
    """Copies where they are."""
    return {name: value[layers].clone() for name, value in states.items()}


def cloned_blocks(call: Call, layers: slice) -> KeptRows:
    """The weights of these layers, copied where they are, and to the host when they are read."""
    blocks = [[{name: value.clone() for name, value in weights.items()} for weights in row] for row in call.blocks]
    blocks = blocks[layers]
    return KeptRows(partial(_split_copies, call.cell, blocks), len(blocks))
