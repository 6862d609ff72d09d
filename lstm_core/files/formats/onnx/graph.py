"""What an ONNX file computes: its nodes, wherever they stand, and what a name means there.

A graph holds others: the bodies of If, Loop and Scan, which see the names of the graph round them, and the model's own
functions, which see their arguments alone. Each is a ``Scope`` of its own, a function one for every call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from lstm_core.say import say

DEPTH, NODES = 32, 150_000
"""How deep graphs may be nested, and how many nodes there may be with every call written out."""
INT, GRAPH, GRAPHS = 2, 5, 10
"""Types of an AttributeProto."""
RECURRENT = ("LSTM", "GRU", "RNN")
DIRECTIONS = {"forward": ("forward",), "reverse": ("reverse",), "bidirectional": ("forward", "reverse")}


def text(name: str | bytes) -> str:
    """A name to show: one that is not UTF-8 comes from protobuf as bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


class Value(NamedTuple):
    """What a name stands for where it is used."""

    scope: Scope
    name: str | bytes


class Made(NamedTuple):
    """A value that a node computes: its output of that number."""

    node: Node
    position: int


class Stored(NamedTuple):
    """A value that the file holds, as a TensorProto or SparseTensorProto."""

    tensor: Any


class Entry(NamedTuple):
    """A value that is given to a graph when it runs. position: its number among the graph's inputs, None for a name
    that nothing defines."""

    scope: Scope
    position: int | None


class Node:
    """A node where it stands: its attributes and inputs as they are there."""

    def __init__(self, scope: Scope, proto: Any) -> None:
        """scope: where it stands. proto: the node as onnx reads it."""
        self.scope, self.proto = scope, proto

    @cached_property
    def domain(self) -> str:
        """Whose operator it is; "" for ONNX's own."""
        domain = text(self.proto.domain)
        return "" if domain == "ai.onnx" else domain

    @cached_property
    def op(self) -> str:
        """Its operator: "LSTM", "MatMul"."""
        return text(self.proto.op_type)

    @cached_property
    def name(self) -> str:
        """Its name, or that of its first output, or its operator: what a message calls it."""
        return text(self.proto.name or next((out for out in self.proto.output if out), self.op))

    @property
    def label(self) -> str:
        """Kind and name, to show."""
        return f"{self.op} {self.name}"

    @property
    def recurrent(self) -> bool:
        """Whether it is ONNX's own LSTM, GRU or RNN."""
        return self.op in RECURRENT and not self.domain

    @cached_property
    def inputs(self) -> tuple[Value | None, ...]:
        """None for one that is left out."""
        return tuple(Value(self.scope, name) if name else None for name in self.proto.input)

    def input(self, position: int) -> Value | None:
        """The input at that place; None if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def output(self, position: int) -> Value:
        """The value that the node gives at that place."""
        return Value(self.scope, self.proto.output[position])

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """AttributeProto by name; those that a function takes from its call are put in."""
        found = {}
        for attribute in self.proto.attribute:
            meant = self.scope.attributes.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
            if meant is not None:
                found[text(attribute.name)] = meant
        return found

    @cached_property
    def values(self) -> dict[str, Any]:
        """Attributes as numbers, bytes and lists. Raises ValueError for one of no known type."""
        from onnx import helper

        return {name: helper.get_attribute_value(attribute) for name, attribute in self.attributes.items()}

    def number(self, name: str, usual: int = 0) -> int:
        """An attribute that is a whole number; the usual one where the node does not say it so."""
        attribute = self.attributes.get(name)
        return usual if attribute is None or attribute.type != INT else attribute.i

    @cached_property
    def bodies(self) -> tuple[Scope, ...]:
        """The graphs inside the node, in the order of its attributes."""
        return tuple(Scope(self.scope.graph, graph, self) for graph in graphs_in(self.proto))

    @cached_property
    def call(self) -> Scope | None:
        """The function of the model that the node calls."""
        if not self.domain or not self.scope.graph.functions:
            return None
        key = self.domain, self.op, text(getattr(self.proto, "overload", ""))
        function = self.scope.graph.functions.get(key)
        return None if function is None else Scope(self.scope.graph, function, self)

    def body(self, name: str) -> Scope | None:
        """The graph that the attribute of that name holds."""
        graph = self.attributes.get(name)
        return next((body for body in self.bodies if graph is not None and body.proto is graph.g), None)


class Scope:
    """Names of one graph, or of one call of a function.

    owner: the node that it is the body or the function of; None for the main graph.
    """

    def __init__(self, graph: Graph, proto: Any, owner: Node | None = None) -> None:
        """proto: the graph or function. Raises ValueError for graphs in graphs without end, and for too many nodes."""
        self.graph, self.proto, self.owner = graph, proto, owner
        self.depth: int = 0 if owner is None else owner.scope.depth + 1
        if self.depth > DEPTH:
            raise ValueError(say("graphs are nested more than {depth} deep", depth=DEPTH))
        graph.count(len(proto.node))
        function = not hasattr(proto, "initializer")
        self.outer = None if owner is None or function else owner.scope
        self.nodes = [Node(self, node) for node in proto.node]
        self._made = {out: Made(node, k) for node in self.nodes for k, out in enumerate(node.proto.output) if out}
        self._stored: dict[str | bytes, Any] = {}
        self._arguments: tuple[Value | None, ...] | None = None
        self.attributes: Mapping[str, Any] = {}
        self.opset = graph.opset
        if function:
            self._inputs = {name: k for k, name in enumerate(proto.input)}
            self.outputs = list(proto.output)
            self.opset = _opset(proto.opset_import)
            given = {} if owner is None else owner.attributes
            usual = {text(attribute.name): attribute for attribute in proto.attribute_proto}
            names = [*usual, *map(text, proto.attribute)]
            self.attributes = usual | {name: given[name] for name in names if name in given}
            self._arguments = None if owner is None else owner.inputs
            return
        self._inputs = {given.name: k for k, given in enumerate(proto.input)}
        self.outputs = [made.name for made in proto.output]
        self._stored |= {tensor.name: tensor for tensor in proto.initializer}
        self._stored |= {sparse.values.name: sparse for sparse in proto.sparse_initializer}
        if self.outer is not None:
            self.opset, self.attributes = self.outer.opset, self.outer.attributes

    def look(self, name: str | bytes) -> Made | Stored | Value | Entry | None:
        """What a name is in this scope itself, an argument as the caller's value; None if it is not defined here."""
        if name in self._stored:
            return Stored(self._stored[name])
        if name in self._made:
            return self._made[name]
        if name not in self._inputs:
            return None
        position = self._inputs[name]
        if self._arguments is None:
            return Entry(self, position)
        return (self._arguments[position] if position < len(self._arguments) else None) or Entry(self, None)

    def unchanged(self, name: str | bytes) -> Value | None:
        """What is given to the body of a Loop or Scan under a name, if every round hands it on as it is."""
        position, owner = self._inputs.get(name), self.owner
        if owner is None or position is None or owner.domain or owner.op not in ("Loop", "Scan"):
            return None
        loop = owner.op == "Loop"  # its body is given two values before those that it hands on, and gives one
        scanned = 0 if loop else owner.number("num_scan_inputs")
        if not 2 * loop <= position < min(len(self._inputs) - scanned, len(self.outputs) + loop):
            return None
        return owner.input(position) if self.outputs[position - loop] == name else None

    @property
    def inputs(self) -> list[str | bytes]:
        """Names that are given to the graph when it runs, or to the function by its call."""
        return list(self._inputs)

    @cached_property
    def stored(self) -> list[tuple[Value, Any]]:
        """The tensors of the graph, in the file's order."""
        return [(Value(self, name), tensor) for name, tensor in self._stored.items()]

    @cached_property
    def types(self) -> dict[str | bytes, Any]:
        """What the file says of values, by name: TypeProto.Tensor with a shape."""
        given = self.proto.input if hasattr(self.proto, "initializer") else ()
        types = {info.name: info.type.tensor_type for info in (*getattr(self.proto, "value_info", ()), *given)}
        return {name: of for name, of in types.items() if of.HasField("shape")}


class Graph:
    """The model: ``main`` is its graph, ``functions`` are its own operators by domain, name and overload."""

    def __init__(self, model: Any) -> None:
        """model: a ModelProto. Raises ValueError for one that is too large or contradicts itself."""
        self._count = 0
        self._resolved: dict[Value, tuple[Value, Made | Stored | Entry]] = {}
        self.opset = _opset(model.opset_import)
        self.functions = {
            (text(function.domain), text(function.name), text(getattr(function, "overload", ""))): function
            for function in model.functions
            if text(function.domain) not in ("", "ai.onnx")
        }
        self.main = Scope(self, model.graph)

    def count(self, nodes: int) -> None:
        """Counts nodes. Raises ValueError when the model has more than are read."""
        self._count += nodes
        if self._count > NODES:
            raise ValueError(
                say("the graph, with the functions it calls written out, has more than {limit:,} nodes", limit=NODES)
            )

    def walk(self, scope: Scope | None = None) -> Iterator[Node]:
        """Every node, in the file's order; after one that holds others, or calls a function, those."""
        for node in (scope or self.main).nodes:
            yield node
            for inner in (*node.bodies, *([node.call] if node.call else [])):
                yield from self.walk(inner)

    def uncalled(self) -> list[Scope]:
        """The functions that no node of the model calls."""
        called = {(text(node.domain), text(node.op_type)) for proto in self._protos() for node in proto.node}
        return [Scope(self, function) for key, function in self.functions.items() if key[:2] not in called]

    def _protos(self) -> list[Any]:
        """The main graph, the functions, and the graphs inside their nodes."""
        found, waiting = [], [self.main.proto, *self.functions.values()]
        while waiting:
            proto = waiting.pop()
            found.append(proto)
            waiting += [graph for node in proto.node for graph in graphs_in(node)]
        return found

    def resolve(self, value: Value) -> tuple[Value, Made | Stored | Entry]:
        """The value where it is defined, through arguments and results of functions, and what defines it there."""
        if value not in self._resolved:
            self._resolved[value] = self._resolve(value)
        return self._resolved[value]

    def _resolve(self, value: Value) -> tuple[Value, Made | Stored | Entry]:
        for _ in range(4 * DEPTH):
            scope, name = value
            origin = None
            while origin is None:
                origin = scope.look(name)
                if origin is None:
                    if scope.outer is None:
                        return Value(scope, name), Entry(scope, None)
                    scope = scope.outer
            if isinstance(origin, Value):
                value = origin
            elif isinstance(origin, Entry) and (before := scope.unchanged(name)) is not None:
                value = before
            elif isinstance(origin, Made) and origin.node.call and origin.position < len(origin.node.call.outputs):
                value = Value(origin.node.call, origin.node.call.outputs[origin.position])
            else:
                return Value(scope, name), origin
        return value, Entry(value.scope, None)  # it is defined by itself


def graphs_in(node: Any) -> list[Any]:
    """The graphs among a NodeProto's attributes."""
    found = []
    for attribute in node.attribute:
        if attribute.type == GRAPH:
            found.append(attribute.g)
        elif attribute.type == GRAPHS:
            found += attribute.graphs
    return found


def _opset(imports: Any) -> int:
    """The version of the standard operators, 13 in a file that does not say it."""
    return max((entry.version for entry in imports if text(entry.domain) in ("", "ai.onnx")), default=13)
