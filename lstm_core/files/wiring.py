"""What stands around a recurrent block in its file: what feeds it, what reads it, which blocks stand on each other.

A Keras or ONNX file says what is wired to what (``Block.reads``, ``Loaded.roles``). A file of weights says nothing:
then shapes, names and, where its writer did not sort them (``keeps_order``), the order in the file make a proposal, and
what contradicts it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_core.block import Block, Source
from lstm_core.files import limits, widths
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


# ---- which block stands on which


def source(loaded: Loaded, block: Block) -> Source | None:
    """Where the block's input comes from: as the file says or, if it says nothing of any block, as its order and the
    widths do, or without an order of its own the widths and the numbers in the names."""
    if block.reads is not None or any(other.reads is not None for other in loaded.blocks):
        return block.reads
    place = loaded.blocks.index(block)
    if keeps_order(loaded):
        under = loaded.blocks[place - 1] if place else None
    else:
        under = _numbered_before(loaded, block) or _alone_as_wide(loaded, block)
    if under is None or _wide(under) != block.input_size:
        return None
    return None if between(loaded, under.name, block.name, block.input_size) else Source(under.name)


def keeps_order(loaded: Loaded) -> bool:
    """Whether the file lists its arrays in the order in which its network was built.

    safetensors sorts them, or has none of its own. Elsewhere a block shows whether its writer sorted: PyTorch has
    weight_ih before weight_hh, and both before the biases.
    """
    if loaded.format == "safetensors":
        return False
    inside = [[key for key in loaded.layout if _belongs(key, block.name)] for block in loaded.blocks]
    lists = [keys for keys in inside if len(keys) > 1] or [list(loaded.layout)]
    return not loaded.layout or any(keys != sorted(keys) for keys in lists)


def _numbered_before(loaded: Loaded, block: Block) -> Block | None:
    """The last of the blocks whose names are this one's with a smaller number: "rnn.2" is before "rnn.10"."""

    def told(one: Block) -> tuple[list[str], list[int]]:
        return re.split(r"\d+", one.name), [int(digits) for digits in re.findall(r"\d+", one.name)]

    words, numbers = told(block)
    before = [other for other in loaded.blocks if told(other)[0] == words and told(other)[1] < numbers]
    return max(before, key=lambda other: told(other)[1], default=None)


def _alone_as_wide(loaded: Loaded, block: Block) -> Block | None:
    """The only block that gives as many numbers as this one reads, where no embedding does and it cannot be the other
    way round: None otherwise."""
    if any(EMBEDDING.search(key) and value.shape[1] == block.input_size for key, value in _matrices(loaded).items()):
        return None
    fitting = [other for other in loaded.blocks if other is not block and _wide(other) == block.input_size]
    above, reached = [block], {block.name}
    while above:  # whatever could stand on this block, directly or not
        one = above.pop()
        more = [other for other in loaded.blocks if other.input_size == _wide(one) and other.name not in reached]
        above += more
        reached |= {other.name for other in more}
    return fitting[0] if len(fitting) == 1 and fitting[0].name not in reached else None


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
    told = {"name": block.name, "below": under[-1].name}
    if keeps_order(loaded):
        said = say("{name} reads the output of {below}: the file does not say so, its order and the widths do", **told)
    else:
        said = say("{name} reads the output of {below}: the file does not say so, their names and widths do", **told)
    return (*block.assumed, said)


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
    return _between_said(loaded, name, block.name, block.input_size)


def _between_said(loaded: Loaded, first: str, last: str, width: int) -> Said | None:
    """What lies, or may lie, between a block and a matrix, either first; None if nothing does."""
    layers = between(loaded, first, last, width)
    if not layers:
        return None
    told = {"layers": ", ".join(layers), "name": first or say("the block"), "block": last or say("the block")}
    if keeps_order(loaded):
        return say("{layers} lies between {name} and {block}", **told)
    return say("{layers} may lie between {name} and {block}", **told)


def between(loaded: Loaded, first: str, last: str, width: int) -> list[str]:
    """Names of the layers that may change what one matrix or block gives another: both have this width.

    Only what takes and gives as many numbers can lie there (``widths.way``) and, in a file that keeps the order in
    which its network was built, what stands there: as a rule that order is the data's.
    """
    names = list(loaded.layout)
    start = [place for place, key in enumerate(names) if key == first or _belongs(key, first)]
    end = [place for place, key in enumerate(names) if key == last or _belongs(key, last)]
    if not start or not end:
        return []
    if keeps_order(loaded):
        names = [] if start[-1] > end[0] else names[start[-1] + 1 : end[0]]
    layers: dict[str, dict[str, tuple[int, ...]]] = {}
    for key in names:
        inside = any(_belongs(key, other.name) for other in loaded.blocks)
        if not inside and key not in (first, last) and not EMBEDDING.search(key) and "optim" not in key.lower():
            layers.setdefault(PARAMETER.sub("", key), {})[key] = tuple(loaded.layout[key])
    ends = {PARAMETER.sub("", first), PARAMETER.sub("", last)}
    return widths.way({stem: shapes for stem, shapes in layers.items() if stem not in ends}, width)


def _belongs(key: str, block: str) -> bool:
    return key.startswith((f"{block}.", f"{block}/")) if block else re.match(r"(weight|bias)_[ih][hr]", key) is not None


def outputs(loaded: Loaded, block: Block, words: int) -> list[str]:
    """Names of the matrices that could turn h into scores of ``words`` words, the likeliest first; none for a block
    that another one stands on."""
    names = [name for name in _as_wide(loaded, block, words) if before_output(loaded, block, name) is None]
    return sorted(names, key=lambda name: EMBEDDING.search(name) is not None)


def no_outputs(loaded: Loaded, block: Block, words: int) -> Said | None:
    """What speaks against the first of the matrices that have the shape of an output layer; None if none has it."""
    said = (before_output(loaded, block, name) for name in _as_wide(loaded, block, words))
    return next((why for why in said if why), None)


def _as_wide(loaded: Loaded, block: Block, words: int) -> list[str]:
    """Names of the matrices of that many words and of the width of h, if no other block reads this one's h."""
    if any(under is block for other in loaded.blocks for under in below(loaded, other)):
        return []
    wide = _wide(block)
    names = [name for name, value in _matrices(loaded).items() if value.shape in ((words, wide), (wide, words))]
    if "output" in loaded.roles.values():
        names = [name for name in names if loaded.roles.get(name) == "output"]
    return names


def before_output(loaded: Loaded, block: Block, name: str) -> Said | None:
    """What speaks against the matrix of that name reading h of ``block`` as it is; None if nothing does."""
    if loaded.roles or any(other.reads is not None for other in loaded.blocks):  # the file says what is wired to what
        return None
    return _between_said(loaded, block.name, name, _wide(block))


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
