"""ONNX graphs: first states, lengths, and LSTMs of whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402
from onnx_graphs import INPUT, UNITS, Maker, node_of  # noqa: E402

from lstm_core import load  # noqa: E402


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


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_of_another_width_is_of_another_node(value: float) -> None:
    """So torch.onnx.export(dynamo=True) of torch 2.13 writes an LSTM with a projection, whose weights it cuts."""
    maker = Maker()
    with pytest.raises(ValueError, match=rf"initial_h of the GRU node .* is \(1, 1, {UNITS + 2}\)"):
        states(maker, maker.store(np.full((1, 1, UNITS + 2), value, np.float32)))


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
