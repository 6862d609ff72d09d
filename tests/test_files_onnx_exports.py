"""Files that exporters wrote (tests/files/make_onnx.py, make_onnx_runtime.py): every gate is the framework's, and so is
what reads what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from lstm_core import load  # noqa: E402
from lstm_core.block import Block, Source  # noqa: E402
from lstm_core.files.load import Loaded  # noqa: E402

FOLDER = Path(__file__).parent / "files" / "onnx"
NAMES = sorted(path.stem for path in FOLDER.glob("*.onnx"))
EIGHT_BITS = {"runtime_quantised", "runtime_quantised_rows", "runtime_quantised_turned", "weights_of_eight_bits"}
HALF = {"runtime_half", "runtime_half_cells"}
THROUGH = {
    "tf2onnx_convolution": [("Conv sequential_3/conv1d/Conv1D", "Add sequential_3/conv1d/BiasAdd")],
    "old_between": [("Conv /convolution/Conv",), ("LayerNormalization /norm/LayerNormalization", "Add /Add")],
    "new_between": [("Conv node_conv1d",), ("LayerNormalization node_layer_norm", "Add node_add")],
}
"""What stands between a block and what it reads, where anything does."""
ASSUMED = {
    "tf2onnx_masked": [
        ["the steps that the graph skips in Loop sequential_1/lstm/PartitionedCall/while_loop are read"]
    ],
    "old_translator": [
        ["every sequence is read whole (the graph computes sequence_lens from the input lengths;"],
        ["initial_h is zero (the graph computes it from GRU /encoder/GRU;"],
    ],
    **dict.fromkeys(
        ("runtime_quantised", "runtime_quantised_rows"),
        [["x and h are not rounded to eight bits at each step, as ONNX Runtime does here"]],
    ),
}


def values_of(name: str) -> dict[str, np.ndarray]:
    return dict(np.load(FOLDER / f"{name}.npz"))


def tolerance(name: str) -> float:
    return 0.02 if name in EIGHT_BITS else 2e-3 if name in HALF else 2e-6


def run(block: Block, x: np.ndarray, name: str, k: int, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The block's signals without the axis of layers; a translator is given what its graph computes."""
    options = {}
    if name == "old_translator":
        first = values["0.h"][0]
        last = np.stack([first[-1, 0], first[values["given.1"][1] - 1, 1]])
        options = {"state": {"h": last[None, None]}} if k else {"lengths": values["given.1"]}
    signals = block.trace(x.swapaxes(0, 1) if block.batch_first else x, **options).signals
    return {key: value[0] for key, value in signals.items()}


def test_there_are_files_of_every_exporter() -> None:
    kinds = ("old", "new", "cells", "runtime", "keras", "tf2onnx")
    assert len(NAMES) >= 40 and all(any(name.startswith(kind) for name in NAMES) for kind in kinds)


@pytest.mark.parametrize("name", NAMES)
def test_every_gate_is_the_frameworks(name: str) -> None:
    values, loaded = values_of(name), load(FOLDER / f"{name}.onnx")
    count = 1 + max(int(key.split(".")[0]) for key in values if key[0].isdigit())
    assert len(loaded.blocks) == count and len({block.name for block in loaded.blocks}) == count
    for k, block in enumerate(loaded.blocks):
        signals = run(block, values[f"{k}.x"], name, k, values)
        expected = {key.partition(".")[2]: value for key, value in values.items() if key.startswith(f"{k}.")}
        assert expected.keys() - {"x"} == signals.keys(), block.cell.name
        for signal, found in signals.items():
            steps = np.isfinite(found)
            assert steps.all() or name == "old_translator"
            np.testing.assert_allclose(found[steps], expected[signal][steps], rtol=0, atol=tolerance(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_assumed_is_what_the_file_does_not_hold(name: str) -> None:
    expected = ASSUMED.get(name, [])
    for k, block in enumerate(load(FOLDER / f"{name}.onnx").blocks):
        wanted = expected[k] if k < len(expected) else []
        assert len(block.assumed) == len(wanted) and all(map(str.startswith, block.assumed, wanted)), block.assumed


@pytest.mark.parametrize("name", NAMES)
def test_a_block_reads_the_one_before_or_says_what_is_between(name: str) -> None:
    """The first reads an embedding, or what the network is given."""
    loaded, through = load(FOLDER / f"{name}.onnx"), THROUGH.get(name, [])
    words = [other for other, role in loaded.roles.items() if role == "embedding"]
    before = words[0] if words else ""
    for k, block in enumerate(loaded.blocks):
        assert block.reads == Source(before, through[k] if k < len(through) else ())
        before = block.name


WORDS = [name for name in NAMES if not name.startswith("cells") and "given.0" in values_of(name)]
WORDS = [name for name in WORDS if values_of(name)["given.0"].dtype.kind == "i" and "quantised" not in name]
WORDS.remove("tf2onnx_masked")  # it has no output layer


@pytest.mark.parametrize("name", WORDS)
def test_the_whole_network_gives_what_onnx_runtime_gives(name: str) -> None:
    """From the ids on, as the network is given them, by what reads what and the roles of the file's matrices."""
    values, loaded = values_of(name), load(FOLDER / f"{name}.onnx")
    traces = loaded.trace(values["given.0"])
    assert list(traces) == [block.name for block in loaded.blocks]
    h = np.concatenate(list(traces[loaded.blocks[-1].name].signals["h"][0]), axis=-1)
    output = [loaded.others[other].astype(np.float32) for other, role in loaded.roles.items() if role == "output"]
    [weight], [bias] = [m for m in output if m.ndim == 2], [m for m in output if m.ndim == 1]
    scores = h @ (weight if len(weight) == h.shape[-1] else weight.T) + bias
    given = values["model"]
    found = scores[-1] if given.ndim == 2 else scores.swapaxes(0, 1) if loaded.blocks[0].batch_first else scores
    np.testing.assert_allclose(found, given, rtol=0, atol=max(tolerance(name), 1e-5))


BATCH_FIRST = ["keras_on_tensorflow", "keras_on_torch", "new_gru", "new_rnn_two", "old_gru_two"]
BATCH_FIRST += ["runtime_optimized_cells", "tf2onnx", "tf2onnx_reset_before"]


def test_a_network_that_is_given_the_batch_first_says_so() -> None:
    """Whether its node reads it so or the graph turns it before; a state is then as nn.LSTM takes it."""
    first = {name: load(FOLDER / f"{name}.onnx").blocks[0].batch_first for name in WORDS}
    assert [name for name, batch_first in first.items() if batch_first] == BATCH_FIRST
    values, block = values_of("old_gru_two"), load(FOLDER / "old_gru_two.onnx").blocks[0]
    x = values["0.x"].swapaxes(0, 1)
    state = np.random.default_rng(0).normal(size=(2, len(x), 4))
    given, named = block.trace(x, state), block.trace(x, {"h": state[None]})
    np.testing.assert_array_equal(given.signals["h"], named.signals["h"])
    assert block.check(x, np.concatenate(list(values["0.h"]), axis=-1).swapaxes(0, 1)) < 2e-6


def test_a_quantised_embedding_is_read_as_what_it_stands_for() -> None:
    for name in ("runtime_quantised", "runtime_quantised_rows", "runtime_quantised_turned"):
        whole = "old_gru_two" if name == "runtime_quantised_turned" else "old_lstm"
        expected, loaded = load(FOLDER / f"{whole}.onnx").others["words.weight"], load(FOLDER / f"{name}.onnx")
        assert loaded.blocks[0].batch_first == (whole == "old_gru_two")
        assert loaded.roles["words.weight_quantized"] == "embedding"
        np.testing.assert_allclose(loaded.others["words.weight_quantized"], expected, rtol=0, atol=0.02)


def test_a_batch_of_another_size_than_was_exported() -> None:
    """First states of zeros, and learned ones, are the same for every sequence."""
    for name in ("old_lstm", "new_lstm_two", "old_learned", "new_learned", "cells_lstm_new"):
        values, block = values_of(name), load(FOLDER / f"{name}.onnx").blocks[0]
        x = np.concatenate([values["0.x"]] * 3, axis=1)
        h = block.trace(x).signals["h"][0]
        np.testing.assert_allclose(h, np.concatenate([values["0.h"]] * 3, axis=2), rtol=0, atol=2e-6)


def test_weights_in_a_file_beside() -> None:
    path = FOLDER / "new_outside.onnx"
    data, outside = path.read_bytes(), (FOLDER / "new_outside.onnx.data").read_bytes()
    beside, given = load(path), load(data, beside={"new_outside.onnx.data": outside})
    np.testing.assert_array_equal(beside.blocks[0].layers[0][0]["W_i"], given.blocks[0].layers[0][0]["W_i"])
    assert list(beside.others) == list(given.others) and len(beside.others) == 3
    with pytest.raises(ValueError) as error:
        load(data)
    assert "lies in the file 'new_outside.onnx.data', which is not there: give both files together" in str(error.value)
    assert "torch.onnx.export(..., external_data=False)" in str(error.value)
    with pytest.raises(ValueError, match="more than the [0-9,]+ that are allowed"):
        load(data, beside={"new_outside.onnx.data": outside}, max_bytes=len(data) + len(outside) - 1)


def blocks_of(loaded: Loaded) -> list[tuple[str, ...]]:
    return [(block.name, block.cell.name, *block.directions) for block in loaded.blocks]


def test_names_are_the_files() -> None:
    assert blocks_of(load(FOLDER / "old_gru_two.onnx")) == [
        ("/rnn/GRU", "gru", "forward", "reverse"),
        ("/rnn/GRU_1", "gru", "forward", "reverse"),
    ]
    assert blocks_of(load(FOLDER / "cells_stacked.onnx")) == [
        ("node_mul_2", "lstm", "forward"),
        ("node_add_5", "gru", "forward"),
        ("node_tanh_3", "rnn", "forward"),
    ]
    assert blocks_of(load(FOLDER / "new_rnn_two.onnx"))[1] == ("node_relu_4", "rnn_relu", "forward", "reverse")
