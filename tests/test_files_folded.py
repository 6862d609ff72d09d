"""Weights that a state dict holds in parts: the block is the module in ``eval()``, as torch itself runs it."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

from lstm_core import load
from lstm_core.files.state_dict import LAYOUT
from tests.choices import chosen

pytestmark = [
    pytest.mark.usefixtures("in_place"),
    pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
]
X = torch.randn(6, 2, 3, generator=torch.Generator().manual_seed(0))


def saved(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def moved(module: nn.Module) -> nn.Module:
    """``module`` after something like training: every parameter is another than at first, no g is the norm of its v."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.3).add_(0.1 * torch.randn(parameter.shape))
    return module.eval()


def check(module: nn.Module, run: Callable[[torch.Tensor], torch.Tensor], prefix: str = "", name: str = "") -> Any:
    """The one block in ``module``'s state dict gives what ``run`` gives."""
    with torch.no_grad():
        run(X)  # hooks that make a weight of a weight that another hook makes are a call behind
        expected = run(X).numpy()
    state = {f"{prefix}{key}": value for key, value in module.state_dict().items()}
    [block] = chosen(saved(state), "rnn").blocks
    assert block.name == name
    trace = block.trace(X.numpy())
    assert not any(np.signbit(value[value == 0]).any() for p in block.layers[0] for value in p.values())
    output = np.concatenate(list(trace.signals["h"][-1]), -1)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5)
    return block


def lstm(**options: Any) -> nn.LSTM:
    return nn.LSTM(3, 4, num_layers=2, bidirectional=True, **options)


def each(
    apply: Callable[..., Any], names: tuple[str, ...], make: Callable[[], nn.Module] = lstm, **options: Any
) -> Any:
    def built() -> nn.Module:
        module = make()
        for name in names:
            apply(module, name, **options)
        return module

    return built


def pruned(module: nn.Module, name: str) -> None:
    prune.l1_unstructured(module, name, 0.4)


HH, SEVERAL = ("weight_hh_l0",), ("weight_hh_l0", "weight_ih_l1_reverse", "weight_hh_l1")
WEIGHT_NORM = (weight_norm, parametrizations.weight_norm)
SPECTRAL_NORM = (spectral_norm, parametrizations.spectral_norm)
MODULES = {
    **{f"weight norm {k} {dim}": each(f, SEVERAL, dim=dim) for k, f in enumerate(WEIGHT_NORM) for dim in (0, 1, None)},
    **{f"weight norm {k} of a bias": each(f, ("bias_hh_l0", *HH)) for k, f in enumerate(WEIGHT_NORM)},
    **{f"weight norm {k}, GRU": each(f, HH, lambda: nn.GRU(3, 4)) for k, f in enumerate(WEIGHT_NORM)},
    **{f"weight norm {k}, RNN of 1": each(f, HH, lambda: nn.RNN(3, 1)) for k, f in enumerate(WEIGHT_NORM)},
    **{
        f"weight norm {k}, projected": each(f, ("weight_hr_l0", *HH), lambda: nn.LSTM(3, 4, proj_size=2))
        for k, f in enumerate(WEIGHT_NORM)
    },
    **{f"spectral norm {k}": each(f, SEVERAL) for k, f in enumerate(SPECTRAL_NORM)},
    **{f"spectral norm {k} of columns": each(f, HH, dim=1) for k, f in enumerate(SPECTRAL_NORM)},
    "pruned": each(pruned, (*SEVERAL, "bias_ih_l0_reverse")),
    "pruned twice": each(lambda m, n: (pruned(m, n), pruned(m, n)), HH),
    "a pruned direction": each(lambda m, n: (weight_norm(m, n), pruned(m, f"{n}_v")), HH),
}


@pytest.mark.parametrize("prefix", ["", "model.rnn."])
@pytest.mark.parametrize("kind", MODULES)
def test_a_module_in_eval_comes_back(kind: str, prefix: str) -> None:
    torch.manual_seed(1)
    module = moved(MODULES[kind]())
    block = check(module, lambda x: module(x)[0], prefix, prefix.removesuffix("."))
    said = [sentence for sentence in block.assumed if "x is (time, batch, input)" not in sentence]
    assert bool(said) == ("norm 1" in kind)  # the keys of a parametrization do not say that it is the only one
    assert all(sentence.startswith("nothing but torch's") for sentence in said)


SQUARE = {"weight_hh_l0": lambda: nn.RNN(3, 4), "weight_ih_l0": lambda: nn.GRU(12, 4)}
"""Modules of which a weight is square: that of the states, and that of the inputs."""


def said_of_dim(module: nn.Module) -> list[str]:
    [block] = chosen(saved(module.state_dict()), "rnn").blocks
    return [sentence for sentence in block.assumed if "dim=" in sentence]


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("apply", SPECTRAL_NORM)
def test_of_a_square_weight_it_is_said_along_which_axis_its_spectral_norm_is_taken(apply: Any, name: str) -> None:
    torch.manual_seed(1)
    for dim in (0, 1):
        module = moved(apply(SQUARE[name](), name, dim=dim))
        module(torch.zeros(1, 1, module.input_size))  # an old hook makes the weight when the module is called
        [block] = chosen(saved(module.state_dict()), "rnn").blocks
        sign = {"weight_hh_l0": "U_", "weight_ih_l0": "W_"}[name]
        read = np.concatenate([value for key, value in block.layers[0][0].items() if key.startswith(sign)])
        assert np.allclose(read, getattr(module, name).detach(), atol=1e-5) == (dim == 0)
        [said] = said_of_dim(module)
        assert said.startswith(f"spectral_norm of {name} has dim=0, torch's default: the weight is square")


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("dim", [0, 1])
def test_a_whole_module_says_along_which_axis_it_is(dim: int, name: str) -> None:
    """In the old hook, which is saved with it; a module that is parametrized cannot be saved whole."""
    torch.manual_seed(1)
    module = moved(spectral_norm(SQUARE[name](), name, dim=dim))
    x = torch.randn(5, 2, module.input_size)
    for whole, at in ((module, ""), (nn.ModuleDict({"rnn": module}), "rnn")):
        [block] = chosen(saved(whole), "rnn").blocks
        assert block.name == at and not [sentence for sentence in block.assumed if sentence != LAYOUT]
        np.testing.assert_allclose(
            block.trace(x.numpy()).sel("h", layer=0, direction=0), module(x)[0].detach(), rtol=0, atol=1e-5
        )
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        saved(parametrizations.spectral_norm(SQUARE[name](), name))


@pytest.mark.parametrize("apply", SPECTRAL_NORM)
def test_nothing_is_said_of_a_square_weight_whose_transpose_has_the_same_norm(apply: Any) -> None:
    module = apply(nn.RNN(3, 4), "weight_hh_l0").eval()
    weight = module.parametrizations.weight_hh_l0.original if apply is SPECTRAL_NORM[1] else module.weight_hh_l0_orig
    with torch.no_grad():
        weight.add_(weight.T.clone())
    assert said_of_dim(module) == []


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("apply", WEIGHT_NORM)
def test_the_axis_of_a_weight_norm_shows_in_its_lengths(apply: Any, dim: int | None) -> None:
    for make in (lambda: nn.RNN(4, 4), lambda: nn.RNN(1, 1)):
        module = moved(apply(make(), "weight_hh_l0", dim=dim))
        module(torch.zeros(1, 1, module.input_size))
        [block] = chosen(saved(module.state_dict()), "rnn").blocks
        np.testing.assert_allclose(block.layers[0][0]["U_a"], module.weight_hh_l0.detach(), atol=1e-6)
        assert said_of_dim(module) == []


@pytest.mark.parametrize("apply", [*WEIGHT_NORM, *SPECTRAL_NORM, pruned])
@pytest.mark.parametrize("make", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_the_weights_of_a_cell_have_no_layer(apply: Any, make: Any) -> None:
    torch.manual_seed(1)
    cell = make(3, 4)
    apply(cell, "weight_hh")
    moved(cell)

    def run(x: torch.Tensor) -> torch.Tensor:
        state, steps = None, []
        for step in x:
            state = cell(step, state)
            steps.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(steps)

    check(cell, run, "decoder.cell.", "decoder.cell")


def taken(module: nn.Module, name: str) -> torch.Tensor:
    raw = module._parameters.pop(name)
    assert raw is not None
    return raw.data


class Salesforce(nn.Module):
    """The raw weight is a parameter of the module itself, the dropped one is not (awd-lstm-lm, weight_drop.py)."""

    def __init__(self, module: nn.Module, names: tuple[str, ...] = HH) -> None:
        super().__init__()
        self.module, self.names = module, names
        for name in names:
            raw = taken(module, name)
            module.register_parameter(f"{name}_raw", nn.Parameter(raw))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.names:
            setattr(self.module, name, nn.functional.dropout(getattr(self.module, f"{name}_raw"), 0.5, self.training))
        return self.module(x)[0]


class FastAI(nn.Module):
    """The raw weight is a parameter of the module around it; the dropped one is kept in the state dict (fastai 1) or
    not (fastai 2)."""

    def __init__(self, module: nn.Module, names: tuple[str, ...] = HH, keep: bool = True) -> None:
        super().__init__()
        self.module, self.names, self.keep = module, names, keep
        for name in names:
            raw = taken(module, name)
            self.register_parameter(f"{name}_raw", nn.Parameter(raw))
            if keep:
                module.register_parameter(name, nn.Parameter(raw.clone()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        copied = copy.deepcopy(self.module)
        for name in self.names:
            copied._parameters.pop(name, None)
            raw = nn.functional.dropout(getattr(self, f"{name}_raw"), 0.5, self.training)
            setattr(copied, name, raw if not self.keep else nn.Parameter(raw))
        return copied(x)[0]


ALL = ("weight_ih_l0", "weight_hh_l0")


@pytest.mark.parametrize("names", [HH, ALL])
@pytest.mark.parametrize("wrap", [Salesforce, FastAI, lambda m, n: FastAI(m, n, keep=False)])
def test_a_dropped_weight_is_the_raw_one(wrap: Any, names: tuple[str, ...]) -> None:
    torch.manual_seed(1)
    module = moved(wrap(nn.LSTM(3, 4), names))
    block = check(module, module, "0.rnns.0.", "0.rnns.0.module")
    assert len(block.assumed) == 1  # of the layout of x


def test_a_raw_weight_counts_whatever_lies_beside() -> None:
    """A state dict of training: the weight beside the raw one lacks half of its values."""
    inner = nn.LSTM(3, 4)
    module = moved(FastAI(inner))
    with torch.no_grad():
        inner.weight_hh_l0.mul_(torch.rand(16, 4) > 0.5)
    check(module, module, "rnn.", "rnn.module")


def test_other_layers_are_folded_and_blocks_keep_their_place() -> None:
    torch.manual_seed(1)
    model = nn.ModuleDict(
        {
            "embed": nn.Embedding(7, 3),
            "first": weight_norm(nn.LSTM(3, 4), "weight_ih_l0"),
            "second": nn.GRU(4, 4),
            "out": weight_norm(nn.Linear(4, 7)),
            "last": spectral_norm(nn.Linear(7, 7, bias=False)),
        }
    )
    prune.l1_unstructured(model["embed"], "weight", 0.3)
    moved(model)
    with torch.no_grad():
        for name, x in {"embed": torch.tensor([0]), "out": torch.zeros(4), "last": torch.zeros(7)}.items():
            model[name](x)  # old hooks make the weight when the module is called
    found = load(saved(model.state_dict()))
    assert [block.name for block in found.blocks] == ["first", "second"]
    assert set(found.others) == {"embed.weight", "out.weight", "out.bias", "last.weight"}
    for name in ("embed", "out", "last"):
        np.testing.assert_allclose(found.others[f"{name}.weight"], model[name].weight.detach().numpy(), atol=1e-6)
    assert [name for name in found.layout if name in found.others] == list(found.others)
    assert found.layout["first.weight_ih_l0"] == (16, 3) and found.layout["out.weight"] == (7, 4)


class Half(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight / 2


def with_half(module: nn.Module, name: str) -> None:
    parametrize.register_parametrization(module, name, Half())


@pytest.mark.parametrize(
    ("apply", "reason"),
    [
        (parametrizations.orthogonal, "weight_hh_l0 of a.b is under torch's orthogonal parametrization.*remove_param"),
        (
            with_half,
            r"weight_hh_l0 of a.b is under a parametrization \(original\).*remove_parametrizations\(module, 'w",
        ),
        (
            lambda m, n: (parametrizations.orthogonal(m, n), parametrizations.spectral_norm(m, n)),
            r"under a parametrization \(original, 0.base, 1._u, 1._v\)",
        ),
        (
            lambda m, n: (with_half(m, n), parametrizations.spectral_norm(m, n)),
            r"under a parametrization \(original, 1._u, 1._v\)",
        ),
        (
            lambda m, n: (parametrizations.weight_norm(m, n), parametrizations.spectral_norm(m, n)),
            r"under a parametrization \(original0, original1, 1._u, 1._v\)",
        ),
    ],
)
def test_what_the_keys_do_not_say_is_refused_by_name(apply: Any, reason: str) -> None:
    module = nn.LSTM(3, 4)
    apply(module, "weight_hh_l0")
    with pytest.raises(ValueError, match=reason):
        load(saved({f"a.b.{key}": value for key, value in module.state_dict().items()}))


def test_an_other_layer_under_a_parametrization_is_left_alone() -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(3, 4), "out": nn.Linear(4, 4)})
    with_half(model["out"], "weight")
    found = load(saved(model.state_dict()))
    assert [block.name for block in found.blocks] == ["rnn"]
    assert "out.parametrizations.weight.original" in found.others


def parts(**change: torch.Tensor | None) -> bytes:
    state = weight_norm(nn.LSTM(3, 4), "weight_hh_l0").state_dict() | change
    return saved({key: value for key, value in state.items() if value is not None})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            lambda: parts(weight_hh_l0_v=None),
            "weight_hh of the first layer of the block is missing; the file holds .*_l0_g",
        ),
        (lambda: parts(weight_hh_l0_g=torch.ones(3, 1)), r"cannot be put together.*weight_norm.*\(3, 1\), \(16, 4\)"),
        (lambda: parts(weight_hh_l0_g=torch.ones(16, 4)), r"cannot be put together.*\(16, 4\), \(16, 4\)"),
        (lambda: parts(weight_hh_l0_g=torch.ones(2, 16, 1)), "cannot be put together"),
        (
            lambda: parts(weight_hh_l0_v=torch.zeros(16, 4)),
            "weight_hh of layer 0 of the block holds 64 values that are",
        ),
        (
            lambda: parts(weight_hh_l0_v=torch.ones(16, 4).char(), weight_hh_l0_g=torch.ones(16, 1).char()),
            "weight_hh of layer 0 of the block holds int8, not floating-point",
        ),
    ],
)
def test_parts_that_do_not_fit(data: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(data())


def test_two_vectors_of_a_hostile_file_do_not_unfold_to_a_matrix() -> None:
    """A column times a row would be a thousand million numbers."""
    state = nn.LSTM(3, 4).state_dict()
    state |= {"weight_hh_l0_orig": torch.ones(30_000, 1), "weight_hh_l0_mask": torch.ones(1, 30_000)}
    with pytest.raises(ValueError, match=r"cannot be put together.*prune"):
        load(saved(state))
