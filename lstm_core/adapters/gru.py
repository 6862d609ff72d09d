"""The gates of a GRU on the CPU, read or computed while the module runs.

torch's GRU is a loop of public operations there, behind one function, ``torch.gru``, which is called here for some
steps at a time (``lstm_core.adapters.pieces``). ``Recorded``: with gradients on, the graph that autograd makes of a
piece holds r, z and n of every step. Nothing is computed again, but making the graph costs some microseconds a step.
``Computed``: the gates of a piece from its h, in products that are still in the cache. That is cheaper while matrices
are small. How the graph looks is no promise, so what is read is believed only after the comparison with the module's
own output.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lstm_core.adapters.call import Call
from lstm_core.adapters.fast import Run
from lstm_core.adapters.pieces import Pieces

WORTH = 1.5e6  # multiplications a step from which recording is the cheaper way (measured, see benchmarks)
PIECE = 1 << 22  # bytes of what a piece makes,
ROWS = 256  # if these are at least so many vectors: a product of fewer is slow


class Cut(Pieces, TorchFunctionMode):
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
        )

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
                found.append(run.h)
            x = found[0] if len(found) == 1 else torch.cat(found, dim=-1)
        return x.transpose(0, 1) if batch_first else x, torch.stack(ends)

    def _layer(self, run: Run, weights: list[Tensor]) -> Tensor:
        h = run.initial["h"]

        def piece(span: slice) -> tuple[Tensor, Tensor]:
            nonlocal h
            x = run.x[span].flip(0) if run.backward else run.x[span]
            own, last = self.kernel(x, h, weights)
            past = torch.cat([h[None], own[:-1]])
            if run.backward:
                own, past = own.flip(0), past.flip(0)
            self.gates(run, span, past)
            h = last
            return own, past

        self.run(run, self.size(self.call), piece)
        return h

    def kernel(self, x: Tensor, h: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        """h of every step (time, batch, unit) and of the last."""
        own, last = torch.gru(x, h[None], weights, len(weights) == 4, 1, 0.0, False, False, False)
        return own, last[0]

    def gates(self, run: Run, span: slice, past: Tensor) -> None:
        """Note the gates of the steps that were run last."""
        raise NotImplementedError


class Computed(Cut):
    """The gates from the h that each step read."""

    @staticmethod
    def worth(call: Call) -> bool:
        """Whether there is more than one piece."""
        return call.shape[2] > Cut.size(call)

    def gates(self, run: Run, span: slice, past: Tensor) -> None:
        run.rows(span.start, span.start + len(past), past)


class Recorded(Cut):
    """The gates as the kernel had them."""

    @staticmethod
    def usable(call: Call) -> bool:
        return Cut.usable(call) and call.recordable()

    @staticmethod
    def worth(call: Call) -> bool:
        """Whether recording is expected to take less time than computing the gates again."""
        rows, width = call.weight.shape
        return call.shape[3] * rows * (width + rows // 3) >= WORTH

    def kernel(self, x: Tensor, h: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():  # of h alone: enough that every step is kept, and the product with x is not
            own, last = super().kernel(x, h.detach().requires_grad_(), weights)
        self.read = list(read(own))
        return own.detach(), last.detach()

    def gates(self, run: Run, span: slice, past: Tensor) -> None:
        size, gates = run.hidden, run.gates[span]
        for part, k in ((gates[..., : 2 * size], 0), (gates[..., 2 * size :], 1)):
            steps = [step[k] for step in self.read]
            torch.stack(steps[::-1] if run.backward else steps, out=part)
        self.read = []


def read(output: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Of each step in the graph of ``output``: r and z, which lie beside each other in one product, and n.

    A step is ``(h - n) * z + n``. Raises AttributeError or IndexError if it is not.
    """
    node: Any = output.grad_fn
    while node.name() != "StackBackward0":
        node = node.next_functions[0][0]
    for add, _ in node.next_functions:
        (product, _), (candidate, _) = add.next_functions
        z, n = product._saved_other.detach(), candidate._saved_result.detach()
        batch, hidden = n.shape
        yield z.as_strided((batch, 2 * hidden), z.stride(), z.storage_offset() - hidden), n
