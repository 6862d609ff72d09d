"""Files that Keras 3 and Keras 2 wrote (tests/files/make_keras.py), against what their own layers compute."""

from __future__ import annotations

import lzma
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("h5py")

from lstm_core import load  # noqa: E402
from lstm_core.block import Source  # noqa: E402
from lstm_core.files import Loaded  # noqa: E402
from tests.choices import chosen  # noqa: E402

pytestmark = pytest.mark.usefixtures("in_place")
FOLDER = Path(__file__).parent / "files" / "keras"
FILES = sorted(path.name.removesuffix(".xz") for path in FOLDER.glob("*.xz") if "shards" not in path.name)
WHOLE = [name for name in FILES if "weights" not in name]
ALONE = [name for name in FILES if "weights" in name]

CALLED = {  # in a file with numbered variables a layer is called by its class
    "directions": ("classes", "bidirectional_1", "widths", "bidirectional_2", "stacks", "bidirectional_3"),
    "stacks": ("same", "rnn", "mixed/low", "rnn_1/lstm_cell", "mixed/high", "rnn_1/gru_cell", "single", "rnn_2"),
    "wrapped": ("first", "time_distributed", "second", "time_distributed_1"),
    "cudnn": ("one", "cu_dnnlstm", "two", "bidirectional", "three", "cu_dnngru"),
    "plain": ("hard", "lstm", "cho", "gru", "plain", "simple_rnn", "back", "gru_1", "last", "lstm_1"),
}


@cache
def read(name: str, cell: str | None = None, **options: Any) -> Loaded:
    data = lzma.decompress((FOLDER / f"{name}.xz").read_bytes())
    return load(data, **options) if cell is None else chosen(data, cell, **options)


def kind(name: str) -> str:
    """plain, of k2_plain_weights.h5."""
    return name.split(".")[0].removesuffix("_weights").split("_", 1)[1]


def values(name: str) -> dict[str, dict[str, np.ndarray]]:
    """What the framework gives, by block."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(FOLDER / f"{name.split('.')[0].removesuffix('_weights')}.npz") as arrays:
        for key in arrays:
            block, _, what = key.partition("|")
            found.setdefault(block, {})[what] = arrays[key]
    return found


def called(name: str, block: str) -> str:
    """What the block of that name is called in a file."""
    if not name.endswith(".weights.h5"):
        return block
    pairs = CALLED.get(kind(name), ())
    for said, here in zip(pairs[::2], pairs[1::2], strict=True):
        if block == said or block.startswith(f"{said}/"):
            return block.replace(said, here, 1)
    return {"added": "bidirectional"}.get(block, block)


def mask(name: str, block: str) -> np.ndarray | None:
    """The steps that a block reads, of a model that skips some. Keras 3 hands no mask to a layer with a first state."""
    given = values(name).get("model", {}).get("x")
    if kind(name) == "masked":
        return (given != 0.5).any(-1)
    skips = kind(name) == "words" and (block, name[:2]) != ("decoder", "k3")
    return given != 0 if skips else None


def same(block: Any, expected: dict[str, np.ndarray], mask: np.ndarray | None = None) -> None:
    trace = block.trace(expected["x"], mask=mask)
    for signal in expected.keys() - {"x"}:
        got = trace.signals[signal].swapaxes(2, 3)  # (layer, direction, batch, time, unit)
        assert got.shape == expected[signal].shape
        np.testing.assert_allclose(got, expected[signal], rtol=1e-5, atol=3e-6, err_msg=f"{signal} of {block.name}")


def test_there_are_enough() -> None:
    assert len(WHOLE) >= 30 and len(ALONE) >= 12


@pytest.mark.parametrize("name", WHOLE)
def test_every_block_computes_what_its_layer_does(name: str) -> None:
    """h at every step, c of an LSTM, in each layer and direction; and there are no other blocks."""
    loaded, expected = read(name), values(name)
    expected.pop("model", None)
    assert loaded.format == "Keras"
    assert {block.name for block in loaded.blocks} == set(expected)
    for block in loaded.blocks:
        if block.name != "silent/inner":  # the file does not say that it is relu
            same(block, expected[block.name], mask(name, block.name))
    assert not any("weights alone" in said for block in loaded.blocks for said in block.assumed)


def test_a_layer_whose_options_are_not_in_the_file() -> None:
    expected = values("k3_own")["silent/inner"]
    block = read("k3_own.keras")["silent/inner"]
    assert block.assumed[0] == (
        "activation=tanh, recurrent_activation=sigmoid, go_backwards=False, as Keras 3.15.1 has it by default: "
        "the options of this layer are not in the file"
    )
    with pytest.raises(AssertionError):
        same(block, expected)
    block = read("k3_own.keras", activation="relu")["silent/inner"]
    assert block.assumed[0].startswith("recurrent_activation=sigmoid, go_backwards=False, as Keras")
    same(block, expected)


USUAL = {"plain": (), "directions": ("added", "widths/forward", "widths/backward", "stacks/forward", "stacks/backward")}
USUAL |= {"stacks": ("same", "single"), "wrapped": ("second",), "cudnn": ("one", "two")}
USUAL |= {"subclassed": ("lstm", "bidirectional", "heads/gru", "heads/gru_1")}
"""The blocks whose options are those that Keras has by default."""


@pytest.mark.parametrize("name", ALONE)
def test_weights_alone(name: str) -> None:
    """Kinds, directions and layers from shapes and paths; what cannot be known is assumed, and said."""
    loaded = read(name, cell="gru_cho")
    expected = values(name)
    assert {block.name for block in loaded.blocks} == {called(name, block) for block in expected}
    for block in USUAL[kind(name)]:
        same(loaded[called(name, block)], expected[block])
    for block in loaded.blocks:
        said = " ".join(block.assumed)
        assert "the file holds weights alone" in said or (kind(name) == "cudnn" and len(block.directions) == 2)
        assert "go_backwards" in said or len(block.directions) == 2 or "/" in block.name
        cell, count = block.cell.name, len(block.layers)
        got = values(name)[next(key for key in expected if called(name, key) == block.name)]
        assert (count, len(block.directions)) == got["h"].shape[:2]
        assert cell in (("lstm",) if "c" in got else ("gru", "gru_cho", "rnn"))


def test_weights_alone_with_what_the_caller_says() -> None:
    for name in ("k2_plain.weights.h5", "k2_plain_weights.h5"):
        expected = values(name)
        blocks = read(name, cell="gru_cho", activation="softsign")
        same(blocks[called(name, "cho")], expected["cho"])
        blocks = read(name, cell="gru_cho", activation="relu")
        same(blocks[called(name, "plain")], expected["plain"])
        if name == "k2_plain_weights.h5":  # the other kind does not say that it is of Keras 2
            blocks = read(name, cell="gru_cho", recurrent_activation="hard_sigmoid", go_backwards=True)
            same(blocks["back"], expected["back"])
            assert blocks["back"].assumed == (
                "activation=tanh, as Keras 2.21.0 has it by default: the file holds weights alone",
            )
    name = "k3_plain.weights.h5"
    blocks = read(name, cell="gru_cho", recurrent_activation="hard_sigmoid")
    same(blocks["lstm"], values(name)["hard"])
    said = "hard_sigmoid is that of Keras 3: the file does not say which version wrote it"
    assert said in blocks["lstm"].assumed and said in blocks["gru_1"].assumed


@pytest.mark.parametrize("name", FILES)
def test_the_order_is_the_models_in_every_process(name: str) -> None:
    """Blocks and arrays, with another seed for the hashes of text."""
    loaded = read(name, cell="gru_cho")
    expected = [called(name, block) for block in values(name) if block != "model"]
    if kind(name) not in ("directions", "subclassed"):  # several outputs; attributes, which Keras visits by name
        assert [block.name for block in loaded.blocks] == expected
    if name in ("k3_words.h5", "k2_stacks_weights.h5", "k3_plain.weights.h5"):
        code = (
            "import lzma, sys; from tests.choices import chosen; l = chosen(lzma.open(sys.argv[1]).read(), 'gru_cho');"
        )
        code += "print(*[b.name for b in l.blocks], *l.others)"
        told = subprocess.run(
            [sys.executable, "-c", code, str(FOLDER / f"{name}.xz")],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": "7", "PYTHONPATH": ".", "PATH": ""},
            cwd=Path(__file__).parents[1],
        )
        assert told.stdout.split() == [*(block.name for block in loaded.blocks), *loaded.others]


HARD, BOTH, BACK = "gates hardsigmoid", ("forward", "reverse"), ("reverse",)
CELLS: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "plain": {
        "hard": (f"lstm ({HARD})", ("forward",)),
        "cho": ("gru_cho (candidate softsign)", ("forward",)),
        "plain": ("rnn_relu", ("forward",)),
        "back": (f"gru ({HARD})", BACK),
        "last": ("lstm (candidate elu, shown elu)", ("forward",)),
    },
    "directions": {
        "classes/forward": ("lstm (candidate relu, shown relu)", ("forward",)),
        "classes/backward": (f"gru ({HARD})", BACK),
        "widths/forward": ("gru", ("forward",)),
        "widths/backward": ("gru", BACK),
        "added": ("lstm", BOTH),
        "stacks/forward": ("lstm", ("forward",)),
        "stacks/backward": ("lstm", BACK),
    },
    "wrapped": {"first": ("lstm (candidate relu, shown relu)", ("forward",)), "second": ("gru_cho", BOTH)},
    "cudnn": {"one": ("lstm", ("forward",)), "two": ("gru", BOTH), "three": ("gru", BACK)},
    "stacks": {
        "same": ("gru", ("forward",)),
        "mixed/low": ("lstm", BACK),
        "mixed/high": ("gru", BACK),
        "single": ("rnn", ("forward",)),
    },
}
READS: dict[str, dict[str, Source | None]] = {
    "plain": {
        "hard": Source(),
        "cho": Source("hard"),
        "plain": Source("cho"),
        "back": Source("plain"),
        "last": Source("back", ("GRU back (go_backwards)",)),
    },
    "masked": {"one": Source(), "two": Source("one"), "three": Source("two")},
    "directions": {
        "classes/forward": Source(),
        "classes/backward": Source(),
        "stacks/backward": Source("added", ("Bidirectional added (sum)",)),
    },
    "stacks": {
        "same": Source(),
        "mixed/low": Source("same"),
        "mixed/high": Source("mixed/low"),
        "single": Source("mixed/high", ("RNN mixed (go_backwards)",)),
    },
    "nested": {
        "wrapped/each": Source("", ("TimeDistributed wrapped",)),
        "wrapped/both": Source("wrapped/each"),
        "inner/frozen": Source("", ("TimeDistributed wrapped", "Conv1D conv")),
        "inner/deep": Source("inner/frozen"),
        "again": Source("inner/deep", ("Dense dense",)),
        "repeated": Source("again", ("RepeatVector repeat_vector",)),
    },
    "own": {
        "told/told_inner": None,
        "mine": Source("", ("Told told", "Silent silent", "RNN strange")),
        "last": Source("mine"),
    },
    "convolution": {
        "shared": Source("", ("ConvLSTM1D convolved", "Reshape reshape", "Dense fit")),
        "last": Source("shared", ("Concatenate joined",)),
        "alone": Source(),
    },
    "half": {"mixed": Source(), "brain": Source("mixed"), "half": Source("brain"), "double": Source("half")},
}


@pytest.mark.parametrize("name", [name for name in WHOLE if kind(name) in CELLS])
def test_cells_and_directions(name: str) -> None:
    found = {block.name: (block.cell.name, block.directions) for block in read(name).blocks}
    assert found == CELLS[kind(name)]


@pytest.mark.parametrize("name", [name for name in WHOLE if kind(name) in READS])
def test_what_each_block_reads(name: str) -> None:
    loaded = read(name)
    found = {block: loaded[block].reads for block in READS[kind(name)]}
    assert found == READS[kind(name)]


@pytest.mark.parametrize("name", ["k2_words.keras", "k2_words.h5", "k3_words.keras", "k3_words.h5"])
def test_an_encoder_and_a_decoder(name: str) -> None:
    """Both read the embedding and, but for Keras 3's decoder, skip its id 0; the decoder starts from the encoder's
    state, which is said."""
    loaded = read(name)
    [words] = [key for key, role in loaded.roles.items() if role == "embedding"]
    assert loaded["encoder"].reads == Source(words, (), True)
    assert loaded["decoder"].reads == Source(words, (), name.startswith("k2"))
    assert not loaded["encoder"].assumed
    assert loaded["decoder"].assumed == ("it starts from zeros; in its model it starts from what encoder gives",)
    assert sorted(loaded.roles.values()) == ["Dense"] * 6 + ["embedding"]
    given = values(name)["model"]["x"]
    same_as = {block: values(name)[block]["h"] for block in ("encoder", "decoder")}
    for block, trace in loaded.trace(given).items():
        np.testing.assert_allclose(trace.signals["h"].swapaxes(2, 3), same_as[block], atol=1e-5)
    # From the state that it starts from in its model, which the caller can give.
    state = [values(name)["encoder"][signal][0, 0, :, -1] for signal in "hc"]
    taken = mask(name, "decoder")
    trace = loaded["decoder"].trace(values(name)["decoder"]["x"], state, mask=taken)
    got, expected = trace.signals["h"][0, 0].swapaxes(0, 1), values(name)["model"]["decoder"]
    # What Keras gives at a step that it skips is its last output, zeros before the first, not its state.
    steps = np.ones(given.shape, bool) if taken is None else taken
    np.testing.assert_allclose(got[steps], expected[steps], atol=1e-5)


@pytest.mark.parametrize("name", ["k2_masked.keras", "k2_masked.h5", "k3_masked.keras", "k3_masked.h5"])
def test_a_masked_network_runs_as_a_whole(name: str) -> None:
    loaded, given = read(name), values(name)["model"]
    assert [block.mask_value for block in loaded.blocks] == [0.5] * 3
    assert "h stays as it was; in its model the layer gives zeros there" in loaded["two"].assumed[0]
    assert not loaded["one"].assumed and not loaded["three"].assumed
    assert set(loaded.roles.values()) == {"output"}
    np.testing.assert_allclose(
        loaded.trace(given["x"])["three"].signals["h"][0, 0].swapaxes(0, 1), given["y"], atol=1e-5
    )


ROLES = {
    "plain": ["output", "output"],
    "trained": ["output", "output"],
    "nested": ["Conv1D", "Dense", "Dense", "output", "output"],
    "convolution": ["ConvLSTM1D"] + ["Dense"] * 4,
    "cudnn": [],
}


@pytest.mark.parametrize("name", [name for name in WHOLE if kind(name) in ROLES])
def test_roles(name: str) -> None:
    """Of every array that is no block's, and not the optimizer's."""
    loaded = read(name)
    assert sorted(loaded.roles.values(), key=str.lower) == ROLES[kind(name)]
    assert set(loaded.roles) == set(loaded.others)


def test_what_is_not_read_is_said_beside_what_is() -> None:
    block = read("k3_convolution.keras")["alone"]
    assert block.assumed == (
        "it reads the network's input other, which is not the first",
        "another layer of the file is not read: the layer convolved is a ConvLSTM1D, which is not supported",
    )
    assert "more than once" in read("k3_convolution.keras")["shared"].assumed[0]
    said = "another layer of the file is not read: the layer strange is an RNN of Cell, which is not supported"
    assert all(said in block.assumed for block in read("k3_own.keras").blocks)
    assert read("k3_own.keras")["mine"].assumed[0].startswith("Mine is a class of the model's own")


@pytest.mark.parametrize("name", [name for name in WHOLE if kind(name) == "half"])
def test_halves(name: str) -> None:
    said = {block.name: block.assumed for block in read(name).blocks}
    text = "it is computed in float32; in its model it is computed in {}"
    assert said == {
        "mixed": (text.format("bfloat16"),),
        "brain": (text.format("bfloat16"),),
        "half": (text.format("float16"),),
        "double": (),
    }
    assert read(name)["double"].layers[0][0]["W_z"].dtype == np.float64


def test_weights_in_several_files(tmp_path: Path) -> None:
    """The index with the others beside it or given with it; what is not there is named."""
    files = {path.name.removesuffix(".xz"): lzma.decompress(path.read_bytes()) for path in FOLDER.glob("*shards*.xz")}
    assert len(files) == 5
    index = files.pop("k3_shards.weights.json")
    (tmp_path / "x.json").write_bytes(index)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for loaded in (load(index, beside=files), load(tmp_path / "x.json")):
        assert [block.name for block in loaded.blocks] == ["lstm", "gru"]
        for block in loaded.blocks:
            same(block, values("k3_shards")[block.name])
    last = files.popitem()[0]
    with pytest.raises(ValueError, match=f"index of a Keras model's weights.*give these with it: {last}"):
        load(index, beside=files)
    with pytest.raises(ValueError, match="leads out of the folder"):
        load(index.replace(last.encode(), b"../x.weights.h5"), beside=files)
    with pytest.raises(ValueError, match="not valid JSON"):
        load(index[:-20], beside=files)
