"""Words that a shipped model has not learned where that matters, and the models that can read them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache as once

from dashboard import cache
from dashboard.figures.meaning import HAN
from dashboard.language import tr
from dashboard.proposed import examples
from dashboard.state import YOURS, Settings
from lab.tasks.english import lexicon
from lstm_core import Trace
from lstm_core.drawing.panel import listed, quoted, row
from lstm_core.drawing.words import Word, in_bytes, words
from lstm_core.text import Token, Tokenizer

GENERAL = ("general-lstm", "general-gru")
"""They read any text: what is no word of theirs they read in pieces."""
OPENING = "the a an my our your his her their this that then when after before"
BEGUN = 4
"""Who has written a quarter of a sentence is on the way to it, and not there by chance."""
NAMED = 3
"""Unknown words that are named; of more the number is said."""


@once
def before_a_subject() -> frozenset[str]:
    """What may stand before a subject: articles and their like, and the adjectives that the models have learned."""
    spoken = lexicon()
    return frozenset([*OPENING.split(), *spoken["age"], *spoken["quality"]])


def unread(trace: Trace, unfinished: Word | None = None) -> list[str]:
    """The unknown words that matter: where a subject stands, the last one, capitalised ones, every Chinese character;
    and all of them where they are more than half. A word with a letter that is read in bytes is unknown, the one that
    is ``unfinished`` is not."""
    shown = [word for word in words(trace) if any(char.isalnum() for char in word.text)] if trace.tokens else []
    missing = [word for word in shown if word != unfinished and (not word.known or _in_bytes(trace, word))]
    begins = {word.first for word in _subjects(trace)}
    wide = 2 * len(missing) > len(shown)
    told = [
        word.text
        for word in missing
        if wide or word is shown[-1] or word.first in begins or word.text[:1].isupper() or HAN.search(word.text)
    ]
    return list(dict.fromkeys(told))


def _in_bytes(trace: Trace, word: Word) -> bool:
    """Whether the vocabulary has no piece for a letter of the word."""
    tokens = trace.tokens[word.first : word.last + 1]
    return any(in_bytes(token) and any(char.isalnum() for char in token.text) for token in tokens)


def _subjects(trace: Trace) -> list:
    found, begins = [], True
    for word in words(trace):
        if begins:
            found.append(word)
        begins = word.text in (*".!?\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH QUESTION MARK}",) or (
            begins and word.text.lower() in before_a_subject()
        )
    return found


def unfinished(reading: cache.Reading, text: str) -> Word | None:
    """The last word of ``text``, where nothing stands behind it and one that is known begins so: it may become that."""
    tokens = reading.trace.tokens
    if reading.model.name == YOURS or not tokens or not _may_become(reading.model.tokenizer, tokens[-1], text):
        return None
    return words(reading.trace)[-1]


def notices(readings: Sequence[cache.Reading], writing: str = "") -> list[str]:
    """One sentence for the shipped models among ``readings`` that do not know words that matter. writing: the text,
    where somebody is still writing at its end."""
    told: dict[str, list[str]] = {}
    for reading in readings:
        if reading.model.name != YOURS:
            for word in unread(reading.trace, unfinished(reading, writing)):
                told.setdefault(word, []).append(tr(reading.trace.cell.title))
    if not told:
        return []
    names = listed(list(dict.fromkeys(name for who in told.values() for name in who)))
    said = row(quoted(word) for word in list(told)[:NAMED])
    if len(told) > NAMED:
        said = tr("{words} and {count:,} more", words=said, count=len(told) - NAMED)
    return [tr("Not in the vocabulary of {names}: {words}. What is expected then is a guess.", names=names, words=said)]


def general(readings: Sequence[cache.Reading], writing: str = "") -> dict[str, str]:
    """The models by side that read what ``readings`` could not; empty if there is nothing, or they are not there, or
    have read it already."""
    there = all(name in cache.models() for name in GENERAL)
    if not there or all(reading.model.name in GENERAL for reading in readings) or not notices(readings, writing):
        return {}
    return dict(zip(("left", "right"), GENERAL, strict=True))


def small(text: str, homes: Sequence[Settings]) -> dict[str, str]:
    """The pair of a home by side that knows every word of a text; empty if there is none."""
    for home in homes:
        if _there(home) and text.strip() and _known(cache.model(home.left).tokenizer, text):
            return {"left": home.left, "right": home.right}
    return {}


def fitting(text: str, homes: Sequence[Settings]) -> tuple[str, str] | None:
    """The models for a text of which nobody has chosen any: those of the home whose own sentence it is, a good part of
    its beginning, or one that goes on in words that they know. Any other text goes to the general ones, since a small
    pair has read of nothing but one person at a time; None if they are not there.

    It depends on nothing but the text, so that a sentence is read by the same models whatever was typed before it.
    """
    for home in sorted(homes, key=lambda home: home.text != text):
        if _there(home) and _is_of(home, text):
            return home.left, home.right
    return GENERAL if all(name in cache.models() for name in GENERAL) else None


def _there(home: Settings) -> bool:
    return all(name in cache.models() for name in (home.left, home.right))


def own(home: Settings) -> tuple[str, ...]:
    """The sentences that a home's models are there for."""
    return home.text, *(sentence for _, sentence in examples(cache.model(home.left)))


def begun(sentence: str) -> str:
    """So much of a sentence as shows that somebody is on the way to it; the browser is told so (gates/ahead.js)."""
    return sentence[: -(-len(sentence) // BEGUN)]


def _is_of(home: Settings, text: str) -> bool:
    if text == home.text:  # no model need be loaded to see that
        return True
    if any(sentence.startswith(text) and text.startswith(begun(sentence)) for sentence in own(home)):
        return True
    tokenizer = cache.model(home.left).tokenizer
    return any(text.startswith(one) and _known(tokenizer, text, len(one)) for one in own(home))


def _known(tokenizer: Tokenizer, text: str, start: int = 0) -> bool:
    """Whether it knows every word from ``start`` on; a last one that is under way may become one."""
    tokens = [token for token in tokenizer.encode(text) if token.end > start]
    return all(token.known or _may_become(tokenizer, token, text) for token in tokens)


def _may_become(tokenizer: Tokenizer, token: Token, text: str) -> bool:
    """Whether an unknown token ends the text and begins a word that is known."""
    last = token.text.lower()
    ends = not token.known and token.end == len(text)
    return ends and any(piece.lower().startswith(last) for piece in tokenizer.pieces)
