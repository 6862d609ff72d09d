"""What is given to a command: a model, an array, a text, a place to write to.

What is wrong with it is a ValueError in words, or an OSError, before anything is computed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from lstm_core import Ambiguous, Block, Loaded, Network, Trace, list_models, load, load_model, npz
from lstm_core.files.load import check_blocks
from lstm_core.network import is_network
from lstm_core.say import say

ARRAY = np.lib.format.MAGIC_PREFIX
"""What an .npy file begins with."""


def model_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how a file is read."""
    what = "which cell a file holds, where it does not say: rnn, rnn_relu, ...; BLOCK=CELL says it of one block"
    parser.add_argument("--cell", action="append", metavar="CELL", help=what)
    parser.add_argument("--batch-first", action="store_true", help="a PyTorch file's input is (batch, time, input)")


def _cells(asked: argparse.Namespace) -> tuple[str | None, dict[str, str]]:
    """What ``--cell`` says of all blocks, and what of single ones by their names."""
    said = [one.rpartition("=") for one in asked.cell or ()]
    every = next((cell for _, sign, cell in reversed(said) if not sign), None)
    return every, {name: cell for name, sign, cell in said if sign}


def opened(name: str, asked: argparse.Namespace) -> Network | Loaded:
    """A shipped model by its name, or what is in a file."""
    model = _read(name, asked)
    for cell in _cells(asked):
        check_blocks(cell, _blocks(model))
    return model


def _blocks(model: Network | Loaded) -> Sequence[Block]:
    return model.blocks if isinstance(model, Loaded) else [model.block]


def _read(name: str, asked: argparse.Namespace) -> Network | Loaded:
    if name in list_models() and not Path(name).exists():
        return load_model(name)
    if not Path(name).exists() and "." not in name and os.sep not in name:
        names = ", ".join(list_models())
        raise ValueError(say("{name} is neither a file nor a shipped model; these are {names}", name=name, names=names))
    if is_network(name):
        return Network.load(name)
    every, single = _cells(asked)
    try:
        return load(name, single or every, batch_first=asked.batch_first)
    except Ambiguous as error:
        if not single or every is None:
            raise
        return load(name, {**dict.fromkeys(error.choices, every), **single}, batch_first=asked.batch_first)


def both(a: str, b: str, asked: argparse.Namespace) -> list[Network | Loaded]:
    """Two models. The cell that is asked for is that of those that do not say; where both do, it is A's. A block that
    is named is that of whichever has it."""
    every, single = _cells(asked)

    def read(name: str, *cells: str) -> Network | Loaded:
        return opened(name, argparse.Namespace(**{**vars(asked), "cell": cells}))

    found: list[Network | Loaded] = []
    all_say = every is not None
    for name in (a, b):
        try:
            found.append(read(name))
        except Ambiguous as error:
            own = [f"{block}={cell}" for block, cell in single.items() if block in error.choices]
            found.append(read(name, *own, *([] if every is None else [every])))
            all_say = False
    check_blocks(single, [block for model in found for block in _blocks(model)])
    return [read(a, every), found[1]] if all_say and every is not None else found


def array(name: str) -> np.ndarray:
    """The numbers in an .npy file, or on standard input for "-"."""
    if name == "-":
        data, name = _piped(ARRAY), say("standard input")
    else:
        with open(name, "rb") as file:
            data = _begun(file, ARRAY)
    if not data:
        raise ValueError(say("{name} is empty: an array is needed, as numpy.save writes it", name=name))
    if not data.startswith(ARRAY):
        raise ValueError(say("{name} is not an .npy file, as numpy.save writes it", name=name))
    value = npz.array(data, name)
    if not isinstance(value, np.ndarray):
        raise ValueError(value)
    if value.dtype.kind not in "biuf":
        raise ValueError(say("{name} holds text, not numbers", name=name))
    return value


def _piped(begins: bytes = b"") -> bytes:
    """What stands on standard input; nothing where a shell has closed it, and Python has none."""
    return _begun(sys.stdin.buffer, begins) if sys.stdin is not None else b""


def _begun(file: IO[bytes], begins: bytes) -> bytes:
    """What is in a file that begins so; of another one, which may have no end, no more than that."""
    data = file.read(len(begins))
    return data + file.read() if data == begins else data


def text_of(given: str) -> str:
    """The text itself, or the one on standard input for "-"."""
    if given == "-":
        try:
            given = _piped().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = say("standard input is not text in UTF-8: it goes wrong at byte {place:,}", place=error.start)
            raise ValueError(message) from error
    if not given.strip():
        raise ValueError(say("the text is empty: there is nothing to read"))
    return given


def writable(out: str | None) -> None:
    """ValueError for a file that cannot be written, before anything is computed."""
    if out is None or out == "-":
        return
    if Path(out).is_dir():
        raise ValueError(say("{name} is a folder: give the name of a file", name=out))
    if not Path(out).parent.is_dir():
        raise ValueError(say("there is no folder {name} to write into", name=Path(out).parent))


def traces(model: Network | Loaded, asked: argparse.Namespace) -> dict[str, Trace]:
    """What the model does with it: by the names of the blocks, in the order in which they run."""
    text = getattr(asked, "text", None)
    if text is not None:
        if isinstance(model, Loaded) or not model.reads_words:
            raise ValueError(say("this model reads numbers, as its file holds no vocabulary: give x.npy"))
        return {model.name: model.run(text_of(text))}
    x = array(asked.input)
    return {model.name: model.read(x)} if isinstance(model, Network) else model.trace(x)


def one_of(traces: Mapping[str, Trace], block: str | None) -> Trace:
    """The trace of that block, or the only one there is."""
    names = [name or "''" for name in traces]  # an empty one as it is written in a shell
    if block and list(traces) == [""]:
        raise ValueError(say("there is no block {name!r}; there is only one, without a name", name=block))
    if block is not None and block not in traces:
        raise ValueError(say("there is no block {name!r}; there are {names}", name=block, names=", ".join(names)))
    if block is None and len(traces) > 1:
        raise ValueError(say("this file has several blocks, say which: --block {names}", names=" or ".join(names)))
    return traces[block] if block is not None else next(iter(traces.values()))
