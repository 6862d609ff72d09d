"""The browser cuts a text as the tokenizers library does: the same ids, pieces and places, on hostile texts, too."""

from __future__ import annotations

import json
import os
import random
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models, pre_tokenizers

from dashboard.browser import unicode
from lab.general.pieces import build
from lstm_core import Tokenizer, list_models, load_model
from tests.javascript import evaluate
from tests.test_text import ODD

COUNT = 10_000 if os.environ.get("NIGHTLY") else 1200
LINES = [
    "The king's daughters weren't raining on the plains; they'd said “no”.",
    "She gave him 12,345 books -- and he trained the trainer.",
    "天上的雨下了，她带了伞。他说：“好！”",
]


@cache
def tokenizers() -> dict[str, Tokenizer]:
    """One of each kind: of the shipped models the first of each set of rules, and joined pairs with bytes beside."""
    found: dict[str, tuple[str, Tokenizer]] = {}
    for name in list_models():
        tokenizer = load_model(name).tokenizer
        rules = json.loads(tokenizer.json)
        kind = json.dumps([rules["normalizer"], rules["pre_tokenizer"], rules["model"]["type"]])
        found.setdefault(kind, (name, tokenizer))
    pairs = build([*LINES, "the rain in the plain"] * 30, LINES[2:] * 30, size=420)
    return {**dict(found.values()), "pairs": Tokenizer(pairs.to_str()), **spaced()}


def spaced() -> dict[str, Tokenizer]:
    """Of vocabularies of whole words the two that cut at white space, and pieces of words that may not be long."""
    ids = {word: k for k, word in enumerate(["<unk>", *dict.fromkeys(word for line in LINES for word in line.split())])}
    made = {}
    for splitter in (pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()):
        library = HuggingFaceTokenizer(models.WordLevel(ids, unk_token="<unk>"))
        library.pre_tokenizer = splitter  # pyright: ignore[reportAttributeAccessIssue]
        made[type(splitter).__name__] = Tokenizer(library.to_str())
    pieces = {one: k for k, one in enumerate(["<unk>", *"aeThrain", *(f"##{letter}" for letter in "aeinrhs")])}
    library = HuggingFaceTokenizer(models.WordPiece(pieces, unk_token="<unk>", max_input_chars_per_word=6))
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    return {**made, "WordPiece": Tokenizer(library.to_str())}


def _letters(count: int) -> str:
    """A word of the letters that pieces are made of, in which pairs are joined as nowhere in a language."""
    return "".join(random.Random(count).choices("eainostrhl", k=count))


LONG = {"letters": _letters, "marks": lambda count: "a" + "\u0301" * count}
"""Words without an end, whose pairs are to be joined or whose letters are to be composed."""


@cache
def hostile() -> list[str]:
    """Odd texts, then rows drawn from plain sentences, from each script and block, from marks and from everything."""
    draw = random.Random(5)
    blocks = [(0, 0x300), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE80), (0x1100, 0x1200)]
    blocks += [
        (0x1E00, 0x2100),
        (0x2000, 0x2070),
        (0x3000, 0x3100),
        (0x4E00, 0x9FFF),
        (0xAC00, 0xD7A4),
        (0xD800, 0xE000),
    ]
    blocks += [(0xF900, 0xFB50), (0xFE00, 0x10000), (0x10400, 0x10500), (0x1F000, 0x1FAFF), (0x20000, 0x2A6DF)]
    words = [word for line in LINES for word in line.split()] + [
        "\n",
        " ",
        "  ",
        "\t",
        "'s",
        "’",
        "“",
        "▁",
        "a",
        "e\u0301",
    ]
    words += [
        "她,",
        "好.",
        "好.5",
        "”?",
        "İ",
        "ΑΣ",
        "ﬁ",
        "Å",
        "\u1100\u1161\u11a8",
        "q\u0323\u0307",
        "<unk>",
        "##a",
        "\x00",
    ]
    texts = [*ODD, *LINES, "\n".join(LINES), "a" * 3000, *(make(3000) for make in LONG.values())]
    while len(texts) < COUNT:
        kind = draw.random()
        if kind < 0.5:
            texts.append(draw.choice(["", " "]).join(draw.choices(words, k=draw.randint(1, 12))))
        elif kind < 0.8:
            low, high = draw.choice(blocks)
            texts.append("".join(chr(draw.randrange(low, high)) for _ in range(draw.randint(1, 12))))
        else:
            low, high = draw.choice([(0, 0x110000), *blocks])
            mixed = [draw.choice([*words, chr(draw.randrange(low, high)), " "]) for _ in range(draw.randint(1, 14))]
            texts.append("".join(mixed))
    # in JavaScript two halves that meet are one character
    return [text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") for text in texts]


@pytest.mark.parametrize("make", LONG.values(), ids=LONG)
def test_a_word_of_100_000_letters_is_read_while_one_waits(make: Callable[[int], str]) -> None:
    code = """(() => {
      const read = all.reader(given.rules)
      read("Mary went to the market")
      const { user } = process.cpuUsage()
      const tokens = read(given.text)
      return [tokens.at(-1).end, (process.cpuUsage().user - user) / 1e6]
    })()"""
    rules, text = json.loads(load_model("general-lstm").tokenizer.json), make(100_000)
    end, seconds = evaluate("live/tokenizer.js", code, {"rules": rules, "text": text})
    assert end == len(text) and seconds < 5  # some tenths; letter by letter it took minutes


@pytest.mark.parametrize("name", tokenizers())
def test_hostile_texts_are_cut_alike(name: str) -> None:
    tokenizer = tokenizers()[name]
    code = """(() => {
      const read = all.reader(given.rules)
      return given.texts.map((text) => read(text).map((one) => [
        one.id, one.piece, one.known, one.start, one.end, one.text, one.word]))
    })()"""
    found = evaluate("live/tokenizer.js", code, {"rules": json.loads(tokenizer.json), "texts": hostile()})
    for text, tokens in zip(hostile(), found, strict=True):
        expected = tokenizer.encode(text)
        assert [one[:3] for one in tokens] == [[t.id, t.piece, t.known] for t in expected], repr(text)
        if ordered(text):
            assert [one[3:6] for one in tokens] == [[t.start, t.end, t.text] for t in expected], repr(text)
        words = [one[6] for one in tokens], [one.word for one in expected]
        assert [a == b for a, b in pairwise(words[0])] == [a == b for a, b in pairwise(words[1])], repr(text)


def ordered(text: str) -> bool:
    """Whether no accents change places when the text is composed; where they do, which of them is where is open."""
    classes = [unicodedata.combining(one) for one in unicodedata.normalize("NFD", text)]
    own = [unicodedata.combining(part) for one in text for part in unicodedata.normalize("NFD", one)]
    return classes == own


def test_rules_that_are_not_known_are_said() -> None:
    for change, message in (
        ({"normalizer": {"type": "NFKC"}}, "the normalizer NFKC is not read here"),
        ({"pre_tokenizer": {"type": "Metaspace"}}, "the splitter Metaspace is not read here"),
        ({"model": {"type": "Unigram", "vocab": []}}, "the pieces of a Unigram are not read here"),
        (
            {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\p{Greek}"}, "behavior": "Isolated"}},
            "is not known",
        ),
    ):
        rules = {**json.loads(tokenizers()["pairs"].json), **change}
        code = "(() => { try { all.reader(given) } catch (error) { return error.message } })()"
        assert message in evaluate("live/tokenizer.js", code, rules)


def test_the_browsers_tables_are_the_librarys() -> None:
    text = unicode.FILE.read_text(encoding="utf-8")
    draw = random.Random(1)
    for name in unicode.CLASSES:
        written = re.search(rf"{re.escape(json.dumps(name))}:\s*\"(.*)\"", text)
        assert written is not None
        pairs = [part.split("-") for part in written[1].split(",")]
        ends = [(int(pair[0], 16), int(pair[-1], 16)) for pair in pairs]
        near = {n for a, b in ends for n in (a - 1, a, b, b + 1)} | {draw.randrange(0x110000) for _ in range(3000)}
        asked = "".join(chr(n) for n in sorted(near) if 0 <= n < 0x110000 and not 0xD800 <= n < 0xE000)
        inside = [ord(one) for one in asked if any(a <= ord(one) <= b for a, b in ends)]
        assert unicode.members(name, asked) == inside, f"{name}: run python -m dashboard.browser.unicode"
    small = re.search(r"SMALL =\s*\"(.*)\"", text)
    capitals = "".join(
        map(chr, (*range(11, 0x2D00), *range(0xA640, 0xA800), *range(0xFF00, 0xFFF0), *range(0x10400, 0x1E944)))
    )
    assert small and ",".join(" ".join(map(str, row)) for row in unicode.steps(capitals)) == small[1]
