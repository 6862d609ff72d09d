"""The verb has the number of the subject, whatever nouns stand between; which cell carries it?"""

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
    spread,
)
from lab.experiments.headers import curves, places, trained_on
from lab.tasks.agreement import ablations
from lstm_core.network import Network, load_model
from lstm_core.say import say

MODEL = "agreement-lstm"
ATTRACTORS, COUNT = 3, 1000
FROM_HEADER = {"right": "attractors_3", "cost": "cost_number_cell", "cost_other": "cost_other_mean"}


def measured(model: Network, seed: int, count: int = COUNT) -> tuple[dict[str, float], list[float]]:
    """The figures on held-out sentences with three attractors, and what it costs to do without each unit."""
    unit = model.meta["units"]["number"]["unit"]
    whole, without = ablations(model, seed, count, ATTRACTORS)
    cost = [float(whole - one) for one in without]
    others = [one for k, one in enumerate(cost) if k != unit]
    return {"right": whole, "cost": cost[unit], "cost_other": sum(others) / len(others)}, cost


class Number(Experiment):
    name = "number"
    title = "One cell carries singular or plural"
    claim = "One cell carries the number of the subject over nouns of the other number to the verb."
    source = "Lakretz et al. 2019; Linzen, Dupoux & Goldberg 2016"
    models = (MODEL,)
    targets = (
        Target("right", "Verb right after three nouns of the other number", 0.98),
        Target("cost", "Share lost without the number cell", 0.3),
        Target("cost", "The same, less the share without a random other cell", 0.3, over="least", less="cost_other"),
    )
    words = {"cost_other": say("Share lost without a random other cell")}
    shaped = PRICED
    look = (
        "To do without a cell means that its memory is 0 at every step. The number cell was found on other sentences "
        "than it is measured on. The training led the difference between singular and plural verbs towards one cell, "
        "so that one cell suffices is partly our doing; that it holds over nouns of the other number is what the "
        "network learned."
    )
    disproof = "Another cell that costs as much, or a number cell whose loss costs nothing."
    tries = (
        Try("The keys to the cabinet near the door", MODEL, "general-lstm", "It is written once, at keys.",
            shows="number"),
        Try("The key to the cabinets near the doors", MODEL, "general-lstm", "Two plurals between; is or are?",
            shows="number"),
        Try("The letters from the teacher are lost. The letter from the teachers", MODEL, "general-lstm",
            "A new sentence has to write a new number, singular or plural.", shows="number"),
    )  # fmt: skip
    minutes = 1.0
    tolerance = 0.04
    order = 50

    def measure(self, progress: Progress = silent) -> Measurement:
        model = load_model(MODEL)
        progress(0.1, MODEL)
        shipped, cost = measured(model, CHECK_SEED - 1)
        progress(0.5, say("untrained"))
        blank = [measured(model.untrained(seed), CHECK_SEED - 2, 100)[0] for seed in range(5)]
        figures: dict[str, Figure] = {}
        seeds: tuple[int, ...] = ()
        for figure, metric in FROM_HEADER.items():
            seeds, found = from_header({"lstm": model}, metric)
            figures[figure] = Figure(found["lstm"], shipped[figure], tuple(one[figure] for one in blank))
        data = {"attractors": places(model, "by_attractors"), "curve": curves(model, "by_attractors"), "cost": cost}
        notes = (
            trained_on(model),
            f"The shipped file is measured again on {COUNT} other sentences; in all of them no noun is followed by one "
            "that followed it in training. The cost of each cell is that of the shipped file.",
        )
        return Measurement(seeds, figures, data, notes)

    def remeasure(self) -> Mapping[str, float]:
        return measured(load_model(MODEL), CHECK_SEED, 300)[0]

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        attractors, rows, cost = (results.data[name] for name in ("attractors", "curve", "cost"))
        units = [str(unit) for unit in range(len(cost))]
        return [
            Drawing("bars", say("Share lost without each cell"), say("unit"), say("share of verbs"),
                    [Series("LSTM", units, cost, color="lstm")], limits=[(0.3, say("target"))]),
            Drawing("lines", say("Right verb by attractors"), say("nouns of the other number between"),
                    say("share right"), [spread("LSTM", attractors, rows, "lstm")], y_range=(0.4, 1.02),
                    limits=[(0.5, say("chance"))]),
        ]  # fmt: skip


EXPERIMENT = Number()
