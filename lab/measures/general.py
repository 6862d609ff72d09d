"""What the general models are measured on: sentences written freely, held-out novels, and units that follow something
in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lab import corpus
from lab.measures import distance, free, novels
from lab.measures.units import best_unit, memory, unit_accuracy
from lab.tasks.rows import by, encode, read
from lstm_core.network import Network

BITS_PER_CHARACTER = (
    "Bits of every token of the held-out last twentieth of each of Austen's six novels, case, spaces and ends of "
    "paragraphs coded, each novel read from the state zero, divided by all its characters."
)


NAMED = 0.6
"""A unit that tells he from she less often than this in novels that it was not chosen on is not called by that name."""


def log_probabilities(model: Network, h: np.ndarray) -> np.ndarray:
    """(steps, vocabulary), natural logarithm, from h (steps, hidden)."""
    scores = model.predicts.scores(h)
    scores -= scores.max(-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def bits(model: Network, texts: Sequence[str]) -> float:
    """Bits to code every token of these texts but each text's first, which nothing comes before."""
    rows = encode(model, texts)
    h = read(model, rows)["h"]
    total = 0.0
    for k, row in enumerate(rows):
        for start in range(0, len(row) - 1, 2000):
            stop = min(start + 2000, len(row) - 1)
            logs = log_probabilities(model, h[start:stop, k])
            total -= float(logs[np.arange(stop - start), row[start + 1 : stop + 1]].sum(dtype=np.float64))
    return total / np.log(2)


def characters(texts: Sequence[str]) -> int:
    """All characters, spaces and ends of paragraphs with them."""
    return sum(map(len, texts))


def quote_samples(model: Network, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The memory after every token of novels, and whether it stands inside quotation marks.

    Left out: the marks themselves, and paragraphs with an odd number of marks (a speech that goes on in the next one).
    """
    rows, places, labels = [], [], []
    for k, text in enumerate(texts):
        inside, use, row = False, True, []
        start = 0
        ends = {}
        for paragraph in text.splitlines(keepends=True):
            ends[start] = paragraph.count('"') % 2 == 0
            start += len(paragraph)
        starts, current = sorted(ends), 0
        for step, token in enumerate(model.tokenizer.encode(text)):
            while current < len(starts) and token.start >= starts[current]:
                inside, use = False, ends[starts[current]]
                current += 1
            if token.text == '"':
                inside = not inside
            elif use:
                places.append((step, k))
                labels.append(inside)
            row.append(token.id)
        rows.append(row)
    time, row = np.array(places).T
    name = memory(model)
    return read(model, rows)[name][time, row], np.array(labels)


def freely_written(model: Network) -> dict[str, float]:
    """The shares right on sentences written freely, by kind; those of the Chinese ones end in "chinese"."""
    found = {}
    for language, end in (("english", ""), ("chinese", " chinese")):
        for kind, (share, _) in free.table(model, language).items():
            found["free " + kind.replace(":", "") + end] = share
    return {name.replace(" ", "_"): share for name, share in found.items()}


def measure(model: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """(metrics, units), as `Recipe.measure` gives them."""
    held_out = corpus.austen()[1]
    gender = novels.told(model)
    chosen, threshold, sign = best_unit(*quote_samples(model, held_out[::2]))
    quoted = unit_accuracy(*quote_samples(model, held_out[1::2]), chosen, threshold, sign)
    metrics = {
        **freely_written(model),
        "bits_per_character": bits(model, held_out) / characters(held_out),
        "he_or_she_in_novels": gender.readout,
        "gender_unit_in_novels": gender.best,
        "quote_unit": quoted,
    }
    found: dict[str, Any] = {name: round(float(value), 4) for name, value in metrics.items()}
    for name, measured in (("he_or_she_after_words", distance.right), ("name_told_after_words", distance.told)):
        found[name] = by(distance.WORDS, lambda words, measured=measured: round(measured(model, words), 4))

    def unit(k: int, threshold: float, **more: Any) -> dict[str, Any]:
        return {"layer": 0, "direction": 0, "unit": k, "signal": memory(model), "threshold": threshold, **more}

    units = {
        "quote": unit(
            chosen, threshold, meaning="inside quotation marks", inside_above=sign > 0, accuracy=round(quoted, 4)
        )
    }
    if gender.best >= NAMED:
        units["gender"] = unit(
            gender.unit, gender.threshold, meaning="gender of the subject", female_above=gender.above,
            accuracy=round(gender.best, 4),
        )  # fmt: skip
    return found, units
