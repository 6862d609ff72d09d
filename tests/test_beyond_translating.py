"""A network that translates number words: its reader against torch, and what its file claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lab.recipes.translating import drawn, translated
from lstm_core import analysis
from lstm_core.beyond import kept
from lstm_core.beyond.attending import END
from lstm_core.beyond.numbers import both, held_out
from lstm_core.beyond.translating import Translating

FRESH = 7


@pytest.fixture(scope="module")
def model() -> Translating:
    return Translating.load(kept.file("numbers-lstm"))


@pytest.mark.parametrize(
    "n, german, english",
    [
        (0, "null", "zero"),
        (1, "eins", "one"),
        (16, "sechzehn", "sixteen"),
        (21, "ein und zwanzig", "twenty one"),
        (101, "ein hundert eins", "one hundred one"),
        (312, "drei hundert zwölf", "three hundred twelve"),
        (1000, "ein tausend", "one thousand"),
        (71_030, "ein und siebzig tausend dreißig", "seventy one thousand thirty"),
        (
            427_583,
            "vier hundert sieben und zwanzig tausend fünf hundert drei und achtzig",
            "four hundred twenty seven thousand five hundred eighty three",
        ),
    ],
)
def test_a_number_in_both_languages(n: int, german: str, english: str) -> None:
    found = both(n)
    assert (" ".join(found[0]), " ".join(found[1])) == (german, english)
    same = {"drei": "three", "zwanzig": "twenty", "tausend": "thousand", "hundert": "hundred", "ein": "one"}
    for word, place in zip(found[1], found[2], strict=True):
        assert same.get(found[0][place], word) == word
    assert len(set(found[2])) == len(found[2])


def test_numbers_out_of_reach_are_refused() -> None:
    for n in (-1, 1_000_000):
        with pytest.raises(ValueError, match="999,999"):
            both(n)


def test_one_number_in_ten_is_held_out() -> None:
    assert 0.08 < np.mean([held_out(n) for n in range(1_000, 20_000)]) < 0.12
    draw = np.random.default_rng(0)
    assert not any(map(held_out, drawn(draw, 500, False))) and all(map(held_out, drawn(draw, 50, True, 4)))


def test_the_reader_is_torchs(model: Translating) -> None:
    german, _, _ = both(427_583)
    [found] = model.translate([german])
    lstm = torch.nn.LSTM(model.embedding.shape[1], len(model.encoder[0]["b_f"]), bidirectional=True)
    with torch.no_grad():
        for params, end in zip(model.encoder, ("", "_reverse"), strict=True):
            for name, letter in (("weight_ih_l0", "W"), ("weight_hh_l0", "U"), ("bias_ih_l0", "b")):
                value = np.concatenate([params[f"{letter}_{k}"] for k in "ifgo"])
                getattr(lstm, name + end).copy_(torch.from_numpy(value))
            getattr(lstm, f"bias_hh_l0{end}").zero_()
        output, _ = lstm(torch.from_numpy(found.encoder.inputs))
    states = np.concatenate([found.encoder.signals["h"][0, d] for d in range(2)], axis=-1)
    np.testing.assert_allclose(states, output, atol=1e-5)
    assert [token.text for token in found.encoder.tokens] == german
    z = found.said.trace.inputs[:, 0, model.speaker.embedding.shape[1] :]
    np.testing.assert_allclose(z, found.said.alpha @ states[:, 0], atol=1e-5)
    for trace in (found.encoder, found.said.trace):
        assert analysis.memory(trace, len(trace) - 1).residual < 1e-5
    assert found.said.words[-1] == END


def test_it_translates_numbers_that_it_never_saw_and_looks_at_the_right_word(model: Translating) -> None:
    found = translated(model, drawn(np.random.default_rng(FRESH), 300, True, 4))
    assert found["exact"] >= 0.97 and found["on_same"] > 0.7 and found["even"] < 0.2
    untrained = translated(model.untrained(), drawn(np.random.default_rng(FRESH), 50, True, 4))
    assert untrained["exact"] == 0 and untrained["on_same"] < 0.3


def test_sentences_that_do_not_fit_are_refused(model: Translating) -> None:
    with pytest.raises(ValueError, match="quatre"):
        model.translate([["quatre"]])
    with pytest.raises(ValueError, match="one length"):
        model.translate([["drei"], ["drei", "hundert"]])
    with pytest.raises(ValueError, match="one length"):
        model.translate([[]])
