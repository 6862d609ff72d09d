"""The equations on the screen are the ones that ran: as LaTeX, as numbers, as the rule of the memory, as a graph."""

from __future__ import annotations

from typing import Any

import cases
import numpy as np
import pytest

from lstm_core.cells import CELLS, VARIANTS, Cell
from lstm_core.equations import Carry, carry, equations, graph, latex
from lstm_core.ops import Matrix
from lstm_core.symbols import SymbolicOps, Symbols, evaluate, linear

ALL = CELLS | VARIANTS
EVERY = pytest.mark.parametrize("name", ALL)

LSTM = r"""
i_{t} = \sigma\left(W_{i}\, x_t + U_{i}\, h_{t-1} + b_{i}\right)
f_{t} = \sigma\left(W_{f}\, x_t + U_{f}\, h_{t-1} + b_{f}\right)
g_{t} = \tanh\left(W_{g}\, x_t + U_{g}\, h_{t-1} + b_{g}\right)
o_{t} = \sigma\left(W_{o}\, x_t + U_{o}\, h_{t-1} + b_{o}\right)
c_{t} = f_{t} \odot c_{t-1} + i_{t} \odot g_{t}
h_{t} = o_{t} \odot \tanh\left(c_{t}\right)
"""
GRU = r"""
r_{t} = \sigma\left(W_{r}\, x_t + U_{r}\, h_{t-1} + b_{r}\right)
z_{t} = \sigma\left(W_{z}\, x_t + U_{z}\, h_{t-1} + b_{z}\right)
n_{t} = \tanh\left(W_{n}\, x_t + b_{n} + r_{t} \odot \left(U_{n}\, h_{t-1} + b_{hn}\right)\right)
h_{t} = \left(1 - z_{t}\right) \odot n_{t} + z_{t} \odot h_{t-1}
"""
GRU_CHO = r"""
r_{t} = \sigma\left(W_{r}\, x_t + U_{r}\, h_{t-1} + b_{r}\right)
z_{t} = \sigma\left(W_{z}\, x_t + U_{z}\, h_{t-1} + b_{z}\right)
n_{t} = \tanh\left(W_{n}\, x_t + U_{n}\, \left(r_{t} \odot h_{t-1}\right) + b_{n}\right)
h_{t} = z_{t} \odot h_{t-1} + \left(1 - z_{t}\right) \odot n_{t}
"""


class Swapped(CELLS["gru"]):
    """A GRU with z and 1 - z exchanged: the error that three published teaching tools have."""

    @staticmethod
    def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
        return {"h": v.z * v.n + (1 - v.z) * s.h}


@pytest.mark.parametrize(("name", "lines"), [("lstm", LSTM), ("gru", GRU), ("gru_cho", GRU_CHO)])
def test_latex(name: str, lines: str) -> None:
    assert latex(ALL[name]) == lines.strip().splitlines()


@EVERY
def test_one_line_for_each_signal_with_balanced_brackets(name: str) -> None:
    lines = latex(ALL[name])
    assert {e.name for e in equations(ALL[name])} == {s.name for s in ALL[name].signals}
    assert len(lines) == len(ALL[name].signals)
    for line in lines:
        assert line.count("{") == line.count("}") and line.count(r"\left(") == line.count(r"\right)")
        assert "Expr" not in line and "object" not in line


def values_of_a_run(cell: type[Cell], layers: Any, seed: int = 0) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Every symbol's value by key for all steps of one run, and the signals, each (time, batch, unit)."""
    rng = np.random.default_rng(seed)
    x, first = rng.normal(size=(6, 2, 3)), cases.start(cell, rng, 1, 1, 2, 4)
    signals = {k: v[0, 0] for k, v in cases.run(cell, layers, x, first)[0].items()}
    values: dict[str, Any] = {"x": x} | {f"v.{k}": v for k, v in signals.items()}
    values |= {f"p.{k}": Matrix(v) if v.ndim == 2 else v for k, v in layers[0][0].items()}
    values |= {f"s.{k}": np.concatenate([first[k][0], signals[k][:-1]]) for k in cell.states()}
    values |= {f"s.below_{k}": np.zeros((6, 2, 4)) for k in cell.below}
    return values, signals


@EVERY
def test_an_equation_computes_what_the_scan_computed(name: str) -> None:
    """Each right-hand side, evaluated with the run's own numbers, is the signal on its left."""
    cell = ALL[name]
    values, signals = values_of_a_run(cell, cases.network(cell, np.random.default_rng(1)))
    for equation in equations(cell):
        found = evaluate(equation.expr, values, cases.BACKENDS["numpy"])
        np.testing.assert_allclose(found, signals[equation.name], rtol=0, atol=1e-13, err_msg=equation.name)


def test_a_formula_that_did_not_run_does_not_fit() -> None:
    """The same check with the swapped GRU's equations on the GRU's numbers."""
    cell = CELLS["gru"]
    values, signals = values_of_a_run(cell, cases.network(cell, np.random.default_rng(1)))
    wrong = {e.name: evaluate(e.expr, values, cases.BACKENDS["numpy"]) for e in equations(Swapped)}
    np.testing.assert_allclose(wrong["n"], signals["n"], atol=1e-13)
    assert np.abs(wrong["h"] - signals["h"]).max() > 0.1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lstm", ("c", "g", "f", "i")), ("gru", ("h", "n", "z", "1 - z")), ("gru_cho", ("h", "n", "z", "1 - z"))],
)
def test_the_rule_of_the_memory_is_found(name: str, expected: tuple[str, ...]) -> None:
    rule = carry(ALL[name])
    assert rule is not None
    assert (rule.state, rule.candidate, rule.label("keep"), rule.label("write")) == expected


def test_the_plain_rnn_has_no_such_rule() -> None:
    assert carry(CELLS["rnn"]) is None


def check_carry(cell: type[Cell], rule: Carry) -> None:
    """keep * old + write * candidate is the new state, and keep is what the cell declares to keep."""
    values, signals = values_of_a_run(cell, cases.network(cell, np.random.default_rng(2)))
    keep, write = (rule.evaluate(role, signals) for role in ("keep", "write"))
    expected = keep * values[f"s.{rule.state}"] + write * signals[rule.candidate]
    np.testing.assert_allclose(signals[rule.state], expected, rtol=0, atol=1e-12)
    for role in ("keep", "write"):
        declared = [signal.name for signal in cell.signals if signal.role == role]
        found = rule.label(role)
        assert declared in ([], [found]), f"{declared} is declared to {role}; the update has {found}"


@EVERY
def test_the_rule_of_the_memory_holds_in_numbers(name: str) -> None:
    rule = carry(ALL[name])
    if rule is not None:
        check_carry(ALL[name], rule)


def test_exchanging_z_and_1_minus_z_shows_everywhere() -> None:
    """In the formula, in the rule, and against the declared role: a cell cannot say one thing and do another."""
    assert latex(Swapped)[-1] == r"h_{t} = z_{t} \odot n_{t} + \left(1 - z_{t}\right) \odot h_{t-1}"
    rule = carry(Swapped)
    assert rule is not None and (rule.label("keep"), rule.label("write")) == ("1 - z", "z")
    with pytest.raises(AssertionError, match=r"\['z'\] is declared to keep; the update has 1 - z"):
        check_carry(Swapped, rule)


def reached(edges: tuple[tuple[int, int], ...], start: int) -> set[int]:
    """Every node that something flows to from ``start``."""
    found, todo = set(), [start]
    while todo:
        node = todo.pop()
        todo.extend(b for a, b in edges if a == node and b not in found)
        found.update(b for a, b in edges if a == node)
    return found


@EVERY
def test_graph_is_connected_and_has_no_parameters(name: str) -> None:
    g = graph(ALL[name])
    ids = {node.id for node in g.nodes}
    assert len(ids) == len(g.nodes) and {end for edge in g.edges for end in edge} <= ids
    assert not [node for node in g.nodes if node.expr.op == "symbol" and node.expr.args[0].startswith("p.")]
    assert sorted(n.signal for n in g.nodes if n.signal) == sorted(s.name for s in ALL[name].signals)
    sources = {node.id for node in g.nodes if node.kind in ("input", "old", "number")}
    for node in g.nodes:
        assert node.id not in reached(g.edges, node.id), "a step has no loop"
        assert (node.id in sources) != any(to == node.id for _, to in g.edges), node
        assert node.signal or reached(g.edges, node.id), f"{node} flows nowhere"


@EVERY
def test_graph_shows_what_depends_on_what(name: str) -> None:
    """A path leads from a source to a signal if and only if moving the source moves the signal."""
    cell = ALL[name]
    [[params]] = layers = cases.network(cell, np.random.default_rng(3))
    rng, g = np.random.default_rng(4), graph(cell)
    sources = {"x": rng.normal(size=(1, 1, 3)), **cases.start(cell, rng, 1, 1, 1, 4)}
    before, _ = cases.run(cell, layers, sources["x"], sources)
    for source, value in sources.items():
        moved = sources | {source: value * 0.5 + 0.1}
        after, _ = cases.run(cell, layers, moved["x"], moved)
        changed = {k for k in before if not np.array_equal(before[k], after[k])}
        starts = [n.id for n in g.nodes if n.label == source and n.kind in ("input", "old")]
        path = {to for at in starts for to in reached(g.edges, at)}
        assert {n.signal for n in g.nodes if n.signal and n.id in path} == changed, source


def test_brackets_stand_where_the_order_needs_them() -> None:
    """a - (b - c), (a - b) - c, a / b and -(a + b), in LaTeX and in plain text, in a cell made for it."""

    class Odd(Cell):
        name, title, source = "odd", "Odd", "none"
        signals, params = CELLS["rnn"].signals, CELLS["rnn"].params

        @staticmethod
        def gates(p: Any, x: Any, s: Any, xp: Any) -> dict[str, Any]:
            return {"a": -(p.b_a + s.h) / 2}

        @staticmethod
        def update(p: Any, v: Any, s: Any, xp: Any) -> dict[str, Any]:
            return {"h": (1 - (v.a - s.h)) * (v.a - 2 - s.h)}

    assert latex(Odd) == [
        r"a_{t} = \frac{-\left(b_{a} + h_{t-1}\right)}{2}",
        r"h_{t} = \left(1 - \left(a_{t} - h_{t-1}\right)\right) \odot \left(a_{t} - 2 - h_{t-1}\right)",
    ]
    values, signals = values_of_a_run(Odd, cases.network(Odd, np.random.default_rng(1)))
    for equation in equations(Odd):
        found = evaluate(equation.expr, values, cases.BACKENDS["numpy"])
        np.testing.assert_allclose(found, signals[equation.name], rtol=0, atol=1e-13)


def test_linear_splits_an_expression_or_says_it_cannot() -> None:
    """a and b with expr = a * s + b, checked by their values; a square and a function of s are not linear in it."""
    xp, s, v = SymbolicOps(), Symbols("s").c, Symbols("v")
    numbers = {"s.c": 0.3, "v.f": 0.7, "v.g": -0.4}
    ops = cases.BACKENDS["numpy"]
    for expr in (
        v.f * s + v.g,
        v.g - s * v.f,
        (s - v.g) / v.f,
        v.f * (s + v.g) - (1 - v.f) * s,
        -(s + 1) * 2,
        xp.tanh(v.g),
    ):
        parts = linear(expr, "s.c")
        assert parts is not None
        a, b = (evaluate(part, numbers, ops) for part in parts)
        np.testing.assert_allclose(a * 0.3 + b, evaluate(expr, numbers, ops), atol=1e-15)
        assert not any("s.c" in repr(part) for part in parts)
    for expr in (s * s, v.f * xp.tanh(s), v.f / s, xp.maximum(s, v.f)):
        assert linear(expr, "s.c") is None
