"""The files of the networks of the page Beyond: what is wrong with one is said in words, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from lstm_core.beyond import kept
from lstm_core.beyond.drawing import Drawing
from lstm_core.beyond.imagining import Imagining
from lstm_core.beyond.looking import Looking
from lstm_core.beyond.translating import Translating

LOADERS: dict[str, Callable[[Path], Any]] = {
    **{"captions-lstm": Looking.load, "numbers-lstm": Translating.load, "draw-lstm": Drawing.load},
    **{f"strokes-{kind}": Imagining.load for kind in ("vrnn", "storn", "plain")},
}


def taken(name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    with safe_open(kept.file(name), framework="numpy") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, json.loads(file.metadata()["gatescope"])


def refused(name: str, path: Path, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> str:
    arrays = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    save_file(arrays, path, metadata={"gatescope": json.dumps(header)})
    with pytest.raises(ValueError) as found:
        LOADERS[name](path)
    assert type(found.value) is ValueError and path.name in str(found.value) or "no cell" in str(found.value)
    return str(found.value)


@pytest.mark.parametrize("name", LOADERS)
def test_every_array_has_to_be_there_in_its_shape(name: str, tmp_path: Path) -> None:
    """Each array in turn: missing, of an axis more, of one row more, of one column more, and empty."""
    arrays, header = taken(name)
    for key, value in arrays.items():
        others: list[np.ndarray | None] = [None, value[None], value[:0]]
        others += [np.concatenate([value, value.take([0], axis)], axis) for axis in range(value.ndim)]
        if key.startswith("examples"):
            others = [one for one in others if one is None or not len(one) or one.shape[1:] != value.shape[1:]]
            others = [one for one in others if one is None or one.ndim == 2 or one.shape[1] == value.shape[1]]
        for other in others:
            changed = {k: v for k, v in arrays.items() if k != key} | ({} if other is None else {key: other})
            refused(name, tmp_path / "x.safetensors", changed, header)
    said = refused(name, tmp_path / "x.safetensors", {**arrays, "other/W": np.ones(3, np.float32)}, header)
    assert "other/W" in said


@pytest.mark.parametrize("name", LOADERS)
def test_the_header_has_to_say_what_is_needed(name: str, tmp_path: Path) -> None:
    arrays, header = taken(name)
    needed = {"format", "kind", "name", "cell", *({"words", "reads", "glimpses", "way"} & header.keys())}
    for key in needed:
        for value in (None, 7.5, ["a", 1], {}, "nobody", [], "\x00"):
            if key == "name" and isinstance(value, str):
                continue
            refused(name, tmp_path / "x.safetensors", arrays, {**header, key: value})
        refused(name, tmp_path / "x.safetensors", arrays, {k: v for k, v in header.items() if k != key})


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    arrays, header = taken("draw-lstm")
    path = tmp_path / "x.safetensors"
    wrong = {**arrays, "encoder/W_f": arrays["encoder/W_f"].T}
    assert "encoder/W_f has the shape (146, 96), not (96, 146)" in refused("draw-lstm", path, wrong, header)
    assert "'encoder/W_f' is missing" in refused(
        "draw-lstm", path, {k: v for k, v in arrays.items() if k != "encoder/W_f"}, header
    )
    path.write_bytes(b"\x00" * 40)
    for load in LOADERS.values():
        with pytest.raises(ValueError, match="x.safetensors"):
            load(path)


@pytest.mark.parametrize("name", LOADERS)
def test_what_is_saved_is_read_again(name: str, tmp_path: Path) -> None:
    LOADERS[name](kept.file(name)).save(tmp_path / "x.safetensors", "float16")
    again, header = taken(name)
    with safe_open(tmp_path / "x.safetensors", framework="numpy") as file:
        assert json.loads(file.metadata()["gatescope"]) == header
        for key, value in again.items():
            np.testing.assert_array_equal(file.get_tensor(key), value)
