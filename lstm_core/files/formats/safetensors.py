"""The safetensors format."""

from __future__ import annotations

import json

import numpy as np

from lstm_core import narrow
from lstm_core.files import limits, shards, state_dict
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.say import say

NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?", "I8": "i1", "U8": "u1"}
NUMBERS |= {f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (2, 4, 8)}
NARROW = {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu"}
NARROW |= {f"F8_{kind}FNUZ": f"float8_{kind.lower()}fnuz" for kind in ("E4M3", "E5M2")}
FLOATS = {"F64", "F32", "F16", *NARROW}


def from_safetensors(data: bytes, options: Options) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, ...]]]:
    """The floating-point tensors and whatever belongs to recurrent weights; and the shapes of everything in the file.

    Both are in the order in which the tensors lie in the file, which is the same in every process.
    """
    from safetensors import SafetensorError, deserialize

    try:
        # The library checks the header and all offsets. It gives the tensors in an order that is another each time.
        tensors = dict(deserialize(data))
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        order = sorted(tensors, key=lambda name: (header[name]["data_offsets"], name))
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            say("the safetensors file is damaged or cut short: {error}", error=str(error)[:200])
        ) from error
    if "gatescope" in header.get("__metadata__", {}):
        raise ValueError(say("this is one of Gatescope's own models: lstm_core.Network.load reads it"))
    layout = {name: tuple(tensors[name]["shape"]) for name in order}
    found: dict[str, np.ndarray] = {}
    size = 0
    for name in order:
        kind = tensors[name]["dtype"]
        if kind not in FLOATS and not state_dict.KEY.fullmatch(name) and name not in (options.names or {}):
            continue
        value = _numbers(kind, tensors.pop(name)["data"])
        if value is None:
            raise limits.not_floating(name, kind)
        size += value.nbytes
        if size > options.max_bytes:
            raise ValueError(
                say("the tensors unfold to more than the {limit:,} bytes that are allowed", limit=options.max_bytes)
            )
        try:
            found[name] = value.reshape(layout[name])
        except ValueError as error:  # no numbers, in a shape that NumPy cannot have
            raise ValueError(say("{name} claims the shape {shape}", name=name, shape=layout[name])) from error
    for name, same in header.get("__metadata__", {}).items():  # of weights that are one, save_model writes one
        if same in found and name not in layout and state_dict.KEY.fullmatch(name):
            found[name], layout[name] = found[same], layout[same]
    return found, layout


def _numbers(kind: str, data: bytearray) -> np.ndarray | None:
    """Numbers of that kind, what NumPy has no kind for as float32; None for kinds that are not read."""
    if kind in NUMBERS:
        return np.frombuffer(data, NUMBERS[kind])
    if kind not in NARROW:
        return None
    name = NARROW[kind]
    return narrow.widened(name, np.frombuffer(data, np.dtype(narrow.KINDS[name]).newbyteorder("<")))


def _fits(content: Content) -> bool:
    # The first 8 bytes are a length, which no text looks like.
    return content.data[7:9] == b"\0{" or shards.first(content).endswith(".safetensors")


def read(content: Content, options: Options) -> Found:
    """The blocks of a state_dict, in one file or in the shards that an index names."""
    if shards.first(content):
        return shards.read(content, options, from_safetensors)
    tensors, layout = from_safetensors(content.data, options)
    return state_dict.found(tensors, options, layout)


FORMAT = Format("safetensors", _fits, read, takes=("names",))
