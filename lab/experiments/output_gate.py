"""What the output gate is for: it opens where a word can follow that needs the memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from lab.experiments.base import (
    CHECK_SEED,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Series,
    Target,
    Try,
    silent,
    spread,
    watch,
)
from lab.measures import gender
from lab.tasks import agreement
from lab.tasks.chinese import ChineseWriter
from lab.tasks.english import FEMALE, MALE, Writer
from lab.tasks.rows import padded, read
from lstm_core.analysis import Force, intervene
from lstm_core.network import Network, load_model
from lstm_core.say import say

MODELS = {"english": "pronouns-lstm", "chinese": "pronouns_zh-lstm", "number": "agreement-lstm"}
UNITS = {"english": "gender", "chinese": "gender", "number": "number"}
WRITERS = {"english": Writer, "chinese": ChineseWriter}
NAMES = {
    "english": say("gender, English"),
    "chinese": say("gender, Chinese"),
    "number": say("singular or plural"),
}
DRAWS = (60_000, 60_500, 61_000, 61_500, 62_000)
TEXTS, BLANKS = 100, 5


@dataclass(frozen=True)
class Opening:
    """By unit, at how many of the steps its output gate is above 0.5."""

    asked: np.ndarray  # before a word that needs the memory
    elsewhere: np.ndarray

    def best(self) -> int:
        """The unit whose gate tells the two kinds of steps apart best."""
        return int((self.asked - self.elsewhere).argmax())


def opening(model: Network, task: str, seed: int, count: int) -> Opening:
    """On held-out texts: before he or she, or at the nouns, after each of which a verb may come."""
    rows, asked = _nouns(model, seed, count) if task == "number" else _pronouns(model, task, seed, count)
    gate = read(model, rows)["o"] > 0.5
    here = np.zeros(gate.shape[:2], bool)
    there = np.zeros(gate.shape[:2], bool)
    for k, (row, places) in enumerate(zip(rows, asked, strict=True)):
        there[: len(row), k] = True
        here[places, k] = True
    return Opening(gate[here].mean(0), gate[there & ~here].mean(0))


def _pronouns(model: Network, task: str, seed: int, count: int) -> tuple[list[list[int]], list[list[int]]]:
    texts = gender.stories(seed, count, WRITERS[task])
    rows = [[model.tokenizer.id(word) for word in text.words] for text in texts]
    return rows, [[place - 1 for place in text.pronouns] for text in texts]


def _nouns(model: Network, seed: int, count: int) -> tuple[list[np.ndarray], list[list[int]]]:
    writing, draw = agreement.Writing(model.tokenizer, held_out=True), Random(seed)
    rows = [writing.row(draw, 3, 4).ids for _ in range(count)]
    nouns = {form for pair in writing.nouns for form in pair}
    return rows, [[place for place, id in enumerate(row) if id in nouns] for row in rows]


@dataclass(frozen=True)
class Choices:
    """Texts up to a word that has one of two forms: ids (time, text), the last step and the form (0 or 1) of each, and
    the ids of both forms of one word or of several."""

    ids: np.ndarray
    last: np.ndarray
    form: np.ndarray
    forms: np.ndarray  # (word, 2)


def choices(model: Network, task: str, seed: int, count: int) -> Choices:
    if task == "number":
        ids, form = agreement.probes(model, seed, count, 1)
        last, words = np.full(count, len(ids) - 1), agreement.pairs("verbs")
    else:
        texts = gender.probes(seed, count, WRITERS[task])
        ends = [max(text.pronouns) for text in texts]
        rows = [[model.tokenizer.id(word) for word in text.words[:end]] for text, end in zip(texts, ends, strict=True)]
        ids, last = padded(rows), np.array(ends) - 1
        form = np.array([int(text.pronouns[end] != FEMALE) for text, end in zip(texts, ends, strict=True)])
        words = [(texts[0].PRONOUN[FEMALE], texts[0].PRONOUN[MALE])]
    return Choices(ids, last, form, np.array([[model.tokenizer.id(one) for one in pair] for pair in words]))


def lost(model: Network, task: str, unit: int, seed: int, count: int) -> float:
    """Share of right words that is lost where this unit's output gate is shut at the step before, and only then."""
    asked = choices(model, task, seed, count)
    trace = model.read(asked.ids)
    top, right = len(model.layers) - 1, [0.0, 0.0]
    for step in map(int, np.unique(asked.last)):
        here = asked.last == step
        shut = intervene(trace, [Force("o", 0.0, (unit,), step, step + 1, top)]).after
        for k, seen in enumerate((trace, shut)):
            scores = model.predicts.scores(seen.signals[model.cell.output][-1, 0, step, here])
            second = scores[:, asked.forms[:, 1]] > scores[:, asked.forms[:, 0]]
            right[k] += float((second == asked.form[here, None]).mean(1).sum())
    return (right[0] - right[1]) / count


def measured(model: Network, task: str, unit: int, seed: int, count: int = TEXTS) -> dict[str, float]:
    found = opening(model, task, seed, count)
    asked, elsewhere = float(found.asked[unit]), float(found.elsewhere[unit])
    return {
        "asked": asked,
        "elsewhere": elsewhere,
        "more": asked - elsewhere,
        "lost": lost(model, task, unit, seed, count),
    }


def _targets(task: str) -> list[Target]:
    says = NAMES[task]
    return [
        Target(f"{task}_asked", say("{what}: open at the steps that ask for it", what=says), 0.98),
        Target(f"{task}_more", say("{what}: open so much more often there than elsewhere", what=says), 0.5),
        Target(f"{task}_lost", say("{what}: right words lost with the gate shut there", what=says), 0.3),
    ]


class OutputGate(Experiment):
    name = "output-gate"
    title = "What the output gate is for"
    claim = "The output gate opens where a word can follow that needs the memory."
    source = "Olah 2015, \u201cUnderstanding LSTM networks\u201d"
    models = tuple(MODELS.values())
    targets = tuple(target for task in MODELS for target in _targets(task))
    shaped = "Trained with a price on writing and forgetting, and none on the output gate."
    look = (
        "The one unit that the model's header names, on held-out texts. Steps that ask for it are those before he or "
        "she, and for singular and plural the nouns, after each of which a verb may come; elsewhere is every other "
        "step. The gate counts as open above 0.5. Then it is shut at that one step: the memory is still there, but "
        "what reads it sees nothing."
    )
    disproof = (
        "A gate that is as often open elsewhere, or a word that stays right although the gate before it was shut."
    )
    tries = (
        Try("Mary went to the market because she was hungry. Then John met Anna and he",
            "pronouns-lstm", "pronouns-gru",
            "The memory is there all the time; o lets it out at “because” and at “and”.", "gender", "expose", at=14),
        Try("The keys to the cabinet are here. The key to the cabinets near the doors is",
            "agreement-lstm", "agreement-lstm",
            "At every noun o is open: a verb may follow. At “to”, “the” and “near” it is nearly shut.",
            "number", "expose"),
        Try("昨天王女士去了市场，因为她很饿。后来李先生遇见了小红，他", "pronouns_zh-lstm", "pronouns_zh-gru",
            "In Chinese, a character at a time: o is open at the comma and at the end of 因为.", "gender", "expose"),
    )  # fmt: skip
    minutes = 0.5
    tolerance = 0.06
    order = 45

    def measure(self, progress: Progress = silent) -> Measurement:
        figures: dict[str, Figure] = {}
        for task in watch(list(MODELS), progress, say("models")):
            model = load_model(MODELS[task])
            unit = model.meta["units"][UNITS[task]]["unit"]
            draws = [measured(model, task, unit, seed) for seed in DRAWS]
            shipped = measured(model, task, unit, CHECK_SEED - 1000, 3 * TEXTS)
            blank = []
            for seed in range(BLANKS):
                other = model.untrained(seed)
                blank.append(measured(other, task, opening(other, task, DRAWS[0] - 1000, TEXTS).best(), DRAWS[0]))
            for key in shipped:
                by_draw, untrained = (tuple(one[key] for one in found) for found in (draws, blank))
                figures[f"{task}_{key}"] = Figure(by_draw, shipped[key], untrained)
        notes = (
            f"Each model is one trained file, measured on five draws of {TEXTS} held-out texts.",
            "Of an untrained network the unit is measured whose gate tells the two kinds of steps apart best; it was "
            "chosen on other texts.",
            "Training led the gender and the number to one cell each, which is partly our doing; it asked nothing of "
            "the output gate.",
        )
        return Measurement(DRAWS, figures, {"tasks": list(MODELS)}, notes, "texts")

    def remeasure(self) -> Mapping[str, float]:
        found = {}
        for task, name in MODELS.items():
            model = load_model(name)
            fresh = measured(model, task, model.meta["units"][UNITS[task]]["unit"], CHECK_SEED)
            found |= {f"{task}_{key}": fresh[key] for key in ("asked", "more", "lost")}
        return found

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        tasks = results.data["tasks"]
        names = [NAMES[task] for task in tasks]

        def series(name: str, key: str, of: str = "seeds", color: str = "") -> Series:
            rows = zip(*(getattr(results.figures[f"{task}_{key}"], of) for task in tasks), strict=True)
            return spread(name, names, list(rows), color)

        return [
            Drawing("bars", say("How often the output gate is open"), "", say("share of steps"),
                    [series(say("where it is asked for"), "asked", color="lstm"),
                     series(say("elsewhere"), "elsewhere", color="gru"),
                     series(say("untrained, where it is asked for"), "asked", "untrained", "untrained"),
                     series(say("untrained, elsewhere"), "elsewhere", "untrained")], y_range=(0, 1.02)),
            Drawing("bars", say("Right words lost with the gate shut at that step"), "", say("share of words"),
                    [series(say("trained"), "lost", color="lstm"),
                     series(say("untrained"), "lost", "untrained", "untrained")]),
        ]  # fmt: skip


EXPERIMENT = OutputGate()
