"""Hooks that change what a module is given or what it gave: the trace is between them, and says so."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from lstm_core import trace, trace_all
from lstm_core.modules import onednn, recorded
from lstm_core.modules.tracing import METHODS, trace_module
from lstm_core.modules.watch import INPUT_CHANGED, OUTPUT_CHANGED
from tests.test_trace_unchanged import check_unchanged, everything
from tests.torch_modules import Round, build, own, random, top


def doubled(module: nn.Module, args: Any) -> Any:
    return (args[0] * 2, *args[1:])


def doubled_in_place(module: nn.Module, args: Any) -> None:
    args[0].mul_(2)


MODULES = {
    "lstm": lambda: nn.LSTM(5, 6, num_layers=2, bidirectional=True),
    "gru": lambda: nn.GRU(5, 6),
    "rnn": lambda: nn.RNN(5, 6, batch_first=True),
    "cell": lambda: nn.LSTMCell(5, 6),
}


@pytest.mark.parametrize("hook", [doubled, doubled_in_place])
@pytest.mark.parametrize("kind", MODULES)
def test_a_hook_that_changes_the_input(kind: str, hook: Any) -> None:
    """The trace is of what forward read."""
    plain = MODULES[kind]().double()
    module, x = copy.deepcopy(plain), random(4, 4, 5)
    module.register_forward_pre_hook(hook)
    expected = own(plain, x * 2)
    for method in METHODS:
        found = trace_module(module, x.clone(), method=method)
        np.testing.assert_allclose(top(found), expected, rtol=0, atol=1e-12)
        read = found.inputs.swapaxes(0, 1) if kind == "rnn" else found.inputs
        np.testing.assert_array_equal(read, x * 2)
        assert found.assumed == (INPUT_CHANGED,)
    [found] = trace_all(Round(module), x.clone()).values()
    np.testing.assert_array_equal(top(found), expected)
    assert found.assumed == (INPUT_CHANGED,) and found.max_abs_error is not None and found.max_abs_error < 1e-12


def test_a_hook_that_changes_nothing_of_arguments_in_another_order() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(5, 6)
            self.rnn.register_forward_pre_hook(lambda module, args: None)

        def forward(self, x: torch.Tensor) -> Any:
            return self.rnn(hx=torch.zeros(1, 4, 6), input=x)

    [found] = trace_all(Model(), random(4, 4, 5).float()).values()
    assert found.assumed == ()


def changed_anew(module: nn.Module, args: Any, out: Any) -> Any:
    return out[0] * 1.5, out[1]


def changed_in_place(module: nn.Module, args: Any, out: Any) -> None:
    out[0].mul_(1.5)


def packed_anew(module: nn.Module, args: Any, out: Any) -> Any:
    return out[0]._replace(data=out[0].data * 1.5), out[1]


@pytest.mark.parametrize("hook", [changed_anew, changed_in_place])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_hook_that_changes_the_output(kind: str, layers: int, hook: Any) -> None:
    """The trace is of the module's own output, bit by bit; what the rest of the model sees is said to be another."""
    module, x = build(kind, torch.float32, num_layers=layers), random(4, 1, 5, dtype=torch.float32)
    expected = own(module, x)
    handle = module.register_forward_hook(hook)
    model = Round(module)
    for found in (*(trace_module(module, x, method=method) for method in METHODS), trace_all(model, x)["rnn"]):
        np.testing.assert_allclose(top(found), expected, rtol=0, atol=2e-6)
        assert found.max_abs_error is not None and found.max_abs_error < 1e-6
        assert found.assumed == (OUTPUT_CHANGED,)
    handle.remove()
    assert trace(module, x).assumed == () == trace_all(model, x)["rnn"].assumed


def test_a_hook_that_changes_a_packed_output() -> None:
    module, x = build("gru"), random(4, 2, 5)
    expected = trace(module, x, lengths=[4, 2]).signals["h"]
    module.register_forward_hook(packed_anew)
    found = trace(module, x, lengths=[4, 2])
    np.testing.assert_array_equal(found.signals["h"], expected)
    assert found.assumed == (OUTPUT_CHANGED,) and found.lengths == (4, 2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_batch_that_is_padded_further_than_its_longest_sequence(kind: str, method: str) -> None:
    """A hook stands round the module: the trace still has the steps of the batch, and its tokens."""
    module, x = build(kind), random(7, 2, 5)
    expected = trace_module(module, x, lengths=[4, 2], method=method, tokens=(*"abcdefg",))
    module.register_forward_hook(lambda *args: None)
    found = trace_module(module, x, lengths=[4, 2], method=method, tokens=(*"abcdefg",))
    assert len(expected) == len(found) == len(found.tokens) == 7 and found.lengths == (4, 2)
    for name, values in expected.signals.items():
        np.testing.assert_allclose(found.signals[name], values, rtol=0, atol=1e-12)


def test_hooks_that_change_nothing_are_not_spoken_of() -> None:
    """They look, copy, or give back what they were given."""
    module, x, seen = build("lstm"), random(4, 2, 5), []
    module.register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    module.register_forward_pre_hook(lambda m, args: (args[0].clone(), *args[1:]))
    module.register_forward_hook(lambda m, args, out: (out[0].clone(), out[1]))
    module.register_full_backward_hook(lambda m, given, gave: None)
    for found in (trace(module, x), trace_all(Round(module), x)["rnn"]):
        assert found.assumed == ()
    assert len(seen) == 2  # once a trace: the module runs once


def test_a_hook_that_traces_the_module_adds_nothing_to_a_trace_round_it() -> None:
    """What a hook runs is not the model's run, and the model's own run is traced as ever."""
    module, x, seen = build("lstm"), random(4, 2, 5), []

    def traced(own: nn.Module, args: Any, out: Any) -> None:
        if not seen:
            seen.append(None)
            seen[0] = trace(own, args[0] / 2)

    module.register_forward_hook(traced)
    found = trace_all(Round(module), x)
    assert list(found) == ["rnn"]
    np.testing.assert_array_equal(found["rnn"].inputs, x)
    np.testing.assert_array_equal(seen[0].inputs, x / 2)


def test_a_call_that_failed_does_not_hide_the_next() -> None:
    """A model that tries one width, and takes another where that does not fit."""

    class Trying(Round):
        def forward(self, x: Any) -> Any:
            try:
                return super().forward(x[..., :3])
            except RuntimeError:
                return super().forward(x)

    assert list(trace_all(Trying(build("lstm")), random(4, 2, 5))) == ["rnn"]


@pytest.mark.parametrize("hooks", [("input",), ("output",), ("input", "output")], ids=str)
def test_hooks_of_every_module(hooks: tuple[str, ...]) -> None:
    """torch's global hooks run before a module's own."""
    module, x = build("lstm"), random(4, 2, 5)
    read = x * 2 if "input" in hooks else x
    expected, add = (
        own(module, read),
        {
            "input": lambda: register_module_forward_pre_hook(doubled),
            "output": lambda: register_module_forward_hook(changed_in_place),
        },
    )
    handles = [add[name]() for name in hooks]
    try:
        for found in (trace(module, x), trace_all(module, x)[""]):
            np.testing.assert_array_equal(top(found), expected)
            np.testing.assert_array_equal(found.inputs, read)
            assert (OUTPUT_CHANGED in found.assumed) == ("output" in hooks)
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_what_was_read_wrongly_is_computed_without_the_hooks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run is of what forward read: hooks that have been round it are not run again."""
    module, x, seen = build(kind, torch.float32), random(4, 2, 5, dtype=torch.float32), []
    expected = own(module, x * 2)
    module.register_forward_pre_hook(lambda m, args: seen.append("before") or doubled(m, args))
    module.register_forward_hook(lambda m, args, out: seen.append("after") or changed_anew(m, args, out))
    way, method = (onednn, "onednn") if kind == "lstm" else (recorded, "recorded")
    monkeypatch.setattr(way, "read", lambda *args: [])
    found = trace_module(module, x, method=method)
    assert found.method == "product"
    np.testing.assert_allclose(top(found), expected, rtol=0, atol=1e-6)
    assert found.assumed == (INPUT_CHANGED, OUTPUT_CHANGED) and seen == ["before", "after"]


def halved(module: nn.Module, args: Any, out: Any) -> Any:
    return out * 0.5


def test_a_cell_whose_state_a_hook_changes_is_no_sequence() -> None:
    module, x = nn.GRUCell(5, 6).double(), random(4, 3, 5)
    module.register_forward_hook(halved)
    with pytest.raises(ValueError, match="a hook changes the state between two steps"):
        trace(module, x)
    assert list(trace_all(Round(module), x)) == ["rnn", "rnn#2", "rnn#3", "rnn#4"]
    assert trace(module, x[0]).assumed == (OUTPUT_CHANGED,)


def test_a_hook_that_raises_leaves_nothing_behind() -> None:
    def fails(module: nn.Module, args: Any, out: Any = None) -> None:
        raise KeyError("mine")

    for add in ("register_forward_pre_hook", "register_forward_hook"):
        module, x = build("lstm"), random(4, 2, 5)
        getattr(module, add)(fails)
        before = everything(module)
        for ask in (trace, trace_all):
            with pytest.raises(KeyError, match="mine"):
                ask(module, x)
            check_unchanged(before, everything(module))
