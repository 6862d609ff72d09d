"""What the shipped pronoun models claim, measured from their files on sentences that nothing was trained or chosen on.

The LSTM's claims about its gender cell are computed by a plain loop written here from the equations of Hochreiter &
Schmidhuber (1997) and Gers et al. (2000). Every check is also run on a model with random weights, where it must fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest

from lab.tasks.english import FEMALE, GENDERS, Story, Writer, is_held_out, other
from lstm_core import load_model
from lstm_core.cells import CELLS
from lstm_core.network import Network

FRESH = 777_000  # neither a training seed (0, 1, ...) nor a measuring one (20,000 ...)
MODELS = [f"pronouns-{cell}" for cell in ("lstm", "gru", "rnn")]


@cache
def shipped(name: str) -> Network:
    return load_model(name)


@cache
def texts(kind: str, count: int = 400) -> tuple[Story, ...]:
    rng = Random(f"{FRESH} {kind}")
    found = []
    for k in range(count):
        writer, gender = Writer(rng, held_out=True), GENDERS[k % 2]
        if kind == "distractor":
            found.append(writer.probe(gender, before=rng.choice(("", *GENDERS)), distractor=True))
        elif kind == "switch":
            found.append(writer.probe(gender, before=other(gender)))
        elif kind == "distance":
            found.append(writer.probe(gender, before=rng.choice(("", *GENDERS)), distance=100))
        else:
            found.append(writer.story())
    return tuple(found)


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(a / 2))


def lstm_by_hand(
    model: Network, ids: np.ndarray, unit: int = 0, force: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """ids (time, batch) -> f, i, c and h, each (time, batch, unit).

    Where `force` (time, batch) is true, `unit` has f = 1 and i = 0: it keeps its memory and writes nothing.
    """
    p: dict[str, Any] = {k: np.asarray(v, np.float64) for k, v in model.layers[0][0].items()}
    size = p["U_f"].shape[0]
    h = c = np.zeros((ids.shape[1], size))
    steps: dict[str, list[np.ndarray]] = {k: [] for k in "fich"}
    for t, row in enumerate(ids):
        x = model.embedding[row].astype(np.float64)
        i, f, o = (sigmoid(x @ p[f"W_{k}"].T + h @ p[f"U_{k}"].T + p[f"b_{k}"]) for k in "ifo")
        g = np.tanh(x @ p["W_g"].T + h @ p["U_g"].T + p["b_g"])
        if force is not None:
            f[force[t], unit], i[force[t], unit] = 1.0, 0.0
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip("fich", (f, i, c, h), strict=True):
            steps[name].append(value)
    return {name: np.stack(value) for name, value in steps.items()}


def encode(model: Network, stories: Sequence[Story]) -> np.ndarray:
    """Ids (time, story), padded at the ends. The tokenizer must cut the text at the words that were written."""
    ids = np.zeros((max(len(s.words) for s in stories), len(stories)), np.intp)
    for k, story in enumerate(stories):
        tokens = model.tokenizer.encode(story.text)
        assert [token.text for token in tokens] == story.words
        ids[: len(tokens), k] = [token.id for token in tokens]
    return ids


def leans(model: Network, h: np.ndarray) -> np.ndarray:
    """logit("she") - logit("he") after each word."""
    she, he = model.tokenizer.id("she"), model.tokenizer.id("he")
    out = model.predicts
    return h @ (out.weight[she] - out.weight[he]) + out.bias[she] - out.bias[he]


def pronouns_right(model: Network, kind: str) -> float:
    right = []
    for story in texts(kind, 200):
        trace = model.run(story.text, device="cpu")
        last = max(story.pronouns)
        lean = leans(model, trace.sel("h", layer=0, direction=0, batch=0, time=last - 1))
        right.append((lean > 0) == (story.pronouns[last] == FEMALE))
    return float(np.mean(right))


# The claims. Each takes a model and the gender unit named in its header, and raises AssertionError if it does not hold.


def distractor(model: Network, unit: dict[str, Any]) -> None:
    assert pronouns_right(model, "distractor") >= 0.99


def switch(model: Network, unit: dict[str, Any]) -> None:
    assert pronouns_right(model, "switch") >= 0.99


def distance(model: Network, unit: dict[str, Any]) -> None:
    assert pronouns_right(model, "distance") >= 0.99


def one_cell_tells_gender(model: Network, unit: dict[str, Any]) -> None:
    stories = texts("stories")
    c = lstm_by_hand(model, encode(model, stories))["c"][:, :, unit["unit"]]
    above = [
        (c[t - 1, k] > unit["threshold"]) == (g == FEMALE) for k, s in enumerate(stories) for t, g in s.pronouns.items()
    ]
    assert np.mean(above) >= 0.98 if unit["female_above"] else np.mean(above) <= 0.02


def forgets_at_new_subjects_alone(model: Network, unit: dict[str, Any]) -> None:
    stories = texts("stories")
    shut = lstm_by_hand(model, encode(model, stories))["f"][:, :, unit["unit"]] < 0.5
    at_switch = [shut[t, k] for k, s in enumerate(stories) for t in s.switches]
    elsewhere = [shut[t, k] for k, s in enumerate(stories) for t in range(len(s.words)) if t not in s.switches]
    assert len(at_switch) > 100 and len(elsewhere) > 10_000
    assert np.mean(at_switch) >= 0.95
    assert np.mean(elsewhere) <= 0.02


def keeping_the_cell_keeps_the_pronoun(model: Network, unit: dict[str, Any]) -> None:
    stories = texts("switch")
    ids = encode(model, stories)
    force = np.zeros(ids.shape, bool)
    force[[max(s.subjects) for s in stories], range(len(stories))] = True
    last = [max(s.pronouns) - 1 for s in stories]
    female = np.array([s.subjects[max(s.subjects)] == FEMALE for s in stories])
    free = leans(model, lstm_by_hand(model, ids)["h"])[last, range(len(stories))]
    forced = leans(model, lstm_by_hand(model, ids, unit["unit"], force)["h"])[last, range(len(stories))]
    assert np.mean((free > 0) == female) >= 0.99
    assert np.mean((forced > 0) != female) >= 0.90


LSTM_CLAIMS = [one_cell_tells_gender, forgets_at_new_subjects_alone, keeping_the_cell_keeps_the_pronoun]
CLAIMS: list[tuple[str, Callable[[Network, dict[str, Any]], None]]] = [
    *((name, claim) for name in MODELS[:2] for claim in (distractor, switch, distance)),
    *((MODELS[0], claim) for claim in LSTM_CLAIMS),
]
each_claim = pytest.mark.parametrize(("name", "claim"), CLAIMS, ids=lambda v: v if isinstance(v, str) else v.__name__)


@each_claim
def test_shipped_model_holds(name: str, claim: Callable[[Network, dict[str, Any]], None]) -> None:
    model = shipped(name)
    claim(model, model.meta["units"]["gender"])


@each_claim
def test_untrained_model_fails(name: str, claim: Callable[[Network, dict[str, Any]], None]) -> None:
    model = shipped(name)
    with pytest.raises(AssertionError):
        claim(model.untrained(), model.meta["units"]["gender"])


def test_the_first_sentence() -> None:
    """The default view: F is held from Mary on, the forget gate shuts at John, Anna changes nothing."""
    model = shipped("pronouns-lstm")
    unit = model.meta["units"]["gender"]
    trace = model.run("Mary went to the market because she was hungry. Then John met Anna and he ...", device="cpu")
    words = [token.text for token in trace.tokens]
    place = words.index
    c = (trace.sel("c", unit=unit["unit"], layer=0, direction=0, batch=0) - unit["threshold"]) * (
        1 if unit["female_above"] else -1
    )
    f = trace.sel("f", unit=unit["unit"], layer=0, direction=0, batch=0)
    assert (c[place("Mary") : place("John")] > 0).all() and (c[place("John") :] < 0).all()
    assert f[place("John")] < 0.5 and (np.delete(f[1:], place("John") - 1) > 0.5).all()
    for word, pronoun in (("because", "she"), ("and", "he")):
        after = dict(model.next_tokens(trace, place(word), k=len(model.tokenizer.pieces)))
        assert after[pronoun] > 0.5 and after[pronoun] > 20 * after["he" if pronoun == "she" else "she"]


@pytest.mark.parametrize("name", MODELS)
def test_header(name: str) -> None:
    """The file says by itself how it was made, how it was measured and what it is good for."""
    model = shipped(name)
    meta = model.meta
    assert meta["recipe"] == name and meta["seed"] in [run["seed"] for run in meta["seeds"]]
    assert len(meta["seeds"]) >= 5
    chosen = next(run for run in meta["seeds"] if run["seed"] == meta["seed"])
    assert chosen["passes"] and meta["metrics"].items() <= chosen.items()
    gender = meta["units"]["gender"]
    assert 0 <= gender["unit"] < model.hidden_size and gender["accuracy"] == meta["metrics"]["unit_accuracy"]
    assert "template" in meta["honesty"] and len(meta["examples"]) >= 6
    for example in meta["examples"]:
        assert example["label"] and model.tokenizer.encode(example["text"])


def test_models_are_of_equal_size() -> None:
    sizes = [sum(np.size(v) for v in shipped(name).layers[0][0].values()) for name in MODELS]
    assert max(sizes) < 1.05 * min(sizes)


def test_held_out_pairs_are_held_out() -> None:
    def pairs(held_out: bool) -> set[tuple[str, str]]:
        rng = Random(3)
        found = set()
        for story in (Writer(rng, held_out=held_out).story() for _ in range(300)):
            persons = [story.words[t] for t in sorted({**story.subjects, **story.objects})]
            found |= set(zip(persons, persons[1:], strict=False))
        return found

    trained, fresh = pairs(False), pairs(True)
    assert len(trained) > 300 and len(fresh) > 300
    assert not trained & fresh
    assert all(is_held_out(*pair) for pair in fresh) and not any(is_held_out(*pair) for pair in trained)


def test_stories_mark_what_they_say() -> None:
    for story in texts("stories", 100):
        for place, gender in story.pronouns.items():
            assert story.words[place] == {"f": "she", "m": "he"}[gender]
            assert story.subjects[story.subject_before(place)] == gender
    for story in texts("distance", 20):
        assert max(story.pronouns) - max(story.subjects) >= 100
        assert len(story.words) == max(story.pronouns) + 1
    for story in texts("distractor", 20):
        assert max(story.objects) > max(story.subjects)
        assert story.objects[max(story.objects)] != story.subjects[max(story.subjects)]


def test_every_cell_has_a_recipe() -> None:
    from lab.recipes import discover

    assert {f"pronouns-{name}" for name in CELLS} <= set(discover())
