"""A trace changes nothing, and nothing changes it."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lstm_core import trace
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
