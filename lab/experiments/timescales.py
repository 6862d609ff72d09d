"""Timescales spread over the units, and the slow ones hold what lies far back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from lab.experiments.base import (
    CHECK_SEED,
    PRICED,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Target,
    Try,
    silent,
    spread,
    watch,
)
from lab.experiments.texts import for_model
from lab.measures.distance import filler
from lab.measures.general import log_probabilities
from lab.tasks.lexicon import lexicon
from lab.tasks.rows import read
from lstm_core.analysis import timescales
from lstm_core.network import Network, load_model
from lstm_core.say import say

SEEDS = (0, 1, 2, 3, 4)
MODELS = {"lstm": "general-lstm", "gru": "general-gru"}
GAPS = (1, 5, 10, 20, 40, 80)
FAR = GAPS[-1]
"""Words between the country and the question; the last distance at which memories are exchanged."""
GROUPS = 4
LONGEST = 10_000.0
EDGES = np.logspace(-1, 4, 21)


def scales(model: Network, seed: int, words: int = 600) -> np.ndarray:
    """(unit,): the timescale of every unit in steps on a held-out text, at most ``LONGEST``."""
    trace = model.run(for_model(model, seed, words), device="cpu")
    return np.minimum(timescales(trace).on_text, LONGEST)


def groups(found: np.ndarray) -> list[np.ndarray]:
    """The units in four groups of one size, from the shortest timescale to the longest."""
    return np.array_split(np.argsort(found, kind="stable"), GROUPS)


class Pair(NamedTuple):
    """Two texts that differ in the country alone: their ids up to the answer, its place, and both answers' ids."""

    one: list[int]
    other: list[int]
    place: int
    right: int
    wrong: int


def pairs(model: Network, seed: int, repeats: int = 6) -> list[Pair]:
    """Texts that differ in the country alone, ``FAR`` words before the language is asked for."""
    rng, found = Random(seed), []
    pieces = {c: len(model.tokenizer.encode(f"I grew up in {c}.")) for c, *_ in lexicon()["countries"]}
    short = min(pieces.values())  # countries of one piece: texts with these have as many steps
    known = [(country, language) for country, language, *_ in lexicon()["countries"] if pieces[country] == short]
    for k in range(repeats * len(known)):
        between = filler(rng, FAR)
        both = []
        for country, language in (known[k % len(known)], known[(7 * k + 5) % len(known)]):
            text = f"I grew up in {country}.{between} I speak fluent"
            ids = [token.id for token in model.tokenizer.encode(text)]
            answer = model.tokenizer.encode(f"{text} {language}")[len(ids)]
            both.append((ids, answer.id))
        (a, right), (b, other) = both
        places = [t for t, (x, y) in enumerate(zip(a, b, strict=False)) if x != y]
        if len(a) == len(b) and len(places) == 1 and right != other:
            found.append(Pair(a, b, places[0], right, other))
    return found


def carried(model: Network, seed: int, parts: Sequence[np.ndarray], gaps: Sequence[int] = GAPS) -> list[list[float]]:
    """For each group of units and each distance, how often the answer follows that group's memory.

    So many tokens after the country, the group's states are replaced by those of the text with the other country; both
    texts then go on with the same words. Counted are the texts, answered right before, whose answer becomes the other
    country's language.
    """
    found = pairs(model, seed)
    names = model.cell.states()
    one, other = read(model, [p.one for p in found]), read(model, [p.other for p in found])
    right, wrong = np.array([p.right for p in found]), np.array([p.wrong for p in found])
    rows = np.arange(len(found))
    last = np.array([len(p.one) - 1 for p in found])

    def says_right(h: np.ndarray) -> np.ndarray:
        logs = log_probabilities(model, h)
        return logs[rows, right] > logs[rows, wrong]

    before = says_right(one[model.cell.output][last, rows])
    shares = [[0.0] * len(gaps) for _ in parts]
    for column, gap in enumerate(gaps):
        at = np.array([p.place + gap for p in found])
        ids = np.zeros((int((last - at).max()), len(found)), np.intp)
        for k, pair in enumerate(found):
            ids[: last[k] - at[k], k] = pair.one[at[k] + 1 :]
        for group, units in enumerate(parts):
            states = {}
            for name in names:
                value = one[name][at, rows].copy()
                value[:, units] = other[name][at, rows][:, units]
                states[name] = value[None, None]
            signals = model.read(ids, state=states).signals
            after = says_right(signals[model.cell.output][-1, 0, last - at - 1, rows])
            shares[group][column] = float((before & ~after).sum() / max(before.sum(), 1))
    return shares


class Spread(Experiment):
    name = "timescales"
    title = "Timescales spread over the units"
    claim = (
        "Forget gates give each unit a timescale of its own, T = −1 / log f: some live for a word, others for a text."
    )
    source = "Mahto et al. 2021"
    models = tuple(MODELS.values())
    targets = (
        *(
            Target(
                f"{cell}_spread",
                f"{cell.upper()}: T of the slowest tenth over T of the fastest tenth",
                10.0,
                over="least",
            )
            for cell in MODELS
        ),
        *(
            Target(
                f"{cell}_slow_less_fast",
                f"{cell.upper()}: country followed at {FAR} words, slower half less faster",
                0.2,
            )
            for cell in MODELS
        ),
    )
    shaped = PRICED
    look = (
        "First the timescales, on a logarithmic axis: gates that were all alike would be one spike, as those of the "
        "untrained network nearly are. Then who holds the country of \u201cI grew up in \u2026\u201d: so many words "
        "later the memory of some units is exchanged with that of a text about another country; the line is how "
        "often the language follows. Fast units can matter only right after the country."
    )
    disproof = (
        "Timescales within a factor of ten of one another, or a faster half that carries the country over 80 words "
        "as well as the slower one."
    )
    tries = (
        Try("I grew up in France. It rained all day and the road was long. I speak fluent",
            "general-lstm", "general-gru",
            "Under Gates, sorted by timescale: slow rows change at the country and then hold."),
    )  # fmt: skip
    minutes = 2.0
    tolerance = 0.3
    order = 110

    def measure(self, progress: Progress = silent) -> Measurement:
        figures: dict[str, Figure] = {}
        data: dict[str, dict] = {}
        for place, (cell, name) in enumerate(MODELS.items()):
            model = load_model(name)
            start = place / len(MODELS)
            stop = start + 1 / len(MODELS)
            every, curves, blank, blank_far = [], [], [], []
            for seed in watch(SEEDS, progress, name, start, stop):
                every.append(scales(model, seed))
                curves.append(carried(model, seed, groups(every[-1])))
                random = model.untrained(seed)
                blank.append(scales(random, seed, 200))
                blank_far.append(slower_less_faster(random, seed, blank[-1]))
            far = [slower_less_faster(model, seed, found) for seed, found in zip(SEEDS, every, strict=True)]
            figures[f"{cell}_spread"] = Figure(tuple(map(ratio, every)), ratio(every[0]), tuple(map(ratio, blank)))
            figures[f"{cell}_slow_less_fast"] = Figure(tuple(far), far[0], tuple(blank_far))
            data[cell] = {
                "counts": [np.histogram(one, EDGES)[0].tolist() for one in every],
                "untrained": [np.histogram(one, EDGES)[0].tolist() for one in blank],
                "recall": curves,
                "middle": [float(np.median(every[0][units])) for units in groups(every[0])],
            }
        notes = (
            "One trained file for each kind of cell, five draws of held-out texts. The gate-economy loss of the "
            f"training lengthens timescales. A unit that forgets nothing on the text counts as {LONGEST:,.0f} steps.",
        )
        return Measurement(SEEDS, figures, data, notes, "texts")

    def remeasure(self) -> Mapping[str, float]:
        found = {}
        for cell, name in MODELS.items():
            model = load_model(name)
            found[f"{cell}_slow_less_fast"] = slower_less_faster(model, CHECK_SEED, scales(model, CHECK_SEED, 300))
        return found

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        drawings = []
        middles = np.sqrt(EDGES[1:] * EDGES[:-1]).tolist()
        for cell in MODELS:
            given = results.data[cell]
            kinds = ((say("trained"), "counts", cell), (say("untrained"), "untrained", "untrained"))
            counts = [spread(says, middles, given[key], color) for says, key, color in kinds]
            title = say("Timescales, {cell}", cell=cell.upper())
            drawings.append(Drawing("histogram", title, say("T in steps"), say("units"), counts, log_x=True))
        for cell in MODELS:
            given = results.data[cell]
            fastest, fast, slow, slowest = (
                f"{steps:.3g}" if steps < 1000 else f"{steps:,.0f}" for steps in given["middle"]
            )
            quarters = (
                say("fastest quarter, T about {steps}", steps=fastest),
                say("fast quarter, T about {steps}", steps=fast),
                say("slow quarter, T about {steps}", steps=slow),
                say("slowest quarter, T about {steps}", steps=slowest),
            )
            lines = [spread(says, list(GAPS), [one[k] for one in given["recall"]]) for k, says in enumerate(quarters)]
            title = say("Which units carry the country, {cell}", cell=cell.upper())
            axes = (say("tokens after the country"), say("answer follows these units"))
            drawings.append(Drawing("lines", title, *axes, lines, y_range=(0, 1.02)))
        return drawings


def slower_less_faster(model: Network, seed: int, found: np.ndarray) -> float:
    """``carried`` over the whole distance by the slower half of the units, less that by the faster half."""
    faster, slower = carried(model, seed, np.array_split(np.argsort(found, kind="stable"), 2), GAPS[-1:])
    return slower[0] - faster[0]


def ratio(found: np.ndarray) -> float:
    """The timescale at the ninetieth percentile of the units over that at the tenth."""
    low, high = np.percentile(found, [10, 90])
    return float(high / low)


EXPERIMENT = Spread()
