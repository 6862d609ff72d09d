"""The shipped general models do what their headers say, on sentences not trained on; untrained ones do not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from lab import corpus
from lab.measures import general as general_measures
from lab.measures.general import (
    bits,
    characters,
    chinese_probes,
    cloud_probes,
    country_probes,
    english_probes,
    gender_samples,
    last_answer_right,
    quote_samples,
    unit_accuracy,
)
from lab.measures.ngram import KneserNey
from lab.tasks.templates import Composer, marked, neutral
from lstm_core import Network, load_model

SEED = 31_415  # not the one of the header's figures
# Written for this test, so that it needs no download: what comes between a Chinese subject and its pronoun.
SENTENCES = [
    "窗户外面有一棵大树",
    "超市今天不开门",
    "电脑坏了",
    "这条街上有三家饭馆",
    "明天可能要下雪",
    "图书馆里人不多",
    "地铁又快又方便",
    "春天到了",
]
QUOTED = (
    '"I never saw such a day," said the old gentleman, looking out of the window. "It has rained since the morning, '
    'and the road is under water." His daughter put down her book. She had not been listening. "Shall we go, then," '
    'she asked him, "or shall we stay where we are?" The carriage was at the door. Nobody had thought of the horses, '
    'which stood in the rain and waited. "We shall stay," he said. They stayed till the evening, and then walked home '
    "in the dark."
)


@pytest.fixture(scope="module", params=["general-lstm", "general-gru"])
def model(request: pytest.FixtureRequest) -> Network:
    return load_model(request.param)


@pytest.fixture(scope="module")
def untrained(model: Network) -> Network:
    return model.untrained()


def composer() -> Composer:
    return Composer(Random(SEED), neutral(corpus.wordnet_phrases()[1]), SENTENCES, held_out=True)


ANSWERS: dict[str, tuple[float, Callable[[], list]]] = {
    "English pronouns": (0.99, lambda: english_probes(composer(), SEED, 200)),
    "English pronouns, 100 words later": (0.85, lambda: english_probes(composer(), SEED, 50, 100)),
    "Chinese pronouns": (0.99, lambda: chinese_probes(composer(), 200)),
    "country, 100 words later": (0.93, lambda: country_probes(composer(), 100, repeats=2)),
    "agreement": (0.97, lambda: list(map(composer().agreement, [0, 1, 2] * 40))),
    "clouds": (0.98, lambda: cloud_probes(composer())),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(model: Network, untrained: Network, name: str) -> None:
    goal, write = ANSWERS[name]
    docs = write()
    assert last_answer_right(model, docs) >= goal
    assert last_answer_right(untrained, docs) < 0.75


@pytest.mark.parametrize(
    "text",
    [
        "I grew up in France. The sea was near our house. I speak fluent [French]",
        "We looked up. The clouds are in the [sky]",
        "Mary went to the market because [she|he]",
        "Mary went to the market because she was hungry. Then John met Anna and [he|she]",
        "When the queen left, [she|he]",
        "The keys to the cabinet [are|is]",
        "The key to the cabinets [is|are]",
        "王女士遇见了李先生，因为[她|他]",
        "我是法国人，我会说[法]",
    ],
)
def test_sentences_of_the_essays(model: Network, text: str) -> None:
    assert last_answer_right(model, [marked(text, "essay")]) == 1


def test_bits_per_character(model: Network, untrained: Network) -> None:
    """On three pages from the end of each novel, near the figure for all of the held-out text."""
    pages = [novel[:6000] for novel in corpus.austen()[1]]
    metrics = model.meta["metrics"]
    found = bits(model, pages) / characters(pages)
    assert found <= 1.8 and abs(found - metrics["bits_per_character"]) < 0.1
    assert metrics["bits_per_character"] < metrics["bits_per_character_5_gram"]
    assert bits(untrained, pages) / characters(pages) > 2.5


def test_the_gender_unit(model: Network, untrained: Network) -> None:
    unit = model.meta["units"]["gender"]
    place = unit["unit"], unit["threshold"], 1 if unit["female_above"] else -1
    writer = composer()
    for kind, goal in ((writer.pronoun, unit["accuracy_english"]), (writer.pronoun_chinese, unit["accuracy_chinese"])):
        docs = [kind() for _ in range(60)]
        assert unit_accuracy(*gender_samples(model, docs), *place) >= goal - 0.04
        assert unit_accuracy(*gender_samples(untrained, docs), *place) < 0.75


def test_the_quote_unit(model: Network, untrained: Network) -> None:
    """In text of our own, which is not Austen's."""
    unit = model.meta["units"]["quote"]
    place = unit["unit"], unit["threshold"], 1 if unit["inside_above"] else -1
    assert unit_accuracy(*quote_samples(model, [QUOTED]), *place) >= 0.85
    assert unit_accuracy(*quote_samples(untrained, [QUOTED]), *place) < 0.75


def test_examples_and_honesty(model: Network) -> None:
    examples = model.meta["examples"]
    assert 6 <= len(examples) <= 8
    assert all(len(model.run(example["text"])) > 0 and example["label"] for example in examples)
    assert "templates" in model.meta["honesty"] and "penalty" in model.meta["honesty"]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_training_reads_on_from_batch_to_batch(cell: str) -> None:
    """Two halves one after the other are read as the whole is; a row marked with ~id starts anew; it can be shipped."""
    torch = pytest.importorskip("torch")
    from lab.recipes.general import Reader
    from lstm_core.cells import CELLS

    torch.manual_seed(0)
    reader = Reader(CELLS[cell], 11, 4, 5, tied=True)
    ids = torch.randint(0, 11, (8, 2))

    def read(part):
        return reader(part)[0].detach()

    whole, reader.state = read(ids), None
    halves = torch.cat([read(ids[:4]), read(ids[4:])])
    torch.testing.assert_close(halves, whole)
    marked_ids = ids[4:].clone()
    marked_ids[0, 0] = ~ids[4, 0]
    reader.state = None
    read(ids[:4])
    anew, reader.state = read(marked_ids), None
    fresh = read(ids[4:])
    torch.testing.assert_close(anew[:, 0], fresh[:, 0])
    torch.testing.assert_close(anew[:, 1], whole[4:, 1])
    model = reader.model("test", load_model(f"general-{cell}").tokenizer, {}, half=True)
    assert (model.predicts.through is not None) and model.hidden_size == 5


def test_held_out_text_is_not_trained_on() -> None:
    train, held_out = corpus.austen()
    assert len(train) == len(held_out) == 6
    assert 0.045 < characters(held_out) / characters([*train, *held_out]) < 0.055
    assert not {p for text in held_out for p in text.splitlines() if len(p) > 60} & set("".join(train).splitlines())


def test_kneser_ney_is_a_distribution_and_follows_the_counts() -> None:
    rng = np.random.default_rng(0)
    documents = [rng.integers(0, 7, 60).tolist() for _ in range(4)] + [[1, 2, 3, 4, 5] * 8]
    ngram = KneserNey(documents, 3, vocab_size=9)
    for history in ([], [1], [1, 2], [5, 1, 2], [8, 8]):
        assert sum(ngram.probability(word, history) for word in range(9)) == pytest.approx(1)
    assert ngram.probability(3, [1, 2]) > 0.5 > ngram.probability(8, [1, 2]) > 0
    assert ngram.bits([1, 2, 3, 4]) < ngram.bits([4, 3, 2, 1])


def test_kneser_ney_by_hand() -> None:
    """A bigram model of "a b a c": seen after a, b and c once each; after b, a once."""
    a, b, c = 0, 1, 2
    ngram = KneserNey([[a, b, a, c]], 2, vocab_size=3)
    # Bigrams ab, ba, ac once each: D = 3 / 3 = 1. Unigrams count contexts, and the first word of the document: a 2,
    # b 1, c 1, so D = 2 / (2 + 2) = 1/2 and p(b) = (1 - 1/2) / 4 + (1/2) (3 / 4) (1 / 3) = 1/4.
    assert ngram.probability(b, []) == pytest.approx(1 / 4)
    assert ngram.probability(b, [a]) == pytest.approx(1 / 4)  # D takes all: (1 - 1) / 2 + 1 (2 / 2) p(b)


def test_measures_come_from_answers_that_are_marked() -> None:
    doc = marked("she said [he|she] speaks [French] .", "test")
    assert doc.text == "she said he speaks French ."
    assert [doc.text[start : start + len(answer)] for start, answer, _ in doc.answers] == ["he", "French"]
    assert general_measures.characters([doc.text]) == 27
