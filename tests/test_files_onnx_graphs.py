"""ONNX graphs: what is computed from constants, wherever it stands, and what a block reads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
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


Way = Callable[[Maker, np.ndarray], str]


def wrapped(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
    """A value that is ``array``, by the ways named, the last one outermost."""
    return WAYS[ways[-1]](maker, array, ways[:-1]) if ways else maker.store(array)


def _function(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
    """A function of the model that turns its argument by an attribute of the call, and another that calls it."""
    turn = helper.make_node("Transpose", ["a"], ["b"])
    turn.attribute.add(name="perm", ref_attr_name="order", type=onnx.AttributeProto.INTS)
    scope = [helper.make_opsetid("", maker.opset), helper.make_opsetid("own", 1)]
    usual = [helper.make_attribute("order", [0])]  # what the call says is taken in its place
    inner = helper.make_function("own", "Turn", ["a"], ["b"], [turn], scope, attribute_protos=usual)
    call = helper.make_node("Turn", ["x"], ["y"], domain="own")
    call.attribute.add(name="order", ref_attr_name="order", type=onnx.AttributeProto.INTS)
    outer = helper.make_function("own", "Twice", ["unused", "x"], ["y"], [call], scope, attributes=["order"])
    if not maker.functions:
        maker.functions += [outer, inner]
    order = np.roll(np.arange(array.ndim), 1)
    turned = wrapped(maker, array.transpose(np.argsort(order)), ways)
    name = maker.name()
    maker.nodes.append(helper.make_node("Twice", ["", turned], [name], domain="own", order=order.tolist()))
    return name


def _branch(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
    """An If whose condition is constant, with a value of the graph round it in one branch."""
    factor = 1 if array.dtype.kind == "i" else 2
    outside = wrapped(maker, array * array.dtype.type(factor), ways)
    half = numpy_helper.from_array(np.array(1 / factor, array.dtype), "half")
    name = maker.name()
    result = helper.make_tensor_value_info(f"{name}_then", TensorProto.FLOAT, None)
    then = helper.make_graph(
        [helper.make_node("Mul", [outside, "half"], [f"{name}_then"])], "then", [], [result], [half]
    )
    result = helper.make_tensor_value_info(f"{name}_else", TensorProto.FLOAT, None)
    other = helper.make_graph([helper.make_node("Identity", [outside], [f"{name}_else"])], "else", [], [result])
    go = maker.store(np.array(True))
    maker.nodes.append(helper.make_node("If", [go], [name], then_branch=then, else_branch=other))
    return name


def _quantised(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
    small = np.round(array * 64).astype(np.int16).clip(-100, 100).astype(np.int8)
    if not np.array_equal(small / np.float32(64), array):
        return wrapped(maker, array, ways)
    zero, scale = maker.store(np.array(3, np.int8)), maker.store(np.array(1 / 64, np.float32))
    return maker.add("DequantizeLinear", [wrapped(maker, (small + 3).astype(np.int8), ways), scale, zero])


def _sparse(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
    name = maker.name()
    places = np.flatnonzero(array)
    values = numpy_helper.from_array(array.ravel()[places], name)
    rows = np.stack(np.unravel_index(places, array.shape), axis=1) if maker.names % 2 else places
    tensor = helper.make_sparse_tensor(values, numpy_helper.from_array(rows.astype(np.int64), "at"), array.shape)
    if maker.names % 3:
        maker.sparse.append(tensor)
    else:
        maker.nodes.append(helper.make_node("Constant", [], [name], sparse_value=tensor))
    return name


def _constant(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
    if maker.opset >= 12 and array.ndim == 1 and array.dtype == np.float32:
        return maker.add("Constant", [], value_floats=array.tolist())
    return maker.add("Constant", [], value=numpy_helper.from_array(array, "inside"))


def _with(op: str, change: Callable[[np.ndarray], np.ndarray], second: float) -> Any:
    """Undoes ``change``; of whole numbers it would not."""

    def way(maker: Maker, array: np.ndarray, ways: Sequence[str]) -> str:
        if array.dtype.kind == "i":
            return wrapped(maker, array, ways)
        return maker.add(op, [wrapped(maker, change(array), ways), maker.store(np.array(second, array.dtype))])

    return way


WAYS: dict[str, Any] = {
    "Unsqueeze": lambda m, a, ways: (
        m.axes("Unsqueeze", wrapped(m, a[0], ways), [0]) if len(a) == 1 else wrapped(m, a, ways)
    ),
    "Squeeze": lambda m, a, ways: m.axes("Squeeze", wrapped(m, a[None, ..., None], ways), [0, a.ndim + 1]),
    "Transpose": lambda m, a, ways: m.add("Transpose", [wrapped(m, a.T, ways)]),
    "Reshape": lambda m, a, ways: m.add(
        "Reshape", [wrapped(m, a.ravel(), ways), m.store(np.array([-1, *a.shape[1:]]))]
    ),
    "Flatten": lambda m, a, ways: (
        m.add("Flatten", [wrapped(m, a[..., None], ways)], axis=1) if a.ndim == 2 else wrapped(m, a, ways)
    ),
    "Concat": lambda m, a, ways: m.add(
        "Concat", [wrapped(m, a[..., :1], ways), m.store(a[..., 1:])], axis=-1 if m.opset > 10 else a.ndim - 1
    ),
    "Split": lambda m, a, ways: m.add(
        "Split",
        [wrapped(m, np.concatenate([a + 1, a]), ways)],
        2,
        1,
        axis=0,
        **({"num_outputs": 2} if m.opset >= 18 else {}),
    ),
    "Slice": lambda m, a, ways: m.cut(wrapped(m, np.concatenate([a + 1, a]), ways), [len(a)], [2**31 - 1], [0]),
    "backwards": lambda m, a, ways: (
        m.cut(wrapped(m, a[::-1], ways), [-1], [-(2**31)], [0], [-1]) if m.opset >= 10 else wrapped(m, a, ways)
    ),
    "Gather": lambda m, a, ways: m.add(
        "Gather", [wrapped(m, np.roll(a, 1, -1), ways), m.store(np.roll(np.arange(a.shape[-1]), -1))], axis=a.ndim - 1
    ),
    "Cast": lambda m, a, ways: m.add(
        "Cast", [wrapped(m, a.astype(np.float64), ways)], to=helper.np_dtype_to_tensor_dtype(a.dtype)
    ),
    "CastLike": lambda m, a, ways: (
        m.add("CastLike", [wrapped(m, a.astype(np.float64), ways), m.store(np.zeros((), a.dtype))])
        if m.opset >= 15
        else wrapped(m, a, ways)
    ),
    "Identity": lambda m, a, ways: m.add("Identity", [wrapped(m, a, ways)]),
    "Expand": lambda m, a, ways: m.add("Expand", [wrapped(m, a, ways), m.store(np.array(a.shape))]),
    "Where": lambda m, a, ways: m.add(
        "Where", [m.store(np.array(True)), wrapped(m, a, ways), m.store(np.zeros_like(a))]
    ),
    "Add": _with("Add", lambda a: a - 1, 1),
    "Sub": _with("Sub", lambda a: a + 1, 1),
    "Mul": _with("Mul", lambda a: a * 2, 0.5),
    "Div": _with("Div", lambda a: a * 2, 2),
    "DequantizeLinear": _quantised,
    "Constant": _constant,
    "sparse": _sparse,
    "If": _branch,
    "function": _function,
}
LEAVES = ("Constant", "sparse")


def chains() -> st.SearchStrategy[list[str]]:
    inner = st.lists(st.sampled_from([way for way in WAYS if way not in LEAVES]), max_size=4)
    return st.builds(lambda leaf, ways: [*leaf, *ways], st.lists(st.sampled_from(LEAVES), max_size=1), inner)


def weights(seed: int) -> dict[str, np.ndarray]:
    """Multiples of 1/64, so that what is added and taken off again leaves no trace."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (1, 4 * UNITS, INPUT), "R": (1, 4 * UNITS, UNITS), "B": (1, 8 * UNITS), "P": (1, 3 * UNITS)}
    return {key: rng.integers(-64, 65, shape).astype(np.float32) / 64 for key, shape in shapes.items()}


def params(loaded: Loaded) -> dict[str, np.ndarray]:
    return dict(loaded.blocks[0].layers[0][0])


@settings(max_examples=150, deadline=None)
@given(
    ways=st.fixed_dictionaries({key: chains() for key in "WRBP"}),
    opset=st.sampled_from([9, 11, 13, 18, 22]),
    place=st.sampled_from(["graph", "If", "Loop", "function"]),
    seed=st.integers(0, 99),
)
def test_weights_by_any_constant_expression_are_what_they_are(
    ways: dict[str, list[str]], opset: int, place: str, seed: int
) -> None:
    """Folded, they are those of a file that holds them as they are; the cell stands anywhere."""
    arrays, maker = weights(seed), Maker(opset)
    names = {
        key: wrapped(
            maker, arrays[key], ways[key] if opset >= 13 else [w for w in ways[key] if w != "DequantizeLinear"]
        )
        for key in arrays
    }
    inputs = ["X", names["W"], names["R"], names["B"], "", "", "", names["P"]]
    node = helper.make_node("LSTM", inputs, ["Y"], name="cell", hidden_size=UNITS)
    result = helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)
    if place == "If":
        body = helper.make_graph([node], "body", [], [result])
        node = helper.make_node("If", ["go"], ["Z"], then_branch=body, else_branch=body)
    elif place == "Loop":
        begin = [
            helper.make_tensor_value_info(n, t, []) for n, t in (("i", TensorProto.INT64), ("c", TensorProto.BOOL))
        ]
        on = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
        node = helper.make_node("Loop", ["", "go"], ["Z"], body=helper.make_graph([node], "body", begin, [on, result]))
    elif place == "function":
        formal = ["X", "w", "r", "b", "p"]
        node = helper.make_node("LSTM", ["X", "w", "r", "b", "", "", "", "p"], ["Y"], name="cell", hidden_size=UNITS)
        maker.functions.append(
            helper.make_function("own", "Cell", formal, ["Y"], [node], [helper.make_opsetid("", opset)])
        )
        node = helper.make_node("Cell", ["X", *(names[key] for key in "WRBP")], ["Z"], domain="own")
    maker.nodes.append(node)
    loaded = load(
        maker.model(
            [("X", TensorProto.FLOAT, [None, None, INPUT]), ("go", TensorProto.BOOL, [])], ["Z"]
        ).SerializeToString()
    )
    assert {block.name for block in loaded.blocks} == ({"cell", "cell#2"} if place == "If" else {"cell"})
    plain = Maker(opset)
    inputs = ["X", *(plain.store(arrays[key]) for key in "WRB"), "", "", "", plain.store(arrays["P"])]
    plain.nodes.append(helper.make_node("LSTM", inputs, ["Y"], name="cell", hidden_size=UNITS))
    expected = params(load(plain.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString()))
    for found in loaded.blocks:
        for key, value in found.layers[0][0].items():
            np.testing.assert_array_equal(value, expected[key])
            assert value.dtype == np.float32


# What a block reads


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


Y_TO_X: dict[str, tuple[Callable[[Maker, str], str], int, int]] = {
    "squeezed": (lambda m, y: m.axes("Squeeze", y, [1]), 1, 1),
    "reshaped by a constant": (lambda m, y: m.add("Reshape", [y, m.store(np.array([0, -1, UNITS]))]), 1, 1),
    "both directions, transposed first": (
        lambda m, y: m.add("Reshape", [m.add("Transpose", [y], perm=[0, 2, 1, 3]), m.store(np.array([0, 0, -1]))]),
        2,
        2,
    ),
    "both directions, cut and put together": (
        lambda m, y: m.add(
            "Concat",
            [m.axes("Squeeze", m.cut(y, [k], [k + 1], [1]), [1]) for k in range(2)],
            axis=2,
        ),
        2,
        2,
    ),
    "both directions, split and put together": (
        lambda m, y: m.axes(
            "Squeeze",
            m.add("Concat", [*_split(m, y)], axis=3),
            [1],
        ),
        2,
        2,
    ),
    "there and back": (
        lambda m, y: m.add(
            "Transpose", [m.add("Transpose", [m.axes("Squeeze", y, [1])], perm=[1, 0, 2])], perm=[1, 0, 2]
        ),
        1,
        1,
    ),
    "by shapes that are looked up": (
        lambda m, y: m.add(
            "Reshape",
            [
                m.add("Transpose", [y], perm=[0, 2, 1, 3]),
                m.add("Concat", [m.cut(m.add("Shape", ["X"]), [0], [2], [0]), m.store(np.array([2 * UNITS]))], axis=0),
            ],
        ),
        2,
        2,
    ),
    "through Dropout and Cast": (
        lambda m, y: m.add("Cast", [m.add("Dropout", [m.axes("Squeeze", y, [1])])], to=TensorProto.FLOAT),
        1,
        1,
    ),
}


def _split(maker: Maker, y: str) -> list[str]:
    names = [maker.name(), maker.name()]
    maker.nodes.append(helper.make_node("Split", [y], names, axis=1, num_outputs=2))
    return names


@pytest.mark.parametrize("way", Y_TO_X)
def test_h_of_another_block_however_it_is_arranged(way: str) -> None:
    arranged, directions, count = Y_TO_X[way]
    maker = Maker()
    y = node_of(maker, "X", INPUT, directions=directions)[0]
    node_of(maker, arranged(maker, y), count * UNITS, kind="GRU")
    assert sources(maker) == [Source(), Source("LSTM_0")]


OTHER: dict[str, tuple[Callable[[Maker, str], str], int, list[str]]] = {
    "time and batch exchanged": (
        lambda m, y: m.add("Transpose", [m.axes("Squeeze", y, [1])], perm=[1, 0, 2]),
        UNITS,
        ["Squeeze", "Transpose"],
    ),
    "directions not brought together": (
        lambda m, y: m.add("Reshape", [y, m.store(np.array([0, -1, 2 * UNITS]))]),
        2 * UNITS,
        ["Reshape"],
    ),
    "one direction of two": (lambda m, y: m.axes("Squeeze", m.cut(y, [1], [2], [1]), [1]), UNITS, ["Slice"]),
    "directions exchanged": (
        lambda m, y: m.add("Concat", [m.axes("Squeeze", m.cut(y, [k], [k + 1], [1]), [1]) for k in (1, 0)], axis=2),
        2 * UNITS,
        ["Slice", "Concat"],
    ),
    "backwards in time": (lambda m, y: m.cut(m.axes("Squeeze", y, [1]), [-1], [-(2**31)], [0], [-1]), UNITS, ["Slice"]),
    "a sum": (lambda m, y: m.add("Add", [m.axes("Squeeze", y, [1]), m.store(np.float32(1))]), UNITS, ["Add"]),
    "twice as much": (lambda m, y: m.add("Mul", [m.store(np.float32(2)), m.axes("Squeeze", y, [1])]), UNITS, ["Mul"]),
    "a layer of its own": (
        lambda m, y: m.add(
            "Relu", [m.add("MatMul", [m.axes("Squeeze", y, [1]), m.store(np.ones((UNITS, 6), np.float32))])]
        ),
        6,
        ["MatMul", "Relu"],
    ),
}


@pytest.mark.parametrize("way", OTHER)
def test_what_is_not_h_as_it_is_is_named(way: str) -> None:
    """Also what only arranges numbers anew, where it arranges them otherwise than one block reads another."""
    changed, width, kinds = OTHER[way]
    maker = Maker()
    y = node_of(maker, "X", INPUT, directions=2 if "direction" in way else 1)[0]
    node_of(maker, changed(maker, y), width)
    first, second = sources(maker)
    assert first == Source() and second is not None and second.name == "LSTM_0"
    assert [label.split()[0] for label in second.through] == kinds
    names = {f"{node.op_type} {node.name}" for node in maker.nodes}
    assert set(second.through) <= names


@pytest.mark.parametrize("layouts", [(0, 1), (1, 0), (1, 1)])
def test_layouts(layouts: tuple[int, int]) -> None:
    """Y of layout 1 is (batch, time, direction, unit)."""
    maker = Maker()
    y = node_of(maker, "X", INPUT, directions=2, **({"layout": 1} if layouts[0] else {}))[0]
    y = y if layouts[0] else maker.add("Transpose", [y], perm=[0, 2, 1, 3])
    x = maker.add("Reshape", [y, maker.store(np.array([0, 0, -1]))])
    x = x if layouts[0] == layouts[1] else maker.add("Transpose", [x], perm=[1, 0, 2])
    node_of(maker, x, 2 * UNITS, **({"layout": 1} if layouts[1] else {}))
    assert sources(maker) == [Source(), Source("LSTM_0")]


def test_h_with_time_first_is_not_what_a_node_of_layout_1_reads() -> None:
    maker = Maker()
    y = node_of(maker, "X", INPUT)[0]
    node_of(maker, maker.axes("Squeeze", y, [1]), UNITS, layout=1)
    source = sources(maker)[1]
    assert source is not None and [label.split()[0] for label in source.through] == ["Squeeze"]


def test_the_last_states_are_not_h_of_every_step() -> None:
    maker = Maker()
    _, h, c = node_of(maker, "X", INPUT)
    node_of(maker, h, UNITS, kind="GRU")
    node_of(maker, c, UNITS, kind="RNN")
    assert sources(maker) == [
        Source(),
        Source("LSTM_0", ("the last h of LSTM_0",)),
        Source("LSTM_0", ("the last c of LSTM_0",)),
    ]


def test_the_same_function_called_twice_is_two_blocks_that_read_each_other() -> None:
    """Each call has weights of its own; the function's own name for a value is another value in each."""
    maker = Maker()
    body = [
        helper.make_node("LSTM", ["x", "w", "r"], ["y"], name="cell", hidden_size=UNITS),
        helper.make_node("Squeeze", ["y", "axes"], ["z"], name="flat"),
    ]
    axes = helper.make_node("Constant", [], ["axes"], value_ints=[1])
    scope = [helper.make_opsetid("", 18)]
    maker.functions.append(helper.make_function("own", "Layer", ["x", "w", "r"], ["z"], [axes, *body], scope))
    rng, value = np.random.default_rng(0), "X"
    arrays = []
    for width in (INPUT, UNITS):
        shapes = (1, 4 * UNITS, width), (1, 4 * UNITS, UNITS)
        arrays.append([rng.normal(size=shape).astype(np.float32) for shape in shapes])
        name = maker.name()
        stored = [maker.store(array) for array in arrays[-1]]
        maker.nodes.append(helper.make_node("Layer", [value, *stored], [name], domain="own", name=f"call_{name}"))
        value = name
    loaded = load(maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], [value]).SerializeToString())
    assert [block.name for block in loaded.blocks] == ["cell", "cell#2"]
    assert [block.reads for block in loaded.blocks] == [Source(), Source("cell")]
    for block, (w, _) in zip(loaded.blocks, arrays, strict=True):
        np.testing.assert_array_equal(block.layers[0][0]["W_i"], w[0, :UNITS])


@pytest.mark.parametrize("form", ["as it is", "constant", "computed", "eight bits", "through Cast"])
def test_an_embedding_is_what_looks_up_rows_by_what_is_given(form: str) -> None:
    maker = Maker()
    table = np.random.default_rng(0).integers(-64, 65, (7, INPUT)).astype(np.float32) / 64
    ids, name = "X", "table"
    if form == "as it is":
        maker.store(table, "table")
    elif form == "constant":
        maker.nodes.append(helper.make_node("Constant", [], ["table"], value=numpy_helper.from_array(table, "inside")))
    elif form == "computed":
        parts = [maker.store(table[:3]), maker.store(table[3:])]
        name = maker.add("Concat", parts, axis=0)
    elif form == "through Cast":
        maker.store(table, "table")
        ids = maker.add("Cast", ["X"], to=TensorProto.INT64)
    else:
        maker.store((table * 64).astype(np.int8), "table")
    rows = maker.add("Gather", [name, ids])
    if form == "eight bits":
        scale, zero = maker.store(np.float32(1 / 64)), maker.store(np.int8(0))
        rows = maker.add("DequantizeLinear", [rows, scale, zero])
    y = node_of(maker, maker.add("Transpose", [rows], perm=[1, 0, 2]), INPUT)[0]
    bias, weight = maker.store(np.zeros(7, np.float32), "bias"), maker.store(np.ones((7, UNITS), np.float32), "weight")
    scores = maker.add("MatMul", [maker.axes("Squeeze", y, [1]), maker.add("Transpose", [weight])])
    maker.add("Softmax", [maker.add("Add", [scores, bias])])
    model = maker.model([("X", TensorProto.INT32, ["batch", "time"])], [maker.nodes[-1].output[0]])
    loaded = load(model.SerializeToString())
    assert loaded.blocks[0].reads == Source(name)
    assert loaded.roles == {name: "embedding", "weight": "output", "bias": "output"}
    np.testing.assert_array_equal(loaded.others[name], table)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_whether_the_batch_comes_first_is_told_by_both_transposes(before: int, after: int) -> None:
    """One of the ids, one of the rows that they look up."""
    maker = Maker()
    ids = maker.add("Transpose", ["X"], perm=[1, 0]) if before else "X"
    rows = maker.add("Gather", [maker.store(np.ones((7, INPUT), np.float32), "table"), ids])
    node_of(maker, maker.add("Transpose", [rows], perm=[1, 0, 2]) if after else rows, INPUT)
    [block] = load(maker.model([("X", TensorProto.INT64, ["a", "b"])], ["v9"]).SerializeToString()).blocks
    assert block.reads == Source("table") and block.batch_first == (before != after)


@pytest.mark.parametrize(
    ("change", "through"),
    [
        (lambda m: m.add("Add", ["X", m.store(np.int64(1))]), ("Add",)),
        (lambda m: m.add("Where", [m.add("Less", ["X", m.store(np.int64(0))]), m.store(np.int64(6)), "X"]), ()),
        (lambda m: m.add("Mod", ["X", m.store(np.int64(7))]), ("Mod",)),
    ],
)
def test_ids_that_are_changed_before_they_are_looked_up(change: Any, through: tuple[str, ...]) -> None:
    """What happens to negative numbers alone is nothing to those that there are."""
    maker = Maker()
    rows = maker.add("Gather", [maker.store(np.ones((7, INPUT), np.float32), "table"), change(maker)])
    node_of(maker, rows, INPUT)
    [source] = sources(maker, ("time", "batch"), TensorProto.INT64)
    assert source is not None and source.name == "table"
    assert tuple(label.split()[0] for label in source.through) == through


def test_other_matrices_are_what_takes_them() -> None:
    maker = Maker()
    maker.store(np.ones(INPUT, np.float32), "scale")
    maker.store(np.ones((INPUT, INPUT), np.float32), "dense")
    maker.store(np.ones((2, 2), np.float32), "unused")
    x = maker.add("MatMul", [maker.add("Mul", ["X", "scale"]), "dense"])
    y = node_of(maker, x, INPUT)[0]
    hidden, last = (
        maker.store(np.ones((UNITS, 3), np.float32), "hidden"),
        maker.store(np.ones((3, 2), np.float32), "last"),
    )
    maker.add("Gemm", [maker.add("Relu", [maker.add("MatMul", [maker.axes("Squeeze", y, [1]), hidden])]), last])
    loaded = load(
        maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], [maker.nodes[-1].output[0]]).SerializeToString()
    )
    assert loaded.roles == {"scale": "Mul", "dense": "MatMul", "hidden": "MatMul", "last": "Gemm"}  # none reads h alone
    assert set(loaded.others) == {"scale", "dense", "unused", "hidden", "last"}


@pytest.mark.parametrize("way", ["MatMul", "Transpose", "Cast", "Gemm", "Gemm, turned"])
def test_a_square_output_layer_is_turned_to_output_and_input(way: str) -> None:
    """Its shape does not say which of the two is first, so the way it is used must."""
    maker, weight = Maker(), np.random.default_rng(0).normal(size=(UNITS, UNITS)).astype(np.float32)
    h = maker.axes("Squeeze", node_of(maker, "X", INPUT)[0], [1])
    turned = way in ("Transpose", "Gemm, turned")
    name = maker.store(weight if turned else weight.T, "weight")
    if way.startswith("Gemm"):
        h = maker.add("Reshape", [h, maker.store(np.array([-1, UNITS]))])
        maker.add("Gemm", [h, name, maker.store(np.zeros(UNITS, np.float32))], transB=int(turned))
    else:
        given = (
            maker.add(way, [name], **({"to": TensorProto.FLOAT} if way == "Cast" else {})) if way != "MatMul" else name
        )
        maker.add("MatMul", [h, given])
    model = maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], [maker.nodes[-1].output[0]])
    loaded = load(model.SerializeToString())
    assert loaded.roles["weight"] == "output"
    np.testing.assert_array_equal(loaded.others["weight"], weight)


# First states and lengths


def states(maker: Maker, name: str, x: Sequence[Any] = ("time", "batch", INPUT)) -> Any:
    node_of(maker, "X", INPUT, kind="GRU")
    maker.nodes[-1].input.extend(["", "", name])
    return load(maker.model([("X", TensorProto.FLOAT, x)], [maker.nodes[-1].output[0]]).SerializeToString()).blocks[0]


def batch(maker: Maker) -> str:
    return maker.cut(maker.add("Shape", ["X"]), [1], [2], [0])


def shape_of(maker: Maker) -> str:
    return maker.add("Concat", [maker.store(np.array([1])), batch(maker), maker.store(np.array([UNITS]))], axis=0)


ROW = np.arange(UNITS, dtype=np.float32)[None, None] / 8
KNOWN: dict[str, tuple[Callable[[Maker], str], np.ndarray]] = {
    "zeros, expanded": (lambda m: m.add("Expand", [m.store(np.float32(0)), shape_of(m)]), 0 * ROW),
    "zeros of a shape": (lambda m: m.add("ConstantOfShape", [shape_of(m)]), 0 * ROW),
    "zeros, cut": (
        lambda m: m.cut(m.add("Expand", [m.store(np.zeros((2, 1, UNITS), np.float32)), batch(m)]), [0], [1], [0]),
        0 * ROW,
    ),
    "zeros of a shape that nobody knows": (
        lambda m: m.add("ConstantOfShape", [m.add("Shape", [m.add("Celu", ["X"])])]),
        0 * ROW,
    ),
    "ones of a shape": (
        lambda m: m.add("ConstantOfShape", [shape_of(m)], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])),
        0 * ROW + 1,
    ),
    "learned, expanded": (lambda m: m.add("Expand", [m.store(ROW), shape_of(m)]), ROW),
    "learned, repeated": (
        lambda m: m.add(
            "Tile", [m.store(ROW), m.add("Concat", [m.store(np.array([1])), batch(m), m.store(np.array([1]))], axis=0)]
        ),
        ROW,
    ),
    "zeros put together, of a shape that nobody knows": (
        lambda m: m.add("Concat", [m.add("ConstantOfShape", [m.add("Shape", [m.add("Celu", ["X"])])])] * 2, axis=0),
        0 * ROW,
    ),
    "of a fixed batch": (lambda m: m.store(np.repeat(ROW, 3, 1)), ROW),
}


@pytest.mark.parametrize("way", KNOWN)
def test_a_first_state_that_depends_on_the_size_of_the_batch_alone_is_known(way: str) -> None:
    make, expected = KNOWN[way]
    maker = Maker()
    block = states(maker, make(maker))
    assert block.assumed == ()
    found = block.initial.get("h", np.zeros((1, 1, 1, UNITS)))
    np.testing.assert_array_equal(np.broadcast_to(found, (1, 1, 1, UNITS)), expected[None])
    assert block.trace(np.zeros((2, 5, INPUT))).signals["h"].shape == (1, 1, 2, 5, UNITS)


@pytest.mark.parametrize(
    ("make", "source"),
    [
        (lambda m: "X", "the input X"),
        (lambda m: m.add("Celu", [m.store(ROW)]), "Celu"),
        (
            lambda m: m.add("Expand", [m.add("Mul", [m.store(ROW), m.add("ReduceSum", ["X"])]), shape_of(m)]),
            "the input X",
        ),
        (lambda m: m.add("RandomNormalLike", [m.store(ROW)]), "RandomNormalLike"),
        # 1 for two sequences, 1/7 for seven: it is the same for every sequence of a batch, and not for every batch
        (lambda m: m.add("Expand", [m.add("Cast", [batch(m)], to=1), shape_of(m)]), ""),
    ],
)
def test_one_that_the_graph_computes_is_assumed_to_be_zero(make: Any, source: str) -> None:
    maker = Maker()
    block = states(maker, make(maker))
    assert not block.initial
    assert len(block.assumed) == 1 and block.assumed[0].startswith(
        f"initial_h is zero (the graph computes it from {source}"
    )


def test_lengths_that_are_those_of_the_input_say_nothing_and_others_are_assumed() -> None:
    """As converters write them: the size of time, once for each sequence of the batch."""
    for computed, whole in (("time", True), ("batch", False), ("given", False)):
        maker = Maker()
        node_of(maker, "X", INPUT)
        if computed == "given":
            name = "lengths"
        else:
            axis = 0 if computed == "time" else 1
            size = maker.cut(maker.add("Shape", ["X"]), [axis], [axis + 1], [0])
            name = maker.add("Cast", [maker.add("Expand", [size, batch(maker)])], to=TensorProto.INT32)
        node = maker.nodes.pop(0)
        node.input.extend(["", name])
        maker.nodes.append(node)
        inputs = [("X", TensorProto.FLOAT, ["t", "b", INPUT]), ("lengths", TensorProto.INT32, ["b"])]
        [block] = load(maker.model(inputs, [node.output[0]]).SerializeToString()).blocks
        said = [
            line.startswith("every sequence is read whole (the graph computes sequence_lens") for line in block.assumed
        ]
        assert said == ([] if whole else [True]), computed


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_a_quantised_lstm_is_read_as_what_its_weights_stand_for(kind: Any, by_row: bool) -> None:
    """(number - zero) * scale, a scale and a zero for each direction, or for each row; the matrices lie on their side.
    onnxruntime, docs/ContribOperators.md, DynamicQuantizeLSTM."""
    maker, rng = Maker(), np.random.default_rng(0)
    low = np.iinfo(kind).min
    shape = (2, 4 * UNITS) if by_row else (2,)
    inputs, expected = ["X"], {}
    arrays = {}
    for key, width in (("W", INPUT), ("R", UNITS)):
        small = rng.integers(low, low + 256, (2, width, 4 * UNITS)).astype(kind)
        scale, zero = (
            rng.uniform(0.01, 0.02, shape).astype(np.float32),
            rng.integers(low, low + 256, shape).astype(kind),
        )
        arrays[key] = small, scale, zero
        spread = (small.astype(float) - zero.reshape(2, 1, -1)) * scale.reshape(2, 1, -1)
        expected[key] = spread.transpose(0, 2, 1)
    bias = rng.normal(size=(2, 8 * UNITS)).astype(np.float32)
    inputs += [maker.store(arrays["W"][0]), maker.store(arrays["R"][0]), maker.store(bias), "", "", "", ""]
    inputs += [maker.store(part) for key in "WR" for part in arrays[key][1:]]
    node = helper.make_node(
        "DynamicQuantizeLSTM", inputs, ["Y"], name="cell", domain="com.microsoft", hidden_size=UNITS
    )
    node.attribute.append(helper.make_attribute("direction", "bidirectional"))
    maker.nodes.append(node)
    [block] = load(maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString()).blocks
    assert block.cell.name == "lstm" and len(block.directions) == 2
    assert block.assumed == ("x and h are not rounded to eight bits at each step, as ONNX Runtime does here",)
    for d in range(2):
        for k, letter in enumerate("iofg"):
            rows = slice(k * UNITS, (k + 1) * UNITS)
            np.testing.assert_allclose(block.layers[0][d][f"W_{letter}"], expected["W"][d, rows], rtol=1e-6)
            np.testing.assert_allclose(block.layers[0][d][f"U_{letter}"], expected["R"][d, rows], rtol=1e-6)
            both = bias[d].reshape(2, 4, UNITS)[:, k].sum(0)
            np.testing.assert_allclose(block.layers[0][d][f"b_{letter}"], both, rtol=1e-6)


@pytest.mark.parametrize(
    ("position", "array", "reason"),
    [
        (8, None, "W of the DynamicQuantizeLSTM node cell is not a quantised matrix with a scale"),
        (8, np.ones(3, np.float32), r"the scale of W of .* is \(3,\); \(1, 16\) would fit"),
        (1, np.ones((1, INPUT, 4 * UNITS), np.float32), "W of the .* is not a quantised matrix with a scale"),
        (1, np.ones((1, 4 * UNITS, INPUT), np.int8), r"the scale of W of|W of .* would fit"),
    ],
)
def test_a_quantised_lstm_that_does_not_fit_says_so(position: int, array: Any, reason: str) -> None:
    maker = Maker()
    matrices = [np.ones((1, width, 4 * UNITS), np.int8) for width in (INPUT, UNITS)]
    scales = [np.ones((1, 4 * UNITS), np.float32), np.zeros((1, 4 * UNITS), np.int8)]
    given = [None, *matrices, None, None, None, None, None, *scales, *scales]
    given[position] = array
    inputs = ["X", *("" if part is None else maker.store(part) for part in given[1:])]
    node = helper.make_node(
        "DynamicQuantizeLSTM", inputs, ["Y"], name="cell", domain="com.microsoft", hidden_size=UNITS
    )
    maker.nodes.append(node)
    with pytest.raises(ValueError, match=reason):
        load(maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString())


# Weights in other files


def outside(data: bytes, *, name: str = "w.bin", **entries: Any) -> tuple[bytes, np.ndarray]:
    """A model whose W lies in a file; what ``entries`` say of it."""
    maker, arrays = Maker(), weights(0)
    names = [maker.store(arrays[key], key) for key in "WRB"]
    tensor = maker.tensors[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": name, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    maker.nodes.append(helper.make_node("LSTM", ["X", *names], ["Y"], name="cell", hidden_size=UNITS))
    return maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString(), arrays["W"]


def test_the_place_in_the_other_file_is_kept_to() -> None:
    array = weights(0)["W"].tobytes()
    data = b"junk" + array + b"more"
    for entries in ({"offset": 4, "length": len(array)}, {"offset": 4}):
        model, expected = outside(data, checksum=hashlib.sha1(data).hexdigest(), **entries)
        found = params(load(model, beside={"w.bin": data}))
        np.testing.assert_array_equal(found["W_i"], expected[0, :UNITS])


@pytest.mark.parametrize(
    ("entries", "given", "reason"),
    [
        ({}, {}, "W lies in the file 'w.bin', which is not there: give both files together"),
        (
            {"offset": 4},
            {"w.bin": 128},
            "W takes 128 bytes, and the model says that it is 128 bytes from byte 4 on in a file of 128",
        ),
        ({"offset": -4}, {"w.bin": 256}, "from byte -4 on"),
        ({"length": 64}, {"w.bin": 256}, "W takes 128 bytes, and the model says that it is 64 bytes from byte 0 on"),
        ({"length": "many"}, {"w.bin": 128}, "W cannot be read: invalid literal"),
        ({"checksum": "0" * 40}, {"w.bin": 128}, "the file 'w.bin' is not the one that the model was saved with"),
        ({"location": "../w.bin"}, {"../w.bin": 128}, "leads out of the folder"),
        ({"location": "/etc/passwd"}, {}, "leads out of the folder"),
        ({"location": "C:\\w.bin"}, {}, "leads out of the folder"),
        ({"location": "..\\w.bin"}, {}, "leads out of the folder"),
        ({"location": "a\0b"}, {}, "which is not there"),
        ({"location": "a" * 5000}, {}, "which is not there"),
        ({"location": ""}, {}, "leads out of the folder|which is not there"),
    ],
)
def test_what_is_said_of_the_other_file_is_not_believed(
    entries: Any, given: dict[str, int], reason: str, tmp_path: Any
) -> None:
    model, _ = outside(b"", **entries)
    (tmp_path / "model.onnx").write_bytes(model)
    for beside, source in ((given, model), ({}, tmp_path / "model.onnx")):
        for name, count in given.items():
            if source is not model and ".." not in name:
                (tmp_path / name).write_bytes(bytes(count))
        with pytest.raises(ValueError, match=reason):
            load(source, beside={name: bytes(count) for name, count in beside.items()})


def test_several_other_files_count_together(tmp_path: Any) -> None:
    maker, arrays = Maker(), weights(0)
    names = [maker.store(arrays[key], key) for key in "WR"]
    for tensor in maker.tensors:
        (tmp_path / tensor.name).write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=tensor.name)
    maker.nodes.append(helper.make_node("LSTM", ["X", *names], ["Y"], name="cell", hidden_size=UNITS))
    data = maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(data)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert load(tmp_path / "model.onnx", max_bytes=size + 200).blocks
    with pytest.raises(ValueError, match="more than the [0-9,]+ that are allowed"):
        load(tmp_path / "model.onnx", max_bytes=size - 1)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Any) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(128))
    (tmp_path / "inside" / "w.bin").symlink_to(tmp_path / "secret.bin")
    model, _ = outside(b"")
    (tmp_path / "inside" / "model.onnx").write_bytes(model)
    with pytest.raises(ValueError, match="leads out of the folder"):
        load(tmp_path / "inside" / "model.onnx")


def test_an_operator_opens_no_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnx's own operators would read a tensor among their attributes from where it says."""
    (tmp_path / "secret").write_bytes(np.ones(1, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    maker = Maker()
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    value.ClearField("float_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="secret")
    shape = maker.store(np.array([1, 4 * UNITS, INPUT]))
    w = maker.add("ConstantOfShape", [shape], value=value)
    r = maker.store(np.ones((1, 4 * UNITS, UNITS), np.float32))
    maker.nodes.append(helper.make_node("LSTM", ["X", w, r], ["Y"], hidden_size=UNITS))
    model = maker.model([("X", TensorProto.FLOAT, [None, None, INPUT])], ["Y"]).SerializeToString()
    with pytest.raises(ValueError, match="its attribute value is not supported"):
        load(model)
