"""What was said long ago: the plain RNN loses it over the gap, LSTM and GRU carry it along."""

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
from lab.tasks.country import probes
from lab.tasks.rows import answers_right
from lstm_core.network import Network, load_model
from lstm_core.say import say

MODELS = {"lstm": "country-lstm", "gru": "country-gru", "rnn": "country-rnn", "direct": "country-rnn-direct"}
NAMES = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN", "direct": say("RNN, no curriculum")}
GAP, COUNT = 100, 500
LONG = (
    "I was born in Japan. It rained all day. The road to the sea was long. Music came from the house. The train came "
    "late. Nobody was at the station. The sun was warm. The doors of the church were open. The dog ran to the river. "
    "It is cold in the mountain. Everything was quiet. The bus was late. Snow fell on the bridge. At home we speak"
)


def right(model: Network, seed: int, count: int = COUNT) -> float:
    return answers_right(model, probes(model, seed, count, GAP))


class ConveyorBelt(Experiment):
    name = "conveyor-belt"
    title = "I grew up in France ... I speak fluent French"
    claim = "Over a long gap a plain RNN loses what it was told; LSTM and GRU carry it along like a conveyor belt."
    source = "Olah 2015; Bengio, Simard & Frasconi 1994"
    models = tuple(MODELS.values())
    targets = (
        Target("lstm", "LSTM: right language 100 words later", 0.99),
        Target("gru", "GRU: right language 100 words later", 0.99),
        Target("lstm_over_rnn", "LSTM better than the RNN there by", 0.2),
        Target("gru_over_rnn", "GRU better than the RNN there by", 0.2),
    )
    shaped = PRICED
    look = (
        "All networks have about as many recurrent parameters and learned from the same texts, with at most 40 words "
        "between country and language. The curves go on to 400. The RNN comes twice: with gaps that grow in the course "
        "of the training, as for LSTM and GRU, and with all gaps from the first step on. That the RNN fails depends on "
        "how it is trained; a curriculum helps it a good deal."
    )
    disproof = "An RNN of the same size, trained on the same texts, that is as good as the LSTM at a gap of 100 words."
    tries = (
        Try(LONG, MODELS["lstm"], MODELS["rnn"], "Both put Japanese first. How sure of it is each at the end?"),
        Try(
            "My family is from Greece, and I speak Greek. Then I lived in Norway for many years. I often dream in",
            MODELS["lstm"],
            MODELS["gru"],
            "A second country has to drive out the first one: look where the keep gates close.",
        ),
        Try(
            "I grew up in Iceland. I speak fluent",
            MODELS["lstm"],
            MODELS["gru"],
            "Iceland is not among the 28 countries that they know.",
        ),
    )
    minutes = 1.0
    tolerance = 0.05
    words = {
        "rnn": say("RNN: right language 100 words later"),
        "direct": say("RNN, no curriculum: right language 100 words later"),
    }
    order = 10

    def measure(self, progress: Progress = silent) -> Measurement:
        models = {key: load_model(name) for key, name in MODELS.items()}
        seeds, found = from_header(models, "gap_100")
        figures = {}
        for key, model in zip(models, watch(list(models.values()), progress, say("models")), strict=True):
            blank = tuple(right(model.untrained(seed), CHECK_SEED - 2, 100) for seed in range(5))
            figures[key] = Figure(found[key], right(model, CHECK_SEED - 1), blank)
        for key in ("lstm", "gru"):
            pairs = zip(found[key], found["rnn"], strict=True)
            gaps = tuple(None if a is None or b is None else a - b for a, b in pairs)
            blanks = zip(figures[key].untrained, figures["rnn"].untrained, strict=True)
            figures[f"{key}_over_rnn"] = Figure(
                gaps, (figures[key].shipped or 0) - (figures["rnn"].shipped or 0), tuple(a - b for a, b in blanks)
            )
        data = {key: curves(model, "by_gap") for key, model in models.items()}
        notes = (
            trained_on(*models.values()),
            f"The shipped file is measured again on {COUNT} other texts. Chance is 1 in 24.",
        )
        return Measurement(seeds, figures, {"gaps": places(models["lstm"], "by_gap"), "curves": data}, notes)

    def remeasure(self) -> Mapping[str, float]:
        return {key: right(load_model(name), CHECK_SEED, 200) for key, name in MODELS.items()}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        gaps, rows = results.data["gaps"], results.data["curves"]
        series = [
            spread(NAMES[key], gaps, rows[key], "rnn" if key == "direct" else key, dash=key == "direct")
            for key in MODELS
        ]
        return [
            Drawing("lines", say("Right language by gap"), say("words between country and language"),
                    say("share right"), series, y_range=(0.0, 1.02),
                    limits=[(0.99, say("target at {place}", place=100))]),
        ]  # fmt: skip


EXPERIMENT = ConveyorBelt()
