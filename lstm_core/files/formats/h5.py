"""HDF5 under PyTorch's keys, or under names of somebody's own: what h5py writes of a state_dict."""

from __future__ import annotations

import re

from lstm_core.files import state_dict
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options

MARK = b"\x89HDF\r\n\x1a\n"
KERAS = re.compile(r"(.*[/\\])?(vars[/\\].*|recurrent_kernel(_\d+)?|[^/\\]+_[WU]_[ifcozrh]|[^/\\]+:0)")
"""Paths of arrays in a file of Keras's."""
SAID = {"keras_version", "backend", "model_config", "layer_names", "layer_names0"}
"""What Keras says of a file of its own."""


def fits(content: Content) -> bool:
    """Whether it is an HDF5 file that is not Keras's. Raises ValueError if it is damaged."""
    if not content.starts(MARK):
        return False
    inner = content.hdf5
    if any(state_dict.is_weight(path) for path in inner.arrays):
        return True
    said = {name for at in ("", "model_weights") for name in inner.attributes.get(at, ())}
    return not said & SAID and not any(map(KERAS.fullmatch, inner.arrays))


def read(content: Content, options: Options) -> Found:
    """The blocks of a state_dict, each array at PyTorch's key for it."""
    return state_dict.named(content.hdf5.arrays, options)


FORMAT = Format("HDF5", fits, read, takes=("names",))
