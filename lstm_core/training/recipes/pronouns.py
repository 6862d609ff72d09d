"""English pronouns: a small network that has to remember whether the text is about a woman or a man.

The texts come from `lstm_core.training.english`. One recipe for each cell: `pronouns-lstm` has 16 units, the others as
many as give about the same number of recurrent parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_core import parallel
from lstm_core.analysis import Force, intervene, memory, readout
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.model import Model
from lstm_core.scan import scan
from lstm_core.text import UNKNOWN, Tokenizer
from lstm_core.training.english import FEMALE, GENDERS, MALE, PRONOUN, Story, Writer, other, vocabulary
from lstm_core.training.loop import Batch, Network, Recipe, mean_weights

EMBEDDING = 16
HIDDEN_LSTM = 16
BATCH = 64
LONGEST = 120  # words
PRONOUN_WEIGHT, POSSESSIVE_WEIGHT = 30.0, 5.0
POOL = 12  # batches that are made at once, so that texts of like length come together
SHARE = 0.25  # of the ordinary words that are predicted
MISREAD = 0.5  # of the pronouns are read as the other one in training: reading one says nothing
LEAN = 1.5  # how far the readouts of she and he lie apart at the start, on one unit
ECONOMY, ECONOMY_SINGLE = 0.3, 0.5  # price of writing and of forgetting
SHARED = 0.01  # price of a difference between them on any other unit
OPPOSITE = {"he": "she", "she": "he", "his": "her", "her": "his"}
MEASURE_SEED = 20_000

# Words, single Chinese characters, runs of dots, 's, and every other mark by itself.
PATTERN = r"\p{Han}|'s\b|(?:(?!\p{Han})[\p{L}\p{M}\p{N}_])+|\.{2,}|\S"


@cache
def word_tokenizer() -> Tokenizer:
    """Lower-cased words, one token each; what the texts do not use becomes `<unk>`."""
    from tokenizers import Regex, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as HuggingFaceTokenizer

    ids = {word: k for k, word in enumerate([UNKNOWN, *vocabulary()])}
    tokenizer = HuggingFaceTokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()  # type: ignore[assignment]
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), "removed", invert=True)  # type: ignore[assignment]
    return Tokenizer(tokenizer.to_str())


@cache
def word_ids() -> dict[str, int]:
    return {word: k for k, word in enumerate(word_tokenizer().pieces)}


def layers_of(cell: type[Cell]) -> int:
    """Two for a cell that reads the layer below, and for one whose gates see a word but not what came before it."""
    return 2 if cell.below or parallel.rule_of(cell) else 1


def cell_parameters(cell: type[Cell], hidden: int) -> int:
    """How many numbers all layers of this cell have to learn."""
    sizes = [EMBEDDING, *[hidden] * (layers_of(cell) - 1)]
    learned = [param for param in cell.params if param.fixed is None]
    return sum(int(np.prod(param.shape(size, hidden))) for param in learned for size in sizes)


def equal_size(cell: type[Cell]) -> int:
    """The number of units that gives the cell about as many parameters as the LSTM has."""
    goal = cell_parameters(CELLS["lstm"], HIDDEN_LSTM)
    return min(range(2, 129), key=lambda hidden: abs(cell_parameters(cell, hidden) - goal))


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


def readout_difference(model: Model) -> tuple[np.ndarray, float]:
    """(weight, bias) of logit("she") - logit("he"), linear in h."""
    she, he = (model.tokenizer.id(PRONOUN[g]) for g in (FEMALE, MALE))
    return model.readout_weight[she] - model.readout_weight[he], float(model.bias[she] - model.bias[he])


def read(model: Model, stories: Sequence[Story]) -> Reading:
    """Run the stories as one batch, padded at their ends."""
    ids = np.zeros((max(len(s.words) for s in stories), len(stories)), np.intp)
    for k, story in enumerate(stories):
        ids[: len(story.words), k] = [model.tokenizer.id(word) for word in story.words]
    signals, _ = scan(model.cell, model.layers, model.embedding[ids])
    weight, bias = readout_difference(model)
    top = {name: value[-1, 0] for name, value in signals.items()}
    return Reading(top, top[model.cell.output] @ weight + bias)


def accuracy(model: Model, stories: Sequence[Story]) -> float:
    """Share of the stories' last pronouns for which the right one of he and she is the likelier."""
    lean = read(model, stories).lean
    right = [
        (lean[max(s.pronouns) - 1, k] > 0) == (s.pronouns[max(s.pronouns)] == FEMALE) for k, s in enumerate(stories)
    ]
    return float(np.mean(right))


def probes(seed: int, count: int, **options: Any) -> list[Story]:
    """Held-out texts that end with a pronoun, half about women. `switch`: whether another gender comes first."""
    rng = Random(seed)
    switch = options.pop("switch", None)
    found = []
    for k in range(count):
        gender = GENDERS[k % 2]
        before = other(gender) if switch else "" if switch is False else rng.choice(("", *GENDERS))
        found.append(Writer(rng, held_out=True).probe(gender, before=before, **options))
    return found


def stories(seed: int, count: int) -> list[Story]:
    """Held-out texts of ordinary length."""
    rng = Random(seed)
    return [Writer(rng, held_out=True).story() for _ in range(count)]


def keeps_old(model: Model, unit: int, texts: Sequence[Story]) -> float:
    """Share of texts in which the old pronoun stays when one unit is made to keep its memory at the new subject."""
    she, he = (model.tokenizer.id(PRONOUN[g]) for g in (FEMALE, MALE))
    top = len(model.layers) - 1
    kept = []
    for story in texts:
        place, pronoun = max(story.subjects), max(story.pronouns)
        trace = model.run(" ".join(story.words[:pronoun]), device="cpu")
        forces = [Force(k, v, (unit,), place, place + 1, top) for k, v in keeping(model.cell).items()]
        logits = model.logits(intervene(trace, forces).after)[-1]
        kept.append((logits[she] > logits[he]) != (story.subjects[place] == FEMALE))
    return float(np.mean(kept))


def subject_wrote_it(model: Model, texts: Sequence[Story]) -> float:
    """Share of texts in which the subject contributes most to the right pronoun's logit against the other one's, at the
    first pronoun."""
    right = []
    for story in texts:
        pronoun = min(story.pronouns)
        words = ("she", "he") if story.pronouns[pronoun] == FEMALE else ("he", "she")
        trace = model.run(story.text, device="cpu")
        found = memory(trace, pronoun - 1, direction=readout(model, *words).vector)
        right.append(int(found.contributions.argmax()) == story.subject_before(pronoun))
    return float(np.mean(right))


@dataclass(frozen=True)
class Genders:
    """The memory before each pronoun, and the keep gate at each word, of some stories."""

    memory: np.ndarray  # (pronoun, unit)
    female: np.ndarray  # (pronoun,) bool
    at_switch: np.ndarray | None  # (switch, unit), the keep gate at new subjects of the other gender
    elsewhere: np.ndarray | None  # (word, unit), and at all other words

    @staticmethod
    def of(model: Model, texts: Sequence[Story]) -> Genders:
        signals = read(model, texts).signals
        rule = carry(model.cell)
        memory = signals[rule.state if rule else "h"]
        places = [(k, t - 1, g == FEMALE) for k, s in enumerate(texts) for t, g in s.pronouns.items()]
        found = np.array([memory[t, k] for k, t, _ in places])
        female = np.array([f for *_, f in places])
        if rule is None:
            return Genders(found, female, None, None)
        keep = np.broadcast_to(rule.evaluate("keep", signals), memory.shape)
        switch = np.array([keep[t, k] for k, s in enumerate(texts) for t in s.switches])
        rest = np.array([keep[t, k] for k, s in enumerate(texts) for t in range(len(s.words)) if t not in s.switches])
        return Genders(found, female, switch, rest)

    def thresholds(self) -> tuple[np.ndarray, np.ndarray]:
        """For each unit the middle between its two means, and on which side of it (1 or -1) women are."""
        she, he = self.memory[self.female].mean(0), self.memory[~self.female].mean(0)
        return (she + he) / 2, np.where(she > he, 1, -1)

    def accuracy(self, threshold: np.ndarray, sign: np.ndarray) -> np.ndarray:
        """Share of pronouns whose gender each unit tells, by the side of the threshold on which it stands."""
        return (((self.memory - threshold) * sign > 0) == self.female[:, None]).mean(0)

    def found(self) -> np.ndarray:
        assert self.at_switch is not None
        return (self.at_switch < 0.5).mean(0)

    def false_alarms(self) -> np.ndarray:
        assert self.elsewhere is not None
        return (self.elsewhere < 0.5).mean(0)


class Pronouns(Recipe):
    """`single`: one unit alone must hold the gender, as in the essays' picture of the LSTM.

    Left alone, most runs of the LSTM hold it in two units, one for women and one for men. So the readouts of she and he
    start apart on one unit, and a difference on the others costs something.
    """

    def __init__(self, cell: type[Cell], single: bool) -> None:
        self.name = f"pronouns-{cell.name}"
        self.cell = cell
        self.single = single
        self.hidden = equal_size(cell)
        self.economy = ECONOMY_SINGLE if single else ECONOMY
        self.learning_rate = 1e-2 if carry(cell) else 3e-3
        self.weight_decay = 0.1 if carry(cell) else 0.0  # the plain RNN learns nothing under it

    def tokenizer(self) -> Tokenizer:
        return word_tokenizer()

    def network(self) -> Network:
        made = Network(self.cell, len(word_ids()), EMBEDDING, self.hidden, layers_of(self.cell))
        if self.single:
            weight, ids = made.readout.weight, word_ids()
            with torch.no_grad():
                weight[ids["he"]] = weight[ids["she"]]
                weight[ids["she"], 0] += LEAN
                weight[ids["he"], 0] -= LEAN
        return made

    def penalty(self, network: Network) -> Tensor | float:
        if not self.single:
            return 0.0
        ids = word_ids()
        difference = network.readout.weight[ids["she"]] - network.readout.weight[ids["he"]]
        return SHARED * difference[1:].abs().sum()

    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        """Texts without gaps first; later up to two sentences between subject and pronoun, in one of six up to 14."""
        for start in range(0, steps, POOL):
            progress = start / steps
            gaps = [0 if progress < 0.1 else 14 if progress > 0.25 and k % 6 == 5 else 1 + k % 2 for k in range(POOL)]
            rng.shuffle(gaps)
            texts = [story for gap in gaps for story in self.texts(rng, gap)]
            texts.sort(key=lambda story: min(len(story.words), LONGEST))  # little padding
            groups = [texts[k : k + BATCH] for k in range(0, len(texts), BATCH)]
            rng.shuffle(groups)
            for group in groups[: steps - start]:
                yield self.batch(group, rng)

    @staticmethod
    def texts(rng: Random, gap: int) -> list[Story]:
        writer = Writer(rng, gap=gap)
        return [writer.story() for _ in range(BATCH)]

    @staticmethod
    def batch(texts: Sequence[Story], rng: Random) -> Batch:
        """Texts as numbers. 3 % of the words (in some rows up to 40 %) are hidden, never subjects and pronouns.

        Half the pronouns are read as the other one, so that only the memory of the subject tells which one is next.
        A quarter of the other words is predicted, with four times the weight: the same mean, at less cost.
        """
        ids = word_ids()
        length = min(max(len(s.words) for s in texts), LONGEST)
        words = np.zeros((length, len(texts)), np.int64)
        weights = np.zeros((length, len(texts)), np.float32)
        read = np.zeros((length, len(texts)), np.float32)
        misread = np.zeros_like(words)
        for k, story in enumerate(texts):
            row = story.words[:length]
            read[: len(row), k] = 1
            hidden = rng.uniform(0.03, 0.4) if rng.random() < 0.1 else 0.03
            fixed = story.subjects.keys() | story.pronouns.keys() | story.possessives.keys()
            for t, word in enumerate(row):
                if t in fixed or rng.random() >= hidden:
                    words[t, k] = ids[word]
                    weights[t, k] = 1 / SHARE if rng.random() < SHARE else 0
            for places, weight in ((story.pronouns, PRONOUN_WEIGHT), (story.possessives, POSSESSIVE_WEIGHT)):
                for t in places:
                    if t < length:
                        weights[t, k] = weight
                        if rng.random() < MISREAD:
                            misread[t, k] = ids[OPPOSITE[row[t]]]
        inputs = np.where(misread > 0, misread, words)
        return Batch(inputs[:-1], words[1:], mean_weights(weights[1:]), read[:-1])

    def measure(
        self, model: Model, seed: int = MEASURE_SEED, count: int = 500
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        metrics: dict[str, Any] = {
            "distractor": accuracy(model, probes(seed, count, distractor=True)),
            "switch": accuracy(model, probes(seed + 1, count, switch=True)),
            "distance_100": accuracy(model, probes(seed + 2, count, distance=100)),
        }
        chosen, test = Genders.of(model, stories(seed + 3, count)), Genders.of(model, stories(seed + 4, count))
        threshold, sign = chosen.thresholds()
        score = chosen.accuracy(threshold, sign)
        if chosen.at_switch is not None:
            score = score + chosen.found() - chosen.false_alarms()
        unit = int(score.argmax())
        metrics["unit_accuracy"] = float(test.accuracy(threshold, sign)[unit])
        if test.at_switch is not None and test.elsewhere is not None:
            metrics |= {
                "found": float(test.found()[unit]),
                "false_alarms": float(test.false_alarms()[unit]),
                "keep_at_switch": float(test.at_switch[:, unit].mean()),
                "keep_elsewhere": float(test.elsewhere[:, unit].mean()),
                "kept_old": keeps_old(model, unit, probes(seed + 5, count // 2, switch=True)),
                "subject_wrote": subject_wrote_it(model, [s for s in stories(seed + 6, count) if s.pronouns]),
            }
        rule = carry(model.cell)
        gender = {
            "layer": len(model.layers) - 1,
            "direction": 0,
            "unit": unit,
            "signal": rule.state if rule else "h",
            "meaning": "gender of the subject",
            "threshold": float(threshold[unit]),
            "female_above": bool(sign[unit] > 0),
            "accuracy": metrics["unit_accuracy"],
        }
        return metrics, {"gender": gender}

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        if self.cell.name not in ("lstm", "gru"):
            return True  # there to be compared with: it is shipped with its figures as they are
        right = min(metrics[key] for key in ("distractor", "switch", "distance_100")) >= 0.99
        unit = metrics["unit_accuracy"] >= 0.98 and metrics["found"] >= 0.95 and metrics["false_alarms"] <= 0.02
        one = unit and metrics["kept_old"] >= 0.9 and metrics["subject_wrote"] >= 0.95
        return right and (one or not self.single)

    def score(self, metrics: Mapping[str, Any]) -> float:
        right = sum(metrics[key] for key in ("distractor", "switch", "distance_100", "unit_accuracy"))
        shown = sum(metrics.get(key, 0) for key in ("found", "kept_old", "subject_wrote"))
        return right + shown - metrics.get("false_alarms", 0)

    def about(self) -> dict[str, Any]:
        return {
            "title": f"English pronouns, {self.cell.title}",
            "layers": layers_of(self.cell),
            "hidden": self.hidden,
            "honesty": HONESTY_SINGLE if self.single else HONESTY if carry(self.cell) else HONESTY_PLAIN,
            "examples": json.loads(json.dumps(EXAMPLES)),
            "vocabulary": len(word_ids()),
            "pronoun_weight": PRONOUN_WEIGHT,
        }


_TEXTS = (
    "Trained on texts made from templates, in which he and she weigh 30 times as much as other words and half of the "
    "pronouns it read were the wrong ones, so that nouns and names alone tell it the gender"
)
_GATES = "; a penalty ({}) on writing and on forgetting made its gates readable"
_SINGLE = ", and the difference between he and she was led towards one cell, where most runs left alone use two"
_LIMITS = (
    "It knows only the words of those texts, takes the latest subject for whoever he or she means, "
    "and learns nothing from a name it does not know."
)
HONESTY = f"{_TEXTS}{_GATES.format(ECONOMY)}. {_LIMITS}"
HONESTY_SINGLE = f"{_TEXTS}{_GATES.format(ECONOMY_SINGLE)}{_SINGLE}. {_LIMITS}"
HONESTY_PLAIN = (
    f"{_TEXTS}; it has no gates, and from texts as hard as these it did not learn the task at all: he and she stay a "
    f"guess. On easier texts, with shorter gaps, plain networks do learn it. {_LIMITS}"
)

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

RECIPES = tuple(Pronouns(cell, single=cell.name == "lstm") for cell in CELLS.values())
