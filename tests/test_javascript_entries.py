"""A visitor's vocabulary of whole entries is read in the browser as it is in Python, or left to the server."""

from __future__ import annotations

import json
import random

import pytest

from lstm_core.files.vocabulary import read
from lstm_core.files.vocabulary.words import Words
from tests.javascript import evaluate
from tests.test_javascript_text import hostile

WORDS = (
    "<unk> the a Mary mary john's new york new do n't don't can't , . ... — ' ” 3 14 3,14 __proto__ 42 王 女士 王女士 "
)
WORDS += "é\u0300 café"
VOCABULARIES = {
    "words": "\n".join(dict.fromkeys([*WORDS.split(), "new york"])),
    "small words": "\n".join(dict.fromkeys(WORDS.lower().split())),
    "without an unknown": "\n".join(dict.fromkeys(["the", "Mary", "do", "n't", "“", "１２"])),
    "characters": json.dumps({c: k for k, c in enumerate("abcdeMhnot é\u0301'.,\n王女")}),
    "characters without spaces": "\n".join("abcdehnotM.,'"),
    "keras": json.dumps(["", "[UNK]", "the", "mary", "don't", "new", "3", "cafe"]),
}
TEXTS = [
    "The new york of Mary, mary and MARY; don’t, can't, DON'T.",
    "3,14 u.s. new\tyork—new  york… 42",
    "王女士 said “no”",
    "café é １２ ...",
]


def texts() -> list[str]:
    draw, words = random.Random(3), [*WORDS.split(), " ", "  ", "Ｍary", "x's", "a.b", "1,2", "!?", "\n", "好"]
    return [*TEXTS, *("".join(draw.choices(words, k=8)) for _ in range(300)), *hostile()[:400]]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_entries_are_found_alike(name: str) -> None:
    data = VOCABULARIES[name].encode()
    tokenizer = read(data, 60)
    assert isinstance(tokenizer, Words)
    code = """(() => {
      const read = all.reader(given.rules)
      return given.texts.map((text) => {
        try { return read(text).map((one) => [one.id, one.piece, one.known, one.start, one.end, one.text, one.word]) }
        catch { return null }
      })
    })()"""
    given = [text.encode("utf-8", "replace").decode() for text in texts()]
    found = evaluate("live/tokenizer.js", code, {"rules": json.loads(tokenizer.json), "texts": given})
    for text, tokens in zip(given, found, strict=True):
        assert tokens is not None or not text.isascii(), repr(text)
        if tokens is not None:
            expected = [[t.id, t.piece, t.known, t.start, t.end, t.text, t.word] for t in tokenizer.encode(text)]
            assert tokens == expected, repr(text)
    assert all(one is not None for one in found[: len(TEXTS)]) and sum(one is not None for one in found) > 300
