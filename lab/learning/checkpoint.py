"""A training that can be killed: what it has so far lies in a folder, and the next one goes on from there.

A checkpoint holds all that the rest of the training depends on, so the same model comes out as from one that was never
interrupted. What was begun otherwise (another rate, other steps) is not gone on with.
"""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lab.learning.recipe import Recipe, Trained
from lstm_core.stored import Kind


@dataclass
class Progress:
    """How far a training is: steps taken, tokens read, seconds worked."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass
class Checkpoints:
    """One training's files in ``folder``: SEED.pt while it learns, SEED.safetensors when it is done.

    header: what the training was begun with. every: seconds from one file to the next.
    """

    folder: Path
    header: Mapping[str, Any]
    every: float = 60.0
    last: float = field(default_factory=time.monotonic)

    @property
    def learning(self) -> Path:
        return self.folder / f"{self.header['seed']}.pt"

    @property
    def done(self) -> Path:
        return self.folder / f"{self.header['seed']}.safetensors"

    def _same(self, header: Mapping[str, Any]) -> bool:
        mine = json.loads(json.dumps(self.header))
        return {name: header.get(name) for name in mine} == mine

    def trained(self, recipe: Recipe) -> Trained | None:
        """The model, if this training was finished."""
        if not self.done.exists():
            return None
        model = recipe.load(self.done)
        # What a recipe says of a model once it is measured stands in place of what it was begun with.
        metrics = model.meta["metrics"]
        if not self._same({**model.meta, **{name: self.header[name] for name in recipe.found(metrics)}}):
            return None
        return Trained(self.header["seed"], model, metrics, recipe.passes(metrics))

    def keep(self, run: Trained, weights: Kind) -> None:
        """Put a finished training's model in the place of its checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.done.with_suffix(".part")
        run.model.save(part, weights)
        os.replace(part, self.done)
        self.learning.unlink(missing_ok=True)

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> Progress:
        """Set all to where the training stopped, and say where that is: nowhere, if there is no checkpoint of it."""
        if not self.learning.exists():
            return Progress()
        try:
            kept = torch.load(self.learning, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):  # not a file that was written here
            return Progress()
        if not self._same(json.loads(kept["header"])):
            return Progress()
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        torch.set_rng_state(kept["random"])
        if kept["random_cuda"] is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(kept["random_cuda"])
        return Progress(**kept["progress"])

    def save_at_times(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any, progress: Progress
    ) -> None:
        """Write the checkpoint if the last one is ``every`` seconds old; whoever is killed meanwhile has the last."""
        if time.monotonic() - self.last < self.every:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.learning.with_suffix(".part")
        kept = {
            "header": json.dumps(dict(self.header)),
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
            "progress": vars(progress),
        }
        torch.save(kept, part)
        os.replace(part, self.learning)
        self.last = time.monotonic()
