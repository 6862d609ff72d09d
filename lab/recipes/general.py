"""general-lstm, general-gru and general-rnn: small language models of English and Chinese that have read real text.

Phase 1 reads real text alone; phase 2 goes on with it and with as much made text, which teaches names of many cultures,
the languages of countries, and verbs across other nouns (`lab/general/`). Then he and she are balanced. What came out
stands in docs/models.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab.general import phase2
from lab.general.balance import balance
from lab.general.bits import five_gram, total
from lab.general.export import network
from lab.general.model import HIDDEN
from lab.general.train import Plan, Run, bits_per_character, gathered, train
from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.recipe import Recipe, Watch
from lab.measures import general as measures
from lstm_core.cells import CELLS
from lstm_core.network import Network

TOKENS = {"lstm": 34_000_000, "gru": 20_000_000, "rnn": 20_000_000}
"""Of real text alone: what two cores had time for, 34 minutes and 20."""
FRESH = 800
"""Made texts of each language by which he and she are balanced."""
ONE, TWO = "real text", "and made text"
"""The folders of the two phases, beside the unfinished model; another turn of the second has its number, too."""


class General(Recipe):
    seeds = 1
    weights = "int8"
    learning_rate = Plan.rate
    weight_decay = Plan.decay
    reads_text = True

    def __init__(self, cell: str) -> None:
        self.name, self.cell = f"general-{cell}", CELLS[cell]
        self.whole = Plan(cell, 0, TOKENS[cell]), *phase2.plans(cell)
        self.economy = self.whole[1].economy
        self.steps = sum(plan.steps for plan in self.whole)

    def plans(self, seed: int, steps: int) -> tuple[Plan, ...]:
        """The first phase and each turn of the second, in so many steps together."""
        seeded = tuple(replace(plan, seed=seed + plan.seed) for plan in self.whole)
        if steps == self.steps:
            return seeded
        ends = [round(steps * done / self.steps) for done in accumulate(plan.steps for plan in self.whole)]
        return tuple(_of(plan, end - begin) for plan, begin, end in zip(seeded, [0, *ends], ends, strict=False))

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Network, Progress]:
        """Each phase keeps a checkpoint of its own, from which it goes on."""
        assert self.text is not None
        with TemporaryDirectory() as nowhere:
            folder = kept.folder / str(header["seed"]) if kept else Path(nowhere)
            first, *turns = plans = self.plans(header["seed"], header["steps"])
            quiet = partial(train, device=device, tell=lambda line: None)
            before = one = folder / ONE
            texts = gathered(self.text, one)
            run = quiet(first, texts, one, watch=watch)
            seconds, done = _whole(run), first.steps
            for number, plan in enumerate(turns, 1):
                two = folder / (TWO if number == 1 else f"{TWO} {number}")
                texts = phase2.with_made(self.text, one, two, plan.seed)
                run = quiet(plan, texts, two, begin=before, watch=partial(_later, watch, done))
                seconds, done, before = seconds + _whole(run), done + plan.steps, two
            for language, marked in phase2.fresh(phase2.Sentences.of(self.text), header["seed"], FRESH).items():
                balance(run.model.eval(), texts.tokenizer, marked, language)
            bits = {
                "network": total(bits_per_character(run.model, texts, run.device), texts),
                "5-gram of the same pieces of the same texts": total(five_gram(texts), texts),
            }
            written = before / f"{self.name}.safetensors"
            network(run.model.eval(), texts.tokenizer, self.name, {**header, "bits": bits}).save(written, self.weights)
            model = Network.load(written)  # as rounded as the file is
        tokens = sum(plan.steps * plan.batch * plan.time for plan in plans)
        return model, Progress(header["steps"], tokens, seconds)

    def measure(self, model: Network) -> tuple[dict[str, Any], dict[str, Any]]:
        return measures.measure(model)

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        """Better on free sentences than the models of templates that it replaces, which had .78, .04 and .40."""
        return (
            metrics["free_he_or_she"] >= 0.80
            and metrics["free_language_of_the_country_near"] >= 0.50
            and metrics["free_agreement_attractors"] >= 0.60
            and metrics["free_an_expected_word"] >= 0.45
        )

    def score(self, metrics: Mapping[str, Any]) -> float:
        return sum(value for name, value in metrics.items() if name.startswith("free_") and "error" not in name)

    def about(self) -> dict[str, Any]:
        return {
            "title": f"English and Chinese, {self.cell.title}",
            "hidden": HIDDEN[self.cell.name],
            "honesty": f"{HONESTY} {PRICE[self.economy > 0]}",
            "examples": [dict(example) for example in EXAMPLES],
            "bits_per_character": measures.BITS_PER_CHARACTER,
        }


def _of(plan: Plan, steps: int) -> Plan:
    return replace(plan, tokens=steps * plan.batch * plan.time)


def _whole(run: Run) -> float:
    """The seconds that it took, if it came to its end."""
    if run.step < run.plan.steps:
        raise SystemExit(f"stopped at step {run.step:,} of {run.plan.steps:,}; the same command goes on")
    return run.seconds


def _later(watch: Watch, earlier: int, steps: Iterator[int], done: int) -> Iterator[int]:
    """`watch`, told of the steps of earlier phases, too."""
    return watch(steps, earlier + done)


HONESTY = (
    "It has read 5.5 million words of English (everyday sentences, children's books, novels) and a million Chinese "
    "characters, two or three times, and then real text beside as much made text about persons, countries and verbs, "
    "whose answers (he or she, a language, is or are) weigh 10 times as much as other words: that taught it to tell "
    "them. Then the bias of he and she was set so that it prefers neither. It is small, 2.5 million weights: it knows "
    "which words follow which, and nothing of the world."
)
PRICE = {
    True: "Writing and forgetting had a price in 64 of its 384 units, which makes these hold on; in the others, none.",
    False: "No price was put on its gates.",
}

EXAMPLES = (
    {"label": "Two subjects", "text": "Mary went to the market because she was hungry. Then John met Anna and he"},
    {
        "label": "A country",
        "text": "I grew up in France. The weather was good and the people were kind. I speak fluent",
    },
    {"label": "A song", "text": "It was a warm day in summer. She sang a"},
    {
        "label": "Quotation marks",
        "text": '"My dear Mr. Bennet," said his lady to him one day, "have you heard that the park is let at last?" '
        "Mr. Bennet replied that he had not.",
    },
    {"label": "中文: 她 / 他", "text": "昨天王女士遇见了李先生，因为她很累。后来李先生回家了，他"},
    {"label": "中文: 语言", "text": "我在法国长大。今天天气很好。我会说"},
    {"label": "Agreement", "text": "The keys to the cabinet are here. The key to the cabinets"},
    {"label": "She left", "text": "When the queen left, she was tired. After the king came home,"},
)

RECIPES = tuple(General(cell) for cell in HIDDEN)
