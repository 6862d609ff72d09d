"""The gates that a GRU on the CPU computed anyway: what autograd would save of them, read while the module runs.

torch's GRU is a loop of public operations there. With gradients on, what they need is offered to
``saved_tensors_hooks`` as it is made: r and z, which lie beside each other in one product, then n, then z again, for
``(h - n) * z + n``. Recording costs some microseconds a step, and computing the gates again costs the products: the
second is cheaper while matrices are small. The order is no promise, so what is read is believed only after the
comparison with the module's own output.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import torch
from torch import Tensor

from lstm_core.adapters.arrays import Arrays
from lstm_core.adapters.call import Call
from lstm_core.adapters.fast import largest, linear_scan, runs

WORTH = 1.5e6  # multiplications a step from which recording is the cheaper way (measured, see benchmarks)


def usable(call: Call) -> bool:
    """Whether the module runs by that loop."""
    return (
        call.cell.name == "gru"
        and not call.single
        and not call.packed
        and call.device.type == "cpu"
        and call.x.dtype in (torch.float32, torch.float64)
        and call.recordable()
    )


def worth(call: Call) -> bool:
    """Whether recording is expected to take less time than computing the gates again."""
    rows, width = call.weight.shape
    return call.shape[3] * rows * (width + rows // 3) >= WORTH


def capture(call: Call, arrays: Arrays) -> Saved:
    return Saved(call, arrays)


class Saved:
    """Writes r, z and n of each step into the trace's gates while the module runs inside ``with``."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        layers, directions, _, batch = call.shape
        self.call, self.arrays, self.hidden = call, arrays, call.hidden
        self.both, self.new = [], []
        for at in np.ndindex(layers, directions):
            gates = arrays["gates"][at]
            for rows, part in ((self.both, gates[..., : 2 * self.hidden]), (self.new, gates[..., 2 * self.hidden :])):
                rows += part.unbind(0)[:: -1 if at[1] else 1]
        self.shape, self.strides = (batch, self.hidden), (3 * self.hidden, 1)
        self.step = 0
        self.begun = False
        self.latest: Tensor | None = None
        self.stack = ExitStack()

    def __enter__(self) -> None:
        self.call.fed = self.call.fed.detach().requires_grad_()  # weights that are frozen would save nothing
        self.stack.enter_context(torch.enable_grad())
        self.stack.enter_context(torch.autograd.graph.saved_tensors_hooks(self._pack, lambda packed: packed))

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def _pack(self, tensor: Tensor) -> None:
        """z is the second slice of a product 3 * hidden wide; n is what was saved before z is for the second time."""
        if tensor.storage_offset() != self.hidden or tensor.shape != self.shape or tensor.stride() != self.strides:
            self.latest = tensor
        elif self.step == len(self.new):
            return
        elif not self.begun:
            both = tensor.detach().as_strided((self.shape[0], 2 * self.hidden), self.strides, 0)
            self.both[self.step].copy_(both)
            self.begun = True
        elif self.latest is not None:
            self.new[self.step].copy_(self.latest.detach())
            self.step += 1
            self.begun = False

    def errors(self) -> tuple[float, float] | None:
        """Of the module's output, and of everything else; None if not every step was recorded."""
        if self.step != len(self.new) or self.begun:
            return None
        layers, directions, _, _ = self.call.shape
        below = []
        for at in np.ndindex(layers - 1, directions):
            _, z, n = self.arrays["gates"][at].chunk(3, dim=-1)
            h = (1 - z) * n
            ordered = (z.flip(0), h.flip(0)) if at[1] else (z, h)
            linear_scan(*ordered, self.call.initial["h"][at])
            below.append(ordered[1].flip(0) if at[1] else h)
        found = runs(self.call, self.arrays, [*below, *self.call.output.chunk(directions, dim=-1)])
        of_h = [run.check() for run in found]
        # h of a layer below is known from nowhere else; the last of all belongs to the module's output.
        rest = [run.sample() for run in found] + [run.at_end(top=False) for run in found[:-directions]]
        return largest(of_h[-directions:]), largest([*of_h[:-directions], *rest])
