"""Configurations that nobody wrote: of any nesting, with keys missing and of the wrong type, in circles, very large.

Whatever a file says of its layers, it is read or refused with a ValueError, in time; and what is read can be traced.
"""

from __future__ import annotations

import io
import json
import lzma
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_core.files.formats import Found
from lstm_core.files.formats.keras import stored
from lstm_core.files.formats.keras.model import Model
from lstm_core.files.formats.keras.stored import Stored, Version
from lstm_core.files.options import Options

FOLDER = Path(__file__).parent / "files" / "keras"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
KINDS = (
    *("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU", "RNN", "LSTMCell", "GRUCell", "StackedRNNCells"),
    *("Bidirectional", "TimeDistributed", "Sequential", "Functional", "Model", "InputLayer", "Embedding", "Masking"),
    *("Dense", "Dropout", "Concatenate", "NotEqual", "Any", "ConvLSTM2D", "Mine", ""),
)
NAMES = ("a", "b", "c", "forward_a", "backward_a", "x/y", "")
KEYS = (
    *("name", "units", "activation", "recurrent_activation", "reset_after", "go_backwards", "return_sequences"),
    *("merge_mode", "mask_value", "mask_zero", "stateful", "time_major", "dtype", "trainable", "input_layers"),
    *("output_layers", "layers", "layer", "backward_layer", "cell", "cells", "recurrent_initializer", "encoder"),
)
junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 10**400),
        st.floats(),
        st.text(max_size=4),
        st.sampled_from(NAMES),
        st.sampled_from(("tanh", "hard_sigmoid", "relu", "concat", "bfloat16", "\ud800")),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=5,
)
reference = st.tuples(st.sampled_from(NAMES), st.integers(-1, 3), st.integers(-1, 3)).map(list)
tensor = st.one_of(
    reference,
    reference.map(lambda at: [*at, {"initial_state": [["a", 0, 1]], "mask": ["b", 0, 0]}]),
    reference.map(lambda at: {"class_name": "__keras_tensor__", "config": {"keras_history": at}}),
    junk,
)
call = st.one_of(
    st.lists(tensor, max_size=3),
    st.fixed_dictionaries(
        {
            "args": st.lists(tensor, max_size=3),
            "kwargs": st.dictionaries(st.sampled_from(("mask", "initial_state", "sequences", "x")), tensor, max_size=2),
        }
    ),
    junk,
)


def entries(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A layer as a configuration has it, with others in it."""
    value = st.one_of(inner, st.lists(inner, max_size=4), junk, st.lists(tensor, max_size=3))
    config = st.dictionaries(st.sampled_from(KEYS), value, max_size=6)
    return st.fixed_dictionaries(
        {"class_name": st.sampled_from(KINDS), "config": st.one_of(config, st.lists(inner, max_size=3), junk)},
        optional={
            "inbound_nodes": st.one_of(st.lists(call, max_size=3), junk),
            "module": st.sampled_from(("keras.layers", None, "mine", 3)),
            "name": st.sampled_from(NAMES),
        },
    )


leaf = st.builds(
    lambda kind, name: {"class_name": kind, "config": {"name": name}}, st.sampled_from(KINDS), st.sampled_from(NAMES)
)
configs = st.recursive(leaf, entries, max_leaves=12) | junk
groups = st.lists(
    st.sampled_from(
        (
            *("layers/lstm/cell/vars", "layers/lstm_1/cell/vars", "layers/gru/cell/vars", "layers/cu_dnnlstm/vars"),
            *("layers/bidirectional/forward_layer/cell/vars", "layers/bidirectional/backward_layer/cell/vars"),
            *("layers/rnn/cell/cells/lstm_cell/vars", "layers/rnn/cell/cells/gru_cell/vars", "layers/rnn/cell/vars"),
            *("layers/time_distributed/layer/cell/vars", "layers/sequential/layers/lstm/cell/vars", "vars", "x/vars"),
            *("layers/embedding/vars", "layers/dense/vars", "a/a/lstm_cell", "model_weights/a/a/forward_a/lstm_cell"),
            *("model_weights/a/a/backward_a/lstm_cell", "b/a/stacked_rnn_cells/a", "b/a/stacked_rnn_cells/b", "c"),
        )
    ),
    unique=True,
    max_size=6,
)


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Weights under names that Keras gives, of shapes that mostly fit."""
    found = {}
    for group in draw(groups):
        times, hidden, width = (
            draw(st.sampled_from((1, 3, 4, 4, 3, 2))),
            draw(st.integers(0, 3)),
            draw(st.integers(0, 3)),
        )
        wide = times * hidden + draw(st.sampled_from((0, 0, 0, 0, 1)))
        shapes = [(width, wide), (hidden, wide), draw(st.sampled_from(((wide,), (2, wide), (2 * wide,), (wide, 1))))]
        names = "012" if group.endswith("vars") else ("kernel:0", "recurrent_kernel:0", "bias:0")
        kind = draw(st.sampled_from((np.float32, np.float32, np.float64, np.float16, np.int64)))
        for name, shape in list(zip(names, shapes, strict=True))[: draw(st.integers(1, 3))]:
            found[f"{group}/{name}"] = (
                np.full(shape, draw(st.sampled_from((0.5, 0.5, 0.5, np.nan))), float).astype(kind, casting="unsafe")
                if kind != np.int64
                else np.ones(shape, kind)
            )
    return found


def model(config: Any, values: dict[str, np.ndarray], layers: list[str] | None = None, **options: Any) -> Found:
    attributes: Any = {"": {"layer_names": layers or ["a", "b", "x/y"]}}
    return Model(Stored(values, config, attributes, Version("2.4.0", (2, 4, 0), True)), Options(**options)).found()


def traced(found: Found) -> None:
    """Every block runs, its name is its own, and whatever it says can be shown."""
    names = [block.name for block in found.blocks]
    assert len(set(names)) == len(names)
    for block in found.blocks:
        trace = block.trace(np.ones((2, block.input_size)))
        assert trace.signals["h"].shape[2] == 2
        json.dumps([block.name, *block.assumed, block.reads and [block.reads.name, *block.reads.through]]).encode()
        str(block.assumed).encode()
    assert set(found.roles) <= set(found.others)


@settings(max_examples=400, deadline=2000, suppress_health_check=SLOW)
@given(configs, arrays(), st.sampled_from(("gru", "gru_cho")), st.sampled_from((None, True, False)))
def test_any_configuration(config: Any, values: dict[str, np.ndarray], cell: str, backwards: bool | None) -> None:
    try:
        found = model(config, values, cell=cell, go_backwards=backwards)
    except ValueError as error:
        assert str(error)
        return
    traced(found)


@settings(max_examples=200, deadline=2000, suppress_health_check=SLOW)
@given(arrays(), st.booleans())
def test_any_weights_alone(values: dict[str, np.ndarray], listed: bool) -> None:
    try:
        found = model(None, values, ["a", "b", "c"] if listed else [], cell="gru")
    except ValueError as error:
        assert str(error)
        return
    traced(found)


def real() -> list[Stored]:
    """What the real archives hold."""
    found = []
    for path in sorted(FOLDER.glob("*.keras.xz")):
        from lstm_core.files.formats import Content

        found.append(stored.read(Content(lzma.decompress(path.read_bytes()), 1 << 30), Options()))
    return found


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a configuration at which something could be put instead."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(inner)


def test_real_configurations_with_anything_in_any_place() -> None:
    """A value of another type, or none, in 20 places of each; the rest of the file is as it was."""
    rng = np.random.default_rng(0)
    values: list[Any] = [
        None,
        7,
        -1.5,
        "x",
        [],
        {},
        [1, "a", 0],
        {"class_name": "LSTM", "config": {}},
        True,
        [["a", 0, 0]],
    ]
    read = 0
    for file in real():
        text = json.dumps(file.config)
        for _ in range(20):
            config = json.loads(text)
            at = list(places(config))
            holder, key = at[rng.integers(len(at))]
            if rng.random() < 0.3 and isinstance(holder, dict):
                del holder[key]
            else:
                holder[key] = values[rng.integers(len(values))]
            try:
                found = Model(Stored(file.arrays, config, file.attributes, file.version), Options(cell="gru")).found()
            except ValueError as error:
                assert str(error)
                continue
            read += 1
            traced(found)
    assert read > 100


# ---- large ones


def entry(kind: str, name: str, inbound: Any = None, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"class_name": kind, "config": {"name": name, **options}}
    return found if inbound is None else {**found, "name": name, "inbound_nodes": inbound}


def whole(layers: list[Any], **options: Any) -> dict[str, Any]:
    return {"class_name": "Functional", "config": {"name": "m", "layers": layers, **options}}


COUNT = 10_000


def in_a_row() -> Any:
    return whole([entry("LSTM" if k % 2 else "Dense", f"l{k}", return_sequences=True) for k in range(COUNT)])


def in_a_graph() -> Any:
    """Written in the reverse order, so that each is ready only after all that follow it."""
    layers = [entry("Dense", f"l{k}", [[[f"l{k - 1}", 0, 0, {}]]]) for k in range(1, COUNT)]
    layers += [entry("InputLayer", "l0", [])]
    return whole(layers[::-1], input_layers=[["l0", 0, 0]], output_layers=[[f"l{COUNT - 1}", 0, 0]])


def in_a_circle() -> Any:
    layers = [entry("LSTM", f"l{k}", [[[f"l{(k + 1) % COUNT}", 0, 0, {}]]]) for k in range(COUNT)]
    return whole(layers, input_layers=[["l0", 0, 0]], output_layers=[["l0", 0, 0]])


def in_itself() -> Any:
    return whole([entry("LSTM", "a", [[["a", 0, 0, {}]]])], input_layers=[["a", 0, 0]], output_layers=[["a", 0, 0]])


def called_twice_at_every_depth() -> Any:
    """Two to the thirtieth calls, if each were followed."""
    found = entry("LSTM", "deep", [[["x", 0, 0, {}]]], return_sequences=True)
    for k in range(28):
        layers = [entry("InputLayer", "x", []), found]
        name = found["name"]
        ends = {"input_layers": [["x", 0, 0]], "output_layers": [[name, 1, 0]]}
        found = {**whole(layers, **ends), "name": f"m{k}", "inbound_nodes": [[["x", 0, 0, {}]], [[f"m{k}", 0, 0, {}]]]}
    return found


def too_deep() -> Any:
    found = entry("LSTM", "deep")
    for _ in range(40):
        found = whole([found])
    return found


def many_calls() -> Any:
    calls = [[["x", 0, 0, {}]] for _ in range(COUNT)]
    inner = whole([entry("Dense", f"d{k}") for k in range(300)])
    wrapped = entry("TimeDistributed", "t", calls, layer=inner)
    layers = [entry("InputLayer", "x", []), wrapped, entry("LSTM", "a", [[["t", COUNT - 1, 0, {}]]])]
    return whole(layers, input_layers=[["x", 0, 0]], output_layers=[["a", 0, 0]])


def a_stack() -> Any:
    cells = [entry("LSTMCell", "c") for _ in range(COUNT)]
    return whole([{"class_name": "RNN", "config": {"name": "r", "cell": entry("StackedRNNCells", "s", cells=cells)}}])


def many_tensors() -> Any:
    return whole([entry("Concatenate", "c", [[["x", 0, 0]] * 600_000])], input_layers=[["x", 0, 0]], output_layers=[])


@pytest.mark.parametrize(
    "config",
    [
        in_a_row,
        in_a_graph,
        in_a_circle,
        in_itself,
        called_twice_at_every_depth,
        too_deep,
        many_calls,
        a_stack,
        many_tensors,
    ],
)
def test_large_and_circular_ones_are_answered_in_time(config: Callable[[], Any]) -> None:
    values = {}
    for group in ("layers/lstm", "layers/lstm_7", "layers/functional/layers/lstm"):
        shapes = ((2, 8), (2, 8), (8,))
        values |= {f"{group}/cell/vars/{k}": np.ones(shape, np.float32) for k, shape in enumerate(shapes)}
    made = config()
    start = time.process_time()
    try:
        traced(model(made, values))
    except ValueError as error:
        assert "more than" in str(error) or "not in the file" in str(error)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("named", [True, False])
def test_ten_thousand_layers_with_their_weights(named: bool) -> None:
    count = 3000 if named else COUNT
    shapes = (("kernel:0", (2, 8)), ("recurrent_kernel:0", (2, 8)), ("bias:0", (8,)))
    layers, values = [], {}
    for k in range(count):
        layers.append(entry("LSTM", f"l{k}", return_sequences=True))
        for at, (name, shape) in enumerate(shapes):
            group = f"lstm_{k}" if k else "lstm"
            path = f"model_weights/deep/l{k}/{name}" if named else f"layers/{group}/cell/vars/{at}"
            values[path] = np.ones(shape, np.float32)
    config = whole([entry("Sequential", "deep", layers=layers)] if named else layers)
    start = time.process_time()
    found = model(config, values, ["deep"])
    assert time.process_time() - start < 20
    assert len(found.blocks) == count and found.blocks[-1].reads is not None


def test_an_archive_of_a_configuration_that_is_not_valid() -> None:
    for text, reason in (
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("3", "holds no|not in the file"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("config.json", text)
            archive.writestr("model.weights.h5", lzma.decompress((FOLDER / "k2_trained.h5.xz").read_bytes()))
        from lstm_core import load

        if text == "3":  # says nothing
            [block] = load(buffer.getvalue()).blocks
            assert "the options of this layer are not in the file" in block.assumed[0]
        else:
            with pytest.raises(ValueError, match=reason):
                load(buffer.getvalue())


@pytest.mark.parametrize("value", [{}, [["a"]], [{}], [3, None], 3, None, [[]]])
def test_an_index_of_weights_whose_files_have_no_names(value: Any) -> None:
    from lstm_core import load

    index = {"weight_map": {"layers/lstm/cell/vars/0": "a_00000.weights.h5", "layers/lstm/cell/vars/1": value}}
    with pytest.raises(ValueError, match="give these with it: a_00000.weights.h5$"):
        load(json.dumps(index).encode())
