"""What is particular about each of the cells that came later; ``test_cells`` has what holds for every cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cases
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from latex_reader import compute, letter
from oracles import ORACLES

from lstm_core.cells import CELLS, Cell
from lstm_core.cells.clockwork import connections, periods
from lstm_core.equations import carry, equations, graph, latex
from lstm_core.ops import NUMPY, Matrix, TorchOps, parameters
from lstm_core.scan import scan

EVERY = pytest.mark.parametrize("name", CELLS)
BELOW = pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if cell.below])

CARRY = {
    "peephole": ("c", "g", "f", "i", "0"),
    "coupled": ("c", "g", "f", "i", "0"),
    "depth_gated": ("c", "g", "f", "i", "d * below_c"),
    "clockwork": ("h", "n", "1 - u", "u", "0"),
    "grid": ("c", "g", "f", "i", "0"),
    "janet": ("h", "g", "f", "1 - f", "0"),
    "minlstm": ("h", "g", "f", "i", "0"),
    "mingru": ("h", "n", "1 - z", "z", "0"),
    "slstm": ("c", "z", "f", "i", "0"),
}


def upper_layer(cell: type[Cell], layers: Any, seed: int = 0) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Every symbol's value by key in the upper of two layers, (time, batch, unit) each, and its signals."""
    rng = np.random.default_rng(seed)
    x, first = rng.normal(size=(6, 2, 3)), cases.start(cell, rng, 2, 1, 2, 4)
    signals = cases.run(cell, layers, x, first)[0]
    lower, upper = ({k: v[layer, 0] for k, v in signals.items()} for layer in (0, 1))
    values: dict[str, Any] = {"x": lower[cell.output]} | {f"v.{k}": v for k, v in upper.items()}
    values |= {f"p.{k}": v for k, v in layers[1][0].items()}
    values |= {f"s.{k}": np.concatenate([first[k][1], upper[k][:-1]]) for k in cell.states()}
    values |= {f"s.below_{k}": lower[k] for k in cell.below}
    return values, upper


@EVERY
def test_the_latex_that_is_shown_computes_what_ran(name: str) -> None:
    """Each printed line is read back as a reader would read it, and gives the signal on its left."""
    cell = CELLS[name]
    values, signals = upper_layer(cell, cases.network(cell, np.random.default_rng(1), layers=2))
    written = {letter(key): value for key, value in values.items()}
    assert len(written) == len(values), "two quantities are written alike"
    for line, equation in zip(latex(cell), equations(cell), strict=True):
        left, right = line.split(" = ", 1)
        assert left == letter(f"v.{equation.name}")
        np.testing.assert_allclose(compute(right, written), signals[equation.name], rtol=0, atol=1e-12, err_msg=line)


@pytest.mark.parametrize("name", CARRY)
def test_the_rule_of_the_memory(name: str) -> None:
    """Found from the update, and right in numbers: keep * old + write * candidate + rest, in a layer with one below."""
    cell, rule = CELLS[name], carry(CELLS[name])
    assert rule is not None
    assert (rule.state, rule.candidate, *map(rule.label, ("keep", "write", "rest"))) == CARRY[name]
    values, signals = upper_layer(cell, cases.network(cell, np.random.default_rng(2), layers=2))
    known = signals | {f"below_{key}": values[f"s.below_{key}"] for key in cell.below}
    keep, write, rest = (rule.evaluate(role, known) for role in ("keep", "write", "rest"))
    expected = keep * values[f"s.{rule.state}"] + write * signals[rule.candidate] + rest
    np.testing.assert_allclose(signals[rule.state], expected, rtol=0, atol=1e-12)


@BELOW
def test_the_layer_above_reads_the_one_below(name: str) -> None:
    """The second layer equals the oracle that is given the first one's output and what is read beside it."""
    cell = CELLS[name]
    rng = np.random.default_rng(3)
    layers = cases.network(cell, rng, layers=2, directions=2)
    x, first = rng.normal(size=(5, 1, 3)), cases.start(cell, rng, 2, 2, 1, 4)
    signals, _ = cases.run(cell, layers, x, first)
    both = np.concatenate(list(signals[cell.output][0][:, :, 0]), axis=-1)
    for direction, turn in ((0, slice(None)), (1, slice(None, None, -1))):
        params = {key: value.tolist() for key, value in layers[1][direction].items()}
        old = {key: value[1, direction, 0].tolist() for key, value in first.items()}
        below = {key: signals[key][0, direction, :, 0][turn].tolist() for key in cell.below}
        steps = ORACLES[name](params, both[turn].tolist(), old, below)
        for key, value in signals.items():
            found = value[1, direction, :, 0][turn]
            np.testing.assert_allclose(found, [step[key] for step in steps], rtol=1e-12, atol=1e-12, err_msg=key)


@EVERY
def test_gradcheck(name: str) -> None:
    """The gradients of every signal of two layers, in float64, with respect to input, first state and parameters."""
    rng, cell = np.random.default_rng(4), CELLS[name]
    layers = cases.network(cell, rng, inputs=2, hidden=2, layers=2)
    fixed = {param.name for param in cell.params if param.fixed is not None}
    keys = [(layer, key) for layer in (0, 1) for key in layers[layer][0] if key not in fixed]
    learned = [torch.tensor(layers[layer][0][key], requires_grad=True) for layer, key in keys]
    starts = {key: torch.tensor(value) for key, value in cases.start(cell, rng, 2, 1, 1, 2).items()}
    smooth = [key for key in starts if cell.signal(key).role != "clock"]
    x = torch.tensor(rng.normal(size=(3, 1, 2)), requires_grad=True)

    def outputs(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rest = iter(values[1 + len(smooth) :])
        rows = [[{key: torch.as_tensor(value) for key, value in row[0].items()}] for row in layers]
        for layer, key in keys:
            rows[layer][0][key] = next(rest)
        state = starts | dict(zip(smooth, values[1 : 1 + len(smooth)], strict=True))
        return tuple(v for v in scan(cell, rows, values[0], state, TorchOps())[0].values() if v.requires_grad)

    states = [starts[key].requires_grad_() for key in smooth]
    assert torch.autograd.gradcheck(outputs, (x, *states, *learned))


@EVERY
def test_a_model_of_two_layers_and_directions_runs(name: str) -> None:
    model = cases.model(name, layers=2, directions=2)
    trace = model.run("Mary was late because she")
    assert all(value.shape == (2, 2, 5, 1, 5) for value in trace.signals.values())
    assert len(model.next_tokens(trace, -1, k=3)) == 3


@BELOW
def test_what_comes_from_the_layer_below_is_in_the_graph(name: str) -> None:
    labels = {node.label for node in graph(CELLS[name]).nodes}
    assert {f"below_{key}" for key in CELLS[name].below} <= labels


# One cell is another one with some of its parameters at 0, or with two of its gates made one.


def reduces(
    name: str, to: str, params: dict[str, np.ndarray], drop: tuple[str, ...], added: dict[str, Any] | None = None
) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(6, 2, 3))
    found, _ = cases.run(CELLS[name], [[params]], x)
    expected, _ = cases.run(CELLS[to], [[{k: v for k, v in params.items() if k not in drop} | (added or {})]], x)
    for key in set(found) & set(expected):
        np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=1e-13, err_msg=key)


def test_without_its_peepholes_it_is_the_lstm() -> None:
    params = cases.parameters(CELLS["peephole"], 3, 4, np.random.default_rng(6))
    peepholes = ("p_i", "p_f", "p_o")
    reduces("peephole", "lstm", params | dict.fromkeys(peepholes, np.zeros(4)), peepholes)
    with pytest.raises(AssertionError):
        reduces("peephole", "lstm", params, peepholes)


def test_the_coupled_lstm_is_the_lstm_with_i_the_opposite_of_f() -> None:
    params = cases.parameters(CELLS["coupled"], 3, 4, np.random.default_rng(6))
    reduces("coupled", "lstm", params, (), {f"{k}_i": -params[f"{k}_f"] for k in ("W", "U", "b")})


def test_the_first_depth_gated_layer_is_the_peephole_lstm() -> None:
    params = cases.parameters(CELLS["depth_gated"], 3, 4, np.random.default_rng(6))
    drop = ("W_d", "b_d", "w_cd", "w_ld", "w_ci", "w_cf", "w_co")
    reduces("depth_gated", "peephole", params, drop, {f"p_{k}": params[f"w_c{k}"] for k in "ifo"})


def test_a_clockwork_whose_periods_are_1_is_the_plain_rnn() -> None:
    params = cases.parameters(CELLS["clockwork"], 3, 4, np.random.default_rng(6))
    plain = {"T": np.ones(4), "M": np.ones((4, 4))}
    rng = np.random.default_rng(5)
    x = rng.normal(size=(6, 2, 3))
    found, _ = cases.run(CELLS["clockwork"], [[params | plain]], x)
    expected, _ = cases.run(CELLS["rnn"], [[{f"{k}_a": params[f"{k}_n"] for k in ("W", "U", "b")}]], x)
    np.testing.assert_allclose(found["h"], expected["h"], rtol=0, atol=1e-14)


# Clockwork RNN


def test_the_clock_is_seen_in_the_trace() -> None:
    """Eight units, two of each period: u strikes at multiples of the period, and between strikes h stands still."""
    rng, cell = np.random.default_rng(7), CELLS["clockwork"]
    np.testing.assert_array_equal(periods(8), [1, 1, 2, 2, 4, 4, 8, 8])
    for directions in (1, 2):
        layers = cases.network(cell, rng, hidden=8, directions=directions)
        signals, _ = cases.run(cell, layers, rng.normal(size=(17, 1, 3)))
        for direction in range(directions):
            turn = slice(None, None, -1 if direction else 1)  # the backward clock starts at the last word
            u, h, k = (signals[name][0, direction, turn, 0] for name in ("u", "h", "k"))
            np.testing.assert_array_equal(u, (np.arange(17)[:, None] % periods(8) == 0) * 1.0)
            np.testing.assert_array_equal(k, np.broadcast_to(np.arange(1, 18)[:, None], (17, 8)))
            moved = np.diff(h, axis=0, prepend=np.zeros((1, 8))) != 0
            np.testing.assert_array_equal(moved, u == 1)


def test_slow_modules_do_not_read_fast_ones() -> None:
    mask = connections(8)
    np.testing.assert_array_equal(mask, np.kron(np.triu(np.ones((4, 4))), np.ones((2, 2))))
    rng, cell = np.random.default_rng(8), CELLS["clockwork"]
    [[params]] = layers = cases.network(cell, rng, hidden=8)
    x = rng.normal(size=(20, 1, 3))
    before = cases.run(cell, layers, x)[0]["h"]
    changed = params | {"b_n": params["b_n"] + np.array([0, 0, 1, 1, 0, 0, 0, 0])}  # period 2
    after = cases.run(cell, [[changed]], x)[0]["h"]
    different = (before != after).any(axis=(0, 1, 2, 3))
    np.testing.assert_array_equal(different, [True] * 4 + [False] * 4)


def test_few_units_still_have_periods() -> None:
    np.testing.assert_array_equal(periods(1), [1])
    np.testing.assert_array_equal(periods(3), [1, 2, 4])
    assert connections(3).shape == (3, 3)


# sLSTM and minLSTM: written so that nothing overflows, and equal to the plain formula where that one can be computed


@given(seed=st.integers(0, 2**32 - 1))
def test_the_stabiliser_changes_nothing(seed: int) -> None:
    """The paper's c, n and h without m (equations 8 to 14): c e^-m and n e^-m are ours."""
    rng, cell = np.random.default_rng(seed), CELLS["slstm"]
    [[params]] = layers = cases.network(cell, rng, scale=0.5)
    x = rng.normal(size=(8, 1, 3))
    signals = {key: value[0, 0, :, 0] for key, value in cases.run(cell, layers, x)[0].items()}
    p = SimpleNamespace(**params)
    h = c = n = np.zeros(4)
    for t, word in enumerate(x[:, 0]):
        i, f, z, o = (getattr(p, f"W_{k}") @ word + getattr(p, f"U_{k}") @ h + getattr(p, f"b_{k}") for k in "ifzo")
        c, n = np.exp(f) * c + np.exp(i) * np.tanh(z), np.exp(f) * n + np.exp(i)
        h = c / n / (1 + np.exp(-o))
        np.testing.assert_allclose(signals["h"][t], h, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(signals["c"][t] * np.exp(signals["m"][t]), c, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.maximum(signals["i"], signals["f"]), 1, rtol=0, atol=1e-12)
    assert np.abs(signals["h"]).max() <= 1


@pytest.mark.parametrize("backend", cases.BACKENDS)
def test_exponential_gates_do_not_overflow(backend: str) -> None:
    rng, cell = np.random.default_rng(9), CELLS["slstm"]
    [[params]] = cases.network(cell, rng)
    layers = [[params | {"b_i": np.full(4, 1000.0), "b_f": np.full(4, 990.0)}]]
    signals, _ = cases.run(cell, layers, rng.normal(size=(500, 1, 3)), backend=backend)
    assert all(np.isfinite(value).all() for value in signals.values())
    assert np.abs(signals["h"]).max() <= 1


def test_two_shut_gates_still_share_out_one_whole() -> None:
    cell = CELLS["minlstm"]
    params = cases.parameters(cell, 3, 4, np.random.default_rng(10))
    shut = params | {"b_f": np.full(4, -2000.0), "b_i": np.full(4, -2001.0)}
    zero = np.zeros((1, 3))
    for xp in cases.BACKENDS.values():
        p = parameters({key: xp.asarray(value) for key, value in shut.items()})
        gates = cell.gates(p, xp.asarray(zero), SimpleNamespace(), xp)
        np.testing.assert_allclose(xp.to_numpy(gates["f"]), 1 / (1 + np.exp(-1.0)), rtol=1e-12)
        np.testing.assert_allclose(xp.to_numpy(gates["f"] + gates["i"]), 1, rtol=1e-15)


def test_a_masked_matrix() -> None:
    rng = np.random.default_rng(11)
    a, b, x = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=(2, 3))
    np.testing.assert_allclose((Matrix(a) * Matrix(b)) @ x, x @ (a * b).T, rtol=1e-14)
    assert NUMPY.divides(np.array(2.0), np.arange(4.0)).tolist() == [1, 0, 1, 0]
