"""English pronouns: a small network that has to remember whether the text is about a woman or a man.

The texts come from `lab.tasks.english`. One recipe for each cell: `pronouns-lstm` has 16 units, the others as
many as give about the same number of recurrent parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lab.learning.batch import Batch, mean_weights
from lab.learning.network import TorchNetwork
from lab.learning.recipe import BatchRecipe
from lab.learning.sizes import equal_size, layers_of
from lab.measures.gender import (
    Genders,
    accuracy,
    by_place,
    freely_written,
    keeps_old,
    probes,
    stories,
    subject_wrote_it,
)
from lab.measures.nameless import told_by_pronoun, undecided
from lab.measures.units import memory
from lab.tasks import english
from lab.tasks.english import FEMALE, MALE, Story, Writer, other
from lab.tasks.rows import MEASURE_SEED, tokenizer_of
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.network import Network
from lstm_core.text import UNKNOWN, Tokenizer

EMBEDDING = 16
HIDDEN_LSTM = 16
BATCH = 64
PRONOUN_WEIGHT, POSSESSIVE_WEIGHT = 30.0, 5.0
POOL = 12  # batches that are made at once, so that texts of like length come together
SHARE = 0.25  # of the ordinary words that are predicted
MISREAD = 0.5  # of the pronouns are read as the other one in training: reading one says nothing
LEAN = 1.5  # how far the readouts of she and he lie apart at the start, on one unit
ECONOMY, ECONOMY_SINGLE = 0.3, 0.5  # price of writing and of forgetting
GRID_HIDDEN, GRID_ECONOMY = 12, 0.03  # as many parameters as the LSTM's would leave it 7 units, and those learn nothing
BEAT = 8  # words, of which each is told apart where units compute at some only
NAMED = 0.9  # of the texts a unit has to tell the gender in, to be called so
SHARED = 0.01  # price of a difference between them on any other unit


EXAMPLES = [
    {"label": "A new subject", "text": "Mary went to the market because she was hungry. Then John met Anna and he"},
    {"label": "A distractor", "text": "The king loved the queen, but"},
    {
        "label": "Two women, one man",
        "text": "Alice gave a book to Emma because she was happy. Then Peter came home and",
    },
    {
        "label": "A long gap",
        "text": "My grandmother lived near the sea. It rained all day. The wind was cold. The bus was late. "
        "There were many people in the market. Music came from the house. Then",
    },
    {"label": "Back and forth", "text": "Tom laughed. Then Lucy cried. Then Harry slept. Then Kate danced because"},
    {"label": "Nouns", "text": "The old waiter helped the actress. He smiled. Later the princess saw the waiter and"},
    {"label": "When ...", "text": "When Sarah met David in the park, she was tired. When David went home,"},
    {"label": "A name it does not know", "text": "Mary was tired. Then Zebulon met Anna and"},
]


class Pronouns(BatchRecipe):
    """`single`: one unit alone must hold the gender, as in the essays' picture of the LSTM.

    Left alone, most runs of the LSTM hold it in two units, one for women and one for men. So the readouts of she and he
    start apart on one unit, and a difference on the others costs something.
    """

    task, language, words = "pronouns", "English", ("he", "she")
    sentences: Mapping[str, str] = {"free": "english"}  # those that it is measured on, by the figures' names
    writer: type[Writer] = Writer
    vocabulary = tuple(english.vocabulary())
    longest = 120  # words
    price = ECONOMY_SINGLE
    right = 0.99  # of held-out texts of each kind, for the LSTM and the GRU to be shipped
    wrote = 0.95  # of the first pronouns the subject has to have contributed most to, for the LSTM to be shipped
    examples: Sequence[Mapping[str, str]] = EXAMPLES

    def __init__(self, cell: type[Cell], single: bool) -> None:
        self.name = f"{self.task}-{cell.name}"
        self.cell = cell
        self.single = single
        self.hidden = equal_size(cell, HIDDEN_LSTM, EMBEDDING)
        self.economy = self.price if single else ECONOMY
        self.learning_rate = 1e-2 if carry(cell) else 3e-3
        easy = cell.name == "grid" or carry(cell) is None  # so hard a text teaches them nothing at all
        self.misread = 0.0 if easy else MISREAD
        if cell.name == "grid":
            self.hidden, self.economy = GRID_HIDDEN, GRID_ECONOMY
        self.weight_decay = 0.1 if carry(cell) else 0.0  # the plain RNN learns nothing under it

    def tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.vocabulary)

    @cached_property
    def ids(self) -> dict[str, int]:
        return {word: k for k, word in enumerate(self.tokenizer().pieces)}

    @cached_property
    def opposite(self) -> dict[str, str]:
        """he for she, she for he, his for her and her for his."""
        pairs = (self.writer.STORY.PRONOUN, self.writer.STORY.POSSESSIVE)
        return {words[gender]: words[other(gender)] for words in pairs for gender in words}

    def network(self) -> TorchNetwork:
        made = TorchNetwork(self.cell, len(self.ids), EMBEDDING, self.hidden, layers_of(self.cell))
        if self.single:
            weight, (he, she) = made.readout.weight, self.pronouns
            with torch.no_grad():
                weight[he] = weight[she]
                weight[she, 0] += LEAN
                weight[he, 0] -= LEAN
        return made

    @property
    def pronouns(self) -> tuple[int, int]:
        """The ids of he and she."""
        words = self.writer.STORY.PRONOUN
        return self.ids[words[MALE]], self.ids[words[FEMALE]]

    def penalty(self, network: TorchNetwork) -> Tensor | float:
        if not self.single:
            return 0.0
        he, she = self.pronouns
        return SHARED * (network.readout.weight[she] - network.readout.weight[he])[1:].abs().sum()

    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        """Texts without gaps first; later up to two sentences between subject and pronoun, in one of six up to 14."""
        for start in range(0, steps, POOL):
            progress = start / steps
            gaps = [0 if progress < 0.1 else 14 if progress > 0.25 and k % 6 == 5 else 1 + k % 2 for k in range(POOL)]
            rng.shuffle(gaps)
            texts = [story for gap in gaps for story in self.texts(rng, gap, progress)]
            texts.sort(key=lambda story: min(len(story.words), self.longest))  # little padding
            groups = [texts[k : k + BATCH] for k in range(0, len(texts), BATCH)]
            rng.shuffle(groups)
            for group in groups[: steps - start]:
                yield self.batch(group, rng)

    def texts(self, rng: Random, gap: int, progress: float) -> list[Story]:
        """progress: the share of the training that is behind."""
        writer = self.writer(rng, gap=gap)
        return [writer.story() for _ in range(BATCH)]

    def batch(self, texts: Sequence[Story], rng: Random) -> Batch:
        """Texts as numbers. 3 % of the words (in some rows up to 40 %) are hidden, never subjects and pronouns.

        Half the pronouns are read as the other one, so that only the memory of the subject tells which one is next.
        A quarter of the other words is predicted, with four times the weight: the same mean, at less cost.
        """
        ids = self.ids
        length = min(max(len(s.words) for s in texts), self.longest)
        words = np.zeros((length, len(texts)), np.int64)
        weights = np.zeros((length, len(texts)), np.float32)
        read = np.zeros((length, len(texts)), np.float32)
        misread = np.zeros_like(words)
        for k, story in enumerate(texts):
            row = story.words[:length]
            read[: len(row), k] = 1
            hidden = rng.uniform(0.03, 0.4) if rng.random() < 0.1 else 0.03
            subjects = {t for place in story.subjects for t in story.span(place)}
            fixed = subjects | story.pronouns.keys() | story.possessives.keys()
            for t, word in enumerate(row):
                if t in fixed or rng.random() >= hidden:
                    words[t, k] = ids[word]
                    weights[t, k] = 1 / SHARE if rng.random() < SHARE else 0
            for places, weight in ((story.pronouns, PRONOUN_WEIGHT), (story.possessives, POSSESSIVE_WEIGHT)):
                for t in places:
                    if t < length:
                        weights[t, k] = weight
                        if t not in story.trusted and rng.random() < self.misread:
                            misread[t, k] = ids[self.opposite[row[t]]]
        weights[words == ids[UNKNOWN]] = 0  # it is read, and nobody should expect it
        inputs = np.where(misread > 0, misread, words)
        return Batch(inputs[:-1], words[1:], mean_weights(weights[1:]), read[:-1])

    def measure(
        self, model: Network, seed: int = MEASURE_SEED, count: int = 500
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        def ending(k: int, **options: Any) -> list[Story]:
            return probes(seed + k, count, self.writer, **options)

        def texts(k: int) -> list[Story]:
            return stories(seed + k, count, self.writer)

        metrics: dict[str, Any] = {
            **{k: v for named, of in self.sentences.items() for k, v in freely_written(model, of, named).items()},
            "unknown_undecided": undecided(model, seed + 8, count, self.writer),
            "unknown_told_by_pronoun": told_by_pronoun(model, seed + 9, count, self.writer),
            "distractor": accuracy(model, ending(0, distractor=True)),
            "switch": accuracy(model, ending(1, switch=True)),
            "distance_100": accuracy(model, ending(2, distance=100)),
        }
        if any(signal.role == "clock" for signal in self.cell.signals):  # who is right may depend on who is awake
            many = probes(seed + 7, 4 * count, self.writer, switch=True)
            metrics["switch_by_place"] = by_place(model, many, BEAT)
        chosen, test = Genders.of(model, texts(3)), Genders.of(model, texts(4))
        split = chosen.split()
        score = chosen.accuracy(split)
        if chosen.at_switch is not None:
            score = score + chosen.found() - chosen.false_alarms()
        unit = int(score.argmax())
        metrics["unit_accuracy"] = float(test.accuracy(split)[unit])
        if test.at_switch is not None and test.elsewhere is not None:
            metrics |= {
                "found": float(test.found()[unit]),
                "false_alarms": float(test.false_alarms()[unit]),
                "keep_at_switch": float(test.at_switch[:, unit].mean()),
                "keep_elsewhere": float(test.elsewhere[:, unit].mean()),
                "kept_old": keeps_old(model, unit, ending(5, switch=True)[: count // 2]),
                "subject_wrote": subject_wrote_it(model, [s for s in texts(6) if s.pronouns]),
            }
        gender = {
            "layer": len(model.layers) - 1,
            "direction": 0,
            "unit": unit,
            "signal": memory(model),
            "meaning": "gender of the subject",
            "threshold": float(split.threshold[unit]),
            "female_above": bool(split.above[unit]),
            "accuracy": metrics["unit_accuracy"],
        }
        named = metrics["unit_accuracy"] >= NAMED  # where many units share it, none deserves the name
        return metrics, {"gender": gender} if named else {}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        if self.cell.name not in ("lstm", "gru"):
            return True  # there to be compared with: it is shipped with its figures as they are
        right = min(metrics[key] for key in ("distractor", "switch", "distance_100")) >= self.right
        unit = metrics["unit_accuracy"] >= 0.98 and metrics["found"] >= 0.95 and metrics["false_alarms"] <= 0.02
        one = unit and metrics["kept_old"] >= 0.9 and metrics["subject_wrote"] >= self.wrote
        return right and (one or not self.single)

    def score(self, metrics: Mapping[str, Any]) -> float:
        right = sum(metrics[key] for key in ("distractor", "switch", "distance_100", "unit_accuracy"))
        shown = sum(metrics.get(key, 0) for key in ("found", "kept_old", "subject_wrote"))
        named = metrics["unit_accuracy"] >= NAMED  # a unit with a name is what the pages show of it
        return right + shown + named - metrics.get("false_alarms", 0)

    def about(self) -> dict[str, Any]:
        return {
            "title": f"{self.language} pronouns, {self.cell.title}",
            "layers": layers_of(self.cell),
            "hidden": self.hidden,
            "honesty": self.honesty(),
            "examples": [dict(example) for example in self.examples],
            "vocabulary": len(self.ids),
            "pronoun_weight": PRONOUN_WEIGHT,
        }

    def found(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        right = metrics["switch"]
        if right >= 0.9:
            return {}
        said = f"It did not learn the task: after a change of subject it is right in {right:.0%} of held-out texts."
        return {"honesty": f"{said} {self.honesty()}"}

    def honesty(self) -> str:
        he, she = self.words
        texts = f"Trained on texts made from templates, in which {he} and {she} weigh 30 times as much as other words"
        wrong = "half of the pronouns it read were the wrong ones, so that nouns and names alone tell it the gender"
        limits = (
            f"It knows only the words of those texts, takes the latest subject for whoever {he} or {she} means, "
            "and learns nothing from a name it does not know."
        )
        if not self.misread:
            return (
                f"{texts}. The models of most other cells read half of the pronouns wrong while they learnt, so that "
                "only the subject told them which comes next; from such texts this one learned nothing, so it read the "
                f"right ones, and may copy the pronoun before. {limits}"
            )
        one = (
            f", and the difference between {he} and {she} was led towards one cell, where most runs left alone use two"
        )
        return f"{texts} and {wrong}; {self.shaped()}{one if self.single else ''}. {limits}"

    def shaped(self) -> str:
        """What shaped its gates, in words."""
        return f"a penalty ({self.economy}) on writing and on forgetting made its gates readable"


TEMPLATES = ("grid", "clockwork")
"""The cells that learn from templates alone; the others have a recipe of their own, `pronouns_anybody`. From its texts
a clockwork network learns to do better on short sentences (.79 of the free ones instead of .60), and nothing that lasts
(.54 after a change of subject instead of .65, .48 a hundred words later instead of .72)."""

RECIPES = tuple(Pronouns(CELLS[name], single=False) for name in TEMPLATES)
