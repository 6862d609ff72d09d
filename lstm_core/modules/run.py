"""One layer in one direction of a call: what it read and gave, its gates, and how far they were compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lstm_core.cells.base import Cell
from lstm_core.stacked import GATES

CPU_BLOCK = 1 << 19  # bytes of gates: with what they are computed from they stay in a second-level cache
DEVICE_BLOCK = 1 << 28
AS_NUMPY = True  # whether the CPU's values are taken so; else they are taken as an accelerator's are, for the tests


def at_hand(values: Tensor) -> Any:
    """``values`` in NumPy on the CPU, not copied: of short runs most of the time is that of calling operations, and
    NumPy's take half of torch's. As they are elsewhere."""
    return values.numpy() if values.is_cpu and AS_NUMPY else values


@dataclass
class Run:
    """x: (time, batch, input) and h: (time, batch, output) as the module has them.

    weights: torch's own, by name. initial: the states before the first step by name; ``at`` is this one's place in
    them, which leaves (batch, unit). steps: (batch,) where sequences end, or None.
    gates: (time, batch, k * hidden) in torch's order, and c, which a way fills in; given: c is the module's own.
    of_h, of_c: the extremes of every comparison so far; compared: how many steps have been.
    """

    cell: type[Cell]
    weights: Mapping[str, Tensor]
    x: Tensor
    h: Tensor
    at: tuple[int, ...]
    initial: Mapping[str, Tensor]
    backward: bool
    steps: Tensor | None
    gates: Tensor
    c: Tensor | None = None
    given: bool = False
    of_h: list[Any] = field(default_factory=list)
    of_c: list[Any] = field(default_factory=list)
    compared: int = 0

    def __post_init__(self) -> None:
        """Works out which steps are padding, and what h is before each step."""
        self.letters = GATES[self.cell.name]
        self.hidden = self.gates.shape[-1] // len(self.letters)
        self.inside = self.cell.name == "gru"  # its reset gate scales U_n h + b_hn, so this is kept apart
        self.valid: Tensor | None = None
        self.read = self.h
        if self.steps is not None:
            time = torch.arange(len(self.x), device=self.x.device)
            self.valid = (time[:, None] < self.steps.to(self.x.device)).unsqueeze(-1)
            if self.backward:  # before a sequence's last step is the initial state, wherever the batch goes on
                self.read = torch.where(self.valid, self.h, self.first("h"))

    def first(self, name: str) -> Tensor:
        """(batch, unit), that state before the first step."""
        return self.initial[name][self.at]

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Spans of steps in the order in which the module took them."""
        time, batch = self.x.shape[:2]
        limit = CPU_BLOCK if self.x.device.type == "cpu" else DEVICE_BLOCK
        width = max(1, limit // max(1, batch * self.gates.shape[-1] * self.gates.element_size()))
        width = max(width, -(-256 // max(1, batch)))  # a product of fewer rows is slow
        starts = range(0, time, width)
        for start in reversed(starts) if self.backward else starts:
            yield start, min(start + width, time)

    def before(self, values: Tensor, name: str, start: int, stop: int) -> Tensor:
        """The state that each step of the span read: ``values`` one step earlier (later, in the backward direction)."""
        end = stop == len(values) if self.backward else start == 0
        if not end:
            return values[start + 1 : stop + 1] if self.backward else values[start - 1 : stop - 1]
        first = self.first(name)[None]
        return torch.cat([values[start + 1 :], first] if self.backward else [first, values[: stop - 1]])

    def named(self, start: int, stop: int) -> dict[str, Tensor]:
        """The gates of a span by their letters, (time, batch, hidden) each, as views."""
        return dict(zip(self.letters, self.gates[start:stop].chunk(len(self.letters), dim=-1), strict=True))
