"""Fields for a sentence or a word beside the scene's own: until somebody writes in one, it says what suits the scene.

What suits is looked for in what the models know, so that every model's page opens on words that it can read.
"""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher

import streamlit as st

from dashboard import address
from dashboard.controls.kept import starts
from dashboard.controls.minimal import minimal_pair
from dashboard.proposed import examples
from dashboard.scene import Scene
from dashboard.state import HOMES, Settings
from lstm_core.drawing.endings import letters
from lstm_core.drawing.words import BYTE
from lstm_core.text import UNKNOWN, Tokenizer

SENTENCES = (
    "John went to the market because he was hungry. Then Mary met Anna and she",
    "昨天王先生去了市场，因为他很饿。后来李女士遇见了小红，她",
    "I grew up in Germany. The weather was good and the people were kind. I speak fluent",
    "我在德国长大。今天天气很好。我会说",
)
PAIRS = (("she", "he"), ("她", "他"))
COMPARED = 100
"""Tokens of the text in which likeness is looked for, at every run of the page: those of a long one take seconds."""


def field(key: str, label: str, home: str) -> str:
    """A text field whose content stands in the URL and outlives a change of page; ``home`` while nobody wrote in it."""
    start, of = address.chosen(key), f"{key}, at home {home}"
    starts(key, of, home if start is None else start)
    said = st.text_input(label, key=of)
    address.choose(key, None if said == home else said)
    return said


def other_sentence(shown: Scene) -> str:
    """What to compare the text with: for one that somebody has typed a minimal pair, or nothing where none is known;
    else, of the sentences that the models know every word of, the one most like it."""
    tokenizers = [model.tokenizer for model in shown.models if model.reads_words]
    if not tokenizers:
        return SENTENCES[0]
    first = tokenizers[0]
    text = [token.piece for token in next((trace.tokens for trace in shown.traces if trace.tokens), ())[:COMPARED]]
    offered = [*SENTENCES, *(text for model in shown.models for _, text in examples(model))]
    homes = {Settings().text, *(str(home["text"]) for home in HOMES.values() if "text" in home)}
    if shown.settings.text not in homes.union(offered):
        return minimal_pair(shown.settings.text, lambda word: all(_knows(tokenizer, word) for tokenizer in tokenizers))
    others = [one for one in offered if one != shown.settings.text]
    known = [one for one in others if all(_knows(tokenizer, one) for tokenizer in tokenizers)]
    known = known or [one for one in others if _knows(first, one)] or [SENTENCES[0]]

    def alike(one: str) -> float:
        return SequenceMatcher(None, text, [token.piece for token in first.encode(one)], autojunk=False).ratio()

    return max(known, key=alike)


def word_pair(shown: Scene) -> tuple[str, str]:
    """Two words to hold against each other: pronouns that the text has, else the two that are likeliest after it, whole
    ones first."""
    read = Counter(token.piece for trace in shown.traces for token in trace.tokens)
    best = max(PAIRS, key=lambda pair: sum(read[word] for word in pair))
    if any(read[word] for word in best):
        return best
    tables = (reading.next_words[-1] for reading in shown.readings if reading.likeliest is not None and reading.trace)
    told = [word for word, _ in next(tables, []) if word not in (BYTE, UNKNOWN)]
    told.sort(key=lambda word: word[:1] == "-" or word[-1:] == "-")  # parts of words only where there is no other
    likely = [typed(word) for word in told]
    return (likely[0], likely[1]) if len(likely) > 1 else PAIRS[0]


def typed(word: str) -> str:
    """A next word as one would write it: "Norwegian" for "Nor(wegian)"."""
    begun, open_, rest = word.partition("(")
    return begun + letters(open_ + rest) if open_ and begun else word.removesuffix("-") or word


def _knows(tokenizer: Tokenizer, text: str) -> bool:
    return all(token.known for token in tokenizer.encode(text))
