"""A visitor's own model: files in, and what comes of them, compared with torch; what is wrong is told and not run."""

from __future__ import annotations

import gc
import re
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from uploads import HOSTILE, SENTENCE, WORDS, npy, npy_claims, onnx_lstm, safetensors, saved, tagger

from dashboard.cache import LIMIT, cut
from dashboard.yours import inputs, vocabulary
from dashboard.yours.session import Place
from dashboard.yours.upload import FILE, PROBE, Given, Upload
from dashboard.yours.upload import SENTENCE as AS_SENTENCE
from lstm_core import load
from lstm_core.files import wiring
from lstm_core.stacked import GATES

VOCABULARY = "\n".join(WORDS).encode()


def uploaded(data: bytes, **chosen: object) -> Upload:
    place = Place()
    place.take(Given("model.pt", data))
    assert place.upload is not None, place.problem or place.question
    place.choose(**chosen)
    assert not place.problem, place.problem
    return place.upload


def worded(data: bytes) -> Upload:
    return uploaded(data, vocabulary=vocabulary.read(VOCABULARY, len(WORDS)), source=AS_SENTENCE)


# ---- the model


def test_a_language_model_reads_a_sentence_and_predicts_as_torch_does() -> None:
    module = tagger()
    reading = worded(saved(module)).read(SENTENCE, LIMIT)
    ids = [WORDS.index(word.lower()) for word in SENTENCE.split()]
    assert [token.id for token in reading.trace.tokens] == ids
    with torch.no_grad():
        chances = module(torch.tensor(ids)[:, None])[:, 0].softmax(-1).numpy()
    np.testing.assert_allclose(reading.model.probabilities(reading.trace), chances, atol=1e-6)
    best = chances[-1].argsort()[::-1][:5]
    assert [word for word, _ in reading.model.predictions(reading.trace)[-1]] == [WORDS[k] for k in best]
    assert reading.trace.max_abs_error is not None and reading.trace.max_abs_error < 1e-6
    assert not reading.others and not cut([reading]) and not reading.why


@pytest.mark.parametrize(
    "module",
    [
        nn.GRU(3, 5, num_layers=2, bidirectional=True),
        nn.LSTM(3, 5, bias=False),
        nn.LSTM(3, 5, proj_size=2),
        nn.GRUCell(3, 5),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_block_without_words_reads_a_probe_at_once(module: nn.Module) -> None:
    upload = uploaded(saved(module))
    reading = upload.read("whatever", LIMIT)
    assert upload.source == PROBE and len(reading.trace) == 60 and reading.trace.tokens == ()
    assert reading.next_words == [[]] * 60 and "reads numbers" in reading.why
    assert reading.trace.max_abs_error is not None and reading.trace.max_abs_error < 1e-6
    with pytest.raises(ValueError, match="Your model reads numbers here"):
        reading.model.probabilities(reading.trace)
    with pytest.raises(ValueError, match="no words"):
        reading.model.tokenizer.id("she")


def test_the_certificate_sees_a_wrong_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison with torch is a real one: a run that is not torch's own is refused, not drawn."""
    upload = uploaded(saved(nn.GRU(3, 5)))
    monkeypatch.setitem(GATES, "gru", "zrn")  # torch's module is made with two of its gates exchanged
    reading = upload.read("", LIMIT)
    assert len(reading.trace) == 0 and "differs from torch's own" in reading.others[0]


def test_a_file_that_does_not_say_its_cell_is_asked_about() -> None:
    place = Place()
    place.take(Given("rnn.pt", saved(nn.RNN(3, 4, nonlinearity="relu"))))
    assert place.upload is None and place.question is not None
    assert place.question.choices == {"": ("rnn", "rnn_relu")}
    place.take(replace(place.question.given, said={"cell": {"": "rnn_relu"}}))
    assert place.upload is not None and place.upload.model().cell.name == "rnn_relu"


def test_one_of_several_blocks_is_chosen() -> None:
    module = nn.ModuleDict({"encoder": nn.LSTM(3, 4), "decoder": nn.GRU(7, 5)})
    upload = uploaded(saved(module))
    assert upload.model().cell.name == "lstm"
    upload.set(block="decoder")
    assert upload.model().cell.name == "gru" and upload.read("", 9).trace.inputs.shape == (9, 1, 7)


def test_what_fits_no_longer_is_let_go() -> None:
    """Another block or embedding: the vocabulary, the numbers and the source that needed them go."""
    upload = worded(saved(tagger()))
    assert upload.output == "out.weight"
    upload.set(embedding="embed.weight")
    assert upload.vocabulary is None and upload.source == PROBE
    upload = uploaded(saved(nn.GRU(3, 4)), signal=np.zeros((5, 3), np.float32), found=5, source=FILE)
    assert len(upload.read("", LIMIT).trace) == 5
    upload.set(block="")
    assert upload.signal is None and upload.source == PROBE


def test_embedding_and_output_are_found_by_shape() -> None:
    module = nn.ModuleDict(
        {"emb": nn.Embedding(50, 4), "rnn": nn.GRU(4, 7), "side": nn.Linear(4, 9), "head": nn.Linear(7, 50)}
    )
    found = load(saved(module))
    [block] = found.blocks
    assert wiring.embeddings(found, block) == ["emb.weight"]  # side has a bias
    assert wiring.outputs(found, block, 50) == ["head.weight"]
    readout = wiring.output(found, "head.weight", 50)
    np.testing.assert_array_equal(readout.weight, module["head"].weight.detach().numpy())
    np.testing.assert_array_equal(readout.bias, module["head"].bias.detach().numpy())
    turned = replace(found, others={"w": found.others["head.weight"].T})
    np.testing.assert_array_equal(wiring.output(turned, "w", 50).weight, readout.weight)


def test_an_output_layer_that_is_missing_says_so() -> None:
    state = {name: value.numpy() for name, value in tagger().state_dict().items() if not name.startswith("out")}
    reading = worded(safetensors(state)).read(SENTENCE, LIMIT)
    assert len(reading.trace) == 5 and reading.next_words == [[]] * 5
    assert "no output layer of 10 x 8" in reading.why
    with pytest.raises(ValueError, match="no output layer"):
        _ = reading.model.predicts.whole


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output": None}, "No output layer is chosen for your model"),
        ({"source": PROBE}, "Your model reads numbers here"),
    ],
    ids=["none chosen", "a probe"],
)
def test_an_output_layer_that_is_there_is_not_said_to_be_missing(change: dict[str, object], said: str) -> None:
    upload = worded(saved(tagger()))
    upload.set(**change)
    assert upload.outputs() and said in upload.read(SENTENCE, LIMIT).why


def test_an_output_layer_behind_another_layer_says_what_lies_between() -> None:
    layers = {"emb": nn.Embedding(10, 4), "rnn": nn.GRU(4, 7), "mix": nn.Linear(7, 7), "out": nn.Linear(7, 10)}
    upload = worded(saved(nn.ModuleDict(layers)))
    assert "mix lies between rnn and out.weight" in upload.read(SENTENCE, LIMIT).why


def test_nan_around_the_block_is_told_when_it_is_used() -> None:
    module = tagger()
    with torch.no_grad():
        module.embed.weight[3, 2] = float("nan")
    place = Place()
    place.take(Given("model.pt", saved(module)))
    place.choose(vocabulary=vocabulary.read(VOCABULARY, len(WORDS)), source=AS_SENTENCE)
    assert "NaN" in place.problem and place.upload is not None and place.upload.source == PROBE


def test_what_grows_beyond_every_bound_is_told() -> None:
    module = nn.RNN(2, 3, nonlinearity="relu")
    with torch.no_grad():
        for value in module.parameters():
            value.fill_(1e30)
    place = Place()
    place.take(Given("relu.pt", saved(module), said={"cell": {"": "rnn_relu"}}))
    assert place.upload is not None
    reading = place.upload.read("", LIMIT)
    assert len(reading.trace) == 0 and "grows beyond every bound" in reading.others[0]


def test_a_long_signal_and_a_wide_block_are_cut_and_say_so() -> None:
    upload = uploaded(saved(nn.GRU(1, 1000)), steps=2000)
    assert upload.steps == upload.longest == 400
    values, found = inputs.read(b"0.5\n" * 3000, 1, upload.longest)
    upload.set(signal=values, found=found, source=FILE)
    reading = upload.read("", LIMIT)
    assert cut([reading]) == ["GRU: the first 400 of 3,000 steps are shown."]


def test_a_block_that_reads_from_the_end() -> None:
    """ONNX and Keras have such blocks: the trace stands in the order in which it reads, and the page says so."""
    upload = uploaded(onnx_lstm())
    block = upload.chosen()
    backward = replace(block, directions=("reverse",))
    upload.loaded = replace(upload.loaded, blocks=(backward,))
    upload.set(kind="noise")
    trace = upload.read("", LIMIT).trace
    np.testing.assert_allclose(trace.signals["h"][:, :, ::-1], backward.trace(trace.inputs[::-1, 0]).signals["h"])
    assert "from the end" in upload.read("", LIMIT).others[0]


def test_a_model_that_is_removed_is_freed() -> None:
    place = Place()
    place.take(Given("model.pt", saved(nn.GRU(3, 4))))
    assert place.upload is not None
    place.upload.read("", LIMIT)
    weights = weakref.ref(place.upload.loaded.blocks[0])
    place.clear()
    gc.collect()
    assert weights() is None


def test_readings_are_kept_for_a_while() -> None:
    upload = worded(saved(tagger()))
    first = upload.read(SENTENCE, LIMIT)
    assert upload.read(SENTENCE, LIMIT) is first
    upload._readings.most = 4 * upload._readings.bytes
    for k in range(20):
        upload.read(f"mary {k}", LIMIT)
    assert len(upload._readings) > 1 and upload._readings.bytes <= upload._readings.most
    assert upload.read(SENTENCE, LIMIT) is not first


# ---- hostile files


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_message(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make, said = HOSTILE[name]
    place = Place()
    place.take(Given("their.file", make()))
    assert place.upload is None and place.question is None
    assert re.search(said, place.problem), place.problem
    assert place.problem.startswith("their.file: ") and "\n" not in place.problem
    assert not list(tmp_path.iterdir()), "nothing was run, nothing was written"


def test_a_bad_file_replaces_nothing_but_the_upload() -> None:
    """What was there before is freed: a refused file does not leave the old model standing for the new one."""
    place = Place()
    place.take(Given("good.pt", saved(nn.GRU(3, 4))))
    place.take(Given("bad.pt", b"no"))
    assert place.upload is None and place.problem
    place.take(Given("good.pt", saved(nn.GRU(3, 4))))
    assert place.upload is not None and not place.problem
    place.clear()
    assert place.upload is None


# ---- numbers


def test_csv_and_npy_give_the_same() -> None:
    values = np.random.default_rng(0).normal(size=(7, 3))
    rows = "\n".join(",".join(map(str, row)) for row in values)
    for data in (
        npy(values),
        npy(np.asfortranarray(values)),
        rows.encode(),
        f"a,b,c\r\n{rows}\r\n\r\n".encode("utf-8-sig"),
        rows.replace(",", ";").encode(),
        rows.replace(",", "\t").encode(),
        rows.replace(",", ";").replace(".", ",").encode(),  # as tables are written where a comma is the decimal point
        ("a;b;c\n" + rows.replace(",", ";").replace(".", ",")).encode(),
        "\n".join(",".join(f'"{value}"' for value in row) for row in values).encode(),  # all is quoted, no titles
    ):
        found, steps = inputs.read(data, 3, 100)
        np.testing.assert_allclose(found, values, rtol=1e-6)
        assert steps == 7 and found.dtype == np.float32
        assert inputs.read(data, 3, 4)[0].shape == (4, 3) and inputs.read(data, 3, 4)[1] == 7


def test_one_column_may_be_a_plain_list() -> None:
    assert inputs.read(npy(np.arange(5)), 1, 9)[0].shape == (5, 1)


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "empty"),
        (b"1,2,3\n1,x,3", "line 2 holds 'x', which is not a number"),
        (b"1,2\n3,4", "line 1 has 2 columns; the block reads 3 numbers a step"),
        (b"1,2,3\n4,5", "line 2 has 2 columns"),
        (b"a,b,c\n", "no line of numbers"),
        (b"NA,NA,NA\n1,2,3", "line 1 holds 'NA', which is not a number"),  # a step, and no titles
        (b",,\n1,2,3", "line 1 holds '', which is not a number"),
        (b'1,"","2"\n', "line 1 holds '', which is not a number"),
        (b'"1,5","2"\n', "line 1 holds '\"1', which is not a number"),
        (b"1,2,nan", "step 1, input 3 is not a finite number"),
        (b"1,2,1e400", "step 1, input 3 is not a finite number"),
        (b"\xff\xfe\x00", "neither text"),
        (npy(np.array([{"a": 1}, None, 3], object)), "Python objects"),
        (npy(np.array([["a", "b", "c"]])), "not real numbers"),
        (npy(np.zeros((4, 2))), r"shape \(4, 2\); \(time, 3\) is needed"),
        (npy(np.zeros((2, 2, 3))), r"\(time, 3\) is needed"),
        (npy(np.zeros((0, 3))), r"\(time, 3\) is needed"),
        (npy(np.full((2, 3), np.inf)), "not a finite number"),
        (npy(np.zeros((9, 3)))[:-10], "cut short"),
        (npy_claims((10**9, 3)), "claims 24,000,000,000 bytes"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"(" * 1000, "header is damaged"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((((", "header is damaged"),
        (b"\x93NUMPY\x09\x00", "version"),
    ],
)
def test_wrong_numbers_are_a_message(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        inputs.read(data, 3, 100)


@pytest.mark.parametrize("kind", inputs.PROBES)
def test_probes(kind: str) -> None:
    x = inputs.probe(kind, 40, 3, seed=2)
    assert x.shape == (40, 3) and x.dtype == np.float32 and np.isfinite(x).all() and np.abs(x).max() > 0.1
    np.testing.assert_array_equal(x, inputs.probe(kind, 40, 3, seed=2))
    assert (x != inputs.probe(kind, 40, 3, seed=3)).any()
    if kind != "noise":
        assert np.linalg.matrix_rank(x) == 1, "one course over time"
    single = inputs.probe(kind, 40, 1)[:, 0]
    if kind == "impulse":
        assert single.sum() == single[10] == 1
    if kind == "step":
        assert single[:10].sum() == 0 and (single[10:] == 1).all()


def test_without_an_entry_for_unknown_words_they_are_left_out_and_told() -> None:
    entries = {word: k for k, word in enumerate(WORDS) if k}
    upload = uploaded(saved(tagger()), vocabulary=vocabulary.from_entries(entries, len(WORDS)), source=AS_SENTENCE)
    reading = upload.read("Mary really saw John", LIMIT)
    assert [token.text for token in reading.trace.tokens] == ["Mary", "saw", "John"]
    assert reading.others == ["Your vocabulary has no entry for really: left out."]
