"""safetensors: the file's order, every kind of float, shards, and headers that lie."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import cases
import checkpoints
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from torch import nn
from torch.nn.utils import weight_norm

from lstm_core import load
from tests.choices import chosen

ROOT = Path(__file__).resolve().parent.parent


def written(entries: list[tuple[str, str, list[int], bytes]], **metadata: str) -> bytes:
    """A file with its tensors in that order; ``safetensors`` itself writes them by kind and name."""
    header, body = {"__metadata__": metadata} if metadata else {}, b""
    for name, kind, shape, data in entries:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(name: str, tensor: torch.Tensor) -> tuple[str, str, list[int], bytes]:
    return name, "F32", list(tensor.shape), tensor.detach().numpy().tobytes()


def model() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({name: nn.GRU(3, 2) for name in ("zeta", "alpha", "mid", "10", "9")})


NAMES = "import sys, lstm_core; loaded = lstm_core.load(sys.argv[1]); "
NAMES += "print(*(b.name for b in loaded.blocks), *loaded.others, *loaded.layout)"


def test_blocks_are_in_the_files_order_in_every_process(tmp_path: Path) -> None:
    extra = {"z.weight": torch.zeros(4, 2), "a.weight": torch.zeros(4, 2), "a.bias": torch.zeros(4)}
    entries = [entry(name, value) for name, value in {**extra, **model().state_dict()}.items()]
    path = tmp_path / "m.safetensors"
    path.write_bytes(written(entries))
    said = {
        subprocess.run(
            [sys.executable, "-c", NAMES, str(path)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout
        for seed in range(3)
    }  # fmt: skip
    assert len(said) == 1
    words = said.pop().split()
    assert words[:5] == ["zeta", "alpha", "mid", "10", "9"]
    assert words[5:8] == list(extra) and words[8:] == [name for name, *_ in entries]


KINDS = [*checkpoints.FLOATS, *checkpoints.EIGHT[:4]]  # the fifth has no zero


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_of_float_is_read_exactly(kind: torch.dtype) -> None:
    state = {key: value.to(kind) for key, value in nn.LSTM(5, 6).state_dict().items()}
    [block] = load(save(state)).blocks
    expected = state["weight_ih_l0"][6:12].to(torch.float64 if kind is torch.float64 else torch.float32).numpy()
    np.testing.assert_array_equal(block.layers[0][0]["W_f"], expected)
    assert block.layers[0][0]["W_f"].dtype == expected.dtype


@pytest.mark.parametrize("kind", checkpoints.EIGHT, ids=str)
def test_every_code_of_a_small_float(kind: torch.dtype) -> None:
    codes = torch.arange(256).to(torch.uint8).view(kind)
    for write in (save, checkpoints.saved):
        found = load(write(nn.GRU(3, 2).state_dict() | {"codes": codes}))
        np.testing.assert_array_equal(found.others["codes"], codes.float().numpy())


def test_weights_that_are_one_are_written_once() -> None:
    """A layer whose two directions share their weights, as safetensors' save_model writes it."""
    state, tied = nn.GRU(3, 2).state_dict(), nn.GRU(3, 2, bidirectional=True)
    tied.load_state_dict({name: state[name.removesuffix("_reverse")] for name in tied.state_dict()})
    data = written([entry(*pair) for pair in state.items()], **{f"{name}_reverse": name for name in state})
    [block] = load(data).blocks
    x = torch.randn(5, 1, 3)
    block.check(x, tied(x)[0])


def test_what_is_not_floating_point_stops_no_block() -> None:
    """A quantised embedding and its kinds of numbers, also those that nobody here reads."""
    entries = [entry(name, value) for name, value in nn.GRU(3, 2).state_dict().items()]
    for kind, size in {"I8": 1, "U8": 1, "I64": 8, "BOOL": 1, "F4": 0.5, "F6_E2M3": 0.75, "C64": 8}.items():
        entries.insert(0, (f"{kind}.weight", kind, [4, 3], bytes(int(12 * size))))
    entries.append(("conv.weight", "F32", [2, 3, 1, 1], bytes(24)))
    found = load(written(entries))
    assert [block.cell.name for block in found.blocks] == ["gru"] and not found.others
    assert found.layout["I8.weight"] == (4, 3) and found.layout["conv.weight"] == (2, 3, 1, 1)
    assert list(found.layout)[0] == "C64.weight"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("I8", "weight_hh of layer 0 of the block holds int8, not floating-point weights"),
        ("BOOL", "holds bool, not floating-point"),
        ("I8", "weights; if the model was quantised, give it as it was before$"),
    ],
)
def test_a_quantised_recurrent_weight_is_refused_by_name(kind: str, reason: str) -> None:
    state = nn.GRU(3, 2).state_dict()
    entries = [entry(name, value) for name, value in state.items() if name != "weight_hh_l0"]
    with pytest.raises(ValueError, match=reason):
        load(written([*entries, ("weight_hh_l0", kind, [6, 2], bytes(12))]))


def test_a_block_of_no_units_is_refused() -> None:
    """An LSTM whose h is projected from nothing would fit together."""
    shapes = {"weight_ih_l0": (0, 3), "weight_hh_l0": (0, 2), "weight_hr_l0": (2, 0)}
    with pytest.raises(ValueError, match=r"weight_ih of the block is \(0, 3\), not a matrix of weights"):
        load(save({name: torch.zeros(shape) for name, shape in shapes.items()}))


def test_two_forms_of_one_key_do_not_meet() -> None:
    """A cell's weights beside a layer's, and keys that only look alike (l00, Arabic digits)."""
    state = nn.LSTM(3, 4).state_dict()
    own = nn.LSTMCell(3, 4).state_dict()
    strange = {"weight_hh_l00": torch.zeros(16, 4), "weight_hh_l\u0660": torch.ones(16, 4)}
    found = load(save({**state, **own, **strange}))
    assert {block.name for block in found.blocks} == {"", "#cell"} and set(found.others) == set(strange)
    np.testing.assert_array_equal(found[""].layers[0][0]["U_i"], state["weight_hh_l0"][:4].numpy())
    np.testing.assert_array_equal(found["#cell"].layers[0][0]["U_i"], own["weight_hh"][:4].numpy())


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_a_name_may_hold_a_line_break() -> None:
    """Of a layer, of one whose weights are folded, and of one beside which something else stands."""
    module = weight_norm(nn.LSTM(3, 4), "weight_hh_l0")
    state = {f"a\nb.{name}": value for name, value in module.state_dict().items()}
    found = load(save(state))
    assert [block.name for block in found.blocks] == ["a\nb"] and not found.others
    np.testing.assert_allclose(found["a\nb"].layers[0][0]["U_i"], module.weight_hh_l0[:4].detach().numpy(), rtol=1e-6)


def test_own_models_are_named(tmp_path: Path) -> None:
    cases.model().save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match="one of Gatescope's own models: lstm_core.Network.load"):
        load(tmp_path / "m.safetensors")


# Shards


def sharded(folder: Path, state: dict[str, torch.Tensor], count: int = 3) -> Path:
    """Written as Hugging Face does, one weight to each file in turn: every block lies in several."""
    names = [f"model-{k + 1:05}-of-{count:05}.safetensors" for k in range(count)]
    where = {key: names[k % count] for k, key in enumerate(sorted(state))}
    for name in names:
        (folder / name).write_bytes(save({key: state[key] for key in where if where[key] == name}))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": where}, indent=2))
    return index


def test_an_index_brings_its_shards(tmp_path: Path) -> None:
    state = model().state_dict() | {"embed.weight": torch.randn(7, 3)}
    index = sharded(tmp_path, state)
    given = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for found in (load(index), load(given[index.name], beside=given)):
        assert found.format == "safetensors" and set(found.others) == {"embed.weight"}
        assert sorted(block.name for block in found.blocks) == ["10", "9", "alpha", "mid", "zeta"]
        for block in found.blocks:
            np.testing.assert_array_equal(block.layers[0][0]["U_n"], state[f"{block.name}.weight_hh_l0"][4:].numpy())


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
def test_an_index_brings_shards_of_torch_save(tmp_path: Path) -> None:
    """pytorch_model.bin.index.json, as Hugging Face wrote them before safetensors."""
    state = weight_norm(nn.LSTM(3, 4), "weight_hh_l0", dim=None).state_dict()  # its g has no axes
    names = [f"pytorch_model-{k + 1:05}-of-00002.bin" for k in range(2)]
    where = {key: names[k % 2] for k, key in enumerate(state)}
    for name in names:
        torch.save({key: value for key, value in state.items() if where[key] == name}, tmp_path / name)
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    found = load(index)
    assert found.format == "PyTorch" and [block.cell.name for block in found.blocks] == ["lstm"]
    v, g = state["weight_hh_l0_v"], state["weight_hh_l0_g"]
    np.testing.assert_allclose(found[""].layers[0][0]["U_f"], (g * v / v.norm())[4:8], rtol=1e-6)
    with pytest.raises(ValueError, match="give these with it: pytorch_model-00001-of-00002.bin"):
        load(index.read_bytes(), beside={names[1]: (tmp_path / names[1]).read_bytes()})


def test_what_is_wrong_with_shards_is_named(tmp_path: Path) -> None:
    index = sharded(tmp_path, model().state_dict())
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert load(index, max_bytes=size).blocks
    with pytest.raises(ValueError, match="model-00003-of-00003.safetensors has .* bytes, more than"):
        load(index, max_bytes=size - 1)
    first, second = (tmp_path / f"model-0000{k}-of-00003.safetensors" for k in (1, 2))
    with pytest.raises(ValueError, match="this is file 1 of the 3 that a checkpoint lies in, .* give their index"):
        load(first)
    with pytest.raises(ValueError, match="whose weights lie in other files; give these .*: model-00001.*, model-00002"):
        load(index.read_bytes())
    second.unlink()
    with pytest.raises(ValueError, match="give these with it: model-00002-of-00003.safetensors$"):
        load(index)
    second.write_bytes(b"not a shard")
    with pytest.raises(ValueError, match="the safetensors file is damaged"):
        load(index)


def test_a_single_shard_is_named_as_such(tmp_path: Path) -> None:
    """Whole as it looks, more layers may lie in the others."""
    for name, said in {"model-00002-of-00003": True, "model-00001-of-00001": False, "model": False}.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(save(nn.GRU(3, 2).state_dict()))
        [block] = load(path).blocks
        told = "all of it lies in this file, which is number 2 of 3 of a checkpoint"
        assert (told in block.assumed) == said
    state = nn.GRU(3, 2, 2).state_dict()
    parts = (
        save({key: state[key] for key in ("weight_ih_l0", "bias_ih_l0")}),
        save({key: state[key] for key in state if key.endswith("l1")}),
    )
    for part in parts:
        path = tmp_path / "model-00002-of-00003.safetensors"
        path.write_bytes(part)
        with pytest.raises(ValueError, match=r"file 2 of the 3 that a checkpoint lies in, .* give their index"):
            load(path)
        path = tmp_path / "model.safetensors"
        path.write_bytes(part)
        with pytest.raises(ValueError, match=r"If it is one of several files of a checkpoint"):
            load(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"weight_map": {"a": "../../x.safetensors"}}', "leads out of the folder"),
        ('{"weight_map": {"a": "/etc/x.safetensors"}}', "leads out of the folder"),
        ('{"weight_map": {"a": "C:\\\\x.safetensors"}}', "JSON|leads out"),
        ('{"weight_map": {"a": "x.safetensors", "b": 3}}', "the index of a checkpoint is damaged"),
        ('{"weight_map": {"a": "x.safetensors"', "the index of a checkpoint is damaged"),
        ('{"b": ' + "[" * 100_000 + '"weight_map": {"a": "x.safetensors"}', "the index of a checkpoint is damaged"),
        ('{"weight_map": {"a": "model.safetensors.index.json"}}', "damaged|none of|index"),
        ('{"weight_map": []}', "it names no files"),
    ],
)
def test_a_hostile_index(text: str, reason: str, tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(ValueError, match=reason):
        load(index)


# Headers that lie

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
keys = st.sampled_from(
    ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "weight_hh_l0_g", "weight_hh_l0_v", "weight_hh_l0_raw",
     "weight_hh_l9999_reverse", "parametrizations.weight_hh_l0.original0", "__metadata__", "embed.weight"]
) | st.text(max_size=8)  # fmt: skip
infos = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F64", "F16", "BF16", "F8_E4M3", "I8", "BOOL", "F4", "C64"]) | anything,
        "shape": st.lists(st.sampled_from([0, 1, 2, 4, 8, 2**31, 2**62]), max_size=4) | anything,
        "data_offsets": st.lists(st.sampled_from([0, 8, 16, 32, 64, 2**40, 2**64]), min_size=2, max_size=2) | anything,
    }
)


@settings(max_examples=200)
@given(
    entries=st.lists(st.tuples(keys, infos | anything), max_size=4),
    body=st.sampled_from([0, 8, 16, 32, 64]),
    claim=st.none() | st.integers(0, 2**64 - 1),
    text=st.none() | st.text(max_size=30) | st.just("[" * 50_000) | st.just('{"a":' * 50_000),
)
def test_any_header_is_read_or_refused(entries: Any, body: int, claim: int | None, text: str | None) -> None:
    """Lies, nesting, NaN, two entries of one name, overlaps: a ValueError in words."""
    # By hand, so that a name may come twice.
    pairs = ", ".join(f"{json.dumps(name)}: {json.dumps(info)}" for name, info in entries)
    header = f"{{{pairs}}}".encode() if text is None else b"{" + text.encode("utf-8", "replace")
    size = len(header) if claim is None else claim
    try:
        chosen(struct.pack("<Q", size) + header + bytes(body), "rnn", max_bytes=1 << 20)
    except ValueError as error:
        assert str(error)


@settings(max_examples=100)
@given(
    shapes=st.lists(st.lists(st.integers(0, 8), max_size=3), min_size=5, max_size=5),
    kind=st.sampled_from(["F32", "BF16", "F8_E5M2", "I8"]),
)
def test_any_shapes_of_weights_are_read_or_refused(shapes: list[list[int]], kind: str) -> None:
    size = {"F32": 4, "BF16": 2}.get(kind, 1)
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
    entries = [(n, kind, shape, bytes(size * int(np.prod(shape)))) for n, shape in zip(names, shapes, strict=True)]
    try:
        [block] = chosen(written(entries), "rnn").blocks
    except ValueError:
        return
    assert len(block.trace(np.zeros((2, block.input_size)))) == 2


def test_many_tensors_are_told_apart_in_time() -> None:
    """Two megabytes of header: parts of parts, parametrizations and raw weights, none of them whole."""
    ends = ["_g", "_orig", "_raw", "_orig_orig_mask", "", "_v"]
    bases = "weight", "parametrizations.weight.original"
    names = [f"m{k}.{base}{ends[k % 6]}" for k in range(6_000) for base in bases]
    data = written([(name, "F32", [1], bytes(4)) for name in names])
    start = time.process_time()
    with pytest.raises(ValueError, match="holds no LSTM"):
        load(data)
    assert time.process_time() - start < 10
    names = [f"m{k}.weight_hh_l0{ends[k % 6]}" for k in range(12_000)]
    start = time.process_time()
    with pytest.raises(ValueError, match="is missing"):
        load(written([(name, "F32", [1], bytes(4)) for name in names]))
    assert time.process_time() - start < 10


def test_a_small_file_stays_small() -> None:
    """Half a megabyte of one-byte floats are two as float32, and more than that is not taken."""
    data = written([("w", "F8_E5M2", [1 << 19], bytes(1 << 19)), *map(lambda n: entry(n, torch.zeros(2, 2)), "ab")])
    with pytest.raises(ValueError, match="unfold to more than the 1,000,000 bytes"):
        load(data, max_bytes=1_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="holds no LSTM"):
        load(data, max_bytes=3 << 20)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
