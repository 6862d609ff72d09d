"""A trace changes nothing, and nothing changes it."""

from __future__ import annotations

import collections
import copy
import dataclasses
import random as python_random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import trace, trace_all
from lstm_core.modules.tracing import METHODS, trace_module
from tests.torch_modules import KIND, build, check_same, random, state_for

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


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
        with pytest.raises(ValueError, match="4 numbers a step; LSTM reads 5|GRU reads 5"):
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


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_an_output_that_a_hook_keeps_is_not_the_traces(kind: str, method: str) -> None:
    module, kept = build(kind, torch.float32), []
    module.register_forward_hook(lambda m, args, out: kept.append(out[0].detach()))
    found = trace_module(module, random(6, 2, 5, dtype=torch.float32), method=method)
    h = found.signals["h"].copy()
    for output in kept:
        output.zero_()
    np.testing.assert_array_equal(found.signals["h"], h)


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


@pytest.mark.parametrize("kind", ["lstm", "gru", "projected"])
def test_traces_share_one_copy_of_weights_that_stay(kind: str) -> None:
    """A thousand short traces are not a thousand copies; weights that were changed, by whatever way, are new ones."""
    module, x = build(kind, torch.float32, bidirectional=True), random(6, 2, 5, dtype=torch.float32)
    one, two = trace(module, x), trace(module, x[:3])
    assert one.layers is two.layers
    for value in one.layers[0][1].values():
        with pytest.raises(ValueError, match="read-only"):
            value[0] = 1.0
    assert trace(copy.deepcopy(module), x).layers is not one.layers
    for weight in (module.weight_hh_l0_reverse, module.bias_hh_l0):
        before = trace(module, x)
        weight.data[-1] += 0.5  # not counted among a tensor's versions
        after = trace(module, x)
        assert after.layers is not before.layers
        check_same(after, trace_module(module, x, method="loop"), 2e-5)
        assert any(
            not np.array_equal(old[name], new[name])
            for old, new in zip(before.layers[0], after.layers[0], strict=True)
            for name in old
        )


@dataclasses.dataclass
class Memory:
    h: torch.Tensor
    steps: list[torch.Tensor]


class Streaming(nn.Module):
    """A model that keeps where it is, in every way in which people keep it."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(5, 6)
        self.norm = nn.BatchNorm1d(6)
        self.register_buffer("replaced", torch.zeros(1, 2, 6))
        self.h: torch.Tensor | None = None
        self.in_place = torch.zeros(1, 2, 6)
        self.states = {"by name": [torch.zeros(1, 2, 6)], "pair": (torch.zeros(1, 2, 6), torch.zeros(1, 2, 6))}
        self.past: collections.deque[torch.Tensor] = collections.deque(maxlen=3)
        self.memory = Memory(torch.zeros(1, 2, 6), [])
        self.seen: set[int] = set()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, h = self.rnn(x, self.h)
        output = output + self.replaced + self.in_place + sum(self.past) + self.memory.h + len(self.memory.steps)
        output = output + self.states["by name"][0] + self.states["pair"][1] + self.calls + len(self.seen)
        if hasattr(self, "later"):
            output = output + self.later
        self.h = h
        self.replaced = h
        self.in_place.add_(h)
        self.states["by name"][0] = h
        self.states["pair"][1].mul_(0.5).add_(h)
        self.states["new"] = h
        self.past.append(h)
        self.memory.h = h
        self.memory.steps.append(h)
        self.seen.add(self.calls)
        self.calls += 1
        self.later = h
        return self.norm(output.transpose(0, 1).mean(1))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("ran_before", [0, 1, 2])
@pytest.mark.parametrize("fails", [False, True])
def test_a_model_that_keeps_its_state_goes_on_as_if_it_had_not_been_traced(
    training: bool, ran_before: int, fails: bool
) -> None:
    """The next outputs are those of a model that was not traced, with gradients too."""
    torch.manual_seed(0)
    traced, other = (Streaming().double().train(training) for _ in range(2))
    other.load_state_dict(traced.state_dict())
    with torch.no_grad():
        for _ in range(ran_before):
            torch.testing.assert_close(traced(random(4, 2, 5)), other(random(4, 2, 5)), rtol=0, atol=0)
    if fails:
        with pytest.raises(RuntimeError, match="must match|Expected hidden size"):
            trace_all(traced, random(4, 3, 5))
    else:
        assert list(trace_all(traced, random(4, 2, 5, seed=7))) == ["rnn"]
    for seed in (3, 4):
        torch.testing.assert_close(
            traced(random(4, 2, 5, seed=seed)), other(random(4, 2, 5, seed=seed)), rtol=0, atol=0
        )
    assert vars(traced).keys() == vars(other).keys() and traced.calls == other.calls


class Drawing(nn.Module):
    """Its input depends on every source of random numbers that a forward may draw from."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 4)
        self.own = [python_random.Random(0), np.random.default_rng(0), np.random.RandomState(0), torch.Generator()]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        own, numpy_own, old, torch_own = self.own
        for drawn in (python_random.random(), np.random.rand(), np.random.normal(), torch.rand(1)):
            x = x + drawn
        x = x + own.random() + numpy_own.random() + old.rand() + torch.rand(1, generator=torch_own)
        return self.rnn(x)[0]


def test_the_random_numbers_that_a_forward_draws_are_put_back() -> None:
    """Teacher forcing draws from Python's: two traces are one run, and that of the next call without a trace."""
    model, x = Drawing(), random(5, 2, 3, dtype=torch.float32)
    first, second = trace_all(model, x)["rnn"], trace_all(model, x)["rnn"]
    np.testing.assert_array_equal(first["h"], second["h"])
    np.testing.assert_array_equal(first["h"][0, 0], model(x).detach().numpy())
    python, numpy = python_random.getstate(), np.random.get_state(legacy=False)
    gru = nn.GRU(3, 4)
    gru.register_forward_pre_hook(lambda _, given: (given[0] + python_random.random() + np.random.rand(), *given[1:]))
    np.testing.assert_array_equal(trace(gru, x)["h"], trace(gru, x)["h"])
    assert python == python_random.getstate()
    np.testing.assert_equal(numpy, np.random.get_state(legacy=False))


def test_what_a_training_step_needs_is_left_to_it() -> None:
    """A state that autograd keeps for the backward pass is not written to, not even with the same values."""
    model = Streaming()
    model.in_place = torch.zeros(1, 2, 6)
    model(torch.randn(4, 2, 5))
    assert model.h is not None
    loss = (model.h * model.rnn.weight_hh_l0.sum() * model.h.exp()).sum()
    trace_all(model, torch.randn(4, 2, 5))
    loss.backward()


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_a_scripted_part_of_a_model_is_put_back_too() -> None:
    model = nn.Sequential(torch.jit.script(nn.BatchNorm1d(5)), nn.GRU(5, 6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace_all(model, torch.randn(4, 5))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model(torch.randn(4, 5))
    assert not torch.equal(model.state_dict()["0.running_mean"], before["0.running_mean"])


def test_a_lazy_module_is_ready_after_a_trace() -> None:
    """What it has found out is no state of a run."""
    model = nn.Sequential(nn.LazyLinear(5), nn.GRU(5, 6))
    x = torch.randn(4, 2, 3)
    assert list(trace_all(model, x)) == ["1"]
    assert type(model[0]) is nn.Linear and model[0].in_features == 3 and model(x)[0].shape == (4, 2, 6)


@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 4), lambda: nn.LSTM(3, 4, num_layers=2), lambda: nn.GRU(3, 4)])
def test_hooks_of_the_callers_on_what_autograd_keeps_are_not_called(make: Callable[[], nn.RNNBase]) -> None:
    """A graph of ours is nobody's to keep elsewhere."""
    module, x = make(), torch.randn(6, 2, 3)
    expected, called = trace(module, x), []

    def copied(value: torch.Tensor) -> torch.Tensor:
        called.append(value.shape)
        return value.clone()

    with torch.autograd.graph.saved_tensors_hooks(copied, lambda value: value):
        found = trace(module, x)
        assert not called
        module(x)[0].sum().backward()
    assert called, "theirs are theirs"
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
