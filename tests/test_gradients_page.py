"""What the pages Gradients and Memory say beside their curves, against sums and powers that are made here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dashboard.figures import gradients as draw
from dashboard.figures.memory import LISTED, spans
from dashboard.figures.powers import power_sizes, powers, recurrent
from dashboard.figures.weight_gradient import over_time
from dashboard.scene import Drawn
from dashboard.views.gradients import _ways, plain_rnn
from dashboard.views.what_if import essay
from lstm_core import CELLS, load_model
from lstm_core.analysis import Force, flow, gradients, timescales, word_error
from lstm_core.drawing.panel import rounded
from lstm_core.drawing.words import named, places, words
from lstm_core.trace import Trace
from tests.javascript import evaluate
from tests.traces import random_trace

TEXT = "Mary went to the market because she was hungry. Then John met Anna and he"


def two_layers() -> tuple[Trace, torch.nn.LSTM, torch.Tensor]:
    """A torch LSTM of two layers, its trace in float64, and x."""
    import lstm_core

    torch.manual_seed(0)
    module = torch.nn.LSTM(3, 4, num_layers=2).double()
    x = torch.randn(6, 1, 3, dtype=torch.float64)
    return lstm_core.trace(module, x), module, x


def test_what_is_handed_to_the_layer_below_is_autograd_s() -> None:
    """The second layer alone, on what the first one shows: the gradient of its input."""
    trace, module, _ = two_layers()
    error = np.array([0.4, -1.1, 0.7, 0.2])
    found = gradients(trace, 5, error)
    upper = torch.nn.LSTM(4, 4).double()
    upper.load_state_dict(
        {f"{name}_l0": getattr(module, f"{name}_l1") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )
    shown = torch.tensor(trace["h"][0, 0]).requires_grad_()
    (upper(shown)[0][5, 0] @ torch.tensor(error)).backward()
    assert shown.grad is not None
    np.testing.assert_allclose(found.handed[1], shown.grad[:, 0], atol=1e-12)
    np.testing.assert_array_equal(found.handed[0], found.inputs)


@pytest.mark.parametrize("name", CELLS)
def test_the_steps_parts_add_up_to_the_size_of_the_gradient(name: str) -> None:
    trace = random_trace(name, layers=2, hidden=4)
    found = gradients(trace, 5, np.array([0.4, -1.1, 0.7, 0.2]))
    for param in trace.layers[1][0]:
        each, whole = found.contributions(param, 1), found.weight(param, 1)
        parts = found.along(param, 1)
        size = np.sqrt((whole**2).sum())
        expected = [float((one * whole).sum() / size) if size else 0.0 for one in each]
        np.testing.assert_allclose(parts, expected, atol=1e-12)
        assert parts.sum() == pytest.approx(size, abs=1e-12)


@pytest.mark.parametrize("name", ["minlstm", "coupled"])
def test_a_gate_that_is_what_another_leaves_does_not_hide_the_weights_of_the_others(name: str) -> None:
    """Of minLSTM "i has no weights that read the input" was said: i is 1 - f, and f reads W_f and W_i."""
    model = load_model(f"pronouns-{name}")
    for text in ("Did Priya call Mateo before the exam because", TEXT):
        trace = model.run(text, device="cpu")
        step = len(trace) - 1
        found = gradients(trace, step, word_error(model, trace, step, "he"))
        for layer in range(len(trace.layers)):
            panel = over_time("w", trace, found, layer, 0)
            assert panel["figure"] and "the gradient of W_" in panel["title"]


def test_the_sum_over_time_is_told_and_drawn() -> None:
    model = load_model("pronouns-lstm")
    trace = model.run(TEXT, device="cpu")
    found = gradients(trace, 14, word_error(model, trace, 14, "he"))
    panel = over_time("w", trace, found, 0, 0)
    bars = np.asarray(panel["figure"]["data"][0]["y"])
    matrix = panel["title"].split("the gradient of ")[1].split(",")[0]
    assert bars.sum() == pytest.approx(np.linalg.norm(found.weight(matrix, 0)), rel=1e-5)
    assert f"Training changes {matrix} by the sum" in panel["text"]


def test_powers_are_those_of_repeated_products() -> None:
    matrix = np.diag([0.5, 1.2])
    assert power_sizes(matrix, 3) == pytest.approx([np.sqrt((0.25**k + 1.44**k) / 2) for k in range(4)])
    panel = powers("p", np.random.default_rng(0).normal(size=(5, 5)), "U_a", "RNN")
    trained, under, over = (np.asarray(line["y"]) for line in panel["figure"]["data"])
    assert under[-1] < 0.01 < 100 < over[-1] and trained[0] == under[0] == over[0] == 1
    assert f"{rounded(float(over[-1]))} (scaled to 1.25)." in panel["text"] and " (as trained, " in panel["text"]
    assert recurrent(CELLS["rnn"]) == "U_a" and recurrent(CELLS["rnn_relu"]) == "U_a"
    assert [name for name, cell in CELLS.items() if recurrent(cell)] == ["rnn", "rnn_relu"]


def test_the_memory_is_solid_and_first() -> None:
    trace = load_model("pronouns-lstm").run(TEXT, device="cpu")
    ways = [draw.Way("LSTM", "lstm", flow(trace, 14, "c"), shown=False), draw.Way("LSTM", "lstm", flow(trace, 14, "h"))]
    lines = draw.vanishing("v", trace, ways, "and")["figure"]["data"]
    assert [(line["name"], line["line"]["dash"]) for line in lines] == [("LSTM (c)", "solid"), ("LSTM (h)", "dash")]


def test_norms_are_not_called_shares() -> None:
    trace = load_model("pronouns-lstm").run(TEXT, device="cpu")
    found = flow(trace, 14, "c")
    panel = draw.paths("p", trace, found)
    assert found.direct is not None
    assert f"is {found.direct[0] / found.norm[0]:.2g} times" in panel["text"].replace("1.0 times", "1 times")
    assert "share" not in panel["text"] and "%" not in panel["text"]


def test_a_unit_that_lets_go_is_told_apart_from_what_it_keeps() -> None:
    trace = load_model("pronouns-lstm").run(TEXT, device="cpu")
    keep = trace["f"][0, 0, :, 0, 0].astype(float)
    at = trace.tokens[int(np.argmin(keep[1:])) + 1].text
    held = keep[keep >= 0.5]
    share = np.exp(np.log(held).mean())
    text = spans("s", trace, timescales(trace), 0)["text"]
    assert at == "John" and f"keeps {100 * share:.0f}" in text and "let go once, at “John”" in text


def test_a_unit_that_keeps_nothing_of_a_single_word_lets_go_of_everything() -> None:
    trace = load_model("pronouns-clockwork").run("Mary", device="cpu")
    found = timescales(trace)
    unit = int(np.argmin(found.holding))
    said = spans("s", trace, found, unit)["text"]
    assert found.holding[unit] == 0 and "keeps 0\u202f% a step" in said
    assert "lets go of everything" not in said and "It let go of nothing that it held." in said, "nothing was held"


def test_memory_counts_the_words_at_which_a_unit_lets_go_as_the_headline_does() -> None:
    text = "Priya gave Oluwaseun the keys because he had lost hers, and then she met Xiomara."
    trace = load_model("general-gru").run(text, device="cpu")
    found = timescales(trace)
    word = np.repeat(np.arange(len(words(trace))), [one.last - one.first + 1 for one in words(trace)])
    count = np.array([len(set(word[gone])) for gone in found.let_go.T])
    unit = int(np.argmax(np.where(count > LISTED, found.let_go.sum(0) - count, -1)))
    assert LISTED < count[unit] < found.let_go[:, unit].sum(), "several pieces of a word"
    said = spans("s", trace, found, unit)["text"]
    assert f"It let go at {count[unit]} places, first at " in said
    keep, memory = trace["z"][-1, 0, :, 0, unit], trace["h"][-1, 0, :, 0, unit]
    spoken = {"title": "GRU", "model": "one", "named": [], "ends": [one.end for one in trace.tokens]}
    spoken["words"] = [[one.text, one.first, one.last, 1] for one in words(trace)]
    lines = [{"label": "z", "values": keep.tolist()}, {"label": "h", "values": memory.tolist()}]
    headline = evaluate("gates/telling.js", "all.unit([given[0]], 0, ...given.slice(1))", [spoken, unit, *lines])
    assert f", and it lets go at {count[unit]} of them." in headline, headline


@pytest.mark.parametrize("name", ["lstm", "gru", "janet", "slstm"])
def test_letting_go_is_keeping_less_than_half_of_something(name: str) -> None:
    trace = random_trace(name, time=12, batch=1)
    found = timescales(trace)
    keep = trace["f" if "f" in trace.signals else "z"][0, 0, :, 0]
    if name == "slstm":  # c / n is what is held
        n = np.concatenate([trace.initial["n"][0, 0], trace["n"][0, 0, :, 0]])
        keep = keep * np.where(n[:-1] > 0, n[:-1] / n[1:], 1)
    assert not (found.let_go & (keep >= 0.5)).any()
    for unit in range(4):
        held = [value for value in keep[:, unit] if value >= 0.5] or list(keep[:, unit])
        with np.errstate(divide="ignore"):
            expected = 1 / max(-np.log(held).mean(), 0.0) if -np.log(held).mean() > 0 else np.inf
        assert found.holding[unit] == pytest.approx(expected)


def test_every_language_has_its_plain_rnn() -> None:
    assert plain_rnn(load_model("pronouns-lstm"), TEXT) == "pronouns-rnn"
    assert plain_rnn(load_model("pronouns_zh-gru"), "昨天王女士去了市场") == "pronouns_zh-rnn"
    assert plain_rnn(load_model("general-lstm"), "Xiomara zorb blah") == "general-rnn"
    assert plain_rnn(load_model("agreement-lstm"), "昨天王女士去了市场") == "pronouns_zh-rnn"
    assert plain_rnn(load_model("agreement-lstm"), "Mary went to the market") == "pronouns-rnn"
    assert plain_rnn(load_model("agreement-lstm"), "Xiomara zorb blah") is None, "the widest stands beside its own kind"


def test_what_if_keeps_what_memory_says_is_let_go() -> None:
    """A unit whose gate shuts only to write the first name, or the same again, has nothing to keep."""
    for name in ("pronouns-lstm", "pronouns-gru"):
        model = load_model(name)
        unit = model.meta["units"]["gender"]["unit"]
        assert not essay(model, model.run("Mary was tired because"), Drawn(0, 0), unit)
        trace = model.run(TEXT)
        held = {(item.start, item.stop) for item in essay(model, trace, Drawn(0, 0), unit) if isinstance(item, Force)}
        john = [token.text for token in trace.tokens].index("John")
        assert held == {(john, john + 1)} and timescales(trace).let_go[:, unit].nonzero()[0].tolist() == [john]


MIXED = ("pronouns-lstm", "general-gru")
"""The second reads ↵ before the text, and Anna as An-, -na."""


def read_by(name: str) -> Trace:
    return load_model(name).run(TEXT, device="cpu")


def drawn_over(first: Trace, *others: Trace) -> dict[str, Any]:
    """The states after "met" of traces along the words of the first."""
    ways = []
    for trace in (first, *others):
        step = next(k for k, token in enumerate(trace.tokens) if token.text == "met")
        ways.append(draw.Way(trace.cell.name, trace.cell.name, flow(trace, step, "h"), trace=trace))
    return draw.vanishing("v", first, ways, "met")


def test_a_step_stands_at_the_word_that_it_has_read() -> None:
    plain, cut = map(read_by, MIXED)
    at = places(plain, cut)
    assert [token.text for token in cut.tokens][13:17] == ["met", "An", "na", "and"]
    assert at[0] == -1 and at[13] == 12 and 12 < at[14] < at[15] == 13 and at[16] == 14
    back = places(cut, plain)
    assert back[0] == 1 and back[12:15] == [13, 15, 16]
    assert [places(one, one) for one in (plain, cut)] == [list(range(len(one))) for one in (plain, cut)]


def test_a_character_that_both_read_in_bytes_stands_at_the_same_steps() -> None:
    first, second = (load_model(name).run("Mary 麤 met", device="cpu") for name in ("general-lstm", "general-gru"))
    assert first.tokens[3].end == first.tokens[4].end == first.tokens[5].end
    assert places(first, second) == list(range(len(first)))


def test_the_page_draws_each_model_by_its_own_words() -> None:
    trace = read_by(MIXED[1])
    assert {way.trace for way in _ways(trace, 13, "GRU", Drawn(0, 0))} == {trace}


def test_both_sides_stand_at_the_same_words_and_begin_where_each_begins() -> None:
    plain, cut = map(read_by, MIXED)
    panel = drawn_over(plain, cut)
    lines, axis = panel["figure"]["data"], panel["figure"]["layout"]["xaxis"]
    ended = [line["x"][np.flatnonzero(np.isfinite(line["y"]))[-1]] for line in lines]
    assert ended == [12, 12] and [line["x"][0] for line in lines] == [0, -1]
    assert (axis["tickvals"][0], axis["ticktext"][0], axis["range"][0]) == (-1, "↵", -1.5)
    lstm, gru = (line["y"][0] for line in lines)
    assert panel["text"].endswith(
        f"Where it began, at “Mary”, by: lstm {rounded(1 / lstm)}. Where it began, at “↵”, by: gru {rounded(1 / gru)}."
    )


def test_the_side_that_reads_nothing_before_the_text_begins_at_its_first_word() -> None:
    plain, cut = map(read_by, MIXED)
    panel = drawn_over(cut, plain)
    lines, axis = panel["figure"]["data"], panel["figure"]["layout"]["xaxis"]
    assert [line["x"][0] for line in lines] == [0, 1] and axis["range"][0] == -0.5
    assert "at “↵”, by: gru" in panel["text"] and "at “Mary”, by: lstm" in panel["text"]


def test_what_is_said_of_the_largest_error_and_of_the_largest_part_is_true_of_each() -> None:
    """They need not stand at one step: the gradient of the weights is the error times what was read."""
    apart = 0
    model = load_model("general-lstm")
    for text in ("Angela Merkel was tired because", "Mary was tired because"):
        trace = model.run(text, device="cpu")
        step = len(trace) - 1
        found = gradients(trace, step, word_error(model, trace, step, "she"))
        said, added = draw.by_gate("g", trace, found, "she", 0, 0)["text"], over_time("w", trace, found, 0, 0)["text"]
        error, parts = found.norm("g", 0, 0).argmax(), np.abs(found.along("W_g", 0, 0)).argmax()
        apart += error != parts
        assert f"largest in g at “{named(trace, int(error))}”" in said and "W_g" in added
        assert f"largest part was added at “{named(trace, int(parts))}”" in added
        assert "a small change of its net input would matter most" in said and "training" not in said
    assert apart
