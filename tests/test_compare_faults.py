"""``lstm_core.compare``: faults that were planted are named and placed, and what is not known is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from converted import arrays, converted, reordered
from modules_to_compare import blocks, build, read
from safetensors.numpy import save
from torch import nn

import lstm_core
from lstm_core import compare, load
from lstm_core.comparing.causes import discover
from lstm_core.network import Network, Reader
from lstm_core.trace import Trace

pytestmark = pytest.mark.usefixtures("in_place")

Case = tuple[Any, Any, Any]
FAULTS: dict[str, tuple[str, str, Callable[[], Case]]] = {}
"""By what was done wrong: the cause's name, a part of what is said of it, and the two models with their input."""


def changed(module: nn.RNNBase, **values: Any) -> dict[str, np.ndarray]:
    """Its state_dict, with some arrays made anew: each a function of the old ones."""
    old = arrays(module)
    return {name: values[name](old) if name in values else value for name, value in old.items()}


def fault(name: str, says: str = "") -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    def keep(make: Callable[[], Case]) -> Callable[[], Case]:
        FAULTS[make.__name__] = name, says, make
        return make

    return keep


@fault("gate order", "i, o, f, g")
def onnx_with_the_gates_of_torch() -> Case:
    module = build()
    return module, converted(module, "onnx", order=(0, 1, 2, 3)), read()


@fault("gate order", "o, f, i, g")
def keras_with_the_gates_of_another() -> Case:
    module = build()
    return module, converted(module, "keras", order=(2, 1, 3, 0)), read()


@fault("gate order", "z, r, n")
def gru_with_the_gates_of_torch_in_onnx() -> Case:
    module = build("GRU")
    return module, converted(module, "onnx", order=(0, 1, 2)), read()


@fault("gate order", "z, n, r")
def gru_with_the_candidate_first() -> Case:
    module = build("GRU")
    found = {name: reordered(value, (2, 0, 1)) for name, value in arrays(module).items()}
    return module, found, read()


@fault("gate order", "recurrent weights")
def only_the_recurrent_weights_in_another_order() -> Case:
    module = build()
    change = {"weight_hh_l0": lambda old: reordered(old["weight_hh_l0"], (0, 3, 2, 1))}
    return module, changed(module, **change), read()


@fault("gate order", "in the order")
def one_direction_of_the_second_layer() -> Case:
    module = build(num_layers=2, bidirectional=True)
    found = arrays(module)
    for name in found:
        if name.endswith("_l1_reverse"):
            found[name] = reordered(found[name], (0, 2, 1, 3))
    return module, found, read()


@fault("biases", "bias_hh) left out")
def one_bias_lost() -> Case:
    module = build()
    return module, changed(module, bias_hh_l0=lambda old: 0 * old["bias_hh_l0"]), read()


@fault("biases", "bias_ih) left out")
def the_other_bias_lost() -> Case:
    module = build("GRU", num_layers=2)
    lost = {f"bias_ih_l{k}": lambda old, k=k: 0 * old[f"bias_ih_l{k}"] for k in range(2)}
    return save(arrays(module)), changed(module, **lost), read()


@fault("biases", "swapped")
def biases_swapped() -> Case:
    module = build("GRU")
    swapped = changed(module, bias_ih_l0=lambda old: old["bias_hh_l0"], bias_hh_l0=lambda old: old["bias_ih_l0"])
    return module, swapped, read()


@fault("biases", "merged outside")
def biases_merged() -> Case:
    module = build("GRU")
    merged = changed(
        module,
        bias_ih_l0=lambda old: old["bias_ih_l0"] + old["bias_hh_l0"],
        bias_hh_l0=lambda old: 0 * old["bias_hh_l0"],
    )
    return module, merged, read()


@fault("biases", "counted twice")
def bias_counted_twice() -> Case:
    module = build()
    return module, changed(module, bias_hh_l0=lambda old: old["bias_ih_l0"]), read()


@fault("forget bias", "1 added")
def forget_bias_of_tensorflow() -> Case:
    module = build()
    return blocks(module, "bias_ih", lambda bias: bias + 1, 1), module, read()


@fault("reset gate", "after the product")
def keras_reset_before() -> Case:
    module = build("GRU")
    with torch.no_grad():
        module.bias_hh_l0[-6:] = 0
    return module, converted(module, "keras", reset_after=False), read()


@fault("reset gate", "product")
def onnx_reset_before() -> Case:
    module = build("GRU")
    return converted(module, "onnx", linear_before_reset=0), module, read()


@fault("keep and write", "1 \N{MINUS SIGN} z")
def gru_that_writes_with_z() -> Case:
    module = build("GRU")
    return module, blocks(module, "weight bias", np.negative, 1), read()


@fault("layout of the weights", "recurrent matrices")
def recurrent_weights_transposed() -> Case:
    module = build()
    return module, changed(module, weight_hh_l0=lambda old: _turned(old["weight_hh_l0"])), read()


@fault("layout of the weights", "input matrices")
def input_weights_transposed() -> Case:
    module = build("GRU", width=6)
    return module, changed(module, weight_ih_l0=lambda old: _turned(old["weight_ih_l0"])), read(7, 3, 6)


@fault("layout of the weights", "by unit")
def rows_by_unit() -> Case:
    module = build()
    found = {n: v.reshape(4, 6, *v.shape[1:]).swapaxes(0, 1).reshape(v.shape) for n, v in arrays(module).items()}
    return module, found, read()


def _turned(stack: np.ndarray) -> np.ndarray:
    return np.concatenate([block.T for block in np.split(stack, len(stack) // 6)])


class Inside(nn.Module):
    """A recurrent module inside a model that says nothing of its layout."""

    def __init__(self, rnn: nn.RNNBase, words: nn.Module | None = None) -> None:
        super().__init__()
        self.words, self.rnn = words, rnn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x if self.words is None else self.words(x))[0]


@fault("batch and time", "batch_first")
def batch_first_forgotten() -> Case:
    module, other = build(), build(batch_first=True)
    return Inside(module), Inside(other), read(7, 3, 5)


@fault("direction", "other end")
def backwards_forgotten() -> Case:
    module = build()
    return converted(module, "onnx", direction="reverse"), module, read()


@fault("direction", "exchanged")
def directions_exchanged() -> Case:
    module = build("GRU", bidirectional=True)
    old = arrays(module)
    turned = {n: old[n.removesuffix("_reverse") if n.endswith("_reverse") else f"{n}_reverse"] for n in old}
    return module, turned, read()


@fault("direction", "other order")
def outputs_of_the_directions_in_the_other_order() -> Case:
    module = build(num_layers=2, bidirectional=True)
    halves = {
        f"weight_ih_l1{side}": lambda old, side=side: np.roll(old[f"weight_ih_l1{side}"], 6, axis=1)
        for side in ("", "_reverse")
    }
    return module, changed(module, **halves), read()


@fault("activation", "slope 0.2")
def hard_sigmoid_of_keras_2() -> Case:
    module = build()
    return load(converted(module, "onnx", activations=["HardSigmoid", "Tanh", "Tanh"])), module, read()


@fault("activation", "slope 0.167")
def hard_sigmoid_of_keras_3() -> Case:
    module = build()
    return converted(module, "keras", recurrent_activation="hard_sigmoid"), module, read()


@fault("activation", "a network of RNN")
def relu_for_tanh() -> Case:
    module = build("RNN")
    return build("RNN", nonlinearity="relu"), module, read()


@fault("precision", "rounded to float16")
def half_precision() -> Case:
    module = build(units=24)
    found = {name: value.astype(np.float16) for name, value in arrays(module).items()}
    return module, save(found), read()


@fault("precision", "rounded to bfloat16")
def bfloat16() -> Case:
    module = build("GRU", units=24)
    return module, {name: value.bfloat16() for name, value in module.state_dict().items()}, read()


@fault("precision", "bfloat16")
def a_module_in_bfloat16() -> Case:
    module = build("GRU", units=24)
    return module, copy.deepcopy(module).bfloat16(), read()


@fault("precision", "8-bit")
def eight_bits() -> Case:
    module = build(units=24)

    def rounded(stack: np.ndarray) -> np.ndarray:
        step = np.abs(stack).max() / 127
        return (np.round(stack / step) * step).astype(np.float32)

    return module, {n: rounded(v) if "weight" in n else v for n, v in arrays(module).items()}, read()


@fault("precision", "matrices of A rounded to 8-bit integers")
def eight_bits_as_our_own_files_have_them() -> Case:
    """One scale a row, the next above a 127th of its largest weight that has eleven bits."""
    module = build()

    def rounded(matrix: np.ndarray) -> np.ndarray:
        scale = np.abs(matrix).max(axis=1, keepdims=True) / 127
        power = 2.0 ** np.floor(np.log2(scale))
        scale = np.ceil(scale / power * 2**11) / 2**11 * power
        return (np.round(matrix / scale) * scale).astype(np.float32)

    return module, {n: rounded(v) if "weight" in n else v for n, v in arrays(module).items()}, read()


@fault("layer order", "the layers of B taken in the order 0, 2, 1")
def layers_exchanged() -> Case:
    module = build(num_layers=3)
    other = {"0": "0", "1": "2", "2": "1"}
    return module, {name[:-1] + other[name[-1]]: value for name, value in arrays(module).items()}, read()


@fault("layer order", "the layers of B taken in the order 1, 2, 0")
def layers_one_further() -> Case:
    module = build(width=6, num_layers=3)
    return module, {n[:-1] + str((int(n[-1]) + 1) % 3): v for n, v in arrays(module).items()}, read(7, 3, 6)


@fault("first state", "passed to B")
def state_not_passed() -> Case:
    module = build()
    state = tuple(torch.from_numpy(read(1, 3, 6, seed=k)).tanh() for k in (2, 3))
    x = read()
    begun = lstm_core.trace(module, torch.from_numpy(x), state)
    return begun, lstm_core.trace(module, torch.from_numpy(x)), None


@fault("first state", "h and c")
def states_in_the_other_order() -> Case:
    module, x = build(), torch.from_numpy(read())
    h, c = (torch.from_numpy(read(1, 3, 6, seed=k)).tanh() for k in (2, 3))
    return lstm_core.trace(module, x, (h, c)), lstm_core.trace(module, x, (c, h)), None


@fault("scaled input", "multiplied by 255")
def pixels_from_0_to_1() -> Case:
    module, x = build(), torch.from_numpy(read())
    return lstm_core.trace(module, x * 255), lstm_core.trace(module, x), None


@fault("scaled input", "each feature")
def features_standardised() -> Case:
    module, x = build(), torch.from_numpy(read()) + torch.arange(5.0)
    standard = (x - x.mean((0, 1))) / x.std((0, 1))
    return lstm_core.trace(module, standard), lstm_core.trace(module, x), None


@fault("embedding", "+1 rows")
def embedding_shifted_by_a_row() -> Case:
    module = build()
    block = load(save(arrays(module))).blocks[0]
    rows = read(11, 5)
    shifted = np.concatenate([np.zeros((1, 5), np.float32), rows])
    a = Network("a", block, Reader(shifted))
    ids = np.random.default_rng(0).integers(1, 10, (7, 3))
    return Network("b", block, Reader(rows)), a, ids


@fault("embedding", "+1 rows")
def words_counted_from_1_in_torch() -> Case:
    torch.manual_seed(0)
    words, module = nn.Embedding(12, 5), build()
    other = nn.Embedding.from_pretrained(words.weight.detach().roll(1, 0))
    return Inside(module, words), Inside(module, other), torch.randint(1, 11, (7, 3))


@fault("embedding", "padding")
def padding_is_not_zero() -> Case:
    torch.manual_seed(0)
    words, module = nn.Embedding(12, 5), build()
    zeroed = nn.Embedding.from_pretrained(words.weight.detach().clone(), padding_idx=0)
    zeroed.weight.data[0] = 0
    ids = torch.randint(1, 12, (7, 3))
    ids[5:, 1] = 0
    return Inside(module, zeroed), Inside(module, words), ids


@fault("padding", "skipping")
def padding_is_not_skipped() -> Case:
    block = load(save(arrays(build()))).blocks[0]
    rows, ids = read(11, 5), np.random.default_rng(0).integers(1, 11, (7, 3))
    ids[5:, 1] = 0
    return Network("a", block, Reader(rows, padding=0)), Network("b", block, Reader(rows)), ids


@fault("padding", "lengths")
def lengths_not_passed() -> Case:
    block, x = load(save(arrays(build()))).blocks[0], read()
    return block.trace(x, lengths=[7, 4, 5]), block.trace(x), None


@fault("one gate", "the recurrent matrix of f of B transposed")
def one_gates_matrix_transposed() -> Case:
    module = build()

    def turned(old: dict[str, np.ndarray]) -> np.ndarray:
        i, f, g, o = np.split(old["weight_hh_l0"], 4)
        return np.concatenate([i, f.T, g, o])

    return module, changed(module, weight_hh_l0=turned), read()


@fault("one gate", "the biases of o of A left out")
def the_last_gates_bias_missing() -> Case:
    module = build()
    lost = {n: lambda old, n=n: np.r_[old[n][:18], 0 * old[n][18:]] for n in ("bias_ih_l0", "bias_hh_l0")}
    return module, changed(module, **lost), read()


@fault("one gate", "the second bias (bias_hh) of n of A left out")
def one_of_a_gates_two_biases_missing() -> Case:
    module = build("GRU")
    return (
        module,
        changed(module, bias_hh_l0=lambda old: np.r_[old["bias_hh_l0"][:12], np.zeros(6, np.float32)]),
        read(),
    )


@fault("order of the input", "the input of B from its end to its beginning")
def the_sequence_reversed() -> Case:
    module = build()
    return (
        lstm_core.trace(module, torch.from_numpy(read())),
        lstm_core.trace(module, torch.from_numpy(read()).flip(0)),
        None,
    )


@fault("order of the input", "the input of A a step later")
def a_step_late() -> Case:
    module, x = build(), torch.from_numpy(read())
    late = torch.cat([torch.zeros(1, 3, 5), x[:-1]])
    return lstm_core.trace(module, x), lstm_core.trace(module, late), None


@fault("order of the input", "the sequences of B in the order 1, 2, 0")
def a_batch_shuffled() -> Case:
    module, x = build("GRU"), torch.from_numpy(read())
    return lstm_core.trace(module, x), lstm_core.trace(module, x[:, [2, 0, 1]]), None


@fault("order of the input", "the features of the input of B in the order 4, 3, 2, 1, 0")
def features_from_the_other_end() -> Case:
    module, x = build("RNN"), torch.from_numpy(read())
    return lstm_core.trace(module, x), lstm_core.trace(module, x.flip(2)), None


@fault("places of weights", "the columns of the input matrices of B in the order 4, 3, 2, 1, 0")
def columns_from_the_other_end() -> Case:
    module = build()
    return module, changed(module, weight_ih_l0=lambda old: old["weight_ih_l0"][:, ::-1].copy()), read()


@fault("places of weights", "the input and the recurrent matrices of B exchanged")
def input_and_recurrent_matrices_exchanged() -> Case:
    module = build("GRU", width=6)
    names = ("weight_ih_l0", "weight_hh_l0")
    other = {name: lambda old, n=names[1 - k]: old[n] for k, name in enumerate(names)}
    return module, changed(module, **other), read(7, 3, 6)


@fault("places of weights", "the units of B in the order 5, 4, 3, 2, 1, 0")
def units_from_the_other_end() -> Case:
    module = build()

    def moved(old: np.ndarray, square: bool) -> np.ndarray:
        value = np.concatenate([part[::-1] for part in np.split(old, 4)])
        return value[:, ::-1].copy() if square else value

    return module, {n: moved(v, "weight_hh" in n) for n, v in arrays(module).items()}, read()


@fault("activation", "into the gates of B not clipped")
def a_clip_lost() -> Case:
    module = build()
    return module, converted(module, "onnx", clip=0.5), read()


@fault("precision", "8-bit")
def eight_bits_as_torch_rounds_them() -> Case:
    """By the scale of its observer, 127.5 steps up to the largest weight of a stack of gates."""
    module = build(units=24)

    def rounded(stack: np.ndarray) -> np.ndarray:
        scale = float(np.abs(stack).max()) / 127.5
        return torch.fake_quantize_per_tensor_affine(torch.from_numpy(stack), scale, 0, -128, 127).numpy()

    return module, {n: rounded(v) if "weight" in n else v for n, v in arrays(module).items()}, read()


@fault("precision", "8-bit")
def eight_bits_from_the_least_to_the_largest() -> Case:
    module = build("GRU", units=24)

    def rounded(stack: np.ndarray) -> np.ndarray:
        scale = (stack.max() - stack.min()) / 255
        zero = int(np.round(-stack.min() / scale))
        return torch.fake_quantize_per_tensor_affine(torch.from_numpy(stack), float(scale), zero, 0, 255).numpy()

    return module, {n: rounded(v) if "weight" in n else v for n, v in arrays(module).items()}, read()


@fault("precision", "cut off to bfloat16")
def bfloat16_by_its_upper_bytes() -> Case:
    module = build(units=24)
    cut = {n: (v.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32) for n, v in arrays(module).items()}
    return module, cut, read()


@fault("precision", "the matrices of A rounded to float16")
def half_precision_but_for_the_biases() -> Case:
    module = build(units=24)
    return (
        module,
        {n: v.astype(np.float16).astype(v.dtype) if "w" in n else v for n, v in arrays(module).items()},
        read(),
    )


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(name: str) -> None:
    cause, says, make = FAULTS[name]
    a, b, x = make()
    found = compare(a, b, x)
    assert not found.equal and found.explained, found
    assert {one.name for one in found.causes} == {cause}, found
    assert says in found.causes[0].change, found
    assert found.left is not None and found.left <= found.limit * 2
    assert str(found).count("\n") <= 3 and found.causes[0].change in repr(found)
    json.dumps(found.to_dict(), allow_nan=False)


def test_there_are_twenty_and_one_of_each_cause() -> None:
    assert len(FAULTS) >= 20
    assert {*(cause.name for cause in discover()), "layer order"} == {cause for cause, _, _ in FAULTS.values()}


def test_a_planted_fault_is_placed() -> None:
    a, b, x = batch_first_forgotten()
    assert "the input of layer 0 is (7, 3, 5) (time, batch, input) in A and (3, 7, 5) in B" in str(compare(a, b, x))
    a, b, x = one_direction_of_the_second_layer()
    found = compare(a, b, x)
    assert found.causes[0].where == ((1, 1),)
    assert found.parting is not None
    place = found.parting
    assert (place.layer, place.direction, place.step, place.signal) == (1, 1, 6, "f"), "it reads the last step first"
    trace = lstm_core.trace(a, torch.from_numpy(x))
    value = trace.sel("f", layer=1, direction=1, time=6, batch=place.sequence, unit=place.unit)
    assert place.a == pytest.approx(float(value))
    top = np.abs(trace["h"][1] - compare_traces(b, x)["h"][1]).max(axis=(0, 2, 3))
    np.testing.assert_allclose(found.growth, top, atol=1e-6)


def compare_traces(weights: dict[str, np.ndarray], x: np.ndarray) -> Trace:
    return load(save(weights)).blocks[0].trace(x)


def test_two_faults_in_two_layers_and_one_that_is_unknown() -> None:
    module = build(num_layers=2)
    found = arrays(module)
    for name in found:
        if name.endswith("l0"):
            found[name] = reordered(found[name], (0, 3, 1, 2))
    found["weight_hh_l1"] = _turned(found["weight_hh_l1"])
    answer = compare(module, found, read())
    assert [(one.name, one.where) for one in answer.causes] == [
        ("gate order", ((0, None),)),
        ("layout of the weights", ((1, None),)),
    ]
    assert answer.explained
    found["weight_hh_l1"] += 0.01 * np.random.default_rng(0).normal(size=found["weight_hh_l1"].shape)
    answer = compare(module, found, read())
    assert [one.name for one in answer.causes] == ["gate order"] and not answer.explained
    assert "none of the causes that are known" in str(answer)


@pytest.mark.parametrize(("a", "b", "own", "other"), [("LSTM", "GRU", "i", "1 - z"), ("GRU", "LSTM", "z", "f")])
def test_two_cells_are_said_to_be_two_and_each_signal_has_its_own_name(a: str, b: str, own: str, other: str) -> None:
    answer = compare(build(a), build(b), read())
    assert answer.cells == (a, b) and answer.to_dict()["cells"] == [a, b] and answer.parting is not None
    assert str(answer).startswith(f"The cell of A is the {a}, that of B the {b}: ")
    assert "None of the causes" not in str(answer)
    assert (answer.parting.signal, answer.parting.other) == (own, other)
    assert f"and {other}, which does the same in B, is {answer.parting.b:.6g}" in str(answer)
    assert compare(build(a), build(a, seed=1), read()).cells is None


def test_what_is_not_known_is_not_named() -> None:
    answer = compare(build(seed=0), build(seed=1), read())
    assert not answer.equal and not answer.causes and "None of the causes" in str(answer)
    assert answer.parameters and set(answer.parameters) >= {(0, 0, "W_i"), (0, 0, "U_o")}


@pytest.mark.parametrize(
    "change",
    [
        lambda n, v: v - 0.01 * np.random.default_rng(3).normal(size=v.shape).astype(np.float32),
        lambda n, v: np.clip(v, -0.5, 0.5),
        lambda n, v: np.concatenate([*np.split(v, 4)[:2], -np.split(v, 4)[2], np.split(v, 4)[3]]),
        lambda n, v: v + 2 * (np.arange(24) // 6 == 1) if n == "bias_ih_l0" else v,
        lambda n, v: np.round(v * 8) / 8,
    ],
    ids=["a step of training", "clipped weights", "a gate's sign", "2 added to the forget bias", "four bits"],
)
def test_a_fault_that_is_not_among_the_causes_is_given_none(change: Callable[[str, np.ndarray], np.ndarray]) -> None:
    module = build()
    found = {name: change(name, value).astype(np.float32) for name, value in arrays(module).items()}
    answer = compare(module, found, read())
    assert not answer.equal and not answer.causes and not answer.explained


def test_what_stands_between_two_layers_is_not_blamed_on_them() -> None:
    """Two models whose layer normalisations differ in their epsilon: each recurrent layer is the same."""

    def made(eps: float) -> nn.Module:
        model = Inside(build(width=6, seed=1), nn.Sequential(Inside(build()), nn.LayerNorm(6, eps=eps)))
        return model.eval()

    answer = compare(made(1e-5), made(1e-3), read())
    assert not answer.equal and not answer.causes and not answer.explained, answer
