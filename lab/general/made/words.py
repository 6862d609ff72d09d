"""The lists of words in `words/`, and names drawn from them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).parent / "words"
GENDERS = ("female", "male")
STARTS = """b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr kl kr pl pr qu sh sk sl sn st str th tr tw
    wh zw""".split()
VOWELS = "a a e e i i o o u y ai ee ei ia oo ou".split()
INSIDE = ["", "", "", "l", "m", "n", "r", "s", "nd", "lt", "rk", "x"]
ENDS = ["", "", "n", "l", "r", "k", "s", "th", "ra", "mo", "x", "rf", "sh", "nt", "ble", "a", "elle", "ck", "vin"]
MADE_UP = 0.15
"""Share of names that are nobody's, and tell nothing: their pronoun is drawn by coin. With .05, and of fewer shapes,
the networks had made up their minds about two in three of such names."""
USUAL = 0.3
"""Share of names that are usual in English; the others come from all cultures alike."""


@cache
def words(file: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{file}.toml").read_text(encoding="utf-8"))


def listed(text: str) -> list[str]:
    """One entry a line."""
    return [line for line in text.split("\n") if line.strip()]


@cache
def names() -> dict[str, dict[str, list[str]]]:
    """Names by culture and gender, without those that are of both; "either" holds these."""
    held = words("names")
    by_gender = {
        gender: {name for culture, lists in held.items() if culture != "either" for name in lists[gender].split()}
        for gender in GENDERS
    }
    both = (by_gender["female"] & by_gender["male"]) | set(held["either"]["names"].split())
    found = {
        culture: {gender: sorted(set(lists[gender].split()) - both) for gender in GENDERS}
        for culture, lists in held.items()
        if culture != "either"
    }
    return {**found, "either": dict.fromkeys(GENDERS, sorted(both))}


def name(rng: Random, gender: str) -> str:
    """A first name; now and then one that is used for both, or by nobody."""
    if rng.random() < MADE_UP:
        return made_up(rng)
    if rng.random() < 0.03:
        return rng.choice(names()["either"][gender])
    cultures = names()
    culture = "english" if rng.random() < USUAL else rng.choice([c for c in cultures if c not in ("either", "english")])
    return rng.choice(cultures[culture][gender])


def made_up(rng: Random) -> str:
    """A name that stands in no list."""
    listed_names = {name for lists in names().values() for gender in GENDERS for name in lists[gender]}
    while True:
        syllables = [rng.choice(STARTS) + rng.choice(VOWELS) for _ in range(rng.choice([1, 2, 2, 2, 3]))]
        found = rng.choice(INSIDE).join(syllables) + rng.choice(ENDS)
        if 3 <= len(found) <= 10 and found.capitalize() not in listed_names:
            return found.capitalize()
