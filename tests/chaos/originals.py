"""Real files of every kind that a visitor may bring, from which the hostile ones are made: small ones, as frameworks
and the page itself wrote them."""

from __future__ import annotations

import io
import json
import lzma
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dashboard.talk import tour
from lstm_core import list_models, load_model
from tests import checkpoints
from tests.small_models import small_model
from tests.uploads import WORDS, npy, safetensors, saved, tagger

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 120_000
"""Bytes: what is larger takes long to be changed, and is not different."""


def write(folder: Path) -> None:
    """One file for each, FOLDER/READER/KIND/NAME."""
    for reader, kind, name, data in _all():
        if len(data) <= LARGEST:
            place = folder / reader / kind
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)


def _all() -> Iterator[tuple[str, str, str, bytes]]:
    for kind, name, data in (*_written(), *_networks()):
        yield "network", kind, name, data
    for name, data in _vocabularies():
        yield "words", "json" if data[:1] in b"{[" else "txt", name, data
    for name, data in {
        "a.npy": npy(np.ones((5, 3))),
        "b.npy": npy(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "c.npy": npy(np.asfortranarray(np.ones((4, 3), np.float32))),
        "a.csv": b"1,2,3\n4,5,6\n",
        "b.csv": b"time;b;c\r\n1;2;3\r\n\r\n-1e3;.5;nan",
        "c.csv": "\ufeff1\t2\t3\n".encode() * 500,
    }.items():
        yield "numbers", name[-3:], name, data
    for name, one in tour.shipped().items():
        yield "tour", "json", f"{name}.json", one.json().encode()
        views = [[view.page, dict(view.query), view.line] for view in one.views]
        yield "link", "json", name, json.dumps([one.title, views]).encode()
    settings = {"text": "Mary saw", "left": "pronouns-lstm", "unit": 3, "at": -2, "sort": "keep", "only": "f"}
    for k, do in enumerate(("f/0[3]@2:5=0;!h=hold", "c/1r[0-7]=flip;f[10,11]@-1=0.5", "x@3=mary", "o=1e300")):
        yield "address", "json", str(k), json.dumps(settings | {"do": do}).encode()


def _written() -> Iterator[tuple[str, str, bytes]]:
    """Files of tests/files, and those that are not read at all."""
    for path in sorted((ROOT / "tests" / "files").glob("*/*")):
        if path.parent.name == "vocabulary":
            continue
        name, data = path.name.removesuffix(".xz"), path.read_bytes()
        kind = "strangers" if path.parent.name == "strangers" else name.rpartition(".")[2]
        yield kind, name, lzma.decompress(data) if name != path.name else data


def _networks() -> Iterator[tuple[str, str, bytes]]:
    torch.manual_seed(0)
    state = {name: value.numpy() for name, value in tagger().state_dict().items()}
    half = {name: value.half() for name, value in nn.GRU(3, 4).state_dict().items()}
    older = {"_use_new_zipfile_serialization": False}
    for name, data in {
        "language model": saved(tagger()),
        "both directions": saved(nn.LSTM(3, 5, num_layers=2, bidirectional=True)),
        "projected": saved(nn.LSTM(3, 5, proj_size=2)),
        "plain": saved(nn.RNN(3, 4)),
        "checkpoint": checkpoints.saved({"model": half, "epoch": 3, "args": {"lr": 0.1}}),
        "older": checkpoints.saved({"model": half}, **older),
        **{f"any {seed}": checkpoints.file(seed) for seed in range(8)},
    }.items():
        yield "pt", name, data
    yield "safetensors", "state", safetensors(state)
    yield "safetensors", "half", safetensors({name: value.astype(np.float16) for name, value in state.items()})
    for path in list_models().values():
        yield "safetensors", path.stem, path.read_bytes()
    for cell in ("lstm", "gru", "rnn"):
        model, file = small_model(cell, layers=2, directions=2), io.BytesIO()
        model.run(model.tokenizer.encode("mary saw the market")).to_npz(file)
        yield "npz", f"trace of {cell}", file.getvalue()
    file = io.BytesIO()
    np.savez(file, **{name.replace(".", "_"): value for name, value in state.items()})
    yield "npz", "state", file.getvalue()
    index = {name: f"shards-{1 + k % 2:05}-of-00002.safetensors" for k, name in enumerate(state)}
    for k, shard in enumerate(sorted(set(index.values()))):
        yield "shards", shard, safetensors({name: state[name] for name in [*state][k::2]})
    yield "shards", "shards.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": index}).encode()


def _vocabularies() -> Iterator[tuple[str, bytes]]:
    for path in sorted((ROOT / "tests" / "files" / "vocabulary").glob("*.json")):
        if path.name != "truth.json":
            yield path.name, path.read_bytes()
    for name in ("general-lstm", "pronouns-lstm", "country-lstm", "pronouns_zh-gru"):
        yield f"tokenizer of {name}", load_model(name).tokenizer.json.encode()
    rng = random.Random(0)
    yield "list", json.dumps(WORDS).encode()
    yield "object", json.dumps({word: k for k, word in enumerate(WORDS)}).encode()
    yield "wrapped", json.dumps({"itos": WORDS, "specials": ["<unk>"]}).encode()
    yield "lines", "\n".join(WORDS).encode()
    yield "in UTF-16", "\n".join(WORDS).encode("utf-16")
    yield "counts", "\n".join(f"{word} {k}" for k, word in enumerate(WORDS)).encode()
    yield "vectors", "\n".join(f"{word} {rng.random()} {rng.random()}" for word in WORDS).encode()
    yield "pieces", "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "mar", "##y", "##s", "saw"]).encode()
    yield "pieces of SentencePiece", "\n".join(["<s>", "▁Mary", "▁saw", "s"]).encode()
