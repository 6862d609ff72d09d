"""The real texts that lie in the repository, and their split into text to train on and text to measure on.

Austen's novels and WordNet's example phrases lie compressed in `assets/text/`. Source and licence of each stand in
`assets/README.md`.
"""

from __future__ import annotations

import lzma
import re
from pathlib import Path

TEXTS = Path(__file__).parents[1] / "assets" / "text"

HELD_OUT = 0.05  # the end of every novel; one phrase or sentence in twenty


def _read(name: str) -> str:
    return lzma.decompress((TEXTS / f"{name}.txt.xz").read_bytes()).decode()


def austen() -> tuple[list[str], list[str]]:
    """The six novels, a paragraph a line: (to train on, held out). Held out is the last twentieth of every novel."""
    train, held_out = [], []
    for novel in re.split(r"^= .*\n", _read("austen"), flags=re.MULTILINE)[1:]:
        cut = novel.index("\n", round((1 - HELD_OUT) * len(novel))) + 1
        train.append(novel[:cut])
        held_out.append(novel[cut:])
    return train, held_out


def paragraphs() -> list[str]:
    """All paragraphs of the six novels, in their order: what the surveys that ship were made over."""
    novels = ("".join(parts) for parts in zip(*austen(), strict=True))
    return [line for novel in novels for line in novel.split("\n") if line.strip()]


def wordnet_phrases() -> tuple[list[str], list[str]]:
    """Example phrases of WordNet, four words or more: (to train on, held out)."""
    return _every_twentieth(_read("wordnet-examples").splitlines())


def _every_twentieth(lines: list[str]) -> tuple[list[str], list[str]]:
    step = round(1 / HELD_OUT)
    return [s for k, s in enumerate(lines) if k % step], lines[::step]
