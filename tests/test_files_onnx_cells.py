"""Cells that an ONNX graph writes out: read in every form in which they are certain, and in no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from onnx_graphs import Maker  # noqa: E402

from lstm_core import load  # noqa: E402

BATCH, INPUT, UNITS = 2, 3, 4
LETTERS = {"lstm": "ifgo", "gru": "zrn", "gru_cho": "zrn", "rnn": "a", "rnn_relu": "a"}


@dataclass
class Form:
    """How a graph may write a cell out."""

    kind: str = "lstm"
    steps: int = 4
    order: str = ""
    joint: bool = False
    """One product with x and h side by side."""
    gemm: bool = True
    by_gate: bool = False
    """A matrix for each gate, in the place of one that is split."""
    whole: bool = False
    """The product with x of all steps at once."""
    swapped: bool = False
    """Factors and summands in the other order."""
    convex: bool = False
    """A GRU's h as z * h + (1 - z) * n."""
    backwards: bool = False
    batch_first: bool = False
    double: bool = False
    state: bool = False
    """The first states are learned."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What is not as in such a cell."""


class Writer:
    def __init__(self, form: Form, seed: int = 0) -> None:
        self.form, self.maker = form, Maker()
        self.kind = np.float64 if form.double else np.float32
        rng = np.random.default_rng(seed)
        self.letters = form.order or LETTERS[form.kind]
        n = len(self.letters)
        shapes = {"W": (n, UNITS, INPUT), "U": (n, UNITS, UNITS), "b": (n, UNITS), "inner": (n, UNITS)}
        self.arrays = {name: rng.normal(0, 0.7, shape).astype(self.kind) for name, shape in shapes.items()}
        self.begin = {name: rng.normal(0, 0.5, (1, UNITS)).astype(self.kind) * form.state for name in "hc"}
        self.h: list[str] = []

    def two(self, op: str, first: str, second: str) -> str:
        return self.maker.add(op, [second, first] if self.form.swapped and op in ("Add", "Mul") else [first, second])

    def product(self, value: str, matrix: np.ndarray, bias: np.ndarray | None) -> str:
        """``value @ matrix.T + bias``"""
        m = self.maker
        if self.form.gemm and bias is not None and not self.form.whole:
            return m.add("Gemm", [value, m.store(matrix), m.store(bias)], transB=1)
        found = m.add("MatMul", [value, m.store(np.ascontiguousarray(matrix.T))])
        return found if bias is None else self.two("Add", found, m.store(bias))

    def arguments(self, x: str, h: str, whole: str, place: int) -> dict[str, str]:
        """Of each gate; of a GRU's candidate "n" and "hn"."""
        form, m, arrays = self.form, self.maker, self.arrays
        apart = form.kind in ("gru", "gru_cho")
        letters = [k for k, letter in enumerate(self.letters) if not (apart and letter == "n")]

        def sums(rows: list[int]) -> str:
            w, u, b, inner = (np.concatenate([arrays[name][k] for k in rows]) for name in ("W", "U", "b", "inner"))
            if form.joint:
                return self.product(m.add("Concat", [x, h], axis=1), np.concatenate([w, u], 1), b + inner)
            of_x = self.pick(self.product(whole, w, b), place) if form.whole else self.product(x, w, b)
            return self.two("Add", of_x, self.product(h, u, inner))

        if form.by_gate:
            found = {self.letters[k]: sums([k]) for k in letters}
        else:
            names = [m.name() for _ in letters]
            m.nodes.append(helper.make_node("Split", [sums(letters)], names, axis=1, num_outputs=len(letters)))
            found = dict(zip([self.letters[k] for k in letters], names, strict=True))
        if apart:
            k = self.letters.index("n")
            w, u, b, inner = (arrays[name][k] for name in ("W", "U", "b", "inner"))
            found["n"] = self.product(x, w, b)
            if form.kind == "gru":
                found["hn"] = self.product(h, u, inner)
        return found

    def pick(self, whole: str, place: int) -> str:
        axis = int(self.form.batch_first)
        return self.maker.add("Gather", [whole, self.maker.store(np.array(place))], axis=axis)

    def step(self, x: str, h: str, c: str, whole: str, place: int, number: int) -> tuple[str, str]:
        m, kind, extra = self.maker, self.form.kind, self.form.extra
        arguments = self.arguments(x, h, whole, place)
        gate = lambda letter: m.add(extra.get("gate", "Sigmoid"), [arguments[letter]])  # noqa: E731
        if kind.startswith("rnn"):
            return m.add("Tanh" if kind == "rnn" else "Relu", [arguments["a"]]), c
        if kind == "lstm":
            written = self.two("Mul", gate("i"), m.add("Tanh", [arguments["g"]]))
            c = self.two("Add", self.two("Mul", gate("f"), c), written)
            if "leak" in extra:
                c = m.add("Mul", [c, m.store(np.array(extra["leak"], self.kind))])
            h = self.two("Mul", gate("o"), m.add("Tanh", [c]))
        else:
            z, r = gate("z"), gate("r")
            if kind == "gru":
                inner = self.two("Mul", r, arguments["hn"])
            else:
                k = self.letters.index("n")
                inner = self.product(self.two("Mul", r, h), self.arrays["U"][k], self.arrays["inner"][k])
            n = m.add("Tanh", [self.two("Add", arguments["n"], inner)])
            if self.form.convex:
                rest = m.add("Sub", [m.store(np.ones(1, self.kind)), z])
                h = self.two("Add", self.two("Mul", z, h), self.two("Mul", rest, n))
            else:
                h = self.two("Add", self.two("Mul", m.add("Sub", [h, n]), z), n)
        if extra.get("masked"):
            h = m.add("Where", [m.add("Greater", [x, m.store(np.array(0, self.kind))]), h, h])
        if extra.get("weights") == number:
            self.arrays["U"] = self.arrays["U"] * np.float32(1.00001)
        return h, c

    def model(self) -> bytes:
        form, m = self.form, self.maker
        rows = {name: np.repeat(value, BATCH, 0) for name, value in self.begin.items()}
        h, c = m.store(rows["h"]), m.store(rows["c"])
        places = list(range(form.steps))[:: -1 if form.backwards else 1]
        places = form.extra.get("places", places)
        for number, place in enumerate(places):
            x = self.pick("X", place)
            if form.extra.get("above"):
                x = m.add("Add", [x, m.add("ReduceSum", [h])])
            h, c = self.step(x, h, c, "X", place, number)
            self.h.append(h)
        kind = TensorProto.DOUBLE if form.double else TensorProto.FLOAT
        shape = [BATCH, form.steps, INPUT] if form.batch_first else [form.steps, BATCH, INPUT]
        return m.model([("X", kind, shape)], [h]).SerializeToString()

    def expected(self, x: np.ndarray) -> np.ndarray:
        """h of each step, (time, batch, unit), by the equations."""
        named = {
            letter: [self.arrays[name][k] for name in ("W", "U", "b", "inner")] for k, letter in enumerate(self.letters)
        }
        sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731

        def of(letter: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
            w, u, b, inner = named[letter]
            return x @ w.T + h @ u.T + b + inner

        h, c = (np.repeat(self.begin[name], BATCH, 0) for name in "hc")
        found = np.zeros((len(x), BATCH, UNITS))
        for t in range(len(x))[:: -1 if self.form.backwards else 1]:
            if self.form.kind == "lstm":
                i, f, o = (sigmoid(of(letter, x[t], h)) for letter in "ifo")
                c = f * c + i * np.tanh(of("g", x[t], h))
                h = o * np.tanh(c)
            elif self.form.kind.startswith("rnn"):
                a = of("a", x[t], h)
                h = np.tanh(a) if self.form.kind == "rnn" else np.maximum(a, 0)
            else:
                z, r = (sigmoid(of(letter, x[t], h)) for letter in "zr")
                w, u, b, inner = named["n"]
                of_state = r * (h @ u.T + inner) if self.form.kind == "gru" else (r * h) @ u.T + inner
                n = np.tanh(x[t] @ w.T + b + of_state)
                h = (1 - z) * n + z * h
            found[t] = h
        return found


def forms() -> st.SearchStrategy[Form]:
    booleans = {
        name: st.booleans() for name in Form.__dataclass_fields__ if Form.__dataclass_fields__[name].type == "bool"
    }

    def made(kind: str, steps: int, order: Sequence[str], **flags: bool) -> Form:
        flags["whole"] = flags["whole"] and not flags["joint"]
        return Form(kind, steps, "".join(order), **flags)

    return st.sampled_from(sorted(LETTERS)).flatmap(
        lambda kind: st.builds(
            made, st.just(kind), st.integers(2, 5), st.permutations(sorted(set(LETTERS[kind]))), **booleans
        )
    )


@settings(max_examples=120, deadline=None)
@given(form=forms(), seed=st.integers(0, 99))
def test_a_cell_is_read_in_whatever_form_it_is_written_out(form: Form, seed: int) -> None:
    writer = Writer(form, seed)
    loaded = load(writer.model())
    [block] = loaded.blocks
    assert block.cell.name == form.kind and block.assumed == ()
    assert block.directions == (("reverse",) if form.backwards else ("forward",))
    assert block.batch_first == form.batch_first or form.steps == BATCH
    x = np.random.default_rng(7).normal(size=(form.steps, BATCH, INPUT)).astype(writer.kind)
    h = block.trace(x.swapaxes(0, 1) if block.batch_first else x).signals["h"][0, 0]
    relative, absolute = (0, 1e-12) if form.double else (1e-6, 3e-6)  # what relu shows has no bound
    np.testing.assert_allclose(h, writer.expected(x), rtol=relative, atol=absolute)
    params = block.layers[0][0]
    for k, letter in enumerate(writer.letters):  # the numbers themselves, not what they come to
        np.testing.assert_array_equal(params[f"W_{letter}"], writer.arrays["W"][k])
        np.testing.assert_array_equal(params[f"U_{letter}"], writer.arrays["U"][k])


UNCERTAIN: dict[str, Form] = {
    "a step with other weights": Form(extra={"weights": 1}),
    "steps that read in another order": Form(extra={"places": [0, 2, 1, 3]}),
    "a step read twice": Form(extra={"places": [0, 1, 1, 2]}),
    "another function for the gates": Form(extra={"gate": "HardSigmoid"}),
    "another function for a GRU's gates": Form("gru", extra={"gate": "HardSigmoid"}),
    "a memory that leaks": Form(extra={"leak": 0.9}),
    "steps that are masked": Form(extra={"masked": True}),
    "a GRU whose steps are masked": Form("gru", extra={"masked": True}),
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_only_looks_like_a_cell_is_named_and_not_read(name: str) -> None:
    with pytest.raises(ValueError, match="holds no LSTM, GRU or RNN") as error:
        load(Writer(UNCERTAIN[name]).model())
    if "HardSigmoid" not in str(UNCERTAIN[name]):
        assert "is not in a form that can be read with certainty" in str(error.value)
        assert "(Gemm, Sigmoid, Tanh, Split)" in str(error.value)


def test_what_feeds_h_back_into_the_input_is_named() -> None:
    """The cell is one; that what it reads is made of its own h, too, stands between."""
    [block] = load(Writer(Form(extra={"above": True})).model()).blocks
    assert block.cell.name == "lstm" and block.reads is not None
    assert [label.split()[0] for label in block.reads.through] == ["Gather", "Add"]


def test_layers_of_tanh_are_no_network_in_time() -> None:
    """Two layers of which the second reads the input again, too."""
    maker = Maker()
    weight = [maker.store(np.random.default_rng(k).normal(size=(INPUT, INPUT)).astype(np.float32)) for k in range(2)]
    value = maker.add("Tanh", [maker.add("MatMul", ["X", weight[0]])])
    for _ in range(3):
        products = maker.add("MatMul", [value, weight[1]]), maker.add("MatMul", ["X", weight[0]])
        value = maker.add("Tanh", [maker.add("Add", products)])
    with pytest.raises(ValueError, match="holds no LSTM, GRU or RNN"):
        load(maker.model([("X", TensorProto.FLOAT, [BATCH, INPUT])], [value]).SerializeToString())


def test_a_step_that_is_fed_its_states_takes_them_from_the_caller() -> None:
    """As a model that is stepped from outside is exported: x, h and c in, h and c out."""
    writer = Writer(Form(steps=1))
    m = writer.maker
    h, c = writer.step("X", "H", "C", "X", 0, 0)
    inputs = [(name, TensorProto.FLOAT, ["batch", size]) for name, size in (("X", INPUT), ("H", UNITS), ("C", UNITS))]
    [block] = load(m.model(inputs, [h, c]).SerializeToString()).blocks
    assert [line.split(" (")[0] for line in block.assumed] == ["initial_h is zero", "initial_c is zero"]
    x = np.random.default_rng(7).normal(size=(5, BATCH, INPUT)).astype(np.float32)
    np.testing.assert_allclose(block.trace(x).signals["h"][0, 0], writer.expected(x), rtol=0, atol=3e-6)
    # of as many inputs as units nothing says which of the two is h
    writer.arrays["W"] = writer.arrays["U"][::-1]
    other = Writer(Form(steps=1))
    other.arrays["W"] = other.arrays["U"][::-1] * 2
    h, c = other.step("X", "H", "C", "X", 0, 0)
    inputs = [(name, TensorProto.FLOAT, ["batch", UNITS]) for name in "XHC"]
    with pytest.raises(ValueError, match="not in a form that can be read with certainty"):
        load(other.maker.model(inputs, [h, c]).SerializeToString())


def looped(kind: str, cell: str, mask: str = "", change: Any = None) -> tuple[bytes, Writer]:
    """A model whose loop steps over X. mask: how it keeps the states where X's first number is not positive. change:
    makes another step of X of a round's number."""
    writer = Writer(Form(cell))
    m, x = writer.maker, "x"
    value = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)  # noqa: E731
    if kind == "Loop":
        x = change(m) if change else m.add("Gather", ["X", "number"], axis=0)
    new_h, new_c = writer.step(x, "h", "c", "X", 0, 0)
    if mask:
        first = m.cut(x, [0], [1], [1])
        read = m.add("Greater", [first, m.store(np.float32(0))])
        if mask == "numbers":
            number, rest = (m.add("Cast", [given], to=TensorProto.FLOAT) for given in (read, m.add("Not", [read])))
            kept = [
                m.add("Add", [m.add("Mul", [new, number]), m.add("Mul", [old, rest])])
                for new, old in ((new_h, "h"), (new_c, "c"))
            ]
        else:
            kept = [m.add("Where", [read, new, old]) for new, old in ((new_h, "h"), (new_c, "c"))]
        new_h, new_c = kept
    copy = m.add("Identity", [new_h])
    number, condition = value("number", TensorProto.INT64, []), value("go_on", TensorProto.BOOL, [])
    states = [value(name, TensorProto.FLOAT, None) for name in "hc"]
    results = [value(name, TensorProto.FLOAT, None) for name in (new_h, new_c, copy)]
    entries = [number, condition, *states] if kind == "Loop" else [*states, value("x", TensorProto.FLOAT, None)]
    outputs = [condition, *results] if kind == "Loop" else results
    body = helper.make_graph(m.nodes, "body", entries, outputs, m.tensors)
    outer = Maker()
    begin = [outer.add("ConstantOfShape", [outer.store(np.array([BATCH, UNITS]))]) for _ in range(2)]
    inputs, attributes = (["", "go", *begin], {}) if kind == "Loop" else ([*begin, "X"], {"num_scan_inputs": 1})
    outer.nodes.append(
        helper.make_node(kind, inputs, ["last_h", "last_c", "all"], name="rounds", body=body, **attributes)
    )
    given = [("X", TensorProto.FLOAT, [None, BATCH, INPUT]), ("go", TensorProto.BOOL, [])]
    return outer.model(given, ["all"]).SerializeToString(), writer


@pytest.mark.parametrize("kind", ["Loop", "Scan"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_cho", "rnn", "rnn_relu"])
def test_a_cell_in_the_body_of_a_loop(kind: str, cell: str) -> None:
    data, writer = looped(kind, cell)
    [block] = load(data).blocks
    assert block.cell.name == cell and block.assumed == () and block.reads is not None and block.reads.through == ()
    x = np.random.default_rng(7).normal(size=(5, BATCH, INPUT)).astype(np.float32)
    np.testing.assert_allclose(block.trace(x).signals["h"][0, 0], writer.expected(x), rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("change", "through"),
    [
        (lambda m: m.add("Gather", ["X", m.add("Add", ["number", m.store(np.int64(1))])]), ["Gather"]),
        (lambda m: m.add("Gather", ["X", m.add("Sub", [m.store(np.int64(1)), "number"])]), ["Gather"]),
        (lambda m: m.cut(m.add("Gather", ["X", "number"]), [-1], [-(2**31)], [1], [-1]), ["Gather", "Slice"]),
    ],
)
def test_a_loop_that_takes_its_steps_otherwise_is_one_round(change: Any, through: list[str]) -> None:
    """From the second step on, from the last to the first, with its numbers in another order: no sequence as it is."""
    data, _ = looped("Loop", "gru", change=change)
    [block] = load(data).blocks
    assert block.reads is not None and [label.split()[0] for label in block.reads.through] == through
    assert block.assumed[-1] == "this is one round of the Loop rounds that the node stands in"


@pytest.mark.parametrize("mask", ["Where", "numbers"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_loop_that_skips_steps_is_read_and_says_so(cell: str, mask: str) -> None:
    """As Keras's masking is written; with the mask given, the trace is what the loop computes."""
    data, writer = looped("Loop", cell, mask)
    [block] = load(data).blocks
    assert block.assumed == ("the steps that the graph skips in Loop rounds are read, too; pass a mask",)
    x = np.random.default_rng(7).normal(size=(5, BATCH, INPUT)).astype(np.float32)
    np.testing.assert_allclose(block.trace(np.abs(x)).signals["h"][0, 0], writer.expected(np.abs(x)), rtol=0, atol=3e-6)
    h = block.trace(x, mask=x[..., 0] > 0).signals["h"][0, 0]
    for n in range(BATCH):
        kept = x[:, n, 0] > 0
        np.testing.assert_allclose(h[kept, n], writer.expected(x[kept])[:, n], rtol=0, atol=3e-6)


def test_a_cell_beside_others_that_is_not_read_is_said() -> None:
    """Another function than a sigmoid's in a loop, beside a loop that is read."""
    data, _ = looped("Loop", "gru")
    other = looped("Loop", "gru")[0].replace(b"Sigmoid", b"Softmax").replace(b"rounds", b"others")
    models = [onnx.load_from_string(one) for one in (data, other)]
    graph = onnx.compose.merge_graphs(models[0].graph, onnx.compose.add_prefix_graph(models[1].graph, "b_"), [])
    merged = helper.make_model(graph, opset_imports=models[0].opset_import)
    [block] = load(merged.SerializeToString()).blocks
    assert block.assumed == ("the file holds another cell that is not read (Loop b_others)",)


def test_steps_beside_others_that_are_not_read_are_said() -> None:
    """A GRU that reads its own h beside x, as that of a decoder with attention does."""
    own = Writer(Form("gru", by_gate=True))
    sums = own.arguments

    def arguments(x: str, h: str, whole: str, place: int) -> dict[str, str]:
        return sums(own.maker.add("Concat", [x, h], axis=1), h, whole, place)

    own.arguments = arguments  # type: ignore[method-assign]
    own.arrays["W"] = np.concatenate([own.arrays["W"], own.arrays["U"]], -1)
    models = [onnx.load_from_string(one) for one in (Writer(Form("gru")).model(), own.model())]
    graph = onnx.compose.merge_graphs(models[0].graph, onnx.compose.add_prefix_graph(models[1].graph, "b_"), [])
    merged = helper.make_model(graph, opset_imports=models[0].opset_import)
    [block] = load(merged.SerializeToString()).blocks
    [assumed] = block.assumed
    assert assumed.startswith("the file holds another cell that is not read (Add b_Add_v")


# What is not read, by name


def single(op: str, domain: str = "", **attributes: Any) -> bytes:
    graph = helper.make_graph(
        [helper.make_node(op, ["X"], ["Y"], name="net", domain=domain, **attributes)],
        "test",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()


def operators(*ops: str) -> bytes:
    maker = Maker()
    for op in ops:
        maker.add(op, ["X"])
    return maker.model([("X", TensorProto.FLOAT, None)], ["v1"]).SerializeToString()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            lambda: single("AttnLSTM", "com.microsoft"),
            "holds AttnLSTM, an operator of com.microsoft that is not among ONNX's",
        ),
        (lambda: single("QuantGRU", "ai.vendor"), "holds QuantGRU, an operator of ai.vendor"),
        (
            lambda: single("ATen", "org.pytorch.aten", operator="quantized_lstm"),
            "holds quantized_lstm, an operator of org.py",
        ),
        (
            lambda: operators("MatMulInteger", "Sigmoid", "Tanh", "Mul"),
            r"writes a quantised cell out \(MatMulInteger, Sigmoid, Tanh\).* as it was before it was quantised",
        ),
        (
            lambda: operators("MatMulInteger", "Tanh"),
            r"is quantised \(MatMulInteger, Tanh\)\. If it writes a cell out, .* as it was before it was quantised",
        ),
        (
            lambda: operators("Gemm", "Tanh", "Gemm", "Tanh", "Gemm", "Tanh"),
            r"If its cell is written out step by step \(Gemm, Tanh\), it is not in a form that can be read",
        ),
        (lambda: operators("Gemm", "Tanh"), "holds no LSTM, GRU or RNN, and no other weights"),
        (lambda: single("Relu"), "holds no LSTM, GRU or RNN"),
        (lambda: onnx.ModelProto(ir_version=8).SerializeToString() + b"\x12\x04test", "this is not an ONNX file"),
        (
            lambda: b"\x18\0\0\0ORTM" + bytes(200),
            "ONNX Runtime's own format .* give the .onnx file that it was made from",
        ),
        (lambda: b"\x08\x07\x12\x04torch and more", "this is not an ONNX file"),
    ],
)
def test_what_is_not_read_is_named(data: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(data())


def test_a_function_that_nothing_calls_is_looked_at_where_the_graph_holds_none() -> None:
    maker = Maker()
    arrays = {name: np.ones((1, 4 * UNITS, size), np.float32) for name, size in (("w", INPUT), ("r", UNITS))}
    constants = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(array, name))
        for name, array in arrays.items()
    ]
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], name="inside", hidden_size=UNITS)
    scope = [helper.make_opsetid("", 18)]
    maker.functions.append(helper.make_function("own", "Whole", ["x"], ["y"], [*constants, node], scope))
    [block] = load(maker.model([("X", TensorProto.FLOAT, None)], ["X"]).SerializeToString()).blocks
    assert (block.name, block.input_size) == ("inside", INPUT)
    maker.functions[0].node.pop(0)
    maker.functions[0].input.append("w")
    with pytest.raises(ValueError, match="W of the LSTM node inside is computed by the graph from the input w"):
        load(maker.model([("X", TensorProto.FLOAT, None)], ["X"]).SerializeToString())
