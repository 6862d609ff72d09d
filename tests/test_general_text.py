"""The general models' tokenizer takes any string, and every token knows where in the text it was read."""

from __future__ import annotations

import re

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
    tokens = tokenizer.encode(text)
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


# Letters that are younger than this Python's tables are folded by the tokenizer alone.
@example("Straße ΟΔΟΣ \x1f")
@given(st.text(st.characters(exclude_categories=["Cn", "Cs"])))
def test_the_tokens_spell_the_text(tokenizer, text):
    """Nothing is lost but case, white space and the shape of quotation marks: the pieces decode to the folded text."""
    folded = "".join(c.lower() for c in text).translate(str.maketrans("\u2018\u2019\u201c\u201d", "''\"\""))
    pieces = "".join(token.piece.removeprefix("##") for token in tokenizer.encode(text))
    assert spelled(pieces) == re.sub(r"[^\S\x1c-\x1f]", "", folded)  # Python alone takes these four for white space


def test_frequent_words_and_chinese_characters_are_single_tokens(tokenizer):
    text = "Mary said that she didn't speak French because he was hungry. 她说他会法语。"
    assert [token.text for token in tokenizer.encode(text)] == [
        *"Mary said that she didn't speak French because he was hungry .".split(),
        *"她说他会法语。",
    ]


def test_an_unknown_word_is_spelled_in_pieces_under_one_word(tokenizer):
    tokens = tokenizer.encode("Voldemort's Straße")
    assert len(tokens) > 4
    assert [token.word for token in tokens] == sorted(token.word for token in tokens)
    assert {token.word for token in tokens} == {0, 1}


def spelled(pieces: str) -> str:
    """The text that byte pieces stand for (GPT-2's alphabet: printable characters stand for themselves)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + k): byte for k, byte in enumerate(rest)}
    return bytes(byte_of[c] for c in pieces).decode()
