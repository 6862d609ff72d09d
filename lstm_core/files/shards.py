"""A checkpoint in several files, and the index that says which weight lies in which: Hugging Face's
``model.safetensors.index.json`` and ``pytorch_model.bin.index.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lstm_core.block import Block
from lstm_core.files import limits, state_dict
from lstm_core.files.formats import Content, Found
from lstm_core.files.options import Options
from lstm_core.say import say

MAX_INDEX = 32 << 20
"""Bytes of an index: that of a model of a thousand tensors has about 0.1 MB."""
SPACE = b"\xef\xbb\xbf \t\r\n"
FIRST = re.compile(rb'"weight_map"\s*:\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*"((?:[^"\\]|\\.)+)"')

NAME = re.compile(r".*-0*([0-9]+)-of-0*([0-9]+)\.\w+")

Read = Callable[[bytes, Options], tuple[dict[str, np.ndarray], dict[str, tuple[int, ...]]]]
"""The tensors of one file, and the shapes of everything in it; of at most ``Options.max_bytes``."""


def first(content: Content) -> str:
    """The name of the first shard, if the file is an index; empty if it is not."""
    if len(content.data) > MAX_INDEX or not content.data[:64].lstrip(SPACE).startswith(b"{"):
        return ""
    match = FIRST.search(content.data)
    return match[1].decode("utf-8", "replace") if match else ""


def alone(name: str, blocks: Sequence[Block]) -> list[Block]:
    """The blocks of a file of that name. If it is one of several, further layers of theirs may lie in the others."""
    match = NAME.fullmatch(name)
    if match is None or match[2] == "1":
        return list(blocks)
    told = say(
        "all of it lies in this file, which is number {number} of {count} of a checkpoint",
        number=int(match[1]),
        count=int(match[2]),
    )
    return [replace(block, assumed=(*block.assumed, told)) for block in blocks]


def not_whole(name: str, error: ValueError) -> ValueError:
    """What is wrong with a file of that name that lacks weights: of one of several, that it is one of them."""
    match = NAME.fullmatch(name)
    if match is None or match[2] == "1":
        return error
    return ValueError(
        say(
            "this is file {number} of the {count} that a checkpoint lies in, and its layers go on in the others; give "
            "their index (model.safetensors.index.json), with all of them beside it",
            number=int(match[1]),
            count=int(match[2]),
        )
    )


def read(content: Content, options: Options, tensors: Read) -> Found:
    """The blocks in all shards that an index names. They are read by ``tensors`` from beside the index, by the order of
    their names; all of them together may have ``options.max_bytes``.

    Raises ValueError for an index that is not one, and for shards that are missing, naming them.
    """
    try:
        shards = json.loads(content.data)["weight_map"].values()
        names = sorted(set(shards))
        if not all(isinstance(name, str) for name in names):
            raise TypeError("the shards' names are not text")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(say("the index of a checkpoint is damaged: {error}", error=str(error)[:200])) from error
    left = options.max_bytes - len(content.data)
    every: dict[str, np.ndarray] = {}
    layout: dict[str, tuple[int, ...]] = {}
    missing = []
    for name in names:
        data = options.beside.read(name, max(left, 0))
        if data is None:
            missing.append(name)
            continue
        found, shapes = tensors(data, replace(options, max_bytes=left))
        left -= max(len(data), sum(value.nbytes for value in found.values()))
        every |= found
        layout |= shapes
    if missing:
        raise ValueError(
            say(
                "this is the index of a checkpoint, whose weights lie in other files; give these with it: {names}",
                names=limits.some(missing),
            )
        )
    return state_dict.found(every, options, layout)
