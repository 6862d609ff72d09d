"""What was read of one layer at one step of a training, or why nothing could be, and where it goes."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_core.analysis.health import Health
from lstm_core.say import say

COLUMNS = ("step", "name", "layer", "direction", "quantity", "value")
SKIPPED = "skipped"
"""The quantity of a step that could not be read: 1."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One layer in one direction at a training step.

    step: the forward passes of the model in training so far. name: the module's in the model, "" for the model itself.
    health: of what the layer did in this pass (``analysis.health``, without singular values).
    dh: (time,), in the order of the tokens, the Euclidean norm over the units of dL/dh, the whole derivative of the
        loss in the h of that step: by what was made of this h, and through the recurrence by all that was read after
        it. The mean over the traced sequences that have the step; of the first backward pass that went through the
        module. None where nothing was sent back, below the top layer, and where the pass cannot be made again, as one
        with dropout between the layers on an accelerator or in half precision.
    ends: "first" and "last", the same at the step that this direction read first of each sequence and at the one that
        it read last; "through time", at the first, without what came in there: what the later steps alone sent back,
        and not there where no sequence has two steps.
    """

    step: int
    name: str
    layer: int
    direction: int
    health: Health
    dh: np.ndarray | None = None
    ends: Mapping[str, float] | None = None

    def quantities(self) -> dict[str, float]:
        """Numbers for a plot: shares of dead and, by signal, of saturated units; timescales in steps; ``ends`` of dh.

        The shares are NaN where the pass came to what is not a number: ``health.broken``.
        """
        units = {"dead": self.health.dead}
        units |= {f"saturated {name}": where for name, where in self.health.saturated.items()}
        broken = self.health.broken is not None
        found = {name: np.nan if broken else float(where.mean()) for name, where in units.items()}
        if (times := self.health.timescale) is not None:
            found |= {"timescale median": float(np.median(times)), "timescale longest": float(times.max())}
        if self.ends is not None:
            found |= {f"dh {name}": value for name, value in self.ends.items()}
        return found


@dataclass(frozen=True)
class Skipped:
    """A step at which a module was to be read and could not be, such as an empty batch. step, name: as of a
    ``Reading``. reason: what stood in the way."""

    step: int
    name: str
    reason: str


Sink = Callable[["Reading | Skipped"], object]


def sink(to: Any) -> Sink:
    """``to`` as a function of what was read and of what was skipped; a function of somebody's is given readings alone.
    Raises TypeError for what is neither a writer, a path nor a function, OSError for a path that cannot be written."""
    if hasattr(to, "add_scalar"):
        return lambda reading: _to_writer(to, reading)
    if isinstance(to, str | os.PathLike):
        path = Path(to)
        new = not path.exists() or not path.stat().st_size  # asked before: a pipe has no place to tell
        with path.open("a", newline="", encoding="utf-8") as file:
            if new:
                csv.writer(file).writerow(COLUMNS)
        return lambda reading: _to_csv(path, reading)
    if to is print:
        return to
    if callable(to):
        return lambda reading: to(reading) if isinstance(reading, Reading) else None
    raise TypeError(
        say(
            "readings go to a SummaryWriter, the path of a CSV file or a function, not to {kind}",
            kind=type(to).__name__,
        )
    )


def called(to: Any) -> str:
    """A sink's name in a message: a path, a function's name, a writer's kind."""
    return str(to) if isinstance(to, str | os.PathLike) else getattr(to, "__qualname__", type(to).__name__)


def _to_writer(writer: Any, reading: Reading | Skipped) -> None:
    """TensorBoard's SummaryWriter, or what has its ``add_scalar`` and perhaps its ``add_histogram``."""
    if isinstance(reading, Skipped):
        writer.add_scalar(f"{reading.name or 'model'}/{SKIPPED}", 1.0, reading.step)
        return
    place = f"{reading.name or 'model'}/layer {reading.layer}" + (" reverse" if reading.direction else "")
    for quantity, value in reading.quantities().items():
        if np.isfinite(value):
            writer.add_scalar(f"{place}/{quantity}", value, reading.step)
    times = reading.health.timescale
    if times is not None and hasattr(writer, "add_histogram"):
        writer.add_histogram(f"{place}/timescale", times[np.isfinite(times)], reading.step)


def _to_csv(path: Path, reading: Reading | Skipped) -> None:
    with path.open("a", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        if isinstance(reading, Skipped):
            rows.writerow([reading.step, reading.name, 0, 0, SKIPPED, 1])
            return
        for quantity, value in reading.quantities().items():
            rows.writerow([reading.step, reading.name, reading.layer, reading.direction, quantity, f"{value:.6g}"])
