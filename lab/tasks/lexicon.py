"""Word lists of several tasks (data/general.toml), and phrases that name nobody's gender."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

# Words that point at a person's gender: no real phrase with one of them comes between a subject and a pronoun.
GENDERED = frozenset(
    """he she his her him hers himself herself mr mrs miss ms sir madam lady lord man men woman women boy girl boys
    girls king queen mother father sister brother son daughter husband wife aunt uncle gentleman ladies who whom prince
    princess guy actor actress waiter waitress john mary""".split()
)


@cache
def lexicon() -> dict[str, Any]:
    """The word lists of data/general.toml; a string becomes a list of words, "a|b" a tuple."""

    def parse(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: parse(v) for key, v in value.items()}
        entries = value.split() if isinstance(value, str) else value
        return [tuple(e.split("|")) if "|" in e else e for e in entries]

    return parse(tomllib.loads((files("lab.tasks") / "data" / "general.toml").read_text("utf8")))


def neutral(phrases: Sequence[str]) -> list[str]:
    """The phrases of four to fourteen words that name nobody's gender and hold no quotation marks."""
    kept = []
    for phrase in phrases:
        words = re.findall(r"[a-z']+", phrase.lower())
        if 4 <= len(words) <= 14 and not GENDERED & {w.removesuffix("'s") for w in words} and '"' not in phrase:
            kept.append(phrase.rstrip(" .;:,"))
    return kept
