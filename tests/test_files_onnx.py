"""ONNX nodes: against onnx's own reference evaluator, and against the specification's equations where it has gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from lstm_core import load  # noqa: E402
from lstm_core.equations import latex  # noqa: E402

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, BATCH, INPUT, HIDDEN = 5, 3, 2, 4


def node_and_weights(
    kind: str,
    *,
    directions: int = 1,
    bias: bool = True,
    state: bool = False,
    peepholes: bool = False,
    lengths: list[int] | None = None,
    layout: int = 0,
    seed: int = 0,
    **attributes: Any,
) -> tuple[Any, dict[str, np.ndarray]]:
    """A node and its constant inputs by name, in double precision."""
    rng, k = np.random.default_rng(seed), GATES[kind]
    arrays = {
        "W": rng.normal(size=(directions, k * HIDDEN, INPUT)),
        "R": rng.normal(size=(directions, k * HIDDEN, HIDDEN)),
    }
    if bias:
        arrays["B"] = rng.normal(size=(directions, 2 * k * HIDDEN))
    if lengths is not None:
        arrays["sequence_lens"] = np.array(lengths, np.int32)
    shape = (BATCH, directions, HIDDEN) if layout else (directions, BATCH, HIDDEN)
    if state:
        arrays["initial_h"] = np.tanh(rng.normal(size=shape))
        if kind == "LSTM":
            arrays["initial_c"] = rng.normal(size=shape)
    if peepholes:
        arrays["P"] = rng.normal(size=(directions, 3 * HIDDEN))
    order = ("W", "R", "B", "sequence_lens", "initial_h", *(("initial_c", "P") if kind == "LSTM" else ()))
    inputs = ["X", *(name if name in arrays else "" for name in order)]
    while not inputs[-1]:
        inputs.pop()
    if layout:
        attributes["layout"] = layout
    if directions == 2:
        attributes["direction"] = "bidirectional"
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    return helper.make_node(kind, inputs, outputs, name="net", hidden_size=HIDDEN, **attributes), arrays


def model_of(node: Any, arrays: dict[str, np.ndarray], constants: bool = False) -> Any:
    """A model of the one node; its weights are initialisers or nodes."""
    nodes, tensors = [node], [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    if constants:
        nodes = [helper.make_node("Constant", [], [t.name], value=t) for t in tensors] + nodes
        tensors = []
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, None, INPUT])],
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in node.output],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])


def outputs(model: Any, x: np.ndarray) -> list[np.ndarray]:
    return ReferenceEvaluator(model).run(None, {"X": x})


def inputs(layout: int = 0) -> np.ndarray:
    x = np.random.default_rng(9).normal(size=(STEPS, BATCH, INPUT))
    return x.swapaxes(0, 1) if layout else x


@settings(max_examples=40)
@given(
    kind=st.sampled_from(sorted(GATES)),
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]),
    bias=st.booleans(),
    state=st.booleans(),
    peepholes=st.booleans(),
    layout=st.sampled_from([0, 1]),
    linear=st.sampled_from([0, 1]),
    constants=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_equals_the_reference_evaluator(
    kind: str,
    direction: str,
    bias: bool,
    state: bool,
    peepholes: bool,
    layout: int,
    linear: int,
    constants: bool,
    seed: int,
) -> None:
    """Y, Y_h and Y_c over every attribute that the evaluator has."""
    attributes: dict[str, Any] = {"direction": direction} if direction != "bidirectional" else {}
    if kind == "GRU":
        attributes["linear_before_reset"] = linear
    node, arrays = node_and_weights(
        kind,
        directions=2 if direction == "bidirectional" else 1,
        bias=bias,
        state=state,
        peepholes=peepholes and kind == "LSTM",
        layout=layout,
        seed=seed,
        **attributes,
    )
    model, x = model_of(node, arrays, constants), inputs(layout)
    y, y_h, *y_c = outputs(model, x)
    [block] = load(model.SerializeToString()).blocks
    assert (block.name, block.input_size, block.hidden_size, block.num_layers) == ("net", INPUT, HIDDEN, 1)
    assert block.directions == {"bidirectional": ("forward", "reverse")}.get(direction, (direction,))
    trace = block.trace(x)
    h = trace.signals["h"][0].transpose(1, 0, 2, 3)  # ONNX: (time, direction, batch, unit)
    np.testing.assert_allclose(h.transpose(2, 0, 1, 3) if layout else h, y, rtol=0, atol=1e-12)
    ends = [STEPS - 1 if name == "forward" else 0 for name in block.directions]
    for name, last in (("h", y_h), ("c", y_c[0] if y_c else None)):
        if last is not None:
            found = np.stack([trace.signals[name][0, d, end] for d, end in enumerate(ends)])
            np.testing.assert_allclose(found, last.swapaxes(0, 1) if layout else last, rtol=0, atol=1e-12)


def test_rnn_activations_that_the_evaluator_has() -> None:
    node, arrays = node_and_weights("RNN", activations=["Affine"], activation_alpha=[0.7], activation_beta=[0.1])
    model = model_of(node, arrays)
    found = load(model.SerializeToString()).blocks[0].trace(inputs()).signals["h"][0].transpose(1, 0, 2, 3)
    np.testing.assert_allclose(found, outputs(model, inputs())[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["Affine", "ScaledTanh", "ThresholdedRelu", "LeakyRelu", "HardSigmoid", "Elu"])
def test_where_runtimes_differ_in_a_default_it_is_said(name: str) -> None:
    """ONNX Runtime 1.32 gives zeros for Affine and ScaledTanh without alpha, and what is above zero, not above one, for
    ThresholdedRelu."""
    node, arrays = node_and_weights("RNN", activations=[name])
    [block] = load(model_of(node, arrays).SerializeToString()).blocks
    said = f"alpha of {name} is 1, as ONNX has it by default; ONNX Runtime takes 0"
    assert block.assumed == ((said,) if name in ("Affine", "ScaledTanh", "ThresholdedRelu") else ())
    node, arrays = node_and_weights("RNN", activations=[name], activation_alpha=[0.5])
    assert load(model_of(node, arrays).SerializeToString()).blocks[0].assumed == ()


# The evaluator leaves out clip, input_forget, other activations and sequence_lens: the specification's equations.


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -x))  # 1 / (1 + exp(-x)), and does not overflow


FUNCTIONS: dict[str, Any] = {
    "Relu": lambda x, a, b: np.where(x > 0, x, 0),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Sigmoid": lambda x, a, b: sigmoid(x),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "ThresholdedRelu": lambda x, a, b: np.where(x > a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x >= 0, x, a * (np.exp(np.minimum(x, 0)) - 1)),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.logaddexp(0, x),
}
TAKES = {"Affine": 2, "LeakyRelu": 1, "ThresholdedRelu": 1, "ScaledTanh": 2, "HardSigmoid": 2, "Elu": 1}


def by_the_specification(
    kind: str, arrays: dict[str, np.ndarray], x: np.ndarray, functions: list[Any], limit: float, **options: Any
) -> np.ndarray:
    """Y (time, batch, unit) of one forward direction, from the operators' text; lengths one sequence at a time."""
    w, r, b = arrays["W"][0], arrays["R"][0], arrays["B"][0]
    wb, rb = np.split(b, 2)
    bound = lambda v: np.clip(v, -limit, limit)  # noqa: E731
    y = np.full((*x.shape[:2], HIDDEN), np.nan)
    lengths = arrays.get("sequence_lens", np.full(x.shape[1], len(x)))
    for n in range(x.shape[1]):
        h, c = np.zeros(HIDDEN), np.zeros(HIDDEN)
        for t in range(int(lengths[n])):
            if kind == "LSTM":
                p_i, p_o, p_f = np.split(arrays["P"][0], 3) if "P" in arrays else np.zeros((3, HIDDEN))
                i, o, f, g = np.split(w @ x[t, n] + r @ h + wb + rb, 4)
                i = functions[0](bound(i + p_i * c))
                f = 1 - i if options.get("input_forget") else functions[0](bound(f + p_f * c))
                c = f * c + i * functions[1](bound(g))
                h = functions[0](bound(o + p_o * c)) * functions[2](c)
            elif kind == "GRU":
                wz, wr, wh = np.split(w @ x[t, n] + wb, 3)
                rz, rr, _ = np.split(r @ h + rb, 3)
                z, reset = functions[0](bound(wz + rz)), functions[0](bound(wr + rr))
                r_h, rb_h = np.split(r, 3)[2], np.split(rb, 3)[2]
                linear = options.get("linear_before_reset")
                past = reset * (r_h @ h + rb_h) if linear else r_h @ (reset * h) + rb_h
                h = (1 - z) * functions[1](bound(wh + past)) + z * h
            else:
                h = functions[0](bound(w @ x[t, n] + r @ h + wb + rb))
            y[t, n] = h
    return y


@settings(max_examples=40)
@given(
    kind=st.sampled_from(sorted(GATES)),
    names=st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=3, max_size=3),
    usual=st.booleans(),
    parameters=st.booleans(),
    clip=st.sampled_from([None, 0.3, 2.0]),
    coupled=st.booleans(),
    peepholes=st.booleans(),
    linear=st.sampled_from([0, 1]),
    lengths=st.none() | st.permutations([5, 2, 3]),
)
def test_equals_the_specification(
    kind: str,
    names: list[str],
    usual: bool,
    parameters: bool,
    clip: float | None,
    coupled: bool,
    peepholes: bool,
    linear: int,
    lengths: list[int] | None,
) -> None:
    """Any activation in any place, alpha and beta in order where needed, clip, coupled gates, lengths."""
    attributes: dict[str, Any] = {}
    names = names[: {"LSTM": 3, "GRU": 2, "RNN": 1}[kind]]
    defaults = {"LeakyRelu": (0.01, 0), "HardSigmoid": (0.2, 0.5)}
    pairs = [defaults.get(name, (1.0, {"ScaledTanh": 1.0}.get(name, 0.0))) for name in names]
    if parameters:
        pairs = [(0.25 + 0.1 * k, 0.15 + 0.1 * k) for k in range(len(names))]
        attributes["activation_alpha"] = [
            a for (a, _), name in zip(pairs, names, strict=True) if TAKES.get(name, 0) >= 1
        ]
        attributes["activation_beta"] = [
            b for (_, b), name in zip(pairs, names, strict=True) if TAKES.get(name, 0) >= 2
        ]
        attributes = {key: value for key, value in attributes.items() if value}
        pairs = [tuple(np.float32(v).item() for v in pair) for pair in pairs]  # attributes are single precision
    if usual:
        names = [["Sigmoid", "Tanh", "Tanh"], ["Sigmoid", "Tanh"], ["Tanh"]][
            sorted(GATES, key=GATES.get)[::-1].index(kind)
        ]
        attributes = {}
    else:
        attributes["activations"] = names
    if clip:
        attributes["clip"] = clip
    if kind == "LSTM" and coupled:
        attributes["input_forget"] = 1
    if kind == "GRU":
        attributes["linear_before_reset"] = linear
    node, arrays = node_and_weights(kind, peepholes=peepholes and kind == "LSTM", lengths=lengths, **attributes)
    arrays = {key: value if value.dtype.kind == "i" else value * 0.4 for key, value in arrays.items()}
    functions = [lambda v, f=FUNCTIONS[n], p=p: f(v, *p) for n, p in zip(names, pairs, strict=True)]
    bound = np.inf if clip is None else np.float32(clip).item()
    expected = by_the_specification(kind, arrays, inputs(), functions, bound, **attributes)
    [block] = load(model_of(node, arrays).SerializeToString()).blocks
    trace = block.trace(inputs())
    np.testing.assert_allclose(trace.signals["h"][0, 0], expected, rtol=1e-9, atol=1e-9)
    assert trace.lengths == (None if lengths is None else tuple(lengths))
    for signal in trace.cell.signals:
        values = trace.signals[signal.name]
        assert np.nanmin(values) >= signal.low - 1e-9 and np.nanmax(values) <= signal.high + 1e-9, signal
    assert len(latex(trace.cell)) == len(trace.cell.signals)


def test_lengths_given_by_the_caller_are_those_of_the_constant() -> None:
    """Both directions: the backward one begins at each sequence's own end."""
    node, arrays = node_and_weights("LSTM", directions=2, lengths=[5, 2, 3])
    without, _ = node_and_weights("LSTM", directions=2)
    weights = {key: value for key, value in arrays.items() if key != "sequence_lens"}
    [first] = load(model_of(node, arrays).SerializeToString()).blocks
    [second] = load(model_of(without, weights).SerializeToString()).blocks
    a, b = first.trace(inputs()), second.trace(inputs(), lengths=[5, 2, 3])
    alone = second.trace(inputs()[:2, 1])
    for name, value in a.signals.items():
        np.testing.assert_array_equal(value, b.signals[name])
        np.testing.assert_allclose(value[:, :, :2, 1], alone.signals[name][:, :, :, 0], rtol=0, atol=1e-12)
        assert np.isnan(value[:, :, 2:, 1]).all()


@pytest.mark.parametrize("layout", [0, 1])
def test_a_state_may_be_given_in_the_files_layout(layout: int) -> None:
    node, arrays = node_and_weights("LSTM", directions=2, state=True, layout=layout)
    plain, _ = node_and_weights("LSTM", directions=2, layout=layout)
    weights = {key: value for key, value in arrays.items() if not key.startswith("initial")}
    [stored] = load(model_of(node, arrays).SerializeToString()).blocks
    [given] = load(model_of(plain, weights).SerializeToString()).blocks
    state = arrays["initial_h"], arrays["initial_c"]
    np.testing.assert_array_equal(
        stored.trace(inputs(layout)).signals["c"], given.trace(inputs(layout), state).signals["c"]
    )
    with pytest.raises(ValueError, match="the state h of net"):
        given.trace(inputs(layout), (np.zeros((3, 3, 3)),))


def test_nodes_in_graphs_inside_graphs_are_found() -> None:
    """A Loop's or an If's body, with weights of the graph round it; two nodes of one name get two."""
    node, arrays = node_and_weights("GRU")
    inner = helper.make_graph([node], "body", [], [helper.make_tensor_value_info("Y", TensorProto.DOUBLE, None)])
    choice = helper.make_node("If", ["go"], ["out"], then_branch=inner, else_branch=inner)
    graph = helper.make_graph(
        [choice], "test", [], [], [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    )
    found = load(helper.make_model(graph).SerializeToString())
    assert [block.name for block in found.blocks] == ["net", "net#2"] and found.format == "ONNX"
    assert found["net#2"].cell.name == "gru_cho"
    with pytest.raises(KeyError, match="there are 'net', 'net#2'"):
        found["other"]


def test_directions_that_are_different_cells_are_two_blocks() -> None:
    """Each is what a node of that direction alone is."""
    names = ["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Relu", "Tanh"]
    node, arrays = node_and_weights("LSTM", directions=2, state=True, activations=names)
    forward, backward = load(model_of(node, arrays).SerializeToString()).blocks
    assert (forward.name, forward.cell.name, forward.directions) == ("net/forward", "lstm", ("forward",))
    assert (backward.name, backward.directions) == ("net/backward", ("reverse",))
    for d, block in enumerate((forward, backward)):
        alone, _ = node_and_weights(
            "LSTM", state=True, activations=names[3 * d : 3 * d + 3], direction=block.directions[0]
        )
        model = model_of(alone, {key: value[d : d + 1] for key, value in arrays.items()})
        [expected] = load(model.SerializeToString()).blocks
        for name, value in expected.trace(inputs()).signals.items():
            np.testing.assert_array_equal(block.trace(inputs()).signals[name], value)


def broken(kind: str = "LSTM", **change: Any) -> bytes:
    node, arrays = node_and_weights(kind, **change.pop("node", {}))
    arrays |= change
    return model_of(node, {k: v for k, v in arrays.items() if v is not None}).SerializeToString()


def external() -> bytes:
    model = model_of(*node_and_weights("LSTM"))
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.ClearField("raw_data")
    return model.SerializeToString()


def claims() -> bytes:
    model = model_of(*node_and_weights("LSTM"))
    model.graph.initializer[0].dims[1] = 10_000_000_000
    return model.SerializeToString()


def attribute(**extra: Any) -> bytes:
    node, arrays = node_and_weights("LSTM")
    node.attribute.extend(helper.make_attribute(key, value) for key, value in extra.items())
    return model_of(node, arrays).SerializeToString()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: attribute(zoneout=0.1), "the LSTM node net has the attribute zoneout, which is not supported"),
        (lambda: broken(node={"activations": ["Tanh"]}), "has 1 activations; 3 are needed"),
        (lambda: broken(node={"activations": ["Swash", "Tanh", "Tanh"]}), "activation 'Swash' is not supported"),
        (lambda: broken(node={"direction": "sideways"}), "has the direction 'sideways'"),
        (lambda: broken(node={"layout": 3}), "has the layout 3"),
        (lambda: broken(node={"clip": -1.0}), "has the clip -1.0"),
        (lambda: broken(W=None), "W of the LSTM node net is computed by the graph"),
        (lambda: broken(W=np.zeros((1, 15, 2))), r"W of .* is \(1, 15, 2\); \(1, 16, 2\) would fit"),
        (lambda: broken(R=np.zeros((16, 4))), "R of .* has 2 axes, not 3"),
        (lambda: broken(R=np.zeros((1, 20, 5))), "says hidden_size 4; its R is for 5"),
        (lambda: broken(node={"state": True}, initial_c=np.zeros((1, BATCH, 7))), "its h, from 7 numbers to 4"),
        (lambda: broken(R=np.zeros((1, 16, 3))), "projects its h, from 4 numbers to 3, .* give the PyTorch model"),
        (lambda: broken(B=np.zeros((1, 16))), r"B of .* is \(1, 16\)"),
        (lambda: broken(W=np.full((1, 16, 2), np.nan)), "W of .* holds 32 values that are NaN or infinite"),
        (lambda: broken(W=np.zeros((1, 16, 2), np.int8)), "W of .* holds int8, not floating-point weights"),
        (external, "W of the LSTM node net: the name '../../etc/passwd' of another file leads out of the folder"),
        (claims, r"W of the LSTM node net: W claims the shape \(1, 10000000000, 2\)"),
        (lambda: broken()[:-200], "damaged or cut short"),
        (
            lambda: helper.make_model(helper.make_graph([], "empty", [], [])).SerializeToString(),
            "holds no LSTM, GRU or RNN",
        ),
    ],
)
def test_what_cannot_be_read_says_why(data: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(data())


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ValueError, match=r"which is not installed: pip install onnx"):
        load(b"\x08\x0a")
