"""What docs/formats.md lists, from the cases of the tests: every file is loaded, and what came out is written down."""

from __future__ import annotations

import lzma
import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.tables import markdown
from lstm_core import Ambiguous, Block, load
from lstm_core.say import Said

FILES = Path(__file__).parent / "files"
WRITERS = {
    "k2": "tf_keras 2.21 (Keras 2)",
    "k3": "Keras 3.15",
    "old": "PyTorch 2.13, `torch.onnx.export(dynamo=False)`",
    "new": "PyTorch 2.13, `torch.onnx.export(dynamo=True)`",
    "cells": "PyTorch 2.13, a loop over a cell",
    "runtime": "ONNX Runtime 1.32",
    "weights": "ONNX Runtime 1.32",
    "keras": "Keras 3.15, `model.export`",
    "tf2onnx": "tf2onnx 1.17",
}
"""Who wrote a file of tests/files, by how its name begins."""


def formats() -> str:
    """The tables, one under the other."""
    return "\n\n".join(
        (
            "### Files that frameworks wrote",
            markdown(("written by", "file", "read as"), written()),
            "### Beside the weights of a PyTorch checkpoint",
            "A checkpoint opens whatever else stands in it, and none of it is run. Tried, in three ways of saving: "
            + ", ".join(extras())
            + ".",
            "### Weights in parts",
            "Put together by their formulas and compared with the module in `eval()`: " + ", ".join(parts()) + ".",
            "### What is not read, and what is said of it",
            markdown(("file", "what is said"), refused()),
        )
    )


def written() -> Iterator[tuple[str, str, str]]:
    """Every file under tests/files that a framework wrote: by whom, which, and the blocks that are found in it."""
    paths = [path for folder in ("keras", "onnx") for path in (FILES / folder).iterdir() if is_model(path)]
    for path in sorted(paths, key=lambda path: (path.parent.name, _stem(path), path.name)):
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        beside = {other.name: other.read_bytes() for other in path.parent.glob("*.data")}
        beside |= {
            other.name.removesuffix(".xz"): lzma.decompress(other.read_bytes())
            for other in path.parent.glob(f"{_stem(path)}_0*.xz")
        }
        asks = ""
        try:
            loaded = load(data, beside=beside)
        except Ambiguous as open_question:
            choices = open_question.choices
            loaded = load(data, {name: cells[0] for name, cells in choices.items()}, beside=beside)
            asks = "".join(f"; asks of {name}: {' or '.join(cells)}" for name, cells in choices.items())
        writer, file = WRITERS[re.split(r"[_.]", path.name)[0]], path.name.removesuffix(".xz")
        yield writer, f"`{file}`", _blocks(loaded.blocks) + asks


def is_model(path: Path) -> bool:
    """Whether it is a model, and not the true values or a file that belongs to one."""
    return path.suffix not in (".npz", ".data") and not re.search(r"_0\d+\.", path.name)


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _blocks(blocks: Iterable[Block]) -> str:
    """The cells in a few words: how many of which, in how many layers and directions."""
    kinds = [_kind(block) for block in blocks]
    counted = [(kind, len(list(group))) for kind, group in groupby(sorted(kinds))]
    return "; ".join(kind if count == 1 else f"{count} x {kind}" for kind, count in counted)


def _kind(block: Block) -> str:
    layers = f", {block.num_layers} layers" if block.num_layers > 1 else ""
    ways = {2: ", both directions"}.get(len(block.directions), ", from the end" * (block.directions == ("reverse",)))
    return f"{block.cell.title}{layers}{ways}"


def extras() -> Iterable[str]:
    from tests.test_files_checkpoint import EXTRAS

    return EXTRAS


def parts() -> Iterable[str]:
    from tests.test_files_folded import MODULES

    names = (re.sub(r"norm \d( \d| None)?", "norm", name) for name in MODULES)
    return dict.fromkeys((*names, "weight drop (AWD-LSTM, fastai)"))


def refused() -> Iterator[tuple[str, str]]:
    """The files that are not read, those together that get the same sentence. What is cut short is left out: where
    Python noticed it differs from one file to the next."""
    from tests.test_files_checkpoint import REFUSED
    from tests.test_files_strangers import CASES, content

    cases: dict[str, Any] = {f"PyTorch: {name}": make for name, (make, _) in REFUSED.items()}
    cases |= {name: given for name, (given, _) in CASES.items()}
    names: dict[str, list[str]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, which makes some of these files for the last time
        for name, given in cases.items():
            names.setdefault(sentence(content(given)), []).append(name)
    return ((", ".join(files), said) for said, files in names.items() if "damaged" not in said)


def sentence(data: bytes) -> str:
    """Why ``load`` refuses a file. Raises AssertionError if it does not."""
    try:
        load(data)
    except ValueError as error:
        text = error.args[0]
        assert isinstance(text, Said), text
        return re.sub(r"([|<>*`])", r"\\\1", " ".join(str(text).split()))
    raise AssertionError("the file was read")
