"""English texts about women and men, made from templates, with the place of every subject, object and pronoun known.

A text is about one subject after another. A subject stays until a new one comes; persons who are met, seen or helped on
the way are objects and change nothing:

    mary went to the market because she was hungry . then john met anna and he ...
    ^ subject                       ^ pronoun             ^ subject ^ object ^ pronoun

Words are lower-case and split at punctuation, one token each. The word lists stand in data/english.toml and
data/names.toml. One pair of persons in ten is held out: `Writer(rng, held_out=True)` uses only pairs (a person and the
one named next) that `Writer(rng)` never puts beside each other.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, ClassVar
from zlib import crc32

FEMALE, MALE = "f", "m"
GENDERS = (FEMALE, MALE)
EITHER = frozenset("andrea ariel jean kari nikita chris jesse sam".split())
"""Names of the list that are usual for women and men somewhere; no text has them."""
PRONOUN = {FEMALE: "she", MALE: "he"}
POSSESSIVE = {FEMALE: "her", MALE: "his"}


@cache
def lexicon() -> dict[str, Any]:
    """The word lists: strings of words become lists, "past|present" becomes a pair of word lists."""
    data = files("lab.tasks") / "data"
    raw = tomllib.loads((data / "english.toml").read_text("utf8"))
    names = tomllib.loads((data / "names.toml").read_text("utf8"))
    words: dict[str, Any] = {}
    for key, value in raw.items():
        entries = value.split() if isinstance(value, str) else value
        words[key] = [tuple(e.split("|")) if "|" in e else e for e in entries]
    words["nouns"] = {FEMALE: words.pop("female"), MALE: words.pop("male")}
    words["names"] = {
        g: [name for name in names[k].lower().split() if name not in EITHER]
        for g, k in ((FEMALE, "female"), (MALE, "male"))
    }
    words["kin"] = frozenset(words["kin"])
    return words


def other(gender: str) -> str:
    """The opposite gender."""
    return MALE if gender == FEMALE else FEMALE


def is_held_out(first: str, second: str) -> bool:
    """Whether this pair of persons, one named after the other, is kept out of training (one pair in ten)."""
    return crc32(f"{first} {second}".encode()) % 10 == 0


@dataclass
class Story:
    """Words of one text, and where its persons stand (`subjects`, `objects`, `pronouns`: word index -> gender).

    widths: of how many words a person's name or noun is, by the index of its first one.
    trusted: of the pronouns and possessives those from which alone the gender is known.
    """

    PRONOUN: ClassVar[Mapping[str, str]] = PRONOUN
    POSSESSIVE: ClassVar[Mapping[str, str]] = POSSESSIVE
    SPACE: ClassVar[str] = " "

    words: list[str] = field(default_factory=list)
    subjects: dict[int, str] = field(default_factory=dict)
    objects: dict[int, str] = field(default_factory=dict)
    pronouns: dict[int, str] = field(default_factory=dict)
    possessives: dict[int, str] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    trusted: set[int] = field(default_factory=set)

    @property
    def text(self) -> str:
        return self.SPACE.join(self.words)

    def span(self, place: int) -> range:
        """The word indices of the person who is named from word `place` on."""
        return range(place, place + self.widths[place])

    @property
    def switches(self) -> dict[int, str]:
        """New subjects of the other gender than the subject before them: word index -> the new gender."""
        places = sorted(self.subjects)
        return {
            new: self.subjects[new]
            for old, new in zip(places, places[1:], strict=False)
            if self.subjects[old] != self.subjects[new]
        }

    def subject_before(self, place: int) -> int:
        """Word index of the subject that a pronoun at word `place` stands for."""
        return max(s for s in self.subjects if s < place)

    def near(self, most: float) -> Story:
        """The story with at most so many words between a pronoun and the subject or pronoun before it."""
        anchors = {at for place in self.subjects for at in self.span(place)} | self.pronouns.keys()
        kept = list(range(len(self.words)))
        for place in self.pronouns:
            before = max((at for at in anchors if at < place), default=-1)
            kept = [at for at in kept if not before < at < place - most]
        to = {at: k for k, at in enumerate(kept)}
        moved = {
            key: {to[at]: value for at, value in getattr(self, key).items() if at in to}
            for key in ("subjects", "objects", "pronouns", "possessives", "widths")
        }
        return type(self)([self.words[at] for at in kept], trusted={to[at] for at in self.trusted if at in to}, **moved)


class Writer:
    """Writes stories. The same `rng` state gives the same stories.

    distractors  share of sentences with a second person, as an object
    gap          longest run of sentences without any person between a subject and a pronoun
    """

    STORY: type[Story] = Story
    COMMA, STOP = ",", "."

    def __init__(self, rng: Random, held_out: bool = False, distractors: float = 0.4, gap: int = 1) -> None:
        self.rng, self.held_out, self.distractors, self.gap = rng, held_out, distractors, gap
        self.lexicon = lexicon()

    def story(self, genders: tuple[str, ...] | None = None) -> Story:
        """A text with one to three subjects (of these genders), each followed by pronouns."""
        if genders is None:
            genders = (self.rng.choice(GENDERS),)
            for _ in range(self.rng.choice((0, 1, 1, 2, 2))):  # more often a subject of the other gender comes next
                genders += (other(genders[-1]) if self.rng.random() < 0.7 else genders[-1],)
        self._start()
        for gender in genders:
            self._about(gender)
        return self._story

    def probe(self, subject: str, *, before: str = "", distractor: bool = False, distance: int = 0) -> Story:
        """A text that ends with one pronoun to be predicted.

        before      gender of an earlier subject with a pronoun of its own; "" for none
        distractor  the sentence has an object of the other gender than the subject
        distance    at least so many words between the subject and the pronoun
        """
        self._start()
        self.distractors = 0.0
        if before:
            self._about(before)
        self._opening()
        self._subject(subject)
        if distractor:
            self._meeting(other(subject))
        else:
            self._predicate()
        place = max(self._story.subjects)
        if distance:
            self._say(self.STOP)
            while len(self._story.words) - place <= distance:
                self._filler()
        elif self.rng.random() < 0.6:
            self._say(self._pick("reason"))
        else:
            self._say(self.STOP)
        self._pronoun(subject)
        return self._story

    def filler(self) -> list[str]:
        """The words of one sentence about nobody."""
        self._start()
        self._filler()
        return self._story.words

    # -- parts of a text ---------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._story = self.STORY()
        self._last = ""
        self._tense = 0 if self.rng.random() < 0.75 else 1

    def _about(self, gender: str) -> None:
        """One subject: a sentence that names it, then pronouns, with or without a gap between."""
        self._introduce(gender)
        self._say(self.STOP)
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            self._fillers()
            if self.rng.random() < 0.6:  # "then" is no sign of a new subject
                self._opening(always=True)
            self._clause(gender)
            if self.rng.random() < 0.3:
                self._reason(gender)
            self._say(self.STOP)

    def _introduce(self, gender: str) -> None:
        """The sentence that names the subject, without its full stop."""
        chance = self.rng.random()
        if chance < 0.15:  # when mary left , she ...
            self._say(self._pick("front"))
            self._subject(gender)
            self._predicate()
            self._say(",")
            self._clause(gender)
        elif chance < 0.27:  # mary said that she ...
            self._opening()
            self._subject(gender)
            self._verb("think")
            self._clause(gender)
        else:
            self._join() if chance > 0.92 and self._story.words else self._opening()
            self._subject(gender)
            if chance < 0.32:
                self._say(", who")
                self._predicate()
                self._say(",")
            self._predicate()
            if self.rng.random() < 0.6:  # mary left because she ...
                self._reason(gender)

    def _fillers(self) -> None:
        """Sentences about nobody; long runs are rarer."""
        for _ in range(self.rng.randint(0, self.gap)):
            self._filler()

    def _filler(self) -> None:
        if self.rng.random() < 0.35:
            self._opening(always=True)
        frame = self._pick("filler")
        for piece, name, _, _ in string.Formatter().parse(frame):
            self._say(piece.strip())
            if name:
                self._say(self._pick(name))
        self._say(self.STOP)

    def _reason(self, gender: str) -> None:
        if self.rng.random() < 0.1:
            self._say(self.COMMA)
        self._say(self._pick("reason"))
        self._clause(gender)

    def _clause(self, gender: str) -> None:
        self._pronoun(gender)
        self._predicate()

    def _join(self) -> None:
        """A new subject in the sentence of the old one: `mary left , but john ...`."""
        if self._story.words[-1] == ".":
            self._story.words.pop()
        self._say(self.rng.choice((", but", ", and", "while", "and then", ", and then", "when")))

    def _opening(self, always: bool = False) -> None:
        """`then`, `one day`, `in the morning ,` or nothing."""
        if always or self.rng.random() < (0.5 if self._story.words else 0.2):
            self._say(self._pick("opening"))
            if self.rng.random() < 0.2:
                self._say(self.COMMA)

    def _predicate(self) -> None:
        """What a person does, with or without another person as an object."""
        if self.rng.random() < self.distractors:
            self._meeting(self.rng.choice(GENDERS))
            return
        if self.rng.random() < 0.06:
            self._say(self._pick("often"))
        kind = self.rng.random()
        if kind < 0.2:
            self._verb("alone")
        elif kind < 0.45:
            self._verb("be")
            self._say(self._pick("state"))
        elif kind < 0.7:
            self._verb("go")
            self._place()
        else:
            self._verb("take")
            self._thing()
            if self.rng.random() < 0.3:
                self._say(self._pick("where"))
                self._place()

    def _meeting(self, gender: str) -> None:
        kind = self.rng.random()
        if kind < 0.7:
            self._verb("meet")
            self._object(gender)
            if self.rng.random() < 0.25:
                self._say(self._pick("where"))
                self._place()
        elif kind < 0.8:
            self._verb("give")
            self._object(gender)
            self._thing()
        elif kind < 0.9:
            self._verb("give")
            self._thing()
            self._say("to")
            self._object(gender)
        else:
            self._verb("go")
            self._place()
            self._say("with")
            self._object(gender)

    def _place(self) -> None:
        self._determiner()
        self._say(self._pick("place"))

    def _thing(self) -> None:
        self._determiner()
        if self.rng.random() < 0.2:
            self._say(self._pick("quality"))
        self._say(self._pick("thing"))

    def _determiner(self) -> None:
        """`the`, `a`, or the subject's `her` or `his`."""
        if self.rng.random() < 0.12:
            gender = self._story.subjects[max(self._story.subjects)]
            self._mark(self._story.possessives, self._story.POSSESSIVE[gender], gender)
        else:
            self._say(self.rng.choice(("the", "the", "a")))

    # -- persons -----------------------------------------------------------------------------------------------------

    def _subject(self, gender: str) -> None:
        self._person(self._story.subjects, gender)

    def _object(self, gender: str) -> None:
        self._person(self._story.objects, gender)

    def _pronoun(self, gender: str) -> None:
        self._mark(self._story.pronouns, self._story.PRONOUN[gender], gender)

    def _person(self, places: dict[int, str], gender: str) -> None:
        noun, head = self._draw(gender)
        while head == self._last or is_held_out(self._last, head) != (self.held_out and bool(self._last)):
            noun, head = self._draw(gender)
        self._last = head
        if noun:
            mine = head in self.lexicon["kin"] and self.rng.random() < 0.5
            self._say("my" if mine else self.rng.choice(("the", "a")))
            if self.rng.random() < 0.1:
                self._say(self._pick("age"))
        self._mark(places, head, gender)

    def _draw(self, gender: str) -> tuple[bool, str]:
        """Whether a noun is taken, and the noun or name."""
        noun = self.rng.random() < 0.3
        return noun, self.rng.choice(self.lexicon["nouns" if noun else "names"][gender])

    # -- words -------------------------------------------------------------------------------------------------------

    def _mark(self, places: dict[int, str], word: str, gender: str) -> None:
        place = len(self._story.words)
        places[place] = gender
        self._say(word)
        self._story.widths[place] = len(self._story.words) - place

    def _verb(self, kind: str) -> None:
        self._say(self._pick(kind)[self._tense])

    def _pick(self, kind: str) -> Any:
        return self.rng.choice(self.lexicon[kind])

    def _say(self, phrase: str) -> None:
        words = self._story.words
        for word in phrase.split():
            if words and words[-1] == "a" and word.startswith(("a", "e", "i", "o", "um", "unc")):
                words[-1] = "an"
            words.append(word)


def vocabulary() -> list[str]:
    """Every word that a writer may use, each once, in a fixed order."""

    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for v in value.values():
                yield from strings(v)
        elif not isinstance(value, frozenset):
            for v in value:
                yield from strings(v)

    fixed = ". , ! ? ; : ... ' \" 's she he her his the a an my and but then while when who to with that".split()
    phrases = (string.Formatter().parse(s) for s in strings(lexicon()))
    words = (w for parts in phrases for piece, *_ in parts for w in piece.split())
    return list(dict.fromkeys([*fixed, *words]))
