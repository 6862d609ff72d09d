"""What of a run a trace keeps, and where: the same code on the CPU and on a GPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from cases import model
from torch import nn

from lstm_core import Trace, beside, kept, trace
from lstm_core.drawing.grid import grid
from lstm_core.modules.tracing import trace_module
from tests.torch_modules import KIND, build, random

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@KIND
@pytest.mark.parametrize("lengths", [None, [9, 4]])
def test_what_stays_on_the_device_is_what_is_copied(kind: str, lengths: Any) -> None:
    module, x = build(kind, num_layers=2), random(9, 2, 5)
    here, there = trace(module, x, lengths=lengths), trace(module, x, lengths=lengths, keep="device")
    assert list(there.signals) == list(here.signals) and len(there) == 9 and repr(there)
    for name, values in here.signals.items():
        assert isinstance(there.tensors[name], torch.Tensor)
        np.testing.assert_array_equal(there.signals[name], values)
        np.testing.assert_array_equal(there.sel(name, layer=1, unit=[0, 2]), here.sel(name, layer=1, unit=[0, 2]))
    np.testing.assert_array_equal(np.asarray(there.inputs), here.inputs)
    for name, values in here.initial.items():
        np.testing.assert_array_equal(there.initial[name], values)
    for row, own in zip(there.layers, here.layers, strict=True):
        for name, values in own[0].items():
            np.testing.assert_array_equal(row[0][name], values)
    with pytest.raises(ValueError, match="NumPy arrays; trace with keep='device'"):
        here.tensors  # noqa: B018


@pytest.mark.parametrize("lengths", [None, [3, 5]])
@pytest.mark.parametrize("ways", [("forward",), ("reverse",), ("forward", "reverse")])
def test_a_block_leaves_its_signals_there_as_well(lengths: Any, ways: tuple[str, ...]) -> None:
    block = replace(model("lstm", directions=len(ways)).block, directions=ways)
    x = np.random.default_rng(0).normal(size=(5, 2, block.input_size)).astype(np.float32)
    here = block.trace(x, lengths=lengths, backend="torch")
    there = block.trace(x, lengths=lengths, backend="torch", keep="device")
    assert repr(there) == repr(here) and there.shape == here.shape
    for name, values in here.signals.items():
        assert isinstance(there.tensors[name], torch.Tensor)
        np.testing.assert_array_equal(there.signals[name], values)
    for name, values in here.final.items():
        np.testing.assert_array_equal(there.final[name], values)
    with pytest.raises(ValueError, match="kept on host or device, not on 'gpu'"):
        block.trace(x, keep="gpu")


def test_only_what_is_read_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[tuple[int, ...]] = []
    original = kept.on_host
    monkeypatch.setattr(kept, "on_host", lambda values: copies.append(tuple(values.shape)) or original(values))
    found = trace(nn.LSTM(5, 6), torch.randn(9, 2, 5), keep="device")
    assert not copies and found.shape == (1, 1, 9, 2, 6) and found.hidden_size == 6 and not copies
    found.sel("f", unit=3)
    found.sel("f", unit=4)
    assert copies == [(1, 1, 9, 2, 6)]


def test_what_is_kept_stays_what_it_was() -> None:
    """Though the module, its input and its state are written to afterwards."""
    module, x, h = nn.GRU(5, 6), torch.randn(9, 2, 5), torch.zeros(1, 2, 6)
    expected, found = trace(module, x, h), trace(module, x, h, keep="device")
    with torch.no_grad():
        for value in (x, h, *module.parameters()):
            value.fill_(7)
    np.testing.assert_array_equal(np.asarray(found.inputs), expected.inputs)
    np.testing.assert_array_equal(found.layers[0][0]["W_r"], expected.layers[0][0]["W_r"])
    np.testing.assert_array_equal(found.initial["h"], expected.initial["h"])


def test_it_goes_to_a_file(tmp_path: Any) -> None:
    found = trace(nn.LSTM(5, 6), torch.randn(9, 2, 5), keep="device")
    found.to_npz(tmp_path / "trace.npz")
    again = Trace.from_npz(tmp_path / "trace.npz")
    for name, values in found.signals.items():
        np.testing.assert_array_equal(again.signals[name], values)


@pytest.mark.parametrize("where", ["host", "device"])
@pytest.mark.parametrize("asked", ["f", ["c", "f"], ("h",)])
def test_some_signals(where: str, asked: Any) -> None:
    module, x = build("lstm"), random(9, 2, 5)
    whole, found = trace(module, x), trace(module, x, keep=where, signals=asked)
    assert set(found.signals) == {*asked} and repr(found).startswith("Trace(lstm, layers=1, directions=1, steps=9")
    for name, values in found.signals.items():
        np.testing.assert_array_equal(values, whole.signals[name])
        if where == "host":
            assert values.flags.owndata, "what was not asked for is kept in memory"
    with pytest.raises(ValueError, match="the trace has no signal 'o'"):
        found.sel("o")
    assert found.certificate and set(found.certificate.sampled) == {"i", "f", "g", "o"}


@pytest.mark.parametrize("where", ["host", "device"])
@pytest.mark.parametrize(
    ("kind", "asked", "roles"),
    [
        ("lstm", ("f", "c"), {"keep": "f", "cell": "c"}),
        ("lstm", "c", {"cell": "c"}),
        ("lstm", "i", {"write": "i"}),
        ("gru", "h", {"hidden": "h"}),
        ("gru", "z", {"keep": "z", "write": "1 - z"}),
    ],
)
def test_roles_and_figures_of_some_signals(where: str, kind: str, asked: Any, roles: dict[str, str]) -> None:
    """What was not kept plays no role, and the rest is drawn; beside a whole trace it is said what is left out."""
    module, x = build(kind), random(9, 2, 5)
    whole, found = trace(module, x), trace(module, x, keep=where, signals=asked)
    for role in {*whole.roles, "write"}:
        values = found.role(role)
        assert (values is None) == (role not in roles)
        if values is not None:
            np.testing.assert_array_equal(values, whole.role(role))
    assert found.show().html and beside(whole, found).html
    panels = [panel for panel in grid([whole, found])["layout"]["meta"]["panels"] if panel["side"] == 1]
    for panel in panels:
        if panel["kind"] == "panel" and panel["row"] not in roles:
            assert panel["empty"] == f"not kept in this trace: {whole.role_label(panel['row'])}"
    assert {panel["row"]: panel["signal"] for panel in panels if panel.get("signal")} == roles


@pytest.mark.parametrize("where", ["host", "device"])
@pytest.mark.parametrize(("asked", "kept"), [(1, [1]), ([1, 2], [1, 2]), ([0], [0]), (range(3), [0, 1, 2])])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_some_layers_are_a_network_of_their_own(where: str, asked: Any, kept: list[int], bidirectional: bool) -> None:
    module, x = build("gru", num_layers=3, bidirectional=bidirectional), random(9, 2, 5)
    whole, found = trace(module, x), trace(module, x, keep=where, layers=asked)
    assert len(found.layers) == len(kept) and found.shape[0] == len(kept)
    for name, values in found.signals.items():
        np.testing.assert_array_equal(values, whole.signals[name][kept])
    np.testing.assert_array_equal(found.initial["h"], whole.initial["h"][kept])
    np.testing.assert_array_equal(found.layers[0][0]["U_n"], whole.layers[kept[0]][0]["U_n"])
    below = whole.inputs if kept[0] == 0 else np.concatenate(list(whole.signals["h"][kept[0] - 1]), axis=-1)
    np.testing.assert_array_equal(np.asarray(found.inputs), below)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"keep": "gpu"}, "a trace is kept on host or device, not on 'gpu'"),
        ({"signals": "q"}, "LSTM has no signal 'q'; it has i, f, g, o, c, h"),
        ({"signals": []}, "at least one signal and one layer"),
        ({"layers": 2}, r"layer 2 does not exist; there are 2 \(0 to 1\)"),
        ({"layers": [0, 2]}, r"next to each other; \[0, 2\] are not"),
    ],
)
def test_what_cannot_be_kept_says_why(asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        trace(nn.LSTM(5, 6, 2), torch.randn(9, 2, 5), **asked)


def test_the_next_trace_is_whole() -> None:
    """A part of the weights is not lent to it."""
    module, x = build("lstm", num_layers=2), random(9, 2, 5)
    part = trace(module, x, layers=1)
    assert len(trace_module(module, x).layers) == 2 and len(part.layers) == 1
