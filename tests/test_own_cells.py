"""Modules that write their recurrence themselves: traced with the same proof, whichever way they are described.

The expected values are what each module itself computed in a run of its own (tests/own_cells.py).
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lstm_core import Block, Cell, Trace
from lstm_core.analysis import gradients, health, intervene, memory, timescales
from lstm_core.analysis.backward import backward
from lstm_core.analysis.steps import steps
from lstm_core.cells.base import Param, affine, candidate, state
from lstm_core.equations import carry, latex
from tests.own_cases import CASES, RETURNED, Case, begin, built, sequence, traced
from tests.own_cells import IN, UNITS, own_run


@pytest.mark.parametrize("name", CASES)
def test_a_cell_is_traced_as_it_ran(name: str) -> None:
    case = CASES[name]
    module, x = built(case), sequence(case)
    expected = own_run(module, x, None if name == "conv gru" else begin(case, module))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    attributes = dict(vars(module))
    trace = traced(case, module, x)
    compared = trace.certificate.everywhere if trace.certificate else {}
    assert set(compared) == set(RETURNED.get(name, trace.cell.states())) and all(e < 1e-12 for e in compared.values())
    declared = {signal.name for signal in trace.cell.signals}
    assert declared == set(trace.signals) and declared == set(expected)
    for signal, values in expected.items():
        if signal in declared:
            np.testing.assert_allclose(trace.signals[signal][0, 0], values, rtol=0, atol=1e-12, err_msg=signal)
    rule = carry(trace.cell)
    assert (rule and (rule.state, rule.label("keep"), rule.label("write"))) == case.rule
    assert all(torch.equal(value, module.state_dict()[key]) for key, value in before.items())
    assert dict(vars(module)) == attributes


DECLARED = [name for name, case in CASES.items() if "cell" in case.how]
IDLE = {"nas": {"U_n1", "W_n1", "b_n1", "U_n3", "W_n3", "b_n3"}}
"""Parameters behind a rectifier that is shut at some of the units."""


@pytest.mark.parametrize("name", DECLARED)
def test_every_wrong_weight_is_caught(name: str) -> None:
    case = CASES[name]
    module, x = built(case), sequence(case)
    cell, given = case.how["cell"], case.how["weights"]
    for param in cell.params:

        def wrong(module: nn.Module, param: Param = param) -> dict[str, Any]:
            weights = dict[str, Any](given(module) if callable(given) else given)
            value = weights[param.name]
            if isinstance(value, str):
                value = dict(module.named_parameters())[value]
            if value is None:
                value = torch.zeros(*param.shape(IN, UNITS), dtype=torch.float64)
            value = value.detach().clone()
            value[(-1,) * value.dim()] += 1e-3
            return weights | {param.name: value}

        if param.name in IDLE.get(name, ()):
            continue
        with pytest.raises(RuntimeError, match="differs from the module's own"):
            traced(Case(case.make, case.how | {"weights": wrong}, None, case.state, case.shape), module, x)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "step" in case.how])
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_step_that_is_wrong_once_is_caught(name: str, at: int) -> None:
    case, count = CASES[name], iter(range(100))
    right = case.how["step"]

    def wrong(module: nn.Module, x: Tensor, s: Any) -> dict[str, Tensor]:
        values = right(module, x, s)
        if next(count) == at:
            values["h"] = values["h"].clone()
            values["h"].reshape(len(x), -1)[1, 2] += 1e-6
        return values

    with pytest.raises(RuntimeError, match=f"module's own h by 1e-06 at step {at} of sequence 1, unit 2, more than"):
        traced(Case(case.make, case.how | {"step": wrong}, None, case.state, case.shape), built(case), sequence(case))


def test_memory_and_what_if_answer_for_a_declared_cell() -> None:
    case = CASES["mgu"]
    module, x = built(case), sequence(case)
    trace = traced(case, module, x)
    seen = own_run(module, x)
    kept = np.cumprod((1 - seen["f"])[::-1], axis=0)[::-1]
    written = seen["f"] * seen["n"]
    found = memory(trace, -1, batch=1)
    np.testing.assert_allclose(found.contributions[:-1], (kept[1:] * written[:-1])[:, 1], rtol=0, atol=1e-12)
    assert found.residual < 1e-12 and (found.keep, found.write, found.candidate) == ("1 - f", "f", "n")

    forced = intervene(trace, ["f[2]@3:5=0"]).after
    h = np.zeros((2, UNITS))
    w = {name: value.numpy() for name, value in module.state_dict().items()}
    for t, now in enumerate(x.numpy()):
        f = 1 / (1 + np.exp(-(np.concatenate([now, h], 1) @ w["f.weight"].T + w["f.bias"])))
        if t in (3, 4):
            f[:, 2] = 0
        n = np.tanh(np.concatenate([now, f * h], 1) @ w["n.weight"].T + w["n.bias"])
        h = (1 - f) * h + f * n
        np.testing.assert_allclose(forced.sel("h", layer=0, direction=0, time=t), h, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.rule])
def test_a_memory_is_the_sum_of_what_was_written(name: str) -> None:
    trace = traced(CASES[name], built(CASES[name]), sequence(CASES[name]))
    for batch in range(2):
        found = memory(trace, -1, batch=batch)
        np.testing.assert_allclose(found.contributions.sum(0) + found.initial, found.value, rtol=0, atol=1e-12)
    run = steps(trace)
    keep = trace.role("keep")
    assert keep is not None and keep.shape == trace.signals[run.keep_write()[0].state].shape
    np.testing.assert_allclose(keep[0, 0, :, 0], run.keep_write()[1], rtol=0, atol=1e-15)
    assert len(health(trace)) == 1 and np.isnan(timescales(trace).from_bias).all() == trace.cell.by_values


def test_what_if_says_that_it_needs_equations_where_there_are_values_alone() -> None:
    trace = traced(CASES["conv lstm"], built(CASES["conv lstm"]), sequence(CASES["conv lstm"]))
    for interventions in ([], ["f[2]@3:5=0"], ["i=0", "f=1", "g=0", "o=1", "c=0", "h=0"]):
        with pytest.raises(ValueError, match="of .* are known and not the equations, which this needs; declare"):
            intervene(trace, interventions)
    tutorial = CASES["tutorial"]
    with pytest.raises(ValueError, match="how the memory of CharRNN goes on is not known: no rule such as c = f c' "):
        memory(traced(tutorial, built(tutorial), sequence(tutorial)), -1)


def test_maps_become_units_and_keep_their_shape() -> None:
    trace = traced(CASES["conv lstm"], built(CASES["conv lstm"]), sequence(CASES["conv lstm"]))
    cell: Any = trace.cell
    assert cell.shapes == dict.fromkeys("ifgoch", (3, 4, 5)) and trace.inputs.shape == (7, 2, 40)
    assert "h is 3 x 4 x 5" in cell.__doc__ and trace.hidden_size == 60
    assert latex(trace.cell)[-2:] == [
        r"h_{t} = \operatorname{own_h}\left(x_t,\; c_{t-1},\; h_{t-1}\right)",
        r"c_{t} = f_{t} \odot c_{t-1} + i_{t} \odot g_{t}",
    ]


def test_an_update_is_written_with_the_states_that_it_makes_first() -> None:
    trace = traced(CASES["sru"], built(CASES["sru"]), sequence(CASES["sru"]))
    assert latex(trace.cell)[-1] == (
        r"h_{t} = r_{t} \odot \tanh\left(c_{t}\right) + \left(1 - r_{t}\right) \odot \mathrm{skip}_{t}"
    )
    assert memory(trace, -1, direction=np.ones(UNITS)).residual < 1e-12


@pytest.mark.parametrize("name", ["layer norm by gate", "multiplicative", "lem", "cornn", "fastgrnn"])
def test_gradients_go_back_through_a_declared_cell(name: str) -> None:
    """As autograd finds them in the module itself."""
    case = CASES[name]
    module, x = built(case), sequence(case)
    error = np.linspace(-1, 1, UNITS)
    found = gradients(traced(case, module, x), 5, error, batch=1)
    x.requires_grad_()
    state = begin(case, module)
    for step in x[:6]:
        out = module(step, *state) if module.form == "apart" else module(step, state)
        state = out[-1] if module.form == "last" else out
    h = state[0] if isinstance(state, tuple) else state
    (h[1] @ torch.from_numpy(error)).backward()
    assert x.grad is not None
    np.testing.assert_allclose(found.inputs, x.grad[:, 1].numpy(), rtol=0, atol=1e-13)


def test_a_parameter_that_is_one_number_has_a_gradient_where_no_error_comes() -> None:
    """Of a run whose steps were all skipped: 0 at every step, a number each."""
    case = CASES["fastgrnn"]
    run = steps(traced(case, built(case), sequence(case)).sequence(1))
    run = replace(run, skipped=np.ones(len(run), bool))
    found = backward(run, {run.cell.output: np.ones((len(run), 1, UNITS))}).vectors
    single = [found[name] for name, value in run.params.items() if np.ndim(value) == 0]
    assert single and all(np.array_equal(one, np.zeros((len(run), 1))) for one in single)


class KeptByTheOutput(Cell):
    name = "kept_by_the_output"
    signals = (candidate("n", "new"), state("c", "cell", "memory"), state("h", "hidden", "shown"))
    params = (*affine("n"), Param("a", ("hidden",), "leak"))

    @staticmethod
    def gates(p, x, s, xp):
        return {"n": xp.tanh(p.W_n @ x + p.U_n @ s.h + p.b_n)}

    @staticmethod
    def update(p, v, s, xp):
        c = xp.sigmoid(p.a + s.h) * s.c + (1 - p.a) * v.n
        return {"c": c, "h": xp.tanh(c)}


def test_what_keeps_may_be_made_of_weights_and_other_states() -> None:
    rng = np.random.default_rng(0)
    layers = [
        [{param.name: rng.normal(size=param.shape(size, 4)) for param in KeptByTheOutput.params} for _ in range(2)]
        for size in (3, 8)
    ]
    block = Block("b", "gatescope", KeptByTheOutput, layers, ("forward", "reverse"), False)
    trace = block.trace(rng.normal(size=(5, 2, 3)))
    for layer, direction, batch in np.ndindex(2, 2, 2):
        run = steps(trace, layer, direction == 1, batch)
        _, keep, written = run.keep_write()
        np.testing.assert_allclose(keep * run.old["c"] + written, run.signals["c"], rtol=0, atol=1e-14)
        for role, values in (("keep", keep), ("write", written / run.signals["n"])):
            found = trace.role(role)
            assert found is not None
            np.testing.assert_allclose(run.flip(found[layer, direction, :, batch]), values, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["conv lstm", "scrn", "sru", "peephole", "fastrnn", "layer norm by gate"])
def test_a_trace_is_kept_in_a_file(name: str) -> None:
    case = CASES[name]
    trace = traced(case, built(case), sequence(case), tokens=())
    file = io.BytesIO()
    trace.to_npz(file)
    file.seek(0)
    own = trace.cell.name in ("fastrnn", "layer_norm_gates")  # no file says what a class of somebody's own computes
    again = Trace.from_npz(file, cell=trace.cell if own else None)
    assert again.cell is trace.cell and repr(again) == repr(trace) and again.assumed == trace.assumed
    assert again.certificate == trace.certificate and again.method == trace.method
    for signal, values in trace.signals.items():
        np.testing.assert_array_equal(again[signal], values)
    assert memory(again, -1).residual < 1e-12
    assert len(trace.to_pandas()) == sum(values.size for values in trace.signals.values())


@pytest.mark.parametrize(
    "changed",
    [
        {"update": {"c": ["__class__", "v.f"]}},
        {"update": {"c": ["*", "v.f"]}},
        {"update": {"c": ["*", "v.f", "v.c"]}},
        {"update": {"f": ["*", "v.i", "v.g"]}},
        {"update": [1]},
        {"signals": [["h", "thing", "", "", None, None]]},
        {"signals": [["a b", "gate", "", "", None, None], ["h", "state", "", "", None, None]]},
        {"signals": []},
        {"shapes": {"h": ["x"]}},
        {"name": None, "signals": 3},
    ],
)
def test_a_file_cannot_make_a_cell_of_anything_else(changed: dict[str, Any]) -> None:
    case = CASES["layer norm"]
    trace = traced(case, built(case), sequence(case))
    file = io.BytesIO()
    trace.to_npz(file)
    file.seek(0)
    arrays = dict(np.load(file))
    rest = json.loads(str(arrays["trace"]))
    rest["cell"]["observed"] |= changed
    again = io.BytesIO()
    np.savez(again, **arrays | {"trace": np.array(json.dumps(rest))})
    again.seek(0)
    with pytest.raises(ValueError, match="this is not a trace"):
        Trace.from_npz(again)


def test_the_page_of_the_docs_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).resolve().parent.parent / "docs" / "your-cell.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(text.splitlines()) <= 80 and len([line for line in blocks[1].splitlines() if line]) <= 15
    names: dict[str, Any] = {}
    with torch.random.fork_rng():
        for block in blocks:
            exec(compile(block, "docs/your-cell.md", "exec"), names)
            assert names.get("trace") is None or names["trace"].max_abs_error < 1e-5
    said = capsys.readouterr().out
    assert "the rule h = (1 - f) h' + f n was found in the values" in said and "h everywhere to" in said
