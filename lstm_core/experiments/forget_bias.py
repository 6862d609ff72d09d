"""How a forget gate should start: bias 0, 1, 3, or drawn for the lag (chrono)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lstm_core.experiments.base import (
    Drawing,
    Experiment,
    Figure,
    Measurement,
    Progress,
    Target,
    Try,
    silent,
    spread,
)

SEEDS = (0, 1, 2, 3, 4)
STARTS: dict[str, float | str] = {"0": 0.0, "1": 1.0, "3": 3.0, "chrono": "chrono"}
TASKS = {"one letter": 1, "three letters": 3}
LAGS = {"one letter": (20, 50, 200), "three letters": (200,)}
HIDDEN, BATCH, LEARNING_RATE = 16, 16, 3e-2
STEPS = 1200
GOAL = 0.95


def one_run(start: float | str, seed: int, lag: int, letters: int, steps: int, progress=lambda step: None):
    """(steps to 95 % right, or ``steps`` if it never was; share right at the end) of one network."""
    from lstm_core.training import small

    one = small.network("lstm", HIDDEN, seed)
    small.start_forget_gate(one, start, lag, seed)
    reached, right = small.train(one, seed, steps, lag, letters, BATCH, LEARNING_RATE, GOAL, each=progress)
    return (steps if reached is None else reached), right


class ForgetBias(Experiment):
    name = "forget-bias"
    title = "How the forget gate should start"
    claim = "A forget gate that starts open (bias 1) learns long lags sooner than one that starts half shut (0)."
    source = "Jozefowicz et al. 2015; chrono: Tallec & Ollivier 2018"
    targets = (
        Target("one letter_20_0_less_1", "one letter, lag 20: steps that bias 1 saves over bias 0", 1),
        Target("one letter_50_0_less_1", "one letter, lag 50: steps that bias 1 saves over bias 0", 1),
        Target("one letter_200_1_less_chrono", "one letter, lag 200: steps that chrono saves over bias 1", 1),
        Target("one letter_200_0_less_1", "one letter, lag 200: steps that bias 1 saves over bias 0", 1),
        Target("three letters_200_1_less_chrono", "three letters, lag 200: steps that chrono saves over bias 1", 1),
    )
    look = (
        f"Steps of training until {GOAL:.0%} of new strings are right; {STEPS} means not within {STEPS}. The network "
        "reads "
        "a letter (or three), then so many dots, then a question mark, and has to say the letters: a country and its "
        "language in miniature. The gradient that has to reach the letter shrinks by f at every dot: by 0.5 a step "
        "at bias 0, by 0.73 at 1, by 0.95 at 3; chrono spreads the biases so that some units keep for the whole lag."
    )
    disproof = "Bias 0 as fast as bias 1 where either learns, or chrono no faster than a fixed bias at 200."
    tries = (
        Try(
            "daf........................................?da", "copy-lstm", "copy-gru", "These were trained with bias 1."
        ),
    )
    minutes = 15.0
    tolerance = 0.0
    order = 90

    def measure(self, progress: Progress = silent) -> Measurement:
        data: dict[str, dict[str, dict[str, list[list[float]]]]] = {}
        figures: dict[str, Figure] = {}
        jobs = [(task, lag, start, seed) for task in TASKS for lag in LAGS[task] for start in STARTS for seed in SEEDS]
        total, done = sum(lag for _, lag, *_ in jobs), 0
        for task, lag, start, seed in jobs:

            def watched(
                step: int, done: int = done, lag: int = lag, says: str = f"{task}, lag {lag}, bias {start}"
            ) -> None:
                progress((done + lag * step / STEPS) / total, says)

            steps, right = one_run(STARTS[start], seed, lag, TASKS[task], STEPS, watched)
            rows = data.setdefault(task, {}).setdefault(str(lag), {}).setdefault(start, [[], []])
            rows[0].append(steps)
            rows[1].append(right)
            done += lag
        for task, lags in data.items():
            for lag, starts in lags.items():
                for start, (steps, right) in starts.items():
                    figures[f"{task}_{lag}_{start}"] = Figure(tuple(steps))
                    figures[f"{task}_{lag}_{start}_right"] = Figure(tuple(right), None, (1 / 8 ** TASKS[task],))
                for slow, fast in (("0", "1"), ("1", "chrono")):
                    saved = (a - b for a, b in zip(starts[slow][0], starts[fast][0], strict=True))
                    figures[f"{task}_{lag}_{slow}_less_{fast}"] = Figure(tuple(saved))
        notes = (
            f"LSTM of {HIDDEN} units, batches of {BATCH}, Adam at {LEARNING_RATE:g}, at most {STEPS} steps, the lag "
            "the same from the first step on; an untrained network is right in one of 8 (one letter) or 512 (three).",
            "These networks are trained for the measurement and not shipped.",
        )
        return Measurement(SEEDS, figures, data, notes)

    def remeasure(self) -> Mapping[str, float]:
        """Nothing is shipped; at a short lag bias 1 must still be at least as quick as bias 0."""
        return {}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        drawings = []
        for kind, axis, top in (
            (0, "steps to 95 % right", STEPS),
            (1, f"share right after {STEPS} steps at most", 1.0),
        ):
            names = [f"{task}, lag {lag}" for task in results.data for lag in results.data[task]]
            series = []
            for start in STARTS:
                rows = [results.data[task][lag][start][kind] for task in results.data for lag in results.data[task]]
                says = "chrono" if start == "chrono" else f"bias {start}"
                series.append(spread(says, names, list(zip(*rows, strict=True))))
            drawings.append(
                Drawing("bars", axis.capitalize(), "", axis, series, y_range=(0, top * 1.03))
            )  # fmt: skip
        return drawings


EXPERIMENT = ForgetBias()
