"""What is left out of every text, and the one way in which marks are written."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache

WORDS, DIGITS = 60, 8
"""At most so many words and digits in a sentence."""
PARAGRAPH = 150
"""Words of a paragraph; a longer one is cut between sentences."""
ALIKE = 2
"""Sentences that are equal but for a name or a number: so many of them are kept."""

_MARKUP = re.compile(r"[<>{}\[\]()/\\|_*#@=~^]|https?:|www\.")
_CURLY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " "})
_FULL = str.maketrans({",": "，", "?": "？", "!": "！", ":": "：", ";": "；"})
_CHANGING = re.compile(r"\d+|(?<=\s)[A-Z][a-z]+|^[A-Z][a-z]+(?='s)|汤姆|玛丽|Tom|Mary")


def english(text: str) -> str:
    """NFC, straight quotation marks, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_CURLY).split())


def chinese(text: str) -> str:
    """NFC, full-width marks, simplified characters where ``opencc`` is installed (it is needed for Tatoeba alone)."""
    text = "".join(unicodedata.normalize("NFC", text).split()).translate(_FULL)
    text = re.sub(r"\.$|(?<=[\u3400-\u9fff])\.(?!\.)", "。", text)
    return _simplified(text).replace("著", "着").replace("妳", "你")


def _simplified(text: str) -> str:
    convert = _converter()
    return convert(text) if convert else text


@cache
def _converter() -> Callable[[str], str] | None:
    try:
        from opencc import OpenCC  # type: ignore[import-not-found]
    except ImportError:
        return None
    return OpenCC("t2s").convert


def acceptable(text: str, language: str, leave_out: Collection[str] = ()) -> bool:
    """Whether a sentence is plain text of bearable length. leave_out: words, lower case, that no sentence may hold."""
    length = len(text.split()) if language == "English" else len(text)
    if not text or length > WORDS * (1 if language == "English" else 2) or sum(c.isdigit() for c in text) > DIGITS:
        return False
    if _MARKUP.search(text):
        return False
    if language == "Chinese":
        return any("\u3400" <= c <= "\u9fff" for c in text) and not any(word in text for word in leave_out)
    return not leave_out or not set(re.findall(r"[a-z']+", text.lower())) & set(leave_out)


class Unlike:
    """Passes on what it has not seen yet: neither the same but for case and marks, nor too much of the same kind."""

    def __init__(self, alike: int = ALIKE) -> None:
        self.alike, self._seen, self._kinds = alike, set[str](), Counter[str]()

    def __call__(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            plain = "".join(c for c in text.lower() if c.isalnum())
            kind = _CHANGING.sub("0", text)
            if plain in self._seen or (kind != text and self._kinds[kind] >= self.alike):
                continue
            self._seen.add(plain)
            self._kinds[kind] += 1
            yield text


def pieces(paragraph: str) -> list[str]:
    """A long paragraph in pieces of at most ``PARAGRAPH`` words, cut after sentences."""
    found, words = [], 0
    for sentence in re.split(r'(?<=[.!?])(?=\s+["\'A-Z])|(?<=[.!?]["\'])(?=\s+)', paragraph):
        length = len(sentence.split())
        if found and words + length <= PARAGRAPH:
            found[-1] += sentence
            words += length
        else:
            found.append(sentence.strip())
            words = length
    return found
