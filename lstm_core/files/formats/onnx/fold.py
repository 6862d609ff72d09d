"""Values that a graph computes from constants alone: exporters write a layer's weights as Slice, Concat and Unsqueeze
of what they were, and the states it starts from as zeros of a shape that is looked up.

Operators are onnx's own reference implementation, one node at a time, of those in ``OPERATORS`` only. What each may
take of memory is known before it runs. Nothing is computed that is not asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lstm_core.files import limits
from lstm_core.files.formats.onnx.graph import Entry, Graph, Made, Node, Stored, Value, text
from lstm_core.files.formats.onnx.tensors import Tensors
from lstm_core.say import say

STEPS, INPUTS = 20_000, 4096
"""How many nodes may be computed for one file, and how many inputs one of them may have."""
WORK = 30_000_000_000
"""How many multiplications there may be in its matrix products: seconds."""
VIEWS = frozenset(
    "Flatten Identity Reshape SequenceAt Shape Slice Split SplitToSequence Squeeze Transpose Unsqueeze".split()
)
"""What gives a part or another arrangement of what it is given."""
BROADCAST = frozenset(
    "Abs Add And Cast CastLike DequantizeLinear Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mul Neg Not"
    " Or Pow Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Sigmoid Sqrt"
    " Sub Tanh Where".split()
)
"""What gives at most as many numbers as its inputs spread over each other."""
OLDEST = {"DequantizeLinear": 19}
"""The first version that onnx implements of an operator that meant the same before."""
OPERATORS = VIEWS | BROADCAST | {"Concat", "ConstantOfShape", "Expand", "Gather", "Gemm", "MatMul", "Tile"}

Rule = Callable[[Node, list[Any]], list[Any]]


class Computed(Exception):
    """A value is not constant. ``by``: what it depends on, to show."""

    def __init__(self, by: str) -> None:
        """by: the input or node that the value depends on, as a message names it."""
        super().__init__(by)
        self.by = by


WRONG = (Computed, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What may come of reading a graph as something that it is not."""


class Budget:
    """What may still be computed: steps, bytes of results, and multiplications in matrix products."""

    def __init__(self, size: int, steps: int = STEPS) -> None:
        """size: bytes. steps: nodes that may be computed."""
        self.size, self.steps, self.work = size, steps, WORK

    def step(self) -> None:
        """Counts a node. Raises ValueError if it is one too many."""
        self.steps -= 1
        if self.steps < 0:
            raise ValueError(say("the weights are computed by more than {limit:,} nodes", limit=STEPS))

    def take(self, size: int, what: str, work: int = 0) -> None:
        """Counts bytes of a result and multiplications. Raises ValueError, with ``what``, if they are too many."""
        if size > self.size or work > self.work:
            raise ValueError(say("{what} computes more than the memory that is allowed", what=what))
        self.size -= size
        self.work -= work


class Fold:
    """Computes values, each once.

    given: values to take instead of what the graph computes, where they are defined. rules: further operators, by
    domain and name, each with how many of its inputs it needs and a function of these. shapes: another ``Fold``, which
    computes a value whose shape is asked for while its numbers are not known. strict: whether an operator that cannot
    be computed is an error of the file; if not, its value is not constant.
    """

    def __init__(
        self,
        graph: Graph,
        tensors: Tensors,
        budget: Budget,
        given: Mapping[Value, np.ndarray] | None = None,
        rules: Mapping[tuple[str, str], tuple[int, Rule]] | None = None,
        shapes: Fold | None = None,
        *,
        strict: bool = True,
    ) -> None:
        """graph, tensors: of the file. budget: what all computing of it shares. The rest: as in the class."""
        self.graph, self.tensors, self.budget, self._strict = graph, tensors, budget, strict
        self._rules, self._shapes = rules or {}, shapes
        self._known: dict[Value, np.ndarray | list[np.ndarray] | Computed] = dict(given or {})

    def array(self, value: Value) -> np.ndarray:
        """The value. Raises Computed if it is not constant, ValueError if it cannot be computed or is too large."""
        value = self.graph.resolve(value)[0]
        waiting, begun = [value], set[Value]()
        while waiting:
            here = waiting[-1]
            missing = () if here in self._known else self._advance(here)
            if missing and not begun.isdisjoint(missing):
                self._known[here] = Computed(say("itself"))
            elif missing:
                begun.add(here)
                waiting.extend(missing)
            else:
                begun.discard(waiting.pop())
        known = self._known[value]
        if isinstance(known, Computed):
            raise known
        if isinstance(known, list):
            raise Computed(text(value.name))  # a sequence of arrays
        return known

    def _advance(self, value: Value) -> Sequence[Value]:
        """Compute the value, unless others have to be known first: those."""
        origin = self.graph.resolve(value)[1]
        if isinstance(origin, Stored):
            self._known[value] = self.tensors.array(origin.tensor, text(value.name))
        elif isinstance(origin, Entry):
            self._known[value] = Computed(say("the input {name}", name=text(value.name)))
        elif origin.node.op == "Constant" and not origin.node.domain:
            self._known[value] = self.tensors.constant(origin.node)
        elif origin.node.op == "If" and not origin.node.domain:
            return self._branch(value, origin)
        else:
            return self._node(value, origin)
        return ()

    def _branch(self, value: Value, origin: Made) -> Sequence[Value]:
        """A value of an If whose condition is known is that of the branch."""
        condition = self._look(origin.node.input(0))
        if isinstance(condition, Value):
            return (condition,)
        chosen = isinstance(condition, np.ndarray) and condition.size == 1 and bool(condition.reshape(-1)[0])
        body = origin.node.body("then_branch" if chosen else "else_branch")
        if not isinstance(condition, np.ndarray) or body is None or origin.position >= len(body.outputs):
            self._known[value] = Computed(origin.node.label)
            return ()
        result = self._look(Value(body, body.outputs[origin.position]))
        if isinstance(result, Value):
            return (result,)
        if result is not None:
            self._known[value] = result
        return ()

    def _look(self, value: Value | None) -> np.ndarray | list[np.ndarray] | Computed | Value | None:
        """What is known of the value, or where it is defined, for one that has to be computed first; None for none."""
        if value is None:
            return None
        value = self.graph.resolve(value)[0]
        return self._known.get(value, value)

    def _node(self, value: Value, origin: Made) -> Sequence[Value]:
        node = origin.node
        count, rule = self._rules.get((node.domain, node.op), (len(node.inputs), None))
        if not (rule or (node.op in OPERATORS and not node.domain)):
            self._known[value] = Computed(node.label)
            return ()
        known = [self._look(given) for given in node.inputs[:count]]
        if len(known) > INPUTS:
            raise ValueError(say("{what} has more than {limit:,} inputs", what=node.label, limit=INPUTS))
        missing = [given for given in known if isinstance(given, Value)]
        if missing:
            return missing
        arrays: list[Any] = []
        for given, array in zip(node.inputs, known, strict=False):
            if isinstance(array, Computed) and given is not None and node.op == "Shape" and self._shapes is not None:
                with suppress(Computed):
                    array = self._shapes.array(given)
            if isinstance(array, Computed):
                self._known[value] = array
                return ()
            arrays.append(array)
        self.budget.step()
        try:
            results = rule(node, arrays) if rule else run(node, arrays, self.budget)
        except WRONG:
            if self._strict:
                raise
            results = []
        for k, (name, result) in enumerate(zip(node.proto.output, results, strict=False)):
            if node.scope.look(name) == Made(node, k):
                self._known[node.output(k)] = result
        self._known.setdefault(value, Computed(node.label))
        return ()


def run(node: Node, arrays: list[Any], budget: Budget) -> list[Any]:
    """What the node gives, arrays or a list of arrays. Raises ValueError where it cannot be computed, or takes more
    than the budget allows."""
    from onnx import FunctionProto, NodeProto
    from onnx.reference import ReferenceEvaluator

    names = [f"i{k}" if array is not None else "" for k, array in enumerate(arrays)]
    made = NodeProto(op_type=node.op, input=names, output=[f"o{k}" for k in range(len(node.proto.output))])
    try:
        made.attribute.extend(_attribute(name, attribute) for name, attribute in node.attributes.items())
        budget.take(_size(node, arrays), node.label, _work(node, arrays))
        function = FunctionProto(domain="lstm_core", name="node", output=made.output, node=[made])
        function.input.extend(name for name in names if name)
        function.opset_import.add(domain="", version=max(node.scope.opset, OLDEST.get(node.op, 1)))
        given = {name: array for name, array in zip(names, arrays, strict=True) if name}
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(function).run(None, given, {})
        results = [result if isinstance(result, list) else np.asarray(result) for result in results]
    except Exception as error:  # whatever an operator may say of a node that is wrong
        message = say("{what} cannot be computed: {error}", what=node.label, error=limits.reason(error))
        raise ValueError(message) from error
    return results


def _attribute(name: str, attribute: Any) -> Any:
    """The attribute under its own name. ValueError for a graph, and for a tensor whose values lie in a file: an
    operator would open it."""
    from onnx import AttributeProto

    made = AttributeProto()
    made.CopyFrom(attribute)
    made.name = name
    made.ClearField("ref_attr_name")
    kinds = (made.INT, made.INTS, made.FLOAT, made.FLOATS, made.STRING, made.TENSOR)
    text_asked = name == "to" and made.i == 8
    if made.type not in kinds or made.t.data_location or made.t.external_data or text_asked:
        raise ValueError(say("its attribute {name} is not supported", name=name))
    return made


def _size(node: Node, arrays: list[Any]) -> int:
    """Bytes that the node's results take at most; none for what arranges its input anew. Any error if the inputs do not
    fit each other."""
    if node.op in ("SequenceAt", "SplitToSequence"):
        return 0
    shapes = [array.shape for array in arrays if array is not None]
    itemsize = max((array.itemsize for array in arrays if array is not None), default=1)
    if node.op in VIEWS:
        return arrays[0].nbytes if node.op in ("Reshape", "Flatten") and not arrays[0].flags.c_contiguous else 0
    if node.op in ("Cast", "CastLike", "DequantizeLinear"):
        return arrays[0].size * 8
    if node.op.startswith("Reduce"):
        return arrays[0].nbytes
    if node.op in BROADCAST:
        return math.prod(np.broadcast_shapes(*shapes)) * itemsize
    if node.op == "Concat":
        return sum(map(math.prod, shapes)) * itemsize
    if node.op == "Gather":
        axis = int(node.values.get("axis", 0))
        return math.prod(shapes[1]) * math.prod(shapes[0]) // max(shapes[0][axis], 1) * itemsize
    if node.op == "Gemm":
        return shapes[0][1 if node.values.get("transA") else 0] * _columns(node, shapes[1]) * itemsize
    if node.op == "MatMul":
        inner = max(shapes[0][-1], 1)
        return math.prod(shapes[0]) // inner * math.prod(shapes[1]) // inner * itemsize
    if node.op == "Tile":
        return math.prod(shapes[0]) * math.prod(abs(int(n)) for n in arrays[1].ravel()) * itemsize
    asked = [abs(int(n)) for n in arrays[-1].ravel()]  # ConstantOfShape, Expand
    return math.prod(np.broadcast_shapes(shapes[0], asked) if node.op == "Expand" else asked) * 8


def _work(node: Node, arrays: list[Any]) -> int:
    """Multiplications of a matrix product; one of whole numbers is an order of magnitude slower."""
    if node.op not in ("Gemm", "MatMul"):
        return 0
    slower = 1 if arrays[0].dtype.kind == "f" else 10
    if node.op == "Gemm":
        return arrays[0].size * _columns(node, arrays[1].shape) * slower
    return arrays[0].size * arrays[1].size // max(arrays[0].shape[-1], 1) * slower


def _columns(node: Node, shape: tuple[int, ...]) -> int:
    """Of a Gemm's second matrix."""
    return shape[0 if node.values.get("transB") else 1]
