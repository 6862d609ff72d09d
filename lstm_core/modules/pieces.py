"""One layer in one direction, some steps at a time, by the module's own kernel.

Step by step it is the same run. But what the kernel keeps of a piece stays in the processor's cache, where it is
compared and copied, and what it would keep of the whole, as large as the trace again, is never made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_core.modules.arrays import Arrays
from lstm_core.modules.call import Call
from lstm_core.modules.product import Run, largest


class Pieces:
    """What is known after each layer and direction: the errors of its h, and those of everything else.

    ``left`` are the layers and directions to come, the next one last.
    """

    def __init__(self, call: Call, arrays: Arrays) -> None:
        super().__init__()
        self.call, self.arrays = call, arrays
        self.left = list(np.ndindex(*call.shape[:2]))[::-1]
        self.of_h: list[float] = []
        self.rest: list[float] = []

    def begin(self, x: Tensor, weights: list[Tensor], initial: dict[str, Tensor], backward: bool) -> Run:
        """The next layer and direction. initial: (batch, unit) by name. x: (time, batch, input)."""
        at = self.left.pop()
        return Run(
            self.call.cell,
            dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=False)),
            x,
            self.arrays["h"][at],
            at=(),
            initial=initial,
            backward=backward,
            steps=None,
            gates=self.arrays["gates"][at],
            c=self.arrays["c"][at] if "c" in initial else None,
        )

    def run(self, run: Run, steps: int, piece: Callable[[int, int], None]) -> None:
        """All of it, ``steps`` at a time. piece: runs a span and notes its h, its gates and its c."""
        errors, time = [], len(run.x)
        starts = range(0, time, steps)
        for start in reversed(starts) if run.backward else starts:
            stop = min(start + steps, time)
            piece(start, stop)
            errors += run.compare(start, stop)
        self.of_h.append(largest(errors))
        self.rest.append(run.sample())

    def given(self, run: Run) -> Tensor:
        """What the module goes on with: not the trace's own h where others may hold it, and write to it."""
        return run.h if self.call.output_is_ours() else run.h.clone()

    def errors(self) -> tuple[float, float] | None:
        """Of the module's output, and of everything else; None if not every layer was read."""
        if self.left:
            return None
        directions = self.call.shape[1]
        of_h: list[Any] = self.of_h[-directions:]
        if not self.call.output_is_ours():  # it went through other hands, which may have changed it
            outputs = self.call.output.chunk(directions, dim=-1)
            for states, output in zip(self.arrays["h"][-1], outputs, strict=True):
                of_h += torch.aminmax(states - output)
        return largest(of_h), largest([*self.of_h[:-directions], *self.rest])
