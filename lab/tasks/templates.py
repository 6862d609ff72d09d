"""The general model's templates: short texts with marked answers, in English and Chinese.

Each teaches one thing that a network may hold in a cell: the subject's gender (pronouns), a country until its language
is asked for, a noun's number past other nouns (agreement), what everybody knows ("the clouds are in the sky"). Real
sentences stand between subject and answer, so that real words do not derail it. `Composer(rng, phrases, sentences)`
writes them; word lists stand in data/general.toml and, for English pronouns, in `english.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, TypeVar

from lab.tasks.english import FEMALE, GENDERS, MALE, POSSESSIVE, PRONOUN, Writer, other

PRONOUN_CHINESE = {FEMALE: "她", MALE: "他"}
# Words that point at a person's gender: no real phrase with one of them comes between a subject and a pronoun.
GENDERED = frozenset(
    """he she his her him hers himself herself mr mrs miss ms sir madam lady lord man men woman women boy girl boys
    girls king queen mother father sister brother son daughter husband wife aunt uncle gentleman ladies who whom prince
    princess guy actor actress waiter waitress john mary""".split()
)
GENDERED_CHINESE = frozenset("他她它爸妈哥姐弟妹爷奶叔姨男女儿先生太夫妻公婆您")


@dataclass(frozen=True)
class Doc:
    """A text and its answers: (place of its first character, the answer, what a wrong model would say or "")."""

    text: str
    answers: tuple[tuple[int, str, str], ...]
    kind: str


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


def neutral_chinese(sentences: Sequence[str]) -> list[str]:
    """The sentences that name nobody's gender, without their final mark."""
    return [s.rstrip("。！？") for s in sentences if not GENDERED_CHINESE & set(s) and len(s) <= 20 and "“" not in s]


class PhraseWriter(Writer):
    """English stories about women and men, with real phrases between their sentences."""

    phrases: Sequence[str] = ()

    def _filler(self) -> None:
        if self.phrases and self.rng.random() < 0.7:
            self._say(self.rng.choice(self.phrases) + " .")
        else:
            super()._filler()


SHARES: dict[str, int] = {}
"""How many documents in a hundred are of which kind, by the method that writes it."""

Write = TypeVar("Write", bound=Callable[..., Doc])


def template(share: int) -> Callable[[Write], Write]:
    """Marks a method of ``Composer`` that writes a kind of its own, which ``share`` documents in a hundred are of."""

    def marks(write: Write) -> Write:
        SHARES[write.__name__] = share
        return write

    return marks


class Composer:
    """Writes documents of all kinds. A new one is a method that is marked as a ``template``, and its words in the file.

    phrases, sentences  English phrases and Chinese sentences to stand between (see `neutral`, `neutral_chinese`)
    held_out            whether English pairs of persons are taken from the held-out tenth
    """

    def __init__(self, rng: Random, phrases: Sequence[str], sentences: Sequence[str], held_out: bool = False) -> None:
        self.rng, self.phrases, self.sentences = rng, phrases, sentences
        self.words = lexicon()
        self.writer = PhraseWriter(rng, held_out=held_out)
        self.writer.phrases = phrases

    def doc(self) -> Doc:
        kind = self.rng.choices(list(SHARES), list(SHARES.values()))[0]
        return getattr(self, kind)()

    def long_doc(self) -> Doc:
        """A text with a long way between what has to be kept and its answer."""
        rng = self.rng
        kind = rng.randrange(4)
        if kind == 0:
            story = self.writer.probe(
                rng.choice(GENDERS), distractor=rng.random() < 0.5, distance=rng.randrange(30, 110)
            )
            doc = story_doc(story)
            return Doc(doc.text + " was tired .", doc.answers, doc.kind)
        if kind == 1:
            return self.country(words=rng.randrange(30, 110))
        if kind == 2:
            return self.pronoun_chinese([rng.choice(GENDERS)], gap=rng.randrange(3, 11))
        return self.country_chinese(characters=rng.randrange(30, 100))

    # -- pronouns ----------------------------------------------------------------------------------------------------

    @template(36)
    def pronoun(self) -> Doc:
        self.writer.gap = self.rng.choice((0, 0, 1, 1, 2, 4))
        self.writer.distractors = 0.4
        return story_doc(self.writer.story())

    @template(14)
    def pronoun_chinese(
        self, genders: Sequence[str] = (), gap: int | None = None, distractor: bool | None = None
    ) -> Doc:
        """One to three subjects, each with pronouns.

        To measure: `genders` of the subjects, `gap` sentences before the pronoun, `distractor`: whether an object of
        the other gender comes between; each subject then has one pronoun.
        """
        zh, rng = self.words["chinese"], self.rng
        text = ""
        for gender in genders or [rng.choice(GENDERS) for _ in range(rng.choice((1, 2, 2, 3)))]:
            p = f"[{PRONOUN_CHINESE[gender]}|{PRONOUN_CHINESE[other(gender)]}]"
            subject = self._person_chinese(gender)
            if rng.random() < 0.5:
                text += rng.choice(zh["before"]) + ("，" if rng.random() < 0.2 else "")
            if distractor is None and rng.random() < 0.15:
                text += rng.choice(zh["fronts"]).format(subject + self._act_chinese(None, gender)) + p
            else:
                text += subject + self._act_chinese(distractor, gender)
                sentences = rng.choice((0, 0, 0, 1, 1, 2, 4)) if gap is None else gap
                if sentences:
                    text += "。" + "".join(self._filler_chinese() for _ in range(sentences)) + p
                else:
                    text += rng.choice(zh["links"]) + p
            text += rng.choice(zh["states"])
            for _ in range(rng.choice((0, 1, 1)) if distractor is None else 0):
                text += rng.choice(zh["links"]) + p
                text += rng.choice(zh["owns"]).format(p) if rng.random() < 0.3 else self._act_chinese(None, gender)
            text += "。"
        return marked(text, "pronoun_chinese")

    @template(8)
    def pronoun_mixed(self) -> Doc:
        """A subject in one language and a pronoun in the other, so that one memory serves both."""
        gender = self.rng.choice(GENDERS)
        if self.rng.random() < 0.5:
            self.writer.gap, self.writer.distractors = 1, 0.4
            first = story_doc(self.writer.story((gender,)))
            act = self.rng.choice(self.words["chinese"]["states"])
            last = marked(f" [{PRONOUN_CHINESE[gender]}|{PRONOUN_CHINESE[other(gender)]}]{act}。", first.kind)
        else:
            first = self.pronoun_chinese([gender])
            state = self.rng.choice(self.writer.lexicon["state"])
            last = marked(f" [{PRONOUN[gender]}|{PRONOUN[other(gender)]}] was {state} .", first.kind)
        shifted = ((start + len(first.text), right, wrong) for start, right, wrong in last.answers)
        return Doc(first.text + last.text, (*first.answers, *shifted), "pronoun_mixed")

    def _person_chinese(self, gender: str) -> str:
        zh, rng = self.words["chinese"], self.rng
        side = "female" if gender == FEMALE else "male"
        if rng.random() < 0.4:
            return rng.choice(zh["surnames"]) + rng.choice(zh[f"titles_{side}"])
        person = rng.choice(zh[side])
        if person in ("女士", "小姐", "太太", "先生") or (person[0] in "小建志大国伟秀美丽玉" and rng.random() < 0.3):
            person = rng.choice(zh["surnames"]) + person
        return person

    def _act_chinese(self, distractor: bool | None, gender: str) -> str:
        if distractor or (distractor is None and self.rng.random() < 0.4):
            met = other(gender) if distractor else self.rng.choice(GENDERS)
            return self.rng.choice(self.words["chinese"]["meets"]).format(self._person_chinese(met))
        return self.rng.choice(self.words["chinese"]["acts"])

    def _filler_chinese(self) -> str:
        own = not self.sentences or self.rng.random() < 0.3
        return self.rng.choice(self.words["chinese"]["fillers"] if own else self.sentences) + "。"

    # -- country and language ----------------------------------------------------------------------------------------

    @template(14)
    def country(self, entry: Sequence[str] = (), words: int | None = None) -> Doc:
        """Where somebody grew up, at least so many words about other things, and the language."""
        rng = self.rng
        country, language, *_ = entry or rng.choice(self.words["countries"])
        text = rng.choice(self.words["origin"]).format(country=country)
        if words is None:
            words = rng.choice((0, 0, 0, 5, 10, 20, 30))
        if words == 0 and rng.random() < 0.6:
            text += rng.choice((" , so ", " and ", " , and ", " ; "))
        else:
            text += " . "
            stop = len(text.split()) + words
            while len(text.split()) < stop:
                text += self._filler() + " . "
        text += rng.choice(self.words["speech"]).format(language=language) + " ."
        return marked(text, "country")

    @template(12)
    def country_chinese(self, entry: Sequence[str] = (), characters: int | None = None) -> Doc:
        rng = self.rng
        *_, country, language = entry or rng.choice(self.words["countries"])
        text = rng.choice(self.words["origin_chinese"]).format(country=country)
        if characters is None:
            characters = rng.choice((0, 0, 0, 8, 15, 30))
        if characters == 0:
            text += rng.choice(("，", "，", "，所以", "。"))
        else:
            text += "。"
            stop = len(text) + characters
            while len(text) < stop:
                text += self._filler_chinese()
        text += rng.choice(self.words["speech_chinese"]).format(country=country, language=language) + "。"
        return marked(text, "country_chinese")

    def _filler(self) -> str:
        return self.rng.choice(self.phrases)

    # -- agreement, what everybody knows -----------------------------------------------------------------------------

    @template(8)
    def agreement(self, attractors: int | None = None) -> Doc:
        """The keys to the cabinet are ...: the verb has the first noun's number. `attractors`: how many other nouns."""
        rng, text = self.rng, ""
        for _ in range(rng.choice((1, 2, 2)) if attractors is None else 1):
            number = rng.randrange(2)
            text += f"the {rng.choice(self.words['nouns'])[number]} "
            for _ in range(rng.choice((0, 1, 1, 1, 2, 3)) if attractors is None else attractors):
                n = 1 - number if attractors is not None else rng.randrange(2)
                text += f"{rng.choice(self.words['between'])} the {rng.choice(self.words['nouns'])[n]} "
            verb = rng.choice(self.words["verbs"])
            kind = {"has": "have", "does": "do"}.get(verb[0], "be")
            text += f"[{verb[number]}|{verb[1 - number]}] {rng.choice(self.words['after'][kind])} . "
        return marked(text.strip(), "agreement")

    @template(8)
    def cloze(self) -> Doc:
        """What everybody knows, in English or Chinese, sometimes after a real phrase."""
        rng = self.rng
        if rng.random() < 0.25:
            before = self._filler_chinese() if rng.random() < 0.4 else ""
            return marked(before + rng.choice(self.words["cloze_chinese"]) + "。", "cloze")
        before = f"{self._filler()} . " if rng.random() < 0.4 else ""
        if rng.random() < 0.3:
            return marked(before + rng.choice(self.words["cloze"]) + " .", "cloze")
        thing, where, place = rng.choice(self.words["facts"])
        return marked(
            before + rng.choice(self.words["fact_frames"]).format(thing=thing, where=where, place=place) + " .", "cloze"
        )

    def everything(self) -> list[str]:
        """Texts that between them hold every word of every template, for the vocabulary."""

        def texts(value: Any) -> Iterator[str]:
            if isinstance(value, str):
                yield re.sub(r"\{\w*\}|[\[\]|]", " ", value)
            else:
                for part in value.values() if isinstance(value, dict) else value:
                    yield from texts(part)

        return list(texts(self.words))


def marked(text: str, kind: str) -> Doc:
    """A document from a text with answers in square brackets, `[she|he]` or `[French]`."""
    plain, answers, last = "", [], 0
    for match in re.finditer(r"\[([^\]|]*)\|?([^\]]*)\]", text):
        plain += text[last : match.start()]
        answers.append((len(plain), match[1], match[2]))
        plain += match[1]
        last = match.end()
    return Doc(plain + text[last:], tuple(answers), kind)


def story_doc(story: Any) -> Doc:
    """A document from a story of `english.Writer`: its pronouns and possessives are the answers."""
    starts, place = [], 0
    for word in story.words:
        starts.append(place)
        place += len(word) + 1
    answers = [(starts[k], PRONOUN[g], PRONOUN[other(g)]) for k, g in story.pronouns.items()]
    answers += [(starts[k], POSSESSIVE[g], POSSESSIVE[other(g)]) for k, g in story.possessives.items()]
    return Doc(" ".join(story.words), tuple(sorted(answers)), "pronoun")
