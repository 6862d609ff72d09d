"""A closer look at the networks of the page "Beyond": Memory, What if and Gradients of every one of them, on the page
and against torch."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import torch

from dashboard.beyond import drawing, imagining, looking, translating
from lstm_core import analysis
from lstm_core.analysis import Force
from lstm_core.analysis.intervene import forcing
from lstm_core.beyond import pictures
from lstm_core.beyond.attending import END
from lstm_core.beyond.numbers import both
from tests.test_beyond_drawing import filters
from tests.test_beyond_imagining import normal
from tests.test_beyond_page import PAGE, sent
from tests.test_views import opened

SHOWN: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "captions": ({"beyond": "Look", "picture": "rc5-bs6"}, ("decoder",)),
    "numbers": ({"beyond": "Translate", "number": "583"}, ("decoder", "forward", "backward")),
    "draw": ({"beyond": "Draw", "draw": "copy-4"}, ("decoder", "encoder")),
    "made up": ({"beyond": "Draw", "draw": "new-4"}, ("decoder",)),
    "vrnn": ({"beyond": "Imagine", "imagine": "vrnn-read-2"}, ("cell",)),
    "storn": ({"beyond": "Imagine", "imagine": "storn-new-2"}, ("cell",)),
    "storn reads": ({"beyond": "Imagine", "imagine": "storn-read-2"}, ("cell", "reader")),
    "plain": ({"beyond": "Imagine", "imagine": "plain-read-2"}, ("cell",)),
}


def panels(shown: str, **query: str) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in sent(opened(PAGE, **SHOWN[shown][0], at="3", **query), "panels")["panels"]}


@pytest.mark.parametrize("shown", SHOWN)
def test_memory_what_if_and_gradients_work_on_every_network(shown: str) -> None:
    for part in SHOWN[shown][1]:
        found = panels(shown, inside="Memory", part=part, inside_unit="1")
        assert {"writers", "kept", "spans"} <= found.keys() and "unit 1" in found["kept"]["text"]
        assert next(iter(found)) == "writers", "what was chosen stands first, where it is seen"
        found = panels(shown, inside="Gradients", part=part)
        assert {"vanishing", "paths", "gates"} <= found.keys() and found["gates"]["text"]
        assert ("weights" in found) == (shown != "made up")
        found = panels(shown, inside="What if", part=part)
        assert {"unit", "map"} <= found.keys() and np.abs(found["map"]["figure"]["data"][0]["z"]).max() > 0


@pytest.mark.parametrize(
    "force", ["", "decoder:", "decoder:f=hold", "decoder:c[999]@0:1=0", "decoder:q=1", "x:c=0", "\x00"]
)
def test_a_link_that_forces_what_there_is_not_is_no_fault(force: str) -> None:
    assert "map" in panels("draw", inside="What if", part="nobody", inside_unit="x", force=force)


def test_what_is_forced_is_what_the_address_says() -> None:
    shown = panels("draw", inside="What if", force="decoder:o@2:4=0")
    network = drawing.model()
    digit, noise = network.examples[4:5], network.noise(0, 1)
    [before] = network.draw(noise, digit)
    [after] = network.draw(noise, digit, {"decoder": forcing(network.cell, [Force("o", 0.0, None, 2, 4)], 10)})
    np.testing.assert_allclose(shown["canvas1"]["figure"]["data"][0]["z"].ravel(), after.canvas[-1], atol=1e-6)
    np.testing.assert_array_equal(after.canvas[:3], before.canvas[:3])
    assert shown["canvas1"]["figure"]["data"][0]["coloraxis"] not in ("coloraxis", "coloraxis2"), "black is black"
    assert not after.traces["decoder"]["h"][0, 0, 2:4].any() and after.traces["decoder"]["h"][0, 0, 4].any()
    assert np.abs(after.traces["encoder"]["h"] - before.traces["encoder"]["h"])[0, 0, 3:].max() > 1e-3, "it looks again"


def test_the_unit_that_holds_most_is_named_where_none_was_chosen() -> None:
    box = opened(PAGE, **SHOWN["plain"][0], inside="Memory").selectbox[-1]
    assert box.value is not None, "its field would be empty"
    assert box.options[0].startswith("the one that holds most (unit ")


def test_steps_are_called_by_what_each_run_read_there() -> None:
    network, forced = looking.model(), "c@2:3=0"
    [before] = network.look(pictures.drawn([pictures.read("rc5-bs6")]))
    [after] = network.look(
        pictures.drawn([pictures.read("rc5-bs6")]), forcing(network.speaker.cell, [Force("c", 0.0, None, 2, 3)], 24)
    )
    assert before.words != after.words
    axis = panels("captions", inside="What if", force=f"decoder:{forced}")["unit"]["figure"]["layout"]["xaxis"]
    ends = [("end" if word == END else word for word in said.words) for said in (before, after)]
    pairs = list(zip_longest(*ends, fillvalue="\N{EN DASH}"))[: len(before.words)]
    assert axis["ticktext"] == ["<br>".join(dict.fromkeys(pair)) for pair in pairs]


def test_a_sentence_goes_on_from_what_was_forced() -> None:
    """All that follows does: the next word that is read is the one that was said, and where it looks."""
    network, picture = looking.model(), pictures.drawn([pictures.read("rc5-bs6-yt12")])
    [before] = network.look(picture)
    [after] = network.look(picture, forcing(network.speaker.cell, [Force("c", 0.0, None, 2, 3)], 24))
    [same] = network.look(picture, forcing(network.speaker.cell, [Force("c", 0.0, None, 2, 3, on=False)], 24))
    assert same.words == before.words and after.words[:2] == before.words[:2]
    assert not after.trace["c"][0, 0, 2].any()
    read = after.trace.inputs[1:, 0, : network.speaker.embedding.shape[1]]
    np.testing.assert_array_equal(
        read, network.speaker.embedding[[network.speaker.words.index(word) for word in after.words[:-1]]]
    )
    alone = analysis.intervene(before.trace, "c@2:3=0").after
    np.testing.assert_allclose(after.trace["h"][0, 0, 2], alone["h"][0, 0, 2], atol=1e-6)
    assert np.abs(after.trace["h"][0, 0, 3] - before.trace["h"][0, 0, 3]).max() > 1e-3


def test_the_errors_of_what_is_said_are_torchs() -> None:
    network = translating.model()
    [found] = network.translate([both(583)[0]])
    s, t = network.speaker, 2
    out = {name: torch.from_numpy(value).double() for name, value in s.out.items()}
    h = torch.from_numpy(found.said.trace["h"][0, 0, t, 0]).double().requires_grad_()
    read = torch.from_numpy(found.said.trace.inputs[t, 0]).double()
    y, z = read[: s.embedding.shape[1]], read[s.embedding.shape[1] :]
    score = out["L_o"] @ (y + out["L_h"] @ h + out["L_z"] @ z) + out["b_o"]
    (-score.log_softmax(0)[s.words.index(found.said.words[t])]).backward()
    np.testing.assert_allclose(s.error(found.said, t), h.grad, atol=1e-6)
    most = int(found.said.alpha[t].argmax())
    moved = network.error(found, 1, most, t)
    cell = torch.nn.LSTMCell(len(read), len(h)).double()
    with torch.no_grad():
        for side, letter in (("ih", "W"), ("hh", "U")):
            getattr(cell, f"weight_{side}").copy_(
                torch.from_numpy(np.concatenate([s.params[f"{letter}_{k}"] for k in "ifgo"]))
            )
        cell.bias_ih.copy_(torch.from_numpy(np.concatenate([s.params[f"b_{k}"] for k in "ifgo"])))
        cell.bias_hh.zero_()
    a = torch.from_numpy(np.concatenate(list(found.encoder["h"][0, :, :, 0]), axis=-1)).double().requires_grad_()
    look = {name: torch.from_numpy(value).double() for name, value in s.attention.items()}
    old = [torch.from_numpy(found.said.trace[name][0, 0, t - 1]).double() for name in ("h", "c")]
    weights = (torch.tanh(a @ look["W_a"].T + look["U_a"] @ old[0][0] + look["b_a"]) @ look["v"][0]).softmax(0)
    z = weights @ a
    h2, _ = cell(torch.cat([y, z])[None], tuple(old))
    score = out["L_o"] @ (y + out["L_h"] @ h2[0] + out["L_z"] @ z) + out["b_o"]
    (-score.log_softmax(0)[s.words.index(found.said.words[t])]).backward()
    assert a.grad is not None
    np.testing.assert_allclose(moved, a.grad[most, len(moved) :], atol=1e-6)


def test_the_errors_of_what_is_drawn_are_those_of_the_papers_patch() -> None:
    network, t = drawing.model(), 4
    x = network.examples[4]
    [drawn] = network.draw(network.noise(0, 1), x[None])
    b, h = network.groups["between"], drawn.traces["decoder"]["h"][0, 0, t, 0].astype(float)
    black = np.clip(drawn.canvas[t], 1e-12, 1 - 1e-12)

    def left(h: np.ndarray) -> float:
        rows, columns, strength = filters(b["W_write"] @ h + b["b_write"], network.points, 16)
        patch = (b["W_w"] @ h + b["b_w"]).reshape(network.points, -1)
        c = np.log(black / (1 - black)) + (rows.T @ patch @ columns / strength).ravel()
        return float((np.logaddexp(0, c) - x * c).sum())

    found = network.error(drawn, "decoder", t, x)
    for unit in (0, 7, int(np.abs(found).argmax())):
        moved = np.eye(len(h))[unit] * 1e-4
        assert found[unit] == pytest.approx((left(h + moved) - left(h - moved)) / 2e-4, rel=1e-3, abs=1e-4)
    told = network.error(drawn, "encoder", t, x)
    h = drawn.traces["encoder"]["h"][0, 0, t, 0].astype(float)
    log = b["W_spread"] @ h + b["b_spread"]
    expected = (b["W_mean"] @ h + b["b_mean"]) @ b["W_mean"] + (np.exp(2 * log) - 1) @ b["W_spread"]
    np.testing.assert_allclose(told, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["vrnn", "storn", "plain"])
def test_the_errors_of_a_line_are_torchs(kind: str) -> None:
    network = imagining.model(kind)
    line, t = network.read(network.examples[2]), 5
    at = t if kind == "storn" else t + 1
    groups = {name: {k: v.astype(float) for k, v in part.items()} for name, part in network.groups.items()}
    h = torch.from_numpy(line.traces["cell"]["h"][0, 0, t, 0]).double().requires_grad_()
    z = torch.from_numpy(line.traces["cell"].inputs[at, 0, 2:]).double()
    said = normal(groups["out"], *((z, h) if kind == "vrnn" else (h,)))
    (-said.log_prob(torch.from_numpy(line.x[at]).double()).sum()).backward()
    np.testing.assert_allclose(network.error(line, "cell", t), h.grad, atol=1e-4)
    assert (network.error(line, "cell", len(line.x) - 1) is None) == (kind != "storn")
    np.testing.assert_allclose(network.nats(line), network.bound(network.examples[2:3])[0], atol=1e-4)
    if kind == "storn":
        h = torch.from_numpy(line.traces["reader"]["h"][0, 0, t, 0]).double().requires_grad_()
        given = normal(groups["posterior"], h)
        standard = torch.distributions.Normal(torch.zeros(4).double(), torch.ones(4).double())
        torch.distributions.kl_divergence(given, standard).sum().backward()
        np.testing.assert_allclose(network.error(line, "reader", t), h.grad, atol=1e-4)


def test_one_choice_after_another_is_kept() -> None:
    test = opened(PAGE, beyond="Draw", draw="copy-4", at="3", inside="What if")
    [units] = (one for one in test.selectbox if one.label == "Unit")
    assert units.index == 0 and units.options[0] == "all units"  # what is chosen is shown
    for label, value in (("Signal", "o"), ("Unit", 5), ("Do", "flip"), ("To", 6), ("Which network", "encoder")):
        next(one for one in test.selectbox if one.label == label).set_value(value).run()
        assert not test.exception
        if label == "To":
            assert test.query_params["force"] in ("decoder:o[5]@2:7=flip", ["decoder:o[5]@2:7=flip"])
            ran = sent(test, "panels")["panels"]
            assert "unit 5" in next(one["title"] for one in ran if one["id"] == "unit")
    assert test.query_params["part"] in ("encoder", ["encoder"])


def test_a_second_pick_counts_as_the_first_did() -> None:
    test = opened(PAGE, beyond="Draw", draw="copy-4", at="3", inside="Memory")
    for label, name, picks in (
        ("Which network", "part", ("encoder", "decoder", "encoder")),
        ("Unit", "inside_unit", (5, 7, 9)),
    ):
        for pick in picks:
            next(one for one in test.selectbox if one.label == label).set_value(pick).run()
            assert next(one for one in test.selectbox if one.label == label).value == pick
        assert test.query_params[name] in (str(picks[-1]), [str(picks[-1])])
