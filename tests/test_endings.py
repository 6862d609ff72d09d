"""The beginnings of words among the next words, against a network whose every next piece is written down here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer as HuggingFace
from tokenizers import decoders, models, pre_tokenizers

from dashboard.figures.expects import expects
from lstm_core import Network
from lstm_core.cells import cell
from lstm_core.drawing import endings as made
from lstm_core.drawing.endings import endings, letters
from lstm_core.drawing.expected import likeliest_words, next_words
from lstm_core.network import assembled
from lstm_core.text import Token, Tokenizer

PIECES = [
    "\u0120speak",
    "\u0120Nor",
    "weg",
    "ian",
    "\u0120well",
    "\u0120the",
    "n",
    "\u0120don",
    "'t",
    ".",
    "\u0120It",
    "aly",
    "\u0120G",
]
AFTER = {  # what follows each piece for sure; of two, each with one half less a little
    "\u0120speak": ["\u0120Nor"],
    "\u0120Nor": ["weg"],
    "weg": ["ian"],
    "ian": ["\u0120well"],
    "\u0120well": ["\u0120the"],
    "\u0120the": ["."],
    ".": ["\u0120don"],
    "\u0120don": ["'t"],
    "'t": ["\u0120It"],
    "\u0120It": ["n", "aly"],
    "n": ["n"],
    "aly": ["\u0120It"],
    "\u0120G": ["."],
}


def network() -> Network:
    """A plain RNN that forgets all but the piece that it reads, h = tanh(9 x) of one-hot x."""
    size = len(PIECES)
    tokenizer = HuggingFace(models.BPE({piece: k for k, piece in enumerate(PIECES)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    eye = np.eye(size, dtype=np.float32)
    params = {"W": 9 * eye, "U": 0 * eye, "b": np.zeros(size, np.float32)}
    names = [param.name for param in cell("rnn").params]
    weights = dict(zip(names, params.values(), strict=True))
    readout = np.zeros((size, size), np.float32)
    for piece, following in AFTER.items():
        for one in following:
            readout[PIECES.index(one), PIECES.index(piece)] = 12
    return assembled(
        "made", cell("rnn"), [[weights]], Tokenizer(tokenizer.to_str()), eye, readout, np.zeros(size, np.float32)
    )


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("\u0120speak", "Nor(wegian)"),
        ("\u0120well", "the"),
        (".", "don('t)"),
        ("'t", "It-"),
        ("\u0120Nor", "-weg(ian)"),
        ("n", "-n(nnnnnnnn-)"),
    ],
)
def test_a_next_word_is_whole_or_says_how_it_goes_on(read: str, said: str) -> None:
    model = network()
    trace = model.read(np.array([PIECES.index(read)]))
    (row,) = next_words(model, trace, model.likeliest(trace, 1))
    assert row[0][0] == said and row[0][1] > 0.9
    assert likeliest_words(model, [(trace, 0)])[0][0][0] == said


def test_what_is_unlikely_is_whole_as_well_and_of_what_is_not_asked_about_a_letter_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = network()
    trace = model.read(np.array([PIECES.index("\u0120well")]))
    ids = np.array([[PIECES.index("\u0120Nor")]])
    assert endings(model, trace, (ids, np.array([[0.5]]))) == {(0, 1): "(wegian)"}
    assert endings(model, trace, (ids, np.array([[0.01]]))) == {(0, 1): "(wegian)"}
    letter = np.array([[PIECES.index("\u0120G")]])
    monkeypatch.setattr(made, "MOST", 0)
    assert endings(model, trace, (ids, np.array([[0.5]]))) == {}
    assert endings(model, trace, (letter, np.array([[0.01]]))) == {(0, len(PIECES) - 1): "-"}, "no word is one G"


def test_a_word_that_is_taken_is_taken_whole() -> None:
    model = network()
    trace = model.read(np.array([0, 3]))
    trace = replace(trace, tokens=(Token("speak", 0, 5, 0, PIECES[0], True, 0), Token("ian", 5, 8, 3, "ian", True, 0)))
    told = expects(model, trace)
    assert told is not None
    (first, *_), (second, *_) = told["ids"]
    assert (told["words"][first], told["adds"][first]) == ("Nor(wegian)", "Norwegian")
    assert (told["words"][second], told["adds"][second]) == ("well", "well")
    assert len(told["weights"]) == len(told["words"]) == len(told["bias"])


def test_the_letters_of_an_ending() -> None:
    assert [letters(end) for end in ("(wegian)", "(weg-)", "-", "('t)")] == ["wegian", "weg", "", "'t"]


def test_of_a_large_vocabulary_fewer_pieces_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs as many scores as there are pieces; the likeliest come first."""
    monkeypatch.setattr(made, "SCORES", 1 * len(PIECES) + 5)
    model = network()
    trace = model.read(np.array([PIECES.index("\u0120well")] * 2))
    ids, chances = np.full((2, 1), PIECES.index("\u0120Nor")), np.array([[0.5], [0.6]])
    assert endings(model, trace, (ids, chances)) == {(1, 1): "(wegian)"}
