"""What the tokenizers library takes for a letter, a mark, a space, and the small letter of each capital.

A browser's own tables are of its version of Unicode, and the library's of another; both have to cut a text alike.
``python -m dashboard.browser.unicode`` writes the library's for the browser.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers

FILE = Path(__file__).with_name("live") / "unicode.js"
CLASSES = (r"\p{L}", r"\p{M}", r"\p{N}", r"\p{Han}", r"\p{Hiragana}", r"\p{Katakana}", r"\s", r"\w")
COMBINING = "combining"
"""Not a class of the library: accents, which ``lstm_core.text`` puts to their letter."""


def every() -> str:
    """Every character that can stand in a text."""
    return "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))


def members(name: str, text: str) -> list[int]:
    """Which characters of ``text`` the library takes for the class, by their numbers."""
    split = pre_tokenizers.Split(Regex(name), "removed", invert=True)
    return [ord(piece) for piece, _ in split.pre_tokenize_str(text)]


def ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of numbers."""
    first = last = -2
    for number in numbers:
        if number > last + 1:
            if first >= 0:
                yield first, last
            first = number
        last = number
    if first >= 0:
        yield first, last


def lowered(text: str) -> list[str]:
    """Each character as the library writes it in small letters."""
    return normalizers.Lowercase().normalize_str("\n".join(text)).split("\n")


def steps(text: str) -> Iterator[tuple[int, int, int, int]]:
    """(first, count, apart, further): ``count`` capitals, each ``apart`` from the one before, whose small letters are
    ``further`` on."""
    first, count, apart, further = -1, 0, 0, 0
    for character, small in zip(text, lowered(text), strict=True):
        if small == character or len(small) > 1:
            continue
        gap = ord(character) - first - apart * (count - 1)
        if count and ord(small) - ord(character) == further and gap in (1, 2) and (count == 1 or gap == apart):
            count, apart = count + 1, gap
        else:
            if count:
                yield first, count, apart or 1, further
            first, count, apart, further = ord(character), 1, 0, ord(small) - ord(character)
    yield first, count, apart or 1, further


def script() -> str:
    """The browser's module."""
    text = every()
    sets = {name: members(name, text) for name in CLASSES}
    sets[COMBINING] = [ord(character) for character in text if unicodedata.combining(character)]
    written = {name: ",".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in ranges(s)) for name, s in sets.items()}
    small = ",".join(" ".join(map(str, row)) for row in steps(text.replace("\n", "")))
    names = [(name if name.isidentifier() else json.dumps(name), json.dumps(value)) for name, value in written.items()]
    rows = [line(f"  {name}:", f"{value},") for name, value in names]
    return "\n".join(
        [
            "// Which characters are letters, marks, spaces, by the tokenizers library: ranges in hexadecimal.",
            "// Written by `python -m dashboard.browser.unicode`, which says why.",
            "",
            "/** @type {Record<string, string>} */",
            "export const CLASSES = {",
            *rows,
            "}",
            "",
            "// Capitals: the first, how many, how far apart, how much further their small letters are.",
            line("export const SMALL =", json.dumps(small)),
            "",
        ]
    )


def line(name: str, value: str) -> str:
    """The two in one line if that is not too long for prettier."""
    indent = " " * (len(name) - len(name.lstrip()) + 2)
    return f"{name} {value}" if len(name) + len(value) < 120 else f"{name}\n{indent}{value}"


if __name__ == "__main__":
    FILE.write_text(script(), encoding="utf-8")
