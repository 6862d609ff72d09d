"""The notations of the walk: what is written in each of them, run as the program that it is, gives the trace."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from dashboard.figures.walk import side
from lstm_core import CELLS
from lstm_core.equations import carry
from tests.javascript import evaluate
from tests.small_models import small_model
from tests.traces import random_trace

KINDS = ("", "essays", "slides")
SHOWN = ("equations", "signals", "memory", "candidate", "output", "below", "layer")


def ask(sides: list[dict[str, Any]], code: str) -> Any:
    """What ``code`` makes of each side (``side``) in each notation (``style``)."""
    given = [{name: side[name] for name in SHOWN} for side in sides]
    styles = f"{json.dumps(KINDS)}.map((kind) => ((side, style) => {code})(side, new all.Notation(kind, side)))"
    return evaluate("walk/notation.js", f"given.map((side) => {styles})", given)


class Blocks:
    """A weight that reads what stands beside each other in brackets."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __matmul__(self, read: Any) -> np.ndarray:
        return self.array @ (np.concatenate(read) if isinstance(read, list) else read)

    def __mul__(self, other: Blocks) -> Blocks:
        return Blocks(self.array * other.array)


def weights(kind: str, cell: type, params: dict[str, np.ndarray]) -> dict[str, Any]:
    """The parameters under the names that the notation has for them, as the essays and the slides define these."""
    rule = carry(cell)
    found: dict[str, np.ndarray] = {}
    for name, value in params.items():
        base, _, index = name.partition("_")
        if kind == "slides":
            base = {"W": "U", "U": "W"}.get(base, base)
        if kind == "essays" and rule and index == rule.candidate:
            index = rule.state if rule.state == cell.output else rule.state.upper()
        found[f"{base}_{index}" if index else base] = value
    return {name: Blocks(value) if value.ndim == 2 else value for name, value in found.items()}


def joined(kind: str, program: str, space: dict[str, Any]) -> dict[str, Any]:
    """The essays' W_f, [U_f, W_f], where the program reads two things with it."""
    both = set(re.findall(r"W_(\w+) @ \[", program)) if kind == "essays" else ()
    glued = {f"W_{k}": Blocks(np.concatenate([space[f"U_{k}"].array, space[f"W_{k}"].array], axis=1)) for k in both}
    return space | glued


FUNCTIONS = {
    "σ": lambda a: 1 / (1 + np.exp(-a)),
    "logσ": lambda a: -np.logaddexp(0, -a),
    "tanh": np.tanh,
    "exp": np.exp,
    "max": np.maximum,
}


@pytest.fixture(scope="module")
def programs() -> dict[str, Any]:
    """By cell, notation and order: the program as the page shows it."""
    sides = [side(small_model(name), random_trace(name, batch=1, layers=2), 0, 1, 0) for name in CELLS]
    code = "[false, true].map((swapped) => all.program(side, style, swapped).map(([line]) => line).join('\\n'))"
    return dict(zip(CELLS, ask(sides, code), strict=True))


@pytest.mark.parametrize("swapped", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CELLS)
def test_the_short_program_runs_and_gives_the_trace(programs: Any, name: str, kind: str, swapped: int) -> None:
    """Both orders in which the essays give the states back, called with the same order as it returns them."""
    text, trace = programs[name][KINDS.index(kind)][swapped], random_trace(name, batch=1, layers=2)
    cell = trace.cell
    space = FUNCTIONS | joined(kind, text, weights(kind, cell, trace.layers[1][0]))
    body, _, call = text.rpartition("\n\n")
    exec(compile(body, name, "exec"), space)
    order = call.partition(" = ")[0].split(", ")
    assert re.search(r"return (.*)", body)[1].split(", ") == order  # type: ignore[index]
    back = {"C": "c"} if kind == "essays" else {"s": cell.output} if kind == "slides" else {}
    states = [back.get(state, state) for state in order]
    assert set(states) == set(cell.states())
    for state in states:
        space[order[states.index(state)]] = trace.initial[state][1, 0, 0]
    for step, x in enumerate(trace[cell.output][0, 0, :, 0]):
        space["x"] = x
        for below in cell.below:
            called = next(one for one in (below, below.upper()) if f"below_{one}" in body)
            space[f"below_{called}"] = trace[below][0, 0, step, 0]
        exec(compile(call, name, "exec"), space)
        for state, called in zip(states, order, strict=True):
            np.testing.assert_allclose(space[called], trace[state][1, 0, step, 0], atol=1e-9, err_msg=state)


def test_what_the_essays_print(programs: Any) -> None:
    assert programs["lstm"][1][0].splitlines() == [
        "def cell(x, prev_h, prev_C):",
        "    i = σ(W_i @ [prev_h, x] + b_i)",
        "    f = σ(W_f @ [prev_h, x] + b_f)",
        "    C̃ = tanh(W_C @ [prev_h, x] + b_C)",
        "    o = σ(W_o @ [prev_h, x] + b_o)",
        "    C = f * prev_C + i * C̃",
        "    h = o * tanh(C)",
        "    return h, C",
        "",
        "h, C = cell(x, h, C)  # the same order on both sides",
    ]
    assert "    return C, h" in programs["lstm"][1][1]
    assert "    a = U_a @ x + W_a @ prev_s + b_a\n    s = tanh(a)" in programs["rnn"][2][0]
    assert "h̃ = tanh" in programs["gru"][1][0] and "z = σ(W_z @ [prev_h, x] + b_z)" in programs["gru"][1][0]


def test_a_joined_product_is_worth_its_parts() -> None:
    model = small_model("lstm")
    trace = model.run("mary saw john")
    told = side(model, trace, 2, 0, 0)
    trees = ask([told], "style.tree(side.equations.f.tree)")[0]
    product = trees[1]["a"][0]["a"][0]
    assert product["blocks"] == ["U_f", "W_f"]
    total = sum(told["values"][place] for place in product["v"])
    params = {name: value.astype(float) for name, value in model.layers[0][0].items()}
    h = np.concatenate([np.zeros((1, 8)), trace["h"][0, 0, :-1, 0]])
    both = np.concatenate([params["U_f"], params["W_f"]], axis=1)
    np.testing.assert_allclose(total, np.concatenate([h, trace.inputs[:, 0]], axis=1) @ both.T, atol=1e-5)
    assert (told["inputs"], told["hidden"]) == (5, 8)
