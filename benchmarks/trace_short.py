"""Where the time of a short trace goes, and the least that the same work takes: a section of ``benchmarks/trace.md``.

``python -m benchmarks.trace_short`` prints it; ``python -m benchmarks.trace`` writes it into its report.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.tables import markdown
from lstm_core import trace
from lstm_core.modules import onednn
from lstm_core.modules.call import Call
from lstm_core.modules.precision import name_of, tolerance
from lstm_core.modules.proof import prove
from lstm_core.modules.tracing import finished
from lstm_core.modules.ways import to_try

KINDS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"LSTM": nn.LSTM, "GRU": nn.GRU}
GOAL = 150  # microseconds beyond the forward
SHAPE = (1, 20, 64)  # batch, steps, units; as many inputs
UNITS = 32  # of which the gates are computed again
HOW = f"""A trace of batch {SHAPE[0]}, {SHAPE[1]} steps, {SHAPE[2]} units, part by part (medians). The goal is {GOAL} µs
beyond the forward. "Floor" is what the same work takes in a straight line, written for this one shape: the module's run
with what its kernel keeps (of a GRU a product for the gates), h and c compared at every step, the gates of {UNITS}
units computed again at every step from the weights, and a copy of what the trace returns (of the weights a comparison
with an earlier copy). It reads no arguments, looks for no hooks, autocast, padding or other devices, draws no places,
knows one cell, layer and direction, and makes no object. "(floor)" marks a goal that lies below it."""


def lstm_floor(module: nn.LSTM, weights: list[np.ndarray]) -> Callable[[Tensor], float]:
    """See ``HOW``: what does it, and returns the largest difference. weights: an earlier copy of the module's."""
    size, chosen = module.hidden_size, np.arange(UNITS)
    half = np.repeat(np.array([0.5, 0.5, 1, 0.5], "f4"), UNITS)
    columns = (np.arange(4)[:, None] * size + chosen).ravel()

    def straight(x: Tensor) -> float:
        with torch.enable_grad():
            output, _ = module(x)
        node: Any = output.grad_fn
        while node.name() != onednn.NODE:
            node = node.next_functions[0][0]
        first = node._saved_cx_
        kept = onednn.read(node._saved_result3, node._saved_result2, (len(x), 1, size), size, first)
        gates, c, h = kept[0].detach().numpy()[:, 0], kept[1].detach().numpy()[:, 0], output.detach().numpy()[:, 0]
        i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
        own = np.tanh(c)
        own *= o
        own -= h
        following = f * np.concatenate([first.detach().numpy(), c[:-1]])
        following += i * g
        following -= c
        past = np.concatenate([np.zeros_like(h[:1]), h[:-1]])
        taken = x.numpy()[:, 0].copy()
        expected = again(taken, past, [value.detach().numpy() for value in module.all_weights[0]], columns)
        expected *= half
        np.tanh(expected, out=expected)
        expected *= half
        expected += 1 - half
        expected -= gates.take(columns, axis=1)
        same(module, weights)
        return max(float(abs(values).max()) for values in (own, following, expected))

    return straight


def gru_floor(module: nn.GRU, weights: list[np.ndarray]) -> Callable[[Tensor], float]:
    """The same of a GRU."""
    size, chosen = module.hidden_size, np.arange(UNITS)
    columns = (np.arange(3)[:, None] * size + chosen).ravel()

    def straight(x: Tensor) -> float:
        output, _ = module(x)
        w_ih, w_hh, b_ih, b_hh = [value.detach().numpy() for value in module.all_weights[0]]
        h, taken = output.numpy()[:, 0], x.numpy()[:, 0].copy()
        past = np.concatenate([np.zeros_like(h[:1]), h[:-1]])
        gates, inner = taken @ w_ih.T, past @ w_hh.T
        gates += b_ih
        inner += b_hh
        gates[:, : 2 * size] += inner[:, : 2 * size]
        torch.from_numpy(gates)[:, : 2 * size].sigmoid_()
        inner[:, 2 * size :] *= gates[:, :size]
        gates[:, 2 * size :] += inner[:, 2 * size :]
        np.tanh(gates[:, 2 * size :], out=gates[:, 2 * size :])
        own = past - gates[:, 2 * size :]
        own *= gates[:, size : 2 * size]
        own += gates[:, 2 * size :]
        own -= h
        of_x, of_h = (
            values @ w.take(columns, axis=0).T + b.take(columns)
            for values, w, b in ((taken, w_ih, b_ih), (past, w_hh, b_hh))
        )
        sampled = gates.take(columns, axis=1)
        of_h[:, 2 * UNITS :] *= sampled[:, :UNITS]
        of_x += of_h
        of_x[:, : 2 * UNITS] *= 0.5
        np.tanh(of_x, out=of_x)
        of_x[:, : 2 * UNITS] *= 0.5
        of_x[:, : 2 * UNITS] += 0.5
        of_x -= sampled
        same(module, weights)
        return max(float(abs(values).max()) for values in (own, of_x))

    return straight


def again(x: np.ndarray, past: np.ndarray, weights: list[np.ndarray], columns: np.ndarray) -> np.ndarray:
    """What the gates of these columns are applied to, from the weights: (time, column)."""
    w_ih, w_hh, b_ih, b_hh = (value.take(columns, axis=0) for value in weights)
    expected = x @ w_ih.T
    expected += past @ w_hh.T
    expected += b_ih
    expected += b_hh
    return expected


def same(module: nn.Module, weights: list[np.ndarray]) -> None:
    """Raises RuntimeError if the module's weights are not these."""
    for own, earlier in zip(module.all_weights[0], weights, strict=True):  # type: ignore[union-attr]
        if not np.array_equal(own.detach().numpy(), earlier):
            raise RuntimeError("the weights have changed")


FLOORS: dict[str, Callable[[Any, list[np.ndarray]], Callable[[Tensor], float]]] = {"LSTM": lstm_floor, "GRU": gru_floor}
PARTS = (
    "forward alone",
    "reading its arguments",
    "the module's own run, gates, and comparing states",
    "computing sampled gates again",
    "weights and inputs copied, the Trace",
    "a whole trace",
    "floor",
)


def measure(kind: str, repeat: int = 500) -> list[list[float]]:
    """Microseconds of each of the parts, again and again, the parts in turns."""
    batch, steps, units = SHAPE
    torch.manual_seed(0)
    module, x = KINDS[kind](units, units), torch.randn(steps, batch, units)
    straight = FLOORS[kind](module, [value.detach().numpy().copy() for value in module.all_weights[0]])
    samples = []
    for _ in range(repeat):
        with torch.no_grad():
            at = [time.thread_time()]
            module(x)
            at.append(time.thread_time())
            call = Call(module, x)
            at.append(time.thread_time())
            gates = next(to_try(call))(call)
            assert gates is not None
            at.append(time.thread_time())
            certificate = prove(call, gates, tolerance(call), name_of(call))
            at.append(time.thread_time())
            finished(call, gates, certificate)
            at.append(time.thread_time())
            trace(module, x)
            at.append(time.thread_time())
            worst = straight(x)
            at.append(time.thread_time())
        if not worst <= 1e-5:
            raise RuntimeError(f"the floor of {kind} computes something else: it differs by {worst:.2g}")
        samples.append([1e6 * (stop - start) for start, stop in pairwise(at)])
    return samples


def report() -> str:
    """The section."""
    from benchmarks.trace import machine

    torch.set_num_threads(1)
    rows = []
    for kind in KINDS:
        samples = measure(kind)
        medians = [statistics.median(column) for column in zip(*samples, strict=True)]
        beyond, floor = (statistics.median(row[k] - row[0] for row in samples) for k in (-2, -1))
        mark = "" if beyond <= GOAL else " (floor)" if floor > GOAL else " (over)"
        times = (*(f"{value:.0f} µs" for value in medians[:-1]), f"{beyond:.0f} µs{mark}", f"{floor:.0f} µs")
        rows.append((kind, *times))
    head = ("module", *PARTS[:-1], "beyond the forward", "the floor's beyond the forward")
    return "\n".join(["## A short trace", "", f"{machine()}. {HOW}", "", markdown(head, rows)])


if __name__ == "__main__":
    print(report())
