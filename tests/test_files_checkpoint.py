"""PyTorch files read without torch: bit for bit what ``torch.load`` gives, whatever else stands in them."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import enum
import functools
import io
import json
import pathlib
import pickle
import subprocess
import sys
import tarfile
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lstm_core import load
from lstm_core.files import sandbox, state_dict
from lstm_core.files.checkpoint import container, parse, walk
from lstm_core.files.limits import Ambiguous
from lstm_core.files.options import Options
from tests import checkpoints
from tests.checkpoints import saved

LIMIT = 1 << 24
ROOT = Path(__file__).resolve().parent.parent
FORMATS: list[dict[str, Any]] = [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 5}]

pytestmark = pytest.mark.filterwarnings("ignore:Sparse", "ignore:.*torch.ao")


def weights(module: nn.Module | None = None) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return (module or nn.LSTM(3, 4)).state_dict()


def names(data: bytes) -> list[str]:
    """Those of the blocks in a file, read in this process for the time it takes."""
    return [block.name for block in state_dict.found(parse(data, LIMIT)[1], Options()).blocks]


# ---- numbers


def test_500_files_are_bit_equal_to_what_torch_loads() -> None:
    """Every kind of number and layout, in both formats and all protocols; in this process, for the time it takes."""
    kinds = collections.Counter()
    for seed in range(500):
        data = checkpoints.file(seed)
        truth = checkpoints.named(torch.load(io.BytesIO(data), weights_only=False))
        tensors = walk.walk(container.saved(data, LIMIT).content).tensors
        assert list(tensors) == list(truth), seed
        for name, value in truth.items():
            assert checkpoints.bits(tensors[name].array(name, LIMIT)) == checkpoints.bits(value), (seed, name)
            kinds[str(value.dtype)] += 1
            kinds[str(getattr(value, "layout", "array"))] += 1
    expected = {str(dtype) for dtype in checkpoints.DTYPES + checkpoints.NEWER} | {"float32", ">f4", "bool", "array"}
    assert expected | {f"torch.sparse_{kind}" for kind in ("coo", "csr", "csc", "bsr", "bsc")} <= kinds.keys()


@pytest.mark.parametrize("seed", range(8))
def test_a_child_gives_the_same(seed: int) -> None:
    data = checkpoints.file(seed)
    about, arrays = sandbox.run("lstm_core.files.checkpoint", data, LIMIT)
    truth = checkpoints.named(torch.load(io.BytesIO(data), weights_only=False))
    assert about["layout"] == {name: list(value.shape) for name, value in truth.items()}
    floats = ("float64", "float32", "float16", "bfloat16")
    expected = [k for k, v in truth.items() if str(v.dtype).removeprefix("torch.") in floats and v.ndim in (1, 2)]
    assert list(arrays) == [name for name in expected if truth[name].dtype != np.dtype(">f4")] or expected
    for name in expected:
        assert checkpoints.bits(arrays[name]) == checkpoints.bits(truth[name])


def test_a_file_of_a_machine_with_the_other_byte_order() -> None:
    """torch swaps the bytes of a storage by the type of its numbers."""
    content = {
        str(dtype): checkpoints.numbers(checkpoints.random.Random(1), dtype, 3, 2) for dtype in checkpoints.DTYPES
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(content))) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.namelist():
            new.writestr(member, b"big" if member.endswith("/byteorder") else old.read(member))
    truth = torch.load(io.BytesIO(buffer.getvalue()))
    assert not torch.equal(truth["torch.int32"], content["torch.int32"])
    tensors = walk.walk(container.saved(buffer.getvalue(), LIMIT).content).tensors
    for name, value in truth.items():
        assert checkpoints.bits(tensors[name].array(name, LIMIT)) == checkpoints.bits(value), name


def test_weights_that_share_one_storage_as_cudnn_lays_them_out() -> None:
    state = weights()
    flat = torch.cat([value.reshape(-1) for value in state.values()])
    places = np.cumsum([0, *(value.numel() for value in state.values())])
    views = {k: flat[at : at + v.numel()].view(v.shape) for (k, v), at in zip(state.items(), places, strict=False)}
    for options in FORMATS:
        data = saved(views, **options)
        assert len(data) < 2 * flat.nbytes + 3000  # one storage
        [block], [other] = load(data).blocks, load(saved(state)).blocks
        np.testing.assert_array_equal(block.layers[0][0]["W_f"], other.layers[0][0]["W_f"])


# ---- what else stands in a checkpoint


class Phase(enum.Enum):
    TRAIN = 1


class Outer:
    class Inner:
        def __init__(self) -> None:
            self.rate = 0.1

    def method(self) -> None:
        pass


@dataclasses.dataclass(slots=True)
class Slots:
    rate: float
    state: Any = None


Pair = collections.namedtuple("Pair", "first second")


class Own(collections.OrderedDict):
    pass


EXTRAS: dict[str, Callable[[], Any]] = {
    "NumPy scalar": lambda: np.float64(0.5),
    "NumPy array": lambda: np.arange(3.0),
    "NumPy array of text": lambda: np.array(["a"]),
    "NumPy array of objects": lambda: np.array([{}, Phase.TRAIN], dtype=object),
    "NumPy records": lambda: np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]),
    "NumPy generator": lambda: np.random.default_rng(0),
    "NumPy date": lambda: np.datetime64("2020-01-01"),
    "masked array": lambda: np.ma.array([1, 2], mask=[0, 1]),
    "Namespace": lambda: argparse.Namespace(rate=0.1, path=pathlib.PurePosixPath("/a")),
    "path": lambda: pathlib.PurePosixPath("/a/b"),
    "date": lambda: datetime.datetime(2026, 1, 1),
    "defaultdict": lambda: collections.defaultdict(list, a=[1]),
    "Counter": lambda: collections.Counter("aab"),
    "deque": lambda: collections.deque([1, 2]),
    "own class": lambda: Outer.Inner(),
    "class": lambda: Outer.Inner,
    "method": lambda: Outer().method,
    "slots": lambda: Slots(0.1),
    "named tuple": lambda: Pair(1, 2),
    "own dict": lambda: Own(a=1),
    "Enum": lambda: Phase.TRAIN,
    "partial": lambda: functools.partial(print, "a"),
    "function": lambda: len,
    "exception": lambda: ValueError("text"),
    "set": lambda: {1, 2},
    "frozenset": lambda: frozenset("ab"),
    "complex": lambda: 1j,
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "range": lambda: range(3),
    "slice": lambda: slice(1, 2),
    "Ellipsis": lambda: ...,
    "device": lambda: torch.device("cpu"),
    "dtype": lambda: torch.float32,
    "size": lambda: torch.Size([1, 2]),
    "layout": lambda: torch.strided,
    "random state": lambda: torch.get_rng_state(),
    "SimpleNamespace": lambda: types.SimpleNamespace(a=1),
    "optimizer's state": lambda: torch.optim.Adam(nn.LSTM(3, 4).parameters()).state_dict(),
    "optimizer": lambda: torch.optim.SGD(nn.LSTM(3, 4).parameters(), 0.1),
    "loss": lambda: nn.CrossEntropyLoss(),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8),
    "tensor on meta": lambda: torch.empty(2, 2, device="meta"),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "float8": lambda: torch.ones(2, 2).to(torch.float8_e4m3fn),
    "keys of all kinds": lambda: {Phase.TRAIN: 1, ("a", 1): 2, None: 3, 1.5: 4, b"a": 5, frozenset("a"): 6, 10**30: 7},
    "an enormous number": lambda: 10**5000,
    "half of a surrogate pair": lambda: "\ud83d",
    "a cycle": lambda: (lambda items: [items.append(items), items][1])([]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXTRAS)
def test_a_checkpoint_with_anything_beside_its_weights_opens(name: str) -> None:
    state = weights()
    for options in FORMATS:
        data = saved({"extra": EXTRAS[name](), "model": state}, **options)
        _, arrays = parse(data, LIMIT)
        assert {k: v.tobytes() for k, v in arrays.items() if k.startswith("model.")} == {
            f"model.{k}": v.numpy().tobytes() for k, v in state.items()
        }


def test_an_optimizer_adds_nothing_to_the_weights() -> None:
    """Its averages have the shapes of an embedding, and would be offered as one."""
    model = nn.Sequential(nn.Embedding(5, 3), nn.LSTM(3, 4))
    optimizer = torch.optim.Adam(model.parameters())
    model[1](model[0](torch.zeros(2, 1, dtype=torch.long)))[0].sum().backward()
    optimizer.step()
    found = load(saved({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "whole": optimizer}))
    assert [block.name for block in found.blocks] == ["model.1"] and list(found.others) == ["model.0.weight"]


# ---- containers


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.rnn = nn.RNN(3, 4, nonlinearity="relu", batch_first=True)
        self.gru = nn.GRU(4, 4)
        self.cells = nn.ModuleList([nn.RNNCell(4, 4), nn.RNNCell(4, 4, nonlinearity="relu")])
        self.register_buffer("kept", torch.ones(2, 2))
        self.register_buffer("left", torch.ones(2, 2), persistent=False)
        self.drop = nn.Dropout()


def test_dicts_lists_and_tuples_of_state_dicts() -> None:
    first, second = weights(), weights(nn.GRU(3, 4))
    for content, expected in (
        ((first, {"lr": 1}), ["0"]),
        ([first, second], ["0", "1"]),
        ({"models": [first, (second,)]}, ["models.0", "models.1.0"]),
        ({0: {"rnn": first}}, ["0.rnn"]),
        (list(nn.LSTM(3, 4).named_parameters()), [""]),
        ([("a", first), ["b", second]], ["a", "b"]),
        (collections.defaultdict(dict, a=first), ["a"]),
        (Own(a=first), ["a"]),
        (argparse.Namespace(model=first), ["model"]),
        (Slots(0.1, first), ["state"]),
        ({"a": {"b": first}, "c": {"d": {"e": second}}}, ["a.b", "c.d.e"]),
        ({k: v.numpy() for k, v in first.items()}, [""]),
        ({k: np.asfortranarray(v.numpy()) for k, v in first.items()}, [""]),
    ):
        for options in FORMATS:
            assert names(saved(content, **options)) == expected
    assert [block.name for block in load(saved({"a": [first]})).blocks] == ["a.0"]


def test_what_stands_in_several_places_is_entered_once() -> None:
    state = weights()
    assert names(saved({"model": state, "best": state})) == ["model"]
    inner: Any = {"x": torch.zeros(1)}
    for _ in range(60):
        inner = [inner, inner]
    assert len(walk.walk(container.saved(saved(inner), LIMIT).content).tensors) == 1


class Doubled(nn.LSTM):
    def forward(self, x: Any, hx: Any = None) -> Any:
        return super().forward(2 * x, hx)


class DoubledGRU(nn.GRU):
    def forward(self, x: Any, hx: Any = None) -> Any:
        return super().forward(2 * x, hx)


class DoubledRNN(nn.RNN):
    def forward(self, x: Any, hx: Any = None) -> Any:
        return super().forward(2 * x, hx)


class DoubledCell(nn.LSTMCell):
    def forward(self, x: Any, hx: Any = None) -> Any:
        return super().forward(2 * x, hx)


class Written(nn.Module):
    """Weights under torch's names in a module that somebody wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.batch_first = True
        for name, value in nn.GRU(3, 4).named_parameters():
            self.register_parameter(name, value)


def doubled(module: nn.Module, given: Any) -> Any:
    return (2 * given[0], *given[1:])


def halved(module: nn.Module, given: Any, gave: Any) -> Any:
    return gave[0] / 2, gave[1]


OTHERS = {
    "LSTM": lambda: Doubled(3, 4, batch_first=True),
    "GRU": lambda: DoubledGRU(3, 4, 2, bidirectional=True, batch_first=True),
    "RNN": lambda: DoubledRNN(3, 4, nonlinearity="relu", batch_first=True),
    "cell": lambda: DoubledCell(3, 4),
    "written": Written,
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_module_of_another_class_is_named_and_keeps_its_layout(kind: str, inside: bool) -> None:
    module = OTHERS[kind]()
    [block] = load(saved(nn.ModuleDict({"rnn": module}) if inside else module)).blocks
    *layout, said = block.assumed
    name = f"{__name__}.{type(module).__name__}"
    assert (
        said == f"it was saved as a {name}, whose own code is not run: it runs as torch's own module with these weights"
    )
    assert block.batch_first == (kind != "cell") and layout == [state_dict.LAYOUT] * (kind == "cell")
    assert block.cell.name == {"LSTM": "lstm", "RNN": "rnn_relu", "cell": "lstm"}.get(kind, "gru")


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.filterwarnings("ignore:.*weight_norm")
def test_of_a_module_with_hooks_it_is_said_that_they_are_not_run(place: str) -> None:
    module = nn.utils.weight_norm(nn.LSTM(3, 4, batch_first=True), "weight_hh_l0")
    nn.utils.spectral_norm(module, "weight_ih_l0")
    prune.l1_unstructured(module, "bias_hh_l0", 0.4)
    assert load(saved(module)).blocks[0].assumed == ()  # hooks that make weights are what reads them, too
    if place == "before":
        module.register_forward_pre_hook(doubled)
    else:
        module.register_forward_hook(halved)
    assert load(saved(module)).blocks[0].assumed == ("it was saved with hooks, which are not run",)


@pytest.mark.parametrize("module", ["lstm", "network", "parallel", "normed"])
@pytest.mark.filterwarnings("ignore:.*weight_norm")
def test_a_whole_module_gives_its_state_dict(module: str) -> None:
    torch.manual_seed(0)
    whole = {
        "lstm": lambda: nn.LSTM(3, 4, 2, bidirectional=True),
        "network": Network,
        "parallel": lambda: nn.DataParallel(Network()),
        "normed": lambda: nn.utils.weight_norm(nn.LSTM(3, 4), "weight_hh_l0"),
    }[module]()
    state = whole.state_dict()
    for data in (*(saved({"net": whole}, **options) for options in FORMATS), pickle.dumps({"net": whole})):
        tensors = walk.walk(container.saved(data, LIMIT).content).tensors
        assert list(tensors) == [f"net.{name}" for name in state]
        for name, value in state.items():
            assert checkpoints.bits(tensors[f"net.{name}"].array(name, LIMIT)) == checkpoints.bits(value)


def test_a_whole_module_says_what_its_weights_do_not() -> None:
    """Which cell an RNN is, and how its input lies."""
    found = load(saved(Network()))
    assert {block.name: block.cell.name for block in found.blocks} == {
        "rnn": "rnn_relu",
        "gru": "gru",
        "cells.0": "rnn",
        "cells.1": "rnn_relu",
    }
    assert found["rnn"].batch_first and not found["rnn"].assumed
    assert not found["gru"].batch_first and not found["gru"].assumed
    assert found["cells.0"].assumed == ("x is (time, batch, input), as without batch_first",)
    x = torch.randn(2, 5, 3)
    network = torch.load(io.BytesIO(saved(Network())), weights_only=False)
    [block, *_] = load(saved(network)).blocks
    np.testing.assert_allclose(
        block.trace(x.numpy()).sel("h", layer=0, direction=0), network.rnn(x)[0].detach().transpose(0, 1), atol=1e-6
    )
    with pytest.raises(Ambiguous, match="rnn: rnn or rnn_relu"):
        load(saved(Network().state_dict()))
    assert load(saved(Network()), cell={"rnn": "rnn"})["rnn"].cell.name == "rnn"  # the caller has the last word


def test_plain_pickles() -> None:
    """Of tensors, where each storage lies inside in torch's older format, and of arrays."""
    state = weights()
    for protocol in range(2, 6):
        for content in (
            state,
            {k: v.numpy() for k, v in state.items()},
            {k: nn.Parameter(v) for k, v in state.items()},
        ):
            [block] = load(pickle.dumps(content, protocol)).blocks
            np.testing.assert_array_equal(block.layers[0][0]["W_i"], state["weight_ih_l0"][:4])


def test_a_checkpoint_in_several_files_by_its_index() -> None:
    state = weights()
    names = {name: f"pytorch_model-{k % 2 + 1}-of-2.bin" for k, name in enumerate(state)}
    shards = {shard: saved({k: v for k, v in state.items() if names[k] == shard}) for shard in set(names.values())}
    found = load(json.dumps({"weight_map": names}).encode(), beside=shards)
    np.testing.assert_array_equal(found.blocks[0].layers[0][0]["W_i"], state["weight_ih_l0"][:4])
    with pytest.raises(ValueError, match="index of a checkpoint.* pytorch_model-1-of-2.bin, pytorch_model-2-of-2.bin"):
        load(json.dumps({"weight_map": names}).encode())
    with pytest.raises(ValueError, match="weight_hh of the first layer of the block is missing"):
        load(shards["pytorch_model-1-of-2.bin"])


# ---- the first releases, whose files nobody writes any more: after torch/serialization.py


def older(parts: list[bytes], keys: list[str], storages: list[bytes]) -> bytes:
    """The older format of a pickle that is put together from ``parts``."""
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join([*head, b"\x80\x02", *parts, b".", pickle.dumps(keys, 2), *storages])


def short(text: str) -> bytes:
    """Text of Python 2."""
    return b"U" + bytes([len(text)]) + text.encode()


def test_python_2_wrote_text_as_bytes_and_tensors_as_their_state() -> None:
    values = np.arange(20, dtype=np.float32)
    storage = b"(" + short("storage") + b"ctorch\nFloatStorage\n" + short("7") + short("cpu") + b"K\x14"
    whole, part = storage + b"NtQ", storage + b"(" + short("8") + b"K\x04K\x10ttQ"
    data = older(
        [
            b"ccollections\nOrderedDict\n(](",
            b"(" + short("a") + b"ctorch\nFloatTensor\n)R(" + whole + b"K\x02(K\x02K\x03t(K\x03K\x01ttbt",
            b"(" + short("b") + b"ctorch._utils\n_rebuild_tensor\n(" + part + b"K\x00(K\x04K\x04t(K\x04K\x01ttRt",
            b"etR",
        ],
        ["7"],
        [(20).to_bytes(8, "little") + values.tobytes()],
    )
    truth = torch.load(io.BytesIO(data), weights_only=False, encoding="latin1")
    tensors = walk.walk(container.saved(data, LIMIT).content).tensors
    assert list(tensors) == list(truth) == ["a", "b"]
    np.testing.assert_array_equal(tensors["a"].array("a", LIMIT), values[2:8].reshape(2, 3))
    np.testing.assert_array_equal(tensors["b"].array("b", LIMIT), values[4:].reshape(4, 4))
    np.testing.assert_array_equal(truth["b"], values[4:].reshape(4, 4))


def test_a_class_was_saved_with_its_source() -> None:
    module = b"(" + short("module") + b"c__main__\nNet\n" + short("net.py") + short("class Net") + b"tQ)\x81}"
    data = older([module + short("state") + b"}" + short("x") + b"K\x01ssb"], [], [])
    assert walk.walk(container.saved(data, LIMIT).content).inert == ["__main__.Net"]


def test_the_tar_format_is_named() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(ValueError, match="tar archive, as PyTorch wrote them before its release 0.1.10"):
        load(buffer.getvalue())


# ---- what is refused


class Derived(torch.Tensor):
    pass


def without_keys(*values: Any) -> bytes:
    return saved(list(values))


class Last(nn.Module):
    """The cell's c."""

    def forward(self, states: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return states[1]


def frozen() -> bytes:
    buffer = io.BytesIO()
    net = nn.Sequential(nn.LSTMCell(3, 4), Last())
    torch.jit.save(torch.jit.freeze(torch.jit.script(net).eval()), buffer)
    return buffer.getvalue()


def replaced(value: Any) -> bytes:
    return saved(weights() | {"weight_hh_l0": value})


HIDDEN = torch.ones(16, 4)
REFUSED = {
    "a derived tensor": (
        lambda: replaced(HIDDEN.as_subclass(Derived)),
        "weight_hh_l0 is of the class \\S+Derived, whose code",
    ),
    "an object": (
        lambda: replaced(Outer.Inner()),
        r"weight_hh_l0 is of the class \S+Inner, whose code is not run; save",
    ),
    "meta": (lambda: replaced(HIDDEN.to("meta")), "weight_hh_l0 lies on torch's meta device: it has a shape and no"),
    "quantised": (
        lambda: replaced(torch.quantize_per_tensor(HIDDEN, 0.1, 0, torch.qint8)),
        "weight_hh_l0 is quantised, which is not read; save the model before it is quantised",
    ),
    "nested": (lambda: replaced(torch.nested.nested_tensor([HIDDEN, HIDDEN])), "weight_hh_l0 is a nested tensor"),
    "complex": (lambda: replaced(HIDDEN.to(torch.complex64)), "weight_hh.* of the block holds complex64, not fl"),
    "optimizer": (
        lambda: saved(torch.optim.Adam(nn.LSTM(3, 4).parameters()).state_dict()),
        "holds what an optimizer keeps, not a model's weights; give these: torch.save",
    ),
    "parameters": (
        lambda: saved(list(nn.LSTM(3, 4).parameters())),
        r"holds 4 tensors without names, as list\(model.parameters\(\)\); recurrent layers are found by the names",
    ),
    "parameters in a dict": (lambda: saved({"p": list(nn.LSTM(3, 4).parameters())}), "4 tensors without names"),
    "one tensor": (lambda: saved(HIDDEN), r"holds one tensor, \(16, 4\), without a name; recurrent layers are found"),
    "nothing": (lambda: saved(None), "holds no tensors, only a Python NoneType; save the weights"),
    "numbers": (lambda: saved({"epoch": 3}), "holds no tensors, only a Python dict; save the weights"),
    "code": (
        lambda: saved({"fit": Outer.Inner(), "call": functools.partial(print)}),
        r"no tensors, only objects that could be code and are not run \(\S+Inner, functools.partial\)",
    ),
    "frozen TorchScript": (frozen, "a TorchScript program without weights, or one that was frozen: .*state_dict"),
    "another network": (lambda: saved(nn.Linear(3, 4).state_dict()), "holds no LSTM, GRU or RNN"),
    "cut short": (lambda: saved(weights())[:-400], "damaged or cut short"),
    "cut short, older": (lambda: saved(weights(), **FORMATS[1])[:-5], "damaged or cut short"),
    "cut in the pickle": (lambda: saved(weights(), **FORMATS[1])[:200], "damaged or cut short"),
    "only the beginning": (lambda: b"\x80\x02", "damaged or cut short"),
    "a later pickle": (lambda: b"\x80\x09N.", "damaged or cut short"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_says_why(name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        load(make())


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_network_is_not_taken_for_one_without_names() -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(3, 4, num_layers=2), "up": nn.GRU(3, 4)})
    for dtype in (torch.qint8, torch.float16):
        quantised = torch.ao.quantization.quantize_dynamic(model, {nn.LSTM, nn.GRU}, dtype=dtype)
        for content in (quantised, quantised.state_dict()):
            with pytest.raises(ValueError, match=r"torch.ao has quantised \(rnn, up\), which are not read; save"):
                load(saved(content))
        with pytest.raises(ValueError, match=r"torch.ao has quantised \(the block\)"):
            load(saved(quantised["rnn"].state_dict()))


def test_unnamed_weights_can_be_named() -> None:
    state = weights()
    [block] = load(saved(list(state.values())), names=dict(zip("0123", state, strict=True))).blocks
    np.testing.assert_array_equal(block.layers[0][0]["W_i"], state["weight_ih_l0"][:4])


def _reconstruct_array(*_: Any) -> Any:
    """JAX's."""


class OfJax:
    """Written as JAX writes its arrays: as NumPy's, with what only JAX needs."""

    def __init__(self, value: torch.Tensor) -> None:
        self.value = value.numpy()

    def __reduce__(self) -> Any:
        return _reconstruct_array, (*self.value.__reduce__(), {"weak_type": False})


def test_arrays_of_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    place = types.SimpleNamespace(_reconstruct_array=_reconstruct_array)
    for at in ("jax", "jax._src", "jax._src.array"):
        monkeypatch.setitem(sys.modules, at, place)
    monkeypatch.setattr(_reconstruct_array, "__module__", "jax._src.array")
    state = weights()
    [block] = load(pickle.dumps({name: OfJax(value) for name, value in state.items()})).blocks
    np.testing.assert_array_equal(block.layers[0][0]["W_i"], state["weight_ih_l0"][:4])


def _make_skeleton_class(constructor: Any, name: str, bases: Any, *_: Any) -> Any:
    """cloudpickle's, which dill calls otherwise."""


class Notebook(pickle.Pickler):
    """Writes a class of a notebook as cloudpickle does: how it is made, not where it is imported from."""

    def reducer_override(self, thing: Any) -> Any:
        return (_make_skeleton_class, (type, "Own", (), {}, "id", None)) if thing is Outer.Inner else NotImplemented


@pytest.mark.parametrize("at", ["cloudpickle.cloudpickle._make_skeleton_class", "dill._dill._create_type"])
def test_an_object_whose_class_came_along(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = at.rpartition(".")
    for at, holds in ((module.partition(".")[0], {}), (module, {name: _make_skeleton_class})):
        monkeypatch.setitem(sys.modules, at, types.SimpleNamespace(**holds))
    monkeypatch.setattr(_make_skeleton_class, "__module__", module)
    monkeypatch.setattr(_make_skeleton_class, "__qualname__", name)
    file, own = io.BytesIO(), Outer.Inner()
    own.__dict__.update(rnn=nn.GRU(3, 4))
    Notebook(file).dump(own)
    assert [block.cell.name for block in load(file.getvalue()).blocks] == ["gru"]


# ---- without torch


def test_a_file_is_read_where_torch_cannot_be_imported(tmp_path: Path) -> None:
    state = weights()
    (tmp_path / "new.pt").write_bytes(saved({"model": state, "loss": np.float64(0.5)}))
    (tmp_path / "old.pt").write_bytes(saved(state, **FORMATS[1]))
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch': raise ImportError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import lstm_core\n"
        "for path in sys.argv[1:]:\n"
        "    [block] = lstm_core.load(path).blocks\n"
        "    print(block.cell.name, block.layers[0][0]['W_i'].sum())\n"
        "assert 'torch' not in sys.modules"
    )
    paths = [str(tmp_path / name) for name in ("new.pt", "old.pt")]
    done = subprocess.run([sys.executable, "-c", code, *paths], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == 2 * ["lstm", str(state["weight_ih_l0"][:4].numpy().sum())], done.stderr


def test_nothing_in_files_imports_torch() -> None:
    for path in (ROOT / "lstm_core" / "files").rglob("*.py"):
        assert "import torch" not in path.read_text(encoding="utf-8"), path
