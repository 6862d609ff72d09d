"""Which variant is best, and do the differences matter? All cells, Greff's ablations and Jozefowicz's mutants."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from lab.experiments.base import Drawing, Experiment, Figure, Measurement, Progress, Series, Target, silent
from lab.experiments.ranks import interval, mean_ranks
from lab.experiments.record import FOLDER
from lstm_core.cells import CELLS, VARIANTS
from lstm_core.cells import cell as find
from lstm_core.say import say

SEEDS = tuple(range(10))
RATES = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
HIDDEN = 16  # of the LSTM; the others have as many units as make about as many parameters
BATCH, POOL, HELD_OUT = 16, 8192, (0, 200, 400)
STEPS = {"copying": 300, "counting": 200, "country": 400, "agreement": 150, "pronouns": 100, "novels": 300}
WORST = 20.0
"""Bits of a network whose numbers went out of bounds."""
FINE = 0.01
"""Bits: scores are rounded to it, so that what differs by less shares a rank."""
WORSE = 0.1
"""Bits: what is worse by less is not called worse; untrained networks of two cells differ by some hundredths."""
NAMES = {
    "copying": say("copying"),
    "counting": say("counting"),
    "country": say("country"),
    "agreement": say("agreement"),
    "pronouns": say("pronouns"),
    "novels": say("characters of novels"),
}
ABLATIONS = {
    "no_input_gate": "NIG",
    "no_forget_gate": "NFG",
    "no_output_gate": "NOG",
    "no_input_activation": "NIAF",
    "no_output_activation": "NOAF",
    "coupled_peephole": "CIFG",
    "lstm": "NP = LSTM",
    "full_gate_recurrence": "FGR",
}
"""Greff's eight, by the letters of the paper. Without peepholes the vanilla LSTM is the LSTM of today."""
VANILLA = "peephole"
MUTANTS = ("mut1", "mut2", "mut3")
COMPARED = (*CELLS, *(name for name in (*ABLATIONS, *MUTANTS) if name in VARIANTS))
LABELS = {name: find(name).title for name in COMPARED} | ABLATIONS | {VANILLA: say("vanilla LSTM")}
UNFINISHED = FOLDER / "variants.unfinished"


def rows_of(array: np.ndarray, networks: int) -> Any:
    """(text, ...) of all seeds, one seed's texts after another's, as (..., network, text) in torch."""
    import torch

    by_seed = array.reshape(len(SEEDS), -1, array.shape[-1])
    return torch.from_numpy(np.tile(by_seed, (networks // len(SEEDS), 1, 1)).transpose(2, 0, 1).copy())


def trained(cell: str, task: str, steps: int, each=lambda step: None) -> dict[str, Any]:
    """All seeds at all rates on one task: bits an answer and share of texts right, by seed at the rate that was chosen.

    The rate is the one with the lowest median bits on texts kept for that; bits and shares are of other texts.
    """
    import torch

    from lab.learning.loop import threads
    from lab.learning.many import EMBEDDING, Many
    from lab.learning.sizes import equal_size
    from lab.tasks.answering import TASKS

    answering = TASKS[task]()
    pool, choosing, measuring = (
        answering.make(np.random.default_rng(held_out), HELD_OUT[held_out] or POOL, held_out) for held_out in range(3)
    )
    hidden = equal_size(find(cell), HIDDEN, EMBEDDING)
    networks = Many(find(cell), hidden, answering.vocabulary, answering.classes, SEEDS, RATES)
    count = len(SEEDS) * len(RATES)

    def measured(texts: Any) -> tuple[np.ndarray, np.ndarray]:
        """(rate, seed): bits and shares."""
        with torch.no_grad():
            ids, places, answers = (
                torch.from_numpy(np.broadcast_to(a.T[:, None], (a.shape[1], count, len(a))).copy())
                for a in (texts.ids, texts.places, texts.answers)
            )
            nats, right = (found.view(len(RATES), -1).numpy() for found in networks.losses(ids, places, answers))
        return np.nan_to_num(nats / math.log(2), nan=WORST).clip(max=WORST), right

    with threads():
        untrained = measured(measuring)[0][0]
        draws = [np.random.default_rng(seed) for seed in SEEDS]
        for step in range(1, steps + 1):
            each(step)
            texts = pool.of(np.concatenate([draw.integers(0, POOL, BATCH) for draw in draws]))
            falling = 0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2
            ids, places, answers = (rows_of(a, count) for a in (texts.ids, texts.places, texts.answers))
            networks.step(ids, places, answers, step, falling)
        chosen = int(np.median(measured(choosing)[0], axis=1).argmin())
        bits, right = measured(measuring)
    return {
        "hidden": hidden,
        "rate": RATES[chosen],
        "bits": np.round(bits[chosen].astype(float), 4).tolist(),
        "right": np.round(right[chosen].astype(float), 4).tolist(),
        "untrained": np.round(untrained.astype(float), 4).tolist(),
    }


def scores(runs: Mapping[str, Mapping[str, Any]], cells: Sequence[str] = COMPARED) -> np.ndarray:
    """(cell, task, seed): bits, to the hundredth."""
    bits = np.array([[runs[cell][task]["bits"] for task in STEPS] for cell in cells])
    return np.round(bits / FINE) * FINE


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(task,): 1 where ``one`` needs more bits than ``other``, both (task, seed), -1 where fewer, else 0: whether the
    95 % interval of the mean difference over the seeds lies above ``WORSE``, or below its negative."""
    low, high = interval(one - other)
    return (low > WORSE).astype(int) - (high < -WORSE)


class Variants(Experiment):
    name = "variants"
    title = "Which variant is best?"
    claim = "Most variants of the LSTM do as well as it does, but not without its forget gate or its output activation."
    source = "Greff et al. 2015; Jozefowicz et al. 2015"
    targets = (
        Target("no_forget_gate_worse", "tasks of six that get worse without the forget gate", 3),
        Target("no_output_activation_worse", "tasks of six that get worse without the output activation", 3),
        # These say that something makes no difference, and so hold of random weights, too.
        Target("coupled_peephole_worse", "tasks of six that get worse with coupled gates", 1, False, built_in=True),
        Target("lstm_worse", "tasks of six that get worse without peepholes", 1, False, built_in=True),
        Target("gru_from_lstm", "places between GRU and LSTM in the mean rank", 3, False, built_in=True),
        Target("not_told_from_the_best", "cells whose rank is not told from the best one's", 2, built_in=True),
    )
    look = (
        "The first figure is the mean rank over the six tasks, 1 for the fewest bits, with the interval in which it "
        "lies in 95 of 100 draws of the seeds: where two intervals overlap, neither cell has won. The others show "
        "every seed. NIG, NFG and NOG lack the input, forget or output gate, NIAF and NOAF the tanh on what is written "
        "or shown, CIFG writes what it forgets, NP has no peepholes, in FGR the gates read each other; each is one "
        "change of the vanilla LSTM."
    )
    disproof = "Without its forget gate or its output activation an LSTM as good as with it, or one cell ahead of all."
    words = {
        **{
            f"{name}_worse": say("tasks of six that get worse with {change}", change=LABELS[name]) for name in ABLATIONS
        },
        **{f"lstm_{task}": say("bits an answer of the LSTM, {task}", task=says) for task, says in NAMES.items()},
    }
    minutes = 30.0
    tolerance = 0.0
    order = 125

    def measure(self, progress: Progress = silent) -> Measurement:
        """What is done is kept in ``UNFINISHED`` until all is: a measurement that was ended goes on there."""
        jobs = [(task, cell) for task in STEPS for cell in COMPARED]
        UNFINISHED.mkdir(parents=True, exist_ok=True)
        runs: dict[str, dict[str, Any]] = {}
        for k, (task, cell) in enumerate(jobs):
            kept = UNFINISHED / f"{task}-{cell}.json"

            def watched(step: int, k: int = k, task: str = task, cell: str = cell) -> None:
                said = say("{task}, {cell}, all seeds and rates at once", task=NAMES[task], cell=LABELS[cell])
                progress((k + step / STEPS[task]) / len(jobs), said)

            if not kept.exists():
                start = time.perf_counter()
                run = trained(cell, task, STEPS[task], watched)
                run["seconds"] = round(time.perf_counter() - start, 1)
                kept.write_text(json.dumps(run), encoding="utf-8")
            runs.setdefault(cell, {})[task] = json.loads(kept.read_text(encoding="utf-8"))
        seconds = sum(run.pop("seconds") for by_task in runs.values() for run in by_task.values())
        notes = (*NOTES, edges(runs), f"Measured in pieces, {seconds / 60:.0f} minutes together.")
        found = Measurement(SEEDS, figures(runs), {"runs": runs}, notes)
        for path in UNFINISHED.iterdir():
            path.unlink()
        UNFINISHED.rmdir()
        return found

    def remeasure(self) -> Mapping[str, float]:
        return {}

    def short(self, results: Measurement) -> str:
        runs = results.data["runs"]
        none = say("none")
        titles = [say(find(name).title) for name in worse(runs)[0]] or [none]
        best = COMPARED[int(mean_ranks(scores(runs)).mean(1).argmin())]
        return say(
            "Beyond chance worse than the vanilla LSTM in at least half of the tasks: {which}. The best mean rank is "
            "that of {best}, from which {count:.0f} other cells cannot be told apart.",
            which=reduce(lambda one, more: say("{first}, {second}", first=one, second=more), titles),
            best=say(find(best).title),
            count=results.figures["not_told_from_the_best"].value() or 0,
        )

    def draw(self, results: Measurement) -> Sequence[Drawing]:
        runs = results.data["runs"]
        ranked = mean_ranks(scores(runs))
        low, high = interval(ranked)
        order = np.argsort(ranked.mean(1), kind="stable")
        names = [LABELS[COMPARED[k]] for k in order]
        middle = ranked.mean(1)[order].tolist()
        series = Series(say("mean rank"), names, middle, low[order].tolist(), high[order].tolist(), "lstm")
        drawn = [Drawing("bars", say("Mean rank over six tasks"), "", say("mean rank, 1 is best"), [series])]
        for task, says in NAMES.items():
            bits = {cell: runs[cell][task]["bits"] for cell in COMPARED}
            best = sorted(COMPARED, key=lambda cell: float(np.median(bits[cell])))
            x = [LABELS[cell] for cell in best for _ in bits[cell]]
            points = Series(say("a seed"), x, [value for cell in best for value in bits[cell]], color="lstm")
            drawn.append(Drawing("points", says, "", say("bits an answer, held out"), [points]))
        return drawn


def worse(runs: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], dict[str, int]]:
    """The ablations that are worse than the vanilla LSTM in half of the tasks or more, and in how many each is."""
    (vanilla,) = scores(runs, [VANILLA])
    count = {cell: int((apart(scores(runs, [cell])[0], vanilla) > 0).sum()) for cell in ABLATIONS}
    return [cell for cell, tasks in count.items() if 2 * tasks >= len(STEPS)], count


def numbers(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """What the targets are about, by the name of the figure."""
    ranked = mean_ranks(scores(runs))
    low, high = interval(ranked)
    best = ranked.mean(1).argmin()
    place = {cell: float(ranked[k].mean()) for k, cell in enumerate(COMPARED)}
    return {
        **{f"{cell}_worse": float(tasks) for cell, tasks in worse(runs)[1].items()},
        "gru_from_lstm": abs(place["gru"] - place["lstm"]),
        "not_told_from_the_best": float((low <= high[best]).sum() - 1),
    }


def figures(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    """The figures of the runs, by cell and task; beside each what the untrained networks give."""
    blank = {
        cell: {task: run | {"bits": run["untrained"]} for task, run in by_task.items()}
        for cell, by_task in runs.items()
    }
    untrained = numbers(blank)
    found = {name: Figure((value,), None, (untrained[name],)) for name, value in numbers(runs).items()}
    for task in STEPS:
        run = runs["lstm"][task]
        found[f"lstm_{task}"] = Figure(tuple(run["bits"]), None, tuple(run["untrained"]))
    return found


def edges(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """How often the ends of the grid of rates were chosen: where one is, another rate might have been better still."""
    chosen = [run["rate"] for by_task in runs.values() for run in by_task.values()]
    highest, lowest = chosen.count(max(RATES)), chosen.count(min(RATES))
    return f"The largest rate was chosen in {highest} and the smallest in {lowest} of {len(chosen)} runs."


NOTES = (
    f"About as many parameters as an LSTM of {HIDDEN} units with inputs of 8 has (1,600), and the same texts for all; "
    f"batches of {BATCH}, Adam, clipped to norm 1, falling to 5 %. The rate is chosen for each cell and task from "
    f"{', '.join(f'{rate:g}' for rate in RATES)} by the median bits on texts that are not those measured on.",
    "Steps: " + ", ".join(f"{task} {steps}" for task, steps in STEPS.items()) + ".",
    "These networks are small, learn for seconds and read short texts: what a cell is worth over thousands of steps or "
    "long texts is not measured. Forget biases start at 1, peepholes at 0. Grid, depth-gated, minGRU and minLSTM have "
    "two layers.",
    "Ranks are of bits to the hundredth, ties share a rank; worse means that the 95 % bootstrap interval of the mean "
    f"difference over {len(SEEDS)} seeds lies above {WORSE} bits. Above {FINE} bits, as it was first, untrained "
    "networks met the target of the forget gate; no verdict changed with it. No correction is made for asking of many "
    "cells.",
    "These networks are trained for the measurement and not shipped.",
)
EXPERIMENT = Variants()
