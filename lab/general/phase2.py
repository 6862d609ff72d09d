"""Phase 2: the same real text, and with it what real text is too short to teach: names of many cultures and their
pronouns, the languages of countries, verbs that agree across other nouns."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from tokenizers import Tokenizer

from lab.general.data import Lines, Texts
from lab.general.made.abroad import Abroad
from lab.general.made.chinese import Chinese
from lab.general.made.marked import OTHER, lines
from lab.general.made.natural import Natural
from lab.general.made.number import Number
from lab.general.made.people import People
from lab.general.made.places import Places
from lab.general.train import Plan, gathered
from lab.texts import folder

PLAN = Plan(batch=32, time=140, rate=2e-3, warm_up=100, made=0.5, long=64, economy=0.1)
"""Half of the rows read real text. The windows are twice as long as in phase 1 and the steps four times as many for as
much text: a name and its pronoun must lie in one window, and little of the text says anything about either."""
SENTENCES = {
    "people": 40_000,
    "chains": 30_000,
    "stories": 40_000,
    "of_one": 30_000,
    "places": 30_000,
    "abroad": 45_000,
    "number": 15_000,
    "people_zh": 24_000,
    "places_zh": 15_000,
    "abroad_zh": 20_000,
}
"""Made texts by kind: the words of people in one sentence or two, of stories several sentences about nobody later."""
REAL = ("chains", "stories", "of_one", "abroad", "abroad_zh")
CHAINED = 0.6
"""The weight of the words of real sentences that were put together: only where they meet are they not real."""


SILENT = 0.3
"""Share kept of the renamed sentences that have no pronoun to tell."""


def made(tom_mary: Sequence[str], tom_mary_zh: Sequence[str], english: Sequence[str], chinese: Sequence[str],
         tokenizer: Tokenizer, seed: int, share: float = 1) -> dict[str, Lines]:  # fmt: skip
    """All made text, drawn from these real sentences. share: of the number of sentences."""
    rng = Random(seed)
    natural, zh = Natural(rng, tom_mary, english), Chinese(rng, tom_mary_zh, chinese)
    ways: dict[str, Callable[[], str]] = {
        "people": People(rng, natural.fillers).sentence,
        "chains": natural.chain,
        "stories": natural.story,
        "of_one": natural.of_one,
        "abroad": Abroad(rng, [*english, *tom_mary], natural.fillers).sentence,
        "abroad_zh": zh.abroad,
        "places": Places(rng, natural.fillers).sentence,
        "number": Number(rng).sentence,
        "people_zh": zh.sentence,
        "places_zh": zh.place,
    }
    found = {}
    for kind, count in SENTENCES.items():
        written = [ways[kind]() for _ in range(round(share * count))]
        found[f"made/{kind}"] = lines(written, tokenizer, CHAINED if kind in REAL else OTHER)
    for language, writer, sentences in (("english", natural, tom_mary), ("chinese", zh, tom_mary_zh)):
        renamed = [writer.renamed(sentence) for sentence in sentences]
        telling = [one for one in renamed if "[" in one or rng.random() < SILENT]
        found[f"renamed/{language}"] = lines(telling, tokenizer, other=1)
    return found


def with_made(texts: Path, after: Path, out: Path, seed: int) -> Texts:
    """Phase 1's texts in phase 1's pieces, and the made text. Of the real sentences only those to train on are used."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(after / "tokenizer.json", out / "tokenizer.json")
    real = gathered(texts, out)
    sides = {
        text.file: folder.split(folder.read(texts, text), text.kind)[0]
        for text in (*folder.TEXTS, *folder.TOM_AND_MARY)
    }
    drawn = made(
        sides["english/tatoeba_en_tom_mary"],
        sides["chinese/tatoeba_zh_tom_mary"],
        sides["english/tatoeba_en"],
        sides["chinese/tatoeba_zh"],
        real.tokenizer,
        seed,
    )
    return replace(real, made=drawn)
