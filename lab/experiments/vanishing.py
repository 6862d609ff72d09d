"""How an error fades on its way back: the plain RNN, the LSTM and the GRU, before and after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

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
    silent,
    spread,
)
from lab.experiments.texts import for_model
from lstm_core.analysis import flow
from lstm_core.network import Network, load_model
from lstm_core.say import say
from lstm_core.trace import Trace

SEEDS = (0, 1, 2, 3, 4)
HIDDEN = {"rnn": 32, "lstm": 16, "gru": 19}  # about as many recurrent parameters
SHIPPED = {"rnn": "pronouns-rnn", "lstm": "pronouns-lstm", "gru": "pronouns-gru"}
LAG, STEPS, BATCH = 30, 300, 16
FLOOR = 1e-12


def norms(trace: Trace) -> np.ndarray:
    """(distance,): the norm of dh_T/dh_{T-d} relative to d = 0, T the last step; of the carried memory where there is
    one beside h."""
    state = "c" if "c" in trace.cell.states() else trace.cell.output
    found = flow(trace, len(trace) - 1, state)
    return np.maximum(found.norm[::-1] / found.identity, FLOOR)


def slope(found: np.ndarray) -> float:
    """The change of log10 of the norm per step: the slope of a straight line through it."""
    return float(np.polyfit(np.arange(len(found)), np.log10(found), 1)[0])


class Vanishing(Experiment):
    name = "vanishing-gradient"
    title = "Gradients vanish in the plain RNN"
    claim = "The error that reaches a word shrinks by a constant factor a step in the plain RNN; gates can stop that."
    source = "Bengio, Simard & Frasconi 1994; Hochreiter & Schmidhuber 1997"
    models = tuple(SHIPPED.values())
    targets = (
        Target("rnn_trained", "slope after training, RNN (log10 a step)", -0.05, at_least=False, built_in=True),
        Target("lstm_trained", "slope after training, LSTM", -0.01),
        Target("gru_trained", "slope after training, GRU", -0.01),
    )
    shaped = PRICED
    look = (
        "How strongly the memory at the end depends on the memory so many steps before, on a logarithmic scale: a "
        "straight line downwards is a constant factor a step. Before training all three fall. Training on a task with "
        "a lag bends the gated networks' lines upwards in every seed, since a forget gate can be driven to 1. The "
        "plain network's spread is wide: seeds that learned the task after all tend to end with a flat line too, those "
        "that did not with a steep one. With random weights it is steep as well. And a plain network can hold a letter "
        "while its line falls: it then sits in an attractor, which no small change of the letter moves (Bengio et al.)."
    )
    disproof = "A plain RNN that was trained on the same strings and whose line is as flat as the LSTM's."
    tries = (
        Try("Mary was hungry. It rained all day and the bus was late because the road was long. Then",
            "pronouns-lstm", "pronouns-rnn", "On the page Gradients the three lines stand beside each other."),
    )  # fmt: skip
    minutes = 3.0
    tolerance = 0.15
    words = {f"{cell}_shipped": say("slope, {name}", name=name) for cell, name in SHIPPED.items()}
    order = 120

    def measure(self, progress: Progress = silent) -> Measurement:
        from lab.learning import small

        curves: dict[str, dict[str, list[list[float]]]] = {}
        slopes: dict[str, dict[str, list[float]]] = {}
        learned: dict[str, list[float]] = {}
        jobs = [(cell, seed) for cell in HIDDEN for seed in SEEDS]
        for k, (cell, seed) in enumerate(jobs):

            def watched(
                step: int, k: int = k, says: str = say("{cell}, seed {seed}", cell=cell.upper(), seed=seed)
            ) -> None:
                progress((k + step / STEPS) / len(jobs), says)

            one = small.network(cell, HIDDEN[cell], seed)
            ids = small.strings(np.random.default_rng(CHECK_SEED + seed), 1, LAG)[:-1]
            for when in ("untrained", "trained"):
                found = norms(small.trace_of(one, ids[:, 0]))
                curves.setdefault(cell, {}).setdefault(when, []).append(found.tolist())
                slopes.setdefault(cell, {}).setdefault(when, []).append(slope(found))
                if when == "untrained":
                    rate = 3e-3 if cell == "rnn" else 1e-2
                    # The lag grows, so that every cell has its chance.
                    grown = lambda step: min(LAG, 1 + round(1.5 * LAG * step / STEPS))  # noqa: E731
                    right = small.train(one, seed, STEPS, grown, batch=BATCH, learning_rate=rate, each=watched)[1]
                    learned.setdefault(cell, []).append(right)
        figures = {}
        for cell in HIDDEN:
            figures[f"{cell}_trained"] = Figure(tuple(slopes[cell]["trained"]), None, tuple(slopes[cell]["untrained"]))
            figures[f"{cell}_right"] = Figure(tuple(learned[cell]), None, (1 / small.LETTERS,))
            figures[f"{cell}_shipped"] = Figure((), shipped_slope(cell, 0))
        says = ", ".join(f"{cell.upper()} {np.median(learned[cell]):.2f}" for cell in HIDDEN)
        both = zip(learned["rnn"], slopes["rnn"]["trained"], strict=True)
        each = ", ".join(f"{right:.2f} and {found:+.3f}" for right, found in both).replace("-", "\N{MINUS SIGN}")
        notes = (
            f"One letter kept over a lag that grows to {LAG}, {STEPS} steps; right in the end, median of the seeds: "
            f"{says}. RNN, seed by seed, right and slope: {each}.",
            "The lines are of c for the LSTM and of h for the others; below 10^-12 nothing is told apart.",
        )
        return Measurement(SEEDS, figures, {"curves": curves}, notes)

    def remeasure(self) -> Mapping[str, float]:
        return {f"{cell}_shipped": shipped_slope(cell, CHECK_SEED) for cell in SHIPPED}

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        drawings = []
        for when, title in (("trained", say("Trained networks")), ("untrained", say("Untrained networks"))):
            series = []
            for cell in HIDDEN:
                rows = results.data["curves"][cell][when]
                series.append(spread(cell.upper(), list(range(len(rows[0]))), rows, cell))
            axes = (say("steps back"), say("size, the last being 1"))
            drawings.append(Drawing("lines", title, *axes, series, log_y=True))
        return drawings


def shipped_slope(cell: str, seed: int) -> float:
    """The slope in a shipped model on a held-out text."""
    model: Network = load_model(SHIPPED[cell])
    tokens = model.tokenizer.encode(for_model(model, seed, 45))[:45]
    return slope(norms(model.run(tokens, device="cpu")))


EXPERIMENT = Vanishing()
