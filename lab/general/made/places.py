"""English sentences about a country, and the language that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from lab.general.made.people import People
from lab.general.made.words import GENDERS, words

HERS = """{who} was born in {place}|{who} grew up in {place}|{who} comes from {place}|{who} came from {place}
{who} is from {place}|{who} spent a long childhood in {place}|{who} was a child in {place}
{who} lives in {place}|{who} went to school in {place}|{who}'s parents came from {place}
{who} left {place} many years ago|{who} is {people}|{who} had lived in {place} since childhood
{who} has always lived in {place}|{who} moved here from {place}|{who} stayed in {place} for years
{who} spent the war in {place}|{who} is a {person} from {city}|{who} was born in {city}
the house of {who} was in {place}|{who} worked in {city} for a long time
{who} is married to a {person}"""
MINE = """I was born in {place}|I grew up in {place}|I come from {place}|I am from {place}|we are from {place}
I am {people}|I am {people}, I love {back}|we lived in {place}|we moved to {place} early
my parents met in {place}|my mother is from {place}|I spent my childhood in {place}
we were in {place} for many years|I went to school in {city}|my home is in {place}
our family is {people}|my wife is a {person}"""
SHE = """{She} speaks|{She} speaks fluent|{She} speaks good|{She} spoke|{She} thinks in
{Her} native language is|{Her} first language is|{She} sings in
{She} talks to the children in|{She} reads books in|{She} learned|{She} told us a story in
{She} answered in|{She} can speak|{She} taught us some|In the family they spoke
{She} said a few words in|Everybody there spoke|{She} thought in|{Her} books are all in
{She} gives lessons in|{She} cursed in|{She} translated it from|{She} speaks better
{She} understands|{She} was talking in"""
MINE_TOO = """I speak|I speak fluent|I speak good|The family speaks|My native language is
I think in|My first language is|We all speak|I can speak|Of course I speak|I talk to my parents in
I write my diary in|I learned|We sang in|That is why I know|Everybody there speaks
I still remember some|My friends and I talk in|I understand"""
THERE = """In {place}, people speak|The people of {place} speak|The language of {place} is
Everyone in {place} knows|If you go to {place}, take a book of|In {city} everybody speaks
A {person} speaks|The {people} girl speaks|The {people} boy answered in
The {people} teacher told a story in|The {people} guests asked something in
Books from {place} are full of|The president of {place} made a joke in
Before moving to {place}, they studied|The official language of {place} is
In the streets of {city} one hears|The song from {place} was in"""
LOVE = """I am {people}, I love|I am {people} and I love|as a {person}, I love|we are {people}, we love
I come from {place} and I miss|I am {people}, my home is|I was born in {place} and I love
{who} is {people} and {she} loves|{who} comes from {place} and {she} misses"""
END = (
    ".",
    ".",
    ".",
    " very well.",
    " every day.",
    " and a little {second}.",
    ", of course.",
    " with us.",
    " at home.",
    ", not {second}.",
)


class Places:
    """Writes sentences. fillers: real sentences between the country and the language."""

    def __init__(self, rng: Random, fillers: Sequence[str]) -> None:
        self.rng, self.fillers = rng, fillers
        self.people = People(rng, fillers)
        self.countries = words("places")["country"]

    def sentence(self) -> str:
        return re.sub(r"\b([Aa]) (?=[AEIO])", r"\1n ", self._sentence())

    def _sentence(self) -> str:
        rng = self.rng
        name, language, people, person, cities, *_ = country = rng.choice(self.countries)
        second = rng.choice([c for c in self.countries if c[1] != language])
        held = {
            "place": rng.choice([name, name, name, *cities]),
            "city": rng.choice(cities),
            "people": people,
            "person": person,
            "back": rng.choice([name, name, "my home"]),
            "second": second[1],
        }
        gender = rng.choice(GENDERS)
        held |= (
            {"She": "She", "Her": "Her", "her": "her"}
            if gender == "female"
            else {"She": "He", "Her": "His", "her": "his"}
        )
        held["who"] = self.people.person(gender)
        held["she"] = held["She"].lower()
        if rng.random() < 0.08:
            return self.people._capital(f"{rng.choice(_all(LOVE)).format(**held)} [{name}].")
        end = rng.choice(END).format(**held)
        if rng.random() < 0.25:
            return self.people._capital(f"{rng.choice(_all(THERE)).format(**held)} [{language}]{end}")
        start, ask = (HERS, SHE) if rng.random() < 0.6 else (MINE, MINE_TOO)
        start, ask = (rng.choice(_all(each)).format(**held) for each in (start, ask))
        start = self._two(start, country, second)
        kind = rng.random()
        if kind < 0.3:
            join = rng.choice(
                [", so", ", and", ", so of course", ". That is why", ", where", " and", ", but", ". Now", ", and so"]
            )
            own = ask.split(" ", 1)
            ask = ask if own[0] == "I" else f"{own[0].lower()} {own[1]}"
            return self.people._capital(f"{start}{join} {ask} [{language}]{end}")
        count = 0 if kind < 0.5 else rng.choice([1, 1, 1, 2, 2, 3, 4, 6, 9, 12])
        between = [rng.choice(self.fillers) for _ in range(count)]
        return self.people._capital(" ".join([f"{start}.", *between, f"{ask} [{language}]{end}"]))

    def _two(self, start: str, country: Sequence, second: Sequence) -> str:
        """Sometimes with a second country beside the one that counts."""
        kind = self.rng.random()
        if kind < 0.1:
            return (
                start.replace(country[0], f"{country[0]}, not in {second[0]}") if f"in {country[0]}" in start else start
            )
        if kind < 0.2 and f"from {country[0]}" in start:
            return start.replace(f"from {country[0]}", f"not from {second[0]} but from {country[0]}")
        if kind < 0.3:
            before = [
                f"I have never been to {second[0]}.",
                f"My brother lives in {second[0]}.",
                f"We once went to {second[0]}.",
                f"Last year I saw {second[0]}.",
            ]
            return f"{self.rng.choice(before)} {self.people._capital(start)}"
        return start


def _all(frames: str) -> list[str]:
    return frames.replace("\n", "|").split("|")
