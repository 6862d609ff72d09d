"""The ways in which people pass states and return them, what a trace leaves as it was, and what is refused."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.ao.nn.quantized import dynamic
from torch.nn.utils.rnn import pack_sequence

from lstm_core import CELLS, Cell, trace, trace_cell
from lstm_core.cells.base import candidate, gate, state
from lstm_core.equations import carry
from tests import own_cases, own_cells
from tests.own_cases import CASES, built, sequence, traced

IN, UNITS = own_cells.IN, own_cells.UNITS


class Whole(nn.Module):
    """An LSTM over the whole sequence, batch first, with torch's layout of the states. form: what it returns."""

    batch_first = True

    def __init__(self, form: str = "torch") -> None:
        super().__init__()
        self.lstm = nn.LSTMCell(IN, UNITS)
        self.form = form
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor, state: Any = None) -> Any:
        self.calls += 1
        first = x.new_zeros(1, len(x), UNITS)
        h, c = (part[0] for part in (state or (first, first)))
        rows = []
        for k in range(x.shape[1]):
            h, c = self.lstm(x[:, k], (h, c))
            rows.append((h, c))
        out, memory = (torch.stack(part, 1) for part in zip(*rows, strict=True))
        return {
            "torch": (out, (h[None], c[None])),
            "flat": (out, h, c),
            "out": out,
            "every": (out, memory),
            "last": out[:, -1],
            "dict": {"h": out, "c": c},
            "wrong": (out, (h[None], c[None] + 1e-3)),
        }[self.form]


def lstm(form: str = "torch", dtype: torch.dtype = torch.float64) -> Whole:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Whole(form).to(dtype)


def weights(m: Whole) -> dict[str, Any]:
    w, u, b = m.lstm.weight_ih, m.lstm.weight_hh, m.lstm.bias_ih + m.lstm.bias_hh
    return own_cases.stacked("W", w, *"ifgo") | own_cases.stacked("U", u, *"ifgo") | own_cases.stacked("b", b, *"ifgo")


LSTM: dict[str, Any] = {"cell": CELLS["lstm"], "weights": weights, "sequence": True}
X = torch.randn(2, 6, IN, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def torch_run(module: Whole, x: Tensor, state: Any = None) -> dict[str, np.ndarray]:
    """c and h, (time, batch, unit), by the module's own LSTMCell."""
    rows = []
    with torch.no_grad():
        for step in x.unbind(1):
            state = module.lstm(step, state)
            rows.append(state)
    return {name: torch.stack([row[k] for row in rows]).numpy() for k, name in enumerate("hc")}


@pytest.mark.parametrize("form", ["torch", "flat", "out", "every", "dict", "last"])
def test_what_a_module_returns(form: str) -> None:
    module = lstm(form)
    found = trace_cell(module, X, **LSTM, returns=("h", "c") if form == "every" else None)
    for name, values in torch_run(module, X).items():
        np.testing.assert_allclose(found[name][0, 0], values, rtol=0, atol=1e-14)
    assert found.certificate and set(found.certificate.everywhere) == ({"h"} if form in ("out", "last") else {"h", "c"})
    last = "the module gives h after its last step alone, so it is compared there and not at the steps before"
    assert found.assumed == ((last,) if form == "last" else ()) and found.method == "declared"


@pytest.mark.parametrize("by_name", [False, True])
def test_a_first_state_is_given_to_the_module_and_to_the_equations(by_name: bool) -> None:
    module = lstm()
    h, c = torch.randn(2, 1, 2, UNITS, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    kept = h.clone(), c.clone()
    found = trace_cell(module, X, {"c": c, "h": h} if by_name else (h, c), **LSTM)
    np.testing.assert_allclose(found["h"][0, 0], torch_run(module, X, (h[0], c[0]))["h"], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found.initial["c"][0, 0], c[0].numpy())
    assert torch.equal(h, kept[0]) and torch.equal(c, kept[1])


def test_a_state_beside_a_right_output_is_compared_as_well() -> None:
    with pytest.raises(RuntimeError, match="module's own c by 0.001 at step 5 of sequence"):
        trace_cell(lstm("wrong"), X, **LSTM)


def test_torchs_own_cell_gives_what_its_own_trace_does() -> None:
    cell, x = nn.LSTMCell(IN, UNITS), torch.randn(5, 2, IN)
    found = trace_cell(cell, x, cell=CELLS["lstm"], weights=lambda m: weights(type("", (), {"lstm": m})))  # pyright: ignore
    expected = trace(cell, x)
    for name in expected.signals:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-6)
    one = trace_cell(cell, x[:, 0], cell=CELLS["lstm"], weights=lambda m: weights(type("", (), {"lstm": m})))  # pyright: ignore
    np.testing.assert_allclose(one["c"][:, :, :, 0], expected["c"][:, :, :, 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["mgu", "conv lstm", "conv gru", "streaming"])
def test_batch_first_is_the_other_order_of_the_same(name: str) -> None:
    case = CASES[name]
    module, x = built(case), sequence(case)
    one, other = traced(case, module, x), traced(case, module, x.transpose(0, 1), batch_first=True)
    for signal in one:
        np.testing.assert_array_equal(one[signal], other[signal])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_precisions(dtype: torch.dtype) -> None:
    found = trace_cell(lstm(dtype=dtype), X.to(dtype), **LSTM)
    assert found["c"].dtype == np.float32 and found.certificate
    assert found.certificate.precision == str(dtype).removeprefix("torch.") and found.max_abs_error
    expected = torch_run(lstm(), X)["c"]
    np.testing.assert_allclose(found["c"][0, 0], expected, rtol=0, atol=8 * float(torch.finfo(dtype).eps))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = trace_cell(lstm(dtype=torch.float32), X.float(), **LSTM).certificate
    assert mixed and mixed.precision == "bfloat16 (autocast)"


@pytest.mark.parametrize("name", ["streaming", "qrnn", "conv gru", "mgu"])
def test_nothing_is_changed(name: str) -> None:
    case = CASES[name]
    module, x = built(case), sequence(case)
    module.train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    random, attributes = torch.get_rng_state(), {key: str(value) for key, value in vars(module).items()}
    given = x.clone()
    traced(case, module, x)
    assert torch.equal(torch.get_rng_state(), random) and torch.equal(x, given)
    assert {key: str(value) for key, value in vars(module).items()} == attributes
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert not any(inner._forward_hooks for inner in module.modules())
    with pytest.raises((RuntimeError, ValueError)):
        traced(case, module, x[:, :, :1])  # of another size
    assert not any(inner._forward_hooks for inner in module.modules())
    whole = lstm()
    trace_cell(whole, X, **LSTM)
    assert whole.calls == 0  # it ran once, and its buffer says that it did not


def test_the_module_runs_once() -> None:
    counted: list[int] = []
    module = lstm()
    module.register_forward_hook(lambda *_: counted.append(1))
    trace_cell(module, X, **LSTM)
    assert len(counted) == 1


@pytest.mark.parametrize("kind", ["weight norm", "parametrized"])
def test_weights_that_are_made_while_it_runs(kind: str) -> None:
    module = lstm()
    if kind == "weight norm":
        with pytest.warns(FutureWarning):
            nn.utils.weight_norm(module.lstm, "weight_hh")
        with torch.no_grad():
            module.lstm.weight_hh_g.mul_(2)  # what the hook made of it before is stale
    else:
        nn.utils.parametrizations.weight_norm(module.lstm, "weight_hh")
    found = trace_cell(module, X, **LSTM)
    np.testing.assert_allclose(found["c"][0, 0], torch_run(module, X)["c"], rtol=0, atol=1e-14)


@pytest.mark.parametrize("where", ["input", "state", "weight", "arithmetic"])
def test_a_run_that_breaks_is_traced_up_to_there(where: str) -> None:
    module, x, h = lstm(), X.clone(), torch.zeros(1, 2, UNITS, dtype=torch.float64)
    if where == "input":
        x[1, 3, 2] = torch.nan
    elif where == "state":
        h[0, 1, 2] = torch.inf
    elif where == "weight":
        module.lstm.weight_ih.data[1, 0] = torch.nan
    else:
        ran = trace_cell(Growing(), torch.ones(400, 1, 1) * 10, torch.ones(1, 1), step=grow)
        assert ran.broken and (ran.broken.origin, ran.broken.step, ran.broken.signal) == ("arithmetic", 38, "h")
        assert np.isfinite(ran["h"][0, 0, :38]).all() and ran.max_abs_error == 0
        return
    found = trace_cell(module, x, (h, h.clone() * 0), **LSTM)
    step = {"input": 3, "state": 0, "weight": 0}[where]
    row = 0 if where == "weight" else 1
    assert found.broken and (found.broken.step, found.broken.sequence, found.broken.origin) == (step, row, where)
    assert found.broken.place == {"input": "x[2]", "state": "h[2]", "weight": "lstm.weight_ih[1, 0]"}[where]
    assert found.lengths == {"input": (6, 4), "state": (6, 1), "weight": (1, 1)}[where]
    assert np.isnan(found["f"][0, 0, step + 1 :, 1]).all()


def test_a_sequence_ends_with_its_first_bad_step_though_the_module_recovers() -> None:
    x = X.transpose(0, 1).repeat(1, 1, 2).clone()
    x[3, 1, 0] = torch.inf
    found = trace_cell(Forgetting(), x, torch.zeros(2, 6), step=lambda m, x, s: {"h": x * 1})
    assert found.lengths == (6, 4) and found.broken and found.broken.value == np.inf
    assert np.isnan(found["h"][0, 0, 4:, 1]).all() and np.isfinite(found["h"][0, 0, :, 0]).all()


def test_each_step_starts_from_the_states_that_the_module_had() -> None:
    """A network that blows every rounding up is traced to the rounding of one step, over 300 of them."""
    generator = torch.Generator().manual_seed(5)
    module, x = nn.RNNCell(IN, 32), torch.randn(300, 2, IN, generator=generator)
    for value in module.parameters():
        value.data = torch.randn(value.shape, generator=generator) / 2
    weights = {"W_a": "weight_ih", "U_a": "weight_hh", "b_a": module.bias_ih + module.bias_hh}
    found = trace_cell(module, x, cell=CELLS["rnn"], weights=weights)
    assert found.max_abs_error is not None and found.max_abs_error < 2e-5
    h = torch.zeros(2, 32, dtype=torch.float64)
    with torch.no_grad():
        for step in x.double():
            h = module.double()(step, h)
    assert np.abs(h.numpy() - found["h"][0, 0, -1]).max() > 0.1  # and so it does blow up


class InPlace(nn.Module):
    """Writes to what it is given, as code that saves memory does."""

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h.mul_(0.5).add_(x.relu_())


def in_place(m: InPlace, x: Tensor, s: Any) -> dict[str, Tensor]:
    m.register_buffer("left", x, persistent=False)
    return {"h": s.h.mul_(0.5).add_(x.relu_())}


def test_code_that_writes_in_place_reaches_nobody() -> None:
    module, x, h = InPlace(), torch.randn(5, 2, 4), torch.ones(2, 4)
    given = x.clone()
    found = trace_cell(module, x, h, step=in_place)
    assert torch.equal(x, given) and torch.equal(h, torch.ones(2, 4)) and not hasattr(module, "left")
    np.testing.assert_array_equal(found.initial["h"], 1.0)
    np.testing.assert_array_equal(found.inputs, x.numpy())
    expected = np.ones((2, 4), np.float32)
    for t in range(5):
        expected = expected * np.float32(0.5) + np.maximum(x[t].numpy(), 0)
        np.testing.assert_allclose(found["h"][0, 0, t], expected, rtol=0, atol=1e-6)


class Counting(nn.Module):
    """Passes a counter along with its states, which is neither a state to show nor a number that is rounded."""

    def forward(self, x: Tensor, state: Any = None) -> Any:
        h, c, steps = state or (x * 0, x * 0, torch.zeros(len(x), dtype=torch.int64))
        c = c * 0.5 + x
        return c.tanh(), (c.tanh(), c, steps + 1)


def test_what_is_passed_along_may_be_more_than_the_states() -> None:
    def step(m: Counting, x: Tensor, s: Any) -> dict[str, Tensor]:
        c = s.c * 0.5 + x
        return {"h": c.tanh(), "c": c}

    x, module, told = torch.randn(5, 2, 4), Counting(), {"step": step, "states": ("h", "c")}
    found = trace_cell(module, x, **told, returns=("h", ("h", "c", None)))
    assert found.certificate and set(found.certificate.everywhere) == {"h", "c"}
    with pytest.raises(ValueError, match="Counting returns 4 tensors, and which is which is not known"):
        trace_cell(module, x, **told)


class Forgetting(nn.Module):
    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return x * 1


class Growing(nn.Module):
    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return x * h


def grow(m: nn.Module, x: Tensor, s: Any) -> dict[str, Tensor]:
    return {"h": s.h * x}


def test_a_wrong_update_is_refused_and_a_right_one_is_the_rule() -> None:
    case = CASES["conv gru"]
    right = {"h": lambda v, s: s.h + v.u * (v.n - s.h)}
    found = traced(case, built(case), sequence(case), update=lambda v, s, xp: {"h": right["h"](v, s)})
    assert found.certificate and set(found.certificate.everywhere) == {"h"} and found.max_abs_error < 1e-14
    with pytest.raises(RuntimeError, match="differs from the module's own h by"):
        traced(case, built(case), sequence(case), update=lambda v, s, xp: {"h": v.u * s.h + (1 - v.u) * v.n})
    with pytest.raises(RuntimeError, match="differs from the module's own h by"):  # one gate exchanged for another
        names = {"u": "reset", "r": "update", "n": "out"}
        trace_cell(built(case), sequence(case), names=names, update=lambda v, s, xp: {"h": right["h"](v, s)})


class Leaky(nn.Module):
    """c = f c' + i g, held below ``most``."""

    def __init__(self, most: float = torch.inf) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return leaky(self, x, SimpleNamespace(h=h))["h"]


def leaky(m: Leaky, x: Tensor, s: Any) -> dict[str, Tensor]:
    g, i, f = x.tanh(), (3 * x + 1).sigmoid(), (x + 2).sigmoid()
    return {"g": g, "i": i, "f": f, "h": (f * s.h + i * g).clamp(max=m.most)}


def test_a_rule_is_found_only_where_it_holds_everywhere() -> None:
    x, h = torch.randn(60, 4, 8, generator=torch.Generator().manual_seed(6)), torch.zeros(4, 8)
    rule = carry(trace_cell(Leaky(), x, h, step=leaky).cell)
    assert rule and (rule.label("keep"), rule.label("write"), rule.candidate) == ("f", "i", "g")
    largest = trace_cell(Leaky(), x, h, step=leaky)["h"].max()
    held = trace_cell(Leaky(float(largest) - 1e-3), x, h, step=leaky)  # acts at one step of one unit
    assert carry(held.cell) is None and not any("rule" in sentence for sentence in held.assumed)
    assert carry(trace_cell(Leaky(), x[:1], h, step=leaky).cell) is None  # nothing was kept yet, so that any keep fits


def test_signals_may_be_declared() -> None:
    case = CASES["mgu2"]
    f = gate("f", "write", "the forget gate", 0.0, 1.0)
    found = traced(case, built(case), sequence(case), signals=(f,))
    assert found.cell.signal("f") == f and found.assumed == (
        "the rule h = (1 - f) h' + f n was found in the values, and it holds at every step",
    )


class NoH(Cell):
    name, params, signals = "no_h", own_cases.MGU.params, (candidate("n", ""), state("y", "hidden", ""))
    output = "y"


class Relu(own_cases.MGU):
    name = "relu"

    @staticmethod
    def update(p, v, s, xp):
        return {"h": xp.relu(v.n)}


class Less(own_cases.MGU):
    name = "less"

    @staticmethod
    def gates(p, x, s, xp):
        return {"n": p.W_n @ x}


MGU = CASES["mgu"].how
TENSOR = torch.zeros(UNITS, 2)
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing said": ("mgu", {}, "say how the module computes, in one way"),
    "two ways": ("mgu", MGU | {"step": grow}, "in one way"),
    "no weights": ("mgu", {"cell": own_cases.MGU}, "in one way"),
    "an update too many": ("mgu", MGU | {"update": grow}, "a declared cell has its own update"),
    "a cell that is none": ("mgu", MGU | {"cell": "mgu"}, "cell must be a class of a cell, .*, not .mgu."),
    "no h": ("mgu", MGU | {"cell": NoH}, "the cell no_h has no signal h"),
    "no relu": ("mgu", MGU | {"cell": Relu}, "there is no xp.relu, which the cell relu uses; there are sigmoid"),
    "a signal that nobody gives": ("mgu", MGU | {"cell": Less}, "cannot be read off it|gives f"),
    "a missing weight": ("mgu", MGU | {"weights": {}}, "the cell mgu needs the weights W_f, U_f, b_f"),
    "a strange weight": (
        "indrnn", {"cell": own_cases.IndRNN, "weights": CASES["indrnn"].how["weights"] | {"V": None}},
        "the cell indrnn has no weights V; it has W_h, b_h, u",
    ),
    "a weight of no such name": (
        "indrnn", {"cell": own_cases.IndRNN, "weights": CASES["indrnn"].how["weights"] | {"u": "weight_xx"}},
        "the module has no weight 'weight_xx'; it has weight_ih, weight_hh, bias_ih",
    ),
    "a weight of another size": (
        "indrnn", {"cell": own_cases.IndRNN, "weights": CASES["indrnn"].how["weights"] | {"u": TENSOR[0]}},
        r"the weight u is \(2,\), not \(4,\)",
    ),
    "a submodule that is not there": ("conv gru", {"names": {"r": "gate"}}, "no submodule 'gate'; it has reset, res"),
    "a submodule that runs twice": ("twice", {"names": {"a": "both"}}, "ran 14 times in 7 steps"),
    "a submodule that never runs": ("char", {"names": {"a": "h2o.0"}}, "has no submodule|ran 0 times"),
    "a step without its state": ("mgu", {"step": lambda m, x, s: {"f": x}}, "step does not return h, of which"),
    "a step that returns a tensor": ("mgu", {"step": lambda m, x, s: x}, "step returns a Tensor; a dict of named"),
    "a step of another size": ("mgu", {"step": lambda m, x, s: {"h": x}}, r"gives as h is \(2, 4\) at a step, and h"),
    "a step without a batch": ("mgu", {"step": lambda m, x, s: {"h": s.h, "a": x[0]}}, r"step returns a of \(3,\)"),
    "a name that cannot be": ("mgu", {"step": lambda m, x, s: {"h": s.h, "a b": x}}, "'a b' cannot name a signal"),
    "an update of what is not there": (
        "conv gru", CASES["conv gru"].how | {"update": lambda v, s, xp: {"h": v.z * s.h}}, "v has no 'z'; it has h",
    ),
    "an update with a strange function": (
        "conv gru", CASES["conv gru"].how | {"update": lambda v, s, xp: {"h": xp.relu(v.u)}}, "xp has no 'relu'",
    ),
    "an update of a gate": (
        "conv gru", CASES["conv gru"].how | {"update": lambda v, s, xp: {"u": v.n}}, "'u', which is neither state nor",
    ),
    "a state that is not returned": ("mgu", {"step": grow, "states": ("h", "c")}, "does not return c, so it cannot"),
    "another output": ("tutorial", {"step": own_cases.char_step}, r"gives as h is \(2, 5\) at a step, and h"),
    "no h among what it returns": ("tutorial", {"step": own_cases.char_step, "returns": ("y", "s"), "states": "s"},
                                   "nothing that the module returns is called h"),
}  # fmt: skip


class Quantised(nn.Module):
    """A gate and a cell that are quantised."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = dynamic.Linear(IN, UNITS)
        self.cell = dynamic.GRUCell(IN, UNITS)


@pytest.mark.filterwarnings("ignore:.*torch.ao", "ignore:.*quantized tensor creation functions")
def test_of_a_quantised_module_it_is_said_that_it_is_one() -> None:
    module, names = Quantised(), [param.name for param in own_cases.MGU.params]
    for weights, where in (
        (dict.fromkeys(names, "gate.weight"), "its gate, which has .*, is"),
        (lambda module: dict.fromkeys(names, module.gate.weight), "its gate, which has W_f, is"),
        (dict.fromkeys(names, "cell.weight_ih"), "its cell, which has cell.weight_ih, is"),
    ):
        with pytest.raises(ValueError, match=f"Quantised cannot be traced: {where} quantised; pass the float module"):
            trace_cell(module, torch.zeros(3, 2, IN), cell=own_cases.MGU, weights=weights)
    with pytest.raises(ValueError, match="GRUCell cannot be traced: it is quantised; pass the float module"):
        trace_cell(module.cell, torch.zeros(3, 2, IN), cell=own_cases.MGU, weights=dict.fromkeys(names, "weight_ih"))


def test_of_a_module_without_weights_or_submodules_it_is_said() -> None:
    x, names = torch.zeros(3, 2, IN), [param.name for param in own_cases.MGU.params]
    with pytest.raises(ValueError, match="has no weight 'W'; it has none"):
        trace_cell(nn.Identity(), x, cell=own_cases.MGU, weights=dict.fromkeys(names, "W"))
    with pytest.raises(ValueError, match="f: the module has no submodule 'gate'; it has none"):
        trace_cell(nn.Identity(), x, names={"f": "gate"})


@pytest.mark.parametrize("name", ["W_i", "U_i", "b_o", "W_g"])
def test_of_weights_that_do_not_fit_together_the_odd_one_is_named(name: str) -> None:
    module = lstm()
    wrong = {**weights(module), name: torch.zeros(4 * UNITS, IN)[:, : 1 if name[0] == "b" else IN].squeeze(1)}
    with pytest.raises(ValueError, match=f"the weight {name} is .{4 * UNITS}"):
        trace_cell(module, X, cell=CELLS["lstm"], weights=lambda m: wrong, sequence=True)


class Twice(own_cells.Base):
    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(UNITS, UNITS)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return self.both(torch.tanh(self.both(h)))


@pytest.mark.parametrize("why", REFUSED)
def test_a_description_that_does_not_fit_is_refused_in_words(why: str) -> None:
    name, how, words = REFUSED[why]
    case = CASES.get(name, own_cases.Case(Twice, {}, None, own_cases.zeros(UNITS)))
    with pytest.raises((ValueError, TypeError), match=words):
        trace_cell(built(case), sequence(case), case.state(2) if case.state else None, **how)


INPUTS: dict[str, tuple[Any, type[Exception], str]] = {
    "an array": (np.zeros((3, 2, IN)), TypeError, "x is a ndarray; a torch Tensor is needed"),
    "packed": (pack_sequence([torch.zeros(3, IN)]), TypeError, "x is a PackedSequence"),
    "numbers of words": (torch.zeros(3, 2, IN, dtype=torch.int64), TypeError, "x holds torch.int64; what the cell"),
    "meta": (torch.zeros(3, 2, IN, device="meta"), ValueError, "on the device meta"),
    "one step": (torch.zeros(IN), ValueError, re.escape("x is (3,); (time, batch, input) or (time, input)")),
    "no steps": (torch.zeros(0, 2, IN), ValueError, "no steps or no sequences"),
    "no sequences": (torch.zeros(3, 0, IN), ValueError, "no steps or no sequences"),
    "another width": (torch.zeros(3, 2, IN + 1, dtype=torch.float64), RuntimeError, "shapes cannot be multiplied"),
}  # fmt: skip


@pytest.mark.parametrize("why", INPUTS)
def test_an_input_that_does_not_fit_is_refused_in_words(why: str) -> None:
    x, kind, words = INPUTS[why]
    with pytest.raises(kind, match=words) as error:
        trace_cell(built(CASES["mgu"]), x, **MGU)
    if why == "another width":
        assert error.value.__notes__ == [
            "This is what MGU itself raised when it ran on these inputs.",
            "It was run one step at a time; if it takes the whole sequence, say sequence=True.",
        ]


def test_modules_that_cannot_be_traced() -> None:
    dropping = nn.Sequential(nn.Dropout(0.5))
    with pytest.raises(ValueError, match="dropout is active, so two runs differ; call module.eval"):
        trace_cell(dropping, torch.zeros(3, 2, 4), step=grow)
    with pytest.raises(TypeError, match="it is not a torch module; pass the module itself"):
        trace_cell({"h": 1}, torch.zeros(3, 2, 4), step=grow)
    with pytest.raises(ValueError, match="the module's forward needs a state to begin with: pass it as state"):
        trace_cell(built(CASES["mgu2"]), sequence(CASES["mgu2"]), step=own_cases.mgu_step)
    with pytest.raises(ValueError, match="the forward of StreamingGRU takes x alone and no state; say initial="):
        trace_cell(
            own_cells.StreamingGRU(), torch.zeros(3, 2, IN), torch.zeros(2, UNITS), step=own_cases.streaming_step
        )
    with pytest.raises(RuntimeError, match="module's own h by .* at step 0"):  # its own first state is not zeros
        trace_cell(built(CASES["streaming"]), sequence(CASES["streaming"]), step=own_cases.streaming_step)
    with pytest.raises(ValueError, match="the module computes in complex64; real floating-point numbers are traced"):
        trace_cell(Turning(), torch.zeros(3, 2, 4), torch.zeros(2, 4), step=grow)
    with pytest.raises(
        ValueError, match="Whole returns 3 tensors, and which is which is not known; say it in the form"
    ):
        trace_cell(lstm("flat"), X, step=grow, sequence=True)
    with pytest.raises(ValueError, match="the state is h, each a tensor; 2 given"):
        trace_cell(lstm("flat"), X, (X, X), step=grow, sequence=True)
    norm = CASES["ligru"]
    with pytest.raises(RuntimeError, match="differs from the module's own h"):  # over a step it has other averages
        traced(norm, built(norm).train(), sequence(norm))


class Turning(nn.Module):
    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return h * torch.exp(torch.complex(torch.zeros(()), torch.ones(())))
