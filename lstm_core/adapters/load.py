"""Somebody's file, whatever its name: the recurrent blocks in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lstm_core.adapters import archive, refuse
from lstm_core.adapters.block import Block
from lstm_core.adapters.refuse import Ambiguous
from lstm_core.say import say

__all__ = ["Ambiguous", "Block", "Loaded", "load"]


@dataclass(frozen=True, eq=False)
class Loaded:
    """format: "PyTorch", "safetensors", "ONNX" or "Keras". blocks: at least one. others: what else the file holds of
    matrices and vectors, by name, as they lie in it (``lstm_core.adapters.around`` finds embedding and output there).
    """

    format: str
    blocks: tuple[Block, ...]
    others: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Block:
        """The block of that name; KeyError lists the names there are."""
        for block in self.blocks:
            if block.name == name:
                return block
        raise KeyError(f"there is no block {name!r}; there are {', '.join(repr(b.name) for b in self.blocks)}")


def load(
    source: str | os.PathLike[str] | bytes,
    cell: str | Mapping[str, str] | None = None,
    *,
    batch_first: bool = False,
    max_bytes: int = refuse.MAX_BYTES,
) -> Loaded:
    """The recurrent blocks in a PyTorch state_dict, safetensors, ONNX or Keras file; its content says which it is.

    cell: where several cells fit what a file holds (an RNN's state_dict does not say whether it is tanh or relu),
        the name of the right one, for all blocks or by block.
    batch_first: how the blocks of a PyTorch file, which does not say, read their input.
    max_bytes: of the file, and of what it unfolds to.

    Nothing in the file is executed, and no other file is read. Raises ValueError, in plain words, for a file that is
    too large, damaged, cut short, of another kind, holds code, or weights that are NaN or do not fit together; its
    subclass ``Ambiguous`` where ``cell`` has to be said; FileNotFoundError. A missing library is a ValueError that
    says what to install.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    else:
        path = Path(source)
        if path.stat().st_size > max_bytes:
            raise _too_large(path.stat().st_size, max_bytes)
        data = path.read_bytes()
    if len(data) > max_bytes:
        raise _too_large(len(data), max_bytes)
    name, (blocks, others) = _read(data, cell, batch_first, max_bytes)
    if not blocks:
        raise ValueError(say("this {name} file holds no LSTM, GRU or RNN", name=name))
    return Loaded(name, tuple(blocks), others)


def _too_large(size: int, limit: int) -> ValueError:
    return ValueError(
        say("the file has {size:,} bytes, more than the {limit:,} that are allowed", size=size, limit=limit)
    )


Read = tuple[list[Block], dict[str, np.ndarray]]


def _read(data: bytes, cell: str | Mapping[str, str] | None, batch_first: bool, limit: int) -> tuple[str, Read]:
    """The format's name, the blocks and the other tensors, by the first bytes of the content."""
    if data[4:9] == b"\0\0\0\0{":  # the length of the header, which may begin like a pickle, and its first character
        return "safetensors", _state_dict("safetensors", data, cell, batch_first, limit)
    if data.startswith(b"PK\x03\x04"):
        names = archive.members(data, limit)
        if "model.weights.h5" in names or "config.json" in names:
            from lstm_core.adapters import keras

            return "Keras", keras.from_zip(data, limit, cell)
        if not any(name.endswith("data.pkl") for name in names):
            raise ValueError(say("this zip archive is neither a PyTorch nor a Keras file"))
        return "PyTorch", _state_dict("torch", data, cell, batch_first, limit)
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        from lstm_core.adapters import keras

        return "Keras", keras.from_hdf5(data, limit, cell)
    if data.startswith(b"\x80"):  # a pickle, which torch.save wrote before it wrote zip archives
        return "PyTorch", _state_dict("torch", data, cell, batch_first, limit)
    if data[8:9] == b"{":
        return "safetensors", _state_dict("safetensors", data, cell, batch_first, limit)
    if data[:1] in (b"\x08", b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):  # a field of ONNX's ModelProto
        from lstm_core.adapters import onnx

        return "ONNX", onnx.read(data, limit)
    raise ValueError(say("the file is none of: PyTorch state_dict, safetensors, ONNX, Keras (.keras, .h5)"))


def _state_dict(kind: str, data: bytes, cell: str | Mapping[str, str] | None, batch_first: bool, limit: int) -> Read:
    from lstm_core.adapters import state_dict

    read = state_dict.from_torch if kind == "torch" else state_dict.from_safetensors
    tensors = read(data, limit)
    others = {name: value for name, value in tensors.items() if not state_dict.KEY.fullmatch(name)}
    return state_dict.blocks(tensors, cell, batch_first), others
