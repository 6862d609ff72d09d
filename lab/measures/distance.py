"""Does a name still decide he or she, so many words later?"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from random import Random

import numpy as np

from lab import corpus
from lab.measures.choice import either
from lab.tasks.lexicon import neutral
from lstm_core.network import Network

WORDS = (0, 10, 30, 100, 300)
TEXTS = 120
SEED = 20_000


@cache
def names() -> dict[str, list[str]]:
    """Sixty first names of each gender, from the list that the templates use."""
    held = tomllib.loads((files("lab.tasks") / "data" / "names.toml").read_text("utf8"))
    return {gender: held[gender].split()[:60] for gender in ("male", "female")}


def filler(rng: Random, words: int) -> str:
    """Held-out sentences about nobody, at least so many words, with a space before each."""
    text, count = "", 0
    while count < words:
        phrase = rng.choice(_phrases())
        text += f" {phrase[0].upper()}{phrase[1:].rstrip(' .!?;,')}."
        count += len(phrase.split())
    return text


@cache
def _phrases() -> list[str]:
    return neutral(corpus.wordnet_phrases()[1])


def texts(words: int, count: int = TEXTS, seed: int = SEED) -> list[tuple[str, str, str]]:
    """(a text of a person, at least so many words about nobody, and a new sentence; the pronoun; the other one)."""
    rng = Random(seed + words)
    found = []
    for k in range(count):
        gender, pair = (("female", ("she", "he")), ("male", ("he", "she")))[k % 2]
        text = f"{rng.choice(names()[gender])} sat down by the window.{filler(rng, words)} After that"
        found.append((text, *pair))
    return found


def right(model: Network, words: int, count: int = TEXTS) -> float:
    """Share of texts in which the right pronoun is the likelier one."""
    return float(np.mean(either(model, texts(words, count), " ") > 0.5))


def told(model: Network, words: int, count: int = TEXTS) -> float:
    """How often "she" leads "he" by more after a woman than after a man, of all pairs of these texts: the area under
    the curve, 0.5 by chance. It says what is still known of the name, whichever of the two the model prefers."""
    found = texts(words, count)
    chances = np.clip(either(model, found, " "), 1e-9, 1 - 1e-9)
    of_her = np.array([right == "she" for _, right, _ in found])
    leads = np.log(chances / (1 - chances)) * np.where(of_her, 1, -1)
    hers, his = leads[of_her][:, None], leads[~of_her][None]
    return float((hers > his).mean() + (hers == his).mean() / 2)
