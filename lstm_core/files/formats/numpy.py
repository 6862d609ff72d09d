"""NumPy's .npz: arrays under PyTorch's keys, or under names of somebody's own with ``names=``."""

from __future__ import annotations

import io

import numpy as np

from lstm_core import npz
from lstm_core.files import state_dict
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.say import say
from lstm_core.trace import AXES


def read(content: Content, options: Options) -> Found:
    """The blocks of a state_dict, each array at PyTorch's key for it. Raises ValueError for a trace, and for weights
    that are pickled objects."""
    arrays, refused = npz.read(io.BytesIO(content.data), options.max_bytes)
    if "inputs" in arrays and np.array_equal(arrays.get("axes", ()), AXES):
        raise ValueError(say("this is a trace, not a network: lstm_core.Trace.from_npz reads it"))
    names = options.names or {}
    for name, reason in sorted(refused.items(), key=lambda entry: not state_dict.is_weight(entry[0])):
        if name in names or state_dict.is_weight(name) or not arrays:
            raise ValueError(
                say(
                    "{reason}; save numbers by name, as float32: np.savez(path, weight_ih_l0=..., weight_hh_l0=...)",
                    reason=reason,
                )
            )
    return state_dict.named(arrays, options)


def _fits(content: Content) -> bool:
    return bool(content.members) and all(name.endswith(".npy") for name in content.members)


FORMAT = Format("NumPy", _fits, read, takes=("names",))
