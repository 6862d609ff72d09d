"""Training in NumPy: gradients beside autograd's and finite differences, steps beside torch's, and that it learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from traces import random_trace

from lab.learning import batch as batches
from lab.learning.batch import Batch, batch_of
from lab.learning.descent import Adam, Learner
from lab.learning.loop import batch_loss
from lab.learning.network import TorchNetwork
from lab.learning.sizes import layers_of
from lab.tasks.miniature import MINIATURES
from lab.tasks.rows import MEASURE_SEED, answers_right
from lstm_core import CELLS
from lstm_core.analysis import gradients
from lstm_core.analysis.derivatives import DERIVATIVES
from lstm_core.cells.base import Cell, Param, affine, candidate, gate, state, upward

WORDS, EMBEDDING, HIDDEN = 25, 5, 6


class Odd(Cell):
    """What no shipped cell does: a state that is a sum, one that reads nothing, two that are one, one that stays, a
    matrix used twice and one on the new state, a vector alone, and every function that has a derivative."""

    name = "odd"
    signals = (
        gate("f", "keep", ""),
        candidate("g", ""),
        state("c", "cell", ""),
        state("a", "hidden", ""),
        state("last", "hidden", ""),
        state("same", "hidden", ""),
        state("idle", "hidden", ""),
        upward("h", "hidden", ""),
    )
    params = (*affine("f", "g", "a"), Param("V", ("hidden", "hidden"), ""), Param("w", ("hidden",), ""))

    @staticmethod
    def gates(p, x, s, xp):
        f = xp.sigmoid(p.W_f @ x + p.U_f @ s.last + p.U_a @ s.last + p.V @ s.c + p.b_f + p.w)
        return {"f": f, "g": xp.maximum(xp.log_sigmoid(p.V @ (f * s.a) + p.b_g), p.W_g @ x + p.U_g @ s.c)}

    @staticmethod
    def update(p, v, s, xp):
        c = v.f * s.c + (1 - v.f) * v.g / (1 + xp.exp(-v.f))
        last = xp.tanh(p.w) + 0 * p.b_a
        a = s.same - xp.minimum(c, s.a)
        shown = p.V @ xp.tanh(c) + p.w * xp.log(1 + xp.abs(a)) - s.idle
        return {"c": c, "a": a, "last": last, "same": c, "idle": s.idle, "h": shown}


class Linear(Cell):
    """States that are net inputs, one of the past and one of the input alone, and one that is what another was."""

    name = "linear"
    signals = (candidate("a", ""), state("seen", "hidden", ""), state("late", "hidden", ""), state("h", "hidden", ""))
    params = (*affine("a"), *affine("seen"))

    @staticmethod
    def gates(p, x, s, xp):
        return {"a": p.W_a @ x + p.U_a @ s.h + p.U_seen @ s.late, "see": p.W_seen @ x + p.b_seen}

    @staticmethod
    def update(p, v, s, xp):
        return {"seen": v.see, "late": s.seen, "h": v.a}


def learner(cell: type[Cell], layers: int, seed: int = 0) -> tuple[Learner, np.random.Generator]:
    """A network in float64 that is away from where it starts."""
    draw = np.random.default_rng(seed)
    made = Learner(cell, WORDS, EMBEDDING, HIDDEN, layers, draw, np.float64)
    made.weights[:] += 0.3 * draw.standard_normal(made.weights.shape)
    return made, draw


def texts(draw: np.random.Generator, count: int = 7) -> Batch:
    """Of different lengths."""
    made = batch_of(MINIATURES["pronouns"].rows(draw, count), draw)
    assert made.read.min() == 0
    return replace(made, weights=made.weights.astype(np.float64))


def twin(ours: Learner) -> TorchNetwork:
    """The same network in torch."""
    network = TorchNetwork(ours.cell, WORDS, EMBEDDING, HIDDEN, len(ours.layers)).double()
    with torch.no_grad():
        for name, value in parameters(network).items():
            value.copy_(torch.from_numpy(ours.params[name]))
    return network


def parameters(network: TorchNetwork) -> dict[str, Any]:
    outer = {"embedding": network.embedding.weight, "readout": network.readout.weight, "bias": network.readout.bias}
    layers = enumerate(network.layer.layers())
    return outer | {f"{k}.{name}": value for k, (params,) in layers for name, value in params.items()}


def compare(cell: type[Cell], layers: int, economy: float) -> None:
    """Each gradient to 1e-10 of the largest."""
    ours, draw = learner(cell, layers)
    batch, theirs = texts(draw), twin(ours)
    loss = batch_loss(theirs, batch, economy)
    loss.backward()
    assert ours.loss(batch, economy) == pytest.approx(float(loss.detach()), rel=1e-12)
    expected = {name: value.grad for name, value in parameters(theirs).items() if value.requires_grad}
    assert set(expected) == set(ours.grads)
    largest = np.abs(ours.gradient).max()
    for name, value in expected.items():
        value = np.zeros_like(ours.grads[name]) if value is None else value.numpy()
        np.testing.assert_allclose(ours.grads[name], value, rtol=1e-10, atol=1e-10 * largest, err_msg=name)


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    """Where torch starts is a float64, also a clock's period."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("economy", [0.0, 0.7])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_autograds(name: str, layers: int, economy: float) -> None:
    compare(CELLS[name], layers, economy)


@pytest.mark.parametrize("economy", [0.0, 0.7])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", [Odd, Linear])
def test_gradients_of_unusual_cells_are_autograds(cell: type[Cell], layers: int, economy: float) -> None:
    compare(cell, layers, economy)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "*", "-"])
def test_a_wrong_derivative_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = DERIVATIVES[name]
    monkeypatch.setitem(DERIVATIVES, name, lambda y, *args: tuple(1.001 * slope for slope in right(y, *args)))
    with pytest.raises(AssertionError):
        compare(CELLS["gru"], 1, 0.7)


@pytest.mark.parametrize("name", ["lstm", "depth_gated"])
def test_gradients_are_finite_differences(name: str) -> None:
    ours, draw = learner(CELLS[name], 2)
    batch = texts(draw, 3)
    ours.loss(batch, 0.5)
    gradient = ours.gradient.copy()
    for at in draw.choice(len(gradient), 60, replace=False):
        here, loss = ours.weights[at], []
        for step in (1e-5, -1e-5):
            ours.weights[at] = here + step
            loss.append(ours.loss(batch, 0.5))
        ours.weights[at] = here
        assert (loss[0] - loss[1]) / 2e-5 == pytest.approx(gradient[at], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_those_that_the_page_draws(name: str) -> None:
    """One text, an error in h at its end: what ``lstm_core.analysis.gradients`` finds on its trace."""
    from lab.learning.backward import backward
    from lab.learning.unrolled import Unrolled

    trace = random_trace(name)
    params = {key: np.asarray(value, np.float64) for key, value in trace.layers[0][0].items()}
    if any(np.any(value) for value in trace.initial.values()):
        trace = replace(trace, initial={key: np.zeros_like(value) for key, value in trace.initial.items()})
    layer = Unrolled(CELLS[name], params)
    x = trace.inputs[:, :1].transpose(0, 2, 1)
    below = {key: np.zeros((len(x), layer.hidden, 1)) for key in CELLS[name].below}
    run = layer.forward(x, below)
    error = np.zeros((len(x), layer.hidden, 1))
    error[-1, :, 0] = np.arange(1.0, layer.hidden + 1)
    grads = {key: np.zeros_like(value) for key, value in params.items()}
    from_x, _ = backward(layer, run, {CELLS[name].output: error}, grads)
    signals = {key: run.values[at].transpose(0, 2, 1)[None, None] for key, at in layer.signals.items()}
    trace = replace(trace, signals={signal.name: signals[signal.name] for signal in CELLS[name].signals})
    found = gradients(trace, -1, error[-1, :, 0])
    np.testing.assert_allclose(from_x[:, :, 0], found.inputs, rtol=1e-12, atol=1e-14)
    for param in CELLS[name].params:
        if param.fixed is None:
            expected = found.weight(param.name)
            np.testing.assert_allclose(grads[param.name], expected, rtol=1e-10, atol=1e-13, err_msg=param.name)


def test_a_function_without_a_derivative_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DERIVATIVES, "tanh")
    ours, draw = learner(CELLS["lstm"], 1)
    with pytest.raises(NotImplementedError, match="tanh"):
        ours.loss(texts(draw), 0.0)


def test_steps_are_torchs() -> None:
    """Adam with the gradient clipped: some of these norms are above 1, some below."""
    ours, draw = learner(CELLS["lstm"], 1)
    ours.params["readout"][:] *= 3
    theirs = twin(ours)
    adam, optimizer = Adam(ours.weights, 0.03), torch.optim.Adam(theirs.parameters(), lr=0.03)
    norms = []
    for _ in range(12):
        batch = texts(draw)
        optimizer.zero_grad()
        batch_loss(theirs, batch, 0.3).backward()
        norms.append(float(nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)))
        optimizer.step()
        ours.loss(batch, 0.3)
        adam.step(ours.gradient)
    assert min(norms) < 1 < max(norms)
    for name, value in parameters(theirs).items():
        np.testing.assert_allclose(ours.params[name], value.detach().numpy(), rtol=1e-9, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("name", CELLS)
def test_it_starts_as_torch_does(name: str) -> None:
    """Not the same numbers, but the same law: biases, bounds and spread of each parameter, and orthogonal matrices."""
    cell = CELLS[name]
    ours = Learner(cell, 60, 40, 30, 2, np.random.default_rng(0), np.float64)
    torch.manual_seed(0)
    for key, value in parameters(TorchNetwork(cell, 60, 40, 30, 2)).items():
        mine, theirs = ours.params[key], value.detach().numpy()
        param = next((p for p in cell.params if p.name == key.partition(".")[2]), None)
        assert mine.shape == theirs.shape
        if mine.ndim == 1 or (param and param.fixed):
            np.testing.assert_allclose(mine, theirs)
        elif param and param.axes == ("hidden", "hidden"):
            np.testing.assert_allclose(mine @ mine.T, np.eye(30), atol=1e-12)
        else:
            near = 0.5 if key == "embedding" else 0.02  # the others have bounds, which so many numbers come close to
            assert mine.std() == pytest.approx(theirs.std(), rel=0.1), key
            assert np.abs(mine).max() == pytest.approx(np.abs(theirs).max(), rel=near), key


@pytest.mark.parametrize("task", MINIATURES)
def test_it_learns(task: str) -> None:
    mini, draw = MINIATURES[task], np.random.default_rng(0)
    ours = Learner(CELLS["lstm"], len(mini.vocabulary) + 1, 8, 16, 1, draw)
    adam = Adam(ours.weights, 0.02)
    tests = mini.rows(np.random.default_rng(MEASURE_SEED), 100)
    before = answers_right(ours.network("x", mini.tokenizer), tests)
    for _ in range(600):
        ours.loss(batch_of(mini.rows(draw, 32), draw), 0.1)
        adam.step(ours.gradient)
    assert answers_right(ours.network("x", mini.tokenizer), tests) > max(0.9, before)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_learns_in_single_precision(name: str) -> None:
    mini, draw = MINIATURES["count"], np.random.default_rng(0)
    ours = Learner(CELLS[name], len(mini.vocabulary) + 1, 8, 8, layers_of(CELLS[name]), draw)
    adam, losses = Adam(ours.weights, 0.01), []
    for _ in range(120):
        losses.append(ours.loss(batch_of(mini.rows(draw, 32), draw), 0.0))
        adam.step(ours.gradient)
    assert ours.weights.dtype == np.float32 and np.isfinite(losses).all()
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])


def test_a_networks_numbers_are_its_learners() -> None:
    """The loss again, from what the network that is shown says of the same texts."""
    ours, draw = learner(CELLS["gru"], 2)
    batch = texts(draw)
    network = ours.network("x", MINIATURES["pronouns"].tokenizer)
    trace = network.read(batch.inputs)
    logits = network.predicts.scores(network.reads(trace.signals))
    each = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, batch.targets[..., None], -1)[..., 0]
    assert (batch.weights * each).sum() == pytest.approx(ours.loss(batch, 0.0), rel=1e-6)


def test_all_answers_weigh_as_much_as_one() -> None:
    made = batches.batch_of(MINIATURES["copy"].rows(np.random.default_rng(0), 9), np.random.default_rng(0), 0.3, 0.5)
    answers = made.weights > 0
    assert made.weights.sum() == pytest.approx(1.3)
    assert not made.weights[made.read == 0].any() and answers.any()
