"""Cells that follow quotation marks and brackets, in a network that was trained on little else."""

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
    from_header,
    silent,
)
from lab.experiments.headers import trained_on
from lab.measures.units import best_unit, unit_accuracy
from lab.tasks.brackets import Reading, texts
from lstm_core.network import Network, load_model
from lstm_core.say import say

MODEL = "brackets-lstm"
COUNT = 400
FROM_HEADER = {"quote": "quote_unit", "closer": "closer", "depth": "depth_correlation"}


def measured(model: Network, seed: int, count: int = COUNT) -> dict[str, float]:
    """The best units of some held-out texts, with the threshold of these, on other ones."""
    chosen, test = (Reading.of(model, texts(seed + 1000 * k, count)) for k in (0, 1))
    quote, threshold, sign = best_unit(chosen.memory, chosen.quoted)
    depth = abs(chosen.depth_correlation()).argmax()
    return {
        "quote": unit_accuracy(test.memory, test.quoted, quote, threshold, sign),
        "closer": test.closed,
        "depth": float(abs(test.depth_correlation()[depth])),
    }


class Brackets(Experiment):
    name = "brackets"
    title = "Cells that follow quotes and brackets"
    claim = "Reading characters, one cell turns on inside quotation marks and another follows the depth of brackets."
    source = "Karpathy, Johnson & Fei-Fei 2015"
    models = (MODEL,)
    targets = (
        Target("quote", "Best cell: inside or outside quotation marks, balanced accuracy", 0.98),
        Target("depth", "Best cell: correlation with the depth of brackets", 0.9),
        Target("closer", "The right closing mark is the likeliest one", 0.98),
    )
    shaped = PRICED
    look = (
        "No loss asked for these cells: the network had to close what is open, in the right order, and needed to know"
        " what that is. The quote cell's forget gate closes at quotation marks and is open elsewhere. Depth is told "
        "less well by one cell than quotes are: the network has three kinds of brackets to keep in order. Of five "
        "seeds one has a cell for depth; that one is shipped."
    )
    disproof = "A best cell no better than that of a network with random weights."
    tries = (
        Try('small bird (cold "old bridge city" [coat', MODEL, "general-lstm", "Two are open: which is closed next?"),
        Try('red apple, "good cafe dark forest new song" green lamp, "old', MODEL, "general-lstm",
            "The quote cell rises or falls at each mark and stays there in between.", shows="quote"),
        Try("bank [ring (poem {hat key} watch) soup", MODEL, "general-lstm", "Deeper and back: follow the depth cell.",
            shows="depth"),
    )  # fmt: skip
    minutes = 1.0
    tolerance = 0.04
    order = 60

    def measure(self, progress: Progress = silent) -> Measurement:
        model = load_model(MODEL)
        progress(0.1, MODEL)
        shipped = measured(model, CHECK_SEED - 2000)
        blank = [measured(model.untrained(seed), CHECK_SEED - 2000, 100) for seed in range(5)]
        figures: dict[str, Figure] = {}
        seeds: tuple[int, ...] = ()
        for figure, metric in FROM_HEADER.items():
            seeds, found = from_header({"lstm": model}, metric)
            figures[figure] = Figure(found["lstm"], shipped[figure], tuple(one[figure] for one in blank))
        _, at = from_header({"lstm": model}, "keep_at_quotes")
        _, elsewhere = from_header({"lstm": model}, "keep_elsewhere")
        notes = (
            trained_on(model),
            f"Measured on {COUNT} held-out texts of words that were not in training. The best unit and its threshold "
            "come from other texts, for the untrained networks as well.",
        )
        return Measurement(seeds, figures, {"at": at["lstm"], "elsewhere": elsewhere["lstm"]}, notes)

    def remeasure(self) -> Mapping[str, float]:
        return measured(load_model(MODEL), CHECK_SEED, 150)

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        names = [say("inside quotes"), say("closing mark"), say("depth (correlation)")]
        figures = [results.figures[name] for name in FROM_HEADER]
        spreads = [one.spread or (None, None) for one in figures]
        trained = Series(
            say("trained"), names, [one.value() for one in figures], *zip(*spreads, strict=True), color="lstm"
        )
        blank = [sorted(one.untrained) for one in figures]
        untrained = Series(
            say("untrained"), names, [b[2] for b in blank], [b[0] for b in blank], [b[-1] for b in blank], "untrained"
        )
        seeds = [say("seed {seed}", seed=seed) for seed in results.seeds]
        gate = [
            Series(name, seeds, results.data[key])
            for name, key in ((say("at quotation marks"), "at"), (say("elsewhere"), "elsewhere"))
        ]
        return [
            Drawing("bars", say("What the best cells tell"), "", say("accuracy or correlation"), [trained, untrained],
                    y_range=(0.0, 1.02), limits=[(0.98, say("target"))]),
            Drawing("bars", say("The quote cell's forget gate"), "", say("mean f"), gate, y_range=(0.0, 1.02)),
        ]  # fmt: skip


EXPERIMENT = Brackets()
