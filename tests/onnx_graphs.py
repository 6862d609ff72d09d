"""ONNX graphs made by hand: their nodes, and recurrent ones of random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from lstm_core import load  # noqa: E402
from lstm_core.block import Source  # noqa: E402
from lstm_core.files.load import Loaded  # noqa: E402

STEPS, BATCH, INPUT, UNITS = 5, 3, 2, 4


@dataclass
class Maker:
    """Collects the nodes and tensors of a graph. opset: of the standard operators."""

    opset: int = 18
    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    sparse: list[Any] = field(default_factory=list)
    functions: list[Any] = field(default_factory=list)
    names: int = 0

    def name(self) -> str:
        self.names += 1
        return f"v{self.names}"

    def store(self, array: np.ndarray, name: str = "") -> str:
        name = name or self.name()
        self.tensors.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op: str, inputs: Sequence[str], outputs: int = 1, pick: int = 0, **attributes: Any) -> str:
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"{op}_{names[0]}", **attributes))
        return names[pick]

    def axes(self, op: str, value: str, axes: list[int]) -> str:
        """Squeeze and Unsqueeze take their axes as an attribute before version 13."""
        if self.opset < 13:
            return self.add(op, [value], axes=axes)
        return self.add(op, [value, self.store(np.array(axes))])

    def cut(self, value: str, begin: list[int], end: list[int], axes: list[int], steps: list[int] | None = None) -> str:
        """Slice takes its places as attributes before version 10."""
        if self.opset < 10 and steps is None:
            return self.add("Slice", [value], starts=begin, ends=end, axes=axes)
        return self.add("Slice", [value, *(self.store(np.array(part)) for part in (begin, end, axes, steps) if part)])

    def model(self, inputs: Sequence[tuple[str, Any, Sequence[Any]]], outputs: Sequence[str]) -> Any:
        graph = helper.make_graph(
            self.nodes,
            "test",
            [helper.make_tensor_value_info(*entry) for entry in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.tensors,
            sparse_initializer=self.sparse,
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("own", 1)]
        return helper.make_model(graph, opset_imports=opsets, functions=self.functions)


def node_of(
    maker: Maker, x: str, width: int, *, kind: str = "LSTM", directions: int = 1, **attributes: Any
) -> list[str]:
    """A recurrent node of random weights that reads ``x``: its Y, Y_h and Y_c."""
    rng, gates = np.random.default_rng(maker.names), {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    shapes = (directions, gates * UNITS, width), (directions, gates * UNITS, UNITS)
    names = [maker.store(rng.normal(size=shape).astype(np.float32)) for shape in shapes]
    if directions == 2:
        attributes["direction"] = "bidirectional"
    outputs = [maker.name() for _ in range(3 if kind == "LSTM" else 2)]
    name = f"{kind}_{sum(node.op_type in ('LSTM', 'GRU', 'RNN') for node in maker.nodes)}"
    maker.nodes.append(helper.make_node(kind, [x, *names], outputs, name=name, hidden_size=UNITS, **attributes))
    return outputs


def sources(maker: Maker, x: Sequence[Any] = (None, None, INPUT), kind: int = TensorProto.FLOAT) -> list[Source | None]:
    loaded = load(maker.model([("X", kind, x)], [maker.nodes[-1].output[0]]).SerializeToString())
    return [block.reads for block in loaded.blocks]


def weights(seed: int) -> dict[str, np.ndarray]:
    """Multiples of 1/64, so that what is added and taken off again leaves no trace."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (1, 4 * UNITS, INPUT), "R": (1, 4 * UNITS, UNITS), "B": (1, 8 * UNITS), "P": (1, 3 * UNITS)}
    return {key: rng.integers(-64, 65, shape).astype(np.float32) / 64 for key, shape in shapes.items()}


def params(loaded: Loaded) -> dict[str, np.ndarray]:
    return dict(loaded.blocks[0].layers[0][0])
