"""Copies of what belongs to the caller, so that a trace stays what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from weakref import WeakKeyDictionary, ref

import numpy as np
from torch import Tensor, nn

from lstm_core.cells.base import Cell
from lstm_core.modules.call import LOW, Call
from lstm_core.modules.kept import KeptRows
from lstm_core.modules.kinds import with_biases
from lstm_core.scan import Layers
from lstm_core.stacked import split_weights
from lstm_core.trace import Trace

_latest: WeakKeyDictionary[nn.Module, ref[Trace]] = WeakKeyDictionary()


def remember(call: Call, trace: Trace) -> None:
    """The latest trace of a module may lend the next one its copy of the weights."""
    _latest[call.module] = ref(trace)


def weights_of(call: Call) -> Layers:
    """A copy of the module's weights, which its traces share for as long as they stay the same: of a thousand short
    traces they would be the greater part."""
    latest = _latest.get(call.module)
    earlier = latest() if latest else None
    if earlier is not None and _same(call, earlier):
        return earlier.layers
    return KeptRows(partial(_split, call.cell, _copies(call.blocks)), len(call.blocks))


def _copies(blocks: Sequence[Sequence[Mapping[str, Tensor]]]) -> list[list[dict[str, np.ndarray]]]:
    """A copy of torch's weights in NumPy."""
    return [
        [{name: copied(value) for name, value in with_biases(weights).items()} for weights in row] for row in blocks
    ]


def _split_copies(cell: type[Cell], blocks: Sequence[Sequence[Mapping[str, Tensor]]]) -> Layers:
    """A copy of torch's weights, as ours."""
    return _split(cell, _copies(blocks))


def _split(cell: type[Cell], blocks: Sequence[Sequence[Mapping[str, np.ndarray]]]) -> Layers:
    """torch's weights in NumPy as ours, that cannot be written to."""
    layers = [[split_weights(cell, weights) for weights in row] for row in blocks]
    for params in chain(*layers):
        for value in params.values():
            value.flags.writeable = False
    return layers


def _same(call: Call, trace: Trace) -> bool:
    """Whether its weights are the module's."""
    if call.device.type != "cpu" or trace.cell is not call.cell or trace.signals["h"].shape[:2] != call.shape[:2]:
        return False
    for weights, params in zip(chain(*call.blocks), chain(*trace.layers), strict=True):
        for name, own in split_weights(call.cell, with_biases(weights)).items():
            if not np.array_equal(params[name], own.float().numpy() if own.dtype in LOW else own.numpy()):
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
