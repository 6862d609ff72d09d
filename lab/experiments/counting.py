"""a^n b^n: who counts, and how far?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lab.experiments.base import (
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
    watch,
)
from lab.experiments.headers import trained_on
from lab.measures.units import memory
from lab.tasks.counting import LONGEST, MEASURED, breaks_at, counts, string
from lab.tasks.rows import read
from lstm_core.network import Network, load_model
from lstm_core.say import say

MODELS = {"lstm": "anbn-lstm", "gru": "anbn-gru"}
SHOWN = 60  # n of the string whose counter is drawn


def correlations(model: Network) -> np.ndarray:
    """By unit, how closely its memory follows the a's less the b's so far, in strings as long as in training."""
    held, count = counts(model)
    return np.nan_to_num([abs(np.corrcoef(column, count)[0, 1]) for column in held.T])


def line(model: Network) -> list[float]:
    """The memory of the unit that counts best, after every letter of one string longer than any in training."""
    unit = correlations(model).argmax()
    return [float(value) for value in read(model, [string(model, SHOWN)])[memory(model)][:, 0, unit]]


class CountingFar(Experiment):
    name = "counting"
    title = "An LSTM counts further than a GRU"
    claim = "An LSTM learns to count in one cell and goes on beyond its training; a GRU breaks off soon after."
    source = "Weiss, Goldberg & Yahav 2018; against it arXiv 2211.16429"
    models = tuple(MODELS.values())
    targets = (
        Target("lstm_right_to", f"LSTM: a^n b^n right to n (trained to {LONGEST})", 90),
        Target("lstm_right_to", "LSTM less GRU: right to n", 5, over="least", less="gru_right_to"),
        Target("lstm_counter", "LSTM: correlation of one cell with the count, worst seed", 0.999, over="least"),
    )
    look = (
        "The length at which each seed breaks is the point: networks of six units with the same training stop counting "
        "at very different n, because a step up at every a and a step down at every b have to be of one size to many "
        "digits. The GRU's memory stays between −1 and 1, so the longer it counts the smaller its steps must be."
    )
    disproof = "A GRU of this size that goes on to n = 60, or LSTMs that all break where training ended."
    tries = (
        Try("a" * 20 + "b" * 20, MODELS["lstm"], MODELS["gru"], "One unit climbs and comes down in equal steps.",
            shows="counter"),
        Try("a" * 60 + "b" * 60, MODELS["lstm"], MODELS["gru"], "Longer than in training: when is the stop due?",
            shows="counter"),
        Try("a" * 8 + "b" * 7, MODELS["lstm"], MODELS["gru"], "One b is missing: both should expect it.",
            shows="counter"),
    )  # fmt: skip
    minutes = 1.0
    tolerance = 0.001
    words = {
        "gru_right_to": say("GRU: a^n b^n right to n"),
        "gru_counter": say("GRU: correlation of one cell with the count"),
    }
    order = 30

    def measure(self, progress: Progress = silent) -> Measurement:
        models = {key: load_model(name) for key, name in MODELS.items()}
        seeds, broken = from_header(models, "breaks_at")
        _, followed = from_header(models, "correlation")
        figures = {}
        for key, model in zip(models, watch(list(models.values()), progress, say("models")), strict=True):
            blank = [model.untrained(seed) for seed in range(5)]
            to = tuple(None if n is None else n - 1 for n in broken[key])
            figures[f"{key}_right_to"] = Figure(to, breaks_at(model) - 1, tuple(breaks_at(one) - 1 for one in blank))
            best, *rest = (float(correlations(one).max()) for one in (model, *blank))
            figures[f"{key}_counter"] = Figure(followed[key], best, tuple(rest))
        notes = (
            trained_on(*models.values()),
            f"Every n from 1 to {MEASURED} is tried; the length at which a seed breaks is the first n it gets wrong. "
            "Of each network the seed that counted furthest is shipped.",
            "There is one string of each length, so the check measures the same strings again.",
        )
        return Measurement(seeds, figures, {key: line(model) for key, model in models.items()}, notes)

    def short(self, results: Measurement) -> str:
        far = self.targets[0].bound
        said: dict[str, object] = {"far": far, "count": len(results.seeds)}
        for key in MODELS:
            figure = results.figures[f"{key}_right_to"]
            said[f"{key}s"] = sum(n is not None and n >= far for n in figure.seeds)
            said[key] = figure.value()
        return say(
            "Networks that count to {far} or further: {lstms} of {count} LSTMs, {grus} of {count} GRUs. The median "
            "LSTM gets to {lstm}, the median GRU to {gru}.",
            **said,
        )

    def remeasure(self) -> Mapping[str, float]:
        models = {key: load_model(name) for key, name in MODELS.items()}
        return {f"{key}_right_to": float(breaks_at(model) - 1) for key, model in models.items()} | {
            f"{key}_counter": float(correlations(model).max()) for key, model in models.items()
        }

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        seeds = [say("seed {seed}", seed=seed) for seed in results.seeds]
        far = [Series(key.upper(), seeds, results.figures[f"{key}_right_to"].seeds, color=key) for key in MODELS]
        steps = list(range(1, 2 * SHOWN + 1))
        lines = [Series(key.upper(), steps, results.data[key], color=key) for key in MODELS]
        return [
            Drawing("bars", say("How far each seed counts"), "", say("right to n"), far,
                    limits=[(LONGEST, say("end of training"))]),
            Drawing("lines", say("The counting unit's memory in a^{n} b^{n}", n=SHOWN), say("letters read"),
                    say("c of the LSTM, h of the GRU"), lines),
        ]  # fmt: skip


EXPERIMENT = CountingFar()
