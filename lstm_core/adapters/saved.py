"""The gates that a GRU on the CPU computed anyway: what autograd would save of them, read while the module runs.

torch's GRU is a loop of public operations there: r and z by sigmoid, n by tanh, then ``(h - n) * z + n``. With
gradients on, each of the three is offered to ``saved_tensors_hooks`` as it is made, in that order. Recording costs some
microseconds a step, and computing the gates again costs the products: the second is cheaper while matrices are small.
The order is no promise, so what is read is believed only after the comparison with the module's own output.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import torch
from torch import Tensor

from lstm_core.adapters.arrays import Arrays
from lstm_core.adapters.call import Call
from lstm_core.adapters.fast import linear_scan

WORTH = 1.5e6  # multiplications a step from which recording is the cheaper way (measured, see benchmarks)


def usable(call: Call) -> bool:
    """Whether the module runs by that loop."""
    return (
        call.cell.name == "gru"
        and not call.single
        and not call.packed
        and call.device.type == "cpu"
        and call.x.dtype in (torch.float32, torch.float64)
        and not torch.is_inference_mode_enabled()
    )


def worth(call: Call) -> bool:
    """Whether recording is expected to take less time than computing the gates again."""
    rows, width = call.blocks[0][0]["weight_ih"].shape
    return call.shape[3] * rows * (width + rows // 3) >= WORTH


class Saved:
    """Writes r, z and n of each step into the trace's gates while the module runs inside ``with``."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        layers, directions, _, batch = call.shape
        self.call, self.arrays = call, arrays
        self.rows: list[tuple[Tensor, ...]] = []
        for layer, direction in np.ndindex(layers, directions):
            steps = arrays["gates"][layer, direction].unbind(0)
            self.rows += [row.chunk(3, dim=-1) for row in (reversed(steps) if direction else steps)]
        self.wide = 3 * call.hidden
        self.shape = (batch, call.hidden)
        self.step = 0
        self.seen = 0
        self.z = 0
        self.latest: Tensor | None = None
        self.stack = ExitStack()

    def __enter__(self) -> None:
        self.call.fed = self.call.fed.detach().requires_grad_()  # weights that are frozen would save nothing
        self.stack.enter_context(torch.enable_grad())
        self.stack.enter_context(torch.autograd.graph.saved_tensors_hooks(self._pack, lambda packed: packed))

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def hidden_states(self) -> list[Tensor] | None:
        """h of every layer and direction, (time, batch, hidden); None if not every step was recorded."""
        if self.step != len(self.rows) or self.seen:
            return None
        layers, directions, _, _ = self.call.shape
        found = []
        for layer, direction in np.ndindex(layers - 1, directions):
            _, z, n = self.arrays["gates"][layer, direction].chunk(3, dim=-1)
            h = (1 - z) * n
            ordered = (z.flip(0), h.flip(0)) if direction else (z, h)
            linear_scan(*ordered, self.call.initial["h"][layer, direction])
            found.append(ordered[1].flip(0) if direction else h)
        return [*found, *self.call.output.chunk(directions, dim=-1)]

    def _pack(self, tensor: Tensor) -> None:
        """r and z are slices of one product, 3 * hidden apart; n is what was saved before z is for the second time."""
        if tensor.shape != self.shape or self.step == len(self.rows):
            return
        if self.seen < 2:
            if tensor.stride(0) == self.wide and tensor.data_ptr() != self.z:
                self.rows[self.step][self.seen].copy_(tensor.detach())
                self.z = tensor.data_ptr()
                self.seen += 1
        elif tensor.data_ptr() != self.z:
            self.latest = tensor
        elif self.latest is not None:
            self.rows[self.step][2].copy_(self.latest.detach())
            self.step, self.seen, self.z, self.latest = self.step + 1, 0, 0, None
