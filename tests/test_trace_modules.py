"""``trace`` on every module and option of torch.nn: each fast way against the loop, and nothing changed by it."""

from __future__ import annotations

import gc
import tracemalloc
import warnings
from contextlib import nullcontext
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

import lstm_core
from lstm_core import Trace, trace
from lstm_core.adapters import gru, workspace
from lstm_core.adapters import torch as adapter
from lstm_core.adapters.call import Call
from lstm_core.adapters.fast import doubling_scan, linear_scan
from lstm_core.adapters.torch import METHODS, trace_module

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

KINDS = ("lstm", "projected", "gru", "tanh", "relu")
KIND = pytest.mark.parametrize("kind", KINDS)
ATOL = {torch.float64: 1e-11, torch.float32: 2e-5}


def build(kind: str, dtype: torch.dtype = torch.float64, seed: int = 0, **options: Any) -> nn.RNNBase:
    """A module with 5 inputs and 6 units, in training mode as it is made, its random state left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "projected":
            module: nn.RNNBase = nn.LSTM(5, 6, proj_size=3, **options)
        elif kind in ("tanh", "relu"):
            module = nn.RNN(5, 6, nonlinearity=kind, **options)
        else:
            module = {"lstm": nn.LSTM, "gru": nn.GRU}[kind](5, 6, **options)
        for value in module.parameters():
            nn.init.normal_(value, std=0.4)
    return module.to(dtype)


def state_for(module: nn.RNNBase, batch: int, seed: int = 1) -> Any:
    generator = torch.Generator().manual_seed(seed)
    rows = module.num_layers * (1 + module.bidirectional)
    dtype = module.weight_hh_l0.dtype
    h, c = (
        torch.randn(rows, batch, size, generator=generator, dtype=torch.float64).tanh().to(dtype)
        for size in (module.proj_size or 6, 6)
    )
    return (h, c) if isinstance(module, nn.LSTM) else h


def random(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 2) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def check_same(found: Trace, expected: Trace, atol: float) -> None:
    assert list(found.signals) == list(expected.signals) == [signal.name for signal in expected.cell.signals]
    for name, value in expected.signals.items():
        assert found.signals[name].dtype == value.dtype
        np.testing.assert_allclose(found.signals[name], value, rtol=0, atol=atol, err_msg=name)
    assert found.max_abs_error is not None and found.max_abs_error <= atol
    assert found.lengths == expected.lengths


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
    monkeypatch.setattr("lstm_core.adapters.fast.CPU_BLOCK", block)
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
    if not workspace.Cut.usable(Call(module, x)):
        pytest.skip("torch runs without oneDNN here")
    called: list[bool] = []
    original = adapter._hidden_states
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapter, "_hidden_states", lambda call: called.append(True) or original(call))
        found = trace_module(module, x, method="workspace")
    assert not called, "the workspace was not read"
    check_same(found, trace_module(module, x, method="loop"), 2e-6)


def test_the_states_of_an_earlier_run_are_not_taken_for_this_one() -> None:
    """The memory of a workspace has been another's, maybe a shorter run's on the same input: it began alike."""
    gates, first = torch.rand(8, 2, 4 * 512), torch.rand(2, 512)
    i, f, g, _ = gates.chunk(4, dim=-1)
    states = torch.stack([*accumulate(range(8), lambda c, t: f[t] * c + i[t] * g[t], initial=first)][1:])
    buffer = torch.zeros(20 * workspace.PAGE)
    for page, kept in ((3, 5), (9, 8)):
        buffer[page * workspace.PAGE + 7 :][: kept * 1024] = states[:kept].flatten()
    assert workspace._find(buffer, gates, first, states[-1], 1, 7) == 9


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("steps", [1, 4, 30])
@pytest.mark.parametrize("hooked", [False, True])
def test_pieces_of_the_workspace_join(
    bidirectional: bool, steps: int, hooked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel runs some steps at a time, each direction from its own end; the module's hooks see one output."""
    module = build("lstm", torch.float32, bidirectional=bidirectional, batch_first=True)
    x, state, seen = random(2, 30, 5, dtype=torch.float32), state_for(module, 2), []
    expected, output = trace_module(module, x, state, method="loop"), module(x, state)[0]
    if hooked:
        module.register_forward_hook(lambda m, args, out: seen.append(out[0]))
    monkeypatch.setattr(workspace.Cut, "size", staticmethod(lambda call: steps))
    monkeypatch.setattr(adapter, "_product", lambda *args: pytest.fail("the workspace was not read"))
    check_same(trace_module(module, x, state, method="workspace"), expected, 2e-6)
    assert len(seen) == hooked
    for one in seen:
        torch.testing.assert_close(one, output, rtol=0, atol=2e-6)


def test_a_short_run_is_not_copied() -> None:
    """One layer: the gates are the workspace itself, and what autograd kept is let go."""
    module, x = nn.LSTM(3, 8).requires_grad_(False), torch.randn(6, 2, 3)
    call = Call(module, x)
    if not workspace.Graph.usable(call):
        pytest.skip("torch runs without oneDNN here")
    assert workspace.Graph.worth(call)
    found = trace_module(module, x, method="graph")
    assert found.signals["i"].base is found.signals["f"].base and not found.signals["i"].flags.owndata
    assert all(p.grad_fn is None and not p.requires_grad for p in module.parameters()) and not x.requires_grad


@pytest.mark.parametrize("method", ["recorded", "computed"])
@pytest.mark.parametrize("steps", [1, 4, 30])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True, "bias": False}])
@pytest.mark.parametrize("hooked", [False, True])
def test_pieces_of_a_gru_join(
    method: str, steps: int, options: dict, hooked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the workspace; also where the weights are frozen, so that autograd has no use for them."""
    module = build("gru", torch.float32, batch_first=True, **options).requires_grad_(hooked)
    x, state, seen = random(2, 30, 5, dtype=torch.float32), state_for(module, 2), []
    expected, output = trace_module(module, x, state, method="loop"), module(x, state)
    if hooked:
        module.register_forward_hook(lambda m, args, out: seen.append(out))
    monkeypatch.setattr(gru.Cut, "size", staticmethod(lambda call: steps))
    monkeypatch.setattr(adapter, "_product", lambda *args: pytest.fail("the pieces were not read"))
    check_same(trace_module(module, x, state, method=method), expected, 2e-6)
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


def test_a_wrong_reading_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gates that do not give the module's output are not believed, and neither are those that do not come from its
    weights: i and g exchanged leave c and h as they are."""
    module, x = nn.LSTM(3, 8), torch.randn(6, 2, 3)
    expected = trace_module(module, x, method="loop")
    read = workspace.read

    def exchanged(*args: Any) -> Any:
        gates, c = read(*args)
        i, f, g, o = gates.chunk(4, dim=-1)
        return torch.cat([g, f, i, o], dim=-1), c

    def halved(*args: Any) -> Any:
        gates, c = read(*args)
        return gates * 0.5, c

    def failing(*args: Any) -> Any:
        raise ValueError("another layout")

    for wrong in (exchanged, halved, failing):
        monkeypatch.setattr(workspace, "read", wrong)
        check_same(trace_module(module, x, method="workspace"), expected, 2e-6)

    module = nn.GRU(3, 8)
    expected, right = trace_module(module, x, method="loop"), gru.read

    def slower(output: torch.Tensor) -> Any:
        return [(rz * 0.9, n) for rz, n in right(output)]

    def swapped(output: torch.Tensor) -> Any:  # r is in no h but through n, which is read
        return [(torch.cat([rz[:, 8:], rz[:, 8:]], dim=1), n) for rz, n in right(output)]

    for wrong in (slower, swapped, failing):
        monkeypatch.setattr(gru, "read", wrong)
        check_same(trace_module(module, x, method="recorded"), expected, 2e-6)


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
    monkeypatch.setattr("lstm_core.adapters.fast.linear_scan", doubling_scan)
    monkeypatch.setattr("lstm_core.adapters.fast.CPU_BLOCK", 1 << 28)
    module, x = build(kind, num_layers=2, bidirectional=True), random(33, 3, 5)
    for lengths in (None, [33, 7, 20]):
        expected = trace_module(module, x, lengths=lengths, method="loop")
        check_same(trace_module(module, x, lengths=lengths, method="product"), expected, 1e-11)


# Inputs as the modules take them.


@KIND
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences(kind: str, bidirectional: bool) -> None:
    """Packed sorted, packed in any order, and padded with lengths are one trace; each as if traced alone."""
    module = build(kind, num_layers=2, bidirectional=bidirectional)
    parts = [random(n, 5, seed=n) for n in (4, 7, 2)]
    state = state_for(module, 3)
    packed = pack_sequence(parts, enforce_sorted=False)
    found = trace(module, packed, state)
    assert found.lengths == (4, 7, 2) and len(found) == 7
    padded, lengths = pad_packed_sequence(packed)
    check_same(trace(module, padded, state, lengths=lengths), found, 1e-12)
    wider = torch.cat([padded, torch.ones(2, 3, 5, dtype=torch.float64)])
    assert len(trace(module, wider, state, lengths=lengths)) == 9
    again = trace(module, pack_padded_sequence(padded, lengths, enforce_sorted=False), state)
    check_same(again, found, 1e-12)
    output, _ = pad_packed_sequence(module(packed, state)[0])
    for b, part in enumerate(parts):

        def one(s, b=b):
            return s[:, b : b + 1].contiguous()

        begin = tuple(map(one, state)) if isinstance(state, tuple) else one(state)
        alone = trace(module, part[:, None], begin)
        for name, value in alone.signals.items():
            np.testing.assert_allclose(found.signals[name][:, :, : len(part), b], value[:, :, :, 0], rtol=0, atol=1e-12)
            assert np.isnan(found.signals[name][:, :, len(part) :, b]).all()
        top = np.concatenate(list(found.signals["h"][-1, :, : len(part), b]), axis=-1)
        np.testing.assert_allclose(top, output[: len(part), b].detach().numpy(), rtol=0, atol=1e-12)


def test_lengths_that_are_all_full_are_no_lengths() -> None:
    module = build("lstm")
    x = random(4, 2, 5)
    assert trace(module, x, lengths=[4, 4]).lengths is None
    with pytest.raises(ValueError, match="PackedSequence has its lengths already"):
        trace(module, pack_padded_sequence(x, [4, 2]), lengths=[4, 2])
    with pytest.raises(ValueError, match="lengths need a batch"):
        trace(module, x[:, 0], lengths=[4])


@KIND
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_unbatched(kind: str, batch_first: bool, bidirectional: bool) -> None:
    """A sequence without a batch, its state without one too, is a batch of one."""
    module = build(kind, num_layers=2, bidirectional=bidirectional, batch_first=batch_first)
    x, state = random(7, 5), state_for(module, 1)
    alone = tuple(value[:, 0] for value in state) if isinstance(state, tuple) else state[:, 0]
    found = trace(module, x, alone)
    check_same(found, trace(module, x[None] if batch_first else x[:, None], state), 1e-12)
    top = np.concatenate(list(found.signals["h"][-1, :, :, 0]), axis=-1)
    np.testing.assert_allclose(top, module(x, alone)[0].detach().numpy(), rtol=0, atol=1e-12)


CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}


@pytest.mark.parametrize("kind", [*CELLS, "rnn_relu"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", ATOL)
def test_cells(kind: str, bias: bool, dtype: torch.dtype) -> None:
    """One step, batched and not; a sequence is the cell's own loop."""
    options = {"nonlinearity": "relu"} if kind == "rnn_relu" else {}
    module = CELLS[kind.removesuffix("_relu")](5, 6, bias=bias, dtype=dtype, **options)
    x, h = random(3, 5, dtype=dtype), random(3, 6, dtype=dtype, seed=3).tanh()
    state = (h, h * 0.5) if kind == "lstm" else h

    def one(v):
        return tuple(s[1] for s in v) if isinstance(v, tuple) else v[1]

    output = module(x, state)
    expected = (output[0] if isinstance(output, tuple) else output).detach().numpy()
    batched, single, zero = trace(module, x, state), trace(module, x[1], one(state)), trace(module, x)
    assert batched.cell.name == kind and batched.signals["h"].shape == (1, 1, 1, 3, 6)
    np.testing.assert_allclose(batched.signals["h"][0, 0, 0], expected, rtol=0, atol=ATOL[dtype])
    for name, value in single.signals.items():
        np.testing.assert_allclose(value[..., 0, :], batched.signals[name][..., 1, :], rtol=0, atol=ATOL[dtype])
    assert not any(value.any() for value in zero.initial.values())
    sequence = random(6, 3, 5, dtype=dtype)
    for begin in (None, state):
        found = trace_module(module, sequence, begin, method="product")
        check_same(found, trace_module(module, sequence, begin, method="loop"), ATOL[dtype])
        rows, old = [], begin
        for step in sequence:
            old = module(step, old)
            rows.append((old[0] if isinstance(old, tuple) else old).detach().numpy())
        np.testing.assert_allclose(found.signals["h"][0, 0], rows, rtol=0, atol=ATOL[dtype])


@KIND
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision(kind: str, dtype: torch.dtype) -> None:
    """Gates in float32 from what the module computed in less, within what its precision allows."""
    module, x = build(kind, dtype, num_layers=2, bidirectional=True), random(40, 2, 5, dtype=dtype)
    found = trace(module, x)
    assert found.signals["h"].dtype == np.float32 and found.max_abs_error is not None
    assert found.max_abs_error <= adapter.TOLERANCE[dtype] * max(1.0, float(np.abs(found.signals["h"]).max()))
    wide = trace(build(kind, torch.float32, num_layers=2, bidirectional=True), x.float())
    if kind != "relu":
        np.testing.assert_allclose(found.signals["h"], wide.signals["h"], rtol=0, atol=0.15)


def test_a_memory_that_grows_in_low_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """With open gates c is added to 600 times; in half precision a sum stops where its digits end, and so does ours."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        module = nn.LSTM(32, 16)
    with torch.no_grad():
        module.bias_ih_l0[16:32] += 8
    module, x = module.half(), random(600, 2, 32, dtype=torch.float16)
    found = trace(module, x)
    assert found.max_abs_error is not None and found.max_abs_error <= adapter.TOLERANCE[torch.float16]
    monkeypatch.setattr(adapter, "LOW", ())
    with pytest.raises(RuntimeError, match="differs"):
        trace(module, x)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_autocast_is_traced_as_it_runs(layers: int, kind: str) -> None:
    module, x = build(kind, torch.float32, num_layers=layers), random(9, 2, 5, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = trace(module, x)
        output = module(x)[0]
    assert found.max_abs_error is not None and found.max_abs_error < 5e-2
    np.testing.assert_allclose(found.signals["h"][-1, 0], output.detach().float().numpy(), rtol=0, atol=5e-2)


def test_weights_that_are_computed() -> None:
    """Weight norm, of the old kind and as a parametrisation, is traced with the weights that the module used."""
    old = nn.LSTM(5, 6)
    torch.nn.utils.parametrizations.weight_norm(old, "weight_hh_l0")
    x = torch.randn(7, 2, 5)
    try:
        found = trace(old, x)
    except RuntimeError as error:  # the module itself did not use them: the certificate says so
        assert "differs" in str(error)
    else:
        np.testing.assert_allclose(found.signals["h"][0, 0], old(x)[0].detach().numpy(), rtol=0, atol=1e-5)


# Nothing is changed.


def everything(module: nn.Module) -> dict[str, Any]:
    """What a trace must leave as it was."""
    hooks = {key: dict(value) for key, value in vars(module).items() if "hooks" in key}
    return {
        "hooks": hooks,
        "training": [inner.training for inner in module.modules()],
        "grads": [None if p.grad is None else p.grad.clone() for p in module.parameters()],
        "requires": [p.requires_grad for p in module.parameters()],
        "values": [v.clone() for v in module.state_dict().values()],
        "keys": sorted(vars(module)),
        "rng": torch.get_rng_state(),
        "grad mode": torch.is_grad_enabled(),
        "dispatch": torch.utils._python_dispatch._get_current_dispatch_mode(),  # pyright: ignore[reportAttributeAccessIssue]
    }


def check_unchanged(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before.keys() == after.keys()
    for key, value in before.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, after[key]), key
        elif key in ("grads", "values"):
            pairs = zip(value, after[key], strict=True)
            assert all((a is None and b is None) or torch.equal(a, b) for a, b in pairs), key
        else:
            assert value == after[key], key


@KIND
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_nothing_is_changed(kind: str, method: str, training: bool, grad: bool, layers: int) -> None:
    module = build(kind, torch.float32, num_layers=layers, dropout=0.0).train(training)
    x, state = random(6, 2, 5, dtype=torch.float32).requires_grad_(), state_for(module, 2)
    module(x)[0].sum().backward()
    copies = x.detach().clone(), [s.clone() for s in (state if isinstance(state, tuple) else (state,))]
    with nullcontext() if grad else torch.no_grad():
        before = everything(module)
        found = trace_module(module, x, state, method=method)
        check_unchanged(before, everything(module))
    assert torch.equal(x, copies[0]) and x.requires_grad and x.grad_fn is None
    given_state = state if isinstance(state, tuple) else (state,)
    assert all(torch.equal(a, b) for a, b in zip(given_state, copies[1], strict=True))
    assert all(isinstance(value, np.ndarray) for value in found.signals.values())


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_nothing_is_changed_by_an_error(kind: str) -> None:
    module = build(kind, torch.float32)
    before = everything(module)
    for method in METHODS:
        with pytest.raises(RuntimeError, match="input.size"):
            trace_module(module, torch.zeros(3, 1, 4), method=method)
        check_unchanged(before, everything(module))


@pytest.mark.parametrize("method", METHODS)
def test_a_trace_does_not_change_with_what_it_came_from(method: str) -> None:
    """Training goes on and buffers are used again; the trace stays."""
    module, x, state = build("lstm", torch.float32), random(6, 2, 5, dtype=torch.float32), None
    state = state_for(module, 2)
    found = trace_module(module, x, state, method=method)
    kept = [
        v.copy() for v in (*found.signals.values(), found.inputs, *found.layers[0][0].values(), *found.initial.values())
    ]
    with torch.no_grad():
        for value in (*module.parameters(), x, *state):
            value.zero_()
    trace_module(module, x, method=method)
    now = (*found.signals.values(), found.inputs, *found.layers[0][0].values(), *found.initial.values())
    assert all(np.array_equal(a, b) for a, b in zip(kept, now, strict=True))


def test_inference_mode_is_kept() -> None:
    for kind in ("lstm", "gru"):
        module, x = build(kind, torch.float32), random(6, 2, 5, dtype=torch.float32)
        with torch.inference_mode():
            for method in METHODS:
                check_same(trace_module(module, x, method=method), trace_module(module, x, method="loop"), 2e-5)
            assert torch.is_inference_mode_enabled()


def test_tensors_of_inference_mode() -> None:
    """Autograd keeps nothing of them: weights, inputs or states made there, and traced outside."""
    x, state = random(6, 2, 5, dtype=torch.float32), torch.zeros(1, 2, 6)
    with torch.inference_mode():
        inside, given, begin = nn.GRU(5, 6), x.clone(), state.clone()
    outside = build("gru", torch.float32)
    for module, values, first in ((inside, x, state), (outside, given, state), (outside, x, begin)):
        for method in METHODS:
            assert trace_module(module, values, first, method=method).max_abs_error < 1e-6
    with torch.inference_mode():
        inside = nn.LSTM(5, 6)
    for method in METHODS:
        assert trace_module(inside, x, method=method).max_abs_error < 1e-6


# What is refused.


class Own(nn.LSTM):
    def forward(self, input: torch.Tensor, hx: Any = None) -> Any:
        return super().forward(input.flip(0), hx)


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(5, 5), nn.ReLU())
        self.rnn = nn.GRU(5, 6)


def changed() -> nn.Module:
    module = nn.LSTM(5, 6)
    module.forward = lambda *args: None  # type: ignore[method-assign]
    return module


def quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of its own quantisation
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.LSTM(5, 6)), {nn.LSTM}, dtype=torch.qint8)[0]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: nn.Linear(5, 6), "Linear cannot be traced: it is none of nn.LSTM, nn.GRU"),
        (lambda: Own(5, 6), "Own cannot be traced: its forward is not the one of nn.LSTM"),
        (changed, "LSTM cannot be traced: its forward is not the one"),
        (lambda: Whole(), "contains rnn: pass one of these, or the whole .* lstm_core.trace_all"),
        (quantised, "LSTM cannot be traced: it is quantised; pass the float module"),
    ],
)
def test_what_cannot_be_traced_says_why(make: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        trace(make(), torch.zeros(3, 1, 5))


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_scripted_modules_are_refused() -> None:
    scripted = torch.jit.script(nn.LSTM(5, 6))
    with pytest.raises(TypeError, match="scripted; pass the module that it was scripted from"):
        trace(scripted, torch.zeros(3, 1, 5))


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="x is a ndarray; a torch Tensor or a PackedSequence is needed"):
        trace(nn.LSTM(5, 6), np.zeros((3, 1, 5)))
    with pytest.raises(ValueError, match="no method 'best'; there are auto, graph"):
        trace_module(nn.LSTM(5, 6), torch.zeros(3, 1, 5), method="best")


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        ({"x": torch.zeros(3, 0, 5)}, "x is a batch of no sequences"),
        ({"x": torch.zeros(3, 2, 5, device="meta")}, "device meta, which holds no values"),
        ({"lengths": [3]}, r"lengths are 2 numbers from 1 to 3, not \[3\]"),
        ({"lengths": [3, 0]}, "lengths are 2 numbers from 1 to 3"),
        ({"lengths": [4, 1]}, "lengths are 2 numbers from 1 to 3"),
        ({"state": torch.zeros(1, 2, 6)}, "the state is h and c, each a tensor; 1 given"),
        ({"state": (torch.zeros(1, 2, 6), torch.zeros(1, 3, 6))}, r"the state c is \(1, 3, 6\); .* is \(1, 2, 6\)"),
    ],
)
def test_wrong_shapes(ask: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        trace(nn.LSTM(5, 6), **{"x": torch.zeros(3, 2, 5), **ask})


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh"])
def test_an_output_that_is_nan_is_named(kind: str) -> None:
    for method in METHODS:
        with pytest.raises(RuntimeError, match="own output holds NaN or infinite values.*look for them in its input"):
            trace_module(build(kind, torch.float32), torch.full((3, 1, 5), torch.nan), method=method)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_hook_that_changes_the_output_is_noticed(kind: str) -> None:
    module = build(kind, torch.float32)
    handle = module.register_forward_hook(lambda m, args, out: (out[0] * 1.5, out[1]))
    x = random(4, 1, 5, dtype=torch.float32)
    for method in METHODS:
        with pytest.raises(RuntimeError, match="differs from the module's own output"):
            trace_module(module, x, method=method)
    handle.remove()
    assert trace(module, x).max_abs_error < 1e-6


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_wrong_layer_below_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """h of a lower layer is not in the module's output; its last state is, and it must fit."""
    original = adapter._run_layer
    monkeypatch.setattr(adapter, "_run_layer", lambda call, layer, x: original(call, layer, x) + 1e-3)
    module = build(kind, num_layers=2)
    with pytest.raises(RuntimeError, match="differs from the module's own"):
        trace_module(module, random(6, 2, 5), method="product")


def test_the_public_names() -> None:
    assert {"trace", "trace_all", "trace_chunks", "load"} <= set(lstm_core.__all__)
