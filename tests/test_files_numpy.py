"""NumPy's .npz: weights under PyTorch's keys or under names of one's own, and archives that lie."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lstm_core import load, npz
from tests.choices import chosen


def saved(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def arrays_of(module: nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    return {f"{prefix}{name}": value.numpy() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("compress", [False, True])
def test_arrays_under_pytorchs_keys(kind: Any, compress: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = kind(3, 4, num_layers=2, bidirectional=True)
    path = tmp_path / "weights.npz"
    (np.savez_compressed if compress else np.savez)(
        path,
        **arrays_of(module, "rnn."),
        **{"embed.weight": np.ones((7, 3)), "epoch": np.array(3), "name": np.array("x")},
    )
    found = load(path)
    assert found.format == "NumPy" and set(found.others) == {"embed.weight"} and found.layout["epoch"] == ()
    x = torch.randn(5, 2, 3)
    with torch.no_grad():
        expected = module(x)[0].numpy()
    trace = found["rnn"].trace(x.numpy())
    np.testing.assert_allclose(np.concatenate(list(trace.signals["h"][-1]), -1), expected, rtol=0, atol=1e-6)


def hdf5(**arrays: Any) -> bytes:
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened.attrs["epoch"] = 3
        for name, value in arrays.items():
            opened[name] = value
    return file.getvalue()


@pytest.mark.parametrize("write", [saved, hdf5])
@pytest.mark.parametrize("mark", [".", "/", "_"])
def test_whatever_stands_between_a_block_and_its_weights(write: Any, mark: str) -> None:
    module = nn.ModuleDict({"embed": nn.Embedding(7, 3), "rnn": nn.LSTM(3, 4, 2)})
    found = load(write(**{name.replace(".", mark): value for name, value in arrays_of(module).items()}))
    assert [block.name for block in found.blocks] == ["rnn"] and list(found.others) == [f"embed{mark}weight"]
    x = torch.randn(5, 1, 3)
    found["rnn"].check(x, module["rnn"](x)[0])


def test_what_only_ends_like_a_weight_is_none_beside_the_weights() -> None:
    state = arrays_of(nn.GRU(3, 4), "rnn.")
    average = {f"average_{name}": value for name, value in state.items()} | {"grad_weight_hh_l0": np.ones((12, 4))}
    assert [block.name for block in load(saved(**state, **average)).blocks] == ["rnn", "average_rnn"]


def test_arrays_that_lie_by_columns() -> None:
    """Transposed on the way, as weights are that come from Keras."""
    state = arrays_of(nn.GRU(3, 4))
    by_columns = {name: np.asfortranarray(value.astype(">f4")) for name, value in state.items()}
    one, other = load(saved(**state)).blocks[0], load(saved(**by_columns)).blocks[0]
    for name, value in one.layers[0][0].items():
        np.testing.assert_array_equal(other.layers[0][0][name], value)


OWN = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0", "c": "bias_hh_l0"}


def test_arrays_under_names_of_ones_own() -> None:
    """Equations in NumPy, written here: the gates i, f, g, o in PyTorch's order."""
    rng = np.random.default_rng(0)
    W, U, b, c = (rng.normal(size=shape) for shape in ((16, 3), (16, 4), (16,), (16,)))
    [block] = load(saved(W=W, U=U, b=b, c=c, other=np.ones((2, 3))), names=OWN).blocks
    x = rng.normal(size=(6, 3))
    h, memory, expected = np.zeros(4), np.zeros(4), []
    for step in x:
        i, f, g, o = np.split(W @ step + U @ h + b + c, 4)
        memory = memory / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(memory) / (1 + np.exp(-o))
        expected.append(h)
    np.testing.assert_allclose(block.trace(x).sel("h", layer=0, direction=0, batch=0), expected, rtol=0, atol=1e-12)
    assert block.layers[0][0]["W_f"].dtype == np.float64


def test_names_hold_for_other_files_too() -> None:
    from safetensors.numpy import save

    state = dict(zip(OWN, arrays_of(nn.LSTM(3, 4)).values(), strict=True))
    state["W"] = state["W"].astype(np.float16)
    [block] = load(save(state), names={name: f"net.rnn.{key}" for name, key in OWN.items()}).blocks
    assert block.name == "net.rnn" and block.cell.name == "lstm"


def test_numbers_that_numpy_has_no_name_for() -> None:
    """bfloat16 comes back from an .npz as two bytes, float8 as one, which has several meanings."""
    own = pytest.importorskip("ml_dtypes")
    state = arrays_of(nn.GRU(3, 4))
    half = {name: value.astype(own.bfloat16) for name, value in state.items()}
    [block] = load(saved(**half)).blocks
    np.testing.assert_array_equal(block.layers[0][0]["U_z"], half["weight_hh_l0"][4:8].astype(np.float32))
    with pytest.raises(ValueError, match=r"weight_ih_l0 holds \|V1, which is neither real numbers nor text; save num"):
        load(saved(a=half["bias_ih_l0"].view("V1"), **{name: value.view("V1") for name, value in half.items()}))


@pytest.mark.parametrize("write", [saved, hdf5])
def test_names_of_ones_own_in_either_file(write: Any) -> None:
    state = dict(zip(OWN, arrays_of(nn.LSTM(3, 4)).values(), strict=True))
    with pytest.raises(ValueError, match=r"holds no LSTM, GRU or RNN, but .*load\(..., names="):
        load(write(**state))
    assert load(write(**state), names=OWN).blocks[0].cell.name == "lstm"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (
            None,
            r"this NumPy file holds no LSTM, GRU or RNN, but W, U, b, c. .*load\(..., names=\{\"...\": \"weight_ih_l0",
        ),
        ({**OWN, "V": "weight_hr_l0"}, "names= has 'V', but the file has not; it holds W, U, b, c"),
        ({"W": "weight_ih"}, "weight_hh of the first layer of the block is missing; the file holds weight_ih."),
        ({"W": "kernel"}, "names= has 'kernel' for 'W', which is not one of PyTorch's keys: weight_ih_l0"),
        ({"W": "weight_ih_l0", "U": "weight_ih_l0"}, "names= gives two arrays of the file one key"),
        ({**OWN, "W": "weight_hh_l0", "U": "weight_ih_l0"}, "neither 1"),
    ],
)
def test_names_that_do_not_fit(names: Any, reason: str) -> None:
    data = saved(**dict(zip(OWN, arrays_of(nn.LSTM(3, 4)).values(), strict=True)))
    with pytest.raises(ValueError, match=reason):
        load(data, names=names)


class Payload:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("payload-was-run"),))


def test_python_objects_are_not_read() -> None:
    state = arrays_of(nn.GRU(3, 4))
    hostile = np.array(Payload(), dtype=object)
    found = load(saved(**state, config=np.array({"lr": 0.1}, dtype=object), structure=np.zeros(2, "i4,f4"), a=hostile))
    assert [block.cell.name for block in found.blocks] == ["gru"] and not found.others
    for data in (saved(state=hostile), saved(**{**state, "weight_hh_l0": hostile})):
        with pytest.raises(
            ValueError, match="(state|weight_hh_l0) holds Python objects, which could be code.*np.savez"
        ):
            load(data)
    assert not Path("payload-was-run").exists()


def archive(members: dict[str, bytes], way: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", way) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file.getvalue()


def npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header))
    return b"\x93NUMPY" + version + size + header.encode("latin-1", "replace") + body


def header(shape: str = "(2,)", kind: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


HOSTILE = [
    (npy(header("(100000, 100000)"), bytes(8)), r"weight_ih_l0 claims the shape \(100000, 100000\), which does not"),
    (npy(header("(-1, -2)"), bytes(8)), "claims the shape"),
    (npy(header("(0, 99999999999999999999)")), "claims the shape"),
    (npy(header("(2,)"), bytes(4)), "claims the shape"),
    (npy(header("(2,)", "'|O'"), bytes(16)), "holds Python objects"),
    (npy(header("(2,)", "'<U0'")), "neither real numbers nor text"),
    (npy(header("(2,)", "'<M8[s]'"), bytes(16)), "neither real numbers nor text"),
    (npy(header("(2,)", "'<U1'"), b"\xff\xff\xff\xff" * 2), "text that is not Unicode"),
    (npy(header("(2,)", "'<c8'"), bytes(16)), "neither real numbers nor text"),
    (npy("[" * 5000), "is not an .npy file, or it is damaged"),
    (npy("__import__('os').system('touch payload-was-run')"), "is not an .npy file, or it is damaged"),
    (npy(header("(" + "1," * 5000 + ")"), bytes(4)), "is not an .npy file|claims the shape"),
    (npy(header(), bytes(8), b"\x03\x00"), "in a version of .npy that is not read"),
    (b"not an array", "is not an .npy file"),
    (b"", "is not an .npy file"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("data", "reason"), HOSTILE)
def test_an_array_that_lies_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(archive({"weight_ih_l0.npy": data}))
    assert not Path("payload-was-run").exists()


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_unfold_without_a_limit_are_refused(way: int) -> None:
    """Six hundred bytes of bzip2 that claim to be a hundred unfold to half a gigabyte. So it is in any archive."""
    for names in (["a.npy"], ["config.json", "model.weights.h5"], ["m/data.pkl"], ["a.txt"]):
        with pytest.raises(ValueError, match="packed in a way that is not read; pack it again without bzip2 or LZMA"):
            load(archive(dict.fromkeys(names, bytes(1000)), way))
    with pytest.raises(ValueError, match="a.npy is packed in a way that .npz files do not use"):
        npz.read(io.BytesIO(archive({"a.npy": bytes(1000)}, way)), 1 << 20)


def test_a_bomb_costs_no_more_than_is_allowed() -> None:
    bomb = archive({"a.npy": npy(header("(10000000,)"), bytes(40_000_000))}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="unfolds to more than the 10,000,000 bytes"):
        load(bomb, max_bytes=10_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="claims the shape"):
        load(archive({"a.npy": npy(header("(10000000000,)"), bytes(64))}), max_bytes=1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_what_is_wrong_with_an_archive() -> None:
    data = saved(**arrays_of(nn.LSTM(3, 4)))
    with pytest.raises(ValueError, match="damaged or cut short"):
        load(data[:-100])
    with pytest.raises(ValueError, match="damaged or cut short"):
        load(data.replace(b"\x93NUMPY", b"\x93NUMPX"))
    file = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "w") as twice:
        for value in (0.0, 1.0):
            twice.writestr("a.npy", npy(header("(1,)"), struct.pack("<f", value)))
    with pytest.raises(ValueError, match="holds a twice"):
        load(file.getvalue())


@settings(max_examples=150)
@given(
    kind=st.sampled_from(
        ["'<f4'", "'>f8'", "'<f2'", "'<i4'", "'|b1'", "'|O'", "'<U3'", "[('a', '<f4')]", "'<f16'", "1"]
    )
    | st.text(max_size=6),
    shape=st.lists(st.integers(-2, 8) | st.sampled_from([2**31, 2**63, 2**70]), max_size=4).map(tuple).map(str)
    | st.text(max_size=6),
    order=st.sampled_from(["True", "False", "None"]),
    body=st.sampled_from([0, 4, 8, 64, 128, 256]),
    cut=st.integers(0, 400) | st.none(),
    key=st.sampled_from(["weight_ih_l0", "weight_hh_l0", "weight_hh_l0_g", "inputs", "axes", "trace", "x"]),
)
@pytest.mark.filterwarnings("ignore")
def test_any_header_is_read_or_refused(kind: str, shape: str, order: str, body: int, cut: int | None, key: str) -> None:
    whole = archive(
        {f"{key}.npy": npy(header(shape, kind, order), bytes(body)), "bias_ih_l0.npy": npy(header("()"), bytes(4))}
    )
    try:
        chosen(whole[:cut], "rnn", max_bytes=1 << 20)
    except ValueError as error:
        assert str(error)
