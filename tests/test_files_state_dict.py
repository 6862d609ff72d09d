"""PyTorch state_dicts and safetensors: every block found by its keys, and files that are hostile or broken refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_safetensors
from torch import nn

from lstm_core import load, trace
from lstm_core.files.limits import Ambiguous

pytestmark = [
    pytest.mark.usefixtures("in_place"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
]


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def make(kind: str, **options: Any) -> nn.RNNBase:
    torch.manual_seed(0)
    if kind == "lstm_projected":
        return nn.LSTM(5, 6, proj_size=3, **options)
    if kind in ("rnn", "rnn_relu"):
        return nn.RNN(5, 6, nonlinearity="relu" if kind == "rnn_relu" else "tanh", **options)
    return {"lstm": nn.LSTM, "gru": nn.GRU}[kind](5, 6, **options)


KINDS = ("lstm", "lstm_projected", "gru", "rnn", "rnn_relu")


@settings(max_examples=40)
@given(
    kind=st.sampled_from(KINDS),
    layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    bias=st.booleans(),
    double=st.booleans(),
    prefix=st.sampled_from(["", "rnn.", "module.encoder.rnn.", "我.weight_ih.", "a b/c.0."]),
    container=st.sampled_from(["plain", "checkpoint", "old pickle", "safetensors"]),
    with_state=st.booleans(),
    lengths=st.none() | st.just([7, 3]),
)
def test_a_module_comes_back(
    kind: str,
    layers: int,
    bidirectional: bool,
    bias: bool,
    double: bool,
    prefix: str,
    container: str,
    with_state: bool,
    lengths: list[int] | None,
) -> None:
    """Cell, sizes, layers, directions, projection and bias from the keys; the trace is that of the module itself."""
    module = make(kind, num_layers=layers, bidirectional=bidirectional, bias=bias)
    module = module.double() if double else module
    state = {f"{prefix}{key}": value for key, value in module.state_dict().items()} | {"head.weight": torch.zeros(3, 3)}
    data = {
        "plain": lambda: saved(state),
        "checkpoint": lambda: saved({"epoch": 3, "model_state_dict": state, "optimizer": {"lr": 0.1}}),
        "old pickle": lambda: saved(state, _use_new_zipfile_serialization=False),
        "safetensors": lambda: save_safetensors({key: value.contiguous() for key, value in state.items()}),
    }[container]()
    found = load(data, cell=kind)
    [block] = found.blocks
    assert found.format == ("safetensors" if container == "safetensors" else "PyTorch")
    nested = "model_state_dict." if container == "checkpoint" else ""
    assert block.name == (nested + prefix).removesuffix(".")
    assert (block.cell.name, block.input_size, block.hidden_size, block.num_layers) == (kind, 5, 6, layers)
    assert block.output_size == (3 if kind == "lstm_projected" else 6)
    assert block.directions == ("forward", "reverse")[: 1 + bidirectional]
    dtype = torch.float64 if double else torch.float32
    x = torch.randn(7, 2, 5, dtype=dtype)
    first = None
    if with_state:
        rows = layers * (1 + bidirectional)
        parts = [torch.rand(rows, 2, size, dtype=dtype) for size in (block.output_size, 6)]
        first = tuple(parts) if "lstm" in kind else parts[0]
    expected = trace(module, x, first, lengths=lengths)
    numbers = None if first is None else tuple(p.numpy() for p in first) if isinstance(first, tuple) else first.numpy()
    trace_of_file = block.trace(x.numpy(), numbers, lengths)
    assert trace_of_file.lengths == expected.lengths
    for name, value in expected.signals.items():
        np.testing.assert_allclose(trace_of_file.signals[name], value, rtol=0, atol=1e-11 if double else 1e-5)
        assert trace_of_file.signals[name].dtype == value.dtype


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(5, 6, batch_first=True)
        self.cells = nn.ModuleList([nn.GRUCell(5, 4), nn.LSTMCell(5, 4, bias=False)])
        self.top = nn.RNN(6, 3)
        self.norm = nn.LayerNorm(3)


def test_every_block_of_a_model_is_found() -> None:
    model = Whole()
    data = saved(model.state_dict())
    with pytest.raises(Ambiguous, match="top: rnn or rnn_relu") as caught:
        load(data)
    assert caught.value.choices == {"top": ("rnn", "rnn_relu")}
    found = load(data, cell={"top": "rnn"}, batch_first=True)
    assert {block.name: block.cell.name for block in found.blocks} == {
        "encoder": "lstm",
        "cells.0": "gru",
        "cells.1": "lstm",
        "top": "rnn",
    }
    x = torch.randn(2, 7, 5)
    expected = trace(model.encoder, x)
    np.testing.assert_allclose(found["encoder"].trace(x).signals["c"], expected.signals["c"], rtol=0, atol=1e-6)
    cell = trace(model.cells[0], x.transpose(0, 1))
    np.testing.assert_allclose(found["cells.0"].trace(x).signals["z"], cell.signals["z"], rtol=0, atol=1e-6)


def test_weights_that_no_module_of_torch_has_beside_its_own_are_said() -> None:
    """Of a cell with a layer norm in its step; what lies beside a layer that has a name of its own is no such."""
    cell = {f"cell.{key}": value for key, value in nn.LSTMCell(5, 6).state_dict().items()}
    norm = {f"cell.norm.{key}": value for key, value in nn.LayerNorm(24).state_dict().items()}
    for save in (saved, save_safetensors):
        [block] = load(save(cell | norm | {"head.weight": torch.zeros(3, 6)}), batch_first=True).blocks
        [assumed] = block.assumed
        assert assumed.startswith("what lies beside its weights does not act in its steps (norm.")
        [block] = load(save(cell | {"cells.weight": torch.zeros(3, 6)}), batch_first=True).blocks
        assert block.assumed == ()


@pytest.mark.parametrize("lost", ["bias_ih", "bias_hh"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_of_two_biases_that_is_missing_is_said(kind: str, lost: str) -> None:
    """Zeros stand for it in every format that holds torch's keys. Without both, a module was made so."""
    module = make(kind, num_layers=2)
    state = {key: value.contiguous() for key, value in module.state_dict().items() if not key.startswith(lost)}
    arrays = io.BytesIO()
    np.savez(arrays, **{key: value.numpy() for key, value in state.items()})
    pickled = pickle.dumps({key: value.numpy() for key, value in state.items()})
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.mul_(not name.startswith(lost))
    x = torch.randn(4, 2, 5)
    for data in (saved(state), save_safetensors(state), arrays.getvalue(), pickled):
        loaded = load(data, cell=kind, batch_first=False)
        other = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}[lost]
        said = f"{lost} is missing beside {other}, and zeros stand for it"
        assert said in loaded.blocks[0].assumed
        [found] = loaded.trace(x.transpose(0, 1) if loaded.blocks[0].batch_first else x).values()
        assert said in found.assumed
        np.testing.assert_allclose(found["h"], trace(module, x)["h"], rtol=0, atol=1e-6)
    for bias in (True, False):
        [block] = load(saved(make(kind, bias=bias).state_dict()), cell=kind).blocks
        assert not any("is missing" in sentence for sentence in block.assumed)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("container", [dict, OrderedDict, lambda state: [state]])
def test_a_pickle_of_any_protocol(protocol: int, container: Any) -> None:
    """Arrays as scripts of Python 2 wrote them, and since."""
    state = {key: value.numpy() for key, value in nn.GRU(5, 6).state_dict().items()}
    [block] = load(pickle.dumps(container(state), protocol)).blocks
    np.testing.assert_array_equal(block.layers[0][0]["W_r"], state["weight_ih_l0"][:6])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("safe", [False, True])
def test_low_precision_is_read_as_float32(dtype: torch.dtype, safe: bool) -> None:
    state = nn.LSTM(5, 6).to(dtype).state_dict()
    [block] = load(save_safetensors(state) if safe else saved(state)).blocks
    np.testing.assert_array_equal(block.layers[0][0]["W_f"], state["weight_ih_l0"][6:12].float().numpy())
    assert block.layers[0][0]["W_f"].dtype == np.float32


def test_a_path_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(saved(nn.GRU(5, 6).state_dict()))
    assert load(path).format == load(str(path)).format == "PyTorch"
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.pt")
    with pytest.raises(ValueError, match="bytes, more than the 100 that are allowed"):
        load(path, max_bytes=100)


def test_one_sequence_and_wrong_shapes() -> None:
    module = nn.LSTM(5, 6)
    [block] = load(saved(module.state_dict())).blocks
    x = torch.randn(7, 5)
    np.testing.assert_allclose(block.trace(x).signals["f"], trace(module, x).signals["f"], rtol=0, atol=1e-6)
    assert len(block.trace(np.zeros((0, 5)))) == 0
    for ask, reason in (
        (lambda: block.trace(np.zeros((7, 4))), r"reads \(time, batch, 5\) or \(time, 5\), not \(7, 4\)"),
        (lambda: block.trace(np.zeros(5)), "reads"),
        (lambda: block.trace(np.zeros((7, 2, 5)), lengths=[3]), "lengths are 2 numbers from 0 to 7"),
        (lambda: block.trace(np.zeros((7, 2, 5)), lengths=[3, 8]), "lengths are 2 numbers from 0 to 7"),
        (lambda: block.trace(np.zeros((7, 2, 5)), lengths=3), "one for each sequence, not 3 alone"),
        (lambda: block.trace(x, {"z": 0}), "has no state z; it has c, h"),
        (lambda: block.trace(x, {"h": np.zeros((1, 1, 1, 5))}), "the state h"),
        (lambda: block.trace(x, np.zeros((2, 1, 6))), "the state h of .* has 1 rows"),
        (lambda: block.trace(x, (np.zeros((1, 1, 6)),) * 3), "takes the states h, c, not 3"),
    ):
        with pytest.raises(ValueError, match=reason):
            ask()
    with pytest.raises(TypeError, match=r"lengths are 2 whole numbers, not a mask; .*: mask\.sum\(1\)"):
        block.trace(np.zeros((7, 2, 5)), lengths=[True, True])


# Broken and hostile files.


class Code:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/gatescope-was-here",)


def without(*keys: str, **change: torch.Tensor) -> bytes:
    state = nn.LSTM(5, 6, num_layers=2, bidirectional=True).state_dict()
    return saved({key: value for key, value in state.items() if key not in keys} | change)


def huge_header() -> bytes:
    header = json.dumps(
        {"rnn.weight_ih_l0": {"dtype": "F32", "shape": [10**10], "data_offsets": [0, 4 * 10**10]}}
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(100)


def wide_view() -> bytes:
    """A few bytes that claim to be ten thousand million numbers."""
    return saved({"weight_ih_l0": torch.zeros(1).expand(10**10), "weight_hh_l0": torch.zeros(24, 6)})


def compressed() -> bytes:
    """A zip bomb with the names that torch.save gives."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m/data.pkl", b"")
        archive.writestr("m/constants.pkl", b"")
        archive.writestr("m/code/x.py", b"")
    return buffer.getvalue()


HOSTILE = [
    (lambda: saved({"weight_ih_l0": Code()}), "weight_ih_l0 is of the class .*system, whose code is not run"),
    (lambda: pickle.dumps(Code()), "objects that could be code and are not run .*system.*torch.save\\(model"),
    (lambda: saved(nn.LSTM(5, 6).state_dict())[:-400], "damaged or cut short"),
    (lambda: saved(nn.LSTM(5, 6).state_dict(), _use_new_zipfile_serialization=False)[:-400], "damaged or cut short"),
    (lambda: save_safetensors(nn.LSTM(5, 6).state_dict())[:-40], "safetensors file is damaged or cut short"),
    (huge_header, "safetensors file is damaged or cut short"),
    (lambda: struct.pack("<Q", 10**12) + b"{" + bytes(50), "safetensors file is damaged or cut short"),
    (wide_view, r"weight_ih_l0 claims the shape \(10000000000,\)"),
    (scripted, "a TorchScript program without weights"),
    (lambda: saved({"head.weight": torch.zeros(2)}), "holds no LSTM, GRU or RNN"),
    (lambda: b"", "the file is empty"),
    (lambda: b"\x00\x01\x02" + bytes(100), "the file is none of: PyTorch .*, safetensors, ONNX, Keras .*, NumPy"),
    (lambda: b"PK\x03\x04" + bytes(100), "damaged or cut short"),
    (lambda: b"\x89HDF\r\n\x1a\n" + bytes(100), "damaged or cut short"),
    (lambda: b"\x08" + bytes(100), "not an ONNX file|holds no"),
    (lambda: without("weight_hh_l0"), "weight_hh of the first layer of the block is missing"),
    (
        lambda: without(*[k for k in nn.LSTM(5, 6, 2, bidirectional=True).state_dict() if k.endswith("l1")]),
        "is not whole",
    ),
    (lambda: without("bias_hh_l1"), r"layer 1 of the block has .*; the first layer has"),
    (lambda: without(weight_ih_l1=torch.zeros(24, 6)), r"weight_ih of layer 1 .* \(24, 6\); \(24, 12\) would fit"),
    (lambda: without(bias_ih_l0=torch.zeros(23)), r"bias_ih of layer 0"),
    (lambda: without(weight_hh_l0=torch.zeros(25, 6)), "rows are neither 1"),
    (lambda: without(weight_hh_l0=torch.zeros(6, 24)), r"weight_hh of the block is \(6, 24\): it is transposed, or"),
    (lambda: without(weight_hh_l0_scale=torch.ones(1)), "weight_hh_l0_scale lies beside the weights of the block and"),
    (lambda: without(lora_A_weight_hh_l0=torch.ones(2, 6)), "lora_A_weight_hh_l0 lies beside .*merged"),
    (lambda: without(weight_hh_l0=torch.zeros(24)), r"weight_hh of the block is \(24,\), not a matrix"),
    (lambda: without(weight_hh_l0=torch.full((24, 6), torch.nan)), "weight_hh of layer 0 .* 144 values that are NaN"),
    (lambda: without(weight_hh_l0=torch.zeros(24, 6, dtype=torch.int8)), "int8, not floating-point weights"),
]


@pytest.mark.parametrize(("data", "reason"), HOSTILE)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_read_says_why(data: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(data())
    assert not os.path.exists("/tmp/gatescope-was-here")


def test_an_archive_that_unfolds_to_too_much() -> None:
    data = compressed()
    assert len(data) < 100_000
    with pytest.raises(ValueError, match="unfolds to more than the 10,000,000 bytes"):
        load(data, max_bytes=10_000_000)


def test_a_pickle_with_more_paths_than_can_be_walked() -> None:
    """Dicts of dicts of one dict: a few hundred bytes, 40 to the power of 7 paths."""
    inner: dict[str, Any] = {"head": torch.zeros(1)}
    for _ in range(7):
        inner = {str(k): inner for k in range(40)}
    with pytest.raises(ValueError, match="holds no LSTM, GRU or RNN"):
        load(saved(inner))


@pytest.mark.parametrize("length", [0x0480, 0x0380, 0x4B50])
def test_a_header_may_be_as_long_as_another_format_begins(length: int) -> None:
    """A safetensors file begins with the length of its header: 0x0480 reads like a pickle's first bytes."""
    data = save_safetensors(nn.LSTM(3, 2).state_dict())
    size = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + size] + b" " * (length - size)
    found = load(length.to_bytes(8, "little") + header + data[8 + size :])
    assert found.format == "safetensors" and found.blocks[0].cell.name == "lstm"


@settings(max_examples=60)
@given(
    seed=st.integers(0, 3),
    at=st.floats(0, 1),
    change=st.sampled_from(["cut", "flip", "zero"]),
    length=st.integers(1, 64),
)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_a_value_error_or_a_file(seed: int, at: float, change: str, length: int) -> None:
    """Cut short or changed anywhere: refused in words, or read, but never another error."""
    state = nn.LSTM(3, 2).state_dict()
    data = bytearray(
        [
            lambda: saved(state),
            lambda: saved(state, _use_new_zipfile_serialization=False),
            lambda: save_safetensors(state),
            lambda: saved({"a": {"b": state}}),
        ][seed]()
    )
    start = int(at * (len(data) - 1))
    if change == "cut":
        del data[start:]
    else:
        for k in range(start, min(start + length, len(data))):
            data[k] = 0 if change == "zero" else data[k] ^ 0xFF
    try:
        load(bytes(data), max_bytes=1 << 20)
    except ValueError as error:
        assert str(error)
