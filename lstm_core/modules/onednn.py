"""The gates of an LSTM that oneDNN computed anyway: its training workspace, read while the module runs.

On a CPU in float32, ``nn.LSTM`` calls ``mkldnn_rnn_layer`` once a layer and direction. Asked to keep what the backward
pass will need, it returns a buffer that begins with the activated gates of every step, rows of 4 * hidden values padded
to whole cache lines, and holds the cell states further on. None of this is documented: what is read here is believed
only because every trace is compared with the module's own output and its own weights, and where it is not found the
gates are computed again. A torch that lays it out otherwise makes a trace slower, never wrong.

A short run of one layer is the module's own, with gradients on: autograd holds the buffer, and nothing is copied. Else
the kernel is run some steps at a time. Step by step it is the same run; but what it keeps of a piece stays in the
processor's cache, where it is compared and copied, and what it would keep of the whole is never made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lstm_core.modules.call import Call
from lstm_core.modules.gates import Gates
from lstm_core.modules.graph import own_graph
from lstm_core.modules.pieces import begin, given, pieces
from lstm_core.modules.proof import compare
from lstm_core.modules.run import Run

NODE = "MkldnnRnnLayerBackward0"  # of autograd's graph, the one that holds what the kernel kept
KEPT = 32 << 20  # bytes up to which glibc keeps what was freed for the next: larger memory is new, page by page
PAGE = 4096 // 4  # regions of the workspace start on pages, counted in float32
PIECE = 4 << 20  # bytes of the workspace of a piece,
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
        and not call.autocast()
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.aten, "mkldnn_rnn_layer")
    )


def worth(call: Call) -> bool:
    """Whether reading the workspace, some 150 microseconds for several layers, is less than computing gates again."""
    layers, directions, time, batch = call.shape
    rows, width = call.weight.shape
    return layers * directions == 1 or time * (batch * rows * (width + rows // 4) / 5e4 + 2) > 150


def onednn(call: Call) -> Gates | None:
    """Runs the module and reads along; None if not every layer was read."""
    if call.shape[:2] == (1, 1) and call.output_is_ours() and call.recordable() and piece_size(call) >= call.shape[2]:
        return _at_once(call)
    gates = Gates(call, "onednn")
    reading = Reading(call, gates)
    with reading:
        call.run()
    return gates if not reading.left else None


def _at_once(call: Call) -> Gates | None:
    """One layer in one piece: the trace's arrays are what the kernel kept."""
    fed = call.fed
    call.fed = fed.detach().requires_grad_()  # no weight may need it
    try:
        with own_graph():
            call.run()
    finally:
        call.fed = fed
    node: Any = call.returned[0].grad_fn
    call.returned = tuple(value.detach() for value in call.returned)
    try:
        while node.name() != NODE:
            node = node.next_functions[0][0]
        x, first = node._saved_input, node._saved_cx_
        values = read(node._saved_result3, node._saved_result2, (*x.shape[:2], call.hidden), x.shape[2], first)
        gates = Gates(call, "onednn")
        for name, value in zip(("gates", "c", "h"), (*values, call.output), strict=True):
            gates[name] = value.detach()[None, None]
        run = begin(call, gates, (0, 0), x)
    except (AttributeError, RuntimeError, IndexError, TypeError, ValueError):
        return None
    compare(run, 0, len(run.x))
    return gates


def piece_size(call: Call) -> int:
    """Steps of a piece: all, if what is kept of them is not so large that its memory is new every time."""
    _, _, time, batch = call.shape
    if 64 * time * batch * call.hidden <= KEPT:
        return time
    return max(1, PIECE // (24 * batch * call.hidden), ROWS // batch)


class Reading(TorchDispatchMode):
    """Active while the module runs: does its ``mkldnn_rnn_layer`` a number of steps at a time, in the order of layers
    and directions. left: those to come, the next one last."""

    def __init__(self, call: Call, gates: Gates) -> None:
        """call: about to run. gates: filled in as its layers run."""
        super().__init__()
        self.call, self.gates = call, gates
        self.left = list(np.ndindex(*call.shape[:2]))[::-1]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; to guard against it would import the compiler, a second and 800 modules."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """torch's hook for every operator: a layer of an LSTM is run here and read, all else as it is."""
        if func is not torch.ops.aten.mkldnn_rnn_layer.default or kwargs or len(args) != 16 or not self.left:
            return func(*args, **(kwargs or {}))
        try:
            return self._layer(func, args)
        except (RuntimeError, IndexError, TypeError, ValueError):
            self.left.append((-1, -1))  # not everything was read
            return func(*args)

    def _layer(self, func: Any, args: Any) -> Any:
        x, *weights, h, c, backward = args[:8]
        run = begin(self.call, self.gates, self.left.pop(), x)
        for start, stop in pieces(len(x), piece_size(self.call), backward):
            h, c = _piece(run, func, start, stop, weights, h, c, args[7:15])
            compare(run, start, stop)
        return given(self.call, run), h, c, x.new_empty(0, dtype=torch.uint8)


def _piece(run: Run, func: Any, start: int, stop: int, weights: Any, h: Tensor, c: Tensor, options: Any) -> Any:
    """Run ``func`` on a span from h and c, and read what it kept, which is let go before the next needs its memory. The
    last h and c."""
    assert run.c is not None
    with own_graph():  # without it the workspace is not kept
        own, h, last, buffer = func(run.x[start:stop], *weights, h, c, *options, True)
    gates, of_c = read(buffer, last, (stop - start, *c.shape), run.x.shape[2], c)
    run.h[start:stop].numpy()[...] = own.detach().numpy()  # NumPy copies in two thirds of the time
    for values, kept in ((run.gates, gates), (run.c, of_c)):
        values[start:stop].numpy()[...] = kept.detach().numpy()[:: -1 if run.backward else 1]
    return h, last


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
        _pages[key] = _find(buffer, gates, first, last, -(-time * batch * row // PAGE), offset)
    c = buffer.as_strided((time, batch, hidden), (batch * hidden, hidden, 1), _pages[key] * PAGE + offset)
    c[-1] = last  # the last state is returned and not kept there
    return gates, c


_pages: dict[tuple[int, int, int, int], int] = {}
"""Where c was found for a time, batch, hidden and input size. That it is still there, the comparison shows."""


def _find(buffer: Tensor, gates: Tensor, first: Tensor, last: Tensor, start: int, offset: int) -> int:
    """The page from ``start`` on at which the cell states stand at ``offset``.

    The first is known from the first gates. The memory may have been used before and hold another run's states, of
    which the first are the same if that was a shorter one on the same input: so the last but one must give the last.
    """
    time, size = len(gates), last.numel()

    def following(step: int, c: Tensor) -> Tensor:
        i, f, g, _ = gates[step].chunk(4, dim=-1)
        return torch.addcmul(i * g, f, c.reshape(g.shape))

    expected = following(0, first).flatten()
    values = buffer[start * PAGE + offset : buffer.numel() - (time - 1) * size : PAGE]
    for page in torch.nonzero((values - expected[0]).abs() < 1e-6).flatten().tolist():
        c = buffer[(start + page) * PAGE + offset :][: (time - 1) * size].view(time - 1, size)
        if _same(c[0], expected) and _same(following(-1, c[-1]), last.reshape(len(gates[-1]), -1)):
            return start + page
    raise ValueError("no cell states in the workspace")


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-5, atol=1e-6)
