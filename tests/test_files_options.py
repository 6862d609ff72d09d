"""What is said of a file is heeded, or refused where the format has no use for it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
from torch import nn

from lstm_core import load
from tests.uploads import onnx_lstm, saved


@pytest.mark.parametrize(
    "said", [{"activation": "relu"}, {"recurrent_activation": "relu"}, {"reset_after": False}, {"go_backwards": False}]
)
@pytest.mark.parametrize("make", [lambda: saved(nn.GRU(3, 4)), onnx_lstm], ids=["PyTorch", "ONNX"])
def test_what_only_keras_files_take_is_not_ignored(make: Any, said: dict[str, Any]) -> None:
    [option] = said
    with pytest.raises(ValueError, match=rf"{option}= is for Keras files, and this file is (PyTorch|ONNX)"):
        load(make(), **said)


def test_names_are_for_files_of_arrays() -> None:
    with pytest.raises(ValueError, match="names= is for HDF5, NumPy, PyTorch, safetensors files, and this file is"):
        load(onnx_lstm(), names={"W": "weight_ih_l0"})


def test_a_cell_or_a_block_that_there_is_none_of_is_not_ignored() -> None:
    """Also where the file leaves no choice, so that a slip of the pen is not taken for an answer."""
    for asked in ("lstn", {"rnn": "lstn"}):
        with pytest.raises(ValueError, match="there is no cell 'lstn'; there are .*lstm"):
            load(saved(nn.LSTM(3, 4)), cell=asked)
    for asked in ("gru", {"": "gru"}):
        with pytest.raises(ValueError, match="the block cannot be a gru: it is lstm, as its file or its shapes say"):
            load(saved(nn.LSTM(3, 4)), cell=asked)
    both = saved(nn.ModuleDict({"a": nn.LSTM(3, 4), "b": nn.RNN(4, 4)}))
    with pytest.raises(ValueError, match="b cannot be a gru: its shapes fit rnn or rnn_relu"):
        load(both, cell="gru")
    assert [block.cell.name for block in load(both, cell="rnn_relu").blocks] == ["lstm", "rnn_relu"]
    two = saved(nn.ModuleDict({"a": nn.LSTM(3, 4), "b": nn.GRU(4, 4)}))
    assert len(load(two, cell="gru").blocks) == 2  # it is said of all, and one of them is
    with pytest.raises(ValueError, match="a cannot be a rnn: it is lstm"):
        load(two, cell="rnn")
    with pytest.raises(ValueError, match="cell= names the block 'nrr'; the file has one, without a name"):
        load(saved(nn.LSTM(3, 4)), cell={"nrr": "lstm"})
    with pytest.raises(ValueError, match="cell= names the block 'nrr'; the file has rnn"):
        load(saved(nn.Sequential(OrderedDict(rnn=nn.LSTM(3, 4)))), cell={"nrr": "lstm"})


@pytest.mark.parametrize("source", [None, 3, {"weight_ih_l0": 1}, nn.GRU(3, 4)], ids=lambda it: type(it).__name__)
def test_what_is_not_a_file_is_told_what_is_read(source: Any) -> None:
    with pytest.raises(TypeError, match=f"its path or its bytes, not as a Python {type(source).__name__}; .*trace"):
        load(source)
