"""What a model of pronouns makes of a name that it does not know: nothing, until a pronoun is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.measures import free
from lab.measures.gender import probes, read, stories
from lab.tasks.english import FEMALE, Story, Writer
from lstm_core.network import Network, softmax
from lstm_core.text import UNKNOWN


def hidden(story: Story) -> Story:
    """The story with every person's name or noun unknown."""
    for place in (*story.subjects, *story.objects):
        for at in story.span(place):
            story.words[at] = UNKNOWN
    return story


def chances(model: Network, texts: Sequence[Story], places: Sequence[int]) -> np.ndarray:
    """(text,): the chance of "she", if it is that or "he", of the word at one place of each text."""
    lean = read(model, texts).lean[np.array(places) - 1, np.arange(len(texts))]
    return softmax(np.stack([np.zeros_like(lean), lean], -1))[:, 1]


def undecided(model: Network, seed: int, count: int, writer: type[Writer]) -> float:
    """Share of texts about somebody with an unknown name, at whose end neither he nor she is claimed."""
    texts = [hidden(story) for story in probes(seed, count, writer, switch=False)]
    return float(free.undecided(chances(model, texts, [max(story.pronouns) for story in texts])).mean())


def told_by_pronoun(model: Network, seed: int, count: int, writer: type[Writer]) -> float:
    """Share of such texts in which a first pronoun was read and the second one is expected to be the same."""
    texts = [story for story in stories(seed, 2 * count, writer) if _twice(story)][:count]
    found = chances(model, [hidden(story) for story in texts], [sorted(story.pronouns)[1] for story in texts])
    female = np.array([story.pronouns[min(story.pronouns)] == FEMALE for story in texts])
    return float(((found > 0.5) == female).mean())


def _twice(story: Story) -> bool:
    """Whether two pronouns come before the second subject."""
    first, *rest = sorted(story.subjects)
    return sum(place < min(rest, default=len(story.words)) for place in story.pronouns) >= 2
