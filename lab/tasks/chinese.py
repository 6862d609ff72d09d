"""Chinese texts about women and men, the counterpart of `english.py`: 他 and 她 are told apart in writing alone.

    王先生遇见了李女士，因为他很累。后来小红回家了，她 ...
    ^ subject    ^ object   ^ pronoun    ^ subject    ^ pronoun

Every character is one token, so a person is named by one to four of them, and often the last one alone tells the gender
(王先生, 王女士). The word lists stand in data/chinese.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, ClassVar

from lab.tasks.english import FEMALE, GENDERS, MALE, Story, Writer

PRONOUN = {FEMALE: "她", MALE: "他"}


@cache
def lexicon() -> dict[str, Any]:
    """The word lists by their names; nouns, titles and names also by gender."""
    raw = tomllib.loads((files("lab.tasks") / "data" / "chinese.toml").read_text("utf8"))
    words: dict[str, Any] = {key: value.split() for key, value in raw.pop("words").items()}
    return words | {kind: {FEMALE: sides["female"].split(), MALE: sides["male"].split()} for kind, sides in raw.items()}


@dataclass
class ChineseStory(Story):
    """A story whose words are characters."""

    PRONOUN: ClassVar[Mapping[str, str]] = PRONOUN
    POSSESSIVE: ClassVar[Mapping[str, str]] = PRONOUN
    SPACE: ClassVar[str] = ""


class ChineseWriter(Writer):
    STORY = ChineseStory
    COMMA, STOP = "，", "。"

    def __init__(self, rng: Random, held_out: bool = False, distractors: float = 0.4, gap: int = 1) -> None:
        super().__init__(rng, held_out, distractors, gap)
        self.lexicon = lexicon()

    def _introduce(self, gender: str) -> None:
        chance = self.rng.random()
        if chance < 0.15:  # 当王女士回家的时候，她 ...
            before, _, after = self._pick("front").partition("|")
            self._say(before)
            self._subject(gender)
            self._predicate()
            self._say(after)
            self._clause(gender)
        elif chance < 0.25:  # 王女士说她 ...
            self._opening()
            self._subject(gender)
            self._say(self._pick("think"))
            self._clause(gender)
        else:
            if chance > 0.92 and self._story.words:  # ...，但是王女士 ...
                self._story.words.pop()
                self._say(self.rng.choice(("，但是", "，", "，然后", "，可是")))
            else:
                self._opening()
            self._subject(gender)
            self._predicate()
            if self.rng.random() < 0.6:
                self._reason(gender)

    def _predicate(self) -> None:
        chance = self.rng.random()
        if self.rng.random() < self.distractors:
            self._meeting(self.rng.choice(GENDERS))
        elif chance < 0.1:
            gender = self._story.subjects[max(self._story.subjects)]
            before, after = self._pick("own").split("{}")
            self._say(before)
            self._mark(self._story.possessives, PRONOUN[gender], gender)
            self._say(after)
        else:
            self._fill(self._pick("act" if chance < 0.6 else "state"))

    def _meeting(self, gender: str) -> None:
        before, after = self._pick("meet").split("{}", 1)
        self._say(before)
        self._object(gender)
        self._fill(after)

    def _reason(self, gender: str) -> None:
        self._say(self._pick("reason"))
        self._clause(gender)

    def _fill(self, frame: str) -> None:
        """Say a frame with places, things and qualities put in."""
        self._say(frame.format_map({kind: self._pick(kind) for kind in ("place", "thing", "quality")}))

    def _filler(self) -> None:
        if self.rng.random() < 0.35:
            self._opening(always=True)
        self._fill(self._pick("filler"))
        self._say(self.STOP)

    def _draw(self, gender: str) -> tuple[bool, str]:
        chance = self.rng.random()
        if chance < 0.3:
            return False, self.rng.choice(self.lexicon["nouns"][gender])
        if chance < 0.6:
            return False, self._pick("surnames") + self.rng.choice(self.lexicon["titles"][gender])
        name = self.rng.choice(self.lexicon["names"][gender])
        if len(name) == 1 and chance < 0.8:
            return False, self.rng.choice("小阿") + name
        return False, ("" if len(name) == 2 and chance > 0.9 else self._pick("surnames")) + name

    def _say(self, phrase: str) -> None:
        self._story.words.extend(phrase)


def vocabulary() -> list[str]:
    """Every character that a writer may use, each once, in a fixed order."""

    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        else:
            for v in value.values() if isinstance(value, dict) else value:
                yield from strings(v)

    fixed = "。，！？；：、…“”他她的小阿但是然后可"
    letters = "{}|abcdefghijklmnopqrstuvwxyz"  # of the frames
    return [c for c in dict.fromkeys([*fixed, *"".join(strings(lexicon()))]) if c not in letters]
