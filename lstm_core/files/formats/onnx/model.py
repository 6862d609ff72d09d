"""An ONNX model: its recurrent blocks in the file's order, what each reads, and its other matrices and vectors."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from lstm_core.block import Block
from lstm_core.files.formats import Found
from lstm_core.files.formats.onnx import node as nodes
from lstm_core.files.formats.onnx import quantised
from lstm_core.files.formats.onnx.graph import Graph, Made, Node, Value
from lstm_core.files.formats.onnx.others import Others
from lstm_core.files.formats.onnx.reads import Head, Reads
from lstm_core.files.formats.onnx.shapes import Values
from lstm_core.files.formats.onnx.tensors import Tensors
from lstm_core.files.options import Options


def read_model(model: Any, size: int, options: Options) -> Found:
    """What stands in a ModelProto of ``size`` bytes. Raises ValueError, naming what, for a recurrent node that cannot
    be traced."""
    graph = Graph(model)
    values = Values(graph, Tensors(options, size), options.max_bytes)
    taken: Counter[str] = Counter()
    blocks: list[tuple[Node, list[Block]]] = []
    own: list[Value] = []
    for node in graph.walk():
        if node.recurrent or (node.domain == quantised.DOMAIN and node.op in quantised.KINDS):
            taken[node.name] += 1
            name = node.name if taken[node.name] == 1 else f"{node.name}#{taken[node.name]}"
            blocks.append((node, nodes.blocks(name, node, values)))
            own += [leaf for value in node.inputs[1:] if value is not None for leaf in values.leaves(value)[0]]
    others = Others(values, own)
    reads = Reads(values, others, [_head(node, made[0]) for node, made in blocks])
    found = []
    for node, made in blocks:
        x = node.input(0)
        source = None if x is None else reads.source(x, int(made[0].batch_first))
        found += [replace(block, reads=source) for block in made]
    return Found(found, others.collect(reads.reaches), others.roles)


def _head(node: Node, block: Block) -> Head:
    """What the node gives, under its block's name."""
    given = {
        k: Value(node.scope, name) for k, name in enumerate(node.proto.output) if node.scope.look(name) == Made(node, k)
    }
    last = {given[k]: state for k, state in ((1, "h"), (2, "c")) if k in given}
    return Head(block.name, (given[0],) if 0 in given else (), int(block.batch_first), last)
