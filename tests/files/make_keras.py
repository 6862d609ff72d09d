"""Writes tests/files/keras/: models as Keras 3 and as Keras 2 save them, and what their layers compute.

KERAS_BACKEND=torch python tests/files/make_keras.py keras      # Keras 3.15.1 wrote k3_*
python tests/files/make_keras.py tf_keras                       # tf_keras 2.21.0 on TensorFlow 2.21.0 wrote k2_*

Each file is kept as it was written, packed by xz. Beside it, NAME.npz has for each block what its layer reads (x) and
gives (h, and c of an LSTM) by the framework's own cells, each (layer, direction, batch, time, unit), and under "model"
what the whole network is given and gives.
"""

from __future__ import annotations

import importlib
import lzma
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
FOLDER = Path(__file__).parent / "keras"
WORDS, TIME, WIDTH = 9, 6, 3
NEW = len(sys.argv) > 1 and sys.argv[1] == "keras"
keras = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "keras")
L = keras.layers
rng = np.random.default_rng(12)
X = rng.normal(size=(2, TIME, WIDTH)).astype(np.float32)
IDS = np.array([[3, 1, 4, 1, 5, 0], [0, 0, 2, 6, 5, 3]])
READ = IDS != 0

Truth = dict[str, np.ndarray]


def filled(model: Any) -> Any:
    """The model with weights that leave no gate at rest."""
    model.set_weights([rng.normal(0, 0.7, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def array(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value) if NEW else value)


def run(cell: Any, x: np.ndarray, mask: np.ndarray | None = None, back: bool = False) -> tuple[np.ndarray, ...]:
    """h, and c of an LSTM, of every step, by the framework's RNN around its own cell; c by all beginnings of ``x``."""
    x, mask = (x[:, ::-1], None if mask is None else mask[:, ::-1]) if back else (x, mask)
    some = (lambda end: {}) if mask is None else (lambda end: {"mask": mask[:, :end]})
    layer = L.RNN(cell, return_state=True, dtype=x.dtype.name)
    states = [layer(x[:, :end], **some(end))[1:] for end in range(1, x.shape[1] + 1)]
    rows = [np.stack([array(row[k]) for row in states], axis=1) for k in range(len(states[0]))]
    return tuple(row[:, ::-1] if back else row for row in rows)


def of(x: np.ndarray, *runs: tuple[np.ndarray, ...], stacked: bool = False) -> Truth:
    """One block's values: ``runs`` are its directions or, stacked, its layers."""
    found = {"x": x}
    for name, rows in zip("hc", zip(*runs, strict=True), strict=False):
        found[name] = np.stack(rows)[:, None] if stacked else np.stack(rows)[None]
    return found


def save(name: str, model: Any, truth: dict[str, Truth], ways: Sequence[str] = (".keras",)) -> None:
    """ways: ".keras", ".h5", ".weights.h5", or "_weights.h5" for the older kind of weights alone."""
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            path = Path(folder) / f"{name}{way}"
            (model.save_weights if "weights" in way else model.save)(str(path))
            (FOLDER / f"{path.name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
    flat = {f"{block}|{key}": value for block, values in truth.items() for key, value in values.items()}
    np.savez_compressed(FOLDER / f"{name}.npz", **flat)


def sequential(*layers: Any, shape: tuple[Any, ...] = (None, WIDTH)) -> Any:
    return keras.Sequential([L.Input(shape), *layers])


# ---- what both write


def plain(prefix: str, **options: Any) -> None:
    """Functions that are not the usual ones, a layer from the end, no bias, and an output layer."""
    one = L.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid", name="hard")
    two = L.GRU(3, return_sequences=True, reset_after=False, use_bias=False, activation="softsign", name="cho")
    three = L.SimpleRNN(3, return_sequences=True, activation="relu", name="plain")
    four = L.GRU(4, go_backwards=True, recurrent_activation="hard_sigmoid", return_sequences=True, name="back")
    five = L.LSTM(3, activation="elu", dropout=0.3, recurrent_dropout=0.2, stateful=False, name="last")
    layers = [one, L.Dropout(0.5), two, L.Activation("linear"), three, four, five, L.Dense(5, name="out")]
    model = filled(sequential(*layers))
    a = run(one.cell, X)
    b = run(two.cell, a[0])
    c = run(three.cell, b[0])
    d = run(four.cell, c[0], back=True)
    e = run(five.cell, d[0][:, ::-1])
    truth = {"hard": of(X, a), "cho": of(a[0], b), "plain": of(b[0], c), "back": of(c[0], d)}
    truth["last"] = of(d[0][:, ::-1], e)
    weight, bias = layers[-1].get_weights()
    np.testing.assert_allclose(e[0][:, -1] @ weight + bias, array(model(X)), atol=1e-5)
    save(f"{prefix}_plain", model, truth, **options)


def masked(prefix: str, **options: Any) -> None:
    """Steps that are skipped in the middle, at the start and at the end, through layers on top of each other."""
    x = X.copy()
    x[0, 4:] = x[1, :2] = x[1, 3] = 0.5
    read = (x != 0.5).any(-1)
    one = L.LSTM(4, return_sequences=True, name="one")
    two = L.Bidirectional(L.GRU(3, return_sequences=True, reset_after=True), name="two")
    three = L.LSTM(2, return_sequences=True, name="three")
    model = filled(sequential(L.Masking(0.5), one, L.SpatialDropout1D(0.1), two, three, L.TimeDistributed(L.Dense(2))))
    a = run(one.cell, x, read)
    b = [run(two.forward_layer.cell, a[0], read), run(two.backward_layer.cell, a[0], read, back=True)]
    c = run(three.cell, np.concatenate([b[0][0], b[1][0]], -1), read)
    truth = {"one": of(x, a), "two": of(a[0], *b), "three": of(np.concatenate([b[0][0], b[1][0]], -1), c)}
    save(f"{prefix}_masked", model, truth | {"model": {"x": x, "y": c[0]}}, **options)


def words(prefix: str, **options: Any) -> None:
    """An encoder whose last state a decoder starts from, over one embedding with padding; two output layers."""
    ids = L.Input((None,), name="ids")
    vectors = L.Embedding(WORDS, WIDTH, mask_zero=True, name="words")
    encoder = L.LSTM(4, return_sequences=True, return_state=True, name="encoder")
    decoder = L.LSTM(4, return_sequences=True, name="decoder")
    steps, h, c = encoder(vectors(ids))
    out = decoder(vectors(ids), initial_state=[h, c])
    each = L.TimeDistributed(L.Dense(4, name="in"), name="each")(out)
    logits = L.Dense(WORDS, activation="softmax", name="logits")(each)
    side = L.Dense(2, name="side")(steps)
    model = filled(keras.Model(ids, [logits, side]))
    x = array(vectors(IDS))
    first = run(encoder.cell, x, READ)
    # From zeros, as a trace of the block alone starts. Keras 3 hands no mask to a layer that is given a state.
    second = run(decoder.cell, x, None if NEW else READ)
    network = {"x": IDS, "decoder": array(keras.Model(ids, out)(IDS))}
    save(f"{prefix}_words", model, {"encoder": of(x, first), "decoder": of(x, second), "model": network}, **options)


def directions(prefix: str, **options: Any) -> None:
    """Bidirectional layers: of two classes, of two widths, added up, and of a stack of cells."""
    one = L.Bidirectional(
        L.LSTM(4, return_sequences=True, activation="relu"),
        backward_layer=L.GRU(3, return_sequences=True, go_backwards=True, recurrent_activation="hard_sigmoid"),
        name="classes",
    )
    narrow = L.GRU(3, return_sequences=True, go_backwards=True)
    two = L.Bidirectional(L.GRU(4, return_sequences=True), backward_layer=narrow, name="widths")
    three = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="sum", name="added")
    four = L.Bidirectional(L.RNN([L.LSTMCell(4), L.LSTMCell(4)], return_sequences=True), name="stacks")
    given = L.Input((None, WIDTH))
    model = filled(keras.Model(given, [one(given), two(given), four(three(given))]))
    truth = {}
    for name, layer in (("classes", one), ("widths", two)):
        forward, backward = run(layer.forward_layer.cell, X), run(layer.backward_layer.cell, X, back=True)
        truth |= {f"{name}/forward": of(X, forward), f"{name}/backward": of(X, backward)}
    forward, backward = run(three.forward_layer.cell, X), run(three.backward_layer.cell, X, back=True)
    truth["added"] = of(X, forward, backward)
    x = forward[0] + backward[0]
    for way, layer in (("forward", four.forward_layer), ("backward", four.backward_layer)):
        low = run(layer.cell.cells[0], x, back=way == "backward")
        high = run(layer.cell.cells[1], low[0], back=way == "backward")
        truth[f"stacks/{way}"] = of(x, low, high, stacked=True)
    y = np.concatenate([truth[f"stacks/{way}"]["h"][-1, 0] for way in ("forward", "backward")], -1)
    np.testing.assert_allclose(array(model(X)[2]), y, atol=1e-5)
    save(f"{prefix}_directions", model, truth, **options)


def stacks(prefix: str, **options: Any) -> None:
    """RNN layers of lists of cells: of one kind and width, and of several."""
    one = L.RNN([L.GRUCell(4), L.GRUCell(4), L.GRUCell(4)], return_sequences=True, name="same")
    pair = [L.LSTMCell(4, name="low"), L.GRUCell(3, name="high")]
    two = L.RNN(pair, return_sequences=True, go_backwards=True, name="mixed")
    three = L.RNN(L.SimpleRNNCell(5), return_sequences=True, name="single")
    model = filled(sequential(one, two, three))
    cells, x = [], X
    for cell in one.cell.cells:
        cells.append(run(cell, x))
        x = cells[-1][0]
    low = run(two.cell.cells[0], x, back=True)
    high = run(two.cell.cells[1], low[0], back=True)
    last = run(three.cell, high[0][:, ::-1])
    np.testing.assert_allclose(array(model(X)), last[0], atol=1e-5)
    truth = {"same": of(X, *cells, stacked=True), "mixed/low": of(x, low), "mixed/high": of(low[0], high)}
    save(f"{prefix}_stacks", model, truth | {"single": of(high[0][:, ::-1], last)}, **options)


def nested(prefix: str, **options: Any) -> None:
    """Models in models and in wrappers, one of them not trained, and layers between that change what is read."""
    inside = L.Input((None, 4))
    deep = L.GRU(4, return_sequences=True, name="deep")
    frozen = L.GRU(4, return_sequences=True, name="frozen", trainable=False)
    inner = keras.Model(inside, deep(frozen(inside)), name="inner")
    each = L.LSTM(3, return_sequences=True, activation="linear", name="each")
    both = L.Bidirectional(L.SimpleRNN(2), name="both")
    per = keras.Sequential([L.Input((TIME, WIDTH)), each, both], name="per")
    x4 = rng.normal(size=(2, 5, TIME, WIDTH)).astype(np.float32)
    given = L.Input((5, TIME, WIDTH), name="given")
    y = L.TimeDistributed(per, name="wrapped")(given)
    y = L.Conv1D(4, 3, padding="same", name="conv")(y)
    again = L.LSTM(4, name="again")
    top = again(L.Dense(4, name="dense")(inner(inner(y))))
    back = L.LSTM(3, return_sequences=True, name="repeated")(L.RepeatVector(4)(top))
    model = filled(keras.Model(given, L.Dense(2)(back)))
    rows = run(each.cell, x4[0])
    pair = run(both.forward_layer.cell, rows[0]), run(both.backward_layer.cell, rows[0], back=True)
    low = run(frozen.cell, x4[0, :, :, :1].repeat(4, -1))
    high = run(deep.cell, low[0])
    x = x4[0, :, :, :1].repeat(4, -1)
    third = run(again.cell, x)
    fourth = run(model.get_layer("repeated").cell, x)
    truth = {"wrapped/each": of(x4[0], rows), "wrapped/both": of(rows[0], *pair), "inner/frozen": of(x, low)}
    truth |= {"inner/deep": of(low[0], high), "again": of(x, third), "repeated": of(x, fourth)}
    save(f"{prefix}_nested", model, truth, **options)


def wrapped(prefix: str, **options: Any) -> None:
    """TimeDistributed layers, whose own names the older files do not have."""
    one = L.LSTM(3, return_sequences=True, activation="relu", name="inside")
    two = L.Bidirectional(L.GRU(2, return_sequences=True, reset_after=False))
    layers = [L.TimeDistributed(one, name="first"), L.TimeDistributed(two, name="second")]
    model = filled(sequential(*layers, shape=(5, TIME, WIDTH)))
    x = rng.normal(size=(5, TIME, WIDTH)).astype(np.float32)
    rows = run(one.cell, x)
    pair = run(two.forward_layer.cell, rows[0]), run(two.backward_layer.cell, rows[0], back=True)
    np.testing.assert_allclose(array(model(x[None]))[0], np.concatenate([pair[0][0], pair[1][0]], -1), atol=1e-5)
    save(f"{prefix}_wrapped", model, {"first": of(x, rows), "second": of(rows[0], *pair)}, **options)


def trained(prefix: str, **options: Any) -> None:
    """With an optimizer, which keeps arrays of every kernel's shape and, in one kind of file, under its name."""
    one = L.LSTM(4, return_sequences=True, name="one")
    model = sequential(one, L.Dense(2, name="out"))
    model.compile("adam", "mse")
    model.fit(X, rng.normal(size=(2, TIME, 2)), verbose=0)
    a = run(one.cell, X)
    save(f"{prefix}_trained", model, {"one": of(X, a)}, **options)


BOTH: tuple[Callable[..., None], ...] = (plain, masked, words, directions, stacks, nested, wrapped, trained)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    alone = {"plain", "stacks", "directions", "wrapped"}
    for write in BOTH:
        ways = [".keras", ".h5"]
        if write.__name__ in alone:
            ways += [".weights.h5"] if NEW else [".weights.h5", "_weights.h5"]
        write("k3" if NEW else "k2", ways=ways)


if __name__ == "__main__":
    main()
