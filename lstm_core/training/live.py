"""`python -m lstm_core.training.live SETTINGS FOLDER`: train a miniature and report as it learns.

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

from lstm_core.cells import cell as find_cell
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.training.miniature import MINIATURES

SECONDS = 120.0
WAIT = 480.0
"""Seconds of pauses that are waited for."""
EVERY = 0.5


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


def run(choice: Choice, folder: Path) -> None:
    """Train until the time is up; report to ``folder`` and to standard output."""
    import torch
    from torch import nn

    from lstm_core.training.loop import batch_loss
    from lstm_core.training.recipes.miniatures import Live

    torch.set_num_threads(1)
    torch.manual_seed(choice.seed)
    mini, cell = MINIATURES[choice.task], find_cell(choice.cell)
    recipe = Live(choice.task, cell, choice.hidden)
    network = recipe.network()
    bias = keep_bias(cell)
    for name, parameter in network.layer.named_parameters():
        if bias and name.endswith(f".{bias}"):
            nn.init.constant_(parameter, choice.forget_bias)
    draw = np.random.default_rng(choice.seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=choice.learning_rate)
    economy = choice.economy if carry(cell) else 0.0
    used, waited, told, step, mean = 0.0, 0.0, -EVERY, 0, None

    def tell() -> None:
        model = network.model("live", recipe.tokenizer(), {})
        trace = model.run(mini.text, device="cpu")
        part = folder / "part.npz"
        arrays: dict[str, Any] = {"probabilities": model.probabilities(trace), **trace.signals}
        np.savez(part, **arrays)
        part.rename(folder / f"{step:06d}.npz")
        said = {"step": step, "loss": mean, "seconds": round(used, 2), **recipe.measure(model)[0]}
        print(json.dumps(said), flush=True)

    while used < choice.seconds and waited < WAIT:
        if (folder / "pause").exists():
            time.sleep(0.1)
            waited += 0.1
            continue
        start = time.perf_counter()
        loss = batch_loss(network, recipe.made(recipe.rows(draw, 0.0), draw), economy)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        mean = float(loss.detach()) if mean is None else 0.9 * mean + 0.1 * float(loss.detach())
        if used - told >= EVERY:  # before the step: the first checkpoint is the network untrained
            tell()
            told = used
        optimizer.step()
        step += 1
        used += time.perf_counter() - start
    tell()


if __name__ == "__main__":
    try:
        settings = Choice(**json.loads(sys.argv[1]))
    except (ValueError, TypeError) as error:
        sys.exit(f"{error}")
    run(settings, Path(sys.argv[2]))
