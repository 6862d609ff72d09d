"""An ONNX model: its recurrent blocks in the file's order, what each reads, and its other matrices and vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from lstm_core.block import Block
from lstm_core.files import limits
from lstm_core.files.formats import Found
from lstm_core.files.formats.onnx import named, quantised, unrolled
from lstm_core.files.formats.onnx import node as recurrent
from lstm_core.files.formats.onnx.graph import Graph, Made, Node, Value
from lstm_core.files.formats.onnx.others import Others
from lstm_core.files.formats.onnx.reads import Head, Read, Reads
from lstm_core.files.formats.onnx.tensors import Tensors
from lstm_core.files.formats.onnx.values import Values
from lstm_core.files.options import Options
from lstm_core.say import say


def read_model(model: Any, size: int, options: Options) -> Found:
    """What stands in a ModelProto of ``size`` bytes. Raises ValueError, naming what, for a recurrent node that cannot
    be traced."""
    if not model.HasField("graph") and not model.functions:
        raise ValueError(say("this is not an ONNX file: it holds no graph"))
    graph = Graph(model)
    values = Values(graph, Tensors(options, size), options.max_bytes)
    nodes = list(graph.walk())
    if not any(_is_recurrent(node) for node in nodes):  # functions that nothing calls may hold what the graph does not
        nodes += [node for scope in graph.uncalled() for node in graph.walk(scope)]
    found, own, left = _find(nodes, values)
    if not found and (message := named.sentence(nodes)) is not None:
        raise ValueError(message)
    others = Others(values, own)
    reads = Reads(values, others, [one.head for one in found])
    blocks = []
    for one in found:
        read = reads.of(one.x, one.layout) if one.x else Read(None, one.layout == 1)
        blocks += [_as_given(replace(block, reads=read.source), read.batch_first) for block in one.blocks]
    unread = named.unread(nodes, [one.node for one in found], left) if blocks else []
    if unread:
        said = say("the file holds another cell that is not read ({names})", names=limits.some(unread))
        blocks[0] = replace(blocks[0], assumed=(*blocks[0].assumed, said))
    return Found(blocks, others.collect(reads.reaches), others.roles)


def _find(nodes: Sequence[Node], values: Values) -> tuple[list[_Found], list[Value], list[Node]]:
    """What gives blocks, in the file's order, the tensors that are its weights, and cells that are not read."""
    names, own = _Names(), list[Value]()
    found: list[_Found] = []
    for node in filter(_is_recurrent, nodes):
        blocks = recurrent.blocks(names.unlike(node.name), node, values)
        x = tuple(value for value in node.inputs[:1] if value is not None)
        found.append(_Found(node, blocks, x, int(blocks[0].batch_first), _head(node, blocks[0])))
        own += [leaf for value in node.inputs[1:] if value is not None for leaf in values.leaves(value)[0]]
    cells, left = unrolled.find(values, nodes)
    for written in cells:
        block = replace(written.block, name=names.unlike(written.block.name))
        head = Head(block.name, written.h, written.h_layout, len(block.directions))
        found.append(_Found(written.node, [block], written.x, written.layout, head))
        own += written.own
    places = {node: place for place, node in enumerate(nodes)}
    return sorted(found, key=lambda one: places[one.node]), own, left


def _as_given(block: Block, batch_first: bool) -> Block:
    """The block with its input as the network is given it, which a Transpose may turn into what the node reads. Its
    states stay (direction, batch, unit), as those of an nn.LSTM with ``batch_first``."""
    if batch_first == block.batch_first:
        return block
    return replace(block, batch_first=batch_first, format="torch")


class _Found(NamedTuple):
    """Blocks of one node, or of nodes that write a cell out, of which ``node`` gives the first h. x: what they read."""

    node: Node
    blocks: list[Block]
    x: tuple[Value, ...]
    layout: int
    head: Head


def _is_recurrent(node: Node) -> bool:
    return node.recurrent or (node.domain == quantised.DOMAIN and node.op in quantised.KINDS)


class _Names:
    """Names of which each is given once."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def unlike(self, name: str) -> str:
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}#{self._taken[name]}"


def _head(node: Node, block: Block) -> Head:
    """What the node gives, under its block's name."""
    given = {
        k: Value(node.scope, name) for k, name in enumerate(node.proto.output) if node.scope.look(name) == Made(node, k)
    }
    last = {given[k]: state for k, state in ((1, "h"), (2, "c")) if k in given}
    h = (given[0],) if 0 in given else ()
    return Head(block.name, h, int(block.batch_first), len(block.directions), last)
