"""What is said of a file is heeded, or refused where the format has no use for it."""

from __future__ import annotations

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
    with pytest.raises(ValueError, match="names= is for NumPy, PyTorch, safetensors files, and this file is ONNX"):
        load(onnx_lstm(), names={"W": "weight_ih_l0"})
