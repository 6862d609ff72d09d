"""A cell that follows quotation marks, in a model that nobody asked for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.experiments.base import (
    CHECK_SEED,
    PRICED,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Series,
    Target,
    Try,
    silent,
    watch,
)
from lab.experiments.texts import paragraphs
from lab.measures.units import memory
from lstm_core.analysis import PROPERTIES, Search, search_traces
from lstm_core.network import Network, load_model
from lstm_core.say import say

SEEDS = (0, 1, 2, 3, 4)
CELLS = {"lstm": "general-lstm", "gru": "general-gru"}
COUNT = 60
QUOTES = PROPERTIES["inside_quotes"]


def searched(model: Network, seed: int, count: int = COUNT, shuffles: int = 20, untrained: int = 1) -> list[Search]:
    """The search over one draw of paragraphs, once for each of so many untrained networks."""
    texts = paragraphs(seed, count, quotes=True)
    traces = [model.run(text, device="cpu") for text in texts]
    labels = [QUOTES.labels(text, trace.tokens) for text, trace in zip(texts, traces, strict=True)]
    found = []
    for k in range(untrained):
        blank = model.untrained(k)
        runs = [blank.run(trace.tokens, device="cpu") for trace in traces]
        found.append(search_traces(traces, labels, QUOTES, memory(model), runs, shuffles, seed))
    return found


class Quotes(Experiment):
    name = "quotes"
    title = "A quote cell that nobody asked for"
    claim = "In a language model some cell turns on inside quotation marks, although no loss ever asked for it."
    source = "Karpathy, Johnson & Fei-Fei 2015"
    models = ("general-lstm", "general-gru")
    targets = tuple(
        Target(f"{cell}_over_{what}", f"{cell.upper()}: best unit above {says}", 0.0, over="least")
        for cell in CELLS
        for what, says in (("untrained", "the untrained model's best"), ("shuffled", "the best on moved labels"))
    )
    shaped = PRICED
    look = (
        "Every unit of the memory was tried as a detector of open quotation marks, its threshold set on one half of "
        "the paragraphs and scored on the other. The best of a hundred units looks good by luck: so the same search "
        "was made on labels moved along the text, and in networks with random weights."
    )
    disproof = "A best unit no better than the best of an untrained network, or than the best on moved labels."
    tries = (
        Try('"I am very glad to hear it," said Emma, and she walked on. "But where is he?" asked her father.',
            "general-lstm", "general-gru", "The quote unit rises or falls at each mark and stays there in between.",
            shows="quote"),
        Try("I am very glad to hear it, said Emma, and she walked on.", "general-lstm", "general-gru",
            "Without marks it should stay where it is: it follows the marks, not the speech.",
            shows="quote"),
    )  # fmt: skip
    minutes = 1.0
    tolerance = 0.06
    words = {
        "lstm_score": say("LSTM: balanced accuracy of the best unit"),
        "gru_score": say("GRU: balanced accuracy of the best unit"),
    }
    order = 65

    def measure(self, progress: Progress = silent) -> Measurement:
        figures: dict[str, Figure] = {}
        data: dict[str, dict[str, list[float]]] = {}
        for place, (cell, name) in enumerate(CELLS.items()):
            model = load_model(name)
            start, stop = place / len(CELLS), (place + 1) / len(CELLS)
            runs = [searched(model, seed, untrained=2) for seed in watch(SEEDS, progress, name, start, stop)]
            best = [run[0].best.score for run in runs]
            blank = [max(one.untrained or 0.0 for one in run) for run in runs]
            moved = [max(run[0].shuffled) for run in runs]
            fresh = searched(model, CHECK_SEED - 1)[0]
            figures[f"{cell}_score"] = Figure(tuple(best), fresh.best.score, tuple(blank))
            two = [tuple(one.untrained or 0.0 for one in run) for run in runs]
            for what, other, random in (
                ("untrained", blank, [b - a for a, b in two]),  # the one untrained network above the other
                ("shuffled", moved, [max(pair) - most for pair, most in zip(two, moved, strict=True)]),
            ):
                gaps = tuple(a - b for a, b in zip(best, other, strict=True))
                against = fresh.untrained or 0.0 if what == "untrained" else max(fresh.shuffled)
                figures[f"{cell}_over_{what}"] = Figure(gaps, fresh.best.score - against, tuple(random))
            data[cell] = {"best": best, "untrained": blank, "shuffled": moved}
            data[cell]["units"] = [float(run[0].best.unit) for run in runs]
            data[cell]["tried"] = [float(runs[0][0].tried)]
        notes = (
            f"One trained file for each kind of cell; five draws of {COUNT} held-out paragraphs with quotation marks "
            "each, two untrained networks a draw (the better one counts), 20 moved labellings.",
            *(f"{cell.upper()}: {said(data[cell]['units'])}" for cell in CELLS),
        )
        return Measurement(SEEDS, figures, data, notes, "texts")

    def remeasure(self) -> Mapping[str, float]:
        found = {}
        for cell, name in CELLS.items():
            one = searched(load_model(name), CHECK_SEED, 40, shuffles=5)[0]
            found[f"{cell}_score"] = one.best.score
        return found

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        names = [cell.upper() for cell in CELLS]

        def bars(key: str, name: str, color: str) -> Series:
            rows = [sorted(results.data[cell][key]) for cell in CELLS]
            return Series(
                name, names, [r[len(r) // 2] for r in rows], [r[0] for r in rows], [r[-1] for r in rows], color
            )

        kinds = (
            ("best", say("trained"), ""),
            ("untrained", say("untrained"), "untrained"),
            ("shuffled", say("moved labels"), ""),
        )
        return [
            Drawing("bars", say("Best unit for open quotation marks"), "", say("balanced accuracy"),
                    [bars(*kind) for kind in kinds], y_range=(0.4, 1.0), limits=[(0.5, say("chance"))]),
        ]  # fmt: skip


def said(units: Sequence[float]) -> str:
    """Which unit was best in how many draws."""
    counts = {int(unit): list(units).count(unit) for unit in units}
    return (
        ", ".join(f"unit {unit} was the best in {count} of {len(units)} draws" for unit, count in counts.items()) + "."
    )


EXPERIMENT = Quotes()
