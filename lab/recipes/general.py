"""general-lstm and general-gru: small language models of English and Chinese whose gates can be read.

Every batch holds rows of real text (Austen, WordNet's example phrases, Chinese sentences) and rows of templates
(`templates.py`). Real text alone does not teach so small a network to hold a gender or a country in twenty minutes;
templates alone leave it helpless with any other sentence. The answers in the templates weigh 20 times as much as other
words, and the gate-economy loss makes the network write and forget only where it must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer as HuggingFaceTokenizer
from torch import Tensor
from torch.nn import functional

from lab import corpus, wordpieces
from lab.learning.batch import Batch
from lab.learning.network import TorchNetwork
from lab.learning.recipe import BatchRecipe
from lab.measures import general as general_measures
from lab.tasks import english
from lab.tasks.templates import Composer, Doc, neutral, neutral_chinese
from lstm_core.cells import CELLS
from lstm_core.cells.base import Cell
from lstm_core.network import Network
from lstm_core.text import Tokenizer

HIDDEN = {"lstm": 112, "gru": 128}  # about as many recurrent parameters
# The GRU's economy counts 1 - z twice, as what is written and as what is forgotten.
ECONOMY = {"lstm": 0.1, "gru": 0.05}
EMBEDDING = 64
WORDS, PIECES = 4900, 700
TIME = 64
ROWS = {"austen": 16, "wordnet": 3, "chinese": 1, "long templates": 6, "templates": 22}  # of every batch
REAL = ROWS["austen"] + ROWS["wordnet"] + ROWS["chinese"]
DOCS, LONG_DOCS = 120_000, 15_000
ANSWER_WEIGHT = 20.0
SHARE = (
    0.125  # of the templates' other words are predicted, drawn at random, with eight times the weight: the same mean
)
RESET, RESET_TEMPLATES = 0.05, 0.5  # chance that a row starts from the state zero
MEASURE_SEED = 20_000


@dataclass(frozen=True)
class Stream:
    """One long row of ids, which a batch row reads on and on, the weight of each, and the places where texts start."""

    ids: np.ndarray
    weights: np.ndarray
    starts: np.ndarray


@cache
def build_tokenizer() -> HuggingFaceTokenizer:
    """Counted on the texts to train on; the words of the templates are in it for certain."""
    austen, wordnet, chinese = corpus.austen()[0], corpus.wordnet_phrases()[0], corpus.chinese_sentences()[0]
    counts = [("\n".join(austen), 1.0), ("\n".join(wordnet), 0.6), ("\n".join(chinese), 5.0)]
    certain = [*english.vocabulary(), *composer(0).everything()]
    certain += "language languages country countries token tokens lstm gru gate gates cell cells".split()
    return wordpieces.build(counts, certain, WORDS, PIECES)


def composer(seed: int, held_out: bool = False) -> Composer:
    """Writes template texts, with the phrases and sentences to train on between them, or with the held-out ones."""
    side = int(held_out)
    phrases, sentences = neutral(corpus.wordnet_phrases()[side]), neutral_chinese(corpus.chinese_sentences()[side])
    return Composer(Random(seed), phrases, sentences, held_out)


def real_stream(texts: Sequence[str], tokenizer: HuggingFaceTokenizer) -> Stream:
    encoded = tokenizer.encode_batch(list(texts))
    ids = np.concatenate([np.array(e.ids, np.int64) for e in encoded])
    starts = np.cumsum([0, *(len(e.ids) for e in encoded)])[:-1]
    return Stream(ids, np.ones(len(ids), np.float32), starts)


def template_stream(docs: Sequence[Doc], tokenizer: HuggingFaceTokenizer) -> Stream:
    encoded = tokenizer.encode_batch([doc.text for doc in docs])
    ids, weights, starts = [], [], []
    for doc, e in zip(docs, encoded, strict=True):
        answers = {start for start, _, _ in doc.answers}
        starts.append(len(ids))
        ids += e.ids
        weights += [ANSWER_WEIGHT if start in answers else 1.0 for start, _ in e.offsets]
    return Stream(np.array(ids, np.int64), np.array(weights, np.float32), np.array(starts))


def streams(seed: int) -> dict[str, Stream]:
    tokenizer, writer = build_tokenizer(), composer(seed)
    phrases = [phrase + " ." * phrase[-1].isalnum() for phrase in corpus.wordnet_phrases()[0]]
    return {
        "austen": real_stream(corpus.austen()[0], tokenizer),
        "wordnet": real_stream(phrases, tokenizer),
        "chinese": real_stream(corpus.chinese_sentences()[0], tokenizer),
        "long templates": template_stream([writer.long_doc() for _ in range(LONG_DOCS)], tokenizer),
        "templates": template_stream([writer.doc() for _ in range(DOCS)], tokenizer),
    }


class Reader(TorchNetwork):
    """A network that reads on: each batch starts from the states in which the one before left its rows.

    A row whose first id is written as its complement `~id` starts anew from the state zero.
    """

    state: dict[str, Tensor] | None = None

    def get_extra_state(self) -> dict[str, Tensor] | None:
        return self.state

    def set_extra_state(self, state: dict[str, Tensor] | None) -> None:
        self.state = state and {name: value.to(self.embedding.weight.device) for name, value in state.items()}

    def forward(
        self, ids: Tensor, where: Tensor | None = None, signals: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        goes_on = (ids[0] >= 0)[:, None]
        x = self.embedding(torch.where(ids < 0, ~ids, ids))
        if self.state is None:
            self.state = {name: x.new_zeros(1, x.shape[1], self.layer.hidden_size) for name in self.cell.states()}
        old = {name: value * goes_on for name, value in self.state.items()}
        h, values = self._read(x, old)
        if where is not None:
            h = h[where]
        assert self.projection is not None
        return self.readout(self.projection(h)), values

    def _read(self, x: Tensor, old: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """h from torch's kernel, and the gates that the economy loss needs, each from one product for all steps."""
        fused, p = self.layer.fused, self.layer.layers()[0][0]
        assert fused is not None
        start = (old["h"], old["c"]) if "c" in old else old["h"]
        h, *last = fused.kernel(x, start, fused.weights(p), True, 1, 0.0, True, False, False)
        self.state = {name: value.detach() for name, value in zip(("h", "c"), last, strict=False)}
        before = torch.cat([old["h"], h[:-1]])
        gates = {
            k: torch.sigmoid(functional.linear(x, p[f"W_{k}"], p[f"b_{k}"]) + functional.linear(before, p[f"U_{k}"]))
            for k in ("i", "f", "z")
            if f"W_{k}" in p
        }
        return h, {name: gate[None, None] for name, gate in gates.items()}


class General(BatchRecipe):
    steps = 7500
    seeds = 1
    half = True

    def __init__(self, cell: type[Cell]) -> None:
        self.name, self.cell = f"general-{cell.name}", cell
        self.hidden, self.economy = HIDDEN[cell.name], ECONOMY[cell.name]

    def tokenizer(self) -> Tokenizer:
        return Tokenizer(build_tokenizer().to_str())

    def network(self) -> TorchNetwork:
        return Reader(self.cell, build_tokenizer().get_vocab_size(), EMBEDDING, self.hidden, tied=True)

    def batches(self, rng: Random, steps: int) -> Iterator[Batch]:
        """Rows of real text and of long templates go on where they ended; rows of templates start with a new text."""
        draw = np.random.default_rng(rng.getrandbits(32))
        texts = streams(rng.getrandbits(32))
        names = [name for name, count in ROWS.items() for _ in range(count)]
        rows, reset = (
            [texts[name] for name in names],
            np.array([RESET_TEMPLATES if name == "templates" else RESET for name in names]),
        )
        places = np.array([draw.integers(len(row.ids)) for row in rows])
        for _ in range(steps):
            for k, name in enumerate(names):
                if name == "templates":
                    places[k] = draw.choice(rows[k].starts)
            windows = [(place + np.arange(TIME + 1)) % len(row.ids) for place, row in zip(places, rows, strict=True)]
            ids = np.stack([row.ids[window] for row, window in zip(rows, windows, strict=True)], 1)
            weights = np.stack([row.weights[window[1:]] for row, window in zip(rows, windows, strict=True)], 1)
            places += TIME
            anew = marked_anew(ids[:-1], draw.random(len(rows)) < reset)
            yield Batch(anew, ids[1:], scaled(weights, draw), np.ones_like(weights))

    def measure(self, model: Network) -> tuple[dict[str, Any], dict[str, Any]]:
        return general_measures.measure(model, composer(MEASURE_SEED, held_out=True), MEASURE_SEED)

    def passes(self, metrics: Mapping[str, Any]) -> bool:
        right = min(metrics["pronouns_english"], metrics["pronouns_chinese"]) >= 0.99
        country = min(metrics["country_100_words"], metrics["clouds"]) >= 0.98
        text = metrics["bits_per_character"] <= min(1.8, metrics["bits_per_character_5_gram"])
        return right and country and text

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -metrics["bits_per_character"]

    def about(self) -> dict[str, Any]:
        return {
            "title": f"English and Chinese, {self.cell.title}",
            "hidden": self.hidden,
            "honesty": HONESTY,
            "examples": [dict(example) for example in EXAMPLES],
            "vocabulary": build_tokenizer().get_vocab_size(),
            "answer_weight": ANSWER_WEIGHT,
            "bits_per_character": general_measures.BITS_PER_CHARACTER,
        }


def marked_anew(ids: np.ndarray, anew: np.ndarray) -> np.ndarray:
    """The ids with the first one of each row that starts anew as its complement (see `Reader`)."""
    ids = ids.copy()
    ids[0] = np.where(anew, ~ids[0], ids[0])
    return ids


def scaled(weights: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Weights (time, rows) that sum to 1 over the real rows and to 1 over the templates, where SHARE of words count."""
    real, templates = weights[:, :REAL], weights[:, REAL:]
    chosen = (templates > 1) | (draw.random(templates.shape) < SHARE)
    templates = chosen * np.where(templates > 1, templates, 1 / SHARE)
    return np.concatenate([real / real.sum(), templates / templates.sum()], 1).astype(np.float32)


HONESTY = (
    "Less than half of every batch was real text (Jane Austen, WordNet's example phrases, Chinese sentences), the "
    "rest templates, some of them in both languages, in which pronouns, languages, verbs and other answers weigh 20 "
    "times as much as other words, with a small penalty (0.1) on writing and on forgetting: the templates and the "
    "penalty shaped the gates that you see. Only the unit for quotation marks was found in plain text. It is a "
    "small model: its English is that of 1813, nouns that its templates do not use can mislead it about a verb's "
    "number, and for a country or a name that it does not know it gives a confident wrong answer."
)

EXAMPLES = (
    {"label": "Two subjects", "text": "Mary went to the market because she was hungry. Then John met Anna and he"},
    {
        "label": "A country",
        "text": "I grew up in France. The weather was good and the people were kind. I speak fluent",
    },
    {"label": "The clouds", "text": "It was a warm day in summer. The clouds are in the"},
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

RECIPES = tuple(General(CELLS[name]) for name in HIDDEN)
