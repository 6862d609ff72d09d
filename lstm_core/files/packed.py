"""What was read of a file as plain data and arrays, and back: so it travels from the process that read it.

plain, arrays = pack(loaded)        # what JSON can hold, and arrays of numbers that it names by their place
loaded = unpack(plain, arrays)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_core import trace_npz
from lstm_core.block import Block, Source
from lstm_core.files.load import Loaded
from lstm_core.files.sandbox import NUMBERS, as_json, from_json
from lstm_core.trace import Trace
from lstm_core.variant import remade, written

Plain = dict[str, Any]


class Arrays(list[np.ndarray]):
    """Arrays of numbers, each once, in this machine's order of bytes, row after row."""

    def __init__(self) -> None:
        """Empty; ``place`` adds an array."""
        super().__init__()
        self._places: dict[int, int] = {}
        self._kept: list[np.ndarray] = []  # an id is an array's own only while that is there

    def place(self, array: np.ndarray) -> int:
        """Where it stands, once it is there."""
        if id(array) not in self._places:
            self._kept.append(array)
            self._places[id(array)] = len(self)
            kind = np.dtype(np.float32) if array.dtype.name == "bfloat16" else array.dtype.newbyteorder("=")
            self.append(array.astype(kind, "C", copy=False))
        return self._places[id(array)]

    def places(self, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
        """Where each of the arrays lies in this list, by its name."""
        return {name: self.place(array) for name, array in arrays.items()}


def pack(loaded: Loaded) -> tuple[Plain, Arrays]:
    """All of it, but that a block's comparison with another runtime (``Block.checked``) is not what a file holds.

    Raises ValueError for a block whose cell no recipe makes (``lstm_core.variant.remade``), when it is unpacked.
    """
    arrays = Arrays()
    others = {name: value for name, value in loaded.others.items() if _are_numbers(value)}
    plain = {
        "format": as_json(loaded.format),
        "blocks": [_packed(block, arrays) for block in loaded.blocks],
        "others": arrays.places(others),
        "roles": dict(loaded.roles),
        "layout": {name: list(shape) for name, shape in loaded.layout.items()},
        "beside": list(loaded.beside),
    }
    return plain, arrays


def unpack(plain: Plain, arrays: Sequence[np.ndarray]) -> Loaded:
    """The reverse of ``pack``. Raises ValueError, KeyError, TypeError or IndexError for what ``pack`` did not make."""
    return Loaded(
        from_json(plain["format"]),
        tuple(_unpacked(block, arrays) for block in plain["blocks"]),
        {name: arrays[place] for name, place in plain["others"].items()},
        plain["roles"],
        {name: tuple(shape) for name, shape in plain["layout"].items()},
        tuple(plain["beside"]),
    )


def pack_trace(trace: Trace) -> tuple[Plain, Arrays]:
    """The trace as what JSON can hold, and the arrays that it names by their place."""
    arrays = Arrays()
    rest, named = trace_npz.parts(trace)
    return {"rest": rest, "arrays": arrays.places(named)}, arrays


def unpack_trace(plain: Plain, arrays: Sequence[np.ndarray]) -> Trace:
    """The reverse of ``pack_trace``. Raises as ``unpack`` does."""
    return trace_npz.whole(plain["rest"], {name: arrays[place] for name, place in plain["arrays"].items()})


def _packed(block: Block, arrays: Arrays) -> Plain:
    return {
        "name": block.name,
        "format": block.format,
        "cell": written(block.cell),
        "layers": [[arrays.places(params) for params in row] for row in block.layers],
        "directions": list(block.directions),
        "batch_first": bool(block.batch_first),
        "initial": arrays.places(block.initial),
        "lengths": None if block.lengths is None else [int(length) for length in block.lengths],
        "mask_value": None if block.mask_value is None else float(block.mask_value),
        "reads": block.reads and [block.reads.name, list(block.reads.through), bool(block.reads.mask_zero)],
        "assumed": [as_json(sentence) for sentence in block.assumed],
        "biases": [[arrays.places(both) for both in row] for row in block.biases],
    }


def _unpacked(plain: Plain, arrays: Sequence[np.ndarray]) -> Block:
    def named(places: Mapping[str, int]) -> dict[str, np.ndarray]:
        return {name: arrays[place] for name, place in places.items()}

    lengths, reads = plain["lengths"], plain["reads"]
    return Block(
        plain["name"],
        plain["format"],
        remade(plain["cell"]),
        [[named(params) for params in row] for row in plain["layers"]],
        tuple(plain["directions"]),
        plain["batch_first"],
        named(plain["initial"]),
        None if lengths is None else tuple(lengths),
        plain["mask_value"],
        reads and Source(reads[0], tuple(reads[1]), reads[2]),
        tuple(from_json(sentence) for sentence in plain["assumed"]),
        tuple([named(both) for both in row] for row in plain["biases"]),
    )


def _are_numbers(value: np.ndarray) -> bool:
    return value.dtype.kind in NUMBERS or value.dtype.name == "bfloat16"
