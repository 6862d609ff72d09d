"""Programs that torch saved, TorchScript and torch.export: their weights are read, and their code is not run."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import Ambiguous, load, trace
from lstm_core.files.state_dict import LAYOUT

UNSEEN = "hooks and other code that the program has around it are not run, and were not looked at"

pytestmark = [
    pytest.mark.usefixtures("in_place"),
    pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
]
WIDTH, UNITS = 5, 4
MAKE = {
    "lstm": lambda: nn.LSTM(WIDTH, UNITS, 2, bidirectional=True, batch_first=True),
    "gru": lambda: nn.GRU(WIDTH, UNITS, bias=False),
    "rnn_relu": lambda: nn.RNN(WIDTH, UNITS, 2, nonlinearity="relu", batch_first=True),
    "rnn": lambda: nn.RNN(WIDTH, UNITS),
    "lstm_projected": lambda: nn.LSTM(WIDTH, UNITS, proj_size=3),
}


class Net(nn.Module):
    """An embedding, a recurrent layer, an output layer, and a cell that only scripts call."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(9, WIDTH)
        self.rnn = MAKE[kind]()
        self.out = nn.Linear((3 if "proj" in kind else UNITS) * (1 + self.rnn.bidirectional), 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(self.words(ids))[0])


IDS = torch.tensor([[1, 2, 3], [4, 5, 6]])


def scripted(net: nn.Module) -> bytes:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(net), file)
    return file.getvalue()


def traced(net: nn.Module) -> bytes:
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(net, IDS), file)
    return file.getvalue()


def exported(net: nn.Module) -> bytes:
    file = io.BytesIO()
    torch.export.save(torch.export.export(net, (IDS,)), file)
    return file.getvalue()


@cache
def program() -> bytes:
    return exported(Net("gru"))


def exported_before(net: nn.Module) -> bytes:
    """As torch saved it until 2.7: the weights as torch.save has them, in an archive."""
    weights, file = io.BytesIO(), io.BytesIO()
    torch.save(net.state_dict(), weights)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", weights.getvalue())
        archive.writestr("version", "8.1")
    return file.getvalue()


def same(block: Any, module: nn.Module) -> None:
    x = torch.randn(3, 2, WIDTH)
    x = x.transpose(0, 1) if module.batch_first else x
    found, expected = block.trace(x.numpy()), trace(module, x)
    for name, value in expected.signals.items():
        np.testing.assert_allclose(found.signals[name], value, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("save", [scripted, traced, exported])
def test_the_weights_of_a_program_and_what_its_code_says(save: Any, kind: str) -> None:
    """Which cell it is and whether the batch comes first: nothing is asked, nothing assumed."""
    net = Net(kind).eval()
    loaded = load(save(net))
    [block] = loaded.blocks
    assert (loaded.format, block.name, block.cell.name) == ("PyTorch", "rnn", kind)
    assert block.batch_first == net.rnn.batch_first and block.assumed == (UNSEEN,) * (save is traced)
    np.testing.assert_array_equal(loaded.others["words.weight"], net.words.weight.detach())
    same(block, net.rnn)


def test_a_program_from_before_torch_2_8() -> None:
    net = Net("lstm")
    [block] = load(exported_before(net), batch_first=True).blocks
    assert block.name == "rnn" and block.assumed == (UNSEEN,)
    same(block, net.rnn)
    with pytest.raises(Ambiguous):
        load(exported_before(Net("rnn")))


class Many(nn.Module):
    """Layers of one class in two ways, a cell, and a weight norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.LSTM(WIDTH, UNITS, batch_first=True)
        self.last = nn.utils.weight_norm(nn.LSTM(UNITS, UNITS), "weight_hh_l0")
        self.cell = nn.RNNCell(UNITS, UNITS, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cell(self.last(self.first(x)[0].transpose(0, 1))[0][-1])


def test_several_layers_of_one_class_have_code_of_their_own() -> None:
    net = Many().eval()
    net.last.get_parameter("weight_hh_l0_g").data *= 1.5
    net.last(torch.zeros(1, 1, UNITS))  # makes the weight anew
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(net, torch.zeros(2, 3, WIDTH)), file)
    first, last, cell = load(file.getvalue()).blocks
    assert (first.batch_first, last.batch_first, cell.cell.name) == (True, False, "rnn_relu")
    same(first, net.first)
    x = torch.randn(3, 2, UNITS)
    np.testing.assert_allclose(last.trace(x.numpy()).signals["h"][0, 0], net.last(x)[0].detach(), rtol=0, atol=1e-6)


class Halved(nn.GRU):
    def forward(self, x: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:
        return super().forward(x / 2, hx)[0]


def test_a_traced_module_of_another_class_is_named_and_keeps_its_layout() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(Halved(WIDTH, UNITS, batch_first=True), torch.zeros(2, 3, WIDTH)), file)
    [block] = load(file.getvalue()).blocks
    said, unseen = block.assumed
    assert block.batch_first and said.startswith(f"it was saved as a {__name__}.Halved, whose own code")
    assert unseen == UNSEEN


def only_hooked() -> nn.GRU:
    module = nn.GRU(WIDTH, UNITS, batch_first=True)
    module.register_forward_pre_hook(lambda module, given: (given[0] * 2, *given[1:]))
    module.register_forward_hook(lambda module, given, gave: (gave[0] / 3, gave[1]))
    return module


BESIDE = {
    "class": (lambda: Halved(WIDTH, UNITS, batch_first=True), [f"it was saved as a {__name__}.Halved, whose own code"]),
    "hooks": (only_hooked, ["beside torch's own function the program calls others in this layer (mul, div), which"]),
    "nothing": (lambda: nn.GRU(WIDTH, UNITS, batch_first=True), []),
}


@pytest.mark.parametrize("steps", [3, None], ids=["batch", "one sequence"])
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("kind", BESIDE)
def test_of_an_exported_layer_it_is_said_what_is_not_run(
    kind: str, inside: bool, strict: bool, steps: int | None
) -> None:
    make, expected = BESIDE[kind]
    module = nn.Sequential(make()) if inside else make()
    x, file = torch.zeros(*([2] if steps else []), 3, WIDTH), io.BytesIO()
    torch.export.save(torch.export.export(module.eval(), (x,), strict=strict), file)
    [block] = load(file.getvalue()).blocks
    assert block.batch_first and len(block.assumed) == len(expected)
    assert all(said.startswith(one) for said, one in zip(block.assumed, expected, strict=True))


Given = tuple[torch.Tensor, torch.Tensor | None]


def doubled(self: Any, input: Given) -> Given:
    return 2 * input[0], input[1]


def test_hooks_of_a_scripted_module_are_seen() -> None:
    cell = nn.GRUCell(WIDTH, UNITS)
    [block] = load(scripted(cell)).blocks
    assert block.assumed == (LAYOUT,)
    cell.register_forward_pre_hook(doubled)
    [block] = load(scripted(cell)).blocks
    assert block.assumed == (LAYOUT, "it was saved with hooks, which are not run")


class Packed(nn.Module):
    """The function that it calls takes no ``batch_first``: a packed sequence has none."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(WIDTH, UNITS, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 2]), batch_first=True)
        return self.rnn(packed)[0].data


def test_of_a_packed_sequence_the_layout_is_not_known() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(Packed(), torch.zeros(2, 3, WIDTH)), file)
    [block] = load(file.getvalue()).blocks
    assert not block.batch_first and block.assumed == (LAYOUT, UNSEEN)


# What is damaged, or lies


def changed(data: bytes, ending: str, change: Any) -> bytes:
    """The archive with one member changed; left out for None."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            content = change(content) if name.endswith(ending) else content
            if content is not None:
                new.writestr(name, content)
    return file.getvalue()


def described(**entries: Any) -> Any:
    def change(content: bytes) -> bytes:
        described = json.loads(content)
        described["config"]["rnn.weight_hh_l0"].update({k: v for k, v in entries.items() if k == "use_pickle"})
        described["config"]["rnn.weight_hh_l0"]["tensor_meta"].update(entries)
        return json.dumps(described).encode()

    return change


LIES = {
    "no JSON": (lambda content: b"{", "the description of a tensor contradicts itself"),
    "another JSON": (lambda content: b'{"config": [1]}', "the description of a tensor contradicts itself"),
    "a negative size": (described(sizes=[{"as_int": -1}, {"as_int": 4}]), "contradicts itself"),
    "a size that is not known": (described(sizes=[{"as_expr": "s0"}, {"as_int": 4}]), "contradicts itself"),
    "a huge size": (described(sizes=[{"as_int": 1 << 40}, {"as_int": 1 << 20}]), "claims the shape"),
    "more than there is": (described(storage_offset={"as_int": 99}), "needs more data than the file holds"),
    "a kind that there is not": (described(dtype=99), "is a tensor of a kind that is not read"),
    "a pickle": (described(use_pickle=True), "is a tensor of a kind that is not read"),
    "text for a kind": (described(dtype="float"), "contradicts itself"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_description_that_lies_is_refused(name: str) -> None:
    change, reason = LIES[name]
    with pytest.raises(ValueError, match=reason):
        load(changed(program(), "_weights_config.json", change))


def test_a_weight_that_is_missing_is_named() -> None:
    data = program()
    with pytest.raises(ValueError, match="data/weights/weight_1 is missing"):
        load(changed(data, "data/weights/weight_1", lambda content: None))


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"graph_module": 3}', b"[" * 100_000])
def test_without_its_graph_the_weights_are_read_all_the_same(content: bytes | None) -> None:
    [block] = load(changed(program(), "models/model.json", lambda _: content)).blocks
    assert block.assumed == (LAYOUT, UNSEEN)


@pytest.mark.parametrize(
    "content", [None, b"", b"\xff" * 99, b"class LSTM(Module):\n" + b" = torch.rnn_tanh(" * 90_000]
)
def test_code_that_says_nothing_leaves_the_layout_open(content: bytes | None) -> None:
    [block] = load(changed(scripted(Net("lstm")), ".py", lambda _: content)).blocks
    assert block.assumed == (LAYOUT, UNSEEN)
