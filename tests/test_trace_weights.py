"""Weights that are made when a module runs, by hooks or by parametrizations: the trace has those that it ran with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from lstm_core import trace, trace_all, trace_chunks
from lstm_core.modules.chunks import join
from tests.test_trace_unchanged import check_unchanged, everything
from tests.torch_modules import Round, own, random, top

pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.nn.utils.weight_norm` is deprecated", "ignore:Please use `torch.nn.utils.parametrizations"
)

MODULES = {
    "lstm": lambda: nn.LSTM(5, 6, num_layers=2, bidirectional=True),
    "gru": lambda: nn.GRU(5, 6),
    "rnn": lambda: nn.RNN(5, 6, batch_first=True),
    "projected": lambda: nn.LSTM(5, 6, proj_size=3),
    "lstm cell": lambda: nn.LSTMCell(5, 6),
    "gru cell": lambda: nn.GRUCell(5, 6, bias=False),
}


class Halved(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * 0.5


class Noisy(nn.Module):
    """Another weight whenever it is read."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(weight, 0.5)


def made_by_a_hook(module: nn.Module, name: str) -> None:
    """Weight drop as it is often written: there is no weight until the module runs."""
    raw = module._parameters.pop(name)
    module.register_parameter(f"{name}_raw", raw)
    module.register_forward_pre_hook(lambda m, args: setattr(m, name, getattr(m, f"{name}_raw") * 0.5))


def pruned(module: nn.Module, name: str) -> None:
    prune.random_unstructured(module, name, 0.5)


MAKERS: dict[str, Callable[[Any, str], Any]] = {
    "weight norm": torch.nn.utils.weight_norm,
    "spectral norm": torch.nn.utils.spectral_norm,
    "pruning": pruned,
    "user's hook": made_by_a_hook,
    "new weight norm": parametrizations.weight_norm,
    "new spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "user's parametrization": lambda m, name: parametrize.register_parametrization(m, name, Halved()),
    "noise": lambda m, name: parametrize.register_parametrization(m, name, Noisy()),
}
MAKER = pytest.mark.parametrize("maker", MAKERS)
MODULE = pytest.mark.parametrize("kind", MODULES)


def made(kind: str, maker: str, seed: int = 0) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = MODULES[kind]()
        MAKERS[maker](module, "weight_hh" if "cell" in kind else "weight_hh_l0")
    return module.double()


def loaded(kind: str, maker: str, training: bool) -> Any:
    """Built, trained weights loaded, and not run since: what hooks made is that of other weights."""
    module = made(kind, maker).train(training)
    with torch.no_grad():
        values = {name: value + 0.3 * random(*value.shape) for name, value in module.state_dict().items()}
        if maker == "pruning":
            values |= {name: value for name, value in module.state_dict().items() if name.endswith("_mask")}
    module.load_state_dict(values)
    return module


@MAKER
@MODULE
@pytest.mark.parametrize("training", [False, True])
def test_weights_that_are_made_when_the_module_runs(kind: str, maker: str, training: bool) -> None:
    """At the first call, with the exact result, by each way to ask; and nothing of the module is changed by it."""
    module, twin, x = loaded(kind, maker, training), loaded(kind, maker, training), random(4, 4, 5)
    once = maker == "noise" or (training and "spectral" in maker)  # every run makes other weights
    if once and "cell" in kind:
        with pytest.raises(ValueError, match="every step has other weights: they are not one sequence"):
            trace(module, x)
        assert len(trace_all(Round(module), x)) == 4
        return
    before = everything(module)
    torch.manual_seed(3)
    expected = own(twin, x)
    for ask in (trace, lambda m, x: trace_all(Round(m), x)["rnn"]):
        torch.manual_seed(3)
        found = ask(module, x)
        np.testing.assert_array_equal(top(found), expected)
        assert found.max_abs_error is not None and found.max_abs_error < 1e-12 and not found.assumed
    torch.manual_seed(3)
    if not getattr(module, "bidirectional", False) and not once:
        pieces = join(list(trace_chunks(module, x, steps=3)))
        np.testing.assert_allclose(top(pieces), expected, rtol=0, atol=1e-14)
    torch.set_rng_state(before["rng"])
    check_unchanged(before, everything(module))
    torch.manual_seed(3)
    np.testing.assert_array_equal(own(module, x), expected)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("maker", ["weight norm", "spectral norm", "new weight norm"])
def test_the_weights_of_the_trace_are_those_that_ran(kind: str, maker: str) -> None:
    module, x = loaded(kind, maker, False), random(4, 2, 5)
    found, twin = trace(module, x), loaded(kind, maker, False)
    twin(x)
    rows = np.concatenate([v for name, v in found.layers[0][0].items() if name.startswith("U_")])
    np.testing.assert_allclose(rows, twin.weight_hh_l0.detach().numpy(), rtol=0, atol=1e-15)


def test_after_a_training_step_too() -> None:
    """What a hook made before the step is stale after it."""
    for maker in ("weight norm", "spectral norm", "pruning", "user's parametrization"):
        module, x = made("lstm", maker).eval(), random(4, 2, 5)
        for _ in range(3):
            module(x)[0].sum().backward()
            with torch.no_grad():
                for value in module.parameters():
                    value -= 0.5 * (0 if value.grad is None else value.grad)
            found = top(trace(module, x))
            np.testing.assert_array_equal(found, own(module, x))


def test_weights_that_were_put_in_by_the_back_door() -> None:
    """torch's list of flat weights is stale until the module runs."""
    for module in (nn.LSTM(5, 6).double(), nn.GRU(5, 6).double()):
        x = random(4, 2, 5)
        module._parameters["weight_hh_l0"] = nn.Parameter(module.weight_hh_l0.detach() + 0.5)
        found = top(trace(module, x))
        np.testing.assert_array_equal(found, own(module, x))


class WeightDrop(nn.Module):
    """AWD-LSTM's, in its usual two forms: the weight is set before the module is called, as a tensor or a parameter."""

    def __init__(self, module: nn.LSTM, parameter: bool) -> None:
        super().__init__()
        self.module, self.parameter = module, parameter
        self.register_parameter("raw", module._parameters.pop("weight_hh_l0"))

    def forward(self, x: torch.Tensor) -> Any:
        weight = nn.functional.dropout(self.raw, p=0.5, training=self.training)
        self.module.weight_hh_l0 = nn.Parameter(weight) if self.parameter else weight
        return self.module(x)


@pytest.mark.parametrize("parameter", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_weight_drop(training: bool, parameter: bool) -> None:
    model, x = WeightDrop(nn.LSTM(5, 6), parameter).double().train(training), random(4, 2, 5)
    keys = list(model.state_dict())
    torch.manual_seed(1)
    [found] = trace_all(model, x).values()
    assert list(model.state_dict()) == keys and not hasattr(model.module, "weight_hh_l0")
    torch.manual_seed(1)
    with torch.no_grad():
        np.testing.assert_array_equal(top(found), model(x)[0].numpy())
    assert found.max_abs_error is not None and found.max_abs_error < 1e-12


def test_pieces_of_a_module_that_makes_weights_anew_have_their_own() -> None:
    module, x, calls = nn.GRU(5, 6).double(), random(6, 2, 5), []
    raw = module.weight_hh_l0.detach().clone()

    def more_each_time(m: Any, args: Any) -> None:
        calls.append(1)
        m.weight_hh_l0 = raw * len(calls)

    del module._parameters["weight_hh_l0"]
    module.register_forward_pre_hook(more_each_time)
    for k, piece in enumerate(trace_chunks(module, x, steps=3), start=1):
        np.testing.assert_array_equal(piece.layers[0][0]["U_r"], raw[:6].numpy() * k)
        assert piece.max_abs_error is not None and piece.max_abs_error < 1e-12


def test_a_cell_whose_weights_a_hook_makes_runs_one_sequence() -> None:
    for maker in ("weight norm", "new weight norm"):
        module, x = made("lstm cell", maker).eval(), random(4, 3, 5)
        with torch.inference_mode():
            assert len(trace_all(Round(module), x)["rnn"]) == 4
        assert list(trace_all(Round(module), x)) == ["rnn"]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_kernel_that_runs_with_other_weights_than_the_module_shows_is_found(
    kind: type[nn.LSTM] | type[nn.GRU],
) -> None:
    """Its gates are its own, and not those of the weights that the trace would hold."""
    module = kind(5, 6)
    module._flat_weights = [weight.detach() * 2 for weight in module._flat_weights]  # pyright: ignore
    with pytest.raises(RuntimeError, match="the trace's h differs from the module's own output"):
        trace(module, random(4, 3, 5, dtype=torch.float32))
