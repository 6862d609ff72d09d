"""Pieces of words are shown as pieces, and the bytes of a character once."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer as HuggingFace
from tokenizers import decoders, models, normalizers, pre_tokenizers

from dashboard.figures.content import side
from lstm_core import Network, Tokenizer, load_model
from lstm_core.drawing.expected import next_words
from lstm_core.drawing.panel import read_at
from lstm_core.drawing.words import BYTE, named, next_word, words
from lstm_core.network import assembled
from tests.small_models import small_model

PIECES = ["\u2581", "a", "r", "d", "y", "0", "9", "\u56fd", "ar", "ard", "\u2581y", "\u2581a", "\u25819"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def spaced() -> Tokenizer:
    """As vocabularies of the newer kind are: a space begins the piece, and what is no piece is spelled in bytes."""
    found = {piece: k for k, piece in enumerate([*BYTES, *PIECES])}
    merges = [("a", "r"), ("ar", "d"), ("\u2581", "y"), ("\u2581", "a"), ("\u2581", "9")]
    model = HuggingFace(models.BPE(found, merges, byte_fallback=True))
    model.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])  # type: ignore[assignment]
    model.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")  # type: ignore[assignment]
    model.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )  # type: ignore[assignment]
    return Tokenizer(model.to_str())


def reader() -> Network:
    tokenizer, like = spaced(), small_model("lstm")
    rng = np.random.default_rng(0)
    layers = [[{p.name: rng.normal(size=p.shape(3, 4)).astype(np.float32) for p in like.cell.params}]]
    embedding, readout = rng.normal(size=(tokenizer.size, 3)), rng.normal(size=(tokenizer.size, 4))
    return assembled(
        name="spaced", tokenizer=tokenizer, cell=like.cell, embedding=embedding.astype(np.float32), layers=layers,
        readout=readout.astype(np.float32), bias=np.zeros(tokenizer.size, np.float32), meta={},
    )  # fmt: skip


def test_a_next_word_is_a_word_or_the_rest_of_one() -> None:
    tokenizer = spaced()
    names = {piece: next_word(tokenizer, tokenizer.pieces.index(piece)) for piece in PIECES}
    assert names["\u2581y"] == "y" and names["ard"] == "-ard" and names["y"] == "-y"
    assert names["9"] == "9", "below zero it is not"
    assert names["\u56fd"] == "\u56fd", "Chinese has no spaces"
    assert names["\u2581"] == " "
    assert next_word(tokenizer, BYTES.index("<0xE4>")) == next_word(tokenizer, BYTES.index("<0xB8>")) == BYTE


def test_a_vocabulary_without_spaces_names_its_words_as_they_are() -> None:
    words_only = small_model("lstm").tokenizer
    assert [next_word(words_only, id) for id in (0, 1, 3)] == ["<unk>", ".", "mary"]
    model = HuggingFace(models.WordPiece({"<unk>": 0, "yell": 1, "##ow": 2, "##9": 3}, unk_token="<unk>"))
    pieces = Tokenizer(model.to_str())
    assert [next_word(pieces, id) for id in (1, 2, 3)] == ["yell", "-ow", "9"]
    letters = Tokenizer(HuggingFace(models.WordLevel({" ": 0, "a": 1}, unk_token=" ")).to_str())
    assert next_word(letters, 1) == "a", "where a space is a character of its own no piece goes on"


def test_bytes_among_the_next_words_are_one_word_with_all_their_share() -> None:
    model = reader()
    ids = np.array([[BYTES.index("<0xE4>"), model.tokenizer.id("\u2581y"), BYTES.index("<0xB8>")]])
    (row,) = next_words(model, model.run("y"), (ids, np.array([[0.3, 0.4, 0.2]])))
    assert row == [(BYTE, pytest.approx(0.5)), ("y", pytest.approx(0.4))]
    assert next_words(model, model.run("y a"), None) == [[], []]
    trace = model.run("y")
    drawn = side(model, trace, [row], 0, 0, np.arange(4))["next"]
    assert drawn["words"] == ["rare character", "y"] and drawn["ids"].tolist() == [[0, 1]]
    uneven = side(model, model.run("y a"), [row, row[:1]], 0, 0, np.arange(4))["next"]
    assert uneven["ids"].tolist() == [[0, 1], [0, -1]]


def test_what_is_read_is_named_by_its_piece() -> None:
    model = reader()
    trace = model.run("yard 909 \U0001f642 a\u56fd")
    shown = [word.text for word in words(trace)]
    assert shown[:2] == ["yard", "909"] and "\U0001f642" in "".join(shown)
    read = [named(trace, step) for step in range(len(trace))]
    assert read[:2] == ["y-", "-ard"] and "-0" not in read
    at = read.index("\U0001f642, byte 1 of 4")
    assert read[at + 1 : at + 4] == [f"\U0001f642, byte {k} of 4" for k in (2, 3, 4)]
    pieces = side(model, trace, [[]] * len(trace), 0, 0, np.arange(4))["pieces"]
    assert [pieces.get(str(step)) for step in (0, 1)] == ["y-", "-ard"]
    assert [pieces[str(step)] for step in range(at, at + 4)] == ["4 bytes"] * 4
    assert read[-1] == "\u56fd"


def test_of_a_word_that_is_read_more_than_once_it_is_said_which() -> None:
    trace = load_model("general-gru").run("the king met the queen and the king")
    said = {token.text: [] for token in trace.tokens}
    for step, token in enumerate(trace.tokens):
        said[token.text].append(read_at(trace, step))
    assert said["the"] == ["the 1st “the”", "the 2nd “the”", "the 3rd “the”"]
    assert said["king"] == ["the 1st “king”", "the 2nd “king”"] and said["queen"] == ["“queen”"]
    many = load_model("general-gru").run("no " * 23)
    told = [read_at(many, step).split()[1] for step, token in enumerate(many.tokens) if token.text == "no"]
    assert [told[k] for k in (3, 10, 11, 12, 20, 21, 22)] == ["4th", "11th", "12th", "13th", "21st", "22nd", "23rd"]
    assert read_at(load_model("general-gru").block.trace(np.zeros((3, 192))), 1) == "“step 2”"


@pytest.mark.parametrize("which", [[""], ["the 1st ", "the 2nd "]])
def test_of_a_character_in_bytes_it_is_said_which_piece_is_read(which: list[str]) -> None:
    trace = load_model("general-gru").run("so \U0001f642" * len(which))
    told = [read_at(trace, step) for step, token in enumerate(trace.tokens) if token.text == "\U0001f642"]
    assert told == [f"{one}“\U0001f642” (piece {k} of 4)" for one in which for k in (1, 2, 3, 4)]
