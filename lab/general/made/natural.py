"""Real sentences about Tom and Mary with other people in their places, and real sentences about him or her after them.

The licence of these sentences allows to change them; docs/texts.md says that it is done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from lab.general.made.people import OBJECT, OWN, SELF, SUBJECT, called
from lab.general.made.words import GENDERS, words

SWAPPED = 0.35
"""Share of the sentences about Tom alone that become sentences about a woman; Mary has a quarter as many."""
HIM, INTO_HER = 0.75, 0.34
"""Three in four sentences with pronouns for one person begin with "he"; a third of those become sentences about her."""
NOUN = 0.15
"""Share of the names that become "my brother" or the like."""
_HE, _SHE = r"\b(?:he|him|his|himself)\b", r"\b(?:she|her|hers|herself)\b"
_MAN = re.compile(
    r"\b(?:man|men|boys?|father|dad|uncle|brothers?|husband|sons?|wife|girlfriend|beard|gentleman|king|moustache|guys?|sir|"
    r"Mr|Jackson|grandfather|widower|bald|shave[ds]?|pregnant|woman|women|girls?|mother|sisters?|daughters?|boyfriend)\b",
    re.IGNORECASE,
)


class Natural:
    """tom_mary: real sentences with Tom or Mary in them. others: other real sentences."""

    def __init__(self, rng: Random, tom_mary: Sequence[str], others: Sequence[str]) -> None:
        self.rng = rng
        self.tom_mary = tom_mary
        one = [s for s in tom_mary if bool(re.search(r"\bTom\b", s)) != bool(re.search(r"\bMary\b", s))]
        self.first = [s for s in one if _starts(s) and not re.search(f"{_HE}|{_SHE}", s, re.I) and not _MAN.search(s)]
        self.after = {
            gender: [
                s
                for s in others
                if s.startswith(f"{SUBJECT[gender].capitalize()} ")
                and s.endswith(".")
                and not re.search(_HE if gender == "female" else _SHE, s, re.I)
            ]
            for gender in GENDERS
        }
        self.pronounced = {
            gender: [s for s in others if re.match(rf"{SUBJECT[gender].capitalize()}\b", s) and _of_one(s, gender)]
            for gender in GENDERS
        }
        words = {word for s in others for word in re.findall(r"\b[a-z]+\b", s)}  # a name is never written so
        self.fillers = [s for s in others if neutral(s) and (s.startswith("I ") or _first(s).lower() in words)]

    def renamed(self, sentence: str) -> str:
        """The sentence with other people for Tom and Mary, and its pronouns to match; marked."""
        rng = self.rng
        genders = {"Tom": "male", "Mary": "female"}
        alone = "Tom" in sentence and not re.search(rf"\bMary\b|{_SHE}", sentence) and not _MAN.search(sentence)
        if alone and rng.random() < SWAPPED:
            sentence, genders["Tom"] = feminine(sentence), "female"
        people = {who: self._person(gender) for who, gender in genders.items()}
        found, seen = [], set[str]()
        for word in re.split(r"(\b[A-Za-z]+\b)", sentence):
            low = word.lower()
            if word in people:
                seen.add(genders[word])
                word = people[word]
                word = word[0].upper() + word[1:] if not "".join(found).strip(' "') else word
            elif len(seen) == 1 and any(
                low in forms[g] for g in seen for forms in (SUBJECT, OBJECT, OWN, SELF) if low == forms[g]
            ):
                word = f"[{word}]"
            found.append(word)
        return "".join(found)

    def of_one(self) -> str:
        """A real sentence with two pronouns for one person or more, the first of which becomes somebody."""
        rng = self.rng
        gender = "male" if rng.random() < HIM else "female"
        sentence = rng.choice(self.pronounced[gender])
        if gender == "male" and rng.random() < INTO_HER:
            sentence, gender = feminine(sentence), "female"
        forms = "|".join({SUBJECT[gender], OWN[gender], OBJECT[gender], SELF[gender], "hers"})
        _, rest = sentence.split(" ", 1)
        rest = re.sub(rf"\b({forms})\b", r"[\1]", rest, flags=re.I)
        who = self._person(gender)
        return f"{who[0].upper()}{who[1:]} {rest}"

    def chain(self) -> str:
        """Somebody does something, and a real sentence goes on about her or him."""
        rng = self.rng
        gender = rng.choice(GENDERS)
        first, after = self._somebody(gender), self._about(gender)
        kind = rng.random()
        if kind < 0.35 and first.endswith("."):
            join = rng.choice(
                [
                    ", and",
                    ", but",
                    ", so",
                    " because",
                    " and",
                    ", and then",
                    " when",
                    " before",
                    " after",
                    " while",
                    ", although",
                ]
            )
            return f"{first[:-1]}{join} [{after[1].lower()}{after[2:]}"
        return " ".join([first, *self._between(0, 0, 0, 1, 2), after])

    def story(self) -> str:
        """Somebody does something, and real sentences about her or him follow, each after some about nobody."""
        gender = self.rng.choice(GENDERS)
        parts = [self._somebody(gender)]
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            parts += [*self._between(0, 1, 1, 2, 3, 4, 6, 8), self._about(gender)]
        return " ".join(parts)

    def long_story(self) -> str:
        """A story with so much about nobody in it that it goes on for some windows of a training."""
        gender = self.rng.choice(GENDERS)
        parts = [self._somebody(gender), *self._between(10, 15, 20, 30, 40), self._about(gender)]
        return " ".join([*parts, *self._between(0, 1, 3), self._about(gender)])

    def _somebody(self, gender: str) -> str:
        found = re.sub(r"\b(?:Tom|Mary)\b", self._person(gender), self.rng.choice(self.first))
        return found[0].upper() + found[1:]

    def _about(self, gender: str) -> str:
        """A real sentence that begins with the pronoun."""
        forms = "|".join({SUBJECT[gender], OWN[gender], OBJECT[gender], SELF[gender]})
        return re.sub(rf"\b({forms})\b", r"[\1]", self.rng.choice(self.after[gender]), flags=re.I)

    def _between(self, *counts: int) -> list[str]:
        """So many real sentences about nobody, as one of the counts says."""
        return [self.rng.choice(self.fillers) for _ in range(self.rng.choice(counts))]

    def _person(self, gender: str) -> str:
        rng = self.rng
        if rng.random() < NOUN:
            held = words("people")
            return f"{rng.choice(['my', 'our', 'the'])} {rng.choice(held['nouns'][gender].split())}"
        return f"<{called(rng, gender)}>"


def neutral(sentence: str) -> bool:
    """Whether a sentence is short and speaks of no man or woman."""
    return (
        len(sentence.split()) <= 14
        and sentence.endswith((".", "!", "?"))
        and not re.search(f"{_HE}|{_SHE}", sentence, re.I)
        and not _MAN.search(sentence)
        and not re.search(r"\s[A-Z](?!')[a-z]", sentence)  # no names
    )


def _of_one(sentence: str, gender: str) -> bool:
    """Whether it has more than one pronoun for a person, all of one gender."""
    own, other = (_HE, _SHE) if gender == "male" else (_SHE, _HE)
    return len(re.findall(own, sentence, re.I)) > 1 and not re.search(other, sentence, re.I)


def _first(sentence: str) -> str:
    return (re.findall("[A-Za-z]+", sentence) or [""])[0]


def feminine(sentence: str) -> str:
    """he, him, his, himself as she, her, her or hers, herself."""
    for pattern, into in (
        (r"\bhimself\b", "herself"),
        (r"\bhis\b(?=[.,!?;]|$)", "hers"),
        (r"\bhis\b", "her"),
        (r"\bHis\b", "Her"),
        (r"\bhim\b", "her"),
        (r"\bhe\b", "she"),
        (r"\bHe\b", "She"),
    ):
        sentence = re.sub(pattern, into, sentence)
    return sentence


def _starts(sentence: str) -> bool:
    return sentence.startswith(("Tom ", "Mary "))
