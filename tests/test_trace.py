"""A trace: named axes, errors that name what there is, roles that hold for every cell, files."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import cases
import numpy as np
import pytest

from lstm_core import CELLS, Trace
from lstm_core.certificate import Certificate
from lstm_core.equations import carry
from lstm_core.names import Names
from lstm_core.trace import AXES

TEXT = "Mary was late because she. John?"


def example(name: str = "lstm", layers: int = 2, directions: int = 2) -> Trace:
    """Eight tokens through a small model: shape (2, 2, 8, 1, 5)."""
    return cases.model(name, layers=layers, directions=directions).run(TEXT, device="cpu")


def test_sel_picks_by_axis_name() -> None:
    trace = example()
    f = trace.signals["f"]
    assert f.shape == (2, 2, 8, 1, 5) and len(trace) == 8 and trace.hidden_size == 5
    assert trace.sel("f") is f or np.array_equal(trace.sel("f"), f)
    np.testing.assert_array_equal(trace.sel("f", layer=1), f[1])
    np.testing.assert_array_equal(trace.sel("f", direction=1), f[:, 1])
    np.testing.assert_array_equal(trace.sel("f", time=-1), f[:, :, -1])
    np.testing.assert_array_equal(trace.sel("f", batch=0), f[:, :, :, 0])
    np.testing.assert_array_equal(trace.sel("f", unit=3), f[..., 3])
    np.testing.assert_array_equal(trace.sel("f", unit=3, layer=0), f[0, :, :, :, 3])
    np.testing.assert_array_equal(trace.sel("f", time=slice(2, 5), layer=1), f[1, :, 2:5])
    assert trace.sel("f", layer=0, direction=1, time=3, batch=0, unit=4) == f[0, 1, 3, 0, 4]


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda t: t.sel("z"), "the trace has no signal 'z'; it has i, f, g, o, c, h"),
        (lambda t: t.sel("f", word=1), "no axis 'word'; its axes are layer, direction, time, batch, unit"),
        (lambda t: t.sel("f", unit=5), r"unit 5 does not exist in f; there are 5 \(0 to 4\)"),
        (lambda t: t.sel("f", time=-9), r"time -9 does not exist in f; there are 8 \(0 to 7\)"),
        (lambda t: t.sel("f", layer=2), r"layer 2 does not exist in f; there are 2 \(0 to 1\)"),
    ],
)
def test_errors_name_what_there_is(ask, answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        ask(example())


def test_a_trace_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        example().device = "cuda"  # type: ignore[misc]


ROLES = ("keep", "write", "candidate", "reset", "expose", "cell", "hidden")
EXPECTED = {
    "lstm": {"keep": "f", "write": "i", "candidate": "g", "expose": "o", "cell": "c", "hidden": "h"},
    "gru": {"keep": "z", "write": "1 - z", "candidate": "n", "reset": "r", "hidden": "h"},
    "gru_cho": {"keep": "z", "write": "1 - z", "candidate": "n", "reset": "r", "hidden": "h"},
    "rnn": {"candidate": "a", "hidden": "h"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_roles(name: str) -> None:
    """The rows of the page, and that a role's label says what its numbers are."""
    trace = example(name)
    assert {role: label for role in ROLES if (label := trace.role_label(role))} == EXPECTED[name]
    for role in ROLES:
        values, label = trace.role(role), trace.role_label(role)
        if label is None:
            assert values is None
        else:
            expected = 1 - trace.signals[label[4:]] if label.startswith("1 - ") else trace.signals[label]
            np.testing.assert_array_equal(values, expected)
    assert trace.role("nonsense") is None and trace.role_label("nonsense") is None


@pytest.mark.parametrize("name", CELLS)
def test_a_role_is_an_array_like_any_signal(name: str) -> None:
    trace = example(name)
    for role in {*ROLES, *trace.roles}:
        values = trace.role(role)
        assert (values is None) == (trace.role_label(role) is None)
        if values is not None:
            assert values.shape == trace.signals["h"].shape and values.dtype == np.float32


@pytest.mark.parametrize("name", CELLS)
def test_a_role_without_what_it_is_made_of_is_none(name: str) -> None:
    """Whichever signal a trace did not keep; what is made of the others stays as it was."""
    whole = example(name)
    rule = carry(whole.cell)
    for left in whole.signals:
        part = dataclasses.replace(
            whole, signals=Names({key: value for key, value in whole.signals.items() if key != left})
        )
        for role in {*ROLES, *whole.roles}:
            values, expected = part.role(role), whole.role(role)
            if role in ("keep", "write") and rule is not None:
                states = {key[2:] for key in rule.needs(role) if key.startswith("s.")}
                gone = left in rule.reads(role) | states
            else:
                gone = whole.roles.get(role) == left
            assert (values is None) == (expected is None or gone), (left, role)
            if values is not None:
                np.testing.assert_array_equal(values, expected)


def check_npz(file: Path | io.BytesIO, trace: Trace) -> None:
    with np.load(file) as found:
        assert set(found) >= {*trace.signals, "inputs", "tokens", "axes"}
        for name, value in trace.signals.items():
            np.testing.assert_array_equal(found[name], value)
            assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found["inputs"], trace.inputs)
        assert found["tokens"].tolist() == [token.text for token in trace.tokens]
        assert tuple(found["axes"]) == AXES


@pytest.mark.parametrize("name", CELLS)
def test_npz_holds_everything(name: str, tmp_path: Path) -> None:
    """To a path and to an open file, without pickled objects."""
    trace = example(name)
    trace.to_npz(tmp_path / "gates.npz")
    check_npz(tmp_path / "gates.npz", trace)
    buffer = io.BytesIO()
    trace.to_npz(buffer)
    buffer.seek(0)
    check_npz(buffer, trace)


def test_npz_of_no_text_and_of_odd_text(tmp_path: Path) -> None:
    for text in ("", "\U0001f600 שלום 雨", "a\u200db \ud800 c"):
        trace = cases.model().run(text, device="cpu")
        trace.to_npz(tmp_path / "gates.npz")
        check_npz(tmp_path / "gates.npz", trace)


@pytest.mark.parametrize("name", CELLS)
def test_pandas_has_one_row_for_each_value(name: str) -> None:
    trace = example(name)
    table = trace.to_pandas()
    assert list(table.columns) == [*AXES, "signal", "value"]
    assert len(table) == sum(value.size for value in trace.signals.values())
    assert not table.duplicated([*AXES, "signal"]).any()
    for signal, rows in table.groupby("signal", observed=True):
        back = np.full_like(trace.signals[str(signal)], np.nan)
        back[tuple(rows[axis].to_numpy() for axis in AXES)] = rows["value"]
        np.testing.assert_array_equal(back, trace.signals[str(signal)])


def test_a_trace_says_in_a_line_what_it_is_of() -> None:
    trace = example()
    said = repr(trace)
    assert said == "Trace(lstm, layers=2, directions=2, steps=8, batch=1, units=5, signals=i f g o c h, device=cpu)"
    proved = dataclasses.replace(trace, certificate=Certificate({"h": 1e-7}))
    assert proved.max_abs_error == 1e-7 and "certificate='h everywhere to 1.0e-07'" in repr(proved)
