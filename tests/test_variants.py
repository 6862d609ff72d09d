"""The cells for experiments: nothing offers them, and all that follows from a cell's equations follows from theirs."""

from __future__ import annotations

from pathlib import Path

import cases
import numpy as np
import pytest
from small_models import small_model
from test_gradients import test_any_cell_equals_autograd_on_our_own_scan as equals_autograd
from test_javascript import checked
from test_torch_source import test_what_is_copied_runs_and_is_the_trace as copied_runs

from dashboard.figures.walk import walk
from lstm_core import CELLS, Network, Trace, list_models
from lstm_core.cells import VARIANTS, cell
from lstm_core.cells.switched import Switched
from lstm_core.equations import carry, latex
from lstm_core.variant import activation, variant

EVERY = pytest.mark.parametrize("name", VARIANTS)


def test_nothing_offers_them_and_their_names_find_them() -> None:
    assert len(VARIANTS) == 13 and not set(VARIANTS) & set(CELLS)
    assert not [path for path in list_models() if path.rpartition("-")[2] in VARIANTS]
    for name, one in VARIANTS.items():
        assert cell(name) is one and one.for_experiments
    assert not any(one.for_experiments for one in CELLS.values())


@EVERY
def test_derivatives_and_source_follow(name: str) -> None:
    equals_autograd(name)
    copied_runs(name, 1)


def test_javascript_follows(tmp_path: Path) -> None:
    checked({name: small_model(name, seed, 2, hidden=6) for seed, name in enumerate(VARIANTS)}, tmp_path)


@EVERY
def test_a_model_and_a_trace_come_back_from_their_files_and_can_be_walked_through(name: str, tmp_path: Path) -> None:
    model = small_model(name)
    model.save(tmp_path / "model.safetensors")
    again = Network.load(tmp_path / "model.safetensors")
    trace = again.run("Mary met John")
    assert again.cell is VARIANTS[name]
    trace.to_npz(tmp_path / "trace.npz")
    assert Trace.from_npz(tmp_path / "trace.npz").cell is VARIANTS[name]
    side = walk([again], [trace], [0], [(0, 0)])["sides"][0]
    assert side["stages"] and side["code"]


def test_with_nothing_taken_away_it_is_the_lstm_with_peepholes_and_without_them_the_lstm() -> None:
    class Whole(Switched):
        name, title = "whole", "Whole"

    class Bare(Switched, peepholes=""):
        name, title = "bare", "Bare"

    for made, like in ((Whole, CELLS["peephole"]), (Bare, CELLS["lstm"])):
        rng = np.random.default_rng(0)
        layers = cases.network(like, rng)
        assert {p.name for p in made.params} == {p.name for p in like.params}
        x = rng.normal(size=(7, 2, 3))
        found, expected = (cases.run(one, layers, x)[0] for one in (made, like))
        for key in expected:
            np.testing.assert_allclose(found[key], expected[key], atol=1e-14, err_msg=key)


def test_other_functions_for_a_variant_leave_its_switches_as_they_are() -> None:
    made = variant(cell("no_forget_gate"), candidate=activation("relu"))
    assert made.params == cell("no_forget_gate").params and "f" not in {signal.name for signal in made.signals}
    rule = carry(made)
    assert rule is not None and rule.label("keep") == "1"


def test_what_is_taken_away_is_gone_from_the_formula() -> None:
    lines = {name: "\n".join(latex(one)) for name, one in VARIANTS.items()}
    assert r"c_{t} = f_{t} \odot c_{t-1} + g_{t}" in lines["no_input_gate"]
    assert r"c_{t} = c_{t-1} + i_{t} \odot g_{t}" in lines["no_forget_gate"]
    assert r"h_{t} = \tanh\left(c_{t}\right)" in lines["no_output_gate"]
    assert r"g_{t} = W_{g}\, x_t + U_{g}\, h_{t-1} + b_{g}" in lines["no_input_activation"]
    assert r"h_{t} = o_{t} \odot c_{t}" in lines["no_output_activation"]
    assert r"i_{t} = 1 - f_{t}" in lines["coupled_peephole"]
    assert r"R_{fi}\, f_{t-1}" in lines["full_gate_recurrence"]
    for seen in "ifo":
        assert [k for k in "ifo" if f"p_{{{k}}}" in lines[f"peephole_{seen}"]] == [seen]
    rules = {name: carry(one) for name, one in VARIANTS.items()}
    assert {name: rule.label("keep") for name, rule in rules.items() if rule and rule.label("keep") != "f"} == {
        "no_forget_gate": "1",
        **{f"mut{k}": "1 - z" for k in (1, 2, 3)},
    }
