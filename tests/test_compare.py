"""``lstm_core.compare``: faults that were planted are named, and equal models of other formats are equal."""

from __future__ import annotations

import copy
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from converted import FORMATS, arrays, converted, reordered
from safetensors.numpy import save
from torch import nn

import lstm_core
from lstm_core import CELLS, compare, load
from lstm_core.comparing.causes import discover
from lstm_core.network import Network, Reader
from lstm_core.trace import Trace

pytestmark = pytest.mark.usefixtures("in_place")

Case = tuple[Any, Any, Any]
FAULTS: dict[str, tuple[str, str, Callable[[], Case]]] = {}
"""By what was done wrong: the cause's name, a part of what is said of it, and the two models with their input."""


def build(kind: str = "LSTM", seed: int = 0, width: int = 5, units: int = 6, **options: Any) -> nn.RNNBase:
    """Weights and biases well away from zero."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = getattr(nn, kind)(width, units, **options)
        for value in module.parameters():
            nn.init.normal_(value, std=0.4)
    return module


def read(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape or (7, 3, 5)).astype(np.float32)


def changed(module: nn.RNNBase, **values: Any) -> dict[str, np.ndarray]:
    """Its state_dict, with some arrays made anew: each a function of the old ones."""
    old = arrays(module)
    return {name: values[name](old) if name in values else value for name, value in old.items()}


def blocks(
    module: nn.RNNBase, part: str, function: Callable[[np.ndarray], np.ndarray], at: int
) -> dict[str, np.ndarray]:
    """Its state_dict, with one gate's block of every ``part`` ("weight", "bias") changed."""
    found = arrays(module)
    count = {"LSTM": 4, "GRU": 3, "RNN": 1}[type(module).__name__]
    for name, value in found.items():
        if any(name.startswith(one) for one in part.split()):
            rows = np.split(value, count)
            rows[at] = function(rows[at])
            found[name] = np.concatenate(rows)
    return found


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


@fault("keep and write", "1 - z")
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


def test_what_is_not_known_is_not_named() -> None:
    answer = compare(build(seed=0), build(seed=1), read())
    assert not answer.equal and not answer.causes and "None of the causes" in str(answer)
    assert answer.parameters and set(answer.parameters) >= {(0, 0, "W_i"), (0, 0, "U_o")}


KINDS = ("LSTM", "GRU", "RNN")


@pytest.mark.parametrize("kind", KINDS)
def test_equal_models_of_other_formats_are_equal(kind: str) -> None:
    """No false alarm: 527 pairs of the three kinds with NIGHTLY=1, of which 124 always."""
    rng, pairs = np.random.default_rng(KINDS.index(kind)), 0
    count = 34 if os.environ.get("NIGHTLY") else 8
    for number in range(count):
        single = number % 2 == 0
        options = {} if single else {"num_layers": int(rng.integers(1, 4)), "bidirectional": bool(rng.integers(2))}
        units, width = int(rng.integers(1, 20)), int(rng.integers(1, 9))
        batch_first = bool(rng.integers(2))
        module = build(kind, number, width, units, batch_first=batch_first, **options)
        shape = int(rng.integers(1, 12)), int(rng.integers(1, 5))
        x = read(*(shape[::-1] if batch_first else shape), width, seed=number)
        formats = FORMATS if single else FORMATS[:-1]
        forms = [converted(module, form) for form in formats]
        if kind == "RNN":
            forms = [load(form, cell="rnn") if isinstance(form, bytes) else form for form in forms[1:]]
        for form in forms:
            assert compare(module, form, x), (kind, number, compare(module, form, x))
            pairs += 1
    assert pairs == count * (4.5 if kind == "RNN" else 5.5)


class WritingGRU(CELLS["gru"]):
    """One whose z is the share that is written."""

    name = "writing_gru"
    signals = tuple(replace(s, role="write") if s.name == "z" else s for s in CELLS["gru"].signals)

    @staticmethod
    def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
        return {"h": v.z * v.n + (1 - v.z) * s.h}


def test_a_share_is_aligned_by_what_it_does_and_not_by_its_letter() -> None:
    module = build("GRU")
    own = replace(load(save(blocks(module, "weight bias", np.negative, 1))).blocks[0], cell=WritingGRU)
    assert compare(module, own, read())
    assert compare(own, module, read())
    assert not compare(own, own.trace(read(seed=3)), read())


def test_a_file_by_its_path_a_shipped_model_by_its_name_and_its_state(tmp_path: Path) -> None:
    module, x = build(num_layers=2), read()
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(arrays(module)))
    state = tuple(torch.from_numpy(read(2, 3, 6, seed=k)).tanh() for k in (2, 3))
    assert compare(module, path, x, state=state) and compare(str(path), module, x)
    assert not compare(lstm_core.trace(module, torch.from_numpy(x), state), path, x)
    assert compare(module, path, x, lengths=[7, 2, 5])
    model = lstm_core.load_model("pronouns-lstm")
    assert compare("pronouns-lstm", model, np.array([3, 4, 5, 6]))
    assert compare("pronouns-lstm", lstm_core.list_models()["pronouns-lstm"], np.array([3, 4, 5, 6]))


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.words, self.lstm = nn.Embedding(20, 5), nn.LSTM(5, 6, 2, batch_first=True, dropout=0.5)
        self.normal, self.out = nn.BatchNorm1d(6), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.normal(self.lstm(self.words(x))[0][:, -1]))


def test_a_model_and_the_state_dict_of_it() -> None:
    """What reads ids is compared from its embedding on, whichever way they lie; no part's flag is changed."""
    model, ids = Tagger(), torch.from_numpy(np.random.default_rng(0).integers(1, 19, (3, 7)))
    model.normal.eval()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    assert compare(model, weights, ids) and compare(model, save(weights), ids[:, :3])
    assert model.training and model.lstm.training and not model.normal.training
    weights["words.weight"] = np.roll(weights["words.weight"], 1, axis=0)
    found = compare(model, weights, ids)
    assert [one.name for one in found.causes] == ["embedding"] and "+1 rows" in str(found)


class Both(nn.Module):
    """Two modules on one input, run in one order or the other."""

    def __init__(self, order: tuple[str, str]) -> None:
        super().__init__()
        self.order = order
        for name in order:
            setattr(self, name, build(seed=len(name)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return sum(getattr(self, name)(x)[0] for name in self.order)  # type: ignore[return-value]


def test_modules_are_aligned_by_name_and_odd_ones_are_compared() -> None:
    a, b = Both(("a", "bb")), Both(("bb", "a"))
    assert compare(a, b, read())
    projected = build(proj_size=3)
    with pytest.warns(UserWarning, match="projections"):
        assert compare(projected, projected.state_dict(), read())
    cell = nn.GRUCell(5, 6)
    layer = {f"{name}_l0": value for name, value in cell.state_dict().items()}
    assert compare(cell, layer, read()) and compare(build(bias=False), build(bias=False).state_dict(), read())
    assert compare(build(dropout=0.5, num_layers=2), build(dropout=0.1, num_layers=2), read())


def test_what_cannot_be_compared_says_why() -> None:
    with pytest.raises(ValueError, match="not models of one shape .*A has 1 x 6, B has 2 x 6"):
        compare(build(), build(bidirectional=True), read())
    with pytest.raises(ValueError, match="an input is needed"):
        compare(build(), build())
    with pytest.raises(ValueError, match="holds no recurrent layers"):
        compare(build(), {"weight": np.zeros(3)}, read())
    with pytest.raises(TypeError, match="an object of the type int cannot be compared"):
        compare(build(), 3, read())


def test_it_takes_less_than_a_second_at_256_units() -> None:
    module = build(units=256, width=64)
    for value in module.parameters():
        value.data /= 8
    x = read(50, 2, 64)
    wrong = {name: reordered(value, (0, 3, 2, 1)) for name, value in arrays(module).items()}
    times = []
    for _ in range(3):
        start = time.thread_time()  # what others take of a busy machine is not counted
        assert compare(module, wrong, x).explained
        times.append(time.thread_time() - start)
    assert min(times) < 1, times


def test_what_is_not_a_number_is_not_equal() -> None:
    """Two different models that both answer NaN have not been compared."""
    one, other, x = nn.LSTM(5, 7), nn.LSTM(5, 7), torch.randn(6, 3, 5)
    late = x.clone()
    late[2] = torch.nan
    for a, b, given, first in ((one, other, torch.full_like(x, torch.nan), 0), (one, one, late, 2)):
        with pytest.raises(ValueError, match=f"not a number from step {first} on"):
            compare(a, b, given)
    state = (torch.full((1, 3, 7), torch.nan), torch.zeros(1, 3, 7))
    with pytest.raises(ValueError, match="not a number from step 0 on"):
        compare(one, other, x, state=state)
    with pytest.raises(ValueError, match="no steps"):
        compare("pronouns-lstm", "pronouns-peephole", np.zeros(0, int))
    for tolerance in (float("nan"), -1.0):
        with pytest.raises(ValueError, match="the tolerance is a number of at least 0"):
            compare(one, other, x, tolerance=tolerance)
    assert compare(one, one, x, lengths=[6, 3, 1]).equal  # what lies after a sequence's end is nobody's


def test_one_that_ends_at_what_is_not_a_number_says_where_and_why() -> None:
    module, x = build(num_layers=2), read()
    for name, place, at in (("weight_hh_l1", (7, 2), 1), ("weight_ih_l0", (1, 1), 0)):
        other = build(num_layers=2)
        getattr(other, name).data[place] = torch.nan
        for a, b, side in ((module, other, "B"), (other, module, "A")):
            found = compare(a, b, x)
            assert not found.equal and not found.explained and found.parting is not None
            assert (found.parting.layer, found.parting.step) == (at, 0)
            values = found.parting.a, found.parting.b
            assert np.isnan(values[side == "B"]) and np.isfinite(values[side == "A"])
            where = f"{name}\\[{place[0]}, {place[1]}\\]"
            says = f"The run of {side} ended there: .* the weights hold such a value, {where}"
            assert re.search(says, str(found)), found
            json.dumps(found.to_dict(), allow_nan=False)
    both = build(num_layers=2)
    both.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="not a number from step 0 on"):
        compare(other, both, x)


def test_what_numpy_cannot_hold_is_compared_as_well() -> None:
    """An input that needs a gradient, and one in bfloat16, in either layout."""
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        module, x = nn.LSTM(5, 7).to(kind), torch.randn(6, 1, 5, dtype=kind, requires_grad=True)
        other = nn.LSTM(5, 7, batch_first=True).to(kind)
        other.load_state_dict(module.state_dict())
        assert compare(module, other, x).equal
        with torch.no_grad():
            for value in other.parameters():
                value.add_(0.5)
        assert not compare(module, other, x).equal


def test_where_sequences_of_several_lengths_end_at_what_is_infinite_is_told() -> None:
    module, x = nn.RNN(3, 7, nonlinearity="relu"), torch.rand(40, 4, 3)
    with torch.no_grad():
        for value in module.parameters():
            value.abs_().mul_(400)
    other = nn.RNN(3, 7, nonlinearity="relu", batch_first=True)
    other.load_state_dict(module.state_dict())
    lengths = [18, 40, 14, 3]
    with pytest.raises(ValueError, match=r"both compute what is not a number from step \d+ on"):
        compare(module, other, x, lengths=lengths)
    with torch.no_grad():
        other.weight_hh_l0.mul_(0.001)
    found = compare(module, other, x, lengths=torch.tensor(lengths))
    assert not found.equal and found.parting is not None and found.parting.step == 1
    assert "Later the run of A ended: " in str(found)


def test_a_model_and_its_file_of_8_bits(tmp_path: Path) -> None:
    """The embedding is rounded as well."""
    model = lstm_core.load_model("country-gru")
    model.save(tmp_path / "m.safetensors", "int8")
    found = compare(model, tmp_path / "m.safetensors", np.arange(3, 15))
    changes = "the embedding of A rounded to 8-bit integers", "the matrices of A rounded to 8-bit integers"
    assert found.explained and tuple(str(cause.change) for cause in found.causes) == changes


def test_every_file_of_ours_is_known_as_such_wherever_its_header_says_so(tmp_path: Path) -> None:
    """A safetensors file holds its metadata in any order, and a tokenizer may come first."""
    path = tmp_path / "m.safetensors"
    for _ in range(12):
        lstm_core.load_model("pronouns-gru").save(path)
        assert compare(path, "pronouns-gru", np.array([1, 2, 3])).equal
