"""What the shipped models of the small tasks claim, asked of the files by text on fresh held-out data.

Every claim is also run on the same network with random weights, where it must fail.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest

from lab.learning.recipe import BatchRecipe
from lab.recipes import discover
from lab.tasks import agreement, brackets, copying, country
from lab.tasks.chinese import ChineseWriter
from lab.tasks.english import FEMALE, GENDERS, Story, other
from lstm_core import load_model
from lstm_core.analysis import Force, intervene
from lstm_core.network import Network, list_models

FRESH = 777_000  # neither a training seed (0, 1, ...) nor one of measuring (20,000 ...) or checking (90,000 ...)
TASKS = ("agreement", "anbn", "brackets", "copy", "country", "pronouns_zh")
SHIPPED = sorted(name for name in list_models() if name.partition("-")[0] in TASKS)


@cache
def shipped(name: str) -> Network:
    return load_model(name)


def likeliest(model: Network, text: str) -> list[str]:
    """The likeliest next token after each token of a text."""
    trace = model.run(text, device="cpu")
    return [model.tokenizer.display(int(k)) for k in model.logits(trace).argmax(-1)]


# -- the claims: each takes a model and raises AssertionError if it does not hold -------------------------------------


def languages_right(model: Network, gap: int, count: int = 150) -> float:
    """Share of held-out texts after which the likeliest word is the language, `gap` words after the country."""
    right = []
    for row in country.probes(model, FRESH, count, gap):
        words = [model.tokenizer.pieces[k] for k in row.ids]
        at = int(row.answers[-1])
        tokens = model.tokenizer.encode(" ".join(words[:at]))
        assert [token.id for token in tokens] == row.ids[:at].tolist()
        known = [language for name, language in country.countries() if name in words]
        assert words[at] in known
        right.append(likeliest(model, " ".join(words[:at]))[-1] == words[at])
    return float(np.mean(right))


def carries_the_country(model: Network) -> None:
    assert languages_right(model, 100) >= 0.98


def counts_to_90(model: Network) -> None:
    for n in (1, 2, 17, 40, 60, 90):
        assert likeliest(model, "a" * n + "b" * n)[n:] == ["b"] * (n - 1) + ["."]


def breaks_before_60(model: Network) -> None:
    """Right within the lengths of training, wrong somewhere before 60."""
    right = {n: likeliest(model, "a" * n + "b" * n)[n:] == ["b"] * (n - 1) + ["."] for n in (2, 17, 30, *range(41, 60))}
    assert right[2] and right[17] and right[30] and not all(right.values())


def one_cell_is_the_counter(model: Network) -> None:
    unit = shipped("anbn-lstm").meta["units"]["counter"]["unit"]
    c = np.concatenate([model.run("a" * n + "b" * n, device="cpu").sel("c", unit=unit).ravel() for n in range(1, 41)])
    count = np.concatenate([np.r_[1 : n + 1, n - 1 : -1 : -1] for n in range(1, 41)])
    assert abs(np.corrcoef(c, count)[0, 1]) > 0.999


def copied(model: Network, lag: int, count: int = 60) -> float:
    rng, right = Random(FRESH), []
    for _ in range(count):
        letters = "".join(rng.choice(copying.LETTERS) for _ in range(3))
        right.append("".join(likeliest(model, letters + "." * lag + "?" + letters[:2])[-3:]) == letters)
    return float(np.mean(right))


def copies_over_60(model: Network) -> None:
    assert copied(model, 60) >= 0.95


def agrees(model: Network, without: int | None = None, count: int = 150) -> float:
    """Share of sentences with three nouns of the other number after which "are" is likelier than "is" as it should."""
    ids, numbers = agreement.probes(model, FRESH, count, 3)
    one, many = model.tokenizer.id("is"), model.tokenizer.id("are")
    right = []
    for row, number in zip(ids.T, numbers, strict=True):
        trace = model.run(" ".join(model.tokenizer.pieces[k] for k in row), device="cpu")
        if without is not None:
            trace = intervene(trace, [Force("c" if "c" in trace.signals else "h", 0.0, (without,))]).after
        scores = model.logits(trace)[-1]
        right.append((scores[many] > scores[one]) == bool(number))
    return float(np.mean(right))


def verbs_agree(model: Network) -> None:
    assert agrees(model) >= 0.98


def one_cell_carries_the_number(model: Network) -> None:
    unit, whole = shipped("agreement-lstm").meta["units"]["number"]["unit"], agrees(model)
    assert whole - agrees(model, unit) >= 0.3
    others = [whole - agrees(model, k, 50) for k in range(model.hidden_size) if k != unit]
    assert whole >= 0.98 and np.mean(others) < 0.02


def one_cell_follows_quotes(model: Network) -> None:
    unit = shipped("brackets-lstm").meta["units"]["quote"]
    inside, outside = [], []
    for text in brackets.texts(FRESH, 100):
        c = model.run(text.text, device="cpu").sel("c", unit=unit["unit"]).ravel()
        quoted = np.cumsum([character == '"' for character in text.text]) % 2 == 1
        above = (c > unit["threshold"]) == unit["inside_above"]
        inside.append(above[quoted])
        outside.append(~above[~quoted])
    assert (np.concatenate(inside).mean() + np.concatenate(outside).mean()) / 2 >= 0.98


def closes_what_is_open(model: Network) -> None:
    right = []
    for text in brackets.texts(FRESH + 1, 60):
        logits = model.logits(model.run(text.text, device="cpu"))
        for place in text.closers:
            scores = {mark: logits[place - 1, model.tokenizer.id(mark)] for mark in brackets.CLOSERS}
            right.append(max(scores, key=lambda mark: scores[mark]) == text.text[place])
    assert len(right) > 100 and np.mean(right) >= 0.95


def chinese(kind: str, count: int = 150) -> list[Story]:
    rng = Random(f"{FRESH} {kind}")
    options = {"distractor": {"distractor": True}, "distance": {"distance": 100}}.get(kind, {})
    found = []
    for k in range(count):
        gender = GENDERS[k % 2]
        before = other(gender) if kind == "switch" else rng.choice(("", *GENDERS))
        found.append(ChineseWriter(rng, held_out=True).probe(gender, before=before, **options))
    return found


def pronoun_right(model: Network, kind: str) -> float:
    right = []
    for story in chinese(kind):
        last = max(story.pronouns)
        scores = model.logits(model.run("".join(story.words[:last]), device="cpu"))[-1]
        she = scores[model.tokenizer.id("她")] > scores[model.tokenizer.id("他")]
        right.append(she == (story.pronouns[last] == FEMALE))
    return float(np.mean(right))


def chinese_pronouns_right(model: Network) -> None:
    for kind in ("distractor", "switch", "distance"):
        assert pronoun_right(model, kind) >= 0.98


def chinese_gender_cell(model: Network) -> None:
    """One cell tells the gender, lets go at new subjects of the other one and hardly elsewhere, and can be held."""
    gender = shipped("pronouns_zh-lstm").meta["units"]["gender"]
    rng, told, at_switch, elsewhere = Random(FRESH), [], [], []
    for story in (ChineseWriter(rng, held_out=True).story() for _ in range(250)):
        trace = model.run(story.text, device="cpu")
        assert [token.text for token in trace.tokens] == story.words
        c, f = (trace.sel(name, unit=gender["unit"]).ravel() for name in "cf")
        for place, who in story.pronouns.items():
            told.append(((c[place - 1] > gender["threshold"]) == gender["female_above"]) == (who == FEMALE))
        spans = [list(story.span(place)) for place in story.switches]
        at_switch += [f[span].prod() < 0.5 for span in spans]  # of the old memory, over all characters of the name
        elsewhere += [f[t] < 0.5 for t in range(len(f)) if not any(t in span for span in spans)]
    assert np.mean(told) >= 0.98 and np.mean(at_switch) >= 0.95 and np.mean(elsewhere) <= 0.02
    kept = []
    for story in chinese("switch", 100):
        span, last = story.span(max(story.subjects)), max(story.pronouns)
        forces = [Force(name, value, (gender["unit"],), span.start, span.stop) for name, value in (("f", 1), ("i", 0))]
        scores = model.logits(intervene(model.run("".join(story.words[:last]), device="cpu"), forces).after)[-1]
        she = scores[model.tokenizer.id("她")] > scores[model.tokenizer.id("他")]
        kept.append(she != (story.pronouns[last] == FEMALE))
    assert np.mean(kept) >= 0.9


CLAIMS: list[tuple[str, Callable[[Network], None]]] = [
    ("country-lstm", carries_the_country),
    ("country-gru", carries_the_country),
    ("anbn-lstm", counts_to_90),
    ("anbn-lstm", one_cell_is_the_counter),
    ("anbn-gru", breaks_before_60),
    ("copy-lstm", copies_over_60),
    ("copy-gru", copies_over_60),
    ("agreement-lstm", verbs_agree),
    ("agreement-lstm", one_cell_carries_the_number),
    ("brackets-lstm", one_cell_follows_quotes),
    ("brackets-lstm", closes_what_is_open),
    ("pronouns_zh-lstm", chinese_pronouns_right),
    ("pronouns_zh-gru", chinese_pronouns_right),
    ("pronouns_zh-lstm", chinese_gender_cell),
]
each_claim = pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=lambda v: v if isinstance(v, str) else v.__name__)


@each_claim
def test_shipped_model_holds(name: str, claim: Callable[[Network], None]) -> None:
    claim(shipped(name))


@each_claim
def test_untrained_model_fails(name: str, claim: Callable[[Network], None]) -> None:
    with pytest.raises(AssertionError):
        claim(shipped(name).untrained())


def test_the_plain_network_loses_what_the_gated_ones_keep() -> None:
    kept = languages_right(shipped("country-lstm"), 100, 100)
    for name in ("country-rnn", "country-rnn-direct"):
        assert languages_right(shipped(name), 100, 100) <= kept - 0.2
    assert copied(shipped("copy-rnn"), 40) <= 0.3


@pytest.mark.parametrize("name", SHIPPED)
def test_header(name: str) -> None:
    """The file says by itself how it was made, how each seed did and what to try on it."""
    model = shipped(name)
    meta = model.meta
    assert meta["recipe"] == name and meta["title"].endswith((model.cell.title, "without curriculum"))
    chosen = next(run for run in meta["seeds"] if run["seed"] == meta["seed"])
    assert meta["metrics"].items() <= chosen.items() and chosen["passes"] == meta["passes"]
    assert meta["passes"] or not any(run["passes"] for run in meta["seeds"])
    assert len(meta["examples"]) >= 5 and meta["honesty"].endswith(".")
    for example in meta["examples"]:
        assert example["label"] and model.tokenizer.encode(example["text"])
    assert all(0 <= unit["unit"] < model.hidden_size for unit in meta["units"].values())


@pytest.mark.parametrize("family", TASKS)
def test_examples_are_of_known_tokens_or_say_so(family: str) -> None:
    model = shipped(next(name for name in SHIPPED if name.startswith(f"{family}-")))
    for example in model.meta["examples"]:
        unknown = [token.text for token in model.tokenizer.encode(example["text"]) if not token.known]
        assert not unknown or "not know" in example["label"], (example["label"], unknown)


def test_all_models_are_small() -> None:
    sizes = {name: path.stat().st_size for name, path in list_models().items()}
    assert sum(sizes.values()) < 20e6
    assert all(sizes[name] < 2e6 for name in SHIPPED)


@pytest.mark.parametrize("name", sorted(n for n in discover() if n.partition("-")[0] in TASKS))
def test_batches_repeat_with_the_seed(name: str) -> None:
    chosen = discover()[name]
    assert isinstance(chosen, BatchRecipe)
    one, two, three = (next(iter(chosen.batches(Random(seed), 4))) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    np.testing.assert_array_equal(one.weights, two.weights)
    assert one.inputs.shape != three.inputs.shape or (one.inputs != three.inputs).any()
    assert one.inputs.shape == one.targets.shape == one.weights.shape == one.read.shape
    np.testing.assert_array_equal(one.weights[one.read == 0].sum(), 0)
    assert one.inputs.max() < chosen.tokenizer().size and one.weights.sum() > 0.9


@pytest.mark.parametrize("name", ["country-gru", "anbn-lstm", "copy-rnn", "agreement-lstm", "brackets-lstm"])
def test_a_few_steps_of_training(name: str) -> None:
    from lab.learning.loop import train

    done = train(discover()[name], 0, 3)
    assert done.metrics and np.isfinite(discover()[name].score(done.metrics))
    assert not done.passes or name.startswith("copy-rnn")


def test_held_out_is_not_trained_on() -> None:
    """Countries with their sentences, neighbouring nouns and bracketed words of the probes never occur in training."""
    recipe = discover()["country-lstm"]
    assert isinstance(recipe, BatchRecipe)
    tokenizer = recipe.tokenizer()
    here, there = (country.Writing(tokenizer, held_out).texts for held_out in (False, True))
    assert not {str(text) for text in here} & {str(text) for text in there} and len(there) > 300
    rng = Random(1)
    words = [{w for _ in range(50) for w in _words(brackets.write(rng, held_out).text)} for held_out in (False, True)]
    assert len(words[0]) > 30 and not words[0] & words[1]


def _words(text: str) -> list[str]:
    return "".join(c if c.isalpha() else " " for c in text).split()


def test_chinese_stories_mark_what_they_say() -> None:
    for story in chinese("distance", 20):
        assert max(story.pronouns) - max(story.subjects) >= 100
    for story in chinese("distractor", 20):
        assert story.objects[max(story.objects)] != story.subjects[max(story.subjects)]
    rng = Random(2)
    for story in (ChineseWriter(rng).story() for _ in range(50)):
        for place, gender in story.pronouns.items():
            assert story.words[place] == {"f": "她", "m": "他"}[gender]
            assert story.subjects[story.subject_before(place)] == gender
