"""What ``torch.save`` wrote: read in a child process, without torch (``lstm_core.files.checkpoint``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_core.block import Block
from lstm_core.files import limits, sandbox, shards, state_dict
from lstm_core.files.checkpoint.exported import is_weights
from lstm_core.files.formats import Content, Format, Found
from lstm_core.files.options import Options
from lstm_core.files.state_dict import KEY
from lstm_core.say import say

OLDEST = (b"sys_info", b"pickle", b"tensors", b"storages")
"""Members of the tar archives that the first releases wrote."""
ENDINGS = (".bin", ".pt", ".pth", ".ckpt")
OLD = re.compile(rb"\([dl]p?[0-9]*\n|[]}]q|c(numpy|torch|collections|copy_reg|__builtin__)[\w.]*\n\w+\n")
"""How a pickle of protocol 0 or 1 begins."""
PACKED = re.compile(r"(?:(.*?)\.)?(?:_modules\.)?_all_weight_values\.", re.DOTALL)
"""How the names of a quantised LSTM or GRU begin: its module's, then where torch.ao keeps its weights."""
HOW = "torch.save(model.state_dict(), path)"

Shapes = dict[str, tuple[int, ...]]


def from_torch(data: bytes, options: Options) -> tuple[dict[str, np.ndarray], Shapes]:
    """The floating-point tensors and whatever belongs to recurrent weights; and the shapes of everything in the file.
    Both are in its order."""
    _, tensors, layout = _parsed(data, options)
    return tensors, layout


def _parsed(data: bytes, options: Options) -> tuple[dict[str, Any], dict[str, np.ndarray], Shapes]:
    about, tensors = sandbox.run("lstm_core.files.checkpoint", data, options.max_bytes)
    return about, tensors, {name: tuple(shape) for name, shape in about["layout"].items()}


def read(content: Content, options: Options) -> Found:
    """The blocks of a state_dict or of a whole module, in one file or in the shards that an index names."""
    if _is_index(content):
        return shards.read(content, options, from_torch)
    if _is_tar(content):
        raise ValueError(
            say(
                "this checkpoint is a tar archive, as PyTorch wrote them before its release 0.1.10, which is not read; "
                "if you trust it, save it anew: torch.save(torch.load(path, weights_only=False), path)"
            )
        )
    about, tensors, layout = _parsed(content.data, options)
    if not options.names and not any(map(KEY.fullmatch, layout)):
        _check_names(about["content"], about["inert"], layout)
    modules = about["modules"]
    if not isinstance(options.cell, str):
        cells = {name: stated["cell"] for name, stated in modules.items() if stated["cell"]}
        options = replace(options, cell={**cells, **(options.cell or {})})
    found = state_dict.found(tensors, options, layout, about["dims"])
    blocks = [_as_saved(block, modules.get(block.name, {}), about["program"]) for block in found.blocks]
    return replace(found, blocks=blocks)


def _as_saved(block: Block, stated: Mapping[str, Any], program: bool) -> Block:
    """A block of a whole module or of a program, which says how it reads its input, and what else than torch's own
    code it ran."""
    assumed = block.assumed
    if isinstance(stated.get("batch_first"), bool):
        assumed = tuple(sentence for sentence in assumed if sentence != state_dict.LAYOUT)
        block = replace(block, batch_first=block.batch_first or stated["batch_first"])
    if stated.get("kind"):
        assumed += (
            say(
                "it was saved as a {kind}, whose own code is not run: it runs as torch's own module with these weights",
                kind=stated["kind"],
            ),
        )
    elif beside := stated.get("beside"):
        assumed += (
            say(
                "beside torch's own function the program calls others in this layer ({names}), which are not run",
                names=", ".join(beside),
            ),
        )
    if stated.get("hooks"):
        assumed += (say("it was saved with hooks, which are not run"),)
    elif program and stated.get("hooks") is None:
        assumed += (say("hooks and other code that the program has around it are not run, and were not looked at"),)
    return replace(block, assumed=assumed)


def _check_names(what: str, inert: list[str], layout: Shapes) -> None:
    """ValueError for what holds no tensors, or none that has a name."""
    if what == "optimizer":
        raise ValueError(
            say("this file holds what an optimizer keeps, not a model's weights; give these: {how}", how=HOW)
        )
    if any(name.startswith(("keras.", "tf_keras.", "tensorflow.")) for name in inert):
        raise ValueError(say('this is a pickled Keras model; save it as Keras does: model.save("model.keras")'))
    if quantised := dict.fromkeys(one[1] or "" for one in map(PACKED.match, layout) if one):
        raise ValueError(
            say(
                "this file holds modules that torch.ao has quantised ({names}), which are not read; save the model "
                "before it is quantised",
                names=limits.some(map(limits.block_of, quantised)),
            )
        )
    if not layout and inert:
        raise ValueError(
            say(
                "this file holds no tensors, only objects that could be code and are not run ({names}); save the "
                "weights alone: {how}",
                names=", ".join(inert),
                how=HOW,
            )
        )
    if not layout:
        raise ValueError(
            say("this file holds no tensors, only a Python {what}; save the weights: {how}", what=what, how=HOW)
        )
    if what == "tensor":
        holds = say("this file holds one tensor, {shape}, without a name", shape=layout[""])
    elif all(re.fullmatch(r"([^.]*\.)?([0-9]+\.)*[0-9]+", name) for name in layout):
        holds = say("this file holds {count:,} tensors without names, as list(model.parameters())", count=len(layout))
    else:
        return
    raise ValueError(
        say(
            "{holds}; recurrent layers are found by the names of their weights (weight_ih_l0). Save them with names: "
            "{how}",
            holds=holds,
            how=HOW,
        )
    )


def _is_tar(content: Content) -> bool:
    return content.data[257:262] == b"ustar" and content.data[:100].rstrip(b"\0") in OLDEST


def _is_index(content: Content) -> bool:
    return shards.first(content).endswith(ENDINGS)


def _is_pickle(content: Content) -> bool:
    """Since protocol 2 a pickle begins with a mark; before, with a dict, a list, or the name of what it is made by."""
    if content.starts(b"\x80"):
        return content.data[8:9] != b"{"  # of a safetensors file, 128 is the length of its header
    return content.data.endswith(b".") and OLD.match(content.data) is not None


def _fits(content: Content) -> bool:
    return (
        _is_pickle(content)
        or any(f"/{name}".endswith("/data.pkl") or is_weights(name) for name in content.members)
        or _is_tar(content)
        or _is_index(content)
    )


FORMAT = Format("PyTorch", _fits, read, takes=("names",))
