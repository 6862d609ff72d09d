"""A model in one file: what is saved is loaded, what it predicts is a softmax, and a bad file is named as such."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import cases
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from lstm_core import CELLS, Network, list_models, load_model, network

TEXT = "Mary was late because she. John?"
EVERY = pytest.mark.parametrize("name", CELLS)


@EVERY
@pytest.mark.parametrize("tied", [False, True])
def test_save_and_load(name: str, tied: bool, tmp_path: Path) -> None:
    """Bit for bit, and the loaded model does the same."""
    model, path = cases.model(name, tied, layers=2, directions=2), tmp_path / "m.safetensors"
    model.save(path)
    loaded = Network.load(path)
    assert (loaded.name, loaded.cell, loaded.meta) == (model.name, model.cell, model.meta)
    assert (loaded.predicts.through is loaded.embedding) is tied
    assert loaded.tokenizer == model.tokenizer
    np.testing.assert_array_equal(loaded.embedding, model.embedding)
    np.testing.assert_array_equal(loaded.predicts.weight, model.predicts.weight)
    np.testing.assert_array_equal(loaded.predicts.bias, model.predicts.bias)
    assert {a.dtype for a in (loaded.embedding, loaded.predicts.weight, loaded.predicts.bias)} == {np.dtype(np.float32)}
    assert [[sorted(p) for p in row] for row in loaded.layers] == [[sorted(p) for p in row] for row in model.layers]
    a, b = model.run(TEXT, device="cpu"), loaded.run(TEXT, device="cpu")
    for key, value in a.signals.items():
        np.testing.assert_array_equal(b.signals[key], value)
    assert loaded.predictions(b) == model.predictions(a)


def test_float16_rounds_each_weight(tmp_path: Path) -> None:
    model, path = cases.model(layers=2, directions=2), tmp_path / "m.safetensors"
    model.save(path, "float16")
    half = Network.load(path)
    assert half.embedding.dtype == np.float32
    np.testing.assert_array_equal(half.embedding, model.embedding.astype(np.float16))
    for key, value in model.layers[1][1].items():
        np.testing.assert_array_equal(half.layers[1][1][key], value.astype(np.float16))


def test_int8_keeps_each_row_within_a_two_hundredth_of_its_largest_weight(tmp_path: Path) -> None:
    model, path = cases.model(layers=2, directions=2), tmp_path / "m.safetensors"
    model.embedding[3] = 0  # a row without a scale of its own
    model.embedding[4] *= 1e-30
    model.save(path, "int8")
    read = Network.load(path)
    assert read.embedding.dtype == np.float32
    pairs = [(read.embedding, model.embedding), *((read.layers[1][1][k], v) for k, v in model.layers[1][1].items())]
    for got, want in pairs:
        if want.ndim == 2:
            assert (abs(got - want) <= abs(want).max(axis=1, keepdims=True) / 253).all()
            assert (got != want).any()
        else:
            np.testing.assert_array_equal(got, want)
    with safe_open(path, framework="numpy") as file:  # read by hand
        name, rows = "layers.1.1.U_f", file.get_tensor("layers.1.1.U_f.scale")
        matrix = file.get_tensor(name)
    assert matrix.dtype == np.int8 and abs(matrix).max() == 127
    np.testing.assert_array_equal(read.layers[1][1]["U_f"], matrix * rows.astype(float)[:, None])
    read.save(tmp_path / "again.safetensors", "int8")
    again = Network.load(tmp_path / "again.safetensors")
    np.testing.assert_array_equal(again.layers[1][1]["U_f"], read.layers[1][1]["U_f"])
    np.testing.assert_array_equal(again.embedding, read.embedding)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"readout.weight.scale": np.ones(2, np.float32)}, "readout.weight.scale"),
        ({"nothing.scale": np.ones(2, np.float32)}, "nothing.scale has no int8 matrix"),
        ({"readout.bias.scale": np.ones(2, np.float32)}, "readout.bias.scale has no int8 matrix"),
    ],
)
def test_scales_that_fit_nothing_are_named(tmp_path: Path, wrong: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "m.safetensors"
    cases.model().save(path, "int8")
    with safe_open(path, framework="numpy") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    save_file({**tensors, **wrong}, path, metadata=metadata)
    with pytest.raises(ValueError, match=re.escape(message)):
        Network.load(path)


def test_what_int8_cannot_hold_and_other_kinds_are_refused(tmp_path: Path) -> None:
    model = cases.model()
    with pytest.raises(ValueError, match="not as 'int4'"):
        model.save(tmp_path / "m.safetensors", "int4")  # type: ignore[arg-type]
    model.embedding[0, 0] = np.inf
    with pytest.raises(ValueError, match=r"embedding\.weight has weights that are not finite"):
        model.save(tmp_path / "m.safetensors", "int8")


def test_a_rounded_file_is_smaller(tmp_path: Path) -> None:
    model, sizes = cases.model(hidden=64), {}
    for weights in ("float32", "float16", "int8"):
        model.save(tmp_path / weights, weights)
        sizes[weights] = (tmp_path / weights).stat().st_size
    assert sizes["float16"] < 0.6 * sizes["float32"] and sizes["int8"] < 0.4 * sizes["float32"]


def test_header_is_json_that_anyone_can_read(tmp_path: Path) -> None:
    cases.model("gru").save(tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        header = json.loads(file.metadata()["gatescope"])
    assert header["cell"] == "gru" and header["seed"] == 7 and header["units"]["gender"]["unit"] == 2


def softmax(scores: np.ndarray) -> np.ndarray:
    exp = np.exp(scores - scores.max())
    return exp / exp.sum()


@EVERY
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("directions", [1, 2])
def test_predictions_are_a_softmax_of_the_readout(name: str, tied: bool, directions: int) -> None:
    """Against plain float64 NumPy, word by word: score = weight[word] . h + bias[word]."""
    model = cases.model(name, tied, layers=2, directions=directions)
    trace = model.run(TEXT, device="cpu")
    for step in range(len(trace)):
        h = np.concatenate(
            [trace.sel(model.cell.output, layer=1, direction=d, time=step, batch=0) for d in range(directions)]
        )
        weight = model.embedding.astype(float) @ model.predicts.weight if tied else model.predicts.weight.astype(float)
        expected = softmax(np.array([row @ h for row in weight]) + model.predicts.bias)
        np.testing.assert_allclose(model.probabilities(trace)[step], expected, rtol=1e-5)
        np.testing.assert_allclose(model.predicts.whole, weight, rtol=1e-5, atol=1e-6)

        top = model.next_tokens(trace, step, k=4)
        order = np.argsort(-expected)[:4]
        assert [word for word, _ in top] == [cases.WORDS[i] for i in order]
        np.testing.assert_allclose([p for _, p in top], expected[order], rtol=1e-5)


def test_next_tokens_are_sorted_and_add_up() -> None:
    model = cases.model()
    trace = model.run(TEXT, device="cpu")
    for k in (1, 3, 9, 50):
        for step in (0, 3, -1):
            top = model.next_tokens(trace, step, k)
            shares = [p for _, p in top]
            assert len(top) == min(k, 9) and shares == sorted(shares, reverse=True)
            assert all(isinstance(word, str) and isinstance(p, float) and 0 <= p <= 1 for word, p in top)
            assert sum(shares) <= 1 + 1e-6 and len({word for word, _ in top}) == len(top)
    assert sum(p for _, p in model.next_tokens(trace, -1, 9)) == pytest.approx(1, abs=1e-6)
    assert model.next_tokens(trace, -1) == model.next_tokens(trace, len(trace) - 1) == model.predictions(trace)[-1]


@pytest.mark.parametrize("k", [1, 5, 16, 17, 40])
def test_the_likeliest_are_the_first_of_all_in_order(k: int) -> None:
    rng = np.random.default_rng(k)
    shares = rng.permuted(np.arange(1.0, 41.0, dtype=np.float32) / 820, axis=0)[None].repeat(3, 0)
    shares = rng.permuted(shares, axis=1)
    whole = np.argsort(-shares, axis=-1)[:, :k]
    ids, values = network._best(shares.copy(), k)
    assert np.array_equal(ids, whole) and np.array_equal(values, np.take_along_axis(shares, whole, -1))


def test_of_words_that_are_equally_likely_the_first_goes_first() -> None:
    assert network._best(np.full((2, 9), 1 / 9), 3)[0].tolist() == [[0, 1, 2]] * 2


def test_scores_that_are_far_apart_do_not_overflow() -> None:
    model = cases.model()
    model.predicts.bias[:] = [3e4, -3e4, *[0] * 7]
    assert model.next_tokens(model.run("Mary", device="cpu"), -1, 1) == [("<unk>", 1.0)]


@EVERY
def test_an_empty_text_is_a_trace_of_no_steps(name: str) -> None:
    model = cases.model(name, layers=2, directions=2)
    for text in ("", "  \n"):
        trace = model.run(text)
        assert len(trace) == 0 and trace.tokens == () and model.predictions(trace) == []
        assert {v.shape for v in trace.signals.values()} == {(2, 2, 0, 1, 5)}
        assert trace.role("hidden") is not None and trace.to_pandas().empty


def test_what_is_read_is_the_embedding_of_each_token() -> None:
    model = cases.model()
    trace = model.run("she was nowhere", device="cpu")
    np.testing.assert_array_equal(trace.inputs[:, 0], model.embedding[[6, 3, 0]])
    assert [token.known for token in trace.tokens] == [True, True, False]
    again = model.run(trace.tokens[:2], device="cpu")
    np.testing.assert_array_equal(again.signals["h"], trace.signals["h"][:, :, :2])


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed is at least 0, not -1"):
        load_model("pronouns-lstm").untrained(-1)


@EVERY
def test_untrained_has_the_same_shape_and_other_weights(name: str) -> None:
    """Everything that is trained is drawn anew, the same for a seed; what a cell declares as fixed stays."""
    model = cases.model(name, tied=True)
    other, again, next_seed = model.untrained(), model.untrained(), model.untrained(1)
    assert (other.predicts.through is not None) and other.cell is model.cell and other.name != model.name
    fixed = {param.name for param in model.cell.params if param.fixed is not None}
    for key, value in parts(model).items():
        drawn = parts(other)[key]
        assert drawn.shape == value.shape and drawn.dtype == np.float32
        np.testing.assert_array_equal(parts(again)[key], drawn)
        assert np.array_equal(drawn, value) == np.array_equal(drawn, parts(next_seed)[key]) == (key in fixed), key


def parts(model: Network) -> dict[str, np.ndarray]:
    """All arrays of a model of one layer and direction."""
    out = model.predicts
    return {**model.layers[0][0], "embedding": model.embedding, "readout": out.weight, "bias": out.bias}


# Files that are something else.


def saved(tmp_path: Path, tensors: dict | None = None, header: dict | None = None, **metadata: str) -> Path:
    """A good model's file with some of its content exchanged; None takes a part out."""
    path = tmp_path / "m.safetensors"
    cases.model().save(path)
    with safe_open(path, framework="numpy") as file:
        arrays, texts = {k: file.get_tensor(k) for k in file.keys()}, file.metadata()
    entries = json.loads(texts["gatescope"]) | (header or {})
    texts["gatescope"] = json.dumps({k: v for k, v in entries.items() if v is not None})
    arrays = {k: v for k, v in (arrays | (tensors or {})).items() if v is not None}
    save_file(arrays, path, {k: v for k, v in (texts | metadata).items() if v})
    return path


def refused(path: Path, reason: str) -> None:
    """The message names the file and the reason."""
    with pytest.raises(ValueError, match=reason) as error:
        Network.load(path)
    assert str(path) in str(error.value)


def test_an_untouched_copy_is_accepted(tmp_path: Path) -> None:
    assert Network.load(saved(tmp_path)).name == "small-lstm"


@pytest.mark.parametrize("content", [b"", b"\x00", b"not a model at all", b"\xff" * 200, b"PK\x03\x04" + b"\x00" * 99])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    refused(tmp_path / "m.safetensors", "cannot be read as a safetensors file")


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = saved(tmp_path)
    content = path.read_bytes()
    for share in (0.02, 0.3, 0.6, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        refused(path, "cannot be read as a safetensors file")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "missing.safetensors", "cannot be read")
    refused(tmp_path, "cannot be read")


def test_a_safetensors_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "m.safetensors")
    refused(tmp_path / "m.safetensors", "not a Gatescope model")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"header": {"format": 2}}, "newer format; update Gatescope"),
        ({"header": {"format": None}}, "'format' is missing"),
        ({"header": {"cell": "ltsm"}}, "no cell 'ltsm'; there are .*lstm"),
        ({"header": {"tied": None}}, "'tied' is missing"),
        ({"gatescope": "{"}, "header is no JSON"),
        ({"gatescope": "[1]"}, "header is no JSON object"),
        ({"tokenizer": ""}, "'tokenizer' is missing"),
        ({"tokenizer": "{}"}, "not a tokenizer"),
        ({"tensors": {"embedding.weight": None}}, "'embedding.weight' is missing"),
        ({"tensors": {"readout.bias": None}}, "'readout.bias' is missing"),
        ({"tensors": {"layers.0.0.U_f": None}}, "'layers.0.0.U_f' is missing"),
        ({"tensors": {"layers.0.0.U_f": np.zeros((5, 4), np.float32)}}, r"layers.0.0.U_f is \(5, 4\), not \(5, 5\)"),
        ({"tensors": {"layers.0.0.W_f": np.zeros((5, 3), np.float32)}}, r"layers.0.0.W_f is \(5, 3\), not \(5, 4\)"),
        (
            {"tensors": {"embedding.weight": np.zeros((7, 4), np.float32)}},
            r"embedding.weight is \(7, 4\), not \(9, 4\)",
        ),
        ({"tensors": {"readout.weight": np.zeros((9, 6), np.float32)}}, r"readout.weight is \(9, 6\), not \(9, 5\)"),
        ({"tensors": {"readout.bias": np.zeros(8, np.float32)}}, r"readout.bias is \(8,\), not \(9,\)"),
        ({"tensors": {"layers.a": np.zeros(1, np.float32)}}, "layers.a is no layers.LAYER.DIRECTION.PARAMETER"),
        ({"tensors": {"layers.0.1.U_f": np.zeros((5, 5), np.float32)}}, "'layers.0.1.W_i' is missing"),
        ({"tensors": {"embedding.weight": np.zeros(9, np.float32)}}, "embedding.weight has 1 axes, not 2"),
        ({"header": {"name": None}}, "'name' is missing"),
    ],
)
def test_a_model_with_a_fault_is_refused_with_its_name(change: dict, reason: str, tmp_path: Path) -> None:
    refused(saved(tmp_path, **change), reason)


def test_a_model_without_layers_is_refused(tmp_path: Path) -> None:
    refused(saved(tmp_path, {f"layers.0.0.{p.name}": None for p in CELLS["lstm"].params}), "no layers")


# Models by name.


def test_models_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GATESCOPE_MODELS adds folders; the first that holds a name wins; an unknown name is answered with the list."""
    first, second = tmp_path / "a", tmp_path / "b"
    for folder, name in ((first, "gru"), (second, "lstm")):
        folder.mkdir()
        cases.model(name).save(folder / "mine.safetensors")
    cases.model("rnn").save(second / "other.safetensors")
    monkeypatch.setenv("GATESCOPE_MODELS", f"{first}{';' if sys.platform == 'win32' else ':'}{second}")
    assert list_models()["mine"] == first / "mine.safetensors"
    assert load_model("mine").cell is CELLS["gru"] and load_model("other").cell is CELLS["rnn"]
    with pytest.raises(ValueError, match="no model 'yours'; there are mine, other"):
        load_model("yours")


def test_a_model_loads_and_runs_without_torch(tmp_path: Path) -> None:
    cases.model(layers=2, directions=2).save(tmp_path / "mine.safetensors")
    code = (
        "import sys\n"
        "from lstm_core import Network\n"
        f"model = Network.load({str(tmp_path / 'mine.safetensors')!r})\n"
        "trace = model.run('Mary was late', device='cpu')\n"
        "model.next_tokens(trace, -1)\n"
        "trace.role('write')\n"
        "print(len(trace), 'torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parent.parent
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert out.split() == ["3", "False"]


def test_whole_numbers_without_scales_and_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    cases.model().save(path, "int8")
    with safe_open(path, framework="numpy") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    bias, scales = "readout.bias", "readout.weight.scale"
    for changed, message in (
        (
            {name: value for name, value in tensors.items() if name != scales},
            "readout.weight is int8 and has no scales",
        ),
        ({**tensors, bias: tensors[bias].astype(np.int32)}, "readout.bias is int32 and has no scales"),
        ({**tensors, scales: -tensors[scales]}, "readout.weight.scale has scales that are not positive"),
        ({**tensors, bias: tensors[bias] * np.nan}, "readout.bias has weights that are not finite"),
    ):
        save_file(changed, path, metadata=metadata)
        with pytest.raises(ValueError, match=message):
            Network.load(path)
