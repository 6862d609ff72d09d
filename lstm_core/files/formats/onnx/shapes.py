"""Shapes of values whose numbers are not known, with sizes made up for what the file leaves open: of a batch, or of a
sequence.

What is computed from them comes out the same with two sets of sizes if it does not depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lstm_core.files.formats.onnx.fold import WRONG, Budget, Computed, Fold
from lstm_core.files.formats.onnx.graph import DIRECTIONS, RECURRENT, Entry, Graph, Made, Node, Value
from lstm_core.files.formats.onnx.tensors import Tensors

SIZES = (2, 3, 5, 7, 11, 13, 17, 19), (7, 5, 3, 2, 19, 17, 13, 11)
"""Two sets, unlike each other in every place."""
SAME = {("", op): (1, lambda node, arrays: arrays[:1]) for op in ("Cast", "CastLike", "Dropout")}
"""Rules for numbers whose kind does not matter."""
KEEP = frozenset(
    "BatchNormalization Celu Clip Dropout Elu Erf Gelu GroupNormalization HardSigmoid HardSwish InstanceNormalization"
    " LayerNormalization LeakyRelu LogSoftmax Mish PRelu ReverseSequence Selu Softmax Softplus Softsign".split()
)
"""What gives an array of the shape of its first input."""
SLIDE = frozenset(("AveragePool", "Conv", "MaxPool"))
ROUNDS = 1 << 20
ROOM = 1 << 27
"""Bytes that zeros of such shapes may take."""


class Shapes(Fold):
    """Computes with zeros for what is given when the graph runs, and for what recurrent nodes and loops give: the
    shapes are right, the numbers are not."""

    def __init__(self, graph: Graph, tensors: Tensors, sizes: tuple[int, ...]) -> None:
        """sizes: made up for what is open, in the order in which it is met."""
        rules = {("", op): (1, _zeros) for op in RECURRENT} | {("com.microsoft", "DynamicQuantizeLSTM"): (1, _zeros)}
        rules |= {("", op): (1, lambda node, arrays: arrays[:1]) for op in KEEP} | {
            ("", op): (2, _slid) for op in SLIDE
        }
        super().__init__(graph, tensors, Budget(ROOM), rules=rules, strict=False)
        self._sizes, self._named = sizes, dict[Any, int]()

    def _advance(self, value: Value) -> Sequence[Value]:
        missing = super()._advance(value)
        origin = self.graph.resolve(value)[1]
        if missing or not isinstance(self._known[value], Computed) or not isinstance(origin, Entry | Made):
            return missing
        needed = _in_loop(value, origin)
        known = [self._look(part) for part in needed]
        missing = [part for part in known if isinstance(part, Value)]
        if missing:
            del self._known[value]
            return missing
        stated = value.scope.types.get(value.name)
        with suppress(*WRONG):  # of an unknown kind, or larger than arrays are
            if needed and all(isinstance(part, np.ndarray) for part in known):
                self._known[value] = _of_loop(value, origin, *known)  # type: ignore[arg-type]
            elif stated is not None:
                self._known[value] = self._stated(stated)
        return ()

    def _stated(self, stated: Any) -> np.ndarray:
        from onnx import helper

        kind = helper.tensor_dtype_to_np_dtype(stated.elem_type)
        sizes = [d.dim_value if d.HasField("dim_value") else self._size(d.dim_param) for d in stated.shape.dim]
        return np.broadcast_to(np.zeros((), kind), sizes)

    def _size(self, name: str | bytes) -> int:
        """The size for a name; one without a name is like no other."""
        key = name or len(self._named)
        return self._named.setdefault(key, self._sizes[len(self._named) % len(self._sizes)])


def _zeros(node: Node, arrays: list[Any]) -> list[np.ndarray]:
    """Y, Y_h and Y_c of a recurrent node. Any error if it does not say its size."""
    (first, second), hidden = arrays[0].shape[:2], node.number("hidden_size")
    count = len(DIRECTIONS[node.values.get("direction", b"forward").decode()])
    if node.number("layout"):
        shapes = (first, second, count, hidden), (first, count, hidden), (first, count, hidden)
    else:
        shapes = (first, count, second, hidden), (count, second, hidden), (count, second, hidden)
    return [np.broadcast_to(arrays[0].dtype.type(0), shape) for shape in shapes]


def _slid(node: Node, arrays: list[Any]) -> list[np.ndarray]:
    """What a convolution or a pooling gives: as many channels as its weights, and as many places as its window has."""
    x, channels = arrays[0], arrays[1].shape[0] if node.op == "Conv" else arrays[0].shape[1]
    settings, count = node.values, x.ndim - 2
    kernel = settings.get("kernel_shape") or list(arrays[1].shape[2:])
    steps, spread = settings.get("strides") or [1] * count, settings.get("dilations") or [1] * count
    pads, same = settings.get("pads") or [0] * (2 * count), settings.get("auto_pad", b"").startswith(b"SAME")
    if node.number("ceil_mode"):
        raise ValueError(node.op)
    places = [
        -(-x.shape[2 + k] // steps[k])
        if same
        else (x.shape[2 + k] + pads[k] + pads[k + count] - spread[k] * (kernel[k] - 1) - 1) // steps[k] + 1
        for k in range(count)
    ]
    return [np.broadcast_to(x.dtype.type(0), (x.shape[0], channels, *places))]


def _in_loop(value: Value, origin: Entry | Made) -> list[Value]:
    """The values that say the shape of one that a loop's body is given, or that a loop gives: what it begins with or
    goes over; or what a round gives, and how many there are, if that is said."""
    node = value.scope.owner if isinstance(origin, Entry) else origin.node
    if node is None or node.domain or node.op not in ("Loop", "Scan") or origin.position is None or not node.bodies:
        return []
    loop = node.op == "Loop"
    if not _collects(node, origin):
        first = node.input(origin.position + (2 * loop if isinstance(origin, Made) else 0))
        return [] if first is None else [first]
    outputs = node.bodies[0].outputs[origin.position + loop :]
    rounds = node.input(0) if loop else node.inputs[-1]
    return [Value(node.bodies[0], outputs[0]), *([] if rounds is None else [rounds])] if outputs else []


def _of_loop(value: Value, origin: Entry | Made, first: np.ndarray, rounds: np.ndarray | None = None) -> np.ndarray:
    """Zeros of the shape that follows from these values."""
    node = value.scope.owner if isinstance(origin, Entry) else origin.node
    if node is not None and _collects(node, origin):
        count = 0 if rounds is None else len(rounds) if node.op == "Scan" else int(rounds.reshape(-1)[0])
        shape = (count if 0 < count <= ROUNDS else SIZES[0][1], *first.shape)  # the others go on until something is so
    elif node is not None and node.op == "Scan" and (origin.position or 0) >= len(node.inputs) - _scanned(node):
        shape = np.delete(first.shape, (*node.values.get("scan_input_axes", ()), 0)[0])
    else:
        shape = first.shape
    return np.broadcast_to(first.dtype.type(0), shape)


def _collects(node: Node, origin: Entry | Made) -> bool:
    """Whether a loop gives the value as one of every round."""
    states = len(node.inputs) - (2 if node.op == "Loop" else _scanned(node))
    return isinstance(origin, Made) and origin.position >= states


def _scanned(node: Node) -> int:
    return node.number("num_scan_inputs")
