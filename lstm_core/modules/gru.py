"""The gates of a GRU on the CPU, read while the module runs.

torch's GRU is a loop of public operations there, behind one function, ``torch.gru``, which is called here for some
steps at a time (``lstm_core.modules.pieces``). With gradients on, the graph that autograd makes of a piece holds r, z
and n of every step. Nothing is computed again, but making the graph costs some microseconds a step. How it looks is no
promise, so what is read is believed only after the comparison with the module's own output.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lstm_core.modules.call import Call
from lstm_core.modules.pieces import Pieces
from lstm_core.modules.product import Run

WORTH = (
    1.5e6  # multiplications a step from which this is cheaper than to compute gates again (measured, see benchmarks)
)
PIECE = 2 << 20  # bytes of what a piece makes,
ROWS = 128  # if these are at least so many vectors: a product of fewer is slow


class Recorded(Pieces, TorchFunctionMode):
    """Active while the module runs: does its ``torch.gru`` a number of steps at a time."""

    @staticmethod
    def usable(call: Call) -> bool:
        """Whether the module runs by that function, and its steps are a loop."""
        return (
            call.cell.name == "gru"
            and not call.single
            and not call.packed
            and call.device.type == "cpu"
            and call.x.dtype is call.weight.dtype
            and call.x.dtype in (torch.float32, torch.float64)
            and call.recordable()
        )

    @staticmethod
    def worth(call: Call) -> bool:
        """Whether recording is expected to take less time than computing the gates again."""
        rows, width = call.weight.shape
        return call.shape[3] * rows * (width + rows // 3) >= WORTH

    @staticmethod
    def size(call: Call) -> int:
        """Steps of a piece."""
        batch = call.shape[3]
        return max(1, PIECE // (40 * batch * call.hidden), ROWS // batch)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not torch.gru or kwargs or len(args) != 9 or not self.left:
            return func(*args, **(kwargs or {}))
        x, first = args[:2]
        try:
            return self._layers(x.transpose(0, 1) if args[8] else x, first.detach(), args[8])
        except (AttributeError, RuntimeError, IndexError, TypeError, ValueError):
            self.left.append((-1, -1))  # not everything was read
            return func(*args)

    def _layers(self, x: Tensor, first: Tensor, batch_first: bool) -> tuple[Tensor, Tensor]:
        ends = []
        for row in self.call.blocks:
            found = []
            for backward, weights in enumerate(row):
                run = self.begin(x, list(weights.values()), {"h": first[len(ends)]}, backward == 1)
                ends.append(self._layer(run, list(weights.values())))
                found.append(self.given(run))
            x = found[0] if len(found) == 1 else torch.cat(found, dim=-1)
        return x.transpose(0, 1) if batch_first else x, torch.stack(ends)

    def _layer(self, run: Run, weights: list[Tensor]) -> Tensor:
        h, size = run.initial["h"], run.hidden

        def piece(start: int, stop: int) -> None:
            nonlocal h
            x = run.x[start:stop].flip(0) if run.backward else run.x[start:stop]
            with torch.enable_grad():  # of h alone: enough that every step is kept, and the product with x is not
                first = h[None].detach().requires_grad_()
                own, last = torch.gru(x, first, weights, len(weights) == 4, 1, 0.0, False, False, False)
            gates = run.gates[start:stop]
            for part, steps in zip((gates, gates[..., 2 * size :]), read(own), strict=True):  # n takes its place last
                torch.stack(steps[::-1] if run.backward else steps, out=part)
            h, own = last[0].detach(), own.detach()
            run.h[start:stop] = own.flip(0) if run.backward else own

        self.run(run, self.size(self.call), piece)
        return h


def read(output: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Of each step in the graph of ``output``: what the product with h has become, r, z and something else in one row,
    and n.

    A step is ``(h - n) * z + n``. Raises AttributeError, IndexError or RuntimeError if it is not.
    """
    node: Any = output.grad_fn
    while node.name() != "StackBackward0":
        node = node.next_functions[0][0]
    of_z, of_n = [], []
    for add, _ in node.next_functions:
        (product, _), (candidate, _) = add.next_functions
        of_z.append(product._saved_other)
        of_n.append(candidate._saved_result)
    batch, hidden = of_n[0].shape
    row, start = of_z[0].stride(), of_z[0].storage_offset() - hidden
    return [z.as_strided((batch, 3 * hidden), row, start) for z in of_z], of_n
