"""What a long LSTM trace takes written in a straight line, for one shape: a section of ``benchmarks/trace.md``.

``python -m benchmarks.trace_line`` prints it; ``python -m benchmarks.trace`` writes it into its report.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.tables import markdown
from benchmarks.trace_short import same
from lstm_core import trace
from lstm_core.modules import onednn
from lstm_core.modules.call import Call

HOW = """What forbids the goal of 1.3, part by part, each column with the work of
the one before it; times are those of the fused forward (medians of turns, processor time of one thread). "Kept" is the
module's own kernel with what it keeps for training, as many steps at a time as a trace takes. "Copied" copies gates, h
and c out of what is kept, which is let go; a run of one piece is not copied. "Compared" compares h and c at every step,
in the fewest passes that torch and NumPy have, and the weights with an earlier copy. That is the straight line: it
reads no arguments, computes no sampled gates again and makes no object. "(floor)" marks one above the goal."""
GOAL = 1.3
PARTS = ("kept", "copied", "compared")


def line(module: nn.LSTM, x: Tensor, parts: int) -> Callable[[], Any]:
    """The first ``parts`` of ``PARTS``."""
    (steps, batch, _), size = x.shape, module.hidden_size
    weights = [value.detach().numpy().copy() for value in module.all_weights[0]]
    piece = onednn.piece_size(Call(module, x))

    def straight() -> Any:
        widths = (4 * size, size, size)
        whole = [torch.from_numpy(np.empty((steps, batch, width), "f4")) for width in widths] if piece < steps else []
        last = [x.new_zeros(1, batch, size)] * 2
        for start in range(0, steps, piece):
            stop, first = min(start + piece, steps), last[1]
            with torch.enable_grad():
                h, *last, buffer = torch.ops.aten.mkldnn_rnn_layer(
                    x[start:stop], *module.all_weights[0], *last, False, [], 2, size, 1, True, False, False, True
                )
            last = [value.detach() for value in last]
            found = [*onednn.read(buffer, last[1], (stop - start, batch, size), x.shape[2], first), h.detach()]
            if whole and parts > 1:
                for values, kept in zip(whole, found, strict=True):
                    values[start:stop].numpy()[...] = kept.numpy()
                found = [values[start:stop] for values in whole]
            if parts > 2 and not compared(*found, first) <= 1e-5:
                raise RuntimeError("the line reads something else than the gates")
        if parts > 2:
            same(module, weights)
        return whole or found, x.numpy().copy()

    return straight


def compared(gates: Tensor, c: Tensor, h: Tensor, first: Tensor) -> float:
    """The largest difference of h and c from what the gates make of them. first: c before the first step."""
    i, f, g, o = gates.chunk(4, dim=-1)
    made = torch.from_numpy(np.tanh(c.numpy()))
    torch.addcmul(h, made, o, value=-1, out=made)
    of_h = made.numpy().min(), made.numpy().max()
    torch.addcmul(c, i, g, value=-1, out=made)
    made[1:].addcmul_(f[1:], c[:-1], value=-1)
    made[:1].addcmul_(f[:1], first, value=-1)
    return max(abs(float(value)) for value in (*of_h, made.numpy().min(), made.numpy().max()))


def measure(shape: tuple[int, int, int], budget: float) -> list[float]:
    """Milliseconds of the forward, and how many times as long each part and a trace take."""
    from benchmarks.trace import clock, in_turns

    torch.set_num_threads(1)
    torch.manual_seed(0)
    batch, steps, units = shape
    module, x = nn.LSTM(units, units), torch.randn(steps, batch, units)
    with torch.no_grad():
        ways = [lambda: module(x), *(line(module, x, parts) for parts in (1, 2, 3)), lambda: trace(module, x)]
        turns = in_turns(ways, clock("cpu"), budget)
    ratios = [statistics.median(turn[k] / turn[0] for turn in turns) for k in range(1, len(ways))]
    return [statistics.median(turn[0] for turn in turns) * 1e3, *ratios]


def report(budget: float = 8.0) -> str:
    """The section: the shapes with a goal."""
    from benchmarks.trace import SHAPES, alone, goal, machine

    rows = []
    for shape in SHAPES:
        if goal("LSTM", *shape) is not None:
            forward, *ratios = alone(measure, shape, budget)
            mark = " (floor)" if ratios[2] > GOAL else ""
            kept, copied, straight, whole = (f"{ratio:.2f}" for ratio in ratios)
            rows.append((*shape, f"{forward:.2f} ms", kept, copied, straight + mark, whole))
    head = ("batch", "steps", "units", "fused forward", *PARTS[:2], "compared: the straight line", "a trace")
    return "\n".join(["## A long trace", "", f"{machine()}. {HOW}", "", markdown(head, rows)])


if __name__ == "__main__":
    print(report())
