"""ONNX graphs: what a block reads, and the matrices beside the blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx_graphs import INPUT, UNITS, Maker, node_of, sources  # noqa: E402

from lstm_core import load  # noqa: E402
from lstm_core.block import Source  # noqa: E402

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
