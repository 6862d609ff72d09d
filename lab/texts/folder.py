"""A folder of plain texts, one sentence or paragraph a line, and its split into text to train on and text held out.

What lies in the folder, where it comes from and under which licence stands in `docs/texts.md`.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BLOCK = 12
"""Lines of a book that are read in one piece."""
HELD_OUT = 20
"""One line of sentences, or one block of a book, in so many is held out."""


@dataclass(frozen=True)
class Text:
    """One file of the folder.

    file: without its ending; ``.txt`` or ``.txt.xz`` lies in the folder. kind: "sentences" belong to no order;
    the lines of a "book" are paragraphs in theirs. passes: how often an epoch reads it; below 1 is a share of it.
    """

    file: str
    language: Literal["English", "Chinese"]
    kind: Literal["sentences", "book"]
    passes: float


TEXTS = (
    Text("english/tatoeba_en", "English", "sentences", 2),
    Text("english/common_voice_cc0", "English", "sentences", 1),
    Text("english/wordnet_examples", "English", "sentences", 1),
    Text("english/taskmaster4_coffee", "English", "sentences", 0.5),
    Text("english/gutenberg_children", "English", "book", 1),
    Text("english/gutenberg_sherlock_time_machine", "English", "book", 1),
    Text("chinese/tatoeba_zh", "Chinese", "sentences", 2.3),
    Text("chinese/crosswoz_zh", "Chinese", "sentences", 1),
    Text("chinese/kdconv_chat_zh", "Chinese", "sentences", 1),
)
TOM_AND_MARY = (
    Text("english/tatoeba_en_tom_mary", "English", "sentences", 1),
    Text("chinese/tatoeba_zh_tom_mary", "Chinese", "sentences", 1),
)
"""Every subject in these is Tom or Mary, so they are read only with other names in their place."""


def read(folder: Path, text: Text) -> list[str]:
    """The lines of a text. Raises ValueError if the folder does not hold it."""
    plain, packed = folder / f"{text.file}.txt", folder / f"{text.file}.txt.xz"
    if plain.exists():
        return plain.read_text(encoding="utf-8").splitlines()
    if packed.exists():
        return lzma.decompress(packed.read_bytes()).decode("utf-8").splitlines()
    raise ValueError(f"{plain} is missing, and so is {packed.name}; docs/texts.md says where it comes from")


def split(lines: list[str], kind: str) -> tuple[list[str], list[str]]:
    """(to train on, held out): one sentence in twenty, or one block of a book in twenty, the same ones every time."""
    size = BLOCK if kind == "book" else 1
    held_out = [k // size % HELD_OUT == HELD_OUT - 1 for k in range(len(lines))]
    kept = [line for line, held in zip(lines, held_out, strict=True) if not held]
    return kept, [line for line, held in zip(lines, held_out, strict=True) if held]
