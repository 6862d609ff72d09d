"""`python -m lab.learning.live SETTINGS FOLDER`: train a miniature in NumPy and report as it learns.

SETTINGS is JSON with the fields of ``Choice``. Every moment a JSON line is printed: step, loss, right (share of new
texts answered right), seconds; and FOLDER gets a checkpoint, ``00042.npz``, with every signal on the task's text and
the next words' probabilities. A file "pause" in FOLDER makes it wait.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab.learning.batch import batch_of
from lab.learning.descent import Adam, Learner
from lab.learning.sizes import layers_of
from lab.tasks.miniature import MINIATURES
from lab.tasks.rows import MEASURE_SEED, answers_right
from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.equations import carry

SECONDS = 120.0
WAIT = 480.0
"""Seconds of pauses that are waited for."""
EVERY = 0.5
"""Seconds from checkpoint to checkpoint; at first they are closer, since much is learned soon."""
EMBEDDING = 8
TEXTS = 32
"""Of a step."""


@dataclass(frozen=True)
class Choice:
    """What a visitor chooses. Raises ValueError for what cannot be trained, in words for the page."""

    task: str = "pronouns"
    cell: str = "lstm"
    hidden: int = 8
    forget_bias: float = 1.0
    learning_rate: float = 0.01
    economy: float = 0.1
    seconds: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.task not in MINIATURES:
            raise ValueError(f"there is no task {self.task!r}; there are {', '.join(MINIATURES)}")
        find_cell(self.cell)
        limits = {"hidden": (1, 64), "forget_bias": (-5, 5), "learning_rate": (1e-5, 1.0), "economy": (0, 10),
                  "seconds": (1, SECONDS)}  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name.replace('_', ' ')} is {getattr(self, name):g}; it can be {low:g} to {high:g}")


def keep_bias(cell: type[Cell]) -> str | None:
    """The bias of the gate that keeps the memory: "b_f", the GRU's "b_z"; None for a cell without one."""
    rule = carry(cell)
    name = f"b_{rule.label('keep')}" if rule else ""
    return name if any(param.name == name for param in cell.params) else None


def learner(choice: Choice, draw: np.random.Generator) -> Learner:
    """The network of a choice, not trained yet."""
    cell = find_cell(choice.cell)
    words = len(MINIATURES[choice.task].vocabulary) + 1
    made = Learner(cell, words, EMBEDDING, choice.hidden, layers_of(cell), draw)
    bias = keep_bias(cell)
    for name, value in made.params.items():
        if bias and name.endswith(f".{bias}"):
            value[:] = choice.forget_bias
    return made


def keep_memory() -> None:
    """Have the memory of a step kept for the next one: with glibc that is so once a block as large was freed.

    Without it a step of 32 units takes twice as long, half of that for pages that are given back and asked for again.
    """
    np.empty(1 << 24, np.uint8)


@np.errstate(all="ignore")  # what no longer is a number is seen on the page, as the loss
def run(choice: Choice, folder: Path) -> None:
    """Train until the time is up; report to ``folder`` and to standard output."""
    keep_memory()
    mini, draw = MINIATURES[choice.task], np.random.default_rng(choice.seed)
    network = learner(choice, draw)
    adam = Adam(network.weights, choice.learning_rate)
    tests = mini.rows(np.random.default_rng(MEASURE_SEED), 100)
    used, waited, told, step, mean = 0.0, 0.0, -EVERY, 0, None

    def tell() -> None:
        model = network.network("live", mini.tokenizer)
        trace = model.run(mini.text, device="cpu")
        part = folder / "part.npz"
        arrays: dict[str, Any] = {"probabilities": model.probabilities(trace), **trace.signals}
        np.savez(part, **arrays)
        part.rename(folder / f"{step:06d}.npz")
        message = {"step": step, "loss": mean, "seconds": round(used, 2), "right": answers_right(model, tests)}
        print(json.dumps(message), flush=True)

    while used < choice.seconds and waited < WAIT:
        if (folder / "pause").exists():
            time.sleep(0.1)
            waited += 0.1
            continue
        start = time.perf_counter()
        loss = network.loss(batch_of(mini.rows(draw, TEXTS), draw), choice.economy)
        mean = loss if mean is None else 0.9 * mean + 0.1 * loss
        if used - told >= min(EVERY, 0.05 + 0.2 * used):
            tell()  # before the step: the first checkpoint is the network untrained
            told = used
        adam.step(network.gradient)
        step += 1
        used += time.perf_counter() - start
    tell()


if __name__ == "__main__":
    try:
        settings = Choice(**json.loads(sys.argv[1]))
    except (ValueError, TypeError) as error:
        sys.exit(f"{error}")
    run(settings, Path(sys.argv[2]))
