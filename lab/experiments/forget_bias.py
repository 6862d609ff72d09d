"""How a forget gate should start: bias 0, 1, 3, or drawn for the lag (chrono)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lab.experiments.base import (
    NEITHER,
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Target,
    Try,
    silent,
    sooner,
    spread,
)
from lstm_core.say import say

SEEDS = (0, 1, 2, 3, 4)
STARTS: dict[str, float | str] = {"0": 0.0, "1": 1.0, "3": 3.0, "chrono": "chrono"}
FAR = ("1", "chrono")
"""At lags at which bias 0 never gets there in the steps that there are, only these are asked."""
GOAL = 0.95
Watch = Callable[[int], None]


class Letters:
    """Letters that are kept over a lag of dots."""

    steps, untrained = 1200, 1 / 8
    lags: Mapping[int, Sequence[str]] = {5: tuple(STARTS), 8: tuple(STARTS), 10: tuple(STARTS), 50: FAR, 200: FAR}
    letters = 1
    hidden, batch, learning_rate = 16, 16, 3e-2
    says = "LSTM of 16 units, batches of 16, Adam at 0.03, at most 1200 steps"

    def run(self, start: float | str, seed: int, lag: int, each: Watch) -> tuple[int | None, float]:
        """(first step at which 95 % were right, or None; share right at the end) of one network."""
        from lab.learning import small

        one = small.network("lstm", self.hidden, seed)
        small.start_forget_gate(one, start, lag, seed)
        return small.train(one, seed, self.steps, lag, self.letters, self.batch, self.learning_rate, GOAL, each=each)


class ThreeLetters(Letters):
    steps, lags, untrained, letters = 3000, {200: FAR}, 1 / 8**3, 3
    says = "The same for three letters, at most 3000 steps"


class CountryTask:
    """The texts of `lab.tasks.country`, always so many words between country and language."""

    steps, untrained = 3000, 1 / 24
    lags: Mapping[int, Sequence[str]] = {10: tuple(STARTS), 20: FAR, 40: FAR}
    batch, learning_rate = 32, 1e-2
    says = "LSTM of 24 units, batches of 32, Adam at 0.01, at most 3000 steps; only the language counts in the loss"

    def run(self, start: float | str, seed: int, lag: int, each: Watch) -> tuple[int | None, float]:
        import torch

        from lab.learning import small
        from lab.recipes.country import Country
        from lab.tasks.country import probes
        from lab.tasks.rows import answers_right, padded
        from lstm_core.cells import CELLS

        task = Country(CELLS["lstm"])
        torch.manual_seed(seed)
        one = task.network()
        small.start_forget_gate(one, start, lag, seed)
        held_out = probes(one.model("", task.tokenizer(), {}), 10_000 + seed, 100, lag)
        draw = np.random.default_rng(seed)

        def rows(step: int) -> tuple[np.ndarray, np.ndarray]:
            texts = [task.writing.row(draw, lag) for _ in range(self.batch)]
            ids = padded([text.ids for text in texts])
            where = np.zeros(ids.shape, bool)
            for column, text in enumerate(texts):
                where[text.answers, column] = True
            return ids, where[1:]

        def score() -> float:
            return answers_right(one.model("", task.tokenizer(), {}), held_out)

        return small.learn(one, rows, score, self.steps, self.learning_rate, GOAL, 50, each)


TASKS = {"country": CountryTask(), "one letter": Letters(), "three letters": ThreeLetters()}
NAMES = {"country": say("country"), "one letter": say("one letter"), "three letters": say("three letters")}


class ForgetBias(Experiment):
    name = "forget-bias"
    title = "How the forget gate should start"
    claim = "A forget gate that starts open (bias 1) learns sooner than one that starts half shut (0)."
    source = "Jozefowicz et al. 2015; chrono: Tallec & Ollivier 2018"
    targets = (
        Target("one letter_5_1_before_0", "one letter, lag 5: bias 1 solves it before bias 0", 0.9),
        Target("one letter_8_1_before_0", "one letter, lag 8: bias 1 solves it before bias 0", 0.9),
        Target("one letter_10_1_before_0", "one letter, lag 10: bias 1 solves it before bias 0", 0.9),
        Target("country_10_1_before_0", "country, 10 words between: bias 1 solves it before bias 0", 0.9),
        Target("one letter_50_chrono_before_1", "one letter, lag 50: chrono solves it before bias 1", 0.9),
        Target("one letter_200_chrono_before_1", "one letter, lag 200: chrono solves it before bias 1", 0.9),
        Target("country_20_chrono_before_1", "country, 20 words between: chrono solves it before bias 1", 0.9),
        Target("country_40_chrono_before_1", "country, 40 words between: chrono solves it before bias 1", 0.9),
        Target("three letters_200_chrono_before_1", "three letters, lag 200: chrono solves it before bias 1", 0.9),
    )
    look = (
        f"Steps of training until {GOAL:.0%} of new texts are right; a bar that reaches the limit did not get there. "
        "Asked is how often a seed of the one start solves a task before a seed of the other; two that never do "
        "count half. Lags are near 1 / (1 \N{MINUS SIGN} f), where it matters. "
        "Country: a text says where somebody grew up, and so many words later which language is spoken. Letters: the "
        "network reads a letter (or three), then so many dots, then a question mark, and has to say the letters. The "
        "gradient that has to reach the country or the letter shrinks by f at every step: by 0.5 at bias 0, by 0.73 "
        "at 1, by 0.95 at 3; chrono spreads the biases so that some units keep for the whole lag."
    )
    disproof = "Bias 0 as fast as bias 1 where either learns, or chrono no faster than a fixed bias at 200."
    tries = (
        Try(
            "I was born in Japan. It rained all day. The road to the sea was long. At home we speak",
            "country-lstm",
            "country-gru",
            "These were trained with bias 1, and close together at first.",
        ),
        Try(
            "daf........................................?da", "copy-lstm", "copy-gru", "These were trained with bias 1."
        ),
    )
    minutes = 12.0
    tolerance = 0.0
    order = 90

    def measure(self, progress: Progress = silent) -> Measurement:
        data: dict[str, dict[str, dict[str, list[list[float | None]]]]] = {}
        figures: dict[str, Figure] = {}
        jobs = [
            (name, lag, start, seed)
            for name, task in TASKS.items()
            for lag, starts in task.lags.items()
            for start in starts
            for seed in SEEDS
        ]
        total, done = sum(lag * TASKS[name].steps for name, lag, *_ in jobs), 0
        for name, lag, start, seed in jobs:
            task = TASKS[name]

            def watched(
                step: int,
                done: int = done,
                lag: int = lag,
                says: str = say("{task}, lag {lag}, bias {bias}", task=NAMES[name], lag=lag, bias=start),
            ) -> None:
                progress((done + lag * step) / total, says)

            reached, right = task.run(STARTS[start], seed, lag, watched)
            rows = data.setdefault(name, {}).setdefault(str(lag), {}).setdefault(start, [[], []])
            rows[0].append(reached)
            rows[1].append(right)
            done += lag * task.steps
        for name, lags in data.items():
            for lag, starts in lags.items():
                for start, (steps, right) in starts.items():
                    figures[f"{name}_{lag}_{start}"] = Figure(tuple(steps))
                    figures[f"{name}_{lag}_{start}_right"] = Figure(tuple(right), None, (TASKS[name].untrained,))
                for slow, fast in (("0", "1"), ("1", "chrono")):
                    if slow in starts:
                        pairs = sooner(starts[fast][0], starts[slow][0])
                        figures[f"{name}_{lag}_{fast}_before_{slow}"] = Figure(pairs, None, NEITHER)
        notes = (
            *(f"{name.capitalize()}: {task.says}." for name, task in TASKS.items()),
            "The lag is the same from the first step on. An untrained network is right in about one of 24 (country), "
            "8 (one letter) or 512 (three).",
            "These networks are trained for the measurement and not shipped.",
        )
        return Measurement(SEEDS, figures, data, notes)

    def short(self, results: Measurement) -> str:
        met = {target.figure: target.met(target.value(results.figures)) for target in self.targets}
        one, chrono = ([met[name] for name in met if name.endswith(end)] for end in ("_before_0", "_before_1"))
        return say(
            "Bias 1 was sooner than bias 0 in {one} of {ones} tasks, chrono than bias 1 in {chrono} of {chronos}.",
            one=sum(one),
            ones=len(one),
            chrono=sum(chrono),
            chronos=len(chrono),
        )

    def remeasure(self) -> Mapping[str, float]:
        """Nothing is shipped; at a short lag bias 1 must still be at least as quick as bias 0."""
        return {}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        def bars(kind: int, tasks: Sequence[str], title: str, axis: str, top: float) -> Drawing:
            places = [(task, lag) for task in tasks for lag in results.data[task]]
            names = [say("{task}, lag {lag}", task=NAMES[task], lag=lag) for task, lag in places]
            series = []
            for start in STARTS:
                says = "chrono" if start == "chrono" else say("bias {bias}", bias=start)
                rows = [column(results.data[task][lag].get(start), kind, TASKS[task].steps) for task, lag in places]
                series.append(spread(says, names, list(zip(*rows, strict=True))))
            return Drawing("bars", title, "", axis, series, y_range=(0, top * 1.03))

        letters = [name for name in TASKS if name != "country"]
        steps = say("Steps to 95 % right"), say("steps to 95 % right")
        return [
            bars(0, ["country"], *steps, TASKS["country"].steps),
            bars(0, letters, *steps, TASKS["three letters"].steps),
            bars(1, list(TASKS), say("Share right at the end"), say("share right at the end"), 1.0),
        ]


def column(found: Sequence[Sequence[float | None]] | None, kind: int, limit: int) -> list[float | None]:
    """The steps (0) or shares (1) of the seeds, a seed that did not get there at the limit; gaps where the start was
    not tried."""
    if found is None:
        return [None] * len(SEEDS)
    return [limit if value is None else value for value in found[kind]]


EXPERIMENT = ForgetBias()
