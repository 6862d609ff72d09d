"""Recurrent blocks in an ONNX file, wherever they stand in its graph, and what stands round them."""

from __future__ import annotations

from lstm_core.files import strangers
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.say import say


def read(content: Content, options: Options) -> Found:
    """Every recurrent node as a block, and the graph's other matrices and vectors. Raises ValueError, naming what, for
    one that cannot be traced."""
    try:
        import onnx
    except ImportError:
        message = say("an ONNX file is read with the package onnx, which is not installed: pip install onnx")
        raise ValueError(message) from None
    from google.protobuf.message import DecodeError

    from lstm_core.files.formats.onnx.model import read_model

    try:
        model = onnx.load_model_from_string(content.data)
    except DecodeError as error:
        raise ValueError(
            say("this is not an ONNX file, or it is damaged or cut short: {error}", error=str(error))
        ) from error
    return read_model(model, len(content.data), options)


MARKS = (b"\x08", b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42")
"""A field of ONNX's ModelProto. Other protocol buffers begin with the same, and so do texts and safetensors."""


def _fits(content: Content) -> bool:
    return content.starts(*MARKS) and content.data[8:9] != b"{" and strangers.known(content) is None


FORMAT = Format("ONNX", _fits, read)
