"""English texts about women and men of anywhere: the templates of `english.py` with more names, and other frames.

A part of the texts is made as the general models' are (`lab.general.made.people`): passives, relative clauses, the
sister of somebody, quotations. Some subjects have a name that no list holds, which tells nothing: their pronoun is
drawn by coin, and the one that was read tells the next. So does a pronoun that begins a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from lab.general.made import people
from lab.general.made.words import GENDERS as SIDES
from lab.general.made.words import names, words
from lab.tasks import english
from lab.tasks.english import FEMALE, MALE, Story, Writer
from lstm_core.text import UNKNOWN

FREE = 0.35  # of the texts are made in other frames than the templates
NAMELESS = 0.15  # of the names are hidden
SURNAMELESS = 0.4  # of the surnames
BY_PRONOUN = 0.12  # of the texts begin with a pronoun
WORD = re.compile(r"'s\b|\w+|\.{2,}|\S")
MARKS = re.compile(r"\[(?P<answer>[^\]]*)\]|<(?P<name>[^>]*)>")
TITLES = {title.rstrip(".").lower() for side in SIDES for title in words("people")["titles"][side]}


@cache
def lexicon() -> dict[str, Any]:
    """That of `english.py`, with the first names of many cultures; none that is of both genders somewhere."""
    held = dict(english.lexicon())
    both = {name.lower() for name in names()["either"][SIDES[0]]}
    found = {}
    for gender, side in zip((FEMALE, MALE), SIDES, strict=True):
        listed = {name.lower() for lists in names().values() for name in lists[side]}
        found[gender] = (listed | set(held["names"][gender])) - both
    shared = found[FEMALE] & found[MALE]
    held["names"] = {gender: sorted(n for n in found[gender] - shared if n.isalpha()) for gender in found}
    return held


class AnybodyWriter(Writer):
    """The templates with all names: what is measured on."""

    def __init__(self, rng: Random, held_out: bool = False, distractors: float = 0.4, gap: int = 1) -> None:
        super().__init__(rng, held_out, distractors, gap)
        self.lexicon = lexicon()


class Persons(people.People):
    """Frames that end in he or she: her, his and him are learned from the templates."""

    def _ways(self) -> list[Callable[[str], str]]:
        return [way for way in super()._ways() if way != self._own]


class Free(Writer):
    """What is learned from, in any language: a part in other frames, and somebody of whom the pronouns alone tell."""

    people: Any

    def story(self, genders: tuple[str, ...] | None = None) -> Story:
        if genders is None and self.rng.random() < FREE:
            return self._free()
        return super().story(genders)

    def _untold(self, places: dict[int, str]) -> bool:
        """Whether who was named last tells nothing; some are made so."""
        raise NotImplementedError

    def _name(self, story: Story, name: str) -> list[str]:
        """The words of a name in another frame; some are made unknown."""
        raise NotImplementedError

    def _pieces(self, text: str) -> list[str]:
        raise NotImplementedError

    def _start(self) -> None:
        super()._start()
        self._nameless = True

    def _introduce(self, gender: str) -> None:
        """Now and then somebody is there as a pronoun alone, at the beginning of a text."""
        if self._story.words or self.rng.random() >= BY_PRONOUN:
            return super()._introduce(gender)
        self._opening()
        self._mark(self._story.subjects, self._story.PRONOUN[gender], gender)
        self._predicate()
        self._reason(gender)

    def _person(self, places: dict[int, str], gender: str) -> None:
        """Some names are hidden; of somebody without one the pronouns alone tell."""
        super()._person(places, gender)
        untold = self._untold(places)
        if places is self._story.subjects:
            self._nameless = untold

    def _mark(self, places: dict[int, str], word: str, gender: str) -> None:
        if self._nameless and (places is self._story.pronouns or places is self._story.possessives):
            self._story.trusted.add(len(self._story.words))
        super()._mark(places, word, gender)

    def _free(self) -> Story:
        """One to three sentences of another kind."""
        story = self.STORY()
        self.people.fillers = [self._sentence(self.filler()) for _ in range(3)]
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            self._add(story, self.people.sentence())
        story.trusted |= story.pronouns.keys()
        return story

    def _sentence(self, words: list[str]) -> str:
        return self.STORY.SPACE.join(words)

    def _add(self, story: Story, marked: str) -> None:
        at = 0
        genders = {word: gender for gender, word in story.PRONOUN.items()}
        for mark in MARKS.finditer(marked):
            story.words += self._pieces(marked[at : mark.start()])
            at = mark.end()
            if mark["name"] is None:
                word = mark["answer"].lower()
                story.pronouns[len(story.words)] = genders[word]
                story.words.append(word)
            else:
                for word in self._name(story, mark["name"]):
                    story.subjects[len(story.words)] = ""  # never hidden by anybody else
                    story.widths[len(story.words)] = 1
                    story.words.append(word)
        story.words += self._pieces(marked[at:])


class FreeWriter(Free, AnybodyWriter):
    """What is learned from."""

    def __init__(self, rng: Random, held_out: bool = False, distractors: float = 0.4, gap: int = 1) -> None:
        super().__init__(rng, held_out, distractors, gap)
        self.nouns = frozenset(noun for nouns in self.lexicon["nouns"].values() for noun in nouns)
        self.people = Persons(rng, ())

    def _untold(self, places: dict[int, str]) -> bool:
        hidden = self._last not in self.nouns and self.rng.random() < NAMELESS
        if hidden:
            self._story.words[max(places)] = UNKNOWN
        return hidden

    def _sentence(self, words: list[str]) -> str:
        return super()._sentence(words).replace(" .", ".").capitalize()

    def _name(self, story: Story, name: str) -> list[str]:
        titled = any(word in TITLES for word in story.words[-2:])
        words = []
        for word in WORD.findall(name.lower()):
            hidden = self.rng.random() < (SURNAMELESS if titled or words else NAMELESS)
            words.append(UNKNOWN if hidden or word not in known() else word)
        return words

    def _pieces(self, text: str) -> list[str]:
        return [word if word in known() else UNKNOWN for word in WORD.findall(text.lower())]


def vocabulary() -> list[str]:
    """Every word that a writer may use, each once, in a fixed order."""
    held = lexicon()
    texts = [*strings(words("people")), FRAMES]
    names = [*held["names"][FEMALE], *held["names"][MALE]]
    found = [*english.vocabulary(), *(word for text in texts for word in WORD.findall(text.lower())), *names]
    return list(dict.fromkeys(found))


@cache
def known() -> frozenset[str]:
    return frozenset(vocabulary())


def strings(held: Any) -> list[str]:
    values = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return [held] if isinstance(held, str) else [text for value in values for text in strings(value)]


FRAMES = """him his her their your our we i nobody everybody the children they people my friends was by who whom that
    this next to with behind in front of opposite near between us and across from know is when glad not unlike both
    even only it said then later hoped before after while but"""
