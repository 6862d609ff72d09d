"""Keras files, written here by hand as Keras writes them, against the layers' documented equations in NumPy."""

from __future__ import annotations

import io
import json
import lzma
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")

from lstm_core import load  # noqa: E402
from lstm_core.files.limits import Ambiguous  # noqa: E402

pytestmark = pytest.mark.usefixtures("in_place")
TIME, BATCH, INPUT, UNITS = 5, 2, 3, 4
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
SNAKE = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn"}


def weights(
    kind: str, bias: bool = True, reset_after: bool = True, seed: int = 0, width: int = INPUT
) -> list[np.ndarray]:
    """kernel, recurrent_kernel and bias, in the shapes that Keras gives them."""
    rng, wide = np.random.default_rng(seed), GATES[kind] * UNITS
    shape = (2, wide) if kind == "GRU" and reset_after else (wide,)
    found = [rng.normal(size=(width, wide)), rng.normal(size=(UNITS, wide)), rng.normal(size=shape)]
    return [value.astype(np.float32) for value in found[: 2 + bias]]


ACTIVATIONS: dict[str, Any] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_sigmoid before Keras 3": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "silu": lambda x: x / (1 + np.exp(-x)),
}


def by_the_documentation(
    kind: str,
    values: list[np.ndarray],
    x: np.ndarray,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    reset_after: bool = True,
    state: list[np.ndarray] | None = None,
) -> np.ndarray:
    """The sequence (batch, time, units) that the layer returns, in double precision."""
    kernel, recurrent, *rest = (value.astype(np.float64) for value in values)
    act, rec = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    h, c = [*(state or []), *(np.zeros((len(x), UNITS)),) * 2][:2]
    rows = []
    for t in range(x.shape[1]):
        if kind == "LSTM":
            z = x[:, t] @ kernel + h @ recurrent + (rest[0] if rest else 0)
            i, f, g, o = np.split(z, 4, axis=1)
            c = rec(f) * c + rec(i) * act(g)
            h = rec(o) * act(c)
        elif kind == "GRU":
            bias = rest[0] if rest else np.zeros((2, 3 * UNITS)) if reset_after else np.zeros(3 * UNITS)
            of_input, of_state = bias if reset_after else (bias, np.zeros(3 * UNITS))
            x_z, x_r, x_h = np.split(x[:, t] @ kernel + of_input, 3, axis=1)
            if reset_after:
                h_z, h_r, h_h = np.split(h @ recurrent + of_state, 3, axis=1)
                candidate = act(x_h + rec(x_r + h_r) * h_h)
            else:
                h_z, h_r = np.split(h @ recurrent[:, : 2 * UNITS], 2, axis=1)
                candidate = act(x_h + (rec(x_r + h_r) * h) @ recurrent[:, 2 * UNITS :])
            z = rec(x_z + h_z)
            h = z * h + (1 - z) * candidate
        else:
            h = act(x[:, t] @ kernel + h @ recurrent + (rest[0] if rest else 0))
        rows.append(h)
    return np.stack(rows, axis=1)


def inputs(width: int = INPUT) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(BATCH, TIME, width)).astype(np.float32)


def hidden(trace: Any, direction: int = 0) -> np.ndarray:
    return trace.signals["h"][0, direction].swapaxes(0, 1)


def layer(kind: str, name: str, **options: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, "units": UNITS, **options}}


def keras_archive(layers: list[dict[str, Any]], values: dict[str, list[np.ndarray]], version: str = "3.0.0") -> bytes:
    """A ``.keras`` file: its configuration, and an HDF5 file with numbered variables by path."""
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights_file(values))
    return buffer.getvalue()


def weights_file(values: dict[str, list[np.ndarray]]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("layers/dense/vars").create_dataset("0", data=np.zeros((2, 2)))
        file.create_group("layers/input_layer/vars")
        for path, arrays in values.items():
            group = file.create_group(f"{path}/vars")
            for k, value in enumerate(arrays):
                group.create_dataset(str(k), data=value)
    return buffer.getvalue()


def old_file(
    layers: list[dict[str, Any]],
    values: dict[str, list[np.ndarray]],
    config: bool = True,
    version: str | None = "2.4.0",
) -> bytes:
    """An ``.h5`` as Keras 2 and ``save("x.h5")`` write it: names of weights, and the configuration as an attribute."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        if version is not None:
            file.attrs["keras_version"] = version.encode()
        if config:
            model = {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
            file.attrs["model_config"] = json.dumps(model).encode()
        top = file.create_group("model_weights") if config else file
        for path, arrays in values.items():
            for name, value in zip(("kernel:0", "recurrent_kernel:0", "bias:0"), arrays, strict=False):
                top.create_dataset(f"{path}/{name}", data=value)
    return buffer.getvalue()


ONE = [
    ("LSTM", {}),
    ("LSTM", {"use_bias": False}),
    ("LSTM", {"activation": "relu", "recurrent_activation": "hard_sigmoid"}),
    ("LSTM", {"activation": "softsign", "recurrent_activation": "sigmoid"}),
    ("GRU", {"reset_after": True}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"reset_after": True, "use_bias": False}),
    ("GRU", {"reset_after": False, "use_bias": False, "activation": "elu", "recurrent_activation": "hard_sigmoid"}),
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu"}),
    ("SimpleRNN", {"activation": "silu", "use_bias": False}),
    ("SimpleRNN", {"activation": "linear"}),
]


@pytest.mark.parametrize(("kind", "options"), ONE)
@pytest.mark.parametrize("old", [False, True])
def test_each_layer(kind: str, options: dict[str, Any], old: bool) -> None:
    """From a ``.keras`` archive and from an older ``.h5``: the layer's own output for every step."""
    values = weights(kind, options.get("use_bias", True), options.get("reset_after", True))
    values = [value * 0.3 for value in values]
    config = [layer("InputLayer", "input"), layer(kind, "memory", **options), layer("Dense", "dense")]
    if old:
        data = old_file(config, {f"memory/memory/{SNAKE[kind]}_cell": values})
    else:
        data = keras_archive(config, {f"layers/{SNAKE[kind]}/cell": values})
    found = load(data)
    [block] = found.blocks
    assert found.format == "Keras" and block.name == "memory" and not block.assumed
    assert (block.input_size, block.hidden_size, block.directions) == (INPUT, UNITS, ("forward",))
    known = {key: options[key] for key in ("activation", "recurrent_activation", "reset_after") if key in options}
    if old and known.get("recurrent_activation") == "hard_sigmoid":
        known["recurrent_activation"] += " before Keras 3"
    expected = by_the_documentation(kind, values, inputs(), **known)
    np.testing.assert_allclose(hidden(block.trace(inputs())), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", GATES)
def test_a_bias_that_the_configuration_has_and_the_weights_lack_is_said(kind: str, old: bool) -> None:
    values = weights(kind, bias=False)
    for stated in (True, False):
        config = [layer("InputLayer", "input"), layer(kind, "memory", use_bias=stated, reset_after=True)]
        if old:
            data = old_file(config, {f"memory/memory/{SNAKE[kind]}_cell": values})
        else:
            data = keras_archive(config, {f"layers/{SNAKE[kind]}/cell": values})
        [block] = load(data).blocks
        said = "its bias is missing, which its configuration says it has, and zeros stand for it"
        assert (said in block.assumed) is stated


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("old", [False, True])
def test_bidirectional(kind: str, old: bool) -> None:
    """The backward layer reads from the end; its output is in the order of the input, as Bidirectional returns it."""
    forward, backward = weights(kind, seed=1), weights(kind, seed=2)
    inner = layer(kind, "inner", reset_after=True)
    config = [{"class_name": "Bidirectional", "config": {"name": "both", "layer": inner}}]
    snake = SNAKE[kind]
    data = (
        old_file(
            config,
            {f"both/both/{way}_inner/{snake}_cell": v for way, v in (("backward", backward), ("forward", forward))},
        )
        if old
        else keras_archive(
            config,
            {f"layers/bidirectional/{way}_layer/cell": v for way, v in (("backward", backward), ("forward", forward))},
        )
    )
    [block] = load(data).blocks
    assert block.name == "both" and block.directions == ("forward", "reverse")
    trace = block.trace(inputs())
    np.testing.assert_allclose(hidden(trace), by_the_documentation(kind, forward, inputs()), rtol=1e-5, atol=1e-6)
    back = by_the_documentation(kind, backward, inputs()[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(hidden(trace, 1), back, rtol=1e-5, atol=1e-6)


def test_layers_of_one_kind_are_told_apart() -> None:
    """Keras 3 counts a class among its neighbours: lstm, lstm_1; models in models have paths of their own."""
    first, second, third = (weights("LSTM", seed=k, width=w) for k, w in ((1, INPUT), (2, UNITS), (3, UNITS)))
    nested = {"class_name": "Functional", "config": {"name": "inside", "layers": [layer("LSTM", "deep")]}}
    config = [layer("LSTM", "one"), nested, layer("LSTM", "two", activation="relu")]
    data = keras_archive(
        config,
        {
            "layers/lstm/cell": first,
            "layers/lstm_1/cell": second,
            "layers/functional/layers/lstm/cell": third,
        },
    )
    found = load(data)
    assert [block.name for block in found.blocks] == ["one", "inside/deep", "two"]
    x, y = inputs(), inputs(UNITS)
    for name, values, data_in, options in (
        ("one", first, x, {}),
        ("inside/deep", third, y, {}),
        ("two", second, y, {"activation": "relu"}),
    ):
        expected = by_the_documentation("LSTM", values, data_in, **options)
        np.testing.assert_allclose(hidden(found[name].trace(data_in)), expected, rtol=1e-5, atol=1e-5)


def test_a_layer_that_goes_backwards() -> None:
    data = keras_archive([layer("GRU", "back", go_backwards=True)], {"layers/gru/cell": weights("GRU")})
    [block] = load(data).blocks
    assert block.directions == ("reverse",)
    expected = by_the_documentation("GRU", weights("GRU"), inputs()[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(hidden(block.trace(inputs())), expected, rtol=1e-5, atol=1e-6)
    short = block.trace(inputs(), lengths=[2, TIME])
    expected = by_the_documentation("GRU", weights("GRU"), inputs()[:1, 1::-1])[:, ::-1]
    np.testing.assert_allclose(hidden(short)[:1, :2], expected, rtol=1e-5, atol=1e-6)


def test_an_rnn_round_a_cell_and_a_state() -> None:
    config = [{"class_name": "RNN", "config": {"name": "wrapped", "cell": layer("LSTMCell", "c", activation="tanh")}}]
    [block] = load(keras_archive(config, {"layers/rnn/cell": weights("LSTM")})).blocks
    rng = np.random.default_rng(3)
    state = [np.tanh(rng.normal(size=(BATCH, UNITS))) for _ in range(2)]
    expected = by_the_documentation("LSTM", weights("LSTM"), inputs(), state=state)
    np.testing.assert_allclose(hidden(block.trace(inputs(), state)), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"takes 2 states of \(batch, unit\), not 1"):
        block.trace(inputs(), state[0])


def test_weights_alone() -> None:
    """``.weights.h5``: cells from the shapes, the rest as Keras has it by default, and it says so."""
    data = weights_file(
        {
            "layers/lstm/cell": weights("LSTM"),
            "layers/gru/cell": weights("GRU"),
            "layers/gru_1/cell": weights("GRU", reset_after=False),
            "layers/simple_rnn/cell": weights("SimpleRNN"),
            "layers/bidirectional/forward_layer/cell": weights("LSTM", seed=1),
            "layers/bidirectional/backward_layer/cell": weights("LSTM", seed=2),
        }
    )
    found = load(data)
    assert {block.name: block.cell.name for block in found.blocks} == {
        "lstm": "lstm",
        "gru": "gru",
        "gru_1": "gru_cho",
        "simple_rnn": "rnn",
        "bidirectional": "lstm",
    }
    assert all("weights alone" in block.assumed[0] for block in found.blocks)
    back = by_the_documentation("LSTM", weights("LSTM", seed=2), inputs()[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(hidden(found["bidirectional"].trace(inputs()), 1), back, rtol=1e-5, atol=1e-6)
    for name, kind, options in (("gru", "GRU", {}), ("gru_1", "GRU", {"reset_after": False})):
        expected = by_the_documentation(kind, weights(kind, **options), inputs(), **options)
        np.testing.assert_allclose(hidden(found[name].trace(inputs())), expected, rtol=1e-5, atol=1e-6)


def test_a_gru_without_bias_is_asked_about() -> None:
    """Its weights are the same for both kinds, and the file does not say which it is."""
    data = weights_file({"layers/gru/cell": weights("GRU", bias=False)})
    with pytest.raises(Ambiguous, match="gru: gru or gru_cho") as caught:
        load(data)
    assert caught.value.choices == {"gru": ("gru", "gru_cho")}
    for cell, reset_after in (("gru", True), ("gru_cho", False)):
        for asked in (cell, {"gru": cell}):
            [block] = load(data, cell=asked).blocks
            expected = by_the_documentation("GRU", weights("GRU", bias=False), inputs(), reset_after=reset_after)
            np.testing.assert_allclose(hidden(block.trace(inputs())), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="gru cannot be a lstm: its shapes fit gru or gru_cho"):
        load(data, cell="lstm")


def test_bfloat16_as_keras_stores_it() -> None:
    values = weights("LSTM")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("layers/lstm/cell/vars")
        for k, value in enumerate(values):
            dataset = group.create_dataset(str(k), data=(value.view(np.uint32) >> 16).astype(np.uint16))
            dataset.attrs["dtype"] = "bfloat16"
    [block] = load(buffer.getvalue()).blocks
    cut = [(value.view(np.uint32) >> 16 << 16).view(np.float32) for value in values]
    np.testing.assert_allclose(
        hidden(block.trace(inputs())), by_the_documentation("LSTM", cut, inputs()), rtol=1e-5, atol=1e-6
    )


def links(kind: str) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("layers/lstm/cell/vars")
        for k, value in enumerate(weights("LSTM")):
            group.create_dataset(str(k), data=value)
        if kind == "external":
            file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
        elif kind == "soft":
            file["elsewhere"] = h5py.SoftLink("/layers")
        elif kind == "cycle":
            file["layers/lstm/again"] = file["layers"]
        elif kind == "storage":
            del group["0"]
            group.create_dataset("0", (3, 16), "f4", external=[("/etc/hostname", 0, 192)])
        elif kind == "claim":
            del group["0"]
            group.create_dataset("0", (3, 10**9), "f4", chunks=(1, 1024), compression="gzip")
        elif kind == "text":
            del group["0"]
            group.create_dataset("0", data=np.array([[b"a"] * 16] * 3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: links("external"), "elsewhere is a link to another place, which is not followed"),
        (lambda: links("soft"), "elsewhere is a link to another place"),
        (lambda: links("cycle"), "nested more than 32 deep"),
        (lambda: links("storage"), "layers/lstm/.* lies in another file"),
        (lambda: links("claim"), r"layers/lstm/.* claims the shape \(3, 1000000000\)"),
        (lambda: links("text"), "holds no LSTM, GRU or RNN"),
        (lambda: links("")[:-3000], "damaged or cut short"),
        (
            lambda: weights_file({"layers/lstm/cell": [np.full((3, 16), np.inf), *weights("LSTM")[1:]]}),
            "kernel of lstm holds 48 values that are NaN or infinite",
        ),
        (lambda: weights_file({"layers/lstm/cell": [np.zeros((3, 12)), *weights("LSTM")[1:]]}), "kernel of lstm is"),
        (lambda: weights_file({"layers/x/cell": [np.zeros((3, 10)), np.zeros((5, 10))]}), "fits no LSTM, GRU or RNN"),
        (lambda: weights_file({}), "holds no LSTM, GRU or RNN"),
        (
            lambda: keras_archive([layer("LSTM", "m", activation="mystery")], {"layers/lstm/cell": weights("LSTM")}),
            "the layer m: the activation 'mystery' is not supported",
        ),
        (
            lambda: keras_archive(
                [{"class_name": "RNN", "config": {"name": "r", "cell": {"class_name": "Mine", "config": {}}}}], {}
            ),
            "the layer r is an RNN of Mine, which is not supported",
        ),
        (
            lambda: keras_archive(
                [{"class_name": "Bidirectional", "config": {"name": "b", "layer": layer("LSTM", "l")}}],
                {"layers/bidirectional/forward_layer/cell": weights("LSTM")},
            ),
            "the two directions of b are not both in the file",
        ),
    ],
)
def test_what_cannot_be_read_says_why(data: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(data())


def test_an_archive_that_unfolds_to_too_much() -> None:
    """Small on the disk, large in memory; and one that says it is small."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(50_000_000))
    bomb = buffer.getvalue()
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="unfolds to more than the 10,000,000 bytes"):
        load(bomb, max_bytes=10_000_000)
    lying = bomb.replace((50_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    with pytest.raises(ValueError, match="damaged|cut short|unfold"):
        load(lying, max_bytes=10_000_000)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = weights_file({})
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ValueError, match=r"which is not installed: pip install h5py"):
        load(data)


def test_a_file_that_keeps_the_library_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5 hangs on this damaged Keras file (found by fuzzing) and would take every thread of the process along."""
    from lstm_core.files import sandbox

    data = lzma.decompress((Path(__file__).parent / "data" / "hangs.h5.xz").read_bytes())
    monkeypatch.setattr(sandbox, "_confined", False)
    monkeypatch.setattr(sandbox, "SECONDS", 2)
    start = time.process_time()
    with pytest.raises(ValueError, match="could not be read within 2 s"):
        load(data)
    assert time.process_time() - start < 20
