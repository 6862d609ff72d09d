"""Chinese texts about women and men of anywhere: what `anybody` is to `english.py`, this is to `chinese.py`.

A word is one character. Who is named by a surname alone, by a name for both or by what people of both do (王老师) tells
nothing, as an unknown name does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from lab.general.made import chinese as made
from lab.general.made.anybody import NAMELESS, SURNAMELESS, Free, strings
from lab.general.made.words import GENDERS, words
from lab.tasks import chinese
from lab.tasks.chinese import ChineseWriter
from lab.tasks.english import FEMALE, MALE, Story
from lstm_core.text import UNKNOWN

NARROW = 0.2  # of the texts have the punctuation of the other width
WIDE, THIN = "，。！？；：“”", ',.!?;:""'
WIDTHS = str.maketrans(WIDE, THIN)
DETERMINERS = ("", "", "那个", "这位", "我们的", "我的")


@cache
def lexicon() -> dict[str, Any]:
    """That of `chinese.py`, with the nouns and titles of the general models' texts."""
    held, more = dict(chinese.lexicon()), words("chinese")
    sides = list(zip((FEMALE, MALE), GENDERS, strict=True))
    held["nouns"] = {g: list(dict.fromkeys([*held["nouns"][g], *more["nouns"][side].split()])) for g, side in sides}
    held["titles"] = {g: [*held["titles"][g], *more["titles"][side]] for g, side in sides}
    held |= {key: [*held[key], *entries.split()] for key, entries in more["elsewhere"].items()}
    return held


class Persons(made.Chinese):
    """Frames without real text, and more of those in which somebody else is named."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng, (), ())

    def name(self, gender: str) -> str:
        """A name from abroad, or one or two characters after a surname or 小, one of which tells."""
        rng, given = self.rng, self.held["given"]
        if rng.random() < 0.25:
            return f"<{rng.choice(self.western[gender])}>"
        tells = rng.choice("".join(given[gender].split()))
        beside = rng.choice(given["either"] if rng.random() < 0.5 else "".join(given[gender].split()))
        name = rng.choice([tells, tells, f"{beside}{tells}", f"{beside}{tells}", f"{tells}{beside}"])
        start = rng.choice(self.held["surnames"]) if rng.random() < 0.7 else "" if len(name) > 1 else rng.choice("小阿")
        return f"<{start}{name}>"

    def nobody(self) -> list[str]:
        """The characters of somebody of whom they tell nothing."""
        rng, kind = self.rng, self.rng.random()
        surname, unknown = rng.choice(self.held["surnames"]), [UNKNOWN] * rng.choice((1, 2, 2, 3))
        if kind < 0.2:
            return unknown
        if kind < 0.4:
            return [surname, *unknown[:2]]
        if kind < 0.55:
            return [surname, *rng.choices(self.held["given"]["either"], k=rng.choice((1, 2)))]
        if kind < 0.65:
            return [rng.choice("小老阿"), surname]
        if kind < 0.75:
            return [surname, *rng.choice(self.held["titles"]["either"])]
        return [*rng.choice(DETERMINERS), *rng.choice(self.held["nouns"]["either"].split())]

    def _ways(self) -> list[Callable[[str], str]]:
        ways = [way for way in super()._ways() if way != self._chain]
        return [
            *ways, self._kin, self._kin, self._with, self._there, self._as_object, self._another, self._another,
            self._answered,
        ]  # fmt: skip

    def _owner(self) -> str:
        if self.rng.random() < 0.2:
            return self.rng.choice(self.held["nouns"]["either"].split())
        return self._second()

    def _kin(self, gender: str) -> str:
        return f"{self._owner()}的{self.rng.choice(self.kin[gender])}{self._do('did')}{self._then(gender)}"

    def _with(self, gender: str) -> str:
        return f"{self.person(gender)}{self._do('with').format(self._second())}{self._then(gender)}"

    def _there(self, gender: str) -> str:
        return f"{self._do('there')}{self.person(gender)}{self._then(gender)}"

    def _another(self, gender: str) -> str:
        """Of two whose sentences follow on each other, the second."""
        first = self.rng.choice([self.person, self.person, made.SUBJECT.__getitem__])(self.rng.choice(GENDERS))
        second, did = self.person(gender), self._do("did")
        there = f"{self._do('there')}{second}"
        said = self.rng.choice([f"{second}{did}", f"{second}也{did}", f"{second}却{did}", there])
        return f"{first}{self._do('did')}{self._do('turns')}{said}{self._then(gender)}"

    def _answered(self, gender: str) -> str:
        """Who was the object is the subject next."""
        second = self.person(gender, True)
        did = self.rng.choice([self._do("did_to") + second, self._do("with").format(second)])
        return f"{self._second()}{did}{self._do('turns')}{second}{self._do('did')}{self._then(gender)}"

    def _as_object(self, gender: str) -> str:
        return f"{self.person(gender)}{self._do('did')}，{self._do('to_object')}[{made.SUBJECT[gender]}]。"


class AnybodyWriter(ChineseWriter):
    """The templates with all names: what is measured on."""

    def __init__(self, rng: Random, held_out: bool = False, distractors: float = 0.4, gap: int = 1) -> None:
        super().__init__(rng, held_out, distractors, gap)
        self.lexicon = lexicon()
        self.people = Persons(rng)

    def _draw(self, gender: str) -> tuple[bool, str]:
        if self.rng.random() < 0.5:
            return False, self.people.name(GENDERS[gender == MALE]).strip("<>")
        return super()._draw(gender)


class FreeWriter(Free, AnybodyWriter):
    """What is learned from."""

    def story(self, genders: tuple[str, ...] | None = None) -> Story:
        story = super().story(genders)
        if self.rng.random() < NARROW:
            story.words = [word.translate(WIDTHS) for word in story.words]
        return story

    def _untold(self, places: dict[int, str]) -> bool:
        hidden = self.rng.random() < NAMELESS
        if hidden:
            place, name = max(places), self.people.nobody()
            self._story.words[place:] = name
            self._story.widths[place] = len(name)
        return hidden

    def _name(self, story: Story, name: str) -> list[str]:
        if len(name) == 1:  # before a title
            return [UNKNOWN] if self.rng.random() < SURNAMELESS else [name]
        return self.people.nobody() if self.rng.random() < NAMELESS else [*name]

    def _pieces(self, text: str) -> list[str]:
        return [*text]


def vocabulary() -> list[str]:
    """Every character that a writer may use, each once, in a fixed order."""
    letters = "".join(strings(words("chinese")))
    found = dict.fromkeys([*chinese.vocabulary(), *letters, *FRAMES, *THIN])
    return [c for c in found if not c.isspace() and c not in "{}"]


FRAMES = """告诉对说完然后被比高大两岁聪明有钱跑得快来早忙更喜欢音乐和一起来的那个那位我们大家邻居老师同学没有人
    这位年轻的我们老小阿也却"""
