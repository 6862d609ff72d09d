"""Phase 2: the same real text, and with it what real text is too short to teach: names of many cultures and their
pronouns, the languages of countries, verbs that agree across other nouns."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import Tokenizer

from lab.general.data import Lines, Texts
from lab.general.made.abroad import Abroad
from lab.general.made.chinese import Chinese
from lab.general.made.everyday import Everyday
from lab.general.made.kin import Kin
from lab.general.made.marked import OTHER, lines, masked
from lab.general.made.natural import Natural
from lab.general.made.number import Number
from lab.general.made.people import People
from lab.general.made.places import Places
from lab.general.made.words import words
from lab.general.train import Plan, gathered
from lab.texts import folder

PLAN = Plan(tokens=18_000_000, batch=32, time=140, rate=2e-3, warm_up=100, made=0.4, long=64, rest=1024)
"""Two in five rows read made text. The windows are twice as long as in phase 1 and the steps four times as many for as
much text: a name and its pronoun must lie in one window, and little of the text says anything about either."""
GATED = {"tokens": 44_000_000, "pronouns": 4.0}
"""What is otherwise in the LSTM and the GRU. The plain RNN holds nobody for ten words: more would teach it little."""
ECONOMY = {"lstm": 0.1}
"""The price by cell, none for the others. One unfinished run of the LSTM without it had .17 of the languages right
after 6 million tokens of these texts, the one with it .75 after 8; the GRU was trained without."""
SENTENCES = {
    "people": 40_000,
    "several": 8_000,
    "chains": 30_000,
    "stories": 40_000,
    "long_stories": 12_000,
    "of_one": 30_000,
    "places": 30_000,
    "abroad": 45_000,
    "number": 15_000,
    "people_zh": 24_000,
    "kin_zh": 24_000,
    "places_zh": 15_000,
    "abroad_zh": 20_000,
    "everyday": 12_000,
    "everyday_zh": 10_000,
}
"""Made texts by kind: the words of people in one sentence or two, of stories several sentences about nobody later,
of long ones up to three hundred words."""
REAL = ("chains", "stories", "long_stories", "of_one", "abroad", "abroad_zh")
ABOUT_PLACES = ("places", "abroad", "places_zh", "abroad_zh")
"""A country is drawn at random there, so nothing is learned from predicting it but to speak of countries."""
CHAINED = 0.6
"""The weight of the words of real sentences that were put together: only where they meet are they not real."""
LED = 0.75
"""Share of the made texts that real sentences about nobody lead to. Of what follows the end of a text the rest is too
little for a network to expect that whoever begins speaks of a country."""
FRESH = 800
"""Made texts of each language by which he and she are balanced."""
SILENT = 0.3
"""Share kept of the renamed sentences that have no pronoun to tell."""


def plan(cell: str) -> Plan:
    own: dict[str, Any] = GATED if cell != "rnn" else {}
    return replace(PLAN, cell=cell, economy=ECONOMY.get(cell, 0.0), **own)


@dataclass(frozen=True)
class Sentences:
    """The real sentences that made text is made of; of each file only those to train on."""

    tom_mary: Sequence[str]
    tom_mary_zh: Sequence[str]
    english: Sequence[str]
    chinese: Sequence[str]

    @staticmethod
    def of(texts: Path) -> Sentences:
        """Those of a folder of texts."""
        files = {text.file: text for text in (*folder.TEXTS, *folder.TOM_AND_MARY)}
        wanted = (
            "english/tatoeba_en_tom_mary", "chinese/tatoeba_zh_tom_mary", "english/tatoeba_en", "chinese/tatoeba_zh",
        )  # fmt: skip
        return Sentences(*(folder.split(folder.read(texts, files[one]), files[one].kind)[0] for one in wanted))


class Writers:
    """Everybody who makes text, by the kinds in ``SENTENCES``."""

    def __init__(self, rng: Random, real: Sentences) -> None:
        self.rng = rng
        countries = words("places")["country"]
        english = {word for c in countries for word in (*c[:1], *c[2:4], *c[4])}
        self.places = [
            re.compile(r"\b(?:" + "|".join(sorted(english, key=len, reverse=True)) + r")\b"),
            re.compile("|".join(sorted({word for c in countries for word in (c[5], *c[7])}, key=len, reverse=True))),
        ]
        self.natural = natural = Natural(rng, real.tom_mary, real.english)
        self.chinese = chinese = Chinese(rng, real.tom_mary_zh, real.chinese)
        self.ways: dict[str, Callable[[], str]] = {
            "people": People(rng, natural.fillers).sentence,
            "several": People(rng, natural.fillers).several,
            "chains": natural.chain,
            "stories": natural.story,
            "long_stories": natural.long_story,
            "of_one": natural.of_one,
            "abroad": Abroad(rng, [*real.english, *real.tom_mary], natural.fillers).sentence,
            "abroad_zh": chinese.abroad,
            "places": Places(rng, natural.fillers).sentence,
            "number": Number(rng).sentence,
            "everyday": Everyday(rng, natural.fillers).sentence,
            "everyday_zh": Everyday(rng, chinese.fillers).sentence_zh,
            "people_zh": chinese.sentence,
            "kin_zh": Kin(rng, real.tom_mary_zh, real.chinese).sentence,
            "places_zh": chinese.place,
        }

    def led(self, kind: str) -> str:
        """A text of this kind, most with real sentences before it, and no place in it to be predicted."""
        written, chinese = self.ways[kind](), kind.endswith("_zh")
        if kind in ABOUT_PLACES:
            written = masked(written, self.places[chinese])
        if self.rng.random() < LED:
            fillers = (self.chinese if chinese else self.natural).fillers
            before = [self.rng.choice(fillers) for _ in range(self.rng.choice([1, 1, 2]))]
            written = ("" if chinese else " ").join([*before, written])
        return written


def made(real: Sentences, tokenizer: Tokenizer, seed: int, share: float = 1) -> dict[str, Lines]:
    """All made text, drawn from these real sentences. share: of the number of sentences."""
    rng = Random(seed)
    writers, found = Writers(rng, real), {}
    for kind, count in SENTENCES.items():
        written = [writers.led(kind) for _ in range(round(share * count))]
        found[f"made/{kind}"] = lines(written, tokenizer, CHAINED if kind in REAL else OTHER)
    for language, writer, sentences in (
        ("english", writers.natural, real.tom_mary),
        ("chinese", writers.chinese, real.tom_mary_zh),
    ):
        renamed = [writer.renamed(sentence) for sentence in sentences]
        telling = [one for one in renamed if "[" in one or rng.random() < SILENT]
        found[f"renamed/{language}"] = lines(telling, tokenizer, other=1)
    return found


def with_made(texts: Path, after: Path, out: Path, seed: int) -> Texts:
    """Phase 1's texts in phase 1's pieces, and the made text."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(after / "tokenizer.json", out / "tokenizer.json")
    real = gathered(texts, out)
    return replace(real, made=made(Sentences.of(texts), real.tokenizer, seed))


def fresh(real: Sentences, seed: int, count: int) -> dict[str, list[str]]:
    """So many made texts with a pronoun, by language, which are not those of ``made`` with the same seed."""
    ways = Writers(Random(f"{seed} fresh"), real).ways
    kinds = {"English": ("people", "stories"), "Chinese": ("people_zh",)}
    return {language: [ways[own[k % len(own)]]() for k in range(count)] for language, own in kinds.items()}
