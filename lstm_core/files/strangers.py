"""Files that are not read: what each is, and what to do instead."""

from __future__ import annotations

from pathlib import Path

from lstm_core.files.formats import Content, Found
from lstm_core.say import Said, say


def folder(path: Path) -> Said:
    """What a folder is."""
    return say("{name} is a folder, not a file", name=path.name)


def sentence(content: Content) -> Said:
    """What a file is that no format fits."""
    if content.members:
        return say("this zip archive is neither a PyTorch nor a Keras file")
    return say("the file is none of: PyTorch state_dict, safetensors, ONNX, Keras (.keras, .h5)")


def without_blocks(format: str, found: Found) -> Said:
    """Why a file of a format that is read gives nothing."""
    return say("this {name} file holds no LSTM, GRU or RNN", name=format)
