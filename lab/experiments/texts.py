"""Held-out texts of several experiments. Nothing here needs torch or a network."""

from __future__ import annotations

from random import Random

from lab import corpus
from lab.tasks import english
from lstm_core.network import Network, list_models, load_model


def paragraphs(seed: int, count: int, quotes: bool = False) -> list[str]:
    """Paragraphs of 200 to 700 characters from the held-out ends of Austen's novels.

    quotes: only those in which quotation marks are opened and closed, and something stands outside of them.
    """
    found = [text for novel in corpus.austen()[1] for text in novel.splitlines() if 200 <= len(text) <= 700]
    if quotes:
        found = [text for text in found if text.count('"') and text.count('"') % 2 == 0 and _outside(text) > 20]
    return Random(seed).sample(found, min(count, len(found)))


def _outside(text: str) -> int:
    return sum(map(len, text.split('"')[::2]))


def story(seed: int, sentences: int = 12) -> str:
    """A text of the pronouns models, by persons that training never put together."""
    writer = english.Writer(Random(seed), held_out=True)
    return " ".join(writer.story().text for _ in range(sentences))


def for_model(model: Network, seed: int, words: int = 300) -> str:
    """A text of at least so many words of the kind that the model was trained on: its examples, over and over, where
    it is neither general nor about pronouns."""
    if model.name.startswith("general"):
        return _until(words, (text for text in paragraphs(seed, 40)))
    if model.name.startswith("pronouns-"):
        return _until(words, (story(seed * 100 + k, 1) for k in range(100)))
    given = [one["text"] if isinstance(one, dict) else str(one) for one in model.meta.get("examples", ())]
    Random(seed).shuffle(given)
    return _until(words, given * words)


def _until(words: int, texts) -> str:
    kept: list[str] = []
    count = 0
    for text in texts:
        kept.append(text)
        count += len(text.split())
        if count >= words:
            break
    return " ".join(kept)


def shipped(*prefixes: str) -> dict[str, Network]:
    """The shipped models whose names begin with one of ``prefixes``."""
    return {name: load_model(name) for name in list_models() if name.startswith(prefixes)}
