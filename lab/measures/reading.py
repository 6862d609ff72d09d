"""What models of real text are measured on: sentences written freely, held-out novels, and units that follow something
in them."""

from __future__ import annotations

from typing import Any

from lab import corpus
from lab.measures import distance, free, novels
from lab.measures.general import bits, characters, quote_samples
from lab.measures.units import best_unit, memory, unit_accuracy
from lab.tasks.rows import by
from lstm_core.network import Network

BITS_PER_CHARACTER = (
    "Bits of every token of the held-out last twentieth of each of Austen's six novels, case, spaces and ends of "
    "paragraphs coded, each novel read from the state zero, divided by all its characters."
)


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
    found["he_or_she_after_words"] = by(distance.WORDS, lambda words: round(distance.right(model, words), 4))

    def unit(k: int, threshold: float, **more: Any) -> dict[str, Any]:
        return {"layer": 0, "direction": 0, "unit": k, "signal": memory(model), "threshold": threshold, **more}

    return found, {
        "gender": unit(
            gender.unit, gender.threshold, meaning="gender of the subject", female_above=gender.above,
            accuracy=round(gender.best, 4),
        ),
        "quote": unit(
            chosen, threshold, meaning="inside quotation marks", inside_above=sign > 0, accuracy=round(quoted, 4)
        ),
    }  # fmt: skip
