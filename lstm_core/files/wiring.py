"""What stands around a recurrent block in its file: what feeds it, what reads it, which blocks stand on each other.

A Keras or ONNX file says what is wired to what (``Block.reads``, ``Loaded.roles``). A file of weights says nothing:
then shapes, names and the order in the file make a proposal, and what contradicts it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_core.block import Block, Source
from lstm_core.files import limits
from lstm_core.network import Network, Reader, Readout
from lstm_core.ops import host
from lstm_core.say import Said, say
from lstm_core.trace import Trace

if TYPE_CHECKING:
    from lstm_core.files.load import Loaded

EMBEDDING = re.compile(r"(^|[._/])(?!un)\w*(emb|wte|lookup)", re.IGNORECASE)
OUTPUT = re.compile(
    r"(^|[._/])(fc\d*|out\w*|decoder|head|lm_head|classifier|linear\d*|dense\w*|proj\w*|softmax\w*|logits|scores?|generator"
    r"|h2o|hidden2\w+|predict\w*)([._/]|$)",
    re.IGNORECASE,
)
PARAMETER = re.compile(r"[._/](weight|bias|kernel|gamma|beta|running_\w+|num_batches_tracked)(:0)?$")
IN_FILE_ORDER = "{name} reads the output of {below}: the file does not say so, its order and the widths do"


# ---- which block stands on which


def source(loaded: Loaded, block: Block) -> Source | None:
    """Where the block's input comes from, as the file says or, if it says nothing of any block, as its order does."""
    if block.reads is not None or any(other.reads is not None for other in loaded.blocks):
        return block.reads
    place = loaded.blocks.index(block)
    under = loaded.blocks[place - 1] if place else None
    if under is not None and _wide(under) == block.input_size and not between(loaded, under.name, block):
        return Source(under.name)
    return None


def below(loaded: Loaded, block: Block) -> tuple[Block, ...]:
    """The blocks that run before ``block``, first to last, each on h of the one before; none if it reads something
    else than a block, or if layers between change what it reads."""
    stack: list[Block] = []
    while True:
        at = source(loaded, stack[0] if stack else block)
        names = {other.name: other for other in loaded.blocks}
        if at is None or at.through or at.name not in names or names[at.name] in (*stack, block):
            return tuple(stack)
        stack.insert(0, names[at.name])


def assumed(loaded: Loaded, block: Block) -> tuple[str, ...]:
    """What is assumed of the block, that it stands on another included."""
    under = below(loaded, block)
    if not under or block.reads is not None:
        return block.assumed
    return (*block.assumed, say(IN_FILE_ORDER, name=block.name, below=under[-1].name))


def run(loaded: Loaded, x: Any, lengths: Any = None, mask: Any = None, **place: Any) -> dict[str, Trace]:
    """See ``Loaded.trace``. place: device, backend and keep, as for ``Block.trace``."""
    x = host(x)
    traces: dict[str, Trace] = {}
    masks: dict[str, np.ndarray | None] = {}
    single = x.ndim < (2 if x.dtype.kind in "iu" else 3)
    for block in _in_order(loaded):
        at = source(loaded, block)
        if at is not None and at.through:
            raise ValueError(
                say(
                    "{name} reads what {layers} made of its input, and these layers are not run; trace it by itself on "
                    "what it reads: loaded[{name!r}].trace(...)",
                    name=block.name,
                    layers=in_order(at.through),
                )
            )
        if at is not None and at.name in traces:
            under = loaded[at.name]
            inputs = block.laid_out(under.output(traces[at.name]), single)
            read = masks[at.name]
            masks[block.name] = read.T if read is not None and under.batch_first != block.batch_first else read
            trace = block.trace(inputs, lengths=lengths, mask=masks[block.name], **place)
        else:
            network = _bottom(loaded, block, at)
            if network.reader is None and x.dtype.kind in "iu" and (x.ndim < 2 or x.shape[-1] != block.input_size):
                raise ValueError(_no_rows(loaded, block))
            masks[block.name] = network.mask_of(x) if mask is None else host(mask)
            trace = network.read(x, lengths, mask=masks[block.name], **place)
        traces[block.name] = replace(trace, assumed=assumed(loaded, block))
    return traces


def in_order(layers: Sequence[str]) -> str:
    """Layers that follow each other, as a sentence has them."""
    told = layers[0]
    for layer in layers[1:]:
        told = say("{first} > {second}", first=told, second=layer)
    return told


def _in_order(loaded: Loaded) -> Iterator[Block]:
    """Every block after the one that it stands on."""
    given: list[str] = []
    left = list(loaded.blocks)
    while left:
        ready = [block for block in left if not any(under.name not in given for under in below(loaded, block))]
        for block in ready or left:
            given.append(block.name)
            left.remove(block)
            yield block


def _bottom(loaded: Loaded, block: Block, at: Source | None) -> Network:
    """The block with the embedding that the file says it reads, if it says so."""
    if at is None or at.name not in loaded.others:
        return Network(block.name, block)
    return Network(block.name, block, Reader(embedding(loaded, at.name), padding=0 if at.mask_zero else None))


def _no_rows(loaded: Loaded, block: Block) -> Said:
    """What to do with ids for a block of which the file does not say where it looks them up."""
    told = {"name": block.name or say("the block"), "width": block.input_size}
    likely = embeddings(loaded, block)
    if not likely:
        return say(
            "{name} reads vectors of {width} numbers, and these are whole numbers; look them up first in the model's "
            "embedding, which this file does not hold",
            **told,
        )
    return say(
        "{name} reads vectors of {width} numbers, and these are whole numbers; the file does not say in which matrix "
        "they are looked up. If it is {matrix}: trace(loaded.others[{matrix!r}][ids])",
        **told,
        matrix=likely[0],
    )


# ---- embeddings and output layers


def embeddings(loaded: Loaded, block: Block) -> list[str]:
    """Names of the matrices (words, input) that ``block`` reads, the likeliest first: the one that the file names, or
    those that nothing in the file contradicts."""
    at = source(loaded, block)
    if at is not None:
        return [at.name] if not at.through and at.name in loaded.others else []
    names = [name for name, value in _matrices(loaded).items() if value.shape[1] == block.input_size]
    names = [name for name in names if contradiction(loaded, name, block) is None]
    return sorted(names, key=lambda name: (EMBEDDING.search(name) is None, -len(loaded.others[name])))


def contradiction(loaded: Loaded, name: str, block: Block) -> Said | None:
    """Why the matrix of that name is not what feeds ``block``; None if nothing speaks against it."""
    if loaded.roles.get(name, "embedding") != "embedding":
        return say("{name} belongs to a layer of the kind {kind}", name=name, kind=loaded.roles[name])
    if EMBEDDING.search(name) is None:
        if OUTPUT.search(name):
            return say("{name} has the name of an output layer", name=name)
        if _bias_of(loaded, name, len(loaded.others[name])) is not None:
            return say("{name} has a bias, as an embedding does not", name=name)
    layers = between(loaded, name, block)
    if layers:
        return say("{layers} lies between {name} and {block}", layers=", ".join(layers), name=name, block=block.name)
    return None


def between(loaded: Loaded, name: str, block: Block) -> list[str]:
    """Names of the layers that stand in the file between a matrix or block and ``block``, which may change what it
    reads. A file of weights keeps the order in which a network was built, as a rule that of the data."""
    names = list(loaded.layout)
    mine = [place for place, key in enumerate(names) if _belongs(key, block.name)]
    start = [place for place, key in enumerate(names) if key == name or _belongs(key, name)]
    if not mine or not start or start[-1] > mine[0]:
        return []
    stems: dict[str, None] = {}
    for key in names[start[-1] + 1 : mine[0]]:
        inside = any(_belongs(key, other.name) for other in loaded.blocks)
        if not inside and not EMBEDDING.search(key):
            stems.setdefault(PARAMETER.sub("", key))
    return list(stems)


def _belongs(key: str, block: str) -> bool:
    return key.startswith((f"{block}.", f"{block}/")) if block else re.match(r"(weight|bias)_[ih][hr]", key) is not None


def outputs(loaded: Loaded, block: Block, words: int) -> list[str]:
    """Names of the matrices that could turn h into scores of ``words`` words, the likeliest first; none for a block
    that another one stands on."""
    if any(under is block for other in loaded.blocks for under in below(loaded, other)):
        return []
    wide = _wide(block)
    names = [name for name, value in _matrices(loaded).items() if value.shape in ((words, wide), (wide, words))]
    if "output" in loaded.roles.values():
        names = [name for name in names if loaded.roles.get(name) == "output"]
    return sorted(names, key=lambda name: EMBEDDING.search(name) is not None)


def embedding(loaded: Loaded, name: str) -> np.ndarray:
    """The matrix of that name, float32 or float64. Raises ValueError if it holds NaN or infinity."""
    return limits.weights({name: loaded.others[name]}, say("the file"))[name]


def output(loaded: Loaded, name: str, words: int) -> Readout:
    """The output layer of that name, over ``words`` words; zeros for a bias that the file does not have.

    Raises ValueError if it holds NaN or infinity.
    """
    weight = embedding(loaded, name)
    weight = weight if len(weight) == words else np.ascontiguousarray(weight.T)
    bias = _bias_of(loaded, name, words)
    return Readout(weight, np.zeros(words, weight.dtype) if bias is None else embedding(loaded, bias))


def _bias_of(loaded: Loaded, name: str, size: int) -> str | None:
    """The vector of ``size`` that has the name of a matrix but for its last part, if there is one."""
    stem = re.sub(r"[._/]?(weight|kernel|W|w)(:0|_\d+)?$|[._/]\d+$", "", name)
    vectors = [other for other, value in loaded.others.items() if value.shape == (size,) and other != name]
    near = [other for other in vectors if stem and re.match(re.escape(stem) + r"[._/]", other)]
    if loaded.roles.get(name) == "output":
        near = near or [other for other in vectors if loaded.roles.get(other) == "output"]
    return next(iter(near), None)


def _matrices(loaded: Loaded) -> dict[str, np.ndarray]:
    """The others with two axes; what an optimiser keeps of each parameter has its shape, and is none of them."""
    named = {name: value for name, value in loaded.others.items() if "optim" not in name.lower()}
    return {name: value for name, value in named.items() if value.ndim == 2}


def _wide(block: Block) -> int:
    return block.output_size * len(block.directions)
