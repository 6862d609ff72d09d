"""The numbers of the walk are the trace's, term by term, for every cell that there is."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.figures.walk import Values, drawing, pushes, stages, tree
from lstm_core.analysis.steps import Steps, steps
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.equations import equations
from lstm_core.scan import scan
from lstm_core.trace import Trace

HIDDEN, INPUT, TIME = 6, 5, 9


def random_trace(cell: type[Cell]) -> Trace:
    rng = np.random.default_rng(1)

    def layer(inputs: int) -> dict[str, np.ndarray]:
        made = {}
        for param in cell.params:
            shape = param.shape(inputs, HIDDEN)
            made[param.name] = rng.normal(size=shape) if param.fixed is None else np.asarray(param.fixed(HIDDEN), float)
        return made

    layers = [[layer(INPUT)], [layer(HIDDEN)]]
    x = rng.normal(size=(TIME, 1, INPUT))
    initial = {name: np.zeros((2, 1, 1, HIDDEN)) for name in cell.states()}
    signals, _ = scan(cell, layers, x, initial)
    return Trace(cell, signals, x, layers, initial)


@pytest.fixture(params=CELLS)
def done(request: pytest.FixtureRequest) -> Steps:
    return steps(random_trace(CELLS[request.param]), layer=1)


def number(node: dict, values: Values) -> np.ndarray | float:
    """What the browser computes if it writes a formula out in full: its numbers, put together again."""
    if "n" in node:
        return node["n"]
    if "s" in node or node["o"] == "@":
        return values.arrays[node["v"]]
    args = [number(arg, values) for arg in node["a"]]
    functions = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "log_sigmoid": lambda a: -np.log1p(np.exp(-a)),
        "tanh": np.tanh,
        "exp": np.exp,
        "maximum": np.maximum,
        "divides": lambda a, b: (b % a == 0).astype(float),
    }
    return functions[node["o"]](*args)


def test_every_formula_written_in_numbers_gives_the_signal(done: Steps) -> None:
    values = Values(done)
    for line in equations(done.cell):
        written = number(tree(line.expr, line.names, values, root=True), values)
        np.testing.assert_allclose(written, done.signals[line.name], atol=2e-5, rtol=1e-5, err_msg=line.name)


@pytest.mark.parametrize("name", ["lstm", "gru", "peephole", "coupled", "depth_gated", "grid"])
def test_what_pushes_a_gate_sums_to_what_it_is_made_from(name: str) -> None:
    """Peepholes too: what a weight makes of a state pushes, not the weight."""
    done = steps(random_trace(CELLS[name]), layer=1)
    values = Values(done)
    for line in equations(done.cell):
        if line.expr.op == "sigmoid":
            found = pushes(line.expr, line.names, done, values, root=True)
            total = sum(values.arrays[push["value"]] for push in found)
            np.testing.assert_allclose(1 / (1 + np.exp(-total)), done.signals[line.name], atol=2e-5)
            for push in found:
                if "matrix" in push:
                    source = done.x if push["source"] == "x" else done.old[push["source"][2:]]
                    product = source @ done.params[push["matrix"]].T
                    np.testing.assert_allclose(values.arrays[push["value"]], product, atol=2e-5)


def test_a_reset_gates_bias_does_not_push_the_candidate() -> None:
    done = steps(random_trace(CELLS["gru"]), layer=1)
    line = next(line for line in equations(CELLS["gru"]) if line.name == "n")
    found = pushes(line.expr, line.names, done, Values(done), root=True)
    assert {push["bias"] for push in found if "bias" in push} == {"b_n", "b_hn"}


def test_every_node_of_the_drawing_has_the_value_of_what_it_computes(done: Steps) -> None:
    values = Values(done)
    for node in drawing(done.cell, values)["nodes"]:
        if node["kind"] == "input":
            assert node["value"] is None
        elif node["signal"]:
            np.testing.assert_allclose(values.arrays[node["value"]], done.signals[node["signal"]], atol=2e-5)


@pytest.mark.parametrize("name", CELLS)
def test_every_signal_has_its_place_in_the_walk_once(name: str) -> None:
    walked = [signal.name for _, signals in stages(CELLS[name]) for signal in signals]
    assert sorted(walked) == sorted(signal.name for signal in CELLS[name].signals)


def test_the_walk_of_the_essay() -> None:
    walked = [(stage.name, [signal.name for signal in signals]) for stage, signals in stages(CELLS["lstm"])]
    assert walked == [
        ("What to forget", ["f"]),
        ("What to write", ["i", "g"]),
        ("Update the memory", ["c"]),
        ("What to show", ["o", "h"]),
    ]
