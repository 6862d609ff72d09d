"""The general models' tokenizer takes any string, and every token knows where in the text it was read."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstm_core import Tokenizer, load_model


@pytest.fixture(scope="module", params=["general-lstm", "general-gru"])
def tokenizer(request) -> Tokenizer:
    return load_model(request.param).tokenizer


HARD = [
    "naïve café, Ṩ̈́ ÅÅ, İstanbul ŒUVRE ß ﬁne",
    "👩‍👩‍👧‍👦 🤦🏽‍♂️ ❤️ 🇫🇷",
    "مرحبا بالعالم \u202bשלום\u202c",
    "\x00\x07\x1b[0m\x7f\x85\xa0\u200b\u2028\ufeff\ufffd\U0010ffff",
    "我是中国人，她说：“你好！”𠮷野家 カタカナ ㎏",
    "“Don't,” rock'n'roll ''s 1813-01-28 ½ ٣ x²",
    "e\u0301\u0301 \u0301 z" + "\u0335" * 50,
    "[UNK] ## ##ing <unk> <0xE6>",
    "a" * 3000,
]


@given(st.text())
def test_spans_are_in_order_and_only_white_space_lies_between(tokenizer, text):
    check(tokenizer, text)


@pytest.mark.parametrize("text", HARD, ids=range(len(HARD)))
def test_hard_texts(tokenizer, text):
    check(tokenizer, text)


def check(tokenizer: Tokenizer, text: str) -> None:
    tokens = tokenizer.encode(text, begins=False)
    end, word = 0, -1
    for before, token in zip((None, *tokens), tokens, strict=False):
        assert token.known
        assert token.text == text[token.start : token.end] != ""
        if before is not None and (token.start, token.end) == (before.start, before.end):
            assert token.word == before.word  # bytes of one character
        else:
            assert token.start >= end
        gap = text[end : token.start] if token.start > end else ""
        assert gap == "" or gap.isspace()
        assert token.word in (word, word + 1) and (token.word > word or not gap)
        end, word = token.end, token.word
    assert text[end:] == "" or text[end:].isspace()


@example("Straße ΟΔΟΣ \x1f <0x41>")
@given(st.text())
def test_the_tokens_spell_the_text(tokenizer, text):
    """Nothing is lost but white space, the shape of quotation marks, the width of marks and what makes a character a
    traditional one: the pieces spell the text, composed."""
    rule, begins = json.loads(tokenizer.json)["normalizer"]["normalizers"][:2]
    assert begins == {"type": "Begins", "with": "\n"}
    text = text.translate(str.maketrans(rule["from"], rule["to"]))
    same = str.maketrans("\u2018\u2019\u201c\u201d，。？！：；", "''\"\",.?!:;")
    readable = text.encode("utf-8", "replace").decode()
    composed = unicodedata.normalize("NFC", readable).translate(same)
    pieces = spelled([token.piece for token in tokenizer.encode(text)])
    assert re.sub(r"[\s▁]", "", pieces.translate(same)) == re.sub(r"[\s▁]", "", composed)


def test_frequent_words_and_chinese_characters_are_single_tokens(tokenizer):
    text = "Mary said that she didn't speak French because he was hungry. 她说他会法语。"
    assert [token.text for token in tokenizer.encode(text) if token.text.strip()] == [
        *"Mary said that she didn 't speak French because he was hungry .".split(),
        *"她说他会法语。",
    ]


def test_an_unknown_word_is_spelled_in_pieces_under_one_word(tokenizer):
    tokens = tokenizer.encode("Voldemort's Straße", begins=False)
    assert len(tokens) > 4
    assert [token.word for token in tokens] == sorted(token.word for token in tokens)
    assert {token.word for token in tokens} == {0, 1, 2}  # Voldemort, 's, Straße


def spelled(pieces: list[str]) -> str:
    """The text that pieces stand for, of which some are bytes."""
    raw = b"".join(
        bytes([int(piece[3:5], 16)]) if re.fullmatch("<0x[0-9A-F]{2}>", piece) else piece.encode() for piece in pieces
    )
    return raw.decode()
