"""A vocabulary's entries are found in a text as they are spelled, whatever the text, in time."""

from __future__ import annotations

import json
import random
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lstm_core.files import vocabulary
from lstm_core.files.vocabulary.words import Words
from lstm_core.text import Tokenizer

WORDS = [
    "<unk>",
    "the",
    "market",
    "don't",
    "well-known",
    "u.s.",
    "new york",
    "<eos>",
    "c++",
    "3.14",
    "n't",
    "'s",
    "new",
]


def made(entries: list[str] | dict[str, int], rows: int | None = None, by: vocabulary.By | None = None) -> Tokenizer:
    return vocabulary.read(json.dumps(entries).encode(), rows or len(entries), by)


def read(entries: list[str], text: str, by: vocabulary.By | None = None) -> list[str]:
    """What is read: the entry of each token, or "?" and the text for which there is none."""
    return [token.piece if token.known else f"?{token.text}" for token in made(entries, by=by).encode(text)]


# ---- how entries are found


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("don't the well-known market", ["don't", "the", "well-known", "market"]),
        ("The U.S. market,the", ["the", "u.s.", "market", "?,", "the"]),
        ("New York, new yorkers, new", ["new york", "?,", "new", "?yorkers", "?,", "new"]),
        ("theory them the1 1the the_ market", ["?theory", "?them", "?the1", "?1the", "?the_", "market"]),
        ("the<eos>c++ <EOS>", ["the", "<eos>", "c++", "<eos>"]),
        ("3.14 3.141 13.14", ["3.14", "?3.141", "?13.14"]),
        ("do n't market 's market's", ["?do", "n't", "market", "'s", "market", "'s"]),
        ("can't e-mail ... !? 1,000", ["?can't", "?e", "?-", "?mail", "?...", "?!?", "?1,000"]),
        ("don\N{RIGHT SINGLE QUOTATION MARK}t", ["don't"]),
        ("ｔｈｅ　ｍａｒｋｅｔ", ["the", "market"]),
        ("u.s.the .the. the.market", ["u.s.", "the", "?.", "the", "?.", "the", "?.", "market"]),
        (" \n\t\u00a0\u200b\ufeff", []),
    ],
)
def test_the_longest_entry_that_ends_where_a_word_may(text: str, tokens: list[str]) -> None:
    assert read(WORDS, text) == tokens


def test_chinese_words_are_found_without_spaces_between_them() -> None:
    entries = ["<unk>", "我", "喜欢", "市", "市场", "lstm", "，", "."]
    assert read(entries, "我喜欢LSTM市场，我爱市. 的") == [
        *("我", "喜欢", "lstm", "市场", "，", "我", "?爱", "市", ".", "?的")
    ]
    assert read(entries, "我,我") == ["我", "，", "我"], "the other width, where there is no entry for this one"
    assert read(["“", "”", "a"], 'a"') == ["a", '?"'], "it could be either"
    assert read([*entries, ","], "我,我，") == ["我", ",", "我", "，"]
    assert read(["ไทย", "ดี"], "ไทยดีกา") == ["ไทย", "ดี", "?ก", "?า"], "Thai, too, writes no spaces"


@pytest.mark.parametrize(
    "entries, text, tokens",
    [
        (["<unk>", "mary", "saw"], "Mary SAW", ["mary", "saw"]),
        (["<UNK>", "[PAD]", "EOS", "mary"], "Mary", ["mary"]),
        (["<unk>", "Mary", "saw"], "Mary SAW mary", ["Mary", "?SAW", "?mary"]),
        (["The", "the", "I"], "The the THE i", ["The", "the", "?THE", "?i"]),
        (["A", "B", "NO"], "a No", ["A", "NO"]),
        (["ὀδός", "straße"], "ὈΔΌΣ Straße STRASSE", ["ὀδός", "straße", "?STRASSE"]),
    ],
)
def test_case_counts_where_the_vocabulary_has_both(entries: list[str], text: str, tokens: list[str]) -> None:
    assert read(entries, text) == tokens


@pytest.mark.parametrize(
    "entries, text, tokens",
    [
        (["<pad>", "a", "b", " ", "我"], "ab 我A", ["a", "b", " ", "我", "a"]),
        (["PAD", "UNK", "<s>", "eos", "_go_", "a", "o", "e", "s"], "<s>eosa", ["<s>", "e", "o", "s", "a"]),
        (["a", "b"], "a b\n", ["a", "b"]),
        (["a", "b", " "], "a\nb", ["a", "?\n", "b"]),
        (["é", "a"], "e\u0301a\u00e9", ["é", "a", "é"]),
        (["e", "\u0301"], "\u00e9e\u0301e", ["e", "\u0301", "e", "\u0301", "e"]),
        (["é", "e", "\u0301"], "\u00e9e\u0301", ["é", "e", "\u0301"]),
        (["e\u0301", "a"], "\u00e9a", ["e\u0301", "a"]),
        (["x\u0302", "x"], "xx\u0302", ["x", "x\u0302"]),
        (["한", "글"], unicodedata.normalize("NFD", "한글"), ["한", "글"]),
        (["न", "ि", "म"], "निम", ["न", "ि", "म"]),
        (["\n", "\r", "\t", "x"], "x\r\n\t", ["x", "\r", "\n", "\t"]),
    ],
)
def test_characters(entries: list[str], text: str, tokens: list[str]) -> None:
    assert made(entries).by == "character"
    assert read(entries, text) == tokens


def test_composed_and_decomposed_words_are_the_same() -> None:
    for entry in ("café", "हिन्दी", "한글", "Å"):
        composed, apart = unicodedata.normalize("NFC", entry), unicodedata.normalize("NFD", entry)
        for written in (composed, apart):
            for typed in (composed, apart):
                token = made(["some", written]).encode(f"{typed} some")[0]
                assert (token.id, token.text, token.piece) == (1, typed, written)


def test_a_text_is_read_by_the_word_or_by_the_character() -> None:
    words, characters = ["the", "a", "t", "'s"], ["a", "t", "h"]
    assert made(words).by == "word" and made(characters).by == "character"
    assert read(words, "the a's", "character") == ["t", "?h", "?e", "a", "?'", "?s"]
    assert read(characters, "a tha h", "word") == ["a", "?tha", "h"]
    switched = made(words)
    assert isinstance(switched, Words) and switched.switched("character") == made(words, by="character") != switched


def test_where_tokens_stand() -> None:
    tokens = made(["<unk>", "new york", "café"]).encode("  New York  cafe\u0301 zz!")
    assert [(t.text, t.start, t.end, t.id, t.piece, t.known, t.word) for t in tokens] == [
        ("New York", 2, 10, 1, "new york", True, 0),
        ("cafe\u0301", 12, 17, 2, "café", True, 1),
        ("zz", 18, 20, 0, "<unk>", False, 2),
        ("!", 20, 21, 0, "<unk>", False, 3),
    ]


# ---- against a matcher that shares nothing with it


def is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


def is_word(char: str) -> bool:
    return (char.isalnum() or char == "_") and not is_han(char)


def slow(entries: list[str], text: str) -> list[tuple[int, int, str | None]]:
    """(start, end, entry) of each token: at every place every entry is tried, the longest first."""
    both = any(e != e.lower() for e in entries) and any(e != e.upper() for e in entries)

    def bound(at: int) -> bool:
        return at in (0, len(text)) or not (is_word(text[at - 1]) and is_word(text[at]))

    def at(place: int) -> str | None:
        found = []
        for entry in entries:
            part = text[place : place + len(entry)]
            same = part == entry
            if (same or not both and part.lower() == entry.lower()) and bound(place) and bound(place + len(entry)):
                found.append((len(entry), same, entry))
        return max(found)[2] if found else None

    result, place = [], 0
    while place < len(text):
        if entry := at(place):
            end = place + len(entry)
        elif text[place].isspace():
            place += 1
            continue
        elif is_han(text[place]):
            end = place + 1
        elif is_word(text[place]):
            end = place + 1
            while end < len(text):
                inside = end + 1 < len(text) and is_word(text[end + 1]) and not at(end) and not at(end + 1)
                digits = inside and text[end - 1].isdigit() and text[end + 1].isdigit()
                if not is_word(text[end]) and not (inside and (text[end] in "'." or text[end] == "," and digits)):
                    break
                end += 1
        else:
            end = place + 1
            while end < len(text) and not text[end].isspace() and not text[end].isalnum() and text[end] != "_":
                if at(end):
                    break
                end += 1
        result.append((place, end, entry))
        place = end
    return result


@pytest.mark.parametrize("letters", ["ab'-. ", "aAb1,. ", "a我市 .", "ab_<>'$ 我1,"])
def test_two_thousand_vocabularies_as_a_slow_matcher_reads_them(letters: str) -> None:
    """2,000 in all; each entry's ends are no blanks, so that both cut words alike."""
    draw = random.Random(letters)
    for _ in range(500):
        several = ("".join(draw.choices(letters, k=draw.randint(1, 5))).strip() for _ in range(draw.randint(1, 12)))
        entries = list(dict.fromkeys(["qq", *filter(None, several)]))  # "qq": by word
        text = "".join(draw.choices(letters, k=30))
        tokens = made(entries).encode(text)
        told = [(token.start, token.end, token.piece if token.known else None) for token in tokens]
        assert told == slow(entries, text), (entries, text)


ENTRIES = st.lists(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
    | st.text(st.sampled_from("ab é\u0301'-.<>我市한ｱ\u1112\u1161\u0323"), min_size=1, max_size=4),
    min_size=1,
    max_size=12,
    unique=True,
)
TEXTS = st.text(st.characters(categories=None), max_size=30) | st.text(
    st.sampled_from("abé \u0301\u0323'-.<>我市한\u1112\u1161ẍA\ud800\u200d"), max_size=40
)


@settings(max_examples=300)
@given(entries=ENTRIES, text=TEXTS, by=st.sampled_from(["word", "character", None]))
@example(entries=["<a>", "a"], text="<a>\u0301\u0323", by="character")
@example(entries=["e", "\u0301"], text="\u00e9\u0323", by="character")
@example(entries=["0"], text=":\u0300\u0316\u1160", by="word")
@example(entries=["a"], text="a" * 100_000, by="word")
def test_any_text_is_read(entries: list[str], text: str, by: vocabulary.By | None) -> None:
    tokenizer = made(entries, by=by)
    tokens = tokenizer.encode(text)
    assert tokens == made(entries, by=by).encode(text), "the same each time"
    text = text.encode("utf-8", "replace").decode()
    end, before = 0, None
    for token in tokens:
        assert token.text == text[token.start : token.end] and token.start < token.end
        if before is None or (before.start, before.end) != (token.start, token.end):
            assert token.start >= end, "spans are in order and do not overlap"
            assert not spelled(entries, text[end : token.start]), "what an entry spells is not left out"
            end = token.end
        assert 0 <= token.id <= len(entries) and tokenizer.pieces[token.id] == token.piece
        before = token
    assert not spelled(entries, text[end:])


def spelled(entries: list[str], between: str) -> bool:
    """Whether something between two tokens is neither white space nor invisible, or is an entry by itself."""
    seen = (char for char in between if not char.isspace() and unicodedata.category(char) != "Cf")
    return any(seen) or any(char in entries for char in between if not char.isspace())


@pytest.mark.parametrize("text", ["a", "a ", ".", "x'", " ", "\u0301\u0323", "我", "\ud800", "b.", "1,"])
@pytest.mark.parametrize(
    "entries", [["a " * n + "a" for n in range(1, 200)] + ["'x"], ["a", "b", " "], ["我们", "a'x'"]]
)
def test_time_goes_with_the_length_of_the_text(text: str, entries: list[str]) -> None:
    tokenizer = made(entries)
    start = time.process_time()
    tokenizer.encode(text * (30_000 // len(text)))
    assert time.process_time() - start < 10, "0.2 s at most where this was written"


def test_a_heap_of_marks_takes_no_time() -> None:
    """To put them in order takes Python the square of their number: 10 s for these."""
    start = time.process_time()
    made(["a"]).encode("\u0345\u0334" * 50_000)
    assert time.process_time() - start < 10


def test_a_large_vocabulary_is_read_at_once() -> None:
    """60,000 entries and 2,000 words: 20 ms where this was written."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghij", k=draw.randint(3, 9))) for _ in range(60_000)]
    entries = list(dict.fromkeys(draw.choice((word, f"{word}-{words[0]}")) for word in words))
    tokenizer, read = made(entries), draw.choices(entries, k=2000)
    start = time.process_time()
    tokens = tokenizer.encode(" ".join(read))
    assert time.process_time() - start < 10
    assert [token.piece for token in tokens] == read


# ---- the tokenizer that comes of it


def test_rows_without_an_entry_are_called_by_their_number() -> None:
    tokenizer = made({"<unk>": 0, "the": 2}, 2_000_000)
    assert tokenizer.size == 2_000_000 and tokenizer.display(1_999_999) == "#1999999" and tokenizer.display(2) == "the"
    assert (tokenizer.id("#1"), tokenizer.id("the"), tokenizer.id("The")) == (1, 2, 2)
    for missing in ("#2", "#2000000", "#x", "of", "the the"):
        with pytest.raises(ValueError, match="is not in this model's vocabulary of 2"):
            tokenizer.id(missing)
    assert [token.known for token in tokenizer.encode("#1")] == [False, False], "it is a name, not an entry"


def test_without_an_entry_for_unknown_words_they_get_a_row_of_their_own() -> None:
    tokenizer = made(["the", "a"], 4)
    assert [(t.id, t.piece, t.known) for t in tokenizer.encode("the zz")] == [(0, "the", True), (4, "<unk>", False)]
    assert tokenizer.pieces == ("the", "a", "#2", "#3", "<unk>") and tokenizer.size == 5


@pytest.mark.parametrize(
    "name", ["<unk>", "<UNK>", "[UNK]", "unk", "UNK", "<oov>", "_UNK_", "@@UNKNOWN@@", "<unknown>"]
)
def test_the_entry_for_unknown_words_may_have_another_name(name: str) -> None:
    tokens = made(["an", name, "unknown"]).encode("an q unknown")
    assert [(token.id, token.known) for token in tokens] == [(0, True), (1, False), (2, True)]


def test_equal_vocabularies_are_equal() -> None:
    one, same, other = made(["a b", "c"]), made(["a b", "c"]), made(["c", "a b"])
    assert one == same and hash(one) == hash(same) and one != other and one != made(["a b", "c"], 3)


def test_the_penn_treebanks_negations_are_two_entries() -> None:
    """Where the vocabulary has both, and no entry for the whole; each keeps its place in the text."""
    tokenizer = vocabulary.from_entries({"<unk>": 0, "Do": 1, "n't": 2, "ca": 3, "don't": 4, "is": 5, "n't it": 6}, 7)
    text = "Don't can\N{RIGHT SINGLE QUOTATION MARK}t don't won't isn't it"
    tokens = tokenizer.encode(text)
    assert [token.id for token in tokens] == [1, 2, 3, 2, 4, 0, 5, 2, 0]
    assert [token.text for token in tokens if token.id == 2] == ["n't", "n\N{RIGHT SINGLE QUOTATION MARK}t", "n't"]
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert [token.word for token in tokens] == list(range(9))
