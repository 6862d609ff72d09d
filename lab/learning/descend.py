"""The loop of the recipes whose networks are no `TorchNetwork`: AdamW, a rate that rises and falls on a cosine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lab.learning.checkpoint import Checkpoints, Progress
from lab.learning.recipe import Watch

WARM = 100
"""Steps in which the learning rate rises."""
LEAST = 0.02
"""Share of the rate that is left at the end."""


def descended(
    network: nn.Module,
    batches: Callable[[int, int], Iterator[Any]],
    loss: Callable[[Any], Tensor],
    steps: int,
    rate: float,
    decay: float,
    watch: Watch,
    kept: Checkpoints | None,
) -> Progress:
    """Learn from every batch, and say what it took; from where it stopped if something of it is kept.

    batches: of (first, count), as many batches from the first step on. What was learned from before a stop is not drawn
    again.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min(1, (step + 1) / WARM)
            * (LEAST + (1 - LEAST) * (1 + math.cos(math.pi * min(step / max(steps, 1), 1))) / 2)
        ),
    )
    progress = kept.restore(network, optimizer, schedule) if kept else Progress()
    before, start = progress.seconds, time.perf_counter()
    network.train()
    for batch in watch(batches(progress.step, steps - progress.step), progress.step):
        optimizer.zero_grad()
        loss(batch).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.step += 1
        progress.seconds = before + time.perf_counter() - start
        if kept:
            kept.save_at_times(network, optimizer, schedule, progress)
    network.eval()
    return progress
