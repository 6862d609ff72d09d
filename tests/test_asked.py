"""Words that a visitor writes, as pieces of a vocabulary: against the tokenizer's own reading of a text."""

from __future__ import annotations

import pytest

from dashboard.controls.words import typed
from dashboard.figures.asked import asked, known
from lstm_core import load_model
from lstm_core.analysis import readout


@pytest.mark.parametrize("name", ["general-lstm", "general-gru"])
@pytest.mark.parametrize("word", ["he", "she", "the", "I", "in", "at"])
def test_a_word_is_the_word_and_not_the_end_of_another(name: str, word: str) -> None:
    """In "so he" the model reads the piece that begins a word; "t|he" ends in another one of the same letters."""
    model = load_model(name)
    id = model.tokenizer.encode(f"so {word}")[-1].id
    assert model.tokenizer.id(word) == asked(model.tokenizer, word).id == id
    assert (readout(model, word).vector == model.predicts.whole[id]).all()
    assert (readout(model, id).vector == model.predicts.whole[id]).all() and readout(model, id).word == word


def test_a_word_of_several_pieces_stands_for_its_first() -> None:
    tokenizer = load_model("general-lstm").tokenizer
    pieces = tokenizer.encode("so antidisestablishmentarianism", begins=False)[1:]
    found = asked(tokenizer, "antidisestablishmentarianism")
    assert found.id == pieces[0].id and found.name.replace("(", "").rstrip(")") == "antidisestablishmentarianism"
    assert asked(tokenizer, "-ard").name == "-ard" and tokenizer.pieces[asked(tokenizer, "-ard").id] == "ard"
    small = load_model("pronouns-lstm").tokenizer
    assert asked(small, "Mary") == asked(small, "mary") and known(small, "She") == "She"
    for wrong in (asked, known):
        with pytest.raises(ValueError, match="vocabulary"):
            wrong(small, "Norwegian")


def test_a_next_word_as_one_would_write_it() -> None:
    said = {"Nor(wegian)": "Norwegian", "Nor(weg-)": "Norweg", "G-": "G"}
    said |= {one: one for one in ("-ard", "he", "(", "-")}
    assert {word: typed(word) for word in said} == said
