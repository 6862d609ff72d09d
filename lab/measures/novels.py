"""He or she in held-out novels: what a model expects there, and which of its units tells the two apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab import corpus
from lab.measures.units import best_unit, memory, unit_accuracy
from lab.tasks.rows import encode, read
from lstm_core.network import Network

PRONOUNS = {"he": False, "she": True}
SPELLINGS = (str, str.capitalize)


@dataclass(frozen=True)
class Places:
    """Just before every he and she of some texts. memory: (places, units). lead: (places,), the score of she less that
    of he, in the spelling that comes. she: (places,), whether it is she that comes."""

    memory: np.ndarray
    lead: np.ndarray
    she: np.ndarray


def pronouns(model: Network) -> dict[int, tuple[bool, int, int]]:
    """By id: whether it is she, and the ids of he and she in its spelling. Only words of one piece."""
    found = {}
    for spelling in SPELLINGS:
        words = [f"so {spelling(word)}" for word in PRONOUNS]
        ids = [[token.id for token in model.tokenizer.encode(word, begins=False)][1:] for word in words]
        if all(len(row) == 1 for row in ids):
            (he,), (she,) = ids
            found |= {he: (False, he, she), she: (True, he, she)}
    return found


def places(model: Network, texts: list[str]) -> Places:
    """Every text is read from the state zero."""
    known, rows = pronouns(model), encode(model, texts)
    signals = read(model, rows)
    where = [(step - 1, k) for k, row in enumerate(rows) for step in range(1, len(row)) if row[step] in known]
    steps, texts_of = np.array(where).T
    said = [known[rows[k][step + 1]] for step, k in where]
    scores = model.predicts.scores(signals[model.cell.output][steps, texts_of])
    he, she = np.array([one[1:] for one in said]).T
    lead = scores[np.arange(len(said)), she] - scores[np.arange(len(said)), he]
    return Places(signals[memory(model)][steps, texts_of], lead, np.array([one[0] for one in said]))


def balanced(says: np.ndarray, she: np.ndarray) -> float:
    """The mean of the shares of he and of she that are told right."""
    return float((says[she].mean() + 1 - says[~she].mean()) / 2)


@dataclass(frozen=True)
class Told:
    """Balanced accuracy of the whole readout and of the best single unit, which was chosen on other novels."""

    readout: float
    best: float
    unit: int
    threshold: float
    above: bool


def told(model: Network) -> Told:
    """On the held-out ends of the six novels: a unit is chosen on three of them and tried on the other three, each half
    in its turn. The unit that is named is the one that is chosen on all six."""
    novels = corpus.austen()[1]
    halves = [places(model, novels[0::2]), places(model, novels[1::2])]
    tried = [
        unit_accuracy(other.memory, other.she, *best_unit(half.memory, half.she))
        for half, other in (halves, halves[::-1])
    ]
    lead, she, units = (np.concatenate([getattr(half, name) for half in halves]) for name in ("lead", "she", "memory"))
    unit, threshold, sign = best_unit(units, she)
    return Told(balanced(lead > 0, she), float(np.mean(tried)), unit, threshold, sign > 0)
