"""Files that are not read: what each is, and what to do instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_core.files import limits, texts
from lstm_core.say import Said, say

if TYPE_CHECKING:
    from lstm_core.files.formats import Content, Found

ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".pt2", ".safetensors", ".onnx", ".keras", ".h5", ".hdf5", ".npz")

PACKED = {
    (0, b"\x1f\x8b"): "gzip",
    (0, b"\xfd7zXZ\0"): "xz",
    (0, b"\x28\xb5\x2f\xfd"): "zstd",
    (0, b"BZh"): "bzip2",
    (0, b"7z\xbc\xaf\x27\x1c"): "7-Zip",
    (0, b"Rar!\x1a\x07"): "RAR",
    (0, b"\x04\x22\x4d\x18"): "LZ4",
    (257, b"ustar"): "tar",
    **{(0, b"x" + level): "zlib" for level in (b"\x01", b"\x5e", b"\x9c", b"\xda")},
}
"""Programs that pack files, by where their mark stands and the mark."""

OTHERS = {
    (0, b"%PDF-"): say("a PDF document"),
    (0, b"\x89PNG\r\n"): say("a picture"),
    (0, b"\xff\xd8\xff"): say("a picture"),
    (0, b"GIF8"): say("a picture"),
    (8, b"WEBP"): say("a picture"),
    (8, b"WAVE"): say("a sound file"),
    (0, b"ID3"): say("a sound file"),
    (0, b"OggS"): say("a sound file"),
    (4, b"ftyp"): say("a video"),
    (0, b"\x7fELF"): say("a program"),
    (0, b"MZ"): say("a program"),
    (0, b"SQLite format 3\0"): say("a database"),
    (0, b"PAR1"): say("a table (Parquet)"),
    (0, b"ARROW1"): say("a table (Arrow)"),
    (0, b"\xd0\xcf\x11\xe0"): say("an office document"),
}
"""What is not a model of any kind."""

MODELS = {
    (4, b"TFL3"): say(
        "this is a TensorFlow Lite model, made to run and not to be read; give the Keras model that it was made from"
    ),
    (4, b"ORTM"): say("this is a model in ONNX Runtime's own format (.ort); give the .onnx file that it was made from"),
    (0, b"GGUF"): say(
        "this is a GGUF file of llama.cpp, which holds a transformer; LSTMs, GRUs and RNNs are read from other formats"
    ),
    (0, b"\x93NUMPY"): say(
        "this is a single NumPy array (.npy), and a network has several: save them together, "
        "numpy.savez(path, weight_ih_l0=..., weight_hh_l0=...). What a network reads is given to it once it is loaded"
    ),
    (0, b"MATLAB "): say(
        "this is a MATLAB file; export the network, exportONNXNetwork(net, 'model.onnx'), or save its arrays with "
        "numpy.savez"
    ),
}
"""Models and weights in formats that are not read."""

EXPORTED = say(
    "this is a program that torch.export saved (.pt2); save the weights of the module that it was made from: "
    "torch.save(module.state_dict(), path)"
)
SAVED_MODEL = say(
    "this is a TensorFlow SavedModel, a graph of operations; save the Keras model that it was made from: "
    'model.save("model.keras"), or convert it: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx'
)
CORE_ML = say("this is a Core ML model; give the model that it was made from (PyTorch, Keras or ONNX)")
CHECKPOINT = say(
    "this is a part of a TensorFlow checkpoint, which holds weights without the model they belong to; save the Keras "
    'model: model.save("model.keras")'
)
GRAPH = say(
    "this is a TensorFlow graph (.pb); convert it: python -m tf2onnx.convert --graphdef model.pb --output model.onnx "
    "--inputs ... --outputs ..."
)
DISTRIBUTED = say(
    "this is a checkpoint of torch.distributed, in several parts; put them together: "
    "python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pt"
)
FLAX = say(
    "these are weights of Flax (msgpack), whose cells are not read; save the arrays under PyTorch's names: "
    "numpy.savez(path, weight_ih_l0=..., weight_hh_l0=...)"
)
ORBAX = say(
    "this is a checkpoint of Orbax, as JAX's libraries write them; restore it there and save the arrays under "
    "PyTorch's names: numpy.savez(path, weight_ih_l0=..., weight_hh_l0=...)"
)
EMPTY = say("the file is empty; it may not have been downloaded to its end")

ARCHIVES: tuple[tuple[str, Said], ...] = (
    (r"(.*/)?(models/[^/]+\.json|serialized_exported_program\.json|data/aotinductor/.*)", EXPORTED),
    (
        r"(.*/)?\.data/extern_modules",
        say(
            "this is a package of torch.package, whose code is not run; save the weights of the module in it: "
            "torch.save(module.state_dict(), path)"
        ),
    ),
    (r"(.*/)?saved_model\.pb(txt)?", SAVED_MODEL),
    (r"(.*/)?Data/com\.apple\.CoreML/.*", CORE_ML),
    (
        r"coefficients\.bin",
        say("this is a model of Deeplearning4j; save it in Keras's format, or its arrays with numpy.savez"),
    ),
    (r"\[Content_Types\]\.xml", say("this is an office document, not a model. {read}", read=texts.READ)),
)
"""Zip archives by the name of a member."""

VERSION, MESSAGE = rb"\x08[\x01-\x1f]", rb"\x12[\x80-\xff]{0,4}[\x00-\x7f]\x0a"
"""A protocol buffer that begins with a number and a message. An ONNX file has text in its place."""


def known(content: Content) -> Said | None:
    """What a file certainly is that is not read; None if nothing shows it. Reads its beginning and its end."""
    data = content.data
    if not data:
        return EMPTY
    for (at, mark), sentence in MODELS.items():
        if data.startswith(mark, at):
            return sentence
    for (at, mark), program in PACKED.items():
        if data.startswith(mark, at):
            return say("this file is packed ({program}); unpack it and give the file inside", program=program)
    for (at, mark), what in OTHERS.items():
        if data.startswith(mark, at):
            return say("this is {what}, not a model. {read}", what=what, read=texts.READ)
    if data.endswith(b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"):  # a LevelDB table
        return CHECKPOINT
    if re.match(VERSION + MESSAGE, data, re.DOTALL):
        return SAVED_MODEL if b"saved_model" in data or b"\x05serve" in data else CORE_ML
    if re.match(rb"\x0a[\x80-\xff]{0,4}[\x00-\x7f]\x0a.[\x20-\x7e]+\x12.(Const|Placeholder)", data, re.DOTALL):
        return GRAPH
    if re.match(rb"([\x81-\x8f]|\xde..|\xdf....)([\xa1-\xbf]|\xd9.)[\x20-\x7e]", data, re.DOTALL):
        return FLAX  # a map whose first key is text
    return texts.sentence(data)


def sentence(content: Content) -> Said:
    """What a file is that no format fits."""
    told = known(content)
    if told is not None:
        return told
    names = list(content.members)
    for pattern, text in ARCHIVES:
        if any(re.fullmatch(pattern, name) for name in names):
            return text
    for at in (name.removesuffix("model.weights.h5") for name in names if name.endswith("/model.weights.h5")):
        if f"{at}config.json" in names:  # whoever packed it again packed its folder
            return _unpacked(at.rstrip("/"))
    inside = [name for name in names if name.lower().endswith(ENDINGS)]
    if inside:
        return say("this is a zip archive with {names} in it; unpack it and give that file", names=limits.some(inside))
    if names:
        return say(
            "this is a zip archive of {names}, which is not a model. {read}", names=limits.some(names), read=texts.READ
        )
    if content.starts(b"PK"):
        return say("this is an empty zip archive. {read}", read=texts.READ)
    return say("the file is none of: {formats}", formats=texts.FORMATS)


def _unpacked(name: str) -> Said:
    return say("{name} is an unpacked .keras file; give the .keras file itself, or pack it again", name=name)


def folder(path: Path) -> Said:
    """What a folder is, by what lies in it."""
    path = path.resolve()  # "." has no name
    names = sorted(entry.name for entry in path.iterdir())
    indices = [name for name in names if name.endswith(".index.json")]
    inside = [name for name in names if name.lower().endswith(ENDINGS)]
    if {"saved_model.pb", "saved_model.pbtxt"} & set(names):
        return say("{name} is a folder: {what}", name=path.name, what=SAVED_MODEL)
    if path.suffix == ".mlpackage":
        return say("{name} is a folder: {what}", name=path.name, what=CORE_ML)
    if any(name.endswith(".index") for name in names):
        return say("{name} is a folder: {what}", name=path.name, what=CHECKPOINT)
    if any(name.endswith(".distcp") for name in names):
        return say("{name} is a folder: {what}", name=path.name, what=DISTRIBUTED)
    if "manifest.ocdbt" in names or any((path / name / "manifest.ocdbt").exists() for name in names[:9]):
        return say("{name} is a folder: {what}", name=path.name, what=ORBAX)
    if "model.weights.h5" in names and "config.json" in names:
        return _unpacked(path.name)
    if indices or inside:
        return say(
            "{name} is a folder; give the file in it: {names}", name=path.name, names=limits.some(indices or inside)
        )
    if names:
        return say("{name} is a folder of {names}. {read}", name=path.name, names=limits.some(names), read=texts.READ)
    return say("{name} is an empty folder", name=path.name)


KINDS: tuple[tuple[str, int, Said], ...] = (
    (
        r"(.*[./_])?recurrent_kernel(:0)?",
        1,
        say("named and laid out as in Keras; give the Keras file (.keras, .h5) itself"),
    ),
    (
        r"(.*[./])?[WUwub]_?[xhiu]?_?[ifgoczrn](\.weight|\.bias)?",
        6,
        say(
            "one for each gate; stack them as PyTorch does (i, f, g, o of an LSTM, r, z, n of a GRU), under "
            "its names weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0"
        ),
    ),
    (
        r"(.*[./])?[ih][ifgorzn]?[./](kernel|bias)",
        3,
        say(
            "named and laid out as in Flax, one for each gate; stack their transposes as PyTorch does (i, f, g, o of "
            "an LSTM, r, z, n of a GRU), under its names weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0"
        ),
    ),
    (r".*(_all_weight_values|_packed_params|_packed_weight).*", 1, say("quantised; give the network from before that")),
    (r"(.*[._])?lora_.*", 1, say("an adapter (LoRA); give the network that it changes, with it merged in")),
    (r".*(attn|attention|[qkv]_proj|in_proj_weight|query|rotary).*", 1, say("the weights of a transformer")),
    (r".*conv.*", 1, say("the weights of convolutions")),
)
"""What names of arrays show, where none of them is of a recurrent layer; how many there are at least."""


def without_blocks(format: str, found: Found) -> Said:
    """Why a file of a format that is read gives nothing: what it holds, as far as names and shapes show it."""
    names = list(dict.fromkeys([*found.layout, *found.others]))
    if not names:
        return say("this {name} file holds no LSTM, GRU or RNN, and no other weights either", name=format)
    groups = [([n for n in names if re.fullmatch(pattern, n)], least, what) for pattern, least, what in KINDS]
    groups.append(
        ([n for n, shape in found.layout.items() if len(shape) in (4, 5)], 1, say("the weights of convolutions"))
    )
    for some, least, what in groups:
        if len(some) >= least:
            return say(
                "this {name} file holds no LSTM, GRU or RNN, but {names}: {what}",
                name=format,
                names=limits.some(some),
                what=what,
            )
    holds = say("this {name} file holds no LSTM, GRU or RNN, but {names}", name=format, names=limits.some(names))
    if format in ("ONNX", "Keras"):
        return holds
    return say(
        "{holds}. If these are recurrent weights under other names, say which is which: "
        'load(..., names={{"...": "weight_ih_l0", "...": "weight_hh_l0"}})',
        holds=holds,
    )
