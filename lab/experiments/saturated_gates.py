"""Forget gates saturate: many units keep almost always, few never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lab.experiments.base import (
    CHECK_SEED,
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
from lab.experiments.texts import for_model, shipped
from lstm_core.analysis import saturation
from lstm_core.network import Network, load_model
from lstm_core.say import say

SEEDS = (0, 1, 2, 3, 4)
WORDS = 600
KEEP = {"general-lstm": "f", "general-gru": "z"}


def fractions(model: Network, seed: int, words: int = WORDS) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By gate the shares of the steps below 0.1 and above 0.9, (unit,) each, of the first layer."""
    found = saturation(model.run(for_model(model, seed, words), device="cpu"), layer=0)
    return {gate: (found.left[gate], found.right[gate]) for gate in found.left}


class SaturatedGates(Experiment):
    name = "saturation"
    title = "Forget gates saturate right, few left"
    claim = "Trained forget gates stand near 1 most of the time in many units, and near 0 in few."
    source = "Karpathy, Johnson & Fei-Fei 2015"
    models = tuple(KEEP)
    targets = tuple(
        Target(
            f"{name}_{gate}_margin",
            f"{name}, {gate}: share of steps above 0.9 less share below 0.1",
            0.05,
            over="least",
        )
        for name, gate in KEEP.items()
    )
    shaped = (
        "The LSTM paid for writing and forgetting in 64 of its 384 units, which pushes the same way there; the GRU "
        "paid nothing."
    )
    look = (
        "Each point is a unit: to the right, how often its gate is below 0.1 (all but shut); upwards, how often "
        "above 0.9 (all but open). A unit in the upper left corner hardly ever forgets. No point can lie above the "
        "diagonal. In 64 of its 384 units the LSTM was trained with a price on forgetting, which pushes in the same "
        "direction; the GRU was trained without one. The untrained networks show where they began."
    )
    disproof = (
        "A cloud of forget gates near the lower right corner, or as low on both axes as in the untrained network."
    )
    tries = (
        Try("She had been a friend and companion such as few possessed, intelligent, well-informed, useful, gentle.",
            "general-lstm", "general-gru",
            "Under Gates, in the row Keep, most units stay close to 1 from word to word."),
    )  # fmt: skip
    minutes = 1.0
    tolerance = 0.05
    words = {
        f"{name}_{gate}_{key}": says
        for name, gate in KEEP.items()
        for key, says in (
            ("left", say("{name}, {gate}: share of steps below 0.1", name=name, gate=gate)),
            ("right", say("{name}, {gate}: share of steps above 0.9", name=name, gate=gate)),
        )
    }
    order = 70

    def measure(self, progress: Progress = silent) -> Measurement:
        figures: dict[str, Figure] = {}
        points: dict[str, dict[str, list[list[float]]]] = {}
        for place, (name, gate) in enumerate(KEEP.items()):
            model = load_model(name)
            runs = [fractions(model, seed) for seed in watch(SEEDS, progress, name, 0.4 * place, 0.4 * place + 0.4)]
            blank = [fractions(model.untrained(seed), seed, WORDS // 3)[gate] for seed in SEEDS]
            for key, k in (("left", 0), ("right", 1)):
                values = tuple(float(run[gate][k].mean()) for run in runs)
                untrained = tuple(float(one[k].mean()) for one in blank)
                figures[f"{name}_{gate}_{key}"] = Figure(values, values[0], untrained)
            margin = tuple(float((run[gate][1] - run[gate][0]).mean()) for run in runs)
            figures[f"{name}_{gate}_margin"] = Figure(margin, margin[0], tuple(float((r - x).mean()) for x, r in blank))
            points[name] = {g: [np.mean([run[g][k] for run in runs], axis=0).tolist() for k in (0, 1)] for g in runs[0]}
            points[name]["untrained"] = [blank[0][k].tolist() for k in (0, 1)]
        every, free = {}, []
        for name, model in watch(list(shipped("").items()), progress, say("all models"), 0.8, 1.0):
            found = fractions(model, 0, WORDS // 3)
            gate = model.cell.states() and next((s.name for s in model.cell.signals if s.role == "keep"), "")
            if gate in found:
                every[name] = [float(one.mean()) for one in found[gate]]
                free += [name] * (not model.meta["economy"])
        notes = (
            "One trained file a model, five held-out texts of 600 words each. All shipped models but "
            f"{', '.join(free)} were trained with a price on writing and forgetting (the gate-economy loss).",
        )
        return Measurement(SEEDS, figures, {"points": points, "every": every}, notes, "texts")

    def remeasure(self) -> Mapping[str, float]:
        found = {}
        for name, gate in KEEP.items():
            left, right = fractions(load_model(name), CHECK_SEED, WORDS // 2)[gate]
            found |= {f"{name}_{gate}_left": float(left.mean()), f"{name}_{gate}_right": float(right.mean())}
        return found

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        drawings = []
        for name, gates in results.data["points"].items():
            keep = KEEP[name]
            kinds = [
                (keep, say("{gate}, trained", gate=keep), name.rpartition("-")[2]),
                ("untrained", say("{gate}, untrained", gate=keep), "untrained"),
            ]
            kinds += [
                (gate, say("{gate}, trained", gate=gate), "") for gate in gates if gate not in (keep, "untrained")
            ]
            series = [Series(says, *gates[gate], color=color) for gate, says, color in kinds]
            drawings.append(
                Drawing("points", say("Units of {name}", name=name), say("share of steps below 0.1"),
                        say("share of steps above 0.9"), series, y_range=(-0.02, 1.02))
            )  # fmt: skip
        names = list(results.data["every"])
        pairs = [results.data["every"][name] for name in names]
        both = [
            Series(say("keep gate above 0.9"), names, [right for _, right in pairs]),
            Series(say("keep gate below 0.1"), names, [left for left, _ in pairs]),
        ]
        every = Drawing("bars", say("All shipped models"), "", say("share of units and steps"), both, y_range=(0, 1))
        return [*drawings, every]


EXPERIMENT = SaturatedGates()
