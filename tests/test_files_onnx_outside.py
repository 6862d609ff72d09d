"""ONNX graphs: weights that lie in other files."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402
from onnx_graphs import INPUT, UNITS, Maker, params, weights  # noqa: E402

from lstm_core import load  # noqa: E402


def outside(data: bytes, *, name: str = "w.bin", **entries: Any) -> tuple[bytes, np.ndarray]:
    """A model whose W lies in a file; what ``entries`` say of it."""
    maker, arrays = Maker(), weights(0)
    names = [maker.store(arrays[key], key) for key in "WRB"]
    tensor = maker.tensors[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": name, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    maker.nodes.append(helper.make_node("LSTM", ["X", *names], ["Y"], name="cell", hidden_size=UNITS))
    return maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString(), arrays["W"]


def test_the_place_in_the_other_file_is_kept_to() -> None:
    array = weights(0)["W"].tobytes()
    data = b"junk" + array + b"more"
    for entries in ({"offset": 4, "length": len(array)}, {"offset": 4}):
        model, expected = outside(data, checksum=hashlib.sha1(data).hexdigest(), **entries)
        found = params(load(model, beside={"w.bin": data}))
        np.testing.assert_array_equal(found["W_i"], expected[0, :UNITS])


@pytest.mark.parametrize(
    ("entries", "given", "reason"),
    [
        ({}, {}, "W lies in the file 'w.bin', which is not there: give both files together"),
        (
            {"offset": 4},
            {"w.bin": 128},
            "W takes 128 bytes, and the model says that it is 128 bytes from byte 4 on in a file of 128",
        ),
        ({"offset": -4}, {"w.bin": 256}, "from byte -4 on"),
        ({"length": 64}, {"w.bin": 256}, "W takes 128 bytes, and the model says that it is 64 bytes from byte 0 on"),
        ({"length": "many"}, {"w.bin": 128}, "W cannot be read: invalid literal"),
        ({"checksum": "0" * 40}, {"w.bin": 128}, "the file 'w.bin' is not the one that the model was saved with"),
        ({"location": "../w.bin"}, {"../w.bin": 128}, "leads out of the folder"),
        ({"location": "/etc/passwd"}, {}, "leads out of the folder"),
        ({"location": "C:\\w.bin"}, {}, "leads out of the folder"),
        ({"location": "..\\w.bin"}, {}, "leads out of the folder"),
        ({"location": "a\0b"}, {}, "which is not there"),
        ({"location": "a" * 5000}, {}, "which is not there"),
        ({"location": ""}, {}, "leads out of the folder|which is not there"),
    ],
)
def test_what_is_said_of_the_other_file_is_not_believed(
    entries: Any, given: dict[str, int], reason: str, tmp_path: Any
) -> None:
    model, _ = outside(b"", **entries)
    (tmp_path / "model.onnx").write_bytes(model)
    for beside, source in ((given, model), ({}, tmp_path / "model.onnx")):
        for name, count in given.items():
            if source is not model and ".." not in name:
                (tmp_path / name).write_bytes(bytes(count))
        with pytest.raises(ValueError, match=reason):
            load(source, beside={name: bytes(count) for name, count in beside.items()})


def test_several_other_files_count_together(tmp_path: Any) -> None:
    maker, arrays = Maker(), weights(0)
    names = [maker.store(arrays[key], key) for key in "WR"]
    for tensor in maker.tensors:
        (tmp_path / tensor.name).write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=tensor.name)
    maker.nodes.append(helper.make_node("LSTM", ["X", *names], ["Y"], name="cell", hidden_size=UNITS))
    data = maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(data)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert load(tmp_path / "model.onnx", max_bytes=size + 200).blocks
    with pytest.raises(ValueError, match="more than the [0-9,]+ that are allowed"):
        load(tmp_path / "model.onnx", max_bytes=size - 1)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Any) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(128))
    (tmp_path / "inside" / "w.bin").symlink_to(tmp_path / "secret.bin")
    model, _ = outside(b"")
    (tmp_path / "inside" / "model.onnx").write_bytes(model)
    with pytest.raises(ValueError, match="leads out of the folder"):
        load(tmp_path / "inside" / "model.onnx")


def test_an_operator_opens_no_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnx's own operators would read a tensor among their attributes from where it says."""
    (tmp_path / "secret").write_bytes(np.ones(1, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    maker = Maker()
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    value.ClearField("float_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="secret")
    shape = maker.store(np.array([1, 4 * UNITS, INPUT]))
    w = maker.add("ConstantOfShape", [shape], value=value)
    r = maker.store(np.ones((1, 4 * UNITS, UNITS), np.float32))
    maker.nodes.append(helper.make_node("LSTM", ["X", w, r], ["Y"], hidden_size=UNITS))
    model = maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString()
    with pytest.raises(ValueError, match="its attribute value is not supported"):
        load(model)
