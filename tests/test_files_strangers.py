"""Files that are not read are named for what they are, and each sentence says what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_safetensors
from torch import nn

from lstm_core import load
from lstm_core.files import strangers, texts
from lstm_core.files.formats import Content, Found, discover
from lstm_core.say import Said
from tests.uploads import npy, onnx_lstm, saved

FILES = Path(__file__).parent / "files" / "strangers"
STATE = saved(nn.GRU(3, 4))


def exported() -> bytes:
    file = io.BytesIO()
    torch.export.save(torch.export.export(nn.Linear(3, 4), (torch.zeros(2, 3),)), file)
    return file.getvalue()


def packed(*names: str, data: bytes = b"x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, data)
    return file.getvalue()


def another_disk() -> bytes:
    """An archive of more than 32 bits, as torch writes them, one byte of whose end is damaged."""
    at = STATE.rindex(b"PK\x06\x07") + 4
    return STATE[:at] + b"\x01" + STATE[at + 1 :]


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("model.pt")
        info.size = len(STATE)
        archive.addfile(info, io.BytesIO(STATE))
    return file.getvalue()


def text(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value, indent=1)).encode()


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
CASES: dict[str, tuple[Any, str]] = {
    "empty": (b"", "the file is empty; it may not have been downloaded to its end$"),
    "torch.export": (exported, "holds no LSTM, GRU or RNN, but weight, bias"),
    "AOTInductor": (
        lambda: packed("m/archive_format", "m/data/aotinductor/model/a.wrapper.so"),
        r"a program that torch.export saved \(.pt2\); save the weights.*torch.save",
    ),
    "SavedModel": (FILES / "saved_model.pb", 'a TensorFlow SavedModel.*model.save."model.keras".*tf2onnx'),
    "SavedModel, packed": (lambda: packed("m/saved_model.pb", "m/variables/variables.index"), "TensorFlow SavedModel"),
    "TensorFlow graph": (FILES / "frozen_graph.pb", r"a TensorFlow graph \(.pb\); convert it"),
    "TensorFlow checkpoint": (FILES / "checkpoint.index", "a part of a TensorFlow checkpoint"),
    "its list": ('model_checkpoint_path: "c-1"\nall_model_checkpoint_paths: "c-1"\n', "a TensorFlow checkpoint's list"),
    "TFLite": (FILES / "model.tflite", "a TensorFlow Lite model.*give the Keras model"),
    "TensorFlow.js": ({"format": "layers-model", "modelTopology": {}, "weightsManifest": []}, "TensorFlow.js.*convert"),
    "Core ML": (b"\x08\x04\x12\x10\x0a\x0e\x0a\x05input" + bytes(50), "a Core ML model; give the model that it was"),
    "Core ML package": (lambda: packed("m.mlpackage/Data/com.apple.CoreML/model.mlmodel"), "a Core ML model"),
    "PMML": ('<?xml version="1.0"?>\n<PMML version="4.4">\n</PMML>', "PMML"),
    "OpenVINO": ('<?xml version="1.0"?>\n<net name="m" version="11">', "OpenVINO"),
    "XML": ('<?xml version="1.0"?>\n<svg/>', "an XML file"),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(20), "GGUF"),
    "Flax": (b"\x81\xa6params\x81\xa4lstm\x80", r"Flax \(msgpack\).*numpy.savez"),
    "MATLAB": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(90), "MATLAB.*exportONNXNetwork"),
    "MATLAB since 7.3": (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", "MATLAB.*exportONNXNetwork"),
    "Deeplearning4j": (lambda: packed("configuration.json", "coefficients.bin"), "Deeplearning4j"),
    "one array": (lambda: npy(np.zeros((3, 4))), r"a single NumPy array \(.npy\).*numpy.savez"),
    "LFS pointer": (LFS, "a pointer of Git LFS.*git lfs pull"),
    "HTML": ("<!DOCTYPE html>\n<html><body>model.pt</body></html>", "a web page, not the file.*download"),
    "old HTML": ("\n <HTML>", "a web page"),
    "hub error": (
        {"error": "Repository not found"},
        r"a server's answer, not a file \(Repository not found\); download",
    ),
    "GitHub's error": (
        {"message": "Not Found", "documentation_url": "https://docs.github.com", "status": "404"},
        r"a server's answer, not a file \(Not Found\)",
    ),
    "storage error": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
        "a server's answer, not a file; download",
    ),
    "hub text": ("Entry not found", r"a server's answer, not a file \(Entry not found\)"),
    "404": ("404: Not Found", "a server's answer"),
    "gated": ("Access to model a/b is restricted and you are not in the authorized list.", "a server's answer"),
    "index of nothing": ({"weight_map": {}}, "the index of a checkpoint, but it names no files"),
    "notebook": ({"cells": [], "nbformat": 4}, "a notebook; save the weights"),
    "Keras JSON": ({"class_name": "Sequential", "config": {"layers": []}}, "a Keras model without its weights"),
    "Keras tokenizer": ({"class_name": "Tokenizer", "config": {}}, "a vocabulary or a tokenizer"),
    "tokenizer.json": ({"version": "1.0", "added_tokens": [], "model": {"vocab": {}}}, "a vocabulary or a tokenizer"),
    "word numbers": ({"the": 1, "cat": 2, "scripts": 3}, "a vocabulary or a tokenizer"),
    "words": (["the", "cat"], "a vocabulary or a tokenizer"),
    "config.json": ({"architectures": ["X"], "model_type": "x"}, "the configuration of a model, without any weights"),
    "tokenizer_config.json": ({"model_max_length": 9}, "the configuration of a tokenizer, without any weights"),
    "generation_config.json": ({"bos_token_id": 0, "eos_token_id": 1}, "a configuration for generating text"),
    "JSON": ({"lr": 0.1}, "a JSON file, not a model. What is read: PyTorch"),
    "JSON numbers": ([1, 2], "a JSON file, not a model"),
    "JSON text": ('"a word"', "a text file, and none of: PyTorch"),
    "broken JSON": ('{"a": 1,\n ', "a JSON file that breaks off or has a mistake in line 2, and not a model. W"),
    "sections": ("[model]\nunits=3\n", "a text file, and none of: PyTorch"),
    "CSV": ("x,y\n1,2\n3,4\n", r"a table \(CSV\), not a network"),
    "quoted CSV": ('"x","y"\n"1","2"\n', r"a table \(CSV\)"),
    "semicolons": ("1;2\n3;4", r"a table \(CSV\)"),
    "program": ("import torch\n\nclass Net(torch.nn.Module):\n", "a program, which is not run; save the weights"),
    "script": ("#!/bin/sh\necho", "a program"),
    "text": ("just a text\nof two lines\n", "a text file, and none of: PyTorch"),
    "sentences": ("Hello, this is it.\n" * 9, "a text file, and none of"),
    "text with B": ("Because it was late.\n", "a text file"),
    "Chinese": ("今天天气很好", "a text file"),
    "UTF-16": ("text".encode("utf-16"), "a text file"),
    "UTF-16 without its mark": ("text".encode("utf-16-le"), "a text file"),
    "long text": ("день " * 5000, "a text file"),
    "gzip": (lambda: gzip.compress(STATE), r"packed \(gzip\); unpack it"),
    "xz": (lambda: lzma.compress(STATE), r"packed \(xz\)"),
    "bzip2": (lambda: bz2.compress(STATE), r"packed \(bzip2\)"),
    "joblib": (lambda: zlib.compress(STATE), r"packed \(zlib\)"),
    "joblib, compress=3": (lambda: zlib.compress(STATE, 3), r"packed \(zlib\)"),
    "joblib, plain": (b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81.", "written by joblib.*numpy.savez"),
    "torch.distributed": (STATE + STATE, r"a checkpoint of torch.distributed.*dcp_to_torch"),
    "its list of parts": (
        b"\x80\x02ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81.",
        "a checkpoint of torch.distributed",
    ),
    "torch.package": (lambda: packed("m/.data/0.storage", "m/.data/extern_modules"), "torch.package, whose code"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), r"packed \(zstd\)"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(20), r"packed \(7-Zip\)"),
    "RAR": (b"Rar!\x1a\x07\x01\0" + bytes(20), r"packed \(RAR\)"),
    "tar": (tarred, r"packed \(tar\)"),
    "folder of a .keras": (
        lambda: packed("__MACOSX/m/._config.json", "m/config.json", "m/metadata.json", "m/model.weights.h5"),
        "^m is an unpacked .keras file; give the .keras file itself",
    ),
    "zip of a model": (lambda: packed("a/model.pt", "a/readme.md"), "a zip archive with a/model.pt in it; unpack it"),
    "cut archive": (lambda: STATE[:-30], "the archive is damaged or cut short: its end is missing; download it again"),
    "another disk": (another_disk, "the archive is damaged or cut short: zipfiles that span multiple disks"),
    "zip of a word": (lambda: packed("[Content_Types].xml", "word/document.xml"), "an office document"),
    "zip": (lambda: packed("a.txt", "b.txt"), "a zip archive of a.txt, b.txt, which is not a model. What is read"),
    "empty zip": (lambda: packed(), "an empty zip archive"),
    "PDF": (b"%PDF-1.7\n" + bytes(9), "a PDF document, not a model"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(9), "a picture, not a model"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(9), "a picture"),
    "GIF": (b"GIF89a" + bytes(100), "a picture"),
    "BMP text": (b"BM\x01\x02 ", "ONNX|none of"),
    "ELF": (b"\x7fELF" + bytes(9), "a program, not a model"),
    "SQLite": (b"SQLite format 3\0" + bytes(9), "a database"),
    "Parquet": (b"PAR1" + bytes(9), "Parquet"),
    "noise": (
        b"\x00\x01\x02\x03" + bytes(100),
        r"the file is none of: PyTorch \(.pt, .pth, .bin, .ckpt\), safetensors",
    ),
}


def content(given: Any) -> bytes:
    given = given() if callable(given) else given
    return given.read_bytes() if isinstance(given, Path) else given if isinstance(given, bytes) else text(given)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_what_a_file_is_and_what_to_do(name: str) -> None:
    given, reason = CASES[name]
    with pytest.raises(ValueError, match=reason) as caught:
        load(content(given))
    assert isinstance(caught.value.args[0], Said)  # it can be translated


def h5() -> bytes:
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened["a"] = np.zeros(3)
    return file.getvalue()


READ = {
    "PyTorch": STATE,
    "an old PyTorch file": b"\x80\x02" + bytes(20),
    "safetensors": save_safetensors(nn.GRU(3, 4).state_dict()),
    "ONNX": onnx_lstm(),
    "HDF5": h5(),
    "NumPy": packed("weight_ih_l0.npy"),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_that_is_read_is_no_stranger(name: str) -> None:
    read = Content(READ[name], 1 << 20)
    assert strangers.known(read) is None
    assert sum(format.fits(read) for format in discover()) == 1


# What is not a file, or cannot be read


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"model.pt is a pipe, not a file; save what comes out of it"):
        load(path)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    link = tmp_path / "model.h5"
    link.symlink_to(link)
    for path, reason in ((link, "model.h5 cannot be read: "), ("x" * 5000, r"xxx\.\.\. cannot be read: ")):
        with pytest.raises(ValueError, match=reason) as caught:
            load(path)
        assert isinstance(caught.value.args[0], Said)
    link.unlink()
    link.symlink_to(tmp_path / "gone.h5")
    with pytest.raises(FileNotFoundError):
        load(link)


# Folders


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "m is an empty folder"),
        (("saved_model.pb", "variables/variables.index"), "m is a folder: this is a TensorFlow SavedModel"),
        (
            ("checkpoint", "c-1.index", "c-1.data-00000-of-00001"),
            "m is a folder: this is a part of a TensorFlow checkp",
        ),
        (
            ("config.json", "model.safetensors", "tokenizer.json"),
            "m is a folder; give the file in it: model.safetensors$",
        ),
        (
            ("config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"),
            "give the file in it: model.safetensors.index.json$",
        ),
        (("_METADATA", "manifest.ocdbt"), "m is a folder: this is a checkpoint of Orbax.*numpy.savez"),
        ((".metadata", "__0_0.distcp"), "m is a folder: this is a checkpoint of torch.distributed.*dcp_to_torch"),
        (("pytorch_model.bin",), "give the file in it: pytorch_model.bin$"),
        (("config.json", "metadata.json", "model.weights.h5"), "m is an unpacked .keras file"),
        (("a.txt", "b.txt"), "m is a folder of a.txt, b.txt. What is read: PyTorch"),
    ],
)
def test_a_folder_is_named_by_what_it_holds(
    names: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    monkeypatch.chdir(folder)
    for path in (folder, "."):
        with pytest.raises(ValueError, match=reason):
            load(path)


# Files of a known format without a block


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (nn.Conv1d(2, 3, 3).state_dict(), "safetensors file holds no LSTM, GRU or RNN, but bias, weight. If these are"),
        (nn.Sequential(nn.Conv2d(2, 3, 3)).state_dict(), "RNN, but 0.weight: the weights of convolutions"),
        (
            nn.ModuleDict({"conv1": nn.Conv1d(2, 3, 3)}).state_dict(),
            "but conv1.bias, conv1.weight: the weights of conv",
        ),
        (Attention().state_dict(), "but attention.in_proj_bias, .*: the weights of a transformer"),
        ({f"l.{w}_{g}": torch.zeros(2, 2) for w in "WU" for g in "ifgo"}, "one for each gate; stack them as PyTorch"),
        ({f"{w}_{g}.weight": torch.zeros(2, 2) for w in "WU" for g in "ifgo"}, "one for each gate; stack them"),
        (
            {"lstm.kernel": torch.zeros(3, 8), "lstm.recurrent_kernel": torch.zeros(2, 8)},
            "named and laid out as in Keras",
        ),
        ({f"cell/{w}{g}/kernel": torch.zeros(2, 2) for w in "ih" for g in "ifgo"}, "as in Flax, one for each gate"),
        ({"fc.lora_A.weight": torch.zeros(2, 3)}, r"but fc.lora_A.weight: an adapter \(LoRA\); give the network"),
        ({"lstm.w_x": torch.zeros(3, 8)}, r'but lstm.w_x. If these are .* load\(..., names=\{"...": "weight_ih_l0"'),
        ({f"a{k}": torch.zeros(1) for k in range(9)}, "but a0, a1, a2, a3, a4, a5 and 3 more"),
        ({}, "this safetensors file holds no LSTM, GRU or RNN, and no other weights either"),
    ],
)
def test_why_a_file_has_no_block(state: dict[str, torch.Tensor], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(save_safetensors(state))


def test_names_are_shortened() -> None:
    said = strangers.without_blocks("PyTorch", Found([], {"x" * 100_000: np.zeros(1)}))
    assert len(said) < 500


# Whatever comes


@settings(max_examples=300)
@given(
    data=st.binary(max_size=300)
    | st.text(max_size=100).map(lambda value: value.encode("utf-8", "replace"))
    | st.builds(
        lambda start, rest: start + rest,
        st.sampled_from(
            [b"\x08\x01\x12", b"\x81\xa6", b"{", b"[", b"<", b"PK\x03\x04", b"\x0a\x41\x0a", b"B", b'"', b"\xff\xfe"]
        ),
        st.binary(max_size=60),
    )
)
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_are_named(data: bytes) -> None:
    told = strangers.known(Content(data, 1 << 20))
    assert told is None or isinstance(told, Said)
    with pytest.raises(ValueError) as caught:
        load(data, max_bytes=1 << 20)
    assert str(caught.value)


@pytest.mark.parametrize(
    "data", [b"[" * (1 << 20), b'{"a":' * 200_000, b"\n" * (1 << 20), b"import a\n" * 50_000, b"," * 4_000_000]
)
def test_long_texts_are_named_at_once(data: bytes) -> None:
    assert isinstance(texts.sentence(data), Said)
