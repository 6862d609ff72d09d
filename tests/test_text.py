"""Any text becomes tokens that say where they were read, and the text can be put together again from them."""

from __future__ import annotations

import json
import pickle
from functools import cache
from typing import Any

import cases
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers
from tokenizers.decoders import ByteLevel
from tokenizers.models import WordLevel, WordPiece

from lab.general.pieces import build
from lstm_core import Tokenizer, list_models, load_model
from lstm_core.text import Token

ODD = (
    "",
    " ",
    "\n\t\x00\x1f\x7f",
    "\ud800 half a pair \udfff",
    "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 and \U0001f1e9\U0001f1ea",
    "今天下雨，她带了伞。",
    "שלום مرحبا",
    "e\u0301 \u0130stanbul \ufb01n \u2126 \u212a ẞ ǅ",
    "\u0300" * 30,
    "z" * 500,
    "한국어 조선말 ไทย हिन्दी",
    "\ufeff\u2028\u2029\u00a0\u3000\u200b",
    "don't \u2018stop\u2019 \u201cnow\u201d",
)


@cache
def tokenizers() -> dict[str, Tokenizer]:
    """One that knows a few words, the general model's kind built on a few sentences, and the shipped ones."""
    few = ["the rain in Spain, the plain", "raining trains trained the rainy plains", "she or he"]
    pieces = build(few, ["天上的雨"], size=380)
    found = {"words": cases.word_tokenizer(), "pieces": Tokenizer(pieces.to_str())}
    return found | {name: load_model(name).tokenizer for name in list_models()}


EACH = pytest.mark.parametrize("name", tokenizers())


def joined(text: str, tokenizer: Tokenizer) -> str:
    """The text put together from its tokens and what lies between them, checked on the way."""
    tokens = tokenizer.encode(text, begins=False)
    result, end, before = "", 0, None
    for token in tokens:
        same = before is not None and (token.start, token.end) == (before.start, before.end)
        if not same:  # the bytes of one character share its place
            assert end <= token.start, "spans are in order and do not overlap"
            assert not text[end : token.start].strip(), "only white space is left out"
            result += text[end : token.start] + token.text
            end = token.end
        assert 0 <= token.start < token.end <= len(text), "a token stands somewhere in the text"
        assert before is None or before.word <= token.word, "words are counted upwards"
        assert token.word >= 0 and tokenizer.pieces[token.id] == token.piece
        before = token
    assert not text[end:].strip()
    return result + text[end:]


def with_odd_texts(test):
    for text in ODD:
        test = example(text=text)(test)
    return test


@EACH
@with_odd_texts
@given(text=st.text(st.characters(categories=None), max_size=40))
def test_any_text_joins_back(name: str, text: str) -> None:
    readable = text.encode("utf-8", "replace").decode()  # a lone surrogate is read as a question mark
    assert joined(text, tokenizers()[name]) == readable


@EACH
@given(text=st.text(st.sampled_from("ab éé雨,.' \n\u0301\U0001f600'’AİZ"), max_size=60))
def test_mixed_scripts_join_back(name: str, text: str) -> None:
    assert joined(text, tokenizers()[name]) == text


def test_a_known_word_an_unknown_one_and_a_sign() -> None:
    tokens = cases.word_tokenizer().encode("Mary met  she.")
    assert [(t.text, t.start, t.end, t.id, t.piece, t.known, t.word) for t in tokens] == [
        ("Mary", 0, 4, 1, "Mary", True, 0),
        ("met", 5, 8, 0, "<unk>", False, 1),
        ("she", 10, 13, 6, "she", True, 2),
        (".", 13, 14, 8, ".", True, 3),
    ]


def test_pieces_of_one_word_share_its_number() -> None:
    """A word may be spelled in pieces, each with its own place, and a rare character in bytes that share one place."""
    tokens = tokenizers()["pieces"].encode("the rained雪!")
    words: dict[int, list[str]] = {}
    for token in tokens:
        words.setdefault(token.word, []).append(token.text)
    the, rained, snow, sign = words.values()
    assert the == ["the"] and "".join(rained) == "rained" and len(rained) > 1
    assert snow == ["雪"] * 3 and set(sign) == {"!"}


def test_the_space_that_a_piece_begins_with_is_not_shown() -> None:
    """A tokenizer of the newer kind, whose pieces hold the space before a word: two of them, and a lone space."""
    from tokenizers import Tokenizer as HuggingFace
    from tokenizers import normalizers

    model = HuggingFace(models.BPE({"▁": 0, "a": 1, "b": 2, "▁a": 3}, [("▁", "a")]))
    model.normalizer = normalizers.Replace(" ", "▁")
    model.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokens = Tokenizer(model.to_str()).encode("ab ab  b")
    assert [(t.text, t.start, t.end, t.piece, t.word) for t in tokens] == [
        ("a", 0, 1, "a", 0),
        ("b", 1, 2, "b", 0),
        ("a", 3, 4, "▁a", 1),
        ("b", 4, 5, "b", 1),
        (" ", 5, 6, "▁", 2),
        (" ", 6, 7, "▁", 3),
        ("b", 7, 8, "b", 3),
    ]


def read_as(first: str, second: str) -> Tokenizer:
    """Words, and before them the rule that reads characters of the first text as those of the second."""
    content = json.loads(cases.word_tokenizer().json)
    rule = {"type": "Characters", "from": first, "to": second}
    content["normalizer"] = {"type": "Sequence", "normalizers": [rule, *filter(None, [content["normalizer"]])]}
    return Tokenizer(json.dumps(content))


def test_characters_that_are_read_as_others_are_shown_as_they_are() -> None:
    tokenizer = read_as("\U0001f600ø", "Me")
    tokens = tokenizer.encode("\U0001f600ary met shø.")
    assert [(t.text, t.start, t.end, t.piece, t.known) for t in tokens] == [
        ("\U0001f600ary", 0, 4, "Mary", True),
        ("met", 5, 8, "<unk>", False),
        ("shø", 9, 12, "she", True),
        (".", 12, 13, ".", True),
    ]
    assert tokenizer.id("shø") == tokenizer.id("she") and tokenizer.id("\U0001f600ary") == 1
    assert tokenizer.display(1) == "Mary" and tokenizer.pieces == cases.WORDS
    assert tokenizer != cases.word_tokenizer() and pickle.loads(pickle.dumps(tokenizer)) == tokenizer


@pytest.mark.parametrize(("first", "second"), [("ab", "c"), ("a", "bc"), ("a", ["bc"]), (None, "a"), ("a", {})])
def test_a_rule_that_says_nothing_is_refused(first: Any, second: Any) -> None:
    with pytest.raises(ValueError, match="not a tokenizer"):
        read_as(first, second)


TRADITIONAL = {
    "王女士去了商店，因為": "王女士去了商店，因为",
    "我在法國長大，我會說": "我在法国长大，我会说",
    "妳的哥哥說：「我們買了門票」，然後": "你的哥哥说：“我们买了门票”，然后",
    "醫生檢查了護士，她覺得很累": "医生检查了护士，她觉得很累",
}


@pytest.mark.parametrize(
    "name", ["general-lstm", "general-gru", "general-rnn", "pronouns_zh-lstm", "pronouns_zh-gru", "pronouns_zh-rnn"]
)
@pytest.mark.parametrize("text", TRADITIONAL)
def test_models_that_have_read_chinese_read_traditional_characters(name: str, text: str) -> None:
    tokens, simplified = (tokenizers()[name].encode(one, begins=False) for one in (text, TRADITIONAL[text]))
    assert [token.id for token in tokens] == [token.id for token in simplified]
    assert "".join(token.text for token in tokens) == text


@pytest.mark.parametrize("name", ["general-lstm", "general-gru", "general-rnn"])
def test_something_is_read_before_every_text_that_is_not_empty(name: str) -> None:
    tokenizer = tokenizers()[name]
    first, *rest = tokenizer.encode("Mary met")
    assert first == Token("\n", 0, 0, tokenizer.id("\n"), "\n", known=True, word=-1)
    assert tuple(rest) == tokenizer.encode("Mary met", begins=False) and [one.text for one in rest] == ["Mary", "met"]
    assert tokenizer.encode("") == ()


def own(**rule: object) -> str:
    """The pieces with a rule of our own."""
    content = json.loads(tokenizers()["pieces"].json)
    return json.dumps({**content, "normalizer": {"type": "Sequence", "normalizers": [rule]}})


@pytest.mark.parametrize("rule", [{"with": "none of them"}, {"with": 7}, {}])
def test_a_beginning_that_is_no_piece_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Begins is no piece of the vocabulary"):
        Tokenizer(own(type="Begins", **rule))


def test_a_beginning_may_stand_before_characters_and_after_them() -> None:
    content = json.loads(own(type="Begins", **{"with": "a"}))
    rules = content["normalizer"]["normalizers"]
    characters = [{"type": "Characters", "from": "b", "to": "a"}]
    for both in (characters + rules, rules + characters):
        content["normalizer"]["normalizers"] = both
        assert len({token.id for token in Tokenizer(json.dumps(content)).encode("b")}) == 1


@pytest.mark.parametrize("text", ["q", "Q", "#", "##", "雪", "\U0001f9a6", "ß"])
def test_nothing_is_unknown_to_the_pieces(text: str) -> None:
    assert all(token.known for token in tokenizers()["pieces"].encode(text))


def test_vocabulary() -> None:
    tokenizer = cases.word_tokenizer()
    assert tokenizer.size == len(cases.WORDS) and tokenizer.pieces == cases.WORDS
    assert [tokenizer.id(word) for word in cases.WORDS] == list(range(len(cases.WORDS)))
    assert tokenizer.display(1) == "Mary"
    with pytest.raises(ValueError, match="'Anna' is not in this model's vocabulary of 9"):
        tokenizer.id("Anna")


def test_an_id_that_there_is_not_is_not_decoded() -> None:
    tokenizer = load_model("pronouns-lstm").tokenizer
    assert tokenizer.decode([]) == "" and tokenizer.decode([tokenizer.id("he"), tokenizer.id("was")]) == "he was"
    for id in (-1, tokenizer.size):
        with pytest.raises(ValueError, match=f"no word {id}; there are 2,339"):
            tokenizer.decode([0, id])


def test_a_word_is_not_what_stands_for_unknown_ones() -> None:
    """Whatever the vocabulary calls it, and where it has none; nor is half a character a word."""
    pre = pre_tokenizers.Metaspace()
    scores = [("[UNK]", -9.0), ("\u2581he", -1.0), ("he", -2.0), ("\u2581", -3.0)]
    found = {
        "pieces": HuggingFaceTokenizer(WordPiece({"[UNK]": 0, "he": 1}, unk_token="[UNK]")),
        "words": HuggingFaceTokenizer(WordLevel({"[UNK]": 0, "he": 1}, unk_token="[UNK]")),
        "unigrams": HuggingFaceTokenizer(models.Unigram(scores, 0)),
        "without": HuggingFaceTokenizer(models.Unigram(scores, None)),
    }
    for name, one in found.items():
        if name in ("unigrams", "without"):
            one.pre_tokenizer = pre
        tokenizer = Tokenizer(one.to_str())
        assert tokenizer.id("he") == (2 if name == "without" else 1)
        for word in ("zz", "\U0001f984", "\ud800", ""):
            with pytest.raises(ValueError, match="is not in this model's vocabulary"):
                tokenizer.id(word)
        if name != "without":
            assert [token.known for token in tokenizer.encode("he")] == [True]
            assert tokenizer.encode("zz")[-1].known is False


def test_a_word_begins_with_a_space_where_only_one_that_is_written_says_so() -> None:
    """As GPT-2 has it: "he" at the beginning of a text is the piece that goes on with "t"."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    ids = {piece: k for k, piece in enumerate([*letters, "he", "\u0120he", "\u0120,"])}
    model = HuggingFaceTokenizer(models.BPE(ids, [("h", "e"), ("\u0120", "he"), ("\u0120", ",")]))
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = Tokenizer(model.to_str())
    said = ("he", " he", "\u0120he", ",", "t")
    assert [tokenizer.pieces[tokenizer.id(text)] for text in said] == ["\u0120he", "\u0120he", "\u0120he", ",", "t"]


def test_a_quotation_mark_is_the_one_that_opens_where_texts_begin_with_a_space() -> None:
    tokenizer = load_model("general-lstm").tokenizer
    opens, closes = (token.id for token in tokenizer.encode('He said "no".') if token.text == '"')
    assert tokenizer.id('"') == opens != closes == tokenizer.pieces.index('"')


def test_display_leaves_out_the_marks_of_the_vocabulary() -> None:
    tokenizer = Tokenizer(HuggingFaceTokenizer(WordPiece({"#": 0, "a": 1, "##a": 2}, unk_token="#")).to_str())
    assert tokenizer.display(tokenizer.id("##a")) == "a"
    assert tokenizer.display(tokenizer.id("#")) == "#"
    assert Tokenizer(HuggingFaceTokenizer(WordLevel({"##": 0}, unk_token="##")).to_str()).display(0) == "##"


@pytest.mark.parametrize("json", ["", "{}", "not json", "[1, 2]"])
def test_what_is_no_tokenizer_is_refused(json: str) -> None:
    with pytest.raises(ValueError, match="this is not a tokenizer"):
        Tokenizer(json)


def test_equal_tokenizers_are_equal() -> None:
    a, b = cases.word_tokenizer(), cases.word_tokenizer()
    assert a == Tokenizer(a.json) and hash(a) == hash(Tokenizer(a.json)) and a != "a"
    assert (a == b) == (a.json == b.json)
    assert pickle.loads(pickle.dumps(a)).encode("she")[0].id == 6


def test_half_a_character_is_shown_as_its_bytes() -> None:
    """The letters that byte-level vocabularies spell bytes in are garbage to a reader."""
    tokenizer = tokenizers()["pieces"]
    assert [tokenizer.display(token.id) for token in tokenizer.encode("雪")] == ["0xE9", "0x9B", "0xAA"]
    byte_level = HuggingFaceTokenizer(WordLevel({"Ģ": 0}, unk_token="Ģ"))
    byte_level.decoder = ByteLevel()  # type: ignore[assignment]
    assert Tokenizer(byte_level.to_str()).display(0) == "0x80"
