"""What the library says of a file, with what can be done on the page in the place of what can be done in Python."""

from __future__ import annotations

from collections.abc import Mapping

from lstm_core.say import Said, mark, say

HERE: Mapping[str, str] = {
    '{holds}. If these are recurrent weights under other names, say which is which: load(..., names={{"...": '
    '"weight_ih_l0", "...": "weight_hh_l0"}})': mark(
        "{holds}. If these are recurrent weights under other names, save them under PyTorch's (weight_ih_l0, "
        "weight_hh_l0, bias_ih_l0, bias_hh_l0) and choose that file"
    ),
    "this is one of Gatescope's own models: lstm_core.Network.load reads it": mark(
        "this is one of Gatescope's own models, which are chosen above by their names"
    ),
    "this is a trace, not a network: lstm_core.Trace.from_npz reads it": mark("this is a trace, not a network"),
    "an ONNX file is read with the package onnx, which is not installed: pip install onnx": mark(
        "an ONNX file is read with the package onnx, which is not installed where this page runs; give the model in "
        "another format, or ask whoever runs the page"
    ),
    "HDF5 and Keras files are read with the package h5py, which is not installed: pip install h5py": mark(
        "HDF5 and Keras files are read with the package h5py, which is not installed where this page runs; give the "
        "model in another format, or ask whoever runs the page"
    ),
    "no step is skipped; in its model a mask from {name} skips some: pass mask=": mark(
        "no step is skipped; in its model a mask from {name} skips some"
    ),
}
"""By the library's template, the page's, which takes the same values."""


def on_page(said: str) -> str:
    """``said`` as the page says it, and whatever it was said with."""
    if not isinstance(said, Said):
        return said
    values = {name: on_page(value) if isinstance(value, Said) else value for name, value in said.values.items()}
    return say(HERE.get(said.template, said.template), **values)
