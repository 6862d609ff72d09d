"""What a trace takes written in a straight line, for one shape: a section of ``benchmarks/trace.md``.

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
from benchmarks.trace_short import KINDS, same
from lstm_core import trace
from lstm_core.modules import onednn, recorded
from lstm_core.modules.call import Call

HOW = """What forbids a goal, part by part, each column with the work of the one before it; times are those of the
fused forward (medians of turns, processor time of one thread). "Had": the gates are kept by the module's own kernel, or
a GRU's by autograd, as many steps at a time as a trace takes, or had by a product beside the plain forward, whichever
line is then the shorter. "Taken": gates, h and c are copied out of what is kept, which is let go (of an LSTM that ran
in one piece they are not), or a product's are activated. "Compared": h and c are compared at every step, in the fewest
passes that torch and NumPy have, and the weights with an earlier copy. That is the straight line: it reads no
arguments, computes no sampled gates again and makes no object. "(floor)" marks one above the goal, "(over)" a trace
that misses a goal which the straight line keeps."""


def lstm_line(module: nn.LSTM, x: Tensor, parts: int) -> Callable[[], Any]:
    """The first ``parts`` of what ``HOW`` says, for an LSTM."""
    (steps, batch, _), size = x.shape, module.hidden_size
    weights = [value.detach().numpy().copy() for value in module.all_weights[0]]
    piece = onednn.piece_size(Call(module, x))

    def straight() -> Any:
        found: list[Tensor] = []
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
            if parts > 2:
                gates, c, h = found
                right(lstm_compared(gates, c, h, first))
        if parts > 2:
            same(module, weights)
        return whole or found, x.numpy().copy()

    return straight


def kept_line(module: nn.GRU, x: Tensor, parts: int) -> Callable[[], Any]:
    """The same of a GRU, the gates from the graph that autograd makes."""
    (steps, batch, _), size = x.shape, module.hidden_size
    weights = [value.detach().numpy().copy() for value in module.all_weights[0]]
    flat = [value.detach() for value in module.all_weights[0]]
    piece = recorded.piece_size(Call(module, x))

    def straight() -> Any:
        gates, h = (torch.from_numpy(np.empty((steps, batch, width), "f4")) for width in (3 * size, size))
        last = x.new_zeros(1, batch, size)
        for start in range(0, steps, piece):
            stop, first = min(start + piece, steps), last
            with torch.enable_grad():
                own, last = torch.gru(x[start:stop], first.requires_grad_(), flat, True, 1, 0.0, False, False, False)
            last = last.detach()
            if parts > 1:
                for part, kept in zip(
                    (gates[start:stop], gates[start:stop, :, 2 * size :]), recorded.read(own), strict=True
                ):
                    torch.stack(kept, out=part)
                h[start:stop].numpy()[...] = own.detach().numpy()
            if parts > 2:
                past = torch.cat([first.detach(), h[start : stop - 1]])
                right(gru_compared(gates[start:stop], h[start:stop], past))
        if parts > 2:
            same(module, weights)
        return gates, h, x.numpy().copy()

    return straight


def product_line(module: nn.GRU, x: Tensor, parts: int) -> Callable[[], Any]:
    """The same of a GRU, the gates from products with the module's own h."""
    (steps, batch, width), size = x.shape, module.hidden_size
    weights = [value.detach().numpy().copy() for value in module.all_weights[0]]
    w, u, bias, inside = (torch.from_numpy(value) for value in weights)
    bias = torch.cat([bias[: 2 * size] + inside[: 2 * size], bias[2 * size :]])
    w, of_rz, of_n, inside = w.T, u[: 2 * size].T, u[2 * size :].T, inside[2 * size :]

    def straight() -> Any:
        h, _ = module(x)
        past = torch.cat([h.new_zeros(1, batch, size), h[:-1]])
        read = past.view(-1, size)
        gates = torch.addmm(bias, x.view(-1, width), w)
        gates[:, : 2 * size].addmm_(read, of_rz)
        inner = torch.addmm(inside, read, of_n)
        if parts > 1:
            n = gates[:, 2 * size :]
            gates[:, : 2 * size].sigmoid_()
            n.addcmul_(gates[:, :size], inner)
            np.tanh(n.numpy(), out=n.numpy())
        if parts > 2:
            right(gru_compared(gates.view(steps, batch, 3 * size), h, past))
            same(module, weights)
        return gates, h, x.numpy().copy()

    return straight


def right(error: float) -> None:
    """Raises RuntimeError where the line has something else than the gates."""
    if not error <= 1e-5:
        raise RuntimeError(f"the line has something else than the gates, off by {error:.2g}")


def lstm_compared(gates: Tensor, c: Tensor, h: Tensor, first: Tensor) -> float:
    """The largest difference of h and c from what the gates make of them. first: c before the first step."""
    i, f, g, o = gates.chunk(4, dim=-1)
    made = torch.from_numpy(np.tanh(c.numpy()))
    torch.addcmul(h, made, o, value=-1, out=made)
    of_h = made.numpy().min(), made.numpy().max()
    torch.addcmul(c, i, g, value=-1, out=made)
    made[1:].addcmul_(f[1:], c[:-1], value=-1)
    made[:1].addcmul_(f[:1], first, value=-1)
    return max(abs(float(value)) for value in (*of_h, made.numpy().min(), made.numpy().max()))


def gru_compared(gates: Tensor, h: Tensor, past: Tensor) -> float:
    """The same of a GRU's h. past: the h before each step."""
    _, z, n = gates.chunk(3, dim=-1)
    made = torch.lerp(n, past, z).sub_(h).numpy()
    return max(abs(float(value)) for value in (made.min(), made.max()))


LINES: dict[str, dict[str, Callable[[Any, Tensor, int], Callable[[], Any]]]] = {
    "LSTM": {"kept": lstm_line},
    "GRU": {"kept": kept_line, "product": product_line},
}


def measure(kind: str, shape: tuple[int, int, int], budget: float) -> tuple[float, str, list[float]]:
    """Milliseconds of the forward, the cheapest of the lines, and how many times as long each of its parts and a trace
    take."""
    from benchmarks.trace import clock, in_turns

    torch.set_num_threads(1)
    torch.manual_seed(0)
    batch, steps, units = shape
    module, x = KINDS[kind](units, units), torch.randn(steps, batch, units)
    with torch.no_grad():
        ways = [lambda: module(x), lambda: trace(module, x)]
        ways += [line(module, x, parts) for line in LINES[kind].values() for parts in (1, 2, 3)]
        turns = in_turns(ways, clock("cpu"), budget)
    _, whole, *ratios = (statistics.median(turn[k] / turn[0] for turn in turns) for k in range(len(ways)))
    parts = {name: ratios[3 * k : 3 * k + 3] for k, name in enumerate(LINES[kind])}
    cheapest = min(parts, key=lambda name: parts[name][2])
    return statistics.median(turn[0] for turn in turns) * 1e3, cheapest, [*parts[cheapest], whole]


def report(budget: float = 4.0) -> str:
    """The section: the shapes with a goal."""
    from benchmarks.trace import SHAPES, alone, goal, machine

    rows = []
    for kind in KINDS:
        for shape in SHAPES:
            aim = goal(kind, *shape)
            if aim is None:
                continue
            forward, name, (*parts, straight, whole) = alone(measure, kind, shape, budget)
            mark = " (floor)" if straight > aim else "", " (over)" if straight <= aim < whole else ""
            times = (*(f"{part:.2f}" for part in parts), f"{straight:.2f}{mark[0]}", f"{whole:.2f}{mark[1]}")
            rows.append((kind, *shape, f"{forward:.2f} ms", f"{aim}", name, *times))
    head = (
        "module",
        "batch",
        "steps",
        "units",
        "fused forward",
        "goal",
        "gates",
        "had",
        "taken",
        "compared",
        "a trace",
    )
    return "\n".join(["## A trace in a straight line", "", f"{machine()}. {HOW}", "", markdown(head, rows)])


if __name__ == "__main__":
    print(report())
