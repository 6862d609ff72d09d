"""Keras files of every age and oddity, written here by hand, against the layers' equations in NumPy: gates included."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

from lstm_core import load  # noqa: E402
from lstm_core.block import Source  # noqa: E402
from lstm_core.files.limits import Ambiguous  # noqa: E402
from tests.test_files_keras import keras_archive, layer, old_file, weights, weights_file  # noqa: E402

pytestmark = pytest.mark.usefixtures("in_place")
INPUT, UNITS, TIME = 3, 4, 7
X = np.random.default_rng(5).normal(size=(TIME, INPUT)).astype(np.float32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def hard_2(x: np.ndarray) -> np.ndarray:
    return np.clip(0.2 * x + 0.5, 0, 1)


def hard_3(x: np.ndarray) -> np.ndarray:
    return np.clip(x / 6 + 0.5, 0, 1)


def lstm(values: list[np.ndarray], gate: Any = sigmoid, act: Any = np.tanh) -> dict[str, np.ndarray]:
    """i, f, g, o, c, h (time, units); Keras's kernels have the gates in the order i f c o."""
    kernel, recurrent, bias = (value.astype(float) for value in values)
    h, c, rows = np.zeros(UNITS), np.zeros(UNITS), []
    for x in X:
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
        i, f, g, o = gate(i), gate(f), act(g), gate(o)
        c = f * c + i * g
        h = o * act(c)
        rows.append((i, f, g, o, c, h))
    return dict(zip("ifgoch", np.stack(rows, 1), strict=True))


def gru(values: list[np.ndarray], after: bool, gate: Any = sigmoid) -> dict[str, np.ndarray]:
    """z, r, n, h (time, units); the order z r h. after: the reset acts after the product, with a bias of its own."""
    kernel, recurrent, *rest = (value.astype(float) for value in values)
    bias = rest[0] if rest else np.zeros(3 * UNITS)
    outer, inner = bias if bias.ndim == 2 else (bias, np.zeros(3 * UNITS))
    h, rows = np.zeros(UNITS), []
    for x in X:
        a, b = np.split(x @ kernel + outer, 3), np.split(h @ recurrent + inner, 3)
        z, r = gate(a[0] + b[0]), gate(a[1] + b[1])
        n = np.tanh(a[2] + (r * b[2] if after else (r * h) @ recurrent[:, 2 * UNITS :]))
        h = z * h + (1 - z) * n
        rows.append((z, r, n, h))
    return dict(zip("zrnh", np.stack(rows, 1), strict=True))


def same(block: Any, expected: Mapping[str, np.ndarray]) -> None:
    trace = block.trace(X)
    assert set(trace.signals) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(trace.signals[name][0, 0, :, 0], value, rtol=1e-5, atol=2e-6, err_msg=name)


def h5(config: Any, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> bytes:
    """An HDF5 file. attributes: at the file, or at a group by "path@name"."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, value in arrays.items():
            file[path] = value
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        for key, value in attributes.items():
            path, _, name = key.rpartition("@")
            texts = np.array([text.encode() for text in value]) if isinstance(value, list) else value.encode()
            (file.require_group(path) if path else file).attrs[name] = texts
    return buffer.getvalue()


def named(path: str, values: list[np.ndarray], end: str = ":0") -> dict[str, np.ndarray]:
    names = ("kernel", "recurrent_kernel", "bias")
    return {f"{path}/{name}{end}": value for name, value in zip(names, values, strict=False)}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


HARD = {"recurrent_activation": "hard_sigmoid", "activation": "tanh", "use_bias": True}


# ---- which hard_sigmoid


@pytest.mark.parametrize(
    ("at", "version", "function"),
    [
        ("@keras_version", "2.2.4", hard_2),
        ("@keras_version", "2.15.0", hard_2),
        ("@keras_version", "2.2.4-tf", hard_2),
        ("model_weights@keras_version", "2.1.6", hard_2),
        ("@keras_version", "3.0.0", hard_3),
        ("model_weights@keras_version", "3.15.1", hard_3),
        ("@keras_version", "3.0.0.dev2023100403", hard_3),
    ],
)
def test_hard_sigmoid_is_that_of_the_keras_that_wrote_the_file(at: str, version: str, function: Any) -> None:
    values, other = weights("LSTM"), weights("GRU", seed=1)
    config = sequential(layer("LSTM", "a", **HARD), layer("GRU", "b", **HARD, reset_after=True))
    arrays = named("model_weights/a/a", values) | named("model_weights/b/b", [np.ones((UNITS, 12), "f4"), *other[1:]])
    loaded = load(h5(config, arrays, {at: version}))
    assert not loaded["a"].assumed
    same(loaded["a"], lstm(values, function))


@pytest.mark.parametrize(
    ("options", "end", "version"),
    [
        ({"implementation": 1, "time_major": False}, "", 2),
        ({"batch_input_shape": [None, 2, 3]}, "", 2),
        ({}, ":0", 2),
        ({"dtype": {"class_name": "DTypePolicy", "config": {"name": "float32"}}}, "", 3),
        ({"zero_output_for_mask": False}, "", 3),
        ({}, "", 2),
    ],
)
def test_a_file_without_a_version_shows_it_by_other_signs(options: dict[str, Any], end: str, version: int) -> None:
    values = weights("LSTM")
    [block] = load(
        h5(sequential(layer("LSTM", "a", **HARD, **options)), named("model_weights/a/a", values, end), {})
    ).blocks
    same(block, lstm(values, {2: hard_2, 3: hard_3}[version]))
    assert block.assumed == (f"hard_sigmoid is that of Keras {version}: the file does not say which version wrote it",)


def test_an_archive_says_which_keras_wrote_it() -> None:
    """Keras 2.12 to 2.15 write .keras as well; without metadata its configuration's words decide."""
    values = weights("LSTM")
    for replaced, function in ((b"2.15.0", hard_2), (b"3.0.0", hard_3)):
        config = [layer("LSTM", "m", **HARD, return_sequences=True)]
        data = keras_archive(config, {"layers/lstm/cell": values}, version=replaced.decode())
        same(load(data).blocks[0], lstm(values, function))


# ---- weights alone, of an older Keras


@pytest.mark.parametrize("end", [":0", ""])
def test_weights_alone_of_before_keras_2_3(end: str) -> None:
    """LSTM and GRU had hard_sigmoid gates by default; ``layer_names`` has the order."""
    first, second = weights("LSTM"), weights("GRU", reset_after=False, seed=2)
    arrays = named("z_first/z_first", first, end) | named("a_second/a_second", second, end)
    data = h5(None, arrays, {"@keras_version": "2.2.4", "@layer_names": ["z_first", "a_second"]})
    loaded = load(data)
    assert [block.name for block in loaded.blocks] == ["z_first", "a_second"]
    same(loaded["z_first"], lstm(first, hard_2))
    same(loaded["a_second"], gru(second, False, hard_2))
    assert loaded["z_first"].assumed == (
        "activation=tanh, recurrent_activation=hard_sigmoid, go_backwards=False, as Keras 2.2.4 has it by default: "
        "the file holds weights alone",
    )
    same(load(data, recurrent_activation="sigmoid")["z_first"], lstm(first))


@pytest.mark.parametrize(
    ("version", "path", "function"),
    [
        ("2.2.4-tf", "lstm/lstm", hard_2),
        ("2.2.4-tf", "lstm/lstm/lstm_cell", sigmoid),  # TensorFlow 2.1
        ("2.3.0-tf", "lstm/lstm/lstm_cell", sigmoid),
        ("2.3.1", "lstm/lstm", sigmoid),
        (None, "lstm/lstm", sigmoid),
    ],
)
def test_the_default_of_weights_alone_follows_the_version(version: str | None, path: str, function: Any) -> None:
    values = weights("LSTM")
    [block] = load(h5(None, named(path, values), {"@keras_version": version} if version else {})).blocks
    assert block.name == "lstm"
    same(block, lstm(values, function))


def test_weights_alone_with_windows_separators_and_the_older_name_of_the_layers() -> None:
    values = weights("LSTM")
    paths = {f"_layer_checkpoint_dependencies\\lstm\\cell\\vars/{k}": value for k, value in enumerate(values)}
    [block] = load(h5(None, paths, {}), recurrent_activation="hard_sigmoid").blocks
    assert block.name == "lstm"
    same(block, lstm(values, hard_2))  # that name is of Keras 2.12 and 2.13


# ---- which GRU


@pytest.mark.parametrize("bias", [True, False])
def test_a_gru_without_reset_after_resets_before_the_product(bias: bool) -> None:
    values = weights("GRU", bias, reset_after=False)
    config = sequential(layer("GRU", "g", activation="tanh", recurrent_activation="sigmoid", use_bias=bias))
    data = h5(config, named("model_weights/g/g", values), {"@keras_version": "2.1.2"})
    [block] = load(data).blocks
    assert block.cell.name == "gru_cho" and not block.assumed
    same(block, gru(values, False))
    if not bias:
        same(load(data, reset_after=True).blocks[0], gru(values, True))


@pytest.mark.parametrize(("stated", "after"), [(False, True), (True, False), (None, True), (None, False)])
def test_the_shape_of_a_bias_decides_which_gru_it_is(stated: bool | None, after: bool) -> None:
    values = weights("GRU", reset_after=after)
    options = {} if stated is None else {"reset_after": stated}
    [block] = load(keras_archive([layer("GRU", "g", **options)], {"layers/gru/cell": values})).blocks
    same(block, gru(values, after))
    said = f"reset_after is {after}, as its bias has it; its configuration says the opposite"
    assert block.assumed == (() if stated is None else (said,))


def test_reset_after_that_contradicts_the_bias_is_refused() -> None:
    data = keras_archive([layer("GRU", "g")], {"layers/gru/cell": weights("GRU", reset_after=False)})
    with pytest.raises(ValueError, match=r"the layer g: its bias is \(12,\), which does not fit reset_after=True"):
        load(data, reset_after=True)


def test_a_gru_without_bias_among_weights_alone() -> None:
    values = weights("GRU", bias=False)
    arrays = named("g/g", values)
    same(load(h5(None, arrays, {"@keras_version": "2.1.2"})).blocks[0], gru(values, False, hard_2))
    with pytest.raises(Ambiguous):
        load(h5(None, arrays, {"@keras_version": "2.3.0"}))
    for after in (True, False):
        same(load(h5(None, arrays, {"@keras_version": "2.3.0"}), reset_after=after).blocks[0], gru(values, after))


# ---- shapes of old configurations and paths


def test_a_sequential_of_before_keras_2_2_3_is_a_list() -> None:
    values = weights("LSTM")
    config = {"class_name": "Sequential", "config": [layer("Dropout", "d"), layer("LSTM", "a", **HARD)]}
    [block] = load(h5(config, named("model_weights/a/a", values), {"@keras_version": "2.1.2"})).blocks
    assert (block.name, block.reads) == ("a", Source())
    same(block, lstm(values, hard_2))


def test_what_is_not_trained_is_written_last() -> None:
    """In a model in a model, whose layers may have had other names when their weights were made."""
    trained, frozen = weights("LSTM", width=UNITS), weights("LSTM", seed=1)
    inner = sequential(layer("LSTM", "p", trainable=False), layer("LSTM", "q"))
    arrays = named("model_weights/inner/first/lstm_cell", trained) | named(
        "model_weights/inner/second/lstm_cell", frozen
    )
    inner["config"]["name"] = "inner"
    loaded = load(h5(sequential(inner), arrays, {"@keras_version": "2.4.0", "model_weights@layer_names": ["inner"]}))
    assert [block.name for block in loaded.blocks] == ["inner/p", "inner/q"]
    same(loaded["inner/p"], lstm(frozen))


def test_two_layers_in_one_scope_are_told_apart_by_their_numbers() -> None:
    one, two = weights("LSTM"), weights("LSTM", seed=1)
    arrays = named("model_weights/both/both", one) | named("model_weights/both/both", two, "_1:0")
    config = sequential({"class_name": "Bidirectional", "config": {"name": "both", "layer": layer("LSTM", "x")}})
    [block] = load(h5(config, arrays, {"@keras_version": "2.2.4"}), recurrent_activation="sigmoid").blocks
    trace = block.trace(X)
    np.testing.assert_allclose(trace.signals["h"][0, 0, :, 0], lstm(one)["h"], atol=1e-5)
    np.testing.assert_allclose(block.layers[0][1]["W_i"], two[0][:, :UNITS].T)


def test_layers_called_forward_and_backward_are_not_directions() -> None:
    """Only in a Bidirectional; two layers of a model, or of a model in it, may be called so."""
    one, two = weights("LSTM"), weights("LSTM", seed=1)
    arrays = named("forward_a/forward_a/lstm_cell", one) | named("backward_a/backward_a/lstm_cell", two)
    loaded = load(h5(None, arrays, {"@layer_names": ["forward_a", "backward_a"]}))
    assert [(block.name, block.directions) for block in loaded.blocks] == [
        ("forward_a", ("forward",)),
        ("backward_a", ("forward",)),
    ]
    arrays = named("inner/forward_a/lstm_cell", one) | named("inner/backward_a/lstm_cell", two)
    loaded = load(h5(None, arrays, {"@layer_names": ["inner"]}))
    assert [(block.name, len(block.directions)) for block in loaded.blocks] == [
        ("inner/forward_a", 1),
        ("inner/backward_a", 1),
    ]
    for block, values in zip(loaded.blocks, (one, two), strict=True):
        same(block, lstm(values))
    paths = {"layers/mine/forward/cell": one, "layers/mine/backward/cell": two}
    assert [len(block.directions) for block in load(weights_file(paths)).blocks] == [1, 1]


def test_cells_of_a_list_are_layers_only_in_a_stack() -> None:
    one, two = weights("LSTM"), weights("LSTM", seed=1, width=UNITS)
    stack = {"layers/rnn/cell/cells/lstm_cell": one, "layers/rnn/cell/cells/lstm_cell_1": two}
    [block] = load(weights_file(stack)).blocks
    assert (block.num_layers, block.directions) == (2, ("forward",))
    np.testing.assert_allclose(block.trace(X).signals["c"][0, 0, :, 0], lstm(one)["c"], atol=1e-5)
    mine = {"layers/mine/cells/lstm_cell": one, "layers/mine/cells/lstm_cell_1": two}
    assert [block.num_layers for block in load(weights_file(mine)).blocks] == [1, 1]
    wrong = {"layers/rnn/cell/cells/lstm_cell": one, "layers/rnn/cell/cells/lstm_cell_1": one}
    assert [block.num_layers for block in load(weights_file(wrong)).blocks] == [1, 1]


def test_a_bidirectional_whose_layer_goes_backwards() -> None:
    """Its other layer then goes forwards; both are what they are."""
    config = [{"class_name": "Bidirectional", "config": {"name": "b", "layer": layer("LSTM", "x", go_backwards=True)}}]
    one, two = weights("LSTM"), weights("LSTM", seed=1)
    paths = {"layers/bidirectional/forward_layer/cell": one, "layers/bidirectional/backward_layer/cell": two}
    blocks = load(keras_archive(config, paths)).blocks
    assert [(block.name, block.directions) for block in blocks] == [
        ("b/forward", ("reverse",)),
        ("b/backward", ("forward",)),
    ]
    same(blocks[1], lstm(two))


def test_keras_2_gives_the_first_state_after_the_input_or_by_name() -> None:
    def functional(node: list[Any]) -> dict[str, Any]:
        given = {"class_name": "InputLayer", "name": "x", "config": {"name": "x"}, "inbound_nodes": []}
        enc = {**layer("LSTM", "enc", return_state=True), "name": "enc", "inbound_nodes": [[["x", 0, 0, {}]]]}
        dec = {**layer("LSTM", "dec"), "name": "dec", "inbound_nodes": [node]}
        inner = {
            "name": "m",
            "layers": [given, dec, enc],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["dec", 0, 0]],
        }
        return {"class_name": "Model", "config": inner}

    values = weights("LSTM")
    arrays = named("model_weights/enc/enc", values) | named("model_weights/dec/dec", values)
    states = [["enc", 0, 1, {}], ["enc", 0, 2, {}]]
    for node in (
        [["x", 0, 0, {}], *states],
        [["x", 0, 0, {"initial_state": [["enc", 0, 1], ["enc", 0, 2]]}]],
    ):
        loaded = load(h5(functional(node), arrays, {"@keras_version": "2.4.0"}))
        assert [block.name for block in loaded.blocks] == ["dec", "enc"]
        assert loaded["dec"].reads == loaded["enc"].reads == Source()
        assert loaded["dec"].assumed == ("it starts from zeros; in its model it starts from what enc gives",)
        assert not loaded["enc"].assumed
    masked = [["x", 0, 0, {"mask": ["given", 0, 0]}]]
    loaded = load(h5(functional(masked), arrays, {"@keras_version": "2.4.0"}))
    assert loaded["dec"].reads is None  # nobody gives that mask


@pytest.mark.parametrize(
    ("before", "value", "reads", "said"),
    [
        ([layer("Masking", "m", mask_value=-1.0)], -1.0, Source(), None),
        (
            [layer("Masking", "m", mask_value=-1.0), layer("Dropout", "d"), layer("GaussianNoise", "n")],
            -1.0,
            Source(),
            None,
        ),
        (
            [layer("Masking", "m"), layer("Dense", "d")],
            None,
            Source("", ("Dense d",)),
            "a mask from Dense d skips some",
        ),
        ([layer("Masking", "m"), layer("Conv1D", "c")], None, Source("", ("Conv1D c",)), None),
        ([layer("Activation", "a", activation="relu")], None, Source("", ("Activation a",)), None),
        ([layer("Activation", "a", activation="linear"), layer("Identity", "i")], None, Source(), None),
    ],
)
def test_what_lies_before_a_layer(
    before: list[dict[str, Any]], value: float | None, reads: Source, said: str | None
) -> None:
    config = [*before, layer("LSTM", "l", stateful=True)]
    [block] = load(keras_archive(config, {"layers/lstm/cell": weights("LSTM")})).blocks
    assert (block.mask_value, block.reads) == (value, reads)
    assert "goes on from where the last batch ended (stateful)" in block.assumed[0]
    assert len(block.assumed) == (1 if said is None else 2) and (said is None or said in block.assumed[1])


def test_what_an_optimizer_keeps_is_no_layer() -> None:
    """Keras 2 keeps Adam's averages under the kernels' own names."""
    values = weights("LSTM")
    arrays = named("model_weights/a/a/lstm_cell", values) | named("optimizer_weights/Adam/m/a/lstm_cell", values)
    loaded = load(h5(sequential(layer("LSTM", "a")), arrays, {"@keras_version": "2.15.0"}))
    assert [block.name for block in loaded.blocks] == ["a"] and not loaded.others


# ---- functions


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


@pytest.mark.parametrize(
    ("stated", "function"),
    [
        (None, lambda x: x),
        ("linear", lambda x: x),
        ("relu6", lambda x: np.clip(x, 0, 6)),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.2 * x)),
        ("swish", lambda x: x * sigmoid(x)),
        ("hard_silu", lambda x: x * hard_3(x)),
        ("mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
        ("tanh_shrink", lambda x: x - np.tanh(x)),
        ("log_sigmoid", lambda x: np.log(sigmoid(x))),
        ("celu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        ("sparse_sigmoid", lambda x: np.clip(0.5 * (x + 1), 0, 1)),
        ({"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}, lambda x: np.where(x > 0, x, 0.1 * x)),
        ({"class_name": "LeakyReLU", "config": {}}, lambda x: np.where(x > 0, x, 0.3 * x)),
        (
            {"class_name": "ELU", "config": {"alpha": 0.5}},
            lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))),
        ),
        ({"class_name": "ReLU", "config": {"max_value": 6.0}}, lambda x: np.clip(x, 0, 6)),
        (
            {"module": "keras.activations", "class_name": "function", "config": "softsign"},
            lambda x: x / (1 + np.abs(x)),
        ),
    ],
)
def test_functions_as_keras_names_them(stated: Any, function: Any) -> None:
    values = [value * 0.3 for value in weights("LSTM")]
    [block] = load(keras_archive([layer("LSTM", "m", activation=stated)], {"layers/lstm/cell": values})).blocks
    same(block, lstm(values, act=function))
    assert not block.assumed


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("mystery", "the layer m: the activation 'mystery' is not supported; celu, elu, "),
        ({"class_name": "function", "config": "Custom>mine"}, "its activation is Custom>mine, which is not supported"),
        ({"class_name": "__lambda__", "config": {"value": []}}, "its activation is __lambda__, which is not supported"),
        ({"class_name": "ReLU", "config": {"max_value": 3}}, "its activation is ReLU, which is not supported"),
        ("softmax", "'softmax' is not supported"),
        (7, "its activation is \\?, which is not supported"),
    ],
)
def test_functions_that_are_not_read_are_named(stated: Any, reason: str) -> None:
    data = keras_archive([layer("LSTM", "m", activation=stated)], {"layers/lstm/cell": weights("LSTM")})
    with pytest.raises(ValueError, match=reason):
        load(data)
    same(load(data, activation="tanh").blocks[0], lstm(weights("LSTM")))


def test_what_the_caller_says_has_to_be_a_function() -> None:
    data = keras_archive([layer("LSTM", "m")], {"layers/lstm/cell": weights("LSTM")})
    with pytest.raises(ValueError, match="'nonsense' is not supported; .*hard_sigmoid.*tanh"):
        load(data, recurrent_activation="nonsense")


# ---- what is not right


def test_a_damaged_layer_does_not_stop_a_healthy_one() -> None:
    good, bad = weights("LSTM"), [np.full((3, 16), np.nan, "f4"), *weights("LSTM")[1:]]
    narrow = [np.zeros((3, 12), "f4"), *weights("LSTM")[1:]]
    odd = [np.zeros((3, 10), "f4"), np.zeros((5, 10), "f4")]
    config = [layer("LSTM", name) for name in ("a", "b", "c")]
    paths = {"layers/lstm/cell": bad, "layers/lstm_1/cell": good, "layers/lstm_2/cell": narrow}
    [block] = load(keras_archive(config, paths)).blocks
    same(block, lstm(good))
    assert block.assumed[0].startswith("another layer of the file is not read: kernel of a holds 48 values")
    assert block.assumed[1].startswith("another layer of the file is not read: kernel of c is (3, 12)")
    [block] = load(weights_file({"layers/x/cell": odd, "layers/lstm/cell": good})).blocks
    assert "recurrent_kernel of x is (5, 10), which fits no LSTM, GRU or RNN" in block.assumed[1]


def test_a_cell_with_weights_that_keras_has_not_is_not_an_lstm() -> None:
    """A peephole LSTM has an LSTM's three, and more; one with normalisation has layers in its cell."""
    values = weights("LSTM")
    more = {"a/a/cell/input_gate_peephole_weights:0": np.zeros(UNITS, "f4")}
    with pytest.raises(ValueError, match="^a has weights that no cell of Keras's own has: input_gate_peephole"):
        load(h5(None, named("a/a/cell", values) | more, {}))
    arrays = {f"layers/a/cell/vars/{k}": value for k, value in enumerate(values)}
    with pytest.raises(ValueError, match="a has weights that no cell of Keras's own has: kernel_norm"):
        load(h5(None, arrays | {"layers/a/cell/kernel_norm/vars/0": np.zeros(16, "f4")}, {}))
    [block] = load(h5(None, arrays | {"layers/a/cell/seed_generator/vars/0": np.zeros(2, "u4")}, {})).blocks
    same(block, lstm(values))


def test_a_custom_cell_is_named() -> None:
    rnn = {"class_name": "RNN", "config": {"name": "r", "cell": {"class_name": "Mine", "config": {}}}}
    stack = {
        "class_name": "StackedRNNCells",
        "config": {"cells": [layer("LSTMCell", "c"), {"class_name": "Mine", "config": {}}]},
    }
    for cell in (rnn, {"class_name": "RNN", "config": {"name": "r", "cell": stack}}):
        with pytest.raises(ValueError, match="the layer r is an RNN of Mine, which is not supported"):
            load(keras_archive([cell], {"layers/rnn/cell": weights("LSTM")}))
        [block] = load(keras_archive([cell, layer("LSTM", "l")], {"layers/lstm/cell": weights("LSTM")})).blocks
        assert "the layer r is an RNN of Mine" in block.assumed[0]


def test_the_weights_of_a_cell_that_is_not_read_are_not_taken_for_another() -> None:
    rnn = {"class_name": "RNN", "config": {"name": "r", "cell": {"class_name": "Mine", "config": {"units": UNITS}}}}
    values, lstms = weights("LSTM"), layer("LSTM", "l")
    for wrapper in (
        rnn,
        {"class_name": "TimeDistributed", "config": {"name": "t", "layer": rnn}},
        {"class_name": "Bidirectional", "config": {"name": "b", "layer": rnn}},
    ):
        top = wrapper["config"]["name"]
        path = f"{top}/{top}/forward_r/mine" if top == "b" else f"{top}/{top}/mine"
        [block] = load(old_file([wrapper, lstms], {path: values, "l/l/lstm_cell": values})).blocks
        assert block.name == "l"
        group = {"r": "rnn", "t": "time_distributed/layer", "b": "bidirectional/backward_layer"}[top]
        [block] = load(
            keras_archive([wrapper, lstms], {f"layers/{group}/cell": values, "layers/lstm/cell": values})
        ).blocks
        assert block.name == "l"


def test_keras_1_and_convolutions_are_named() -> None:
    old = {f"lstm_1/lstm_1_{kind}_{gate}": np.zeros((3, 4), "f4") for kind in "WU" for gate in "ifco"}
    with pytest.raises(ValueError, match="this file was written by Keras 1; load it in Keras 2 and save it again"):
        load(h5(None, old, {}))
    with pytest.raises(ValueError, match="the layer conv_lstm1d is a ConvLSTM, which is not supported"):
        load(h5(None, {"layers/conv_lstm1d/cell/vars/2": np.zeros(8, "f4")}, {}))


def test_weights_that_are_missing_are_named() -> None:
    with pytest.raises(ValueError, match="the weights of the layer m are not in the file"):
        load(keras_archive([layer("LSTM", "m")], {}))
    with pytest.raises(ValueError, match="the two directions of b are not both in the file"):
        config = [{"class_name": "Bidirectional", "config": {"name": "b", "layer": layer("LSTM", "l")}}]
        load(old_file(config, {"b/b/forward_l/lstm_cell": weights("LSTM")}))


def test_names_that_occur_twice_stay_apart() -> None:
    config = [layer("LSTM", "same"), layer("LSTM", "same"), layer("LSTM", "same_1")]
    paths = {f"layers/lstm{'_1' * k}/cell": weights("LSTM", seed=k, width=(INPUT, UNITS)[k]) for k in range(2)}
    loaded = load(keras_archive(config, paths | {"layers/lstm_2/cell": weights("LSTM", width=UNITS)}))
    assert [block.name for block in loaded.blocks] == ["same", "same_1", "same_1_1"]
    assert loaded["same_1"].reads == Source("same", ("LSTM same (last step)",))
