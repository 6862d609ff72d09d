"""Real English sentences with a country in them and real ones with a language, brought together: it becomes the one of
that country. The licences of these sentences allow to change them; docs/texts.md says that it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from lab.general.made.words import GENDERS, name, words

BETWEEN = (0, 0, 0, 1, 1, 2, 3, 4, 6, 8, 10)
_AFTER = (
    "well fluently very at in with for and or when because as every here to than since like is now yet too so better"
)
"""A language before one of these is a noun: French is, not French bread."""


class Abroad:
    """sentences: real ones, those about Tom and Mary among them. fillers: real ones about nobody."""

    def __init__(self, rng: Random, sentences: Sequence[str], fillers: Sequence[str]) -> None:
        self.rng, self.fillers = rng, fillers
        self.countries = words("places")["country"]
        places = {place for country in self.countries for place in (country[0], *country[4])}
        languages = {country[1] for country in self.countries}
        peoples = {people for country in self.countries for people in (country[2], country[3])}
        self.place = re.compile(rf"\b(?:{'|'.join(sorted(places, key=len, reverse=True))})\b")
        self.language = re.compile(rf"\b(?:{'|'.join(languages)})\b(?=[.,!?;]|$| (?:{'|'.join(_AFTER.split())})\b)")
        anything = re.compile(rf"\b(?:{'|'.join(languages | peoples)})\b")
        self.there = [s for s in sentences if len(self.place.findall(s)) == 1 and not anything.search(s)]
        self.spoken = [
            s
            for s in sentences
            if len(self.language.findall(s)) == len(anything.findall(s)) == 1 and not self.place.search(s)
        ]

    def sentence(self) -> str:
        """Somewhere, some sentences about nobody, and the language of that place; marked."""
        rng = self.rng
        place, language, _, _, cities, *_ = rng.choice(self.countries)
        people = {
            who: f"<{name(rng, gender)}>" for who, gender in zip(("Tom", "Mary"), rng.sample(GENDERS, 2), strict=True)
        }
        start = self.place.sub(rng.choice([place, place, place, *cities]), rng.choice(self.there))
        end = self.language.sub(f"[{language}]", rng.choice(self.spoken))
        text = " ".join([start, *(rng.choice(self.fillers) for _ in range(rng.choice(BETWEEN))), end])
        text = re.sub(r"\b(?:Tom|Mary)\b", lambda found: people[found[0]], text)
        return text[0].upper() + text[1:]
