"""ONNX graphs: what is computed from constants, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx_graphs import INPUT, UNITS, Maker, params, weights  # noqa: E402

from lstm_core import load  # noqa: E402

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
