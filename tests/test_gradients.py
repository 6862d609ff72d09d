"""Back-propagation by hand: against autograd on loops written here, on torch.nn, and on our scan for every cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cases
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from traces import GATED, random_trace

import lstm_core
from lstm_core import CELLS, Trace
from lstm_core.analysis import flow, gradients, jacobians, word_error
from lstm_core.analysis.derivatives import DERIVATIVES
from lstm_core.analysis.tape import ARITHMETIC
from lstm_core.ops import NUMPY, TorchOps
from lstm_core.scan import scan
from lstm_core.variant import activation, variant

CLOSE: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10}
ERROR = np.array([0.4, -1.1, 0.7, 0.2])
Loop = Callable[[dict[str, Tensor], Tensor, dict[str, Tensor]], list[dict[str, Tensor]]]


def lstm(p: dict[str, Tensor], x: Tensor, s: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    steps, h, c = [], s["h"], s["c"]
    for now in x:
        net = {k: p[f"W_{k}"] @ now + p[f"U_{k}"] @ h + p[f"b_{k}"] for k in "ifgo"}
        c = torch.sigmoid(net["f"]) * c + torch.sigmoid(net["i"]) * torch.tanh(net["g"])
        h = torch.sigmoid(net["o"]) * torch.tanh(c)
        steps.append(net | {"c": c, "h": h})
    return steps


def gru(p: dict[str, Tensor], x: Tensor, s: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    steps, h = [], s["h"]
    for now in x:
        net = {k: p[f"W_{k}"] @ now + p[f"U_{k}"] @ h + p[f"b_{k}"] for k in "rz"}
        net["n"] = p["W_n"] @ now + p["b_n"] + torch.sigmoid(net["r"]) * (p["U_n"] @ h + p["b_hn"])
        z = torch.sigmoid(net["z"])
        h = z * h + (1 - z) * torch.tanh(net["n"])
        steps.append(net | {"h": h})
    return steps


def gru_cho(p: dict[str, Tensor], x: Tensor, s: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    steps, h = [], s["h"]
    for now in x:
        net = {k: p[f"W_{k}"] @ now + p[f"U_{k}"] @ h + p[f"b_{k}"] for k in "rz"}
        net["n"] = p["W_n"] @ now + p["b_n"] + p["U_n"] @ (torch.sigmoid(net["r"]) * h)
        z = torch.sigmoid(net["z"])
        h = z * h + (1 - z) * torch.tanh(net["n"])
        steps.append(net | {"h": h})
    return steps


def rnn(p: dict[str, Tensor], x: Tensor, s: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    steps, h = [], s["h"]
    for now in x:
        a = p["W_a"] @ now + p["U_a"] @ h + p["b_a"]
        h = torch.tanh(a)
        steps.append({"a": a, "h": h})
    return steps


LOOPS: dict[str, Loop] = {"lstm": lstm, "gru": gru, "gru_cho": gru_cho, "rnn": rnn}


def run_loop(trace: Trace) -> tuple[dict[str, Tensor], Tensor, list[dict[str, Tensor]]]:
    """The trace's run again, in a graph: parameters, inputs and the quantities of each step."""
    params = {name: torch.tensor(value, requires_grad=True) for name, value in trace.layers[0][0].items()}
    x = torch.tensor(trace.inputs[:, 0], requires_grad=True)
    initial = {name: torch.tensor(value[0, 0, 0]) for name, value in trace.initial.items()}
    steps = LOOPS[trace.cell.name](params, x, initial)
    np.testing.assert_allclose(steps[-1]["h"].detach(), trace.signals["h"][0, 0, -1, 0], rtol=1e-12)
    return params, x, steps


def gradient_of(y: Tensor, x: Tensor) -> np.ndarray:
    """dy/dx, zeros where y does not depend on x."""
    return torch.autograd.grad(y, x, retain_graph=True, materialize_grads=True, allow_unused=True)[0].numpy()


@pytest.mark.parametrize("step", [6, 3])
@pytest.mark.parametrize("name", LOOPS)
def test_everything_equals_autograd(name: str, step: int) -> None:
    trace = random_trace(name)
    params, x, steps = run_loop(trace)
    goal = steps[step]["h"] @ torch.tensor(ERROR)
    found = gradients(trace, step, ERROR)
    for param, value in params.items():
        expected = gradient_of(goal, value)
        np.testing.assert_allclose(found.weight(param), expected, **CLOSE, err_msg=param)
        parts = found.contributions(param)
        assert parts.shape == (7, *expected.shape) and not parts[step + 1 :].any()
        np.testing.assert_allclose(parts.sum(0), expected, **CLOSE)
        norms = [np.linalg.norm(part) for part in parts]
        np.testing.assert_allclose(found.contribution_norms(param), norms, **CLOSE)
    np.testing.assert_allclose(found.inputs, gradient_of(goal, x), **CLOSE)
    assert set(found.deltas) | set(found.states) == set(steps[0])
    for signal, errors in {**found.deltas, **found.states}.items():
        expected = np.stack([gradient_of(goal, quantities[signal]) for quantities in steps])
        np.testing.assert_allclose(errors[0, 0], expected, **CLOSE, err_msg=signal)
        np.testing.assert_allclose(found.norm(signal), np.linalg.norm(expected, axis=1), **CLOSE)


@pytest.mark.parametrize(("name", "module"), [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)])
def test_every_layer_and_direction_of_a_module_equals_autograd(name: str, module: Any) -> None:
    torch.manual_seed(0)
    net = module(3, 4, num_layers=2, bidirectional=True).double()
    x = torch.randn(6, 1, 3, dtype=torch.float64, requires_grad=True)
    error = torch.randn(8, dtype=torch.float64)
    (net(x)[0][2, 0] @ error).backward()
    found = gradients(lstm_core.trace(net, x.detach()), 2, error.numpy())
    assert x.grad is not None
    np.testing.assert_allclose(found.inputs, x.grad[:, 0], **CLOSE)
    letters = {"lstm": "ifgo", "gru": "rzn", "rnn": "a"}[name]
    for layer in (0, 1):
        for direction, suffix in enumerate(("", "_reverse")):
            for ours, theirs in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih")):
                gradient = getattr(net, f"{theirs}_l{layer}{suffix}").grad
                for k, letter in enumerate(letters):
                    value = found.weight(f"{ours}_{letter}", layer, direction)
                    np.testing.assert_allclose(value, gradient[4 * k : 4 * k + 4], **CLOSE)


@pytest.mark.parametrize("name", CELLS)
def test_any_cell_equals_autograd_on_our_own_scan(name: str) -> None:
    trace = random_trace(name, layers=2, directions=2, batch=1)
    layers = [
        [{key: torch.tensor(value, requires_grad=True) for key, value in params.items()} for params in row]
        for row in trace.layers
    ]
    x = torch.tensor(trace.inputs, requires_grad=True)
    signals, _ = scan(trace.cell, layers, x, trace.initial, TorchOps("cpu"))
    error = np.concatenate([ERROR, -ERROR[::-1]])
    top = torch.cat(list(signals[trace.cell.output][-1][:, 4, 0]))
    (top @ torch.tensor(error)).backward()
    found = gradients(trace, 4, error)
    np.testing.assert_allclose(found.inputs, x.grad[:, 0], **CLOSE)  # type: ignore[index]
    fixed = {param.name for param in trace.cell.params if param.fixed}
    for layer, row in enumerate(layers):
        for direction, params in enumerate(row):
            for param, value in params.items():
                expected = 0 if value.grad is None else value.grad
                parts = found.contributions(param, layer, direction)
                np.testing.assert_allclose(
                    found.contribution_norms(param, layer, direction), [np.linalg.norm(p) for p in parts], **CLOSE
                )
                if param not in fixed:
                    np.testing.assert_allclose(parts.sum(0), expected, **CLOSE, err_msg=param)
                    np.testing.assert_allclose(found.weight(param, layer, direction), expected, **CLOSE, err_msg=param)


@pytest.mark.parametrize("name", LOOPS)
def test_jacobians_and_their_norms(name: str) -> None:
    trace = random_trace(name)
    _, _, steps = run_loop(trace)
    for state in trace.cell.states():
        found, norms = jacobians(trace, 5, state), flow(trace, 5, state)
        for t in range(7):
            expected = np.stack([gradient_of(steps[5][state][k], steps[t][state]) for k in range(4)])
            np.testing.assert_allclose(found[t], expected, **CLOSE)
            assert norms.norm[t] == pytest.approx(float(np.sqrt((expected**2).sum())))
        assert norms.identity == pytest.approx(2)
        np.testing.assert_allclose(found[5], np.eye(4), **CLOSE)


@pytest.mark.parametrize(("name", "state", "gate"), [("lstm", "c", "f"), ("gru", "h", "z")])
@pytest.mark.parametrize("backward", [False, True])
def test_the_direct_path_is_the_product_of_the_keep_gates(name: str, state: str, gate: str, backward: bool) -> None:
    trace = random_trace(name, directions=2)
    step = 2 if backward else 5
    error = np.concatenate([ERROR, ERROR])
    keep = trace.sel(gate, layer=0, direction=int(backward), batch=0)
    found, whole = flow(trace, step, state, backward=backward), jacobians(trace, step, state, backward=backward)
    errors = gradients(trace, step, error)
    at_step = errors.states[state][0, int(backward), step]
    assert errors.direct is not None and found.direct is not None and found.rest is not None
    for t in range(7):
        between = range(step, t) if backward else range(t + 1, step + 1)
        product = np.ones(4) * (t >= step if backward else t <= step)
        for j in between:
            product = product * keep[j]
        assert found.direct[t] == pytest.approx(float(np.linalg.norm(product)))
        assert found.rest[t] == pytest.approx(float(np.linalg.norm(whole[t] - np.diag(product))), abs=1e-12)
        np.testing.assert_allclose(errors.direct[int(backward), t], product * at_step, atol=1e-12)


def test_without_recurrent_weights_the_lstm_has_only_the_direct_path() -> None:
    trace = random_trace("lstm")
    params = {k: np.zeros_like(v) if k.startswith("U_") else v for k, v in trace.layers[0][0].items()}
    signals, _ = scan(trace.cell, [[params]], trace.inputs, trace.initial)
    alone = Trace(trace.cell, signals, trace.inputs, [[params]], trace.initial)
    share = flow(alone, 6, "c").share
    assert share is not None
    np.testing.assert_allclose(share, 1)
    mixed = flow(trace, 6, "c").share
    assert mixed is not None and mixed[6] == 1 and (mixed[:5] < 0.999).all()
    assert flow(trace, 6, "h").share is None and flow(random_trace("rnn"), 6).share is None


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_the_error_of_a_word_is_the_gradient_of_its_loss(name: str) -> None:
    model = cases.model(name)
    trace = model.run("Mary was late because")
    weight, bias = torch.tensor(model.predicts.whole), torch.tensor(model.predicts.bias)
    h = torch.tensor(trace.signals["h"][0, 0, 2, 0], requires_grad=True)
    loss = nn.functional.cross_entropy(weight @ h + bias, torch.tensor(model.tokenizer.id("she")))
    loss.backward()
    assert h.grad is not None
    np.testing.assert_allclose(word_error(model, trace, 2, "she"), h.grad, atol=1e-5)


def test_what_cannot_be_is_refused_in_words() -> None:
    trace = random_trace("lstm")
    with pytest.raises(ValueError, match=r"\(4,\), not \(3,\)"):
        gradients(trace, 0, np.ones(3))
    with pytest.raises(ValueError, match="no step 7"):
        gradients(trace, 7, ERROR)
    with pytest.raises(ValueError, match="no state 'z'; it has c, h"):
        jacobians(trace, 0, "z")
    with pytest.raises(ValueError, match="no error of 'q'; there are i, f, g, o, c, h"):
        gradients(trace, 0, ERROR).norm("q")
    with pytest.raises(ValueError, match="no parameter 'W'"):
        gradients(trace, 0, ERROR).weight("W")


@pytest.mark.parametrize("op", sorted(set(DERIVATIVES) - {"divides"}))
def test_each_derivative_is_a_difference_quotient(op: str) -> None:
    function: Any = ARITHMETIC.get(op) or getattr(NUMPY, op)
    args = [np.array(0.7), np.array(1.3)][: DERIVATIVES[op].__code__.co_argcount - 1]
    slopes = DERIVATIVES[op](function(*args), *args)
    for k, slope in enumerate(slopes):
        up, down = ([a + s * 1e-6 * (j == k) for j, a in enumerate(args)] for s in (1, -1))
        assert slope == pytest.approx((function(*up) - function(*down)) / 2e-6, abs=1e-8)


def test_a_rectifier_at_0_passes_nothing_back_as_in_torch() -> None:
    """A picture read pixel by pixel begins with zeros, and without biases they leave the net input at 0."""
    torch.manual_seed(0)
    module = nn.RNN(3, 4, nonlinearity="relu", bias=False).double()
    x = torch.randn(6, 1, 3, dtype=torch.float64)
    x[:3] = 0
    x.requires_grad_()
    (module(x)[0][-1, 0] @ torch.tensor(ERROR)).backward()
    found = gradients(lstm_core.trace(module, x.detach()), 5, ERROR).inputs
    assert x.grad is not None and found[3:].any()
    np.testing.assert_allclose(found, x.grad[:, 0], **CLOSE)


AT_0 = {
    "relu": 0,
    "relu6": 0,
    "leakyrelu": 0.01,
    "elu": 1,
    "softplus": 0.5,
    "logsigmoid": 0.5,
    "mish": 0.6,
    "selu": 1.758,
}
"""The slopes of functions there, as torch has them."""


@pytest.mark.parametrize("name", AT_0)
def test_the_slope_of_a_function_at_0_is_torchs(name: str) -> None:
    module = nn.RNN(1, 1, bias=False).double()
    trace = replace(
        lstm_core.trace(module, torch.zeros(1, 1, 1).double()), cell=variant(CELLS["rnn"], shown=activation(name))
    )
    [[found]] = gradients(trace, 0, np.ones(1)).inputs
    assert found / module.weight_ih_l0.item() == pytest.approx(AT_0[name], rel=1e-3)


def test_every_cell_that_carries_a_memory_has_a_direct_path() -> None:
    for name in GATED:
        assert gradients(random_trace(name), 3, ERROR).direct is not None


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "slstm"])
def test_in_single_precision_a_flow_is_the_same_to_what_that_holds(name: str) -> None:
    trace = random_trace(name, time=12)
    state = trace.cell.states()[0]
    double, single = (flow(trace, 11, state, dtype=kind) for kind in (np.float64, np.float32))
    assert single.norm.dtype == np.float32
    np.testing.assert_allclose(single.norm, double.norm, rtol=1e-4, atol=1e-6)
    if double.rest is not None and single.rest is not None:
        np.testing.assert_allclose(single.rest, double.rest, rtol=1e-3, atol=1e-5)
