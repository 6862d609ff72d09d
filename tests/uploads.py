"""Files as a visitor might upload them, good and hostile, for the tests of "Your model"."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

WORDS = "<unk> mary john saw she he was the market because".split()
SENTENCE = "Mary saw John because she"


class Tagger(nn.Module):
    """An embedding, an LSTM and an output layer: what a visitor's own language model is like."""

    def __init__(self, words: int = len(WORDS)) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 6)
        self.rnn = nn.LSTM(6, 8, num_layers=2)
        self.out = nn.Linear(8, words)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(self.embed(ids))[0])


def tagger() -> Tagger:
    torch.manual_seed(1)
    return Tagger()


def saved(module: nn.Module) -> bytes:
    """What ``torch.save(module.state_dict(), path)`` writes."""
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save(tensors)


def onnx_lstm(inputs: int = 3, hidden: int = 5, name: str = "") -> bytes:
    """One LSTM node with random weights."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = {"W": (1, 4 * hidden, inputs), "R": (1, 4 * hidden, hidden), "B": (1, 8 * hidden)}
    initial = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), n) for n, s in weights.items()]
    node = helper.make_node("LSTM", ["X", *weights], ["Y"], name=name, hidden_size=hidden)
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["time", 1, inputs])
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph([node], "graph", [x], [y], initial)).SerializeToString()


class Payload:
    """Pickled, this would make a file if it were run."""

    def __reduce__(self):
        return (Path.touch, (Path("payload-was-run"),))


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("archive/data/0", bytes(200 << 20))
    return file.getvalue()


def ten_gigabytes() -> bytes:
    """A safetensors header that claims 10 GB."""
    header = json.dumps({"rnn.weight_ih_l0": {"dtype": "F32", "shape": [50_000, 50_000], "data_offsets": [0, 10**10]}})
    return len(header).to_bytes(8, "little") + header.encode() + bytes(64)


def npy_claims(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": False, "descr": "<f8"})
    return file.getvalue() + bytes(64)


def with_nan() -> bytes:
    module = nn.GRU(3, 4)
    with torch.no_grad():
        module.weight_hh_l0[1, 2] = float("nan")
    return saved(module)


def wrong_shapes() -> bytes:
    state = nn.LSTM(3, 4).state_dict()
    state["weight_hh_l0"] = torch.zeros(16, 5)
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


HOSTILE = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"just a text\nof two lines\n", "none of: PyTorch"),
    "truncated": (lambda: saved(nn.GRU(3, 4))[:-200], "damaged or cut short|neither"),
    "a pickle with code": (lambda: _saved({"rnn": Payload()}), "could be code"),
    "code for a weight": (lambda: _saved({"weight_hh_l0": Payload()}), "whose code is not run"),
    "zip bomb": (zip_bomb, "unfolds to more"),
    "10 GB in a header": (ten_gigabytes, "damaged|claims"),
    "wrong shapes": (wrong_shapes, "would fit|neither 1"),
    "NaN weights": (with_nan, "NaN"),
    "no recurrent block": (lambda: saved(nn.Linear(3, 4)), "no LSTM, GRU or RNN"),
}
"""What is wrong, the file, and what the page says about it (a regular expression)."""


def _saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()
