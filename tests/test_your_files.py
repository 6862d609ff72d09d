"""Files on the page: given together, said otherwise, checked against another runtime, and traces that were recorded."""

from __future__ import annotations

import io
import json
import lzma
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from dashboard import language
from dashboard.cache import LIMIT
from dashboard.views import gates
from dashboard.yours import reads
from dashboard.yours.session import Place
from dashboard.yours.upload import FILE, PROBE, SENTENCE, TRACE, Given, Upload
from lstm_core import Trace, trace
from lstm_core.files import vocabulary
from tests.test_files_wiring import Two
from tests.test_your_pages import opened, sent
from tests.uploads import SENTENCE as SAID
from tests.uploads import WORDS, npy, saved, tagger


def placed(files: Mapping[str, bytes]) -> Place:
    place = Place()
    place.take_all(files)
    return place


def uploaded(data: bytes, **chosen: Any) -> Upload:
    place = placed({"model": data})
    assert place.upload is not None, place.problem or place.question
    place.choose(**chosen)
    assert not place.problem, place.problem
    return place.upload


# ---- files given together


def external(hidden: int = 5) -> dict[str, bytes]:
    """An ONNX model whose weights lie beside it, as exporters write them by default."""
    onnx = pytest.importorskip("onnx")
    from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors

    from tests.uploads import onnx_lstm

    model = onnx.load_model_from_string(onnx_lstm(hidden=hidden))
    convert_model_to_external_data(model, location="model.onnx.data", size_threshold=0)
    with tempfile.TemporaryDirectory() as folder:
        write_external_data_tensors(model, folder)
        beside = (Path(folder) / "model.onnx.data").read_bytes()
    return {"model.onnx.data": beside, "model.onnx": model.SerializeToString()}


def test_a_model_and_the_file_of_its_weights_are_given_together() -> None:
    place = placed(external())
    assert place.upload is not None, place.problem
    assert place.upload.file == "model.onnx" and place.upload.chosen().hidden_size == 5


def test_a_model_without_the_file_of_its_weights_names_it() -> None:
    files = external()
    place = placed({"model.onnx": files["model.onnx"]})
    assert place.upload is None and "model.onnx.data" in place.problem and "together" in place.problem


def test_shards_are_read_by_their_index_whatever_the_order() -> None:
    from safetensors.numpy import save

    state = {name: value.numpy() for name, value in nn.LSTM(3, 4).state_dict().items()}
    names = list(state)
    shards = {"model-1.safetensors": names[:2], "model-2.safetensors": names[2:]}
    index = {"weight_map": {name: file for file, held in shards.items() for name in held}}
    files = {file: save({name: state[name] for name in held}) for file, held in shards.items()}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    place = placed(files)
    assert place.upload is not None, place.problem
    assert place.upload.chosen().hidden_size == 4


# ---- a vocabulary that comes with its model

ROWS = {word: row for row, word in enumerate(WORDS)}
TOKENIZER = {"version": "1.0", "model": {"type": "WordLevel", "vocab": ROWS, "unk_token": "<unk>"},
             "pre_tokenizer": {"type": "Whitespace"}}  # fmt: skip
VOCABULARIES = {
    "vocab.json": json.dumps(ROWS),
    "itos.json": json.dumps({"itos": WORDS}),
    "tokenizer.json": json.dumps(TOKENIZER),
    "words.txt": "\n".join(WORDS),
    "words.csv": "\n".join(f"{word},{row}" for word, row in ROWS.items()),
    "vectors.txt": "\n".join(f"{word} 0.1 -0.2 0.3" for word in WORDS),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_given_with_its_model_is_the_one_given_by_itself(name: str) -> None:
    data = VOCABULARIES[name].encode()
    upload = placed({name: data, "lm.pt": saved(tagger())}).upload
    assert upload is not None and upload.source == SENTENCE and upload.vocabulary is not None
    alone = vocabulary.read(data, len(WORDS))
    assert (upload.vocabulary.json, upload.by) == (alone.json, alone.by)
    assert [token.id for token in upload.read("mary saw john", LIMIT).trace.tokens] == [1, 3, 2]


def test_a_vocabulary_comes_with_shards_and_to_a_file_that_asks() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn = nn.Embedding(len(WORDS), 6), nn.RNN(6, 8)

    place = placed({"rnn.pt": saved(Words()), "vocab.json": VOCABULARIES["vocab.json"].encode()})
    assert place.question is not None
    place.answer({"rnn": "rnn"})
    assert place.upload is not None and place.upload.source == SENTENCE and not place.unused


def test_of_several_vocabularies_the_tokenizer_is_taken_then_the_fullest() -> None:
    model, given = {"lm.pt": saved(tagger())}, {name: text.encode() for name, text in VOCABULARIES.items()}
    short = {"a.txt": "\n".join(WORDS[:-1]).encode()}
    place = placed({**model, **short, "words.txt": given["words.txt"]})
    assert place.upload is not None and place.upload.vocabulary is not None
    assert place.upload.vocabulary.json == vocabulary.read(given["words.txt"], len(WORDS)).json
    assert list(place.unused) == ["a.txt is not used: words.txt is taken as the vocabulary."]
    place = placed({**model, **short, "tokenizer.json": given["tokenizer.json"]})
    assert list(place.unused) == ["a.txt is not used: tokenizer.json is taken as the vocabulary."]


OF_NO_USE = {
    "config.json": (
        b'{"architectures": ["LM"], "hidden": 8}',
        "this is the configuration of a model, without any words; give the vocabulary itself",
    ),
    "short.txt": (b"mary\njohn\n", "as a vocabulary it would name 2 of the embedding's 10 rows"),
    "notes.txt": (b"mary\njohn\nmary\n", "lines 1 and 3 of the vocabulary are the same"),
    "long.txt": ("\n".join(map(str, range(11))).encode(), "has 11 entries; the embedding has 10 rows"),
    "picture.png": (b"\x89PNG\r\n\x1a\n", "not text in UTF-8"),
    "steps.csv": (b"1,2,3,4,5,6\n" * 8 + b"6,5,4,3,2,1\n", "it holds numbers; what the model is to read is given as"),
    "steps.npy": (npy(np.zeros((4, 6))), "it holds numbers"),
    "zz.pt": (saved(nn.LSTM(3, 4)), "it is a model by itself, and one is read at a time"),
}
"""What comes with a model and is not its vocabulary, and what is said of it."""


@pytest.mark.parametrize("name", OF_NO_USE)
def test_what_comes_with_a_model_and_is_of_no_use_is_said(name: str) -> None:
    data, said = OF_NO_USE[name]
    place = placed({"lm.pt": saved(tagger()), name: data})
    assert place.upload is not None and place.upload.file == "lm.pt" and not place.problem
    assert place.upload.source == PROBE and place.upload.vocabulary is None
    [told] = place.unused
    assert told.startswith(f"{name} is not used: ") and said in told
    place.choose(kind="noise")
    assert not place.unused, "it was read"


@pytest.mark.parametrize(("spoken", "not_used"), [("en", "is not used"), ("zh", "未被使用")])
def test_files_of_one_name_are_told_apart_and_the_one_that_is_not_taken_is_said(spoken: str, not_used: str) -> None:
    """As out of two folders; the same file twice is one."""
    model, words = saved(tagger()), VOCABULARIES["words.txt"].encode()
    files = [("lm.pt", model), ("vocab.txt", words), ("lm.pt", saved(nn.LSTM(3, 4))), ("lm.pt", model)]
    files += [("vocab.txt", b"mary\njohn\n"), ("vocab.txt", words)]
    language.ask(lambda: spoken)
    try:
        test = opened(gates, None)
        test.get("file_uploader")[0].set_value([(*file, "") for file in files]).run()  # type: ignore[attr-defined]
    finally:
        language.ask(lambda: language.ENGLISH)
    [told] = [one.value.replace("\\", "").split("  \n") for one in test.info]
    assert [one.split(not_used)[0].strip() for one in told] == ["lm.pt (2)", "vocab.txt (2)"]
    assert [word[0] for word in sent(test)["sides"][0]["words"]] == SAID.split()


def test_a_model_without_words_says_that_it_takes_no_vocabulary() -> None:
    place = placed({"gru.pt": saved(nn.GRU(3, 5)), "words.txt": VOCABULARIES["words.txt"].encode()})
    assert place.upload is not None and place.upload.source == PROBE
    assert list(place.unused) == [
        "words.txt is not used: the model has no embedding for words, so it takes no vocabulary."
    ]


def test_files_that_are_parts_of_the_model_are_not_said_to_be_of_no_use() -> None:
    assert not placed(external()).unused
    place = placed({**external(), "words.txt": b"a"})
    assert [said.partition(" ")[0] for said in place.unused] == ["words.txt"]


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        ("en", ["picture.png is not used: the file is not text in UTF-8", "short.txt is not used: as a vocabulary it"]),
        ("zh", ["picture.png 未被使用：文件不是 UTF-8 文本", "short.txt 未被使用：若作为词表", "请在“句子”中单独提供"]),
    ],
)
def test_one_upload_of_a_model_and_its_vocabulary_reads_sentences(spoken: str, said: list[str]) -> None:
    files = {"picture.png": OF_NO_USE["picture.png"][0], "vocab.json": VOCABULARIES["vocab.json"].encode()}
    files |= {"lm.pt": saved(tagger()), "short.txt": b"mary\njohn\n"}
    language.ask(lambda: spoken)
    try:
        test = opened(gates, None)
        uploader = test.get("file_uploader")[0]
        uploader.set_value([(name, data, "") for name, data in files.items()]).run()  # type: ignore[attr-defined]
    finally:
        language.ask(lambda: language.ENGLISH)
    assert not test.exception
    [told] = [one.value.replace("\\", "") for one in test.info]
    assert all(text in told for text in said) and "vocab.json" not in told
    assert [word[0] for word in sent(test)["sides"][0]["words"]] == SAID.split()
    assert not any(re.search("let it read sentences|要让它读句子", one.value) for one in test.caption), (
        "no more is needed"
    )


# ---- blocks that stand on each other


def test_the_second_layer_reads_the_first_ones_output() -> None:
    module = Two().eval()
    words = vocabulary.from_entries({f"w{k}": k for k in range(20)}, 20)
    upload = uploaded(saved(module))
    upload.set(block="second")
    assert [block.name for block in upload.below()] == ["first"] and upload.embeddings() == ["emb.weight"]
    upload.set(vocabulary=words, source=SENTENCE)
    reading = upload.read("w3 w14 w5", LIMIT)
    with torch.no_grad():
        ids = torch.tensor([[3, 14, 5]])
        h = module.second(module.first(module.emb(ids))[0])[0]
        scores = torch.softmax(module.out(h), -1)[0, -1]
    np.testing.assert_allclose(reading.trace.sel("h", layer=0, direction=0, batch=0), h[0].numpy(), atol=1e-6)
    word, chance = reading.model.predictions(reading.trace)[-1][0]
    assert chance == pytest.approx(float(scores.max()), abs=1e-5) and word == f"w{int(scores.argmax())}"
    upload.set(stacked=False)
    assert upload.below() == () and upload.embeddings() == [] and upload.source == PROBE
    assert upload.read("", LIMIT).trace.inputs.shape[-1] == 4


# ---- said in the place of the file


KERAS = Path(__file__).parent / "files" / "keras"


def test_what_a_keras_file_says_is_overruled_on_the_page() -> None:
    place = placed({"k2_plain.h5": lzma.decompress((KERAS / "k2_plain.h5.xz").read_bytes())})
    assert place.upload is not None, place.problem
    lstm = next(block.name for block in place.upload.loaded.blocks if block.cell.name.startswith("lstm"))
    place.choose(block=lstm, steps=30)
    before = place.upload.read("", LIMIT).trace
    place.again(recurrent_activation="softsign")
    assert not place.problem and place.upload.steps == 30, "what was chosen otherwise stays"
    after = place.upload.read("", LIMIT).trace
    assert "softsign" in after.cell.name and np.abs(after.signals["h"] - before.signals["h"]).max() > 1e-4
    place.again(recurrent_activation=None)
    np.testing.assert_array_equal(place.upload.read("", LIMIT).trace.signals["h"], before.signals["h"])
    test = AppTest.from_function(fields, args=(place,)).run()
    assert not test.exception and len(test.selectbox) == 4
    assert all(box.value is not None and box.options[0] == "as the file says" for box in test.selectbox)
    test.selectbox[1].set_value("softsign").run()
    assert place.upload.given.said["recurrent_activation"] == "softsign"
    test.selectbox[1].set_value(test.selectbox[0].value).run()
    assert place.upload.given.said.get("recurrent_activation") is None
    test.number_input[0].set_value(40).run()
    test.number_input[0].set_value(None).run()  # emptied: what was there stays
    assert not test.exception and place.upload.steps == test.number_input[0].value == 40


def fields(place):  # AppTest runs its text alone
    from dashboard.yours import about, widgets

    about._said(place, place.upload)
    widgets.number(place, place.upload, "steps", "Steps", 1, 50)


# ---- the check


def test_a_check_puts_its_figure_on_the_page() -> None:
    module = nn.LSTM(3, 5)
    place = placed({"model.pt": saved(module)})
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    place.choose(signal=x, found=7, source=FILE)
    upload = place.upload
    assert upload is not None
    with torch.no_grad():
        h = module(torch.from_numpy(x))[0].numpy()
    error = upload.check(h, "")
    assert error < 1e-6 and upload.check(h[-1:], "") < 1e-6, "every step, or the last alone"
    place.choose(checked=2.5e-7)
    assert upload.read("", LIMIT).trace.max_abs_error == 2.5e-7
    with pytest.raises(ValueError, match="they part|the two part first at step 2"):
        upload.check(h + np.eye(7, 5, dtype=np.float32) * [[0], [0], [1], [1], [1], [1], [1]], "")
    with pytest.raises(ValueError, match="expected output is"):
        upload.check(h[:3], "")


def test_another_block_or_input_forgets_the_check() -> None:
    upload = uploaded(saved(Two()))
    upload.set(checked=1e-8)
    upload.set(block="second")
    assert upload.checked is None


# ---- a trace


def recorded(**options: Any) -> tuple[Trace, bytes]:
    made = trace(nn.LSTM(3, 5, **options), torch.randn(9, 2, 3))
    file = io.BytesIO()
    made.to_npz(file)
    return made, file.getvalue()


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
def test_a_trace_of_ones_own_is_shown_as_it_was_recorded(options: dict[str, Any]) -> None:
    made, data = recorded(**options)
    upload = uploaded(data)
    assert upload.source == TRACE
    reading = upload.read("whatever", LIMIT)
    for name, value in made.signals.items():
        np.testing.assert_array_equal(reading.trace.signals[name], value[:, :, :, :1])
    assert reading.trace.max_abs_error == made.max_abs_error and "no next word" in reading.why
    assert len(upload.read("", 4).trace) == 4
    upload.set(source=PROBE)
    assert len(upload.read("", LIMIT).trace) == 60, "its network reads other numbers as well"


def test_a_trace_of_sequences_of_several_lengths_is_shown_to_the_end_of_the_first() -> None:
    made = trace(nn.GRU(3, 5), torch.randn(9, 2, 3), lengths=torch.tensor([6, 9]))
    file = io.BytesIO()
    made.to_npz(file)
    assert len(uploaded(file.getvalue()).read("", LIMIT).trace) == 6


def test_a_trace_that_ends_in_no_numbers_is_shown_up_to_there() -> None:
    made, _ = recorded()
    broken = {name: value.copy() for name, value in made.signals.items()}
    broken["c"][:, :, 5:] = np.nan
    file = io.BytesIO()
    replace(made, signals=broken).to_npz(file)
    reading = uploaded(file.getvalue()).read("", LIMIT)
    assert len(reading.trace) == 5 and "from step 6 on" in reading.notes[0]


def test_a_trace_is_drawn_on_the_page() -> None:
    _, data = recorded()
    place = placed({"gates.npz": data})
    tree = sent(opened(gates, place))
    assert len(tree["sides"][0]["words"]) == 9
    assert place.upload is not None and reads.title(place.upload) == "It is the trace in your file, 9 steps"


@pytest.mark.parametrize("data", [npy(np.zeros(3)), b"", b"PK\x03\x04"])
def test_a_file_that_is_none_says_so(data: bytes) -> None:
    place = Place()
    place.take(Given("x.npz", data))
    assert place.upload is None and place.problem.startswith("x.npz: ")
