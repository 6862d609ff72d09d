"""Every fast way of tracing a module of torch against the loop."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lstm_core.modules import onednn, recorded
from lstm_core.modules.call import Call
from lstm_core.modules.product import doubling_scan, linear_scan
from lstm_core.modules.tracing import METHODS, trace_module
from lstm_core.modules.ways import WAYS
from tests.torch_modules import ATOL, KIND, KINDS, build, check_same, random, state_for

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    bias=st.booleans(),
    batch_first=st.booleans(),
    double=st.booleans(),
    with_state=st.booleans(),
    time=st.integers(1, 12),
    batch=st.integers(1, 5),
    lengths=st.none() | st.lists(st.integers(1, 12), min_size=5, max_size=5),
    method=st.sampled_from(METHODS[:-1]),
    seed=st.integers(0, 2**16),
)
def test_every_way_gives_what_the_loop_gives(
    kind: str,
    layers: int,
    bidirectional: bool,
    bias: bool,
    batch_first: bool,
    double: bool,
    with_state: bool,
    time: int,
    batch: int,
    lengths: list[int] | None,
    method: str,
    seed: int,
) -> None:
    """All signals, over options and shapes; the loop is ``lstm_core.scan``, which is tested against the papers."""
    dtype = torch.float64 if double else torch.float32
    options = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias, "batch_first": batch_first}
    module = build(kind, dtype, seed, **options)
    x = random(*((batch, time) if batch_first else (time, batch)), 5, dtype=dtype, seed=seed)
    ends = None if lengths is None else [min(length, time) for length in lengths[:batch]]
    state = state_for(module, batch, seed) if with_state else None
    expected = trace_module(module, x, state, lengths=ends, method="loop")
    check_same(trace_module(module, x, state, lengths=ends, method=method), expected, ATOL[dtype])


@pytest.mark.parametrize("block", [1, 1 << 10])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_blocks_of_steps_join(kind: str, bidirectional: bool, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence of several blocks, whole and with sequences that end inside one."""
    monkeypatch.setattr("lstm_core.modules.run.CPU_BLOCK", block)
    module, x = build(kind, bidirectional=bidirectional), random(700, 2, 5)
    for lengths in (None, [700, 300]):
        expected = trace_module(module, x, lengths=lengths, method="loop")
        check_same(trace_module(module, x, lengths=lengths, method="product"), expected, 1e-10)


@pytest.mark.parametrize("hidden", [1, 7, 16, 64, 100])
@pytest.mark.parametrize("time", [1, 2, 30])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_workspace_is_read_for_any_width(hidden: int, time: int, layers: int) -> None:
    """The layout depends on the sizes: it has to be found for each, without falling back."""
    module, x = nn.LSTM(3, hidden, layers, bidirectional=layers > 1), torch.randn(time, 2, 3)
    if not onednn.usable(Call(module, x)):
        pytest.skip("torch runs without oneDNN here")
    found = trace_module(module, x, method="onednn")
    assert found.method == "onednn", "the workspace was not read"
    check_same(found, trace_module(module, x, method="loop"), 2e-6)


def test_the_states_of_an_earlier_run_are_not_taken_for_this_one() -> None:
    """The memory of a workspace has been another's, maybe a shorter run's on the same input: it began alike."""
    gates, first = torch.rand(8, 2, 4 * 512), torch.rand(2, 512)
    i, f, g, _ = gates.chunk(4, dim=-1)
    states = torch.stack([*accumulate(range(8), lambda c, t: f[t] * c + i[t] * g[t], initial=first)][1:])
    buffer = torch.zeros(20 * onednn.PAGE)
    for page, kept in ((3, 5), (9, 8)):
        buffer[page * onednn.PAGE + 7 :][: kept * 1024] = states[:kept].flatten()
    assert onednn._find(buffer, gates, first, states[-1], 1, 7) == 9


PIECES = {"lstm": ("onednn", onednn), "gru": ("recorded", recorded)}


@pytest.mark.parametrize("kind", PIECES)
@pytest.mark.parametrize("steps", [1, 4, 30])
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True, "bias": False}]
)
@pytest.mark.parametrize("hooked", [False, True])
def test_pieces_join(kind: str, steps: int, options: dict, hooked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel runs some steps at a time, each direction from its own end; the module's hooks see one output. Also
    where the weights are frozen, so that autograd has no use for them."""
    method, way = PIECES[kind]
    module = build(kind, torch.float32, batch_first=True, **options).requires_grad_(hooked)
    x, state, seen = random(2, 30, 5, dtype=torch.float32), state_for(module, 2), []
    if not way.usable(Call(module, x)):
        pytest.skip("torch runs without oneDNN here")
    expected, output = trace_module(module, x, state, method="loop"), module(x, state)[0]
    if hooked:
        module.register_forward_hook(lambda m, args, out: seen.append(out[0]))
    monkeypatch.setattr(way, "piece_size", lambda call: steps)
    found = trace_module(module, x, state, method=method)
    assert found.method == method, "the pieces were not read"
    check_same(found, expected, 2e-6)
    assert len(seen) == hooked
    for one in seen:
        torch.testing.assert_close(one, output, rtol=0, atol=2e-6)
    assert all(p.grad_fn is None for p in module.parameters()) and not x.requires_grad


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_trace_that_is_let_go_is_gone(kind: type[nn.RNNBase], method: str) -> None:
    """No graph, hook or cycle keeps its arrays: the collector has nothing to do, so it is off."""
    module, x = kind(8, 64), torch.randn(50, 4, 8)
    size = sum(value.nbytes for value in trace_module(module, x, method=method).signals.values())
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(5):
            trace_module(module, x, method=method)
        assert tracemalloc.get_traced_memory()[0] < size
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_h_is_the_modules_own(kind: type[nn.RNNBase]) -> None:
    """Bit by bit: only the rest is read or computed, and h made from it is no more than compared. The trace ran without
    gradients, and so must the module: some processors' kernels give another last bit with them."""
    module, x = kind(5, 64, 2, bidirectional=True), torch.randn(30, 3, 5)
    found = trace_module(module, x, method="product")
    with torch.no_grad():
        output = module(x)[0].numpy()
    assert np.array_equal(np.concatenate(list(found.signals["h"][-1]), axis=-1), output)
    assert found.max_abs_error and found.max_abs_error < 1e-6


def failing(*args: Any) -> Any:
    raise ValueError("another layout")


def test_a_workspace_that_is_laid_out_otherwise_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gates are computed again: slower, and right. What else can be wrong, test_trace_proof.py tries."""
    module, x = nn.LSTM(3, 8), torch.randn(6, 2, 3)
    expected = trace_module(module, x, method="loop")
    monkeypatch.setattr(onednn, "read", failing)
    found = trace_module(module, x, method="onednn")
    assert found.method == "product"
    check_same(found, expected, 2e-6)


@pytest.mark.parametrize("weights", [True, False], ids=["gradients", "frozen"])
def test_a_graph_without_the_kernels_node_is_not_read(weights: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a torch that calls it otherwise; the graph ends at the input, or at a weight."""
    module, x = nn.LSTM(3, 8).requires_grad_(weights), torch.randn(6, 2, 3)
    expected = trace_module(module, x, method="loop")
    monkeypatch.setattr(onednn, "NODE", "MkldnnRnnLayerBackward1")
    found = trace_module(module, x, method="onednn")
    assert found.method == "product"
    check_same(found, expected, 2e-6)


def test_a_graph_that_is_recorded_otherwise_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = nn.GRU(3, 8), torch.randn(6, 2, 3)
    expected = trace_module(module, x, method="loop")
    right = recorded.read

    def swapped(output: torch.Tensor) -> Any:  # r is in no h but through n, which is read
        rows, n = right(output)
        return [row[:, 8:16].repeat(1, 3) for row in rows], n

    for wrong in (swapped, failing):
        monkeypatch.setattr(recorded, "read", wrong)
        found = trace_module(module, x, method="recorded")
        assert found.method == "product"
        check_same(found, expected, 2e-6)


def test_every_way_is_asked_by_its_name_and_says_it() -> None:
    for kind in ("lstm", "gru"):
        module, x = build(kind, torch.float32), random(9, 2, 5, dtype=torch.float32)
        for name, way in WAYS.items():
            if way.usable(Call(module, x)):
                assert trace_module(module, x, method=name).method == name


@given(
    time=st.integers(1, 70),
    batch=st.integers(1, 3),
    units=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    low=st.sampled_from([0.0, 0.9, 1.0]),
)
def test_the_scan_without_a_loop_gives_what_the_loop_gives(
    time: int, batch: int, units: int, seed: int, low: float
) -> None:
    """Doubling, which an accelerator runs, is tested on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    keep = low + (1 - low) * torch.rand(time, batch, units, generator=generator, dtype=torch.float64)
    write = torch.randn(time, batch, units, generator=generator, dtype=torch.float64)
    first = torch.randn(batch, units, generator=generator, dtype=torch.float64)
    expected, found = write.clone(), write.clone()
    linear_scan(keep, expected, first)
    doubling_scan(keep, found, first)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@KIND
def test_the_accelerators_way_on_the_cpu(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What CUDA runs, one block and no loop over steps, gives the same."""
    monkeypatch.setattr("lstm_core.modules.product.linear_scan", doubling_scan)
    monkeypatch.setattr("lstm_core.modules.run.CPU_BLOCK", 1 << 28)
    module, x = build(kind, num_layers=2, bidirectional=True), random(33, 3, 5)
    for lengths in (None, [33, 7, 20]):
        expected = trace_module(module, x, lengths=lengths, method="loop")
        check_same(trace_module(module, x, lengths=lengths, method="product"), expected, 1e-11)
