"""Writes more of tests/files/keras/: what only Keras 3 or only Keras 2 has. It is run as make_keras.py is."""

from __future__ import annotations

import importlib
import lzma
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from make_keras import FOLDER, IDS, NEW, TIME, WIDTH, WORDS, L, X, array, filled, keras, of, rng, run, save, sequential


def half() -> None:
    """Stored in halves, which Keras computes with as well; the values are of the same numbers in float32."""
    layers = [
        L.LSTM(4, return_sequences=True, dtype="mixed_bfloat16", name="mixed"),
        L.GRU(3, return_sequences=True, dtype="bfloat16", recurrent_initializer="glorot_uniform", name="brain"),
        L.LSTM(3, return_sequences=True, dtype="float16", recurrent_initializer="glorot_uniform", name="half"),
        L.GRU(3, return_sequences=True, dtype="float64", name="double"),
    ]
    model = filled(sequential(*layers))
    truth = {}
    for layer, width in zip(layers, (WIDTH, 4, 3, 3), strict=True):
        kind, options = type(layer), layer.get_config()
        copy = kind.from_config({**options, "dtype": "float64" if layer.name == "double" else "float32"})
        x = rng.normal(size=(2, TIME, width)).astype(np.float64 if layer.name == "double" else np.float32)
        copy(x)
        copy.set_weights([np.asarray(w).astype(x.dtype) for w in layer.get_weights()])
        truth[layer.name] = of(x, run(copy.cell, x))
    save("k3_half" if NEW else "k2_half", model, truth, (".keras", ".h5"))


def own() -> None:
    """Classes of the author's own: with its options in the file, without, made from Keras's; a cell of its own."""

    @keras.saving.register_keras_serializable()
    class Told(L.Layer):
        def __init__(self, encoder: Any = None, **options: Any) -> None:
            super().__init__(**options)
            self.encoder = encoder

        def call(self, x: Any) -> Any:
            return self.encoder(x)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "encoder": keras.saving.serialize_keras_object(self.encoder)}

    @keras.saving.register_keras_serializable()
    class Silent(L.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.inner = L.GRU(3, return_sequences=True, activation="relu", name="inner")

        def call(self, x: Any) -> Any:
            return self.inner(x)

    @keras.saving.register_keras_serializable()
    class Mine(L.LSTM):
        pass

    @keras.saving.register_keras_serializable()
    class Cell(L.LSTMCell):
        pass

    told = Told(L.LSTM(4, return_sequences=True, activation="softsign", name="told_inner"), name="told")
    silent, mine = Silent(name="silent"), Mine(3, return_sequences=True, activation="elu", name="mine")
    last = L.GRU(2, return_sequences=True, name="last")
    model = filled(sequential(told, silent, L.RNN(Cell(3), return_sequences=True, name="strange"), mine, last))
    x3, x4 = (rng.normal(size=(2, TIME, width)).astype(np.float32) for width in (3, 4))
    truth = {"told/told_inner": of(X, run(told.encoder.cell, X)), "silent/inner": of(x4, run(silent.inner.cell, x4))}
    truth |= {"mine": of(x3, run(mine.cell, x3)), "last": of(x3, run(last.cell, x3))}
    save("k3_own", model, truth)


def subclassed() -> None:
    """A model of a class of the author's own: its file says nothing of its layers."""

    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.words = L.Embedding(WORDS, WIDTH)
            self.low = L.LSTM(4, return_sequences=True)
            self.heads = [L.GRU(2), L.GRU(2)]
            self.pair = L.Bidirectional(L.GRU(3, return_sequences=True))

        def call(self, ids: Any) -> Any:
            x = self.pair(self.low(self.words(ids)))
            return self.heads[0](x) + self.heads[1](x)

    model = Mine()
    model(IDS)
    filled(model)
    x = array(model.words(IDS))
    a = run(model.low.cell, x)
    pair = run(model.pair.forward_layer.cell, a[0]), run(model.pair.backward_layer.cell, a[0], back=True)
    y = np.concatenate([pair[0][0], pair[1][0]], -1)
    truth = {"lstm": of(x, a), "bidirectional": of(a[0], *pair)}
    truth |= {f"heads/gru{'_1' * k}": of(y, run(head.cell, y)) for k, head in enumerate(model.heads)}
    save("k3_subclassed", model, truth, (".keras", ".weights.h5"))


def convolution() -> None:
    """A layer that is not read beside one that is; several layers of one input; one layer on two inputs."""
    given, other = L.Input((5, TIME, WIDTH), name="given"), L.Input((None, 4), name="other")
    seen = L.ConvLSTM1D(2, 3, return_sequences=True, name="convolved")(given)
    flat = L.Reshape((5, -1))(seen)
    shared = L.LSTM(4, return_sequences=True, name="shared")
    low = L.Dense(4, name="fit")(flat)
    joined = L.Concatenate(name="joined")([shared(low), L.Dense(4)(shared(other))])
    last = L.GRU(3, name="last")
    alone = L.GRU(2, name="alone")
    model = filled(keras.Model([given, other], [last(joined), alone(other)]))
    x4, x8 = (rng.normal(size=(2, 5, width)).astype(np.float32) for width in (4, 8))
    truth = {"shared": of(x4, run(shared.cell, x4)), "last": of(x8, run(last.cell, x8))}
    truth["alone"] = of(x4, run(alone.cell, x4))
    save("k3_convolution", model, truth)


def shards() -> None:
    """Weights in several files, one cell's in two of them."""
    one, two = L.LSTM(4, return_sequences=True, name="one"), L.GRU(4, return_sequences=True, name="two")
    model = filled(sequential(one, two))
    a = run(one.cell, X)
    save("k3_shards", model, {"lstm": of(X, a), "gru": of(a[0], run(two.cell, a[0]))}, ())
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(f"{folder}/k3_shards.weights.json", max_shard_size=4e-7)
        for path in Path(folder).iterdir():
            (FOLDER / f"{path.name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))


def cudnn() -> None:
    """Layers of cuDNN, which need a GPU to run: the values are those of Keras's own layers with their weights, which
    Keras converts as it loads them."""
    rnn = importlib.import_module("tf_keras.src.layers.rnn")
    lstm, gru = (importlib.import_module(f"{rnn.__name__}.cudnn_{kind}") for kind in ("lstm", "gru"))
    one, two, three = "one", "two", "three"
    model = filled(
        sequential(
            lstm.CuDNNLSTM(4, return_sequences=True, name=one),
            L.Bidirectional(gru.CuDNNGRU(3, return_sequences=True), name=two),
            gru.CuDNNGRU(2, go_backwards=True, return_sequences=True, name=three),
        )
    )
    same = [
        L.LSTM(4, return_sequences=True, name=one),
        L.Bidirectional(L.GRU(3, return_sequences=True), name=two),
        L.GRU(2, go_backwards=True, return_sequences=True, name=three),
    ]
    copy = sequential(*same)
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(f"{folder}/x.h5")
        copy.load_weights(f"{folder}/x.h5")
    a = run(same[0].cell, X)
    pair = run(same[1].forward_layer.cell, a[0]), run(same[1].backward_layer.cell, a[0], back=True)
    x = np.concatenate([pair[0][0], pair[1][0]], -1)
    truth = {one: of(X, a), two: of(a[0], *pair), three: of(x, run(same[2].cell, x, back=True))}
    save("k2_cudnn", model, truth, (".keras", ".h5", "_weights.h5", ".weights.h5"))


if __name__ == "__main__":
    half()
    for write in (own, subclassed, convolution, shards) if NEW else (cudnn,):
        write()
