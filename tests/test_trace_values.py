"""Tensors whose values are not what lies in memory, or nowhere: each is read as it is meant, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_core import trace, trace_all, trace_cell
from tests.torch_modules import KIND, build, random, state_for


def negative(values: Tensor) -> Tensor:
    """The same values as a view of memory that holds them with the other sign."""
    found = torch.complex(values, -values).conj().imag
    assert found.is_neg() and torch.equal(found, values)
    return found


@KIND
@pytest.mark.parametrize("layers", [1, 2])
def test_a_view_with_the_other_sign_is_read_as_it_is(kind: str, layers: int) -> None:
    module, x = build(kind, num_layers=layers), random(9, 3, 5)
    state = state_for(module, 3)
    expected = trace(module, x, state)
    negated = tuple(map(negative, state)) if isinstance(state, tuple) else negative(state)
    for found in (trace(module, negative(x), negated), trace_all(nn.Sequential(module), negative(x))["0"]):
        assert found.certificate is not None
        np.testing.assert_array_equal(found.inputs, x.numpy())
    found = trace(module, negative(x), negated)
    for name, values in expected.signals.items():
        np.testing.assert_allclose(found.signals[name], values, atol=1e-12)
    name = "weight_hh_l0"
    module.register_parameter(name, nn.Parameter(negative(getattr(module, name).detach())))
    np.testing.assert_allclose(trace(module, x, state)["h"], expected["h"], atol=1e-12)


def in_vmap(module: nn.Module, x: Tensor) -> object:
    return torch.func.vmap(lambda each: (trace(module, x), each)[1])(torch.zeros(2))


def in_vmap_of_a_cell(module: nn.Module, x: Tensor) -> object:
    own = nn.RNNCell(5, 6)
    each = torch.func.vmap(lambda each: (trace_cell(own, each, torch.zeros(5, 6), step=lambda m, x, s: {}), each)[1])
    return each(torch.zeros(2, 9, 5, 5))


def in_grad(module: nn.Module, x: Tensor) -> object:
    return torch.func.grad(lambda each: (trace(module, each), each.sum())[1])(x)


def in_recorded(module: nn.Module, x: Tensor) -> object:
    return torch.jit.trace(lambda each: (trace(module, each), each * 2)[1], (x,), check_trace=False)


def on_quantised(module: nn.Module, x: Tensor) -> object:
    return trace(module, torch.quantize_per_tensor(x.float(), 0.1, 0, torch.qint8))


@KIND
@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (in_vmap, "a transform of torch.func .* is active"),
        (in_vmap_of_a_cell, "a transform of torch.func .* is active"),
        (in_grad, "a transform of torch.func .* is active"),
        (in_recorded, "torch.jit.trace is recording a program; trace outside it"),
        (on_quantised, r"x is quantised; x.dequantize\(\) makes it one"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per_tensor:UserWarning")
def test_where_there_are_no_values_it_says_so(kind: str, run: Callable[..., object], reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        run(build(kind, torch.float32), random(9, 3, 5, dtype=torch.float32))


def without(module: Any) -> None:
    del module.weight_hh_l0


def other_shape(module: Any) -> None:
    module.weight_hh_l0 = nn.Parameter(torch.zeros(3, 3))


def sparse(module: Any) -> None:
    module.weight_hh_l0 = nn.Parameter(module.weight_hh_l0.detach().to_sparse())


def wider(module: Any) -> None:
    module.hidden_size = 9


def deeper(module: Any) -> None:
    module.num_layers = 2


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without, "has no weight_hh_l0, which its sizes ask for"),
        (other_shape, r"weight_hh_l0 is \(3, 3\); the sizes of \w+ make it \(\d+, 6\)"),
        (sparse, "weight_hh_l0 of .* is sparse; a dense one is needed"),
        (wider, r"weight_ih_l0 is \(\d+, 5\); the sizes of \w+ make it \(\d+, 5\)"),
        (deeper, "has no weight_ih_l1, which its sizes ask for"),
    ],
)
def test_a_module_whose_weights_are_not_as_its_sizes_say(kind: Any, spoil: Callable[..., None], reason: str) -> None:
    module = kind(5, 6)
    spoil(module)
    with pytest.raises(ValueError, match=reason):
        trace(module, torch.zeros(9, 3, 5))
