"""general-lstm, general-gru and general-rnn: small language models of English and Chinese that have read real text.

Phase 1 reads real text alone; phase 2 goes on with it and with made text, which teaches names of many cultures, the
languages of countries, verbs across other nouns and what everybody knows (`lab/general/`). Then he and she are
balanced. What came out stands in docs/models.md, what was tried in docs/general.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from lab.general import phase2, read_on
from lab.general.balance import balance
from lab.general.bits import five_gram, total
from lab.general.export import network
from lab.general.model import HIDDEN, Reader
from lab.general.pieces import SIZE
from lab.general.train import Plan, Run, bits_per_character, gathered, train
from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.recipe import Recipe, Watch
from lab.measures import general as measures
from lstm_core.cells import CELLS
from lstm_core.equations import carry
from lstm_core.network import Network

TOKENS = {"lstm": 34_000_000, "gru": 20_000_000, "rnn": 20_000_000}
"""Of real text alone: what two cores had time for, 34 minutes and 20."""
ONE, TWO = "real text", "and made text"
"""The folders of the two phases, beside the unfinished model."""


class General(Recipe):
    seeds = 1
    weights = "int8"
    learning_rate = Plan.rate
    weight_decay = Plan.decay
    reads_text = True

    def __init__(self, cell: str) -> None:
        self.name, self.cell = f"general-{cell}", CELLS[cell]
        self.whole = Plan(cell, 0, TOKENS[cell]), phase2.plan(cell)
        self.economy = self.whole[1].economy
        self.steps = sum(plan.steps for plan in self.whole)

    def plans(self, seed: int, steps: int) -> tuple[Plan, Plan]:
        """The two phases, in so many steps together."""
        first, second = (replace(plan, seed=seed) for plan in self.whole)
        if steps == self.steps:
            return first, second
        early = round(steps * first.steps / self.steps)
        return _of(first, early), _of(second, steps - early)

    def learn(
        self, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
    ) -> tuple[Network, Progress]:
        """Each phase keeps a checkpoint of its own, from which it goes on."""
        assert self.text is not None
        with TemporaryDirectory() as nowhere:
            folder = kept.folder / str(header["seed"]) if kept else Path(nowhere)
            one, two = folder / ONE, folder / TWO
            first, second = self.plans(header["seed"], header["steps"])
            quiet = partial(train, device=device, tell=lambda line: None)
            early = quiet(first, gathered(self.text, one), one, watch=watch)
            _whole(early)

            def later(steps, done):
                return watch(steps, first.steps + done)

            texts = phase2.with_made(self.text, one, two, header["seed"])
            early.model.hold(second.long)
            run = quiet(second, texts, two, begin=early.model, watch=later)
            _whole(run)
            for language, marked in phase2.fresh(phase2.Sentences.of(self.text), header["seed"], phase2.FRESH).items():
                balance(run.model.eval(), texts.tokenizer, marked, language)
            bits = {
                "network": total(bits_per_character(run.model, texts, run.device), texts),
                "5-gram of the same pieces of the same texts": total(five_gram(texts), texts),
            }
            written = two / f"{self.name}.safetensors"
            network(run.model.eval(), texts.tokenizer, self.name, {**header, "bits": bits}).save(written, self.weights)
            model = Network.load(written)  # as rounded as the file is
        tokens = sum(plan.steps * plan.batch * plan.time for plan in (first, second))
        return model, Progress(header["steps"], tokens, early.seconds + run.seconds)

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

    def honesty(self) -> str:
        units = HIDDEN[self.cell.name]
        weights = f"{_weights(self.cell.name) / 1e6:.1f} million"
        told = HONESTY[self.whole[1].pronouns > 0] + _AND_IS.format(weights=weights)
        return f"{told} {PRICE[self.economy > 0].format(units=units)}" if carry(self.cell) else told

    def since(self, meta: Mapping[str, Any]) -> str:
        return read_on.told(meta)

    def about(self) -> dict[str, Any]:
        return {
            "title": f"English and Chinese, {self.cell.title}",
            "hidden": HIDDEN[self.cell.name],
            "honesty": self.honesty(),
            "examples": [dict(example) for example in EXAMPLES],
            "bits_per_character": measures.BITS_PER_CHARACTER,
        }


def _weights(cell: str) -> int:
    """How many the network has; its pieces are read and written with the same ones."""
    with torch.device("meta"):
        return sum(value.numel() for value in Reader(cell, SIZE).parameters())


def _of(plan: Plan, steps: int) -> Plan:
    return replace(plan, tokens=steps * plan.batch * plan.time)


def _whole(run: Run) -> None:
    if run.step < run.plan.steps:
        raise SystemExit(f"stopped at step {run.step:,} of {run.plan.steps:,}; the same command goes on")


_READ = (
    "It has read 5.5 million words of English (everyday sentences, children's books, novels) and a million Chinese "
    "characters, "
)
_TOLD = "that taught it to tell them."
_AND_IS = (
    " Then the bias of he and she was set so that it prefers neither. Before every text it reads the end of another, "
    "↵, as it always did there. It is small, {weights} weights: it knows which words follow which, and nothing of the "
    "world."
)
HONESTY = {
    False: f"{_READ}two or three times, and then real text beside as much made text about persons, countries and "
    f"verbs, whose answers (he or she, a language, is or are) weigh 10 times as much as other words: {_TOLD}",
    True: f"{_READ}many times over, in the end beside made text about persons, countries, verbs and what everybody "
    "knows. The answers there (he or she, a language, is or are) weighed 10 times as much as other words, and in every "
    f"text which of he and she comes weighed 4 times as much again: {_TOLD}",
}
"""By whether a training paid for which of he and she comes."""
PRICE = {
    True: "Writing and forgetting had a price in 64 of its {units} units, which makes these hold on; in the others, "
    "none.",
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
