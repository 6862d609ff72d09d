"""Three letters, a lag, and the same three letters again."""

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
    Target,
    Try,
    from_header,
    silent,
    spread,
    watch,
)
from lab.experiments.headers import curves, places, trained_on
from lab.tasks.copying import ASK, BLANK, probes
from lab.tasks.rows import answers_right
from lstm_core.network import Network, load_model
from lstm_core.say import say

MODELS = {"lstm": "copy-lstm", "gru": "copy-gru", "rnn": "copy-rnn"}
COUNT = 1000


def right(model: Network, lag: int, seed: int, count: int = COUNT) -> float:
    return answers_right(model, probes(seed, count, lag))


class Copy(Experiment):
    name = "copy"
    title = "Copying three letters over a lag"
    claim = "LSTM and GRU still know three letters after a lag at which a plain RNN of their size has lost them."
    source = "Hochreiter & Schmidhuber 1997"
    models = tuple(MODELS.values())
    targets = (
        Target("lstm_60", "LSTM: all three letters right after 60 dots", 0.95),
        Target("gru_60", "GRU: all three letters right after 60 dots", 0.95),
        Target("lstm_40", "LSTM less RNN: all three letters right after 40 dots", 0.5, less="rnn_40"),
        Target("gru_40", "GRU less RNN: all three letters right after 40 dots", 0.5, less="rnn_40"),
    )
    shaped = PRICED
    look = (
        "A string counts as right if all three letters come back in their order. The networks have about as many "
        "recurrent parameters, learned from the same strings with at most 40 dots, few at first, and are measured to "
        "200."
    )
    disproof = "A plain RNN of this size that copies over 40 dots after the same training."
    tries = (
        Try("daf" + BLANK * 40 + ASK, MODELS["lstm"], MODELS["rnn"], "Which letter does each expect after the ?"),
        Try("bec" + BLANK * 40 + ASK + "be", MODELS["lstm"], MODELS["gru"], "Who writes at letters, keeps at dots?"),
        Try("gab" + BLANK * 100 + ASK + "ga", MODELS["lstm"], MODELS["gru"], "A lag that neither was trained on."),
    )  # fmt: skip
    minutes = 1.0
    tolerance = 0.05
    words = {
        "lstm_40": say("LSTM: all three letters right after 40 dots"),
        "gru_40": say("GRU: all three letters right after 40 dots"),
        "rnn_40": say("RNN: all three letters right after 40 dots"),
        "rnn_60": say("RNN: all three letters right after 60 dots"),
    }
    order = 20

    def measure(self, progress: Progress = silent) -> Measurement:
        models = {key: load_model(name) for key, name in MODELS.items()}
        figures: dict[str, Figure] = {}
        seeds: tuple[int, ...] = ()
        for lag in (40, 60):
            seeds, found = from_header(models, f"lag_{lag}")
            for key, model in zip(
                models, watch(list(models.values()), progress, say("lag {lag}", lag=lag)), strict=True
            ):
                blank = tuple(right(model.untrained(seed), lag, CHECK_SEED - 2, 200) for seed in range(5))
                figures[f"{key}_{lag}"] = Figure(found[key], right(model, lag, CHECK_SEED - 1), blank)
        data = {key: curves(model, "by_lag") for key, model in models.items()}
        notes = (trained_on(*models.values()), f"The shipped file is measured again on {COUNT} other strings.")
        return Measurement(seeds, figures, {"lags": places(models["lstm"], "by_lag"), "curves": data}, notes)

    def remeasure(self) -> Mapping[str, float]:
        return {
            f"{key}_{lag}": right(load_model(name), lag, CHECK_SEED, 400)
            for key, name in MODELS.items()
            for lag in (40, 60)
        }

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        lags, rows = results.data["lags"], results.data["curves"]
        series = [spread(key.upper(), lags, rows[key], key) for key in MODELS]
        return [
            Drawing("lines", say("All three letters right by lag"),
                    say("dots between the letters and the question mark"), say("share right"), series,
                    y_range=(0.0, 1.02), limits=[(0.95, say("target at {place}", place=60))]),
        ]  # fmt: skip


EXPERIMENT = Copy()
