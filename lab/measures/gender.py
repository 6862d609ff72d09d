"""What a model of pronouns is measured on: which pronoun it expects, and the unit that holds the gender of the subject.

The stories are those of `english.py` or `chinese.py`; each knows its pronouns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

import numpy as np

from lab.measures import free
from lab.measures.units import memory
from lab.tasks.english import FEMALE, GENDERS, MALE, Story, Writer, other
from lab.tasks.rows import padded, top
from lstm_core.analysis import Force, intervene, readout
from lstm_core.analysis import memory as written
from lstm_core.analysis.split import Split, split
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.network import Network


def probes(seed: int, count: int, writer: type[Writer] = Writer, **options: Any) -> list[Story]:
    """Held-out texts that end with a pronoun, half about women. `switch`: whether another gender comes first."""
    rng = Random(seed)
    switch = options.pop("switch", None)
    found = []
    for k in range(count):
        gender = GENDERS[k % 2]
        before = other(gender) if switch else "" if switch is False else rng.choice(("", *GENDERS))
        found.append(writer(rng, held_out=True).probe(gender, before=before, **options))
    return found


def stories(seed: int, count: int, writer: type[Writer] = Writer) -> list[Story]:
    """Held-out texts of ordinary length."""
    rng = Random(seed)
    return [writer(rng, held_out=True).story() for _ in range(count)]


def keeping(cell: type[Cell]) -> dict[str, float]:
    """The values of the gates that make a unit keep its memory and write nothing: f = 1 and i = 0, or z = 1."""
    rule = carry(cell)
    gates = [signal.name for signal in cell.signals if signal.kind == "gate"]
    if rule is None:
        return {}
    for count in range(1, len(gates) + 1):
        for names in (gates[k : k + count] for k in range(len(gates) - count + 1)):
            for values in product((0.0, 1.0), repeat=count):
                forced = dict(zip(names, values, strict=True))
                found = {name: forced.get(name, float("nan")) for name in gates}
                if rule.evaluate("keep", found) == 1 and rule.evaluate("write", found) == 0:
                    return forced
    return {}


@dataclass(frozen=True)
class Reading:
    """What a model did on some stories: signals (time, story, unit), and whether it leans to `she` after each word."""

    signals: dict[str, np.ndarray]
    lean: np.ndarray


def pronoun_ids(model: Network, story: Story) -> tuple[int, int]:
    """The ids of `she` and of `he` in the story's language."""
    return model.tokenizer.id(story.PRONOUN[FEMALE]), model.tokenizer.id(story.PRONOUN[MALE])


def readout_difference(model: Network, story: Story) -> tuple[np.ndarray, float]:
    """(weight, bias) of logit("she") - logit("he"), linear in what is read."""
    (she, he), readout = pronoun_ids(model, story), model.predicts
    return readout.whole[she] - readout.whole[he], float(readout.bias[she] - readout.bias[he])


def read(model: Network, stories: Sequence[Story]) -> Reading:
    """Run the stories as one batch, padded at their ends."""
    ids = padded([[model.tokenizer.id(word) for word in story.words] for story in stories])
    trace = model.read(ids)
    weight, bias = readout_difference(model, stories[0])
    return Reading(top(trace), model.reads(trace.signals) @ weight + bias)


def freely_written(model: Network, sentences: str, named: str = "free") -> dict[str, float]:
    """The shares right on sentences written freely, and how far it is from being as sure as it is right. sentences:
    "english", "chinese" or "chinese_people"; named: what the figures' names begin with."""
    found = free.he_or_she(model, sentences)
    return {f"{named}_{re.sub('[:,]? ', '_', kind)}": share for kind, (share, _) in found.items()}


def accuracy(model: Network, stories: Sequence[Story]) -> float:
    """Share of the stories' last pronouns for which the right one of he and she is the likelier."""
    return float(right(model, stories).mean())


def right(model: Network, stories: Sequence[Story]) -> np.ndarray:
    """(story,): whether the right one of he and she is the likelier at its last pronoun."""
    lean = read(model, stories).lean
    last = [max(story.pronouns) for story in stories]
    return np.array([(lean[at - 1, k] > 0) == (stories[k].pronouns[at] == FEMALE) for k, at in enumerate(last)])


def by_place(model: Network, stories: Sequence[Story], beat: int) -> dict[str, float]:
    """``accuracy`` by the place of the last subject: its word's number in the text, counted from 0, modulo ``beat``."""
    place = np.array([max(at for at in story.subjects if at < max(story.pronouns)) % beat for story in stories])
    found = right(model, stories)
    return {str(k): float(found[place == k].mean()) for k in range(beat)}


def keeps_old(model: Network, unit: int, texts: Sequence[Story]) -> float:
    """Share of texts in which the old pronoun stays when one unit is made to keep its memory at the new subject."""
    she, he = pronoun_ids(model, texts[0])
    top = len(model.layers) - 1
    kept = []
    for story in texts:
        place, pronoun = max(story.subjects), max(story.pronouns)
        span = story.span(place)
        trace = model.run(story.SPACE.join(story.words[:pronoun]), device="cpu")
        forces = [Force(k, v, (unit,), span.start, span.stop, top) for k, v in keeping(model.cell).items()]
        logits = model.logits(intervene(trace, forces).after)[-1]
        kept.append((logits[she] > logits[he]) != (story.subjects[place] == FEMALE))
    return float(np.mean(kept))


def subject_wrote_it(model: Network, texts: Sequence[Story]) -> float:
    """Share of texts in which the subject contributes most to the right pronoun's logit against the other one's, at the
    first pronoun."""
    right = []
    for story in texts:
        pronoun = min(story.pronouns)
        gender = story.pronouns[pronoun]
        words = (story.PRONOUN[gender], story.PRONOUN[other(gender)])
        trace = model.run(story.text, device="cpu")
        found = written(trace, pronoun - 1, direction=readout(model, *words).vector)
        right.append(int(found.contributions.argmax()) in story.span(story.subject_before(pronoun)))
    return float(np.mean(right))


@dataclass(frozen=True)
class Genders:
    """The memory before each pronoun, and the keep gate at each word, of some stories."""

    memory: np.ndarray  # (pronoun, unit)
    female: np.ndarray  # (pronoun,) bool
    at_switch: np.ndarray | None  # (switch, unit), the share kept over a new subject of the other gender, all its words
    elsewhere: np.ndarray | None  # (word, unit), the keep gate at all other words

    @staticmethod
    def of(model: Network, texts: Sequence[Story]) -> Genders:
        signals = read(model, texts).signals
        rule = carry(model.cell)
        held = signals[memory(model)]
        places = [(k, t - 1, g == FEMALE) for k, s in enumerate(texts) for t, g in s.pronouns.items()]
        found = np.array([held[t, k] for k, t, _ in places])
        female = np.array([f for *_, f in places])
        if rule is None:
            return Genders(found, female, None, None)
        keep = np.broadcast_to(rule.evaluate("keep", signals), held.shape)
        switch = np.array([keep[s.span(t), k].prod(0) for k, s in enumerate(texts) for t in s.switches])
        named = [{word for t in s.switches for word in s.span(t)} for s in texts]
        rest = [keep[t, k] for k, s in enumerate(texts) for t in range(len(s.words)) if t not in named[k]]
        return Genders(found, female, switch, np.array(rest))

    def split(self) -> Split:
        """For each unit the value on whose sides women and men stand."""
        return split(self.memory, self.female)

    def accuracy(self, split: Split) -> np.ndarray:
        """How well each unit tells the gender, as balanced accuracy."""
        return split.accuracy(self.memory, self.female)

    def found(self) -> np.ndarray:
        assert self.at_switch is not None
        return (self.at_switch < 0.5).mean(0)

    def false_alarms(self) -> np.ndarray:
        assert self.elsewhere is not None
        return (self.elsewhere < 0.5).mean(0)
