"""The gates of a GRU on the CPU, read while the module runs.

torch's GRU is a loop of public operations there, behind one function, ``torch.gru``, which is called here for some
steps at a time. With gradients on, the graph that autograd makes of a piece holds r, z and n of every step. Nothing is
computed again, but making the graph costs some microseconds a step. How it looks is no promise: what is read is
believed only after the comparison with the module's own output and its own weights, and where it is not found the gates
are computed again. A torch that records otherwise makes a trace slower, never wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.graph import own_graph
from lstm_core.modules.pieces import begin, given, pieces
from lstm_core.modules.proof import compare
from lstm_core.modules.run import Run

WORTH = 1.5e6
"""Multiplications a step from which this is cheaper than to compute gates again (measured, see benchmarks): of a batch
of 64 with 256 units the products alone are 0.8 of the module's own run, and this is 0.4."""
PIECE = 2 << 20  # bytes of what a piece makes,
ROWS = 128  # if these are at least so many vectors: a product of fewer is slow


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


def worth(call: Call) -> bool:
    """Whether recording is expected to take less time than computing the gates again."""
    rows, width = call.weight.shape
    return call.shape[3] * rows * (width + rows // 3) >= WORTH


def recorded(call: Call) -> Gates | None:
    """Runs the module and reads along; None if not every layer was read."""
    gates = Gates(call, "recorded")
    reading = Reading(call, gates)
    with reading:
        call.run()
    return gates if not reading.left else None


def piece_size(call: Call) -> int:
    """Steps of a piece."""
    batch = call.shape[3]
    return max(1, PIECE // (40 * batch * call.hidden), ROWS // batch)


class Reading(TorchFunctionMode):
    """Active while the module runs: does its ``torch.gru`` a number of steps at a time. left: the layers and directions
    to come, the next one last."""

    def __init__(self, call: Call, gates: Gates) -> None:
        """call: about to run. gates: filled in as its layers run."""
        super().__init__()
        self.call, self.gates = call, gates
        self.left = list(np.ndindex(*call.shape[:2]))[::-1]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """torch's hook for every function: ``torch.gru`` is run here and read, all else as it is."""
        if func is not torch.gru or kwargs or len(args) != 9 or not self.left:
            return func(*args, **(kwargs or {}))
        try:
            return self._layers(x=args[0].transpose(0, 1) if args[8] else args[0], first=args[1].detach(), turn=args[8])
        except (AttributeError, RuntimeError, IndexError, TypeError, ValueError):
            self.left.append((-1, -1))  # not everything was read
            return func(*args)

    def _layers(self, x: Tensor, first: Tensor, turn: bool) -> tuple[Tensor, Tensor]:
        """turn: whether the batch is the output's first axis."""
        ends = []
        for row in self.call.blocks:
            outputs = []
            for weights in row:
                flat = list(weights.values())
                run = begin(self.call, self.gates, self.left.pop(), x)
                ends.append(self._layer(run, flat, first[len(ends)]))
                outputs.append(given(self.call, run))
            x = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        return x.transpose(0, 1) if turn else x, torch.stack(ends)

    def _layer(self, run: Run, weights: list[Tensor], h: Tensor) -> Tensor:
        size = run.hidden
        for start, stop in pieces(len(run.x), piece_size(self.call), run.backward):
            x = run.x[start:stop].flip(0) if run.backward else run.x[start:stop]
            with own_graph():  # of h alone: enough that every step is kept, and the product with x is not
                first = h[None].detach().requires_grad_()
                own, last = torch.gru(x, first, weights, len(weights) == 4, 1, 0.0, False, False, False)
            gates = run.gates[start:stop]
            for part, steps in zip((gates, gates[..., 2 * size :]), read(own), strict=True):  # n takes its place last
                torch.stack(steps[::-1] if run.backward else steps, out=part)
            h, own = last[0].detach(), own.detach()
            run.h[start:stop] = own.flip(0) if run.backward else own
            compare(run, start, stop)
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
