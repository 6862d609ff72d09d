"""The child process that reads what others made: what comes back from it, and what becomes of one that misbehaves."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sandbox_child

from lstm_core.files import sandbox
from lstm_core.say import Said

MODULE = "sandbox_child"
LIMIT = 1 << 20


def answer(what: str) -> Any:
    return sandbox.run(MODULE, what.encode(), LIMIT)[0]


def test_numbers_of_every_kind_come_back_as_they_are() -> None:
    _, arrays = sandbox.run(MODULE, b"arrays", LIMIT)
    assert list(arrays) == list(sandbox_child.ARRAYS)
    for name, array in sandbox_child.ARRAYS.items():
        assert arrays[name].dtype == array.dtype.newbyteorder("=") and arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()
        assert arrays[name].flags.aligned and arrays[name].flags.c_contiguous


def test_a_value_comes_back() -> None:
    assert answer("value") == {"我": [1, 2.5, None, "text"], "limit": LIMIT}
    assert sandbox.run(MODULE, bytes(3 << 20), LIMIT)[0] == 3 << 20


def test_a_refusal_keeps_what_it_was_said_with() -> None:
    with pytest.raises(ValueError) as caught:
        answer("refuse")
    message = caught.value.args[0]
    assert message == "layer 1234 has 1,234 rows" and isinstance(message, Said)
    assert message.template == "{what} has {count:,} rows" and message.values["what"].values == {"layer": 1234}
    with pytest.raises(ValueError, match="^plain text$"):
        answer("refuse simply")


@pytest.mark.parametrize("how", ["wait", "spin"])
def test_a_child_that_does_not_end_is_given_up(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 1)
    start = time.monotonic()
    with pytest.raises(ValueError, match="could not be read within 1 s; it is damaged, or made so on purpose"):
        answer(how)
    assert time.monotonic() - start < 50


def test_a_large_file_has_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, timer = [], threading.Timer
    monkeypatch.setattr(threading, "Timer", lambda seconds, function: asked.append(seconds) or timer(seconds, function))
    for size in (10, 200 << 20):
        assert sandbox.run(MODULE, bytes(size), LIMIT)[0] == size
    assert asked == [10, 14]


@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory there")
@pytest.mark.parametrize("how", ["take", "nest"])
def test_a_child_that_wants_too_much_memory_is_refused(how: str) -> None:
    with pytest.raises(ValueError, match="takes more memory than is allowed"):
        answer(how)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_a_child_that_crashes_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="the file is damaged: reading it ended with signal 11"):
        answer("crash")


@pytest.mark.parametrize("how", ["stop", "cut", "objects", "much text", "many numbers", "list", "break"])
def test_a_child_that_breaks_down_is_a_sentence(how: str) -> None:
    with pytest.raises(ValueError, match="the file could not be read: the reading process ended with status [013]"):
        answer(how)


def test_without_a_python_to_start_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ValueError, match="no process could be started to read the file"):
        answer("value")


def test_the_child_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "open sesame")
    environment, _, arguments = answer("told")
    assert "open sesame" not in str(environment) + str(arguments) and "SECRET_KEY" not in environment


@pytest.mark.skipif(sys.platform != "linux", reason="no such limit there")
def test_the_child_writes_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match="ended with status 1"):
        answer("write")
    assert not any(file.stat().st_size for file in tmp_path.iterdir())


def test_the_child_starts_light() -> None:
    imported = {name.split(".")[0] for name in answer("imported")}
    assert not imported & {"torch", "streamlit", "plotly", "pandas", "onnx", "h5py", "tokenizers", "safetensors"}


def test_hdf5_gives_what_stands_at_its_groups_and_the_order_of_the_file(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    from lstm_core.files import hdf5

    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        file.attrs["keras_version"] = b"2.2.4"
        file.attrs["count"] = 3
        for layer in ("z", "lstm_10", "lstm_2", "a"):
            group = file.create_group(f"model_weights/{layer}")
            group.attrs["weight_names"] = np.array([b"kernel:0", b"bias:0"])
            for weight in ("kernel:0", "bias:0"):
                group[weight] = np.ones((3, 3), np.float32)
        file["model_weights"].attrs["backend"] = "tensorflow"
    content = hdf5.read(path.read_bytes(), LIMIT)
    assert list(content.arrays) == [
        f"model_weights/{layer}/{weight}"
        for layer in ("z", "lstm_10", "lstm_2", "a")
        for weight in ("kernel:0", "bias:0")
    ]
    assert content.config == "{}"
    assert content.attributes[""] == {"model_config": "{}", "keras_version": "2.2.4"}
    assert content.attributes["model_weights"] == {"backend": "tensorflow"}
    assert content.attributes["model_weights/lstm_2"] == {"weight_names": ["kernel:0", "bias:0"]}
    with pytest.raises(ValueError, match="attributes have more than the 100 bytes"):
        hdf5.read(path.read_bytes(), 100)
