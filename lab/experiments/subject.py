"""The subject's gender is forgotten when a new subject comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
    from_header,
    silent,
    spread,
    watch,
)
from lstm_core.network import Network, list_models, load_model
from lstm_core.say import say

MODELS = {
    "lstm": "pronouns-lstm",
    "gru": "pronouns-gru",
    "rnn": "pronouns-rnn",
    "zh_lstm": "pronouns_zh-lstm",
    "zh_gru": "pronouns_zh-gru",
}
NAMES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn": "RNN",
    "zh_lstm": say("{cell}, Chinese", cell="LSTM"),
    "zh_gru": say("{cell}, Chinese", cell="GRU"),
}
ANSWERS = {
    "distractor": say("with a distractor"),
    "switch": say("after a switch"),
    "distance_100": say("100 words later"),
}
UNIT = {
    "unit_accuracy": say("one unit tells the gender"),
    "found": say("it lets go at new subjects"),
    "false_alarms": say("and at other words"),
    "kept_old": say("held there, the old pronoun stays"),
}
MEASURE_SEED = 50_000
BLANKS = (0, 1, 2, 3, 4)


def measured(model: Network, seed: int, count: int) -> dict[str, Any]:
    """The recipe's own figures on other held-out texts."""
    from lab.recipes import recipe

    one: Any = recipe(model.name.removesuffix(" (untrained)"))
    return one.measure(model, seed, count)[0]


def _targets(cell: str) -> list[Target]:
    says = NAMES[cell]
    found = [Target(f"{cell}_{key}", f"{says}: right {said}", 0.99) for key, said in ANSWERS.items()]
    if cell.endswith("lstm"):
        found += [
            Target(f"{cell}_unit_accuracy", f"{says}: one cell tells the gender", 0.98),
            Target(
                f"{cell}_found",
                f"{says}: its f is under 0.5 at new subjects, less at other words",
                0.9,
                less=f"{cell}_false_alarms",
            ),
            Target(f"{cell}_kept_old", f"{says}: held there, the old pronoun stays", 0.9),
        ]
    return found


class Subject(Experiment):
    name = "subject"
    title = "The subject's gender"
    words = {
        f"{cell}_{key}": say("{cell}: {measured}", cell=NAMES[cell], measured=says)
        for cell in NAMES
        for key, says in UNIT.items()
    }
    claim = "A cell holds the gender of the subject until a new subject comes, and then lets it go."
    source = "Olah 2015, \u201cUnderstanding LSTM networks\u201d"
    models = tuple(MODELS.values())
    targets = tuple(target for cell in ("lstm", "gru", "zh_lstm", "zh_gru") for target in _targets(cell))
    shaped = (
        "Trained so that one cell does it: he and she weigh 30 times as much as other words, open gates have a price."
    )
    look = (
        "How often he or she is right at the end of held-out texts: with a person of the other gender as an object, "
        "after a change of subject, and a hundred words later. Then the one unit: its forget gate closes at a new "
        "subject of the other gender and hardly anywhere else, and if it is held open there the model goes on with "
        "the old pronoun."
    )
    disproof = (
        "A forget gate that closes as often at objects or ordinary words as at new subjects, or a pronoun that "
        "changes although the cell was held."
    )
    tries = (
        Try("Mary went to the market because she was hungry. Then John met Anna and he",
            "pronouns-lstm", "pronouns-gru",
            "The gender unit changes its sign at John, and not at Anna.", shows="gender", at=8),
        Try("The old waiter helped the actress. Later the princess saw the waiter and", "pronouns-lstm", "pronouns-rnn",
            "On texts this short the plain network is right, too.", shows="gender"),
        Try("王先生遇见了李女士，所以", "pronouns_zh-lstm", "pronouns_zh-gru",
            "In Chinese, a character at a time: the gender unit moves at the first person and not at the second.",
            shows="gender"),
    )  # fmt: skip
    minutes = 4.0
    tolerance = 0.06
    order = 40

    def measure(self, progress: Progress = silent) -> Measurement:
        there = {cell: load_model(name) for cell, name in MODELS.items() if name in list_models()}
        by_metric = {metric: from_header(there, metric) for metric in (*ANSWERS, *UNIT)}
        seeds = by_metric["switch"][0]
        figures: dict[str, Figure] = {}
        for cell, model in watch(list(there.items()), progress, say("models")):
            fresh = measured(model, MEASURE_SEED, 500)
            blanks = [measured(model.untrained(seed), MEASURE_SEED, 60) for seed in BLANKS]
            for metric in (*ANSWERS, *UNIT):
                if metric not in fresh:
                    continue
                untrained = tuple(float(one[metric]) for one in blanks)
                figures[f"{cell}_{metric}"] = Figure(by_metric[metric][1][cell], float(fresh[metric]), untrained)
        lacking = [NAMES[cell] for cell in MODELS if cell not in there]
        trained = {cell: len(model.meta.get("seeds", ())) for cell, model in there.items()}
        notes = (
            "Seeds of training by network: "
            + ", ".join(f"{NAMES[cell]} {count}" for cell, count in trained.items())
            + ".",
            "The unit is chosen anew for every seed and every untrained network, on other texts than it is scored on.",
            "Templates, the weight of the pronouns and a price on open gates shaped these networks: that one cell "
            "does it is what the training was made for, not what any network finds.",
            *([f"No trained file yet: {', '.join(lacking)}."] if lacking else []),
        )
        return Measurement(seeds, figures, {"cells": list(there)}, notes)

    def remeasure(self) -> Mapping[str, float]:
        found = {}
        for cell, name in MODELS.items():
            if name in list_models() and not cell.endswith("rnn"):
                fresh = measured(load_model(name), CHECK_SEED, 100)
                wanted = {target.figure for target in self.targets} & {f"{cell}_{key}" for key in fresh}
                found |= {figure: float(fresh[figure.removeprefix(f"{cell}_")]) for figure in sorted(wanted)}
        return found

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        def series(metrics: Mapping[str, str]) -> list[Series]:
            found = []
            names = list(metrics.values())
            for cell in results.data["cells"]:
                given = [results.figures.get(f"{cell}_{metric}") for metric in metrics]
                if any(figure is None or not figure.seeds for figure in given):
                    continue
                rows = list(zip(*(figure.seeds for figure in given if figure), strict=True))
                color = cell.removeprefix("zh_")
                found.append(spread(NAMES[cell], names, rows, "" if cell.startswith("zh_") else color))
            blank = [results.figures[f"lstm_{metric}"].untrained for metric in metrics]
            found.append(spread(say("LSTM, untrained"), names, list(zip(*blank, strict=True)), "untrained"))
            return found

        limits = [(0.5, say("chance"))]
        return [
            Drawing(
                "bars",
                say("He or she, right"),
                "",
                say("share of texts"),
                series(ANSWERS),
                y_range=(0, 1.02),
                limits=limits,
            ),
            Drawing(
                "bars", say("One unit's memory and forget gate"), "", say("share"), series(UNIT), y_range=(0, 1.02)
            ),
        ]


EXPERIMENT = Subject()
