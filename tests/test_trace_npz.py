"""A trace written to .npz and read back: equal to the last bit, and what is not a whole trace is refused in words."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cases
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lstm_core import CELLS, Block, Trace, load, trace
from lstm_core.cells.lstm import LSTM
from lstm_core.certificate import Certificate
from lstm_core.trace_npz import TOKEN
from lstm_core.variant import activation, variant

TEXT = "Mary was late \U0001f600 because she \ud800. Jo\x00"


def back(written: Trace, **options: Any) -> Trace:
    file = io.BytesIO()
    written.to_npz(file)
    file.seek(0)
    return Trace.from_npz(file, **options)


def same_arrays(found: Any, expected: Any) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        assert found[name].tobytes() == np.asarray(value).tobytes(), name  # NaN included


def same(found: Trace, expected: Trace) -> None:
    """Every field of the class, so that one that is added later is looked at as well."""
    for field in dataclasses.fields(Trace):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if field.name in ("signals", "initial", "attention") and other is not None:
            same_arrays(one, other)
        elif field.name == "layers" and other is not None:
            assert [len(row) for row in one] == [len(row) for row in other]
            for row, rows in zip(one, other, strict=True):
                for params, wanted in zip(row, rows, strict=True):
                    same_arrays(params, wanted)
        elif field.name in ("inputs", "continued") and other is not None:
            same_arrays({field.name: one}, {field.name: other})
        elif field.name == "network":
            assert one is None  # a file of values says nothing of what made them
        else:
            assert one == other, field.name
    assert found.cell is expected.cell and repr(found) == repr(expected)
    assert not any(value.flags.writeable for row in found.layers for params in row for value in params.values())
    assert all(value.flags.writeable for value in found.signals.values())


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("text", [TEXT, ""])
def test_a_run_of_every_cell_comes_back(name: str, text: str, tmp_path: Path) -> None:
    written = cases.model(name, layers=2, directions=2).run(text, device="cpu")
    written.to_npz(tmp_path / "gates.npz")
    same(Trace.from_npz(tmp_path / "gates.npz"), written)
    same(Trace.from_npz(str(tmp_path / "gates.npz")), written)


def test_every_field_comes_back() -> None:
    written = dataclasses.replace(
        cases.model().run(TEXT, device="cpu"),
        device="cuda:1", seconds=0.1 + 0.2, assumed=("x is 5", "数"), forced=("f[3]=1",),
        certificate=Certificate({"h": float(np.float32(1e-7))}, {"f": 0.5}, 3, 4, 5, 1e-4, "TF32"),
    )  # fmt: skip
    assert len(written.tokens) > 3 and "\x00" in written.tokens[-1].text
    same(back(written), written)
    same(
        back(dataclasses.replace(written, certificate=Certificate({"h": float("inf")}))),
        dataclasses.replace(written, certificate=Certificate({"h": float("inf")})),
    )


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
        lambda: nn.LSTM(3, 4, num_layers=2, proj_size=2, bidirectional=True),
        lambda: nn.GRU(3, 4).double(),
        lambda: nn.RNN(3, 4, nonlinearity="relu"),
        lambda: nn.LSTMCell(3, 4),
    ],
)
def test_a_trace_of_a_module_comes_back(make: Any) -> None:
    torch.manual_seed(0)
    module = make()
    x = torch.randn(5, 2, 3, dtype=next(module.parameters()).dtype)
    written = trace(module, x) if isinstance(module, nn.LSTMCell) else trace(module, x, lengths=[5, 3])
    same(back(written), written)
    assert written.max_abs_error is not None


def test_attention_comes_back() -> None:
    import lstm_core

    names = [name for name in lstm_core.list_models() if "attention" in name]
    written = lstm_core.load_model(names[0]).run("Mary was late because she", device="cpu")
    assert written.attention and "alpha" in written.signals
    same(back(written), written)


VARIANTS = [
    variant(CELLS["lstm"], activation("hard_sigmoid", 1 / 6, 0.5)),
    variant(CELLS["gru"], activation("sigmoid"), activation("softsign"), clip=3.5),
    variant(CELLS["peephole"], coupled=True),
    variant(CELLS["rnn"], shown=activation("leakyrelu", 0.02)),
    variant(CELLS["gru_cho"], activation("hard_sigmoid"), activation("relu")),
]


def run(cell: Any) -> Trace:
    layers = cases.network(cell, np.random.default_rng(0))
    return Block("b", "keras", cell, layers, ("forward",), False).trace(np.ones((4, 2, 3)), lengths=[4, 2])


@pytest.mark.parametrize("cell", VARIANTS, ids=lambda cell: cell.name)
def test_a_cell_with_other_functions_is_made_again(cell: Any) -> None:
    written = run(cell)
    found = back(written)
    same(found, written)
    again = Block("b", "keras", found.cell, found.layers, ("forward",), False).trace(np.ones((4, 2, 3)), lengths=[4, 2])
    same_arrays(again.signals, written.signals)


class Own(LSTM):
    """A cell of somebody's own, with a name that is taken."""

    @staticmethod
    def update(p: Any, v: SimpleNamespace, s: Any, xp: Any) -> Any:
        c = v.f * s.c + v.i * v.g
        return {"c": c, "h": v.o * c}


def test_a_cell_of_ones_own_has_to_be_given() -> None:
    written = run(Own)
    same(back(written, cell=Own), written)
    with pytest.raises(ValueError, match="its cell 'lstm' is not one of Gatescope's: give its class, cell=..."):
        back(written)
    with pytest.raises(ValueError, match="it is of another cell, lstm, than the one given"):
        back(written, cell=CELLS["gru"])
    with pytest.raises(ValueError, match="it is of another cell, lstm, than the one given"):
        back(run(CELLS["lstm"]), cell=Own)


def test_a_cell_made_from_a_variant_is_ones_own() -> None:
    class Mine(VARIANTS[0]):
        name = "mine"

    with pytest.raises(ValueError, match="its cell 'mine' is not one of Gatescope's"):
        back(run(Mine))


def test_load_names_a_trace() -> None:
    file = io.BytesIO()
    run(CELLS["lstm"]).to_npz(file)
    with pytest.raises(ValueError, match="this is a trace, not a network: lstm_core.Trace.from_npz reads it"):
        load(file.getvalue())


# Files that are not a whole trace


def changed(written: Trace | None = None, drop: tuple[str, ...] = (), rest: Any = None, **change: Any) -> io.BytesIO:
    """A file of a trace with other members, and other values in its JSON."""
    file = io.BytesIO()
    (written or cases.model("lstm", layers=2, directions=2).run("Mary was", device="cpu")).to_npz(file)
    file.seek(0)
    arrays = {name: value for name, value in np.load(file).items() if name not in drop}
    if rest is not None:
        told = json.loads(str(arrays["trace"]))
        arrays["trace"] = np.array(json.dumps({k: v for k, v in {**told, **rest}.items() if v != "gone"}))
    file = io.BytesIO()
    np.savez(file, **{**arrays, **change})
    file.seek(0)
    return file


def refused(file: io.BytesIO, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Trace.from_npz(file)


def test_other_files_are_named(tmp_path: Path) -> None:
    refused(changed(drop=("trace",)), "this trace was written by an older Gatescope, which kept the signals alone")
    file = io.BytesIO()
    np.savez(file, a=np.ones(3))
    file.seek(0)
    refused(file, "this .npz file is not a trace that Trace.to_npz wrote")
    for data in (b"text", b""):
        refused(io.BytesIO(data), "this is not an .npz file, as numpy.savez writes it")
    (tmp_path / "README.md").write_text("# A title")
    with pytest.raises(ValueError, match="this is not an .npz file, as numpy.savez writes it"):
        Trace.from_npz(tmp_path / "README.md")
    refused(io.BytesIO(b"PK text"), "the .npz file is damaged or cut short: File is not a zip file")
    refused(io.BytesIO(changed().getvalue()[:-300]), "the .npz file is damaged or cut short")
    with pytest.raises(FileNotFoundError):
        Trace.from_npz(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="unfolds to more than the 1,000 bytes"):
        Trace.from_npz(changed(), max_bytes=1000)


LAYER_0, LAYER_1 = (
    tuple(f"layers.{layer}.{d}.{kind}_{gate}" for d in (0, 1) for kind in "WUb" for gate in "ifgo") for layer in (0, 1)
)
WRONG = [
    ({"drop": ("f",)}, "this is not a whole trace: 'f' is missing"),
    ({"drop": ("inputs",)}, "'inputs' is missing"),
    ({"drop": ("layers.1.0.W_f",)}, "'W_f' is missing"),
    ({"drop": (*LAYER_0, *LAYER_1)}, "no layers"),
    ({"drop": LAYER_0}, "0 is missing"),
    ({"f": np.zeros((2, 2, 2, 1, 4), np.float32)}, r"f is \(2, 2, 2, 1, 4\) of float32, not \(2, 2, 2, 1, 5\)"),
    ({"f": np.zeros((2, 2, 2, 1, 5), np.int32)}, "f is .* of int32"),
    ({"f": np.zeros((2, 2, 2, 1, 5), np.longdouble)}, "f is .* of float128"),
    ({"h": np.zeros(5, np.float32)}, "h does not have the axes layer, direction, time, batch, unit"),
    ({"h": np.zeros((2, 2, 2, 1, 3), np.float32)}, "is .*, not"),
    ({"inputs": np.zeros((2, 1), np.float32)}, "inputs is"),
    ({"initial.h": np.zeros((2, 2, 1, 4), np.float32)}, "initial.h is"),
    ({"initial.z": np.zeros((2, 2, 1, 5), np.float32)}, "the cell lstm has no signal 'z'"),
    ({"layers.0.0.W_f": np.zeros((5, 3), np.float32)}, "layers.0.0.W_f is"),
    ({"layers.x.0.W_f": np.zeros((5, 3), np.float32)}, "of the wrong type"),
    ({"layers.2.0.W_f": np.zeros((5, 3), np.float32)}, "its weights are not those of its signals .layers: 2"),
    ({"attention.V": np.zeros((5, 3), np.float32)}, "'alpha' is missing"),
    ({"trace": np.array("[" * 100_000)}, "of the wrong type"),
    ({"trace": np.array("{}")}, "'format' is missing"),
    ({"trace": np.array(["{}", "{}"])}, "of the wrong type"),
    ({"trace": np.array("3")}, "of the wrong type"),
    ({"rest": {"format": 2}}, "of a newer format; update Gatescope"),
    ({"rest": {"cell": "lstm"}}, "of the wrong type"),
    ({"rest": {"cell": {"cell": "lstm9"}}}, "there is no cell 'lstm9'"),
    ({"rest": {"cell": {"cell": ["lstm"]}}}, "of the wrong type"),
    ({"rest": {"cell": {"cell": "lstm", "gate": ["sigmoid", 0, 0]}}}, "is missing"),
    ({"rest": {"cell": {"cell": "lstm", **dict.fromkeys(("gate", "candidate", "shown"), ["exec", 0, 0]), "clip": 1,
                        "coupled": False}}}, "the activation 'exec' is not supported"),
    ({"rest": {"cell": {"cell": "lstm", **dict.fromkeys(("gate", "candidate", "shown"), ["tanh", 0, float("nan")]),
                        "clip": 1, "coupled": False}}}, "not finite"),
    ({"rest": {"tokens": [["Mary"]]}}, "of the wrong type"),
    ({"rest": {"tokens": [["Mary", 0, 4, True, "Mary", True, 0]] * 2}}, "True is not int"),
    ({"rest": {"tokens": [["Mary", 0, 4, 1, "Mary", True, 0]]}}, "number of its tokens, 1, is not that of its steps"),
    ({"rest": {"lengths": [3]}}, "its lengths, .3,., do not fit a batch of 1"),
    ({"rest": {"lengths": [-1]}}, "lengths"),
    ({"rest": {"lengths": [2, 2]}}, "lengths"),
    ({"rest": {"lengths": ["2"]}}, "'2' is not int"),
    ({"rest": {"device": 3}}, "3 is not str"),
    ({"rest": {"seconds": None}}, "None is not float"),
    ({"rest": {"assumed": "x"}}, "'x' is not list"),
    ({"rest": {"assumed": [1]}}, "1 is not str"),
    ({"rest": {"lengths": "gone"}}, "'lengths' is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), WRONG)
def test_what_does_not_fit_is_named(change: Any, reason: str) -> None:
    refused(changed(**change), reason)


MEMBERS = [
    "f",
    "h",
    "inputs",
    "initial.c",
    "layers.0.0.W_f",
    "layers.1.1.b_o",
    "layers.9.9.b_o",
    "trace",
    "axes",
    "tokens",
]
values = st.sampled_from(
    [np.zeros(0), np.zeros((2, 2, 2, 1, 5)), np.zeros((2, 2, 1, 5), np.float16), np.array("{}"), np.array("x"),
     np.ones(3), np.zeros((0, 0, 0, 0, 0)), np.array(3), np.full((2, 2, 2, 1, 5), np.nan), np.zeros((2, 2, 2, 1, 0))]
)  # fmt: skip
told = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["lstm", "gru", "tanh"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cell", "own", "gate", "candidate", "shown", "clip", "coupled"]), inner, max_size=7
        )
    ),
    max_leaves=10,
)
FIELDS = ["format", "cell", "tokens", "device", "seconds", "certificate", "lengths", "assumed", "method", "broken"]


@settings(max_examples=200, deadline=None)
@given(
    change=st.dictionaries(st.sampled_from(MEMBERS), values, max_size=3),
    rest=st.none() | st.dictionaries(st.sampled_from(FIELDS), told, max_size=3),
)
def test_any_change_is_read_or_refused(change: dict[str, np.ndarray], rest: Any) -> None:
    """A trace that is read can be used: its roles, its line, its table and its file again."""
    try:
        found = Trace.from_npz(changed(ONE, rest=rest, **change))
    except ValueError as error:
        assert str(error)
        return
    assert repr(found) and len(found) == 2 and set(TOKEN) == set(vars(found.tokens[0]) if found.tokens else TOKEN)
    assert found.role("keep") is not None or found.cell is not CELLS["lstm"]
    same(back(found), found)


ONE = cases.model("lstm", layers=2, directions=2).run("Mary was", device="cpu")


def test_the_file_has_the_name_that_was_given(tmp_path: Path) -> None:
    one = trace(nn.LSTM(2, 3), torch.zeros(4, 1, 2))
    one.to_npz(tmp_path / "t.dat")
    assert [path.name for path in tmp_path.iterdir()] == ["t.dat"]
    assert len(Trace.from_npz(tmp_path / "t.dat")) == 4
    with pytest.raises(OSError):
        one.to_npz(tmp_path)
