"""The safetensors format."""

from __future__ import annotations

import json

import numpy as np

from lstm_core.files import state_dict
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.files.state_dict import KEY
from lstm_core.say import say

FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def from_safetensors(data: bytes, limit: int) -> dict[str, np.ndarray]:
    """The matrices and vectors in a safetensors file by key."""
    from safetensors import SafetensorError, deserialize

    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        if "gatescope" in header.get("__metadata__", {}):
            raise ValueError(say("this is one of Gatescope's own models: lstm_core.Network.load reads it"))
        tensors = deserialize(data)
    except (SafetensorError, UnicodeDecodeError, json.JSONDecodeError, AttributeError) as error:
        raise ValueError(say("the safetensors file is damaged or cut short: {error}", error=str(error))) from error
    found = {}
    for name, info in tensors:
        kind, raw = info["dtype"], info["data"]
        if KEY.fullmatch(name) is None and not (kind in ("BF16", *FLOATS) and len(info["shape"]) in (1, 2)):
            continue
        if kind == "BF16":  # the upper half of a float32
            value = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in FLOATS:
            value = np.frombuffer(raw, np.dtype(FLOATS[kind]).newbyteorder("<"))
        else:
            raise ValueError(
                say("{name} holds {kind}, not floating-point weights (is it quantised?)", name=name, kind=kind)
            )
        found[name] = value.reshape(info["shape"])
    return found


def read(content: Content, options: Options) -> Found:
    """The blocks of a state_dict."""
    return state_dict.found(from_safetensors(content.data, options.max_bytes), options)


FORMAT = Format("safetensors", lambda content: content.data[8:9] == b"{", read)
