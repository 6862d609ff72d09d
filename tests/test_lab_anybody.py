"""Texts about people of anywhere: what they are made of, what a pronoun in them tells, and how it is measured."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from lab.general.made import anybody
from lab.general.made.words import GENDERS, names
from lab.measures import free, nameless
from lab.recipes import discover
from lab.recipes.pronouns import ANYBODY, Pronouns
from lab.tasks import english
from lab.tasks.english import FEMALE, MALE, Story
from lstm_core import load_model
from lstm_core.text import UNKNOWN


def stories(count: int = 600) -> list[Story]:
    writer = anybody.FreeWriter(Random(11))
    return [writer.story() for _ in range(count)]


def test_every_word_is_known_or_meant_to_be_unknown() -> None:
    words = [word for story in stories() for word in story.words]
    assert set(words) <= anybody.known() | {UNKNOWN}
    assert 0.002 < words.count(UNKNOWN) / len(words) < 0.05


def test_the_older_texts_have_no_word_that_these_have_not() -> None:
    assert set(english.vocabulary()) <= anybody.known()


def test_a_name_is_of_one_gender_and_those_of_many_cultures_are_there() -> None:
    held = anybody.lexicon()["names"]
    assert not set(held[FEMALE]) & set(held[MALE])
    assert not {name.lower() for name in names()["either"]["female"]} & {*held[FEMALE], *held[MALE]}
    for culture, lists in names().items():
        for gender, side in zip((FEMALE, MALE), GENDERS, strict=True):
            if culture != "either":
                assert len({name.lower() for name in lists[side]} - set(held[gender])) <= 2, culture


def test_after_a_name_that_nobody_knows_the_pronoun_is_a_coin() -> None:
    """And the pronouns that are read after it are right ones, while those after a known name may be wrong."""
    hidden, trusted = [], []
    for story in stories(3000):
        for place in story.subjects:
            if story.subjects[place] and story.words[story.span(place)[-1]] == UNKNOWN:
                hidden.append(story.subjects[place] == FEMALE)
                later = [at for at in story.pronouns if story.subject_before(at) == place]
                trusted += [at in story.trusted for at in later]
    assert len(hidden) > 200 and abs(np.mean(hidden) - 0.5) < 0.08
    assert trusted and all(trusted)


def test_only_what_is_told_by_something_else_is_misread() -> None:
    recipe = discover()["pronouns-lstm"]
    assert isinstance(recipe, Pronouns)
    texts = stories(64)
    batch = recipe.batch(texts, Random(0))
    ids, wrong = recipe.ids, {True: [], False: []}
    for k, story in enumerate(texts):
        for at in story.pronouns:
            if at < len(batch.inputs):
                wrong[at in story.trusted].append(batch.inputs[at, k] != ids[story.words[at]])
                assert batch.targets[at - 1, k] == ids[story.words[at]]
    assert not any(wrong[True]) and len(wrong[True]) > 20
    assert 0.35 < np.mean(wrong[False]) < 0.65
    assert not batch.weights[batch.targets == ids[UNKNOWN]].any(), "nobody is to expect an unknown word"


def test_the_free_frames_say_whom_the_pronoun_means() -> None:
    """Read off marked sentences written here."""
    writer = anybody.FreeWriter(Random(1))
    story = Story()
    writer._add(story, "<Mary>'s brother was seen by the nun, and [he] smiled.")
    writer._add(story, "Mr. <Smith> told <Ayşe> that [he] was late.")
    assert story.pronouns == {10: MALE, story.words.index("that") + 1: MALE}
    assert [story.words[at] for at in story.pronouns] == ["he", "he"]
    assert story.words[:3] in (["mary", "'s", "brother"], [UNKNOWN, "'s", "brother"])


def test_what_is_undecided_is_counted_one_text_at_a_time() -> None:
    model, count = load_model("pronouns-lstm"), 12
    texts = nameless.probes(5, count, anybody.AnybodyWriter, switch=False)
    between = []
    for story in texts:
        last = max(story.pronouns)
        persons = {at for place in (*story.subjects, *story.objects) for at in story.span(place)}
        words = ["zzzz" if at in persons else word for at, word in enumerate(story.words[:last])]
        chances = np.exp(model.logits(model.run(" ".join(words)))[-1].astype(float))
        she, he = (chances[model.tokenizer.id(word)] for word in ("she", "he"))
        between.append(0.3 < she / (she + he) < 0.7)
    assert nameless.undecided(model, 5, count, anybody.AnybodyWriter) == pytest.approx(np.mean(between))


LEAST = {
    "he or she": 0.95,
    "he or she: known names": 0.95,
    "he or she: nouns and titles": 0.97,
    "he or she: structures": 0.95,
    "he or she: names of other cultures": 0.95,
}


@pytest.mark.parametrize("cell", ANYBODY)
def test_the_small_models_hold_on_sentences_written_freely(cell: str) -> None:
    model = load_model(f"pronouns-{cell}")
    found, blank = (free.he_or_she(one, "english") for one in (model, model.untrained()))
    for kind, least in LEAST.items():
        assert found[kind][0] >= least > blank[kind][0], kind
    assert found["he or she: calibration error"][0] < 0.07 < blank["he or she: calibration error"][0]


@pytest.mark.parametrize("cell", ANYBODY)
def test_a_name_that_is_unknown_decides_nothing_and_the_pronoun_after_it_does(cell: str) -> None:
    """A network with random weights is as undecided, and learns nothing from a pronoun."""
    model = load_model(f"pronouns-{cell}")
    assert nameless.undecided(model, 77, 200, anybody.AnybodyWriter) >= 0.75
    assert nameless.told_by_pronoun(model, 78, 200, anybody.AnybodyWriter) >= 0.85
    assert nameless.told_by_pronoun(model.untrained(), 78, 200, anybody.AnybodyWriter) < 0.7
