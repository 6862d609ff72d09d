"""Files on the page: given together, said otherwise, checked against another runtime, and traces that were recorded."""

from __future__ import annotations

import io
import json
import lzma
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

from dashboard.cache import LIMIT
from dashboard.views import gates
from dashboard.yours import reads
from dashboard.yours.session import Place
from dashboard.yours.upload import FILE, PROBE, SENTENCE, TRACE, Given, Upload
from lstm_core import Trace, trace
from lstm_core.files import vocabulary
from tests.test_files_wiring import Two
from tests.test_your_pages import opened, sent
from tests.uploads import npy, saved


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
