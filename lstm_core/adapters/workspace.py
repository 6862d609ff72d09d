"""The gates that oneDNN computed anyway: its training workspace, read while the module runs.

On a CPU in float32, ``nn.LSTM`` calls ``mkldnn_rnn_layer`` once a layer and direction. Asked to keep what the backward
pass will need, it returns a buffer that begins with the activated gates of every step, rows of 4 * hidden values padded
to whole cache lines, and holds the cell states further on. None of this is documented: what is read here is believed
only because every trace is compared with the module's own output, and whoever calls has the public way to fall back on.

A short run of one layer is read from the graph that autograd makes of it, and the trace's arrays are the workspace
itself. Anything else is cut into pieces, step by step the same, that stay in the processor's cache: what they kept is
compared and copied there, and the workspace of the whole, which would be as large as the trace, is never made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lstm_core.adapters.arrays import Arrays
from lstm_core.adapters.call import Call
from lstm_core.adapters.fast import Run, largest, runs

PAGE = 4096 // 4  # regions of the workspace start on pages, counted in float32
PIECE = 1 << 23  # bytes of the workspace of a piece,
ROWS = 1024  # if these are at least so many vectors: every piece packs the weights anew


def usable(call: Call) -> bool:
    """Whether the module is expected to run by that operation."""
    return (
        call.cell.name == "lstm"
        and not call.single
        and not call.packed
        and call.x.dtype is torch.float32
        and call.weight.dtype is torch.float32
        and call.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.aten, "mkldnn_rnn_layer")
    )


def worth(call: Call) -> bool:
    """Whether reading the workspace, some 150 microseconds for several layers, is less than computing gates again."""
    layers, directions, time, batch = call.shape
    rows, width = call.weight.shape
    return layers * directions == 1 or time * (batch * rows * (width + rows // 4) / 5e4 + 2) > 150


def capture(call: Call, arrays: Arrays) -> Graph | Pieces:
    layers, directions, time, _ = call.shape
    short = layers * directions == 1 and 2 * time <= 3 * _steps(call)
    return Graph(call, arrays) if short and call.recordable() else Pieces(call, arrays)


def _steps(call: Call) -> int:
    """Of a piece."""
    batch = max(1, call.shape[3])
    return max(1, PIECE // (24 * batch * call.hidden), ROWS // batch)


class Graph:
    """Active while the module runs: autograd keeps the workspace by itself, as if to train on."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        self.call, self.arrays = call, arrays
        self.grad = torch.enable_grad()

    def __enter__(self) -> None:
        self.call.fed = self.call.fed.detach().requires_grad_()  # weights may be frozen
        self.grad.__enter__()

    def __exit__(self, *error: object) -> None:
        self.grad.__exit__(*error)

    def errors(self) -> tuple[float, float] | None:
        """Of h, and of gates and c; None if the workspace was not found."""
        node = self.call.returned[0].grad_fn
        while node is not None and node.name() != "MkldnnRnnLayerBackward0":
            node = node.next_functions[0][0] if node.next_functions else None
        if node is None:
            return None
        call = self.call
        try:
            kept, last, first = node._saved_result3, node._saved_result2, call.initial["c"][0, 0]
            gates, c = read(kept, last, call.output.shape, call.x.shape[2], first)
        except (AttributeError, RuntimeError, IndexError, TypeError, ValueError):
            return None
        self.arrays["gates"], self.arrays["c"] = gates[None, None], c[None, None]
        [run] = runs(call, self.arrays, [call.output])
        return run.check(), run.sample()


class Pieces(TorchDispatchMode):
    """Active while the module runs: does its ``mkldnn_rnn_layer`` a number of steps at a time, in the order of layers
    and directions."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        super().__init__()
        self.call, self.arrays = call, arrays
        self.left = list(np.ndindex(*call.shape[:2]))[::-1]
        self.of_h: list[float] = []
        self.rest: list[float] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; to guard against it would import the compiler, a second and 800 modules."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not torch.ops.aten.mkldnn_rnn_layer.default or kwargs or len(args) != 16 or not self.left:
            return func(*args, **(kwargs or {}))
        try:
            return self._layer(func, args, self.left.pop())
        except (RuntimeError, IndexError, TypeError, ValueError):
            self.of_h.append(float("nan"))
            return func(*args)

    def _layer(self, func: Any, args: Any, at: tuple[int, ...]) -> Any:
        x, *weights, h, c, backward = args[:8]
        run = Run(
            self.call.cell,
            dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True)),
            x,
            # What the module gives on is its own h; where nobody sees it, that of the trace, which is nearly the same.
            self.arrays["h"][at] if self.call.output_is_ours() else x.new_empty(*x.shape[:2], h.shape[-1]),
            at=(),
            initial={"h": h, "c": c},
            last={},
            backward=backward,
            steps=None,
            gates=self.arrays["gates"][at],
            states_h=self.arrays["h"][at],
            c=self.arrays["c"][at],
        )
        assert run.c is not None
        errors, size = [], _steps(self.call)
        starts = range(0, len(x), size)
        for start in reversed(starts) if backward else starts:
            span = slice(start, start + size)
            with torch.enable_grad():  # without it the workspace is not kept
                own, h, last, buffer = func(x[span], *weights, h, c, *args[7:15], True)
            gates, states = read(buffer, last, own.shape, x.shape[2], c)
            run.gates[span] = gates.flip(0) if backward else gates
            run.c[span] = states.flip(0) if backward else states
            run.h[span] = own
            errors += run.update(start, start + len(own), own)
            c = last
        self.of_h.append(largest(errors))
        self.rest.append(run.sample())
        return run.h, h, c, x.new_empty(0, dtype=torch.uint8)

    def errors(self) -> tuple[float, float] | None:
        """Of the module's output, and of everything else; None if not every layer was read."""
        if self.left:
            return None
        top = len(self.of_h) - self.call.shape[1]
        return largest(self.of_h[top:]), largest([*self.of_h[:top], *self.rest])


def read(buffer: Tensor, last: Tensor, shape: tuple[int, ...], width: int, first: Tensor) -> tuple[Tensor, Tensor]:
    """Gates (time, batch, 4 * hidden) and c (time, batch, hidden) in a workspace, in the order of the run.

    last: the last c. shape: time, batch, hidden. width: of the input. first: c before the first step. Raises ValueError
    if c is not found.
    """
    time, batch, hidden = shape
    buffer = buffer[: buffer.numel() // 4 * 4].view(torch.float32)
    row = -(-4 * hidden // 16) * 16
    row += 16 if row % 256 == 0 else 0  # rows a multiple of 1 KiB apart would share the sets of the cache
    gates = buffer.as_strided((time, batch, 4 * hidden), (batch * row, row, 1))
    if time == 1:
        return gates, last.reshape(1, batch, hidden)
    # c is the upper of two layers of time + 1 states, in a region of its own that begins on some page.
    key = time, batch, hidden, width
    offset = (time + 2) * batch * hidden
    if key not in _pages:
        if len(_pages) > 1000:
            _pages.clear()
        _pages[key] = _find(buffer, gates[0], first, -(-time * batch * row // PAGE), offset)
    c = buffer.as_strided((time, batch, hidden), (batch * hidden, hidden, 1), _pages[key] * PAGE + offset)
    c[-1] = last  # the last state is returned and not kept there
    return gates, c


_pages: dict[tuple[int, int, int, int], int] = {}
"""Where c was found for a time, batch, hidden and input size. That it is still there, the comparison shows."""


def _find(buffer: Tensor, gates: Tensor, first: Tensor, start: int, offset: int) -> int:
    """The page from ``start`` on at which the first cell state, known from the first gates, stands at ``offset``."""
    i, f, g = gates.chunk(4, dim=-1)[:3]
    expected = torch.addcmul(i * g, f, first).flatten()
    values = buffer[start * PAGE + offset : buffer.numel() - len(expected) : PAGE]
    for page in torch.nonzero((values - expected[0]).abs() < 1e-6).flatten().tolist():
        at = (start + page) * PAGE + offset
        if torch.allclose(buffer[at : at + len(expected)], expected, rtol=1e-5, atol=1e-6):
            return start + page
    raise ValueError("no cell states in the workspace")
