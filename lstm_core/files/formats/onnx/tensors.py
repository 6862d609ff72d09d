"""Arrays that an ONNX file holds: its tensors, dense or sparse, inside it or in a file beside it."""

from __future__ import annotations

import hashlib
import math
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from lstm_core.files import limits
from lstm_core.files.formats.onnx.graph import Node, text
from lstm_core.files.options import Options
from lstm_core.say import Said, say

CONSTANTS = {
    "value": (4, None),
    "sparse_value": (11, None),
    "value_float": (1, np.float32),
    "value_floats": (6, np.float32),
    "value_int": (2, np.int64),
    "value_ints": (7, np.int64),
}
"""The forms of a Constant: types of an AttributeProto, and of the numbers where they are not a tensor."""


class Tensors:
    """Reads tensors, and each file beside the model once; together they are as large as ``options.max_bytes`` at most.

    model: bytes of the model itself, which count.
    """

    def __init__(self, options: Options, model: int) -> None:
        """options: with the bytes that may be read, and the files beside the model."""
        self._options, self._left = options, options.max_bytes - model
        self._files: dict[str, bytes] = {}

    def array(self, tensor: Any, what: str) -> np.ndarray:
        """The values of a TensorProto or SparseTensorProto. ``what`` names it in messages.

        Raises ValueError for one of text, in segments, too large, not as large as it says, or whose file is not there.
        """
        if not hasattr(tensor, "raw_data"):
            return self._sparse(tensor, what)
        from onnx import TensorProto, helper, numpy_helper

        if tensor.HasField("segment"):
            raise ValueError(say("{what} is in segments, which is not supported", what=what))
        try:
            kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        except KeyError as error:
            raise ValueError(say("{what} is of an unknown kind of number, {kind}", what=what, kind=error)) from error
        if kind.kind == "O":
            raise ValueError(say("{what} is text, not numbers", what=what))
        limits.check_size(what, tensor.dims, kind.itemsize, self._options.max_bytes)
        try:
            if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
                return self._outside(tensor, kind, what)
            return numpy_helper.to_array(tensor)
        except Exception as error:  # whatever onnx may say of a tensor that is wrong
            if isinstance(limits.reason(error), Said):
                raise
            raise ValueError(say("{what} cannot be read: {error}", what=what, error=error)) from error

    def constant(self, node: Node) -> np.ndarray:
        """What a Constant node says, in any of its forms."""
        for name, attribute in node.attributes.items():
            kind = CONSTANTS.get(name)
            if kind is None or attribute.type != kind[0]:
                continue
            if kind[1] is None:
                return self.array(node.values[name], node.label)
            return np.array(node.values[name], kind[1])
        names = ", ".join(node.attributes)
        raise ValueError(say("{what} holds no numbers, but {names}", what=node.label, names=names or say("nothing")))

    def _outside(self, tensor: Any, kind: np.dtype, what: str) -> np.ndarray:
        """Values that lie in another file, which the tensor names with the place in it."""
        from onnx import TensorProto, numpy_helper

        entries = {text(entry.key): text(entry.value) for entry in tensor.external_data}
        data = self._file(entries.get("location", ""), entries.get("checksum", ""), what)
        begin, size = int(entries.get("offset", 0)), math.prod(tensor.dims) * kind.itemsize
        if kind.kind == "V" and kind.name != "bfloat16":  # several in a byte, or of an odd kind: onnx knows how
            end = begin + int(entries.get("length", len(data) - begin))
            inside = TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=data[max(begin, 0) : end])
            return numpy_helper.to_array(inside)
        length = int(entries.get("length", size))
        if begin < 0 or length != size or begin + size > len(data):
            raise ValueError(
                say(
                    "{what} takes {needed} bytes, and the model says that it is {length} bytes from byte {begin} on"
                    " in a file of {size}",
                    what=what,
                    needed=size,
                    length=length,
                    begin=begin,
                    size=len(data),
                )
            )
        return np.frombuffer(data, kind, math.prod(tensor.dims), begin).reshape(tuple(tensor.dims))

    def _file(self, location: str, checksum: str, what: str) -> bytes:
        name = str(PurePosixPath(location.replace("\\", "/")))
        if name not in self._files:
            try:
                data = self._options.beside.read(name, max(self._left, 0))
            except OSError:  # no file can have that name
                data = None
            if data is None:
                raise ValueError(
                    say(
                        "{what} lies in the file {name}, which is not there: give both files together, or export the"
                        " model with its weights inside, torch.onnx.export(..., external_data=False)",
                        what=what,
                        name=repr(name[:80]),
                    )
                )
            if checksum and hashlib.sha1(data, usedforsecurity=False).hexdigest() != checksum.lower():
                raise ValueError(
                    say("the file {name} is not the one that the model was saved with", name=repr(name[:80]))
                )
            self._files[name], self._left = data, self._left - len(data)
        return self._files[name]

    def _sparse(self, tensor: Any, what: str) -> np.ndarray:
        values = self.array(tensor.values, what)
        indices = self.array(tensor.indices, what)
        limits.check_size(what, tensor.dims, values.itemsize, self._options.max_bytes)
        dense = np.zeros(tuple(tensor.dims), values.dtype)
        at = (
            indices
            if indices.ndim == 1
            else np.ravel_multi_index(tuple(indices.T), dense.shape)
            if len(indices)
            else []
        )
        at = np.asarray(at, np.int64)
        if at.shape != values.shape or (at < 0).any() or (at >= dense.size).any():
            raise ValueError(say("the indices of {what} do not fit its shape", what=what))
        dense.reshape(-1)[at] = values
        return dense
