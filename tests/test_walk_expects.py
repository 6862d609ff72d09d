"""The last stages of the walk say what plain NumPy, written here from the definitions, makes of the states."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dashboard.figures import expects as draw
from dashboard.figures.expects import expects, looks_back
from dashboard.figures.walk import walk
from lstm_core import load_model
from lstm_core.text import SPACES
from tests.javascript import evaluate
from tests.small_models import small_model
from tests.traces import random_trace

TEXTS = {
    "pronouns-lstm": "Mary went to the market because she was hungry. Then John met Anna and",
    "pronouns-lstm-attention": "Mary met John because she",
    "pronouns_zh-gru": "昨天王女士去了市场，因为她很饿。",
    "general-gru": "I grew up in France. 中国人 saw Xiomara 42",
    "country-rnn": "I grew up in Germany. I speak fluent",
    "copy-lstm": "a b d .",
}


def states(name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(time, unit): h of the top layer, and the readout's arrays."""
    model = load_model(name)
    trace = model.run(TEXTS[name], device="cpu")
    out = model.predicts
    through = out.weight if out.through is None else out.through @ out.weight
    return trace["h"][-1, 0, :, 0].astype(float), {"V": through.astype(float), "b": out.bias.astype(float)}


@pytest.mark.parametrize("name", TEXTS)
def test_scores_and_shares_are_the_softmax_of_what_is_read(name: str) -> None:
    model = load_model(name)
    trace = model.run(TEXTS[name], device="cpu")
    told = expects(model, trace)
    assert told is not None
    h, out = states(name)
    if model.attention is not None:
        looked = looks_back(trace)
        assert looked is not None
        scores = h @ model.attention["W_a"].astype(float) @ h.T
        for step in range(len(h)):
            alpha = np.exp(scores[step, : step + 1] - scores[step, : step + 1].max())
            alpha /= alpha.sum()
            np.testing.assert_allclose(looked["alpha"][step, : step + 1], alpha, atol=1e-5)
            np.testing.assert_allclose(looked["mean"][step], alpha @ h[: step + 1], atol=1e-5)
            assert not looked["alpha"][step, step + 1 :].any()
        h = np.concatenate([h, looked["mean"].astype(float)], axis=1)
    logits = h @ out["V"].T + out["b"]
    total = np.log(np.exp(logits).sum(axis=1))
    np.testing.assert_allclose(told["total"], total, atol=1e-4)
    names = [model.tokenizer.display(id).replace("<unk>", "unknown word") for id in range(len(out["b"]))]
    names = ["rare character" if one.startswith("0x") else one for one in names]
    for step, row in enumerate(told["ids"]):
        best = np.sort(logits[step])[::-1][: told["likeliest"]]
        np.testing.assert_allclose(told["scores"][step, : told["likeliest"]], best, atol=1e-4)
        np.testing.assert_allclose(told["shares"][step], np.exp(told["scores"][step] - total[step]), atol=1e-5)
        for place, word in enumerate(row):
            begun = re.sub(r"(?<=.)(\(.*\)|-)$", "", told["words"][word])  # "Nor" of "Nor(wegian)"
            expected = [logits[step, id] for id, one in enumerate(names) if begun in (one, f"-{one}")]
            assert np.abs(np.array(expected) - told["scores"][step, place]).min() < 1e-4
            lead = told["weights"][word].astype(float) @ told["read"][step] + told["bias"][word]
            assert abs(lead - told["scores"][step, place]) < 1e-4


@pytest.mark.parametrize("name", ["pronouns-lstm", "general-lstm"])
def test_the_numbers_are_the_library_s_to_the_last_digit(name: str) -> None:
    model = load_model(name)
    trace = model.run("Mary met John and", device="cpu")
    told, table = expects(model, trace), model.predictions(trace)
    assert told is not None
    for step in range(len(trace)):
        shown = [
            (told["words"][word], f"{float(share):.6f}")
            for word, share in zip(told["ids"][step][:5], told["shares"][step], strict=False)
        ]
        assert shown == [(word, f"{share:.6f}") for word, share in table[step]]


def test_words_are_held_against_each_other_where_the_model_has_both() -> None:
    for name, words in (("pronouns-lstm", ("he", "she")), ("pronouns_zh-gru", ("他", "她"))):
        model = load_model(name)
        told = expects(model, model.run(TEXTS[name], device="cpu"))
        assert told is not None
        one, other = (told["words"].index(word) for word in words)
        assert told["partners"] == {str(one): other, str(other): one}
        assert {one, other} <= set(told["ids"][0].tolist())


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_goes_on_with_the_word_that_was_clicked(name: str) -> None:
    """After the click the network reads what it has read, and then that word, whole, and nothing else; a piece goes on
    its word."""
    model = load_model(name)
    trace = model.run(TEXTS[name], device="cpu")
    told = expects(model, trace)
    assert told is not None
    clicks = [
        (TEXTS[name][: told["ends"][step]], told["adds"][word], step)
        for step, row in enumerate(told["ids"])
        for word in row
        if told["adds"][word]
    ]
    assert len(clicks) > 0.7 * told["ids"].size
    typed = evaluate("walk/text.js", "given.map(([a, b]) => all.joined(a, b))", clicks)
    for text, (before, add, step) in zip(typed, clicks, strict=True):
        if add.startswith("##"):  # a longer piece may hold both
            assert text == before + add[2:]
            continue
        read = [token.id for token in trace.tokens[: step + 1]]
        if trace.tokens[step].piece in SPACES:  # a space alone becomes one with the word behind it
            read.pop()
        found = [token.id for token in model.tokenizer.encode(text)]
        later = [other for other in trace.tokens[step + 1 :] if other.end == trace.tokens[step].end]
        assert found[: len(read)] == read, (before, add)
        added = found[len(read) + len(later) :]
        assert "".join(model.tokenizer.display(id).strip() for id in added) == add, (before, add, text)


def test_what_nobody_can_type_is_not_offered() -> None:
    tokenizer = load_model("general-lstm").tokenizer
    half = next(id for id, piece in enumerate(tokenizer.pieces) if tokenizer.display(id).startswith("0x"))
    assert draw.added(tokenizer, half) == ""
    unknown = load_model("pronouns-lstm").tokenizer
    assert draw.added(unknown, unknown.id("<unk>")) == ""


def test_a_network_that_predicts_nothing_has_no_such_stage() -> None:
    model = small_model("lstm")
    trace = model.run("mary saw john")
    content = walk([model], [trace], [0], [(0, 0)], "mary saw john")
    assert [stage["name"] for stage in content["sides"][0]["stages"]][-1] == "What it expects"
    numbers = random_trace("lstm", batch=1)
    side = walk([model.__class__("numbers", model.block)], [numbers], [0], [(0, 0)])["sides"][0]
    assert side["expects"] is None and side["stages"][-1]["name"] == "What to show"


def test_both_directions_and_all_layers_end_in_what_the_readout_reads() -> None:
    model = small_model("gru", layers=2, directions=2, hidden=4)
    trace = model.run("mary saw john")
    told = expects(model, trace)
    assert told is not None
    h = np.concatenate([trace["h"][1, 0, :, 0], trace["h"][1, 1, :, 0]], axis=-1)
    np.testing.assert_allclose(told["read"], h)
    assert (told["directions"], told["layers"]) == (2, 2)
