"""ONNX files that are damaged, that lie, or that ask for more than there is: an answer in words, and in time."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx_graphs import Maker  # noqa: E402

from lstm_core import load  # noqa: E402
from lstm_core.files.formats.onnx import fold, graph, values  # noqa: E402
from lstm_core.files.load import Loaded  # noqa: E402

FOLDER = Path(__file__).parent / "files" / "onnx"
FILES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.onnx")) if path.stat().st_size < 25_000}
SECONDS, UNITS, INPUT = 15.0, 4, 2


@contextmanager
def in_time(seconds: float = SECONDS) -> Iterator[None]:
    begun = time.process_time()
    yield
    assert time.process_time() - begun < seconds


def read(data: bytes) -> Loaded | None:
    """The file if it is read; it is refused with a ValueError, and with nothing else."""
    with in_time():
        try:
            loaded = load(data, max_bytes=1 << 26)
        except ValueError as error:
            assert 0 < len(str(error)) < 2000
            return None
    for block in loaded.blocks:
        if block.input_size * block.hidden_size < 10_000:
            try:
                block.trace(np.zeros((3, 2, block.input_size)))
            except ValueError as error:
                assert str(error)
    return loaded


def damaged(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at, size = rng.randrange(len(changed) + 1), rng.choice((1, 1, 2, 8, 100))
        match rng.randrange(5):
            case 0:
                changed[at : at + size] = rng.randbytes(size)
            case 1:
                del changed[at : at + size]
            case 2:
                changed[at:at] = changed[at : at + size] or b"\x0a"
            case 3:
                changed[at : at + size] = rng.choice((b"\x00", b"\xff", b"\x7f", b"\x80")) * size
            case 4:
                if rng.random() < 0.3:
                    del changed[at:]
    return bytes(changed)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32))
def test_damaged_bytes(name: str, seed: int) -> None:
    read(damaged(FILES[name], random.Random(seed)))


NUMBERS = (0, 1, -1, 2, 3, 5, 7, 255, 2**31 - 1, 2**31, 2**62, -(2**63))


def lied(model: Any, rng: random.Random) -> None:
    """One change to what the model says: another name, shape, kind, operator, attribute, version, order."""
    graphs = [model.graph, *(a.g for node in model.graph.node for a in node.attribute if a.HasField("g"))]
    graph = rng.choice(graphs)
    if not graph.node:
        return
    node, names = rng.choice(graph.node), [out for other in graph.node for out in other.output] or [""]
    names += [tensor.name for tensor in graph.initializer] + [given.name for given in graph.input] + [""]
    match rng.randrange(12):
        case 0:
            if node.input:
                node.input[rng.randrange(len(node.input))] = rng.choice(names)
        case 1:
            if node.output:
                node.output[rng.randrange(len(node.output))] = rng.choice(names)
        case 2:
            node.op_type = rng.choice(
                [other.op_type for other in graph.node] + ["LSTM", "GRU", "If", "Loop", "Gather", "Expand"]
            )
        case 3:
            if graph.initializer:
                tensor = rng.choice(graph.initializer)
                if tensor.dims:
                    tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)
                else:
                    tensor.dims.extend([rng.choice(NUMBERS)])
        case 4:
            if graph.initializer:
                rng.choice(graph.initializer).data_type = rng.choice(list(range(-1, 30)))
        case 5:
            if node.attribute:
                attribute = rng.choice(node.attribute)
                attribute.i = rng.choice(NUMBERS)
                attribute.ints[:] = [rng.choice(NUMBERS) for _ in range(rng.randrange(5))]
                attribute.type = rng.choice([attribute.type, 1, 2, 3, 4, 5, 7, 8, 10, 11])
        case 6:
            node.attribute.add(
                name=rng.choice(["axis", "perm", "layout", "hidden_size", "value", "then_branch"]), i=3, type=2
            )
        case 7:
            del graph.node[rng.randrange(len(graph.node))]
        case 8:
            graph.node.add().CopyFrom(node)
        case 9:
            model.opset_import[0].version = rng.choice((1, 5, 9, 12, 17, 99, 2**40))
        case 10:
            if graph.initializer:
                tensor = rng.choice(graph.initializer)
                array = rng.choice([np.array(rng.choice(NUMBERS)), np.full(3, rng.choice(NUMBERS)), np.float32(np.nan)])
                tensor.CopyFrom(numpy_helper.from_array(np.asarray(array), tensor.name))
        case 11:
            if graph.input and graph.input[0].type.tensor_type.shape.dim:
                dim = rng.choice(graph.input[0].type.tensor_type.shape.dim)
                dim.dim_value = rng.choice(NUMBERS)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(FILES)), seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_models_that_lie(name: str, seed: int, times: int) -> None:
    rng, model = random.Random(seed), onnx.load_from_string(FILES[name])
    for _ in range(times):
        lied(model, rng)
    read(model.SerializeToString())


# What would take for ever, or all memory


def tensor(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def cell(maker: Maker, w: str, x: str = "X") -> Any:
    maker.nodes.append(
        helper.make_node("LSTM", [x, w, maker.store(tensor(1, 16, UNITS))], ["Y"], name="net", hidden_size=UNITS)
    )
    return maker.model([("X", TensorProto.FLOAT, ["time", "batch", INPUT])], ["Y"])


def chain(op: str, times: int, *others: np.ndarray) -> Callable[[], Any]:
    def make() -> Any:
        maker = Maker()
        value, given = maker.store(tensor(1, 16, INPUT)), [maker.store(other) for other in others]
        for _ in range(times):
            value = maker.add(op, [value, *given])
        return cell(maker, value)

    return make


def computed(op: str, *arrays: np.ndarray, **attributes: Any) -> Callable[[], Any]:
    def make() -> Any:
        maker = Maker()
        return cell(maker, maker.add(op, [maker.store(array) for array in arrays], **attributes))

    return make


def doubling() -> Any:
    maker = Maker()
    value = maker.store(tensor(1, 16, INPUT))
    for _ in range(60):
        value = maker.add("Concat", [value, value], axis=2)
    return cell(maker, value)


def calls(depth: int, times: int, *, itself: bool = False) -> Callable[[], Any]:
    """Functions that each call the next one ``times``."""

    def make() -> Any:
        maker, scope = Maker(), [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
        for k in range(depth):
            op, domain = (f"f{0 if itself else k + 1}", "own") if k < depth - 1 or itself else ("Identity", "")
            names = ["a", *(f"v{n}" for n in range(times - 1)), "b"]
            body = [helper.make_node(op, names[n : n + 1], names[n + 1 : n + 2], domain=domain) for n in range(times)]
            maker.functions.append(helper.make_function("own", f"f{k}", ["a"], ["b"], body, scope))
        w = maker.name()
        maker.nodes.append(helper.make_node("f0", [maker.store(tensor(1, 16, INPUT))], [w], domain="own"))
        return cell(maker, w)

    return make


def nested(op: str, depth: int) -> Callable[[], Any]:
    def make() -> Any:
        result = helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)
        begin = [
            helper.make_tensor_value_info(n, t, []) for n, t in (("i", TensorProto.INT64), ("c", TensorProto.BOOL))
        ]
        begin, end = (begin, [begin[1], result]) if op == "Loop" else ([], [result])
        graph = helper.make_graph(
            [helper.make_node("LSTM", ["X", "W", "R"], ["Y"], hidden_size=UNITS)], "g", begin, end
        )
        for _ in range(depth):
            inner = {"body": graph} if op == "Loop" else {"then_branch": graph, "else_branch": graph}
            inputs = ["", "go"] if op == "Loop" else ["go"]
            if op == "If":
                inner["else_branch"] = helper.make_graph([], "e", [], [])
            graph = helper.make_graph([helper.make_node(op, inputs, ["Y"], **inner)], "g", begin, end)
        graph.initializer.extend(
            numpy_helper.from_array(tensor(1, 16, size), name) for name, size in (("W", INPUT), ("R", UNITS))
        )
        return helper.make_model(graph)

    return make


def circle(x: bool) -> Callable[[], Any]:
    def make() -> Any:
        maker = Maker()
        if x:
            maker.nodes.append(helper.make_node("Squeeze", ["Y"], ["X2"]))
            return cell(maker, maker.store(tensor(1, 16, INPUT)), "X2")
        maker.nodes.append(helper.make_node("Add", ["b", "b"], ["a"]))
        maker.nodes.append(helper.make_node("Identity", ["a"], ["b"]))
        return cell(maker, "a")

    return make


def steps(times: int) -> Any:
    """Tanh of a sum of two products, again and again, of which nothing comes."""
    maker = Maker()
    weight, value = maker.store(tensor(INPUT, INPUT)), "X"
    for _ in range(times):
        products = [maker.add("MatMul", [value, weight]), maker.add("MatMul", ["X", weight])]
        value = maker.add("Tanh", [maker.add("Add", products)])
    return maker.model([("X", TensorProto.FLOAT, ["time", "batch", INPUT])], [value])


def everything_reads_everything() -> Any:
    maker = Maker()
    value, one = maker.store(tensor(INPUT, INPUT)), maker.store(np.float32(1))
    for _ in range(2000):
        value = maker.add("Add", [value, one])
    for _ in range(2000):
        maker.add("MatMul", ["X", value])
    return cell(maker, maker.store(tensor(1, 16, INPUT)))


def many_read_from_afar() -> Any:
    maker, value = Maker(), "X"
    for _ in range(5000):
        value = maker.add("Relu", [value])
    weights = [maker.store(tensor(1, 16, INPUT)), maker.store(tensor(1, 16, UNITS))]
    for k in range(300):
        maker.nodes.append(helper.make_node("LSTM", [value, *weights], [f"y{k}"], name=f"n{k}", hidden_size=UNITS))
    return maker.model([("X", TensorProto.FLOAT, ["time", "batch", INPUT])], ["y0"])


HUGE = np.array([10**6, 10**6, 10**6])
COSTLY: dict[str, tuple[Callable[[], Any], str]] = {
    "nodes that compute": (chain("Identity", 10_000), "computed by more than 2,000 nodes"),
    "ten thousand nodes": (chain("Identity", 10_000), ""),
    "numbers that are added up": (chain("Add", 5000, np.float32(0)), ""),
    "axes without end": (chain("Unsqueeze", 80, np.array([0])), "cannot be computed"),
    "an expansion": (computed("Expand", tensor(1, 1, 1), HUGE), "more than the memory that is allowed"),
    "a tile": (computed("Tile", tensor(1, 1, 1), HUGE), "more than the memory that is allowed"),
    "zeros of a shape": (computed("ConstantOfShape", HUGE), "more than the memory that is allowed"),
    "a shape of less than nothing": (computed("ConstantOfShape", -HUGE), "more than the memory that is allowed"),
    "rows and columns": (
        computed("Add", np.zeros((1, 20_000, 1), np.float32), np.zeros((1, 1, 20_000), np.float32)),
        "more than the memory that is allowed",
    ),
    "a product": (
        computed("MatMul", np.zeros((1, 20_000, 1), np.float32), np.zeros((1, 1, 20_000), np.float32)),
        "more than the memory that is allowed",
    ),
    "rows looked up": (
        computed("Gather", tensor(1, 4000), np.zeros((4000, 4000), np.int8)),
        "than the memory that is allowed",
    ),
    "what doubles": (doubling, "more than the memory that is allowed"),
    "inputs without number": (
        lambda: cell(m := Maker(), m.add("Concat", [m.store(tensor(1, 16, 1))] * 50_000, axis=2)),
        "inputs",
    ),
    "text": (computed("Cast", tensor(1, 16, INPUT), to=TensorProto.STRING), "its attribute to is not supported"),
    "functions that call two": (calls(30, 2), "has more than 20,000 nodes"),
    "functions that call one": (calls(30, 1), ""),
    "functions nested too deep": (calls(40, 1), "nested more than 32 deep"),
    "a function that calls itself": (calls(1, 1, itself=True), "nested more than 32 deep"),
    "branches in branches": (nested("If", 28), ""),
    "loops in loops": (nested("Loop", 20), ""),
    "a circle": (circle(False), "computed by the graph from itself"),
    "a cell that reads itself": (circle(True), ""),
    "steps of nothing": (lambda: steps(4000), "holds no LSTM"),
    "a graph of all with all": (everything_reads_everything, "tangled|"),
    "many that read from afar": (many_read_from_afar, ""),
}


SOONER = {"nodes that compute", "functions that call two", "steps of nothing", "many that read from afar"}
"""What would be given up at ten times as many nodes, after seconds."""


@pytest.mark.parametrize("name", COSTLY)
def test_what_costs_too_much_is_refused_in_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, reason = COSTLY[name]
    if name in SOONER:
        monkeypatch.setattr(graph, "NODES", 20_000)
        for module in (fold, values):
            monkeypatch.setattr(module, "STEPS", 2000)
        monkeypatch.setattr(fold.Budget.__init__, "__defaults__", (2000,))
    data = make().SerializeToString()
    with in_time(2 * SECONDS):
        if reason.rstrip("|") and not reason.endswith("|"):
            with pytest.raises(ValueError, match=reason):
                load(data, max_bytes=1 << 28)
        else:
            try:
                assert load(data, max_bytes=1 << 28).blocks
            except ValueError as error:
                assert reason.endswith("|") and reason.rstrip("|") in str(error)


def test_no_more_memory_is_taken_than_is_allowed() -> None:
    """A graph that asks for half of what is allowed, twice."""
    maker = Maker()
    parts = [maker.add("ConstantOfShape", [maker.store(np.array([1, 1000, 5000]))]) for _ in range(10)]
    value = maker.add("Concat", parts, axis=0)
    data = cell(maker, value).SerializeToString()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than the memory that is allowed"):
            load(data, max_bytes=100 << 20)
        assert tracemalloc.get_traced_memory()[1] < 250 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [b"\xff\xfe name", b"", b"<script>", b"a" * 100_000, "名".encode()])
def test_names_are_only_names(name: bytes) -> None:
    """Not UTF-8, none, markup, long: each names a block, and its values are found by it."""
    maker = Maker()
    data = cell(maker, maker.store(tensor(1, 16, INPUT), "marker_of_w")).SerializeToString()
    model = onnx.load_from_string(data)
    model.graph.node[-1].name = "marker_of_n"
    data = model.SerializeToString()
    if len(name) < 120:  # protobuf's own lengths stay one byte
        for marker in (b"marker_of_w", b"marker_of_n"):
            padded = (name * 11)[:11] if name else marker
            data = data.replace(marker, padded)
    loaded = load(data)
    [block] = loaded.blocks
    assert isinstance(block.name, str) and block.name
    np.testing.assert_array_equal(block.layers[0][0]["W_i"], tensor(1, 16, INPUT)[0, :UNITS])


def test_two_of_a_name_are_told_apart() -> None:
    maker = Maker()
    for k in range(3):
        maker.nodes.append(
            helper.make_node(
                "LSTM",
                ["X", maker.store(tensor(1, 16, INPUT)), maker.store(tensor(1, 16, UNITS))],
                [f"y{k}"],
                name="same",
                hidden_size=UNITS,
            )
        )
    loaded = load(maker.model([("X", TensorProto.FLOAT, None)], ["y0"]).SerializeToString())
    assert [block.name for block in loaded.blocks] == ["same", "same#2", "same#3"]


def test_a_cell_without_units_is_refused() -> None:
    maker = Maker()
    arrays = [np.zeros((1, 0, INPUT), np.float32), np.zeros((1, 0, 0), np.float32)]
    maker.nodes.append(helper.make_node("LSTM", ["X", *map(maker.store, arrays)], ["Y"], name="net"))
    with pytest.raises(ValueError, match=r"the LSTM node net has no units: its R is \(1, 0, 0\)"):
        load(maker.model([("X", TensorProto.FLOAT, None)], ["Y"]).SerializeToString())
