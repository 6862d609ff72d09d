"""What a named unit's memory means, and where it means it: the two ends of its axis, and at which steps it is held.

A model's header names a unit and says on which side of a threshold it stands for what. The name is shown only where the
memory bears it out: a word that the meaning is about has been read, and the memory stands at least half as far from
the threshold as it does where such a word is read in the model's own examples.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from dashboard.language import mark
from lab.general.made import words as made
from lab.tasks import chinese, english
from lab.tasks.lexicon import lexicon
from lstm_core.cells.base import Cell
from lstm_core.network import Network
from lstm_core.trace import Trace

LEAST = 0.5
"""Of what is usual, how far from the threshold a memory stands that holds something."""
LITTLE = 0.25
"""... and one that holds next to nothing stands nearer than this."""
EXAMPLES, LONGEST = 12, 200
"""Of a model's own examples, how many are read for what is usual, and their tokens."""


@dataclass(frozen=True)
class Meaning:
    """ends: what the memory stands for on the side that ``flag`` of the header says is above the threshold, and on the
    other; ``above`` where the header does not say. about: finds the words without which it can stand for nothing.
    usual: how far from the threshold a memory is that holds something, where no example tells."""

    ends: tuple[str, str]
    about: str = ""
    flag: str = ""
    above: bool = True
    usual: float = 0.0


WORDS = {"Hung"}
"""Names that are other words first."""
ALSO = "stepson", "madam"
"""Nouns of people of whom no text is made."""
HAN = re.compile("[\N{CJK UNIFIED IDEOGRAPH-4E00}-\N{CJK UNIFIED IDEOGRAPH-9FFF}]")
PRONOUNS = ("she", "he"), ("\N{CJK UNIFIED IDEOGRAPH-5979}", "\N{CJK UNIFIED IDEOGRAPH-4ED6}")
MEANINGS: Mapping[str, Meaning] = {
    "gender of the subject": Meaning(PRONOUNS[0], "person", "female_above"),
    "number of the subject": Meaning((mark("plural"), mark("singular")), "noun"),
    "inside quotation marks": Meaning((mark("inside quotes"), mark("outside quotes")), "quote", "inside_above"),
    "a's so far less b's so far": Meaning((mark("more a's"), mark("more b's")), "", usual=1.0),
    "how many brackets are open": Meaning((mark("brackets open"), mark("none open")), "bracket", "", False, 1.0),
}


@dataclass(frozen=True, eq=False)
class Held:
    """One named unit on one text. side: (time,) int8, 1 where the memory stands for ``high``, -1 for ``low``, 0 where
    it holds too little. leans: the same where it holds a little, too; 0 where it is next to nothing. start: the first
    step at which it can stand for either. Of a unit whose meaning nobody has written down ``high`` and ``low`` are
    empty, and it counts as held wherever it is."""

    side: np.ndarray
    leans: np.ndarray
    start: int
    high: str
    low: str


def held(model: Network, trace: Trace, unit: Mapping[str, Any]) -> Held:
    """What ``unit``, an entry of the header's ``units``, holds after each step of ``trace``."""
    meaning = MEANINGS.get(str(unit.get("meaning", "")))
    values = _values(trace, unit)
    if meaning is None or values is None:
        one = np.full(len(trace), 1, np.int8)
        return Held(one, one, 0, "", "")
    first, second = meaning.ends
    if meaning.about == "person" and any(HAN.search(token.text) for token in trace.tokens):
        first, second = PRONOUNS[1]
    up = bool(unit.get(meaning.flag, meaning.above))
    low, high = usual(model, unit, meaning)
    far = values - _threshold(unit)
    found = read(trace, meaning.about)
    side = np.where(far >= LEAST * high, 1, np.where(far <= LEAST * low, -1, 0)) * found
    least, most = np.minimum(far, values), np.maximum(far, values)  # between 0 and the threshold is nothing
    leans = np.where(least >= LITTLE * high, 1, np.where(most <= LITTLE * low, -1, 0))
    ends = (first, second) if up else (second, first)
    start = int(found.argmax()) if found.any() else len(trace)
    return Held(side.astype(np.int8), leans.astype(np.int8), start, *ends)


_usual: WeakKeyDictionary[Network, dict[str, tuple[float, float]]] = WeakKeyDictionary()


def usual(model: Network, unit: Mapping[str, Any], meaning: Meaning) -> tuple[float, float]:
    """How far below (a negative number) and above its threshold the unit usually stands: medians over what it
    holds right after the words that it is about, in the model's own examples; at least half as far as on the other
    side, so that what is next to nothing stands for no end."""
    if meaning.usual:
        return -meaning.usual, meaning.usual
    known = _usual.setdefault(model, {})
    which = f"{unit.get('layer', 0)} {unit.get('unit')} {meaning.about}"
    if which not in known:
        far = np.concatenate([[0.0], *(_far(model, unit, meaning, text) for text in _examples(model))])
        above, below = far[far > 0], far[far < 0]
        high = float(np.median(above)) if len(above) else np.inf
        low = float(np.median(below)) if len(below) else -np.inf
        low, high = (low if len(below) else -high), (high if len(above) else -low)
        known[which] = min(low, -LEAST * high), max(high, -LEAST * low)
    return known[which]


def rivals(model: Network, layer: int, direction: int) -> dict[int, dict[int, int]]:
    """By named unit of the layer and direction, which words its meaning tells apart: by the id of each the other's."""
    units = model.meta.get("units", {}).values()
    here = [one for one in units if (one.get("layer", 0), one.get("direction", 0)) == (layer, direction)]
    return {int(one["unit"]): told_apart(model, str(one.get("meaning", ""))) for one in here}


def told_apart(model: Network, meaning: str) -> dict[int, int]:
    """The same of one meaning."""
    found: dict[int, int] = {}
    if meaning in MEANINGS and MEANINGS[meaning].about == "person":
        for pair in PRONOUNS:
            with suppress(ValueError):  # not in this vocabulary
                one, other = map(model.tokenizer.id, pair)
                found |= {one: other, other: one}
    return found


def _far(model: Network, unit: Mapping[str, Any], meaning: Meaning, text: str) -> np.ndarray:
    trace = model.run(model.tokenizer.encode(text)[:LONGEST], device="cpu")
    values = _values(trace, unit)
    if values is None:
        return np.zeros(0)
    ends = [step for step in spoken(trace, meaning.about) for step in (step, step + 1)]  # some cells write a step later
    return (values - _threshold(unit))[[step for step in ends if step < len(trace)]]


def _examples(model: Network) -> list[str]:
    said = list(model.meta.get("examples", []))[:EXAMPLES]
    return [str(one.get("text", "") if isinstance(one, dict) else one) for one in said]


def _threshold(unit: Mapping[str, Any]) -> float:
    value = unit.get("threshold", 0.0)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _values(trace: Trace, unit: Mapping[str, Any]) -> np.ndarray | None:
    """(time,): the unit's memory, of a cell with a normaliser its share; None where the trace has no such unit."""
    signal, layer, direction = (unit.get(name, 0) for name in ("signal", "layer", "direction"))
    values = trace.signals.get(str(signal))
    if values is None or not all(isinstance(one, int) for one in (layer, direction, unit.get("unit"))):
        return None
    layers, directions, _, _, units = values.shape
    if not (0 <= layer < layers and 0 <= direction < directions and 0 <= unit["unit"] < units):
        return None
    name = scale(trace.cell, str(signal))
    shares = values if name is None else values / np.maximum(trace.signals[name], np.finfo(np.float32).tiny)
    return shares[layer, direction, :, 0, unit["unit"]].astype(np.float64)


def scale(cell: type[Cell], signal: str) -> str | None:
    """The normaliser by whose share a memory is read, as the headline tells it; None for all else."""
    found = {one.role: one.name for one in cell.signals}
    return found.get("normaliser") if signal == found.get("cell") else None


def read(trace: Trace, about: str) -> np.ndarray:
    """(time,) bool: whether a word that a meaning is ``about`` has been read to its end by then, and was known."""
    found = np.full(len(trace), not about)
    for step in spoken(trace, about) + (spoken(trace, "pronoun") if about == "person" else []):
        found[step:] = True
    return found


def spoken(trace: Trace, about: str) -> list[int]:
    """The steps at which the words that a meaning is ``about``, known ones, have been read to their ends."""
    if not about or not trace.tokens:
        return []
    found = []
    text = [" "] * trace.tokens[-1].end
    for token in trace.tokens:
        text[token.start : token.start + len(token.text)] = token.text
    starts, ends = [token.start for token in trace.tokens], [token.end for token in trace.tokens]
    for match in words(about).finditer("".join(text).lower()):
        over = range(bisect_right(ends, match.start()), bisect_left(starts, match.end()))
        if over and all(trace.tokens[k].known for k in over):
            found.append(over[-1])
    return found


@cache
def words(about: str) -> re.Pattern[str]:
    """What finds, in a text in small letters, the words that a meaning is about."""
    if about == "quote":
        return re.compile('["\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}]')
    if about == "bracket":
        return re.compile(r"[(\[{]")
    if about == "noun":
        return _words(form for pair in lexicon()["nouns"] for form in pair)
    if about == "pronoun":
        return re.compile(rf"\b(?:she|he|her|him|his)\b|[{''.join(PRONOUNS[1])}]")
    return re.compile(f"{_words(_english()).pattern}|{'|'.join(_chinese())}")


def _english() -> Iterator[str]:
    """Nouns, titles and names of women and men, of all cultures of the models' texts."""
    lexicon, people = english.lexicon(), made.words("people")
    yield from ALSO
    for gender in english.GENDERS:
        yield from (*lexicon["nouns"][gender], *lexicon["names"][gender])
    for gender in made.GENDERS:
        yield from (*people["nouns"][gender].split(), *(title.rstrip(".") for title in people["titles"][gender]))
        for culture, names in made.names().items():
            yield from () if culture == "either" else (name for name in names[gender] if name not in WORDS)


def _chinese() -> Iterator[str]:
    """The same, as patterns: given names count after a surname, or as Little Fang is said; a character alone may be any
    word."""
    lexicon, more = chinese.lexicon(), made.words("chinese")
    for gender, side in zip(english.GENDERS, made.GENDERS, strict=True):
        yield from (*lexicon["nouns"][gender], *lexicon["titles"][gender], *more["titles"][side])
        yield from (word for kind in ("nouns", "western") for word in more[kind][side].split() if len(word) > 1)
    yield from more["also_people"]["words"].split()
    tell, either = ("".join("".join(more["given"][side].split()) for side in of) for of in (made.GENDERS, ["either"]))
    begins = "".join(dict.fromkeys([*lexicon["surnames"], *more["surnames"], *"\u5c0f\u963f"]))
    yield f"(?!{'|'.join(more['no_names']['words'].split())})[{begins}][{either}]?[{tell}]{{1,2}}"


def _words(found: Any) -> re.Pattern[str]:
    escaped = dict.fromkeys(re.escape(str(one).lower()) for one in found)  # in the same order in every process
    longest_first = sorted(escaped, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(longest_first)})\b")
