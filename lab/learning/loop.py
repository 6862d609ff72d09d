"""The training loop of every shipped model."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lab.learning.batch import Batch
from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.network import TorchNetwork
from lab.learning.recipe import BatchRecipe, Recipe, Trained, Watch
from lab.machine import machine
from lstm_core.cells.base import Cell
from lstm_core.equations import carry
from lstm_core.ops import TorchOps


def economy(cell: type[Cell], signals: Mapping[str, Tensor], mask: Tensor) -> Tensor:
    """The mean of what a cell writes plus the mean of what it forgets, over the steps in `mask` (time, batch).

    A network that pays for both writes and forgets only where it must, and its gates become readable. What keeps and
    what writes comes from the cell's own update; a cell whose memory has no such rule (the plain RNN) pays nothing.
    """
    rule = carry(cell)
    if rule is None:
        return mask.new_zeros(())
    ops = TorchOps(str(mask.device))
    cost = rule.evaluate("write", signals, ops) + (1 - rule.evaluate("keep", signals, ops))
    return (cost.mean(dim=(0, 1, -1)) * mask).sum() / mask.sum()


@contextmanager
def threads(count: int = 1) -> Iterator[None]:
    """torch on so many threads: with small matrices more than one only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def begun(recipe: Recipe, seed: int, steps: int | None = None) -> dict[str, Any]:
    """What the header says of a training before it begins."""
    return {
        "recipe": recipe.name,
        "seed": seed,
        "steps": recipe.steps if steps is None else steps,
        "learning_rate": recipe.learning_rate,
        "economy": recipe.economy,
        "weight_decay": recipe.weight_decay,
        **recipe.about(),
    }


def train(
    recipe: Recipe,
    seed: int,
    steps: int | None = None,
    watch: Watch = lambda batches, first: batches,
    device: str = "cpu",
    folder: Path | None = None,
    every: float = 60.0,
) -> Trained:
    """Train with AdamW, the learning rate falling on a cosine to 5 %, gradients clipped to norm 1.

    The same seed gives the same model on the same machine, on the CPU. With a ``folder`` a training that is killed can
    be begun again and goes on from there, at most ``every`` seconds back (``lab.learning.checkpoint``).
    """
    header = begun(recipe, seed, steps)
    kept = None if folder is None else Checkpoints(folder, header, every)
    if kept and (run := kept.trained(recipe)):
        return run
    with threads(recipe.threads):
        model, progress = recipe.learn(header, watch, device, kept)
    cost = {"machine": machine(device), "seconds": round(progress.seconds, 3), "tokens": progress.tokens}
    header = {**model.meta, **cost}
    metrics, units = recipe.measure(replace(model, meta=header))
    model = replace(model, meta={**header, **recipe.found(metrics), "metrics": metrics, "units": units})
    run = Trained(seed, model, metrics, recipe.passes(metrics))
    if kept:
        kept.keep(run, recipe.weights)
    return run


def learned(
    recipe: BatchRecipe, header: Mapping[str, Any], watch: Watch, device: str, kept: Checkpoints | None
) -> tuple[TorchNetwork, Progress]:
    """The network after every batch, and what it took."""
    seed, steps = header["seed"], header["steps"]
    torch.manual_seed(seed)
    network = recipe.network().to(device)
    parameters = list(network.parameters())
    groups = [  # biases do not decay: a forget gate that starts open should not be drawn shut
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.05 + 0.95 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1))) / 2
    )
    progress = kept.restore(network, optimizer, schedule) if kept else Progress()
    # The texts are drawn again from the start: what was learned from is passed by.
    batches = islice(recipe.batches(Random(seed), steps), progress.step, None)
    before, start = progress.seconds, time.perf_counter()
    for batch in watch(batches, progress.step):
        optimizer.zero_grad()
        (batch_loss(network, batch, recipe.economy) + recipe.penalty(network)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.step += 1
        progress.tokens += int(batch.read.sum())
        progress.seconds = before + time.perf_counter() - start
        if kept:
            kept.save_at_times(network, optimizer, schedule, progress)
    return network, progress


def batch_loss(network: TorchNetwork, batch: Batch, lam: float) -> Tensor:
    """The weighted loss of the next words plus `lam` times the economy of the gates."""
    device = network.embedding.weight.device
    inputs, targets, weights, read = (
        torch.from_numpy(array).to(device) for array in (batch.inputs, batch.targets, batch.weights, batch.read)
    )
    counts = weights > 0
    logits, signals = network(inputs, counts, signals=lam > 0)
    loss = functional.cross_entropy(logits, targets[counts], reduction="none") @ weights[counts]
    return loss + lam * economy(network.cell, signals, read.to(loss.dtype)) if lam > 0 else loss
