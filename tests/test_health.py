"""Health: networks made to be ill in one known way, and the figures by other means."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from converted import arrays
from safetensors.numpy import save
from torch import nn
from traces import random_trace

from dashboard.figures.health import dead, integrators, saturated, summary
from dashboard.views import health as page
from lstm_core import CELLS, load, load_model, trace
from lstm_core.analysis import timescales
from lstm_core.analysis.health import NOTES, Health, health
from lstm_core.drawing import theme


def lstm(**bias: dict[int, float]) -> nn.LSTM:
    """8 units with moderate weights; ``f={3: 9.0}`` sets that unit's bias in that gate, half in each of torch's two."""
    torch.manual_seed(0)
    module = nn.LSTM(5, 8)
    with torch.no_grad():
        for value in module.parameters():
            nn.init.normal_(value, std=0.3)
        for letter, values in bias.items():
            for unit, value in values.items():
                row = "ifgo".index(letter) * 8 + unit
                module.bias_ih_l0[row] = module.bias_hh_l0[row] = value / 2
    return module


def one(module: nn.Module, steps: int = 300, **options: Any) -> Health:
    [found] = health(trace(module, torch.randn(steps, 2, 5, generator=torch.Generator().manual_seed(1)), **options))
    return found


def test_a_network_in_order_has_no_findings() -> None:
    found = one(lstm())
    assert not found.dead.any() and not any(units.any() for units in found.saturated.values())
    assert found.integrator is not None and not found.integrator.any()


def test_a_dead_unit_is_found() -> None:
    found = one(lstm(o={2: -30.0}))
    assert np.flatnonzero(found.dead).tolist() == [2]
    assert found.movement[2] < 1e-6


def test_saturated_gates_are_found() -> None:
    """At both ends, in the gate where it is and in no other."""
    found = one(lstm(i={1: -12.0}, f={5: 12.0}, o={6: 12.0}))
    assert {name: np.flatnonzero(units).tolist() for name, units in found.saturated.items()} == {
        "i": [1],
        "f": [5],
        "o": [6],
        "h": [],
    }
    assert found.low["i"][1] == 1 and found.high["f"][5] == 1 and found.high["i"][1] == 0


def test_an_integrator_is_found() -> None:
    """f open and i not shut; with i shut, too, it only holds."""
    found = one(lstm(f={3: 12.0, 4: 12.0}, i={3: 3.0, 4: -12.0}))
    assert found.integrator is not None and np.flatnonzero(found.integrator).tolist() == [3]
    c = trace(lstm(f={3: 12.0}, i={3: 3.0}, g={3: 3.0}), torch.zeros(200, 1, 5)).sel("c", unit=3).ravel()
    assert c[-1] > 100, "it does add up"


@pytest.mark.parametrize("name", ["lstm", "gru", "gru_cho"])
def test_the_timescale_is_the_one_of_the_trace(name: str) -> None:
    one_trace = random_trace(name, layers=2, directions=2, batch=1)
    found = {(h.layer, h.direction): h for h in health(one_trace)}
    assert list(found) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for (layer, direction), values in found.items():
        expected = timescales(one_trace, layer=layer, backward=bool(direction)).on_text
        np.testing.assert_allclose(values.timescale, expected, rtol=1e-12)


def test_biases_are_the_sums_that_act() -> None:
    module = nn.LSTM(5, 8, num_layers=2, bidirectional=True)
    for found in health(trace(module, torch.randn(4, 1, 5))):
        end = f"_l{found.layer}{'_reverse' if found.direction else ''}"
        total = (getattr(module, f"bias_ih{end}") + getattr(module, f"bias_hh{end}")).detach().numpy()
        for k, letter in enumerate("ifgo"):
            np.testing.assert_allclose(found.biases[f"b_{letter}"], total[8 * k : 8 * k + 8], rtol=1e-6)
        np.testing.assert_array_equal(found.forget_bias, found.biases["b_f"])


def test_singular_values() -> None:
    """An orthogonal matrix has ones; a scaled one its scale; the radius of a rotation is 1."""
    module = nn.GRU(5, 8)
    with torch.no_grad():
        for k, scale in enumerate((1.0, 0.5, 3.0)):
            module.weight_hh_l0[8 * k : 8 * k + 8] = scale * nn.init.orthogonal_(torch.empty(8, 8))
    found = one(module)
    for letter, scale in zip("rzn", (1.0, 0.5, 3.0), strict=True):
        np.testing.assert_allclose(found.singular[f"U_{letter}"], scale, rtol=1e-5)
    assert found.radius is None
    plain = nn.RNN(5, 2)
    with torch.no_grad():
        plain.weight_hh_l0.copy_(torch.tensor([[0.6, -0.8], [0.8, 0.6]]))
    found = one(plain)
    assert found.radius == pytest.approx(1.0) and found.timescale is None and found.integrator is None
    assert found.forget_bias is None and found.keep is None


def test_steps_after_the_end_of_a_sequence_do_not_count() -> None:
    module = lstm()
    x = torch.randn(9, 2, 5)
    [padded] = health(trace(module, x, lengths=[9, 4]))
    parts = [trace(module, x[:, :1]), trace(module, x[:4, 1:])]
    h = np.concatenate([part.signals["h"].reshape(-1, 8) for part in parts])
    np.testing.assert_allclose(padded.movement, h.max(0) - h.min(0), rtol=1e-5)
    f = np.concatenate([part.signals["f"].reshape(-1, 8) for part in parts])
    np.testing.assert_allclose(padded.keep, f.mean(0), rtol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_has_its_figures(name: str) -> None:
    for found in health(random_trace(name)):
        assert found.movement.shape == (4,) and np.isfinite(found.movement).all()
        for values in (*found.low.values(), *found.high.values()):
            assert ((0 <= values) & (values <= 1)).all()
        assert all(np.isfinite(values).all() for values in found.singular.values())


def test_each_figure_has_its_reason_and_its_remedy() -> None:
    assert "LSTM remembers in this way" in NOTES["integrator"].why  # as most units of a good one do
    assert set(NOTES) == {"dead", "saturated", "integrator", "timescale", "bias", "singular"}
    for note in NOTES.values():
        assert note.title and note.why.endswith(".") and note.remedy.endswith(".") and note.source


def test_the_colours_of_saturation_are_those_that_are_named() -> None:
    """Above zero is the upper end, "purple"; below it the lower one, "orange"."""
    [found] = health(trace(lstm(f={5: 12.0, 2: -12.0}), torch.zeros(9, 1, 5)))
    panel = saturated("id", trace(lstm(), torch.zeros(9, 1, 5)), found)
    z = panel["figure"]["data"][0]["z"][list(found.low).index("f")]
    assert z[5] == 1 and z[2] == -1
    assert "upper end (purple)" in panel["note"] and "lower end (orange)" in panel["note"]
    for mode, scale in theme.SIGNED_SCALE.items():
        for color, purple in ((scale[1][1], False), (scale[-2][1], True)):
            red, _, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
            assert (blue > red) is purple, mode


def test_no_steps() -> None:
    whole = random_trace("lstm")
    empty = replace(whole, inputs=whole.inputs[:0], signals={k: v[:, :, :0] for k, v in whole.signals.items()})
    with pytest.raises(ValueError, match="no steps"):
        health(empty)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_run_that_breaks_is_said_to() -> None:
    """Where nothing is a number no unit is dead or saturated by comparison, which is no sign of health."""
    x = torch.randn(9, 2, 5)
    for bad, place in ((float("nan"), 4), (float("inf"), 0)):
        read = x.clone()
        read[place:, 1] = bad
        [found] = health(trace(nn.LSTM(5, 8), read))
        assert found.broken == place and f"finite steps before them: {place})" in str(found.message)
        assert summary(found, 9) == found.message and "dead" not in summary(found, 9)
        file = save(arrays(nn.LSTM(5, 8, bidirectional=True)))
        run = load(file).blocks[0].trace(read.numpy())
        forward, backward = found = health(run)
        assert (forward.broken, backward.broken) == (place, 8)
        for name in page.FINDINGS:
            said = page._finding(name, "id", cast(Any, SimpleNamespace(traces=(run,), drawn=((0, 1),))), 0, found)
            told = "The trace holds NaN or infinite values (finite steps before them: 0)"  # it read the last step first
            assert said["text"].startswith(told) is (name != "singular")
    assert one(lstm()).broken is None and one(lstm()).message is None and one(lstm()).finite is None


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_the_finite_steps_before_a_break_are_those_that_were_read_before_it() -> None:
    """By each direction in its own order, in the sequence that breaks soonest, padding not counted."""
    block = load(save(arrays(nn.LSTM(5, 8, bidirectional=True)))).blocks[0]
    read = np.zeros((9, 3, 5), np.float32)
    read[6, 0] = read[2, 2] = np.nan  # of 9 and of 5 steps
    forward, backward = health(block.trace(read, lengths=[9, 9, 5]))
    assert (forward.broken, forward.finite) == (2, 2)  # the third sequence's
    assert (backward.broken, backward.finite) == (6, 2)  # 8 and 7 of the first, 4 and 3 of the third
    read[2, 2], read[3, 2] = 0, np.nan
    assert [one.finite for one in health(block.trace(read, lengths=[9, 9, 5]))] == [3, 1]


def test_an_infinity_that_tanh_bounds_is_no_fault() -> None:
    whole = random_trace("rnn")
    wide = replace(whole, signals={**whole.signals, "a": np.full_like(whole.signals["a"], np.inf)})
    assert health(wide)[0].broken is None


def test_an_output_without_bounds_is_drawn_whole() -> None:
    """The h of minLSTM and minGRU moves by more than 4, where the axis used to end."""
    read = load_model("pronouns-minlstm").run("Did Priya call Mateo before the exam because", device="cpu")
    for found in health(read):
        panel = dead("d", read, found)
        low, high = panel["figure"]["layout"]["yaxis"]["range"]
        values = np.log10(np.asarray(panel["figure"]["data"][0]["y"]))
        assert low <= values.min() and values.max() < high
    assert max(found.movement.max() for found in health(read)) > 4


def test_gates_that_count_relative_to_each_other_have_no_ends() -> None:
    """The sLSTM's f and i are exponential: f at 1 and i at 0 on the scale of m are not saturated."""
    read = load_model("pronouns-slstm").run("Mary was late because", device="cpu")
    (found,) = health(read)
    assert (read["f"] > 0.99).all() and not {"f", "i"} & found.low.keys()
    assert "o" in found.low


def test_the_gates_of_a_gru_are_written_with_a_minus_sign() -> None:
    run = random_trace("gru", time=12, batch=1)
    drawn = integrators("id", run, health(run)[0])
    axes = [drawn["figure"]["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    assert axes == ["mean of z", "mean of 1 \N{MINUS SIGN} z"] and "1 - z" not in drawn["alt"] + drawn["text"]
