"""Writes tests/files/onnx/: models as exporters write them to ONNX, and what their cells compute.

python tests/files/make_onnx.py torch               # PyTorch 2.13.0, onnxscript 0.7.2, ONNX Runtime 1.32.0
python tests/files/make_onnx.py tensorflow          # Keras 3.15.1 and tf_keras 2.21.0 on TensorFlow, tf2onnx 1.17.0
KERAS_BACKEND=torch python tests/files/make_onnx.py keras_on_torch

Beside NAME.onnx, NAME.npz has under "model" what the whole network is given ("given.0", ...) and gives by ONNX Runtime,
and for the file's k-th block, "k.x" what its layer reads, (time, batch, input), and "k.h", "k.c" and its gates,
(direction, time, batch, unit), from the framework's own weights by the equations below, after they were found to give
the framework's own h.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
FOLDER = Path(__file__).parent / "onnx"
WORDS, TIME, BATCH, WIDTH, UNITS = 9, 5, 2, 3, 4

Signals = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(x: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray, h: Any = 0.0, c: Any = 0.0) -> Signals:
    """Rows of the weights in the order i, f, g, o."""
    rows = []
    h, c = (np.zeros((x.shape[1], u.shape[1])) + state for state in (h, c))
    for step in x.astype(np.float64):
        i, f, g, o = np.split(step @ w.T + h @ u.T + b, 4, axis=-1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        rows.append((i, f, g, o, c, h))
    return {name: np.stack(values) for name, values in zip("ifgoch", zip(*rows, strict=True), strict=True)}


def gru(
    x: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray, inner: np.ndarray, after: bool = True, h: Any = 0.0
) -> Signals:
    """Rows in the order r, z, n. inner: biases of the products with h. after: the reset gate acts after the product."""
    rows = []
    h = np.zeros((x.shape[1], u.shape[1])) + h
    ur, uz, un = np.split(u, 3)
    br, bz, bn = np.split(inner, 3)
    for step in x.astype(np.float64):
        xr, xz, xn = np.split(step @ w.T + b, 3, axis=-1)
        r, z = sigmoid(xr + h @ ur.T + br), sigmoid(xz + h @ uz.T + bz)
        n = np.tanh(xn + (r * (h @ un.T + bn) if after else (r * h) @ un.T + bn))
        h = (1 - z) * n + z * h
        rows.append((r, z, n, h))
    return {name: np.stack(values) for name, values in zip("rznh", zip(*rows, strict=True), strict=True)}


def rnn(x: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray, function: Any = np.tanh) -> Signals:
    rows = []
    h = np.zeros((x.shape[1], u.shape[1]))
    for step in x.astype(np.float64):
        a = step @ w.T + h @ u.T + b
        h = function(a)
        rows.append((a, h))
    return {name: np.stack(values) for name, values in zip("ah", zip(*rows, strict=True), strict=True)}


def both(*directions: Signals) -> Signals:
    """The signals of a layer; those of a backward direction were computed from the last step on."""
    turned = [directions[0], *({name: value[::-1] for name, value in one.items()} for one in directions[1:])]
    return {name: np.stack([one[name] for one in turned]) for name in turned[0]}


def read(layer: Signals) -> np.ndarray:
    """What a layer on top reads."""
    return np.concatenate(list(layer["h"]), axis=-1)


def near(found: Any, expected: Any, within: float = 1e-5) -> None:
    difference = float(np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64)).max())
    assert difference < within, difference


def bare(data: bytes) -> bytes:
    """The model without what an exporter notes of where in the source a node comes from."""
    import onnx

    model = onnx.load_from_string(data)
    waiting: list[Any] = [model, model.graph, *model.functions]
    while waiting:
        proto = waiting.pop()
        proto.ClearField("metadata_props")
        proto.ClearField("doc_string")
        waiting += [*getattr(proto, "node", ()), *getattr(proto, "value_info", ()), *getattr(proto, "initializer", ())]
        waiting += (
            [*getattr(proto, "input", ()), *getattr(proto, "output", ())] if hasattr(proto, "initializer") else []
        )
        waiting += [attribute.g for attribute in getattr(proto, "attribute", ()) if _holds_graph(attribute)]
    return model.SerializeToString()


def _holds_graph(attribute: Any) -> bool:
    return not isinstance(attribute, str) and attribute.HasField("g")


def keep(name: str, data: bytes, given: Sequence[np.ndarray], blocks: Sequence[tuple[np.ndarray, Signals]]) -> None:
    """Write the file and its values, after ONNX Runtime has run it."""
    data = bare(data)
    (FOLDER / f"{name}.onnx").write_bytes(data)
    session = onnxruntime.InferenceSession(str(FOLDER / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    feeds = {value.name: array for value, array in zip(session.get_inputs(), given, strict=True)}
    values: dict[str, np.ndarray] = {f"given.{k}": array for k, array in enumerate(given)}
    values["model"] = session.run(None, feeds)[0]
    for k, (x, signals) in enumerate(blocks):
        values |= {f"{k}.x": x.astype(np.float32)}
        values |= {f"{k}.{key}": value.astype(np.float32) for key, value in signals.items()}
    np.savez_compressed(FOLDER / f"{name}.npz", **values)
    print(f"{name}: {len(data):,} bytes, {len(blocks)} blocks")


def with_torch() -> None:
    import torch
    from torch import nn

    torch.manual_seed(12)
    ids = torch.tensor(np.random.default_rng(12).integers(0, WORDS, (TIME, BATCH)))
    sequence = torch.randn(TIME, BATCH, WIDTH)

    class Words(nn.Module):
        """An embedding, a recurrent layer and an output layer."""

        def __init__(self, kind: str, width: int = WIDTH, units: int = UNITS, **options: Any) -> None:
            super().__init__()
            self.words = nn.Embedding(WORDS, width)
            self.rnn = getattr(nn, kind)(width, units, **options)
            self.out = nn.Linear(units * (1 + bool(options.get("bidirectional"))), WORDS)

        def forward(self, ids: Any) -> Any:
            return self.out(self.rnn(self.words(ids))[0])

    class Cells(nn.Module):
        """Cells on top of each other, stepped in a loop."""

        def __init__(self, *kinds: str) -> None:
            super().__init__()
            sizes = [WIDTH, *range(UNITS, UNITS + len(kinds))]
            self.cells = nn.ModuleList(getattr(nn, kind)(*sizes[k : k + 2]) for k, kind in enumerate(kinds))

        def forward(self, x: Any) -> Any:
            states = [x.new_zeros(x.shape[1], cell.hidden_size) for cell in self.cells]
            memories, found = list(states), []
            for step in range(x.shape[0]):
                value = x[step]
                for k, cell in enumerate(self.cells):
                    if isinstance(cell, nn.LSTMCell):
                        states[k], memories[k] = cell(value, (states[k], memories[k]))
                    else:
                        states[k] = cell(value, states[k])
                    value = states[k]
                found.append(value)
            return torch.stack(found)

    class Learned(nn.Module):
        """Begins with states that were learned, the same for every sequence."""

        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(WIDTH, UNITS)
            self.h, self.c = (nn.Parameter(torch.randn(1, 1, UNITS)) for _ in range(2))

        def forward(self, x: Any) -> Any:
            batch = x.shape[1]
            return self.rnn(x, (self.h.expand(-1, batch, -1).contiguous(), self.c.repeat(1, batch, 1)))[0]

    class Between(nn.Module):
        """A convolution before the first layer, a normalization and a residual sum before the second."""

        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv1d(WIDTH, UNITS, 3, padding=1)
            self.first, self.second = nn.LSTM(UNITS, UNITS, batch_first=True), nn.GRU(UNITS, UNITS, batch_first=True)
            self.norm = nn.LayerNorm(UNITS)
            self.out = nn.Linear(UNITS, 2)

        def forward(self, x: Any) -> Any:
            x = self.convolution(x.transpose(1, 2)).transpose(1, 2)
            x = x + self.norm(self.first(x)[0])
            return torch.softmax(self.out(self.second(x)[0][:, -1]), -1)

    class Translator(nn.Module):
        """A decoder that begins where the encoder ended, and one length for each sequence."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.GRU(WIDTH, UNITS), nn.GRU(UNITS, UNITS)

        def forward(self, x: Any, lengths: Any) -> Any:
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=True)
            packed, h = self.encoder(packed)
            return self.decoder(nn.utils.rnn.pad_packed_sequence(packed)[0], h)[0]

    def export(module: Any, *given: Any, **options: Any) -> bytes:
        file = io.BytesIO()
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), torch.no_grad():
            if options.get("dynamo"):
                torch.onnx.export(module.eval(), given, **options).save(file)
            else:
                torch.onnx.export(module.eval(), given, file, **options)
        return file.getvalue()

    def layers(module: Any, x: np.ndarray, **states: Any) -> list[tuple[np.ndarray, Signals]]:
        """What each layer of an nn.LSTM, GRU or RNN reads and computes; ``x`` is (time, batch, input)."""
        found, kind = [], type(module).__name__
        arrays = {key: value.detach().numpy().astype(np.float64) for key, value in module.named_parameters()}
        for layer in range(module.num_layers):
            directions = []
            for way in ("", "_reverse") if module.bidirectional else ("",):
                w, u = (arrays[f"weight_{part}_l{layer}{way}"] for part in ("ih", "hh"))
                zero = np.zeros(len(w))
                b, inner = (arrays.get(f"bias_{part}_l{layer}{way}", zero) for part in ("ih", "hh"))
                turned = x[::-1] if way else x
                if kind == "LSTM":
                    directions.append(lstm(turned, w, u, b + inner, **states))
                elif kind == "GRU":
                    directions.append(gru(turned, w, u, b, inner, **states))
                else:
                    relu = getattr(module, "nonlinearity", "tanh") == "relu"
                    function = (lambda v: np.maximum(v, 0)) if relu else np.tanh
                    directions.append(rnn(turned, w, u, b + inner, function))
            found.append((x, both(*directions)))
            x = read(found[-1][1])
        return found

    def single(cell: Any, x: np.ndarray) -> Signals:
        w, u, b, inner = (value.detach().numpy().astype(np.float64) for value in cell.parameters())
        kind = type(cell).__name__
        if kind == "GRUCell":
            return both(gru(x, w, u, b, inner))
        return both(lstm(x, w, u, b + inner) if kind == "LSTMCell" else rnn(x, w, u, b + inner))

    def words(name: str, module: Any, **options: Any) -> bytes:
        rows = module.words(ids).detach()
        x = rows.numpy().swapaxes(0, 1) if module.rnn.batch_first else rows.numpy()
        blocks = layers(module.rnn, x)
        h = module.rnn(rows)[0].detach().numpy()
        near(read(blocks[-1][1]), h.swapaxes(0, 1) if module.rnn.batch_first else h)
        data = export(module, ids, **options)
        keep(name, data, [ids.numpy()], blocks)
        near(np.load(FOLDER / f"{name}.npz")["model"], module(ids).detach().numpy())
        return data

    def cells(name: str, kinds: Sequence[str], **options: Any) -> None:
        module, x, blocks = Cells(*kinds), sequence.numpy(), []
        for cell in module.cells:
            blocks.append((x, single(cell, x)))
            x = read(blocks[-1][1])
        near(x, module(sequence).detach().numpy())
        keep(name, export(module, sequence, **options), [sequence.numpy()], blocks)

    old: dict[str, Any] = {"dynamo": False, "input_names": ["x"]}
    new: dict[str, Any] = {"dynamo": True}
    by_time = {"dynamic_axes": {"x": {0: "time", 1: "batch"}}}
    by_batch = {"dynamic_shapes": ({1: torch.export.Dim.DYNAMIC},)}
    lstm_data = words("old_lstm", Words("LSTM"), **old)
    words("old_lstm_unfolded", Words("LSTM"), **old, do_constant_folding=False)
    words("old_rnn_unfolded", Words("RNN", nonlinearity="relu"), **old, do_constant_folding=False)
    two = {"num_layers": 2, "bidirectional": True}
    words("old_gru_two", Words("GRU", **two, batch_first=True), **old, dynamic_axes={"x": {0: "batch", 1: "time"}})
    words("new_lstm_two", Words("LSTM", **two), **new)
    words("new_lstm_raw", Words("LSTM", num_layers=2), **new, optimize=False, **by_batch)
    words("new_gru_raw", Words("GRU", bias=False), **new, optimize=False)
    words("new_gru", Words("GRU", **two, batch_first=True), **new)
    words("new_rnn", Words("RNN"), **new)
    words("new_rnn_two", Words("RNN", **two, nonlinearity="relu", batch_first=True), **new)
    words("new_rnn_raw", Words("RNN", bias=False), **new, optimize=False)
    for name, options in {"old": old, "old_open": old | by_time, "new": new, "raw": new | {"optimize": False}}.items():
        cells(f"cells_lstm_{name}", ["LSTMCell"], **options)
        cells(f"cells_gru_{name}", ["GRUCell"], **options)
    cells("cells_rnn_new", ["RNNCell"], **new, **by_batch)
    cells("cells_stacked", ["LSTMCell", "GRUCell", "RNNCell"], **new)

    learned, x = Learned(), sequence.numpy()
    blocks = layers(learned.rnn, x, h=learned.h.detach().numpy()[0], c=learned.c.detach().numpy()[0])
    near(read(blocks[0][1]), learned(sequence).detach().numpy())
    keep("old_learned", export(learned, sequence, **old, **by_time), [x], blocks)
    keep("new_learned", export(learned, sequence, **new, **by_batch), [x], blocks)

    between = Between().eval()
    given = sequence.transpose(0, 1)
    with torch.no_grad():
        x = between.convolution(given.transpose(1, 2)).transpose(1, 2)
        above = x + between.norm(between.first(x)[0])
    blocks = [
        *layers(between.first, x.numpy().swapaxes(0, 1)),
        *layers(between.second, above.numpy().swapaxes(0, 1)),
    ]
    near(blocks[1][1]["h"][0], between.second(above)[0].detach().numpy().swapaxes(0, 1))
    keep("old_between", export(between, given, **old), [given.numpy()], blocks)
    keep("new_between", export(between, given, **new), [given.numpy()], blocks)

    translator, lengths = Translator().eval(), torch.tensor([TIME, 3])
    blocks = layers(translator.encoder, sequence.numpy())
    padded = read(blocks[0][1])
    padded[3:, 1] = 0
    last = np.stack([padded[TIME - 1, 0], padded[2, 1]])
    blocks += layers(translator.decoder, padded, h=last)
    near(blocks[1][1]["h"][0], translator(sequence, lengths).detach().numpy())
    data = export(translator, sequence, lengths, dynamo=False, input_names=["x", "lengths"])
    keep("old_translator", data, [sequence.numpy(), lengths.numpy()], blocks)

    class Scanned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.GRUCell(WIDTH, UNITS)

        def forward(self, x: Any) -> Any:
            from torch._higher_order_ops.scan import scan

            def step(h: Any, x: Any) -> Any:
                h = self.cell(x, h)
                return h, h.clone()

            return scan(step, torch.zeros(BATCH, UNITS), x, dim=0)[1]

    scanned = Scanned().eval()
    keep(
        "new_scan",
        export(scanned, sequence, **new),
        [sequence.numpy()],
        [(sequence.numpy(), single(scanned.cell, sequence.numpy()))],
    )
    near(np.load(FOLDER / "new_scan.npz")["model"], np.load(FOLDER / "new_scan.npz")["0.h"][0])

    module = Words("LSTM", 8, 12)  # small tensors stay inside
    path = FOLDER / "new_outside.onnx"
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        torch.onnx.export(module.eval(), (ids,), path, dynamo=True, external_data=True)
    keep("new_outside", path.read_bytes(), [ids.numpy()], layers(module.rnn, module.words(ids).detach().numpy()))

    with_runtime(lstm_data, ids.numpy())


def with_runtime(data: bytes, ids: np.ndarray) -> None:
    """A model as ONNX Runtime quantises it, optimizes it and makes it half precision."""
    import onnx
    from onnx import helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.float16 import convert_float_to_float16

    values = np.load(FOLDER / "old_lstm.npz")
    signals = {key[2:]: value for key, value in values.items() if key.startswith("0.") and key != "0.x"}
    blocks = [(values["0.x"], signals)]
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        before.write_bytes(data)
        for name, per_channel in (("runtime_quantised", False), ("runtime_quantised_rows", True)):
            quantize_dynamic(
                before,
                after,
                per_channel=per_channel,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["LSTM", "MatMul", "Gather"],
            )
            keep(name, after.read_bytes(), [ids], blocks)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(after)
        onnxruntime.InferenceSession(str(FOLDER / "new_lstm_raw.onnx"), options, providers=["CPUExecutionProvider"])
        values = np.load(FOLDER / "new_lstm_raw.npz")
        layers = [
            (values[f"{k}.x"], {key[2:]: values[key] for key in values if key.startswith(f"{k}.") and key[2:] != "x"})
            for k in range(2)
        ]
        keep("runtime_optimized", after.read_bytes(), [values["given.0"]], layers)
    half = convert_float_to_float16(onnx.load_from_string(data), keep_io_types=True)
    keep("runtime_half", half.SerializeToString(), [ids], blocks)

    # Weights of eight bits that the graph itself makes floats of, as tools that only compress write them.
    model = onnx.load_from_string(data)
    [node] = [node for node in model.graph.node if node.op_type == "LSTM"]
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for position in (1, 2):
        name = node.input[position]
        array = numpy_helper.to_array(tensors[name])
        scale = np.abs(array).max(axis=(0, 2)).astype(np.float32) / 127
        small = np.round(array / scale[:, None]).astype(np.int8)
        model.graph.initializer.remove(tensors[name])
        parts = {f"{name}_small": small, f"{name}_scale": scale, f"{name}_zero": np.zeros(len(scale), np.int8)}
        model.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in parts.items())
        model.graph.node.insert(0, helper.make_node("DequantizeLinear", list(parts), [name], axis=1))
    keep("weights_of_eight_bits", model.SerializeToString(), [ids], blocks)


def keras_blocks(layers: Sequence[Any], x: np.ndarray) -> list[tuple[np.ndarray, Signals]]:
    """What each of Keras's recurrent layers reads and computes; ``x`` is (batch, time, input)."""
    found = []
    x = x.swapaxes(0, 1)
    for layer in layers:
        parts = [layer.forward_layer, layer.backward_layer] if hasattr(layer, "forward_layer") else [layer]
        directions = []
        for k, part in enumerate(parts):
            kernel, recurrent, *bias = (np.asarray(value, np.float64) for value in part.get_weights())
            turned = x[::-1] if k else x
            if type(part).__name__ == "LSTM":
                directions.append(lstm(turned, kernel.T, recurrent.T, bias[0]))
            elif type(part).__name__ == "GRU":  # z, r, n
                order = np.arange(3 * recurrent.shape[0]).reshape(3, -1)[[1, 0, 2]].ravel()
                b, inner = (bias[0], 0 * bias[0]) if bias[0].ndim == 1 else bias[0]
                after = part.reset_after
                directions.append(gru(turned, kernel.T[order], recurrent.T[order], b[order], inner[order], after))
            else:
                directions.append(rnn(turned, kernel.T, recurrent.T, bias[0]))
        found.append((x, both(*directions)))
        x = read(found[-1][1])
    return found


def keras_model(keras: Any, reset_after: bool = True) -> Any:
    layers = keras.layers
    rng = np.random.default_rng(12)
    model = keras.Sequential(
        [
            layers.Input((TIME,), dtype="int32"),
            layers.Embedding(WORDS, WIDTH),
            layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True)),
            layers.GRU(UNITS + 1, return_sequences=True, reset_after=reset_after),
            layers.LSTM(UNITS),
            layers.Dense(WORDS),
        ]
    )
    model.set_weights([rng.normal(0, 0.7, value.shape).astype(value.dtype) for value in model.get_weights()])
    return model


def keras_values(model: Any, ids: np.ndarray, within: float = 1e-5) -> list[tuple[np.ndarray, Signals]]:
    rows = np.asarray(model.layers[0].get_weights()[0])[ids]
    blocks = keras_blocks(model.layers[1:4], rows)
    kernel, bias = (np.asarray(value) for value in model.layers[4].get_weights())
    near(read(blocks[2][1])[-1] @ kernel + bias, np.asarray(model.predict(ids, verbose=0)), within)
    return blocks


IDS = np.random.default_rng(12).integers(0, WORDS, (BATCH, TIME)).astype(np.int32)


def with_keras(name: str) -> None:
    import keras

    model = keras_model(keras)
    blocks = keras_values(model, IDS)
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        model.export(f"{folder}/model.onnx", format="onnx", verbose=False)
        data = Path(folder, "model.onnx").read_bytes()
    keep(name, data, [IDS], blocks)


def with_tensorflow() -> None:
    import tensorflow as tf
    import tf2onnx
    import tf_keras

    with_keras("keras_on_tensorflow")
    layers, rng = tf_keras.layers, np.random.default_rng(12)

    def convert(name: str, *parts: Any, given: np.ndarray) -> None:
        """A model of these layers, of which those that are recurrent come last."""
        model = tf_keras.Sequential([layers.Input(given.shape[1:], dtype=given.dtype), *parts])
        model.set_weights([rng.normal(0, 0.7, value.shape).astype(value.dtype) for value in model.get_weights()])
        count = sum(hasattr(part, "cell") for part in parts)
        below = tf_keras.Sequential(parts[:-count]).predict(given, verbose=0) if len(parts) > count else given
        blocks = keras_blocks(parts[-count:], below)
        near(read(blocks[-1][1])[-1], model.predict(given, verbose=0))
        spec = [tf.TensorSpec((None, *given.shape[1:]), given.dtype)]
        made, _ = tf2onnx.convert.from_keras(model, input_signature=spec, opset=15)
        keep(name, made.SerializeToString(), [given], blocks)

    x = rng.normal(size=(BATCH, TIME, WIDTH)).astype(np.float32)
    convert("tf2onnx_plain", layers.SimpleRNN(UNITS, return_sequences=True), layers.SimpleRNN(5), given=x)
    convert("tf2onnx_masked", layers.Embedding(WORDS, WIDTH, mask_zero=True), layers.LSTM(UNITS), given=IDS.clip(1))
    convert("tf2onnx_convolution", layers.Conv1D(UNITS, 3, padding="same"), layers.GRU(5, reset_after=False), given=x)
    for name, after in (("tf2onnx", True), ("tf2onnx_reset_before", False)):
        model = keras_model(tf_keras, after)
        blocks = keras_values(model, IDS)
        made, _ = tf2onnx.convert.from_keras(model, input_signature=[tf.TensorSpec((None, TIME), tf.int32)], opset=15)
        keep(name, made.SerializeToString(), [IDS], blocks)


WAYS: Mapping[str, Any] = {
    "torch": with_torch,
    "tensorflow": with_tensorflow,
    "keras_on_torch": lambda: with_keras("keras_on_torch"),
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
