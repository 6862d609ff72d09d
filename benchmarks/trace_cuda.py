"""What a trace costs on a GPU, left there and read back: ``python -m benchmarks.trace_cuda`` prints the table, within
four minutes, in one process. ``python -m benchmarks.trace`` writes it into its report."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.tables import markdown
from lstm_core import trace
from lstm_core.kept import on_host

KINDS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"LSTM": nn.LSTM, "GRU": nn.GRU}
# (batch, steps, units); as many inputs as units.
SHAPES = [
    (1, 100, 256),
    (1, 1000, 256),
    (16, 100, 256),
    (64, 200, 512),
    (128, 200, 1024),
    (256, 100, 512),
    (256, 1000, 512),
]
SECONDS = 6  # of a shape
GOALS = {"device": 1.3, "short": 0.3, "host": 1.2}
"""Times the forward where that takes a millisecond; milliseconds over it where it takes less; times the forward and a
pinned copy of all that is returned."""


def timed(run: Callable[[], Any]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    result = run()
    torch.cuda.synchronize()
    spent = time.perf_counter() - start
    del result
    return spent


def measure(kind: str, shape: tuple[int, int, int]) -> list[float]:
    """Medians: milliseconds of the forward, and of a trace that stays; the same as a ratio; a trace that is read back
    over the forward and a pinned copy of as much."""
    batch, steps, units = shape
    torch.manual_seed(0)
    module, x = KINDS[kind](units, units).cuda(), torch.randn(steps, batch, units, device="cuda")

    def forward() -> Any:
        with torch.no_grad():
            return module(x)

    signals = list(trace(module, x, keep="device").tensors.values())
    ways = [
        forward,
        lambda: trace(module, x, keep="device"),
        lambda: trace(module, x),
        lambda: [on_host(values) for values in signals],
    ]
    for way in ways:
        way()
    turns: list[list[float]] = []
    began = time.perf_counter()
    while len(turns) < 5 or (time.perf_counter() - began < SECONDS and len(turns) < 200):
        turns.append([timed(way) for way in ways])
    return [
        1e3 * statistics.median(turn[0] for turn in turns),
        1e3 * statistics.median(turn[1] for turn in turns),
        statistics.median(turn[1] / turn[0] for turn in turns),
        statistics.median(turn[2] / (turn[0] + turn[3]) for turn in turns),
    ]


def report() -> str:
    """The section of ``benchmarks/trace.md``."""
    if not torch.cuda.is_available():
        return "## CUDA\n\nNot measured: this machine has no accelerator."
    rows = []
    for tf32 in (True, False):
        torch.backends.cudnn.allow_tf32 = tf32
        for kind in KINDS:
            for shape in SHAPES:
                forward, kept, ratio, read = measure(kind, shape)
                good = ratio <= GOALS["device"] if forward >= 1 else kept - forward <= GOALS["short"]
                rows.append(
                    (
                        kind,
                        "TF32" if tf32 else "float32",
                        *shape,
                        f"{forward:.2f} ms",
                        f"{kept:.2f} ms",
                        f"{ratio:.2f}" + ("" if good else " (over)"),
                        f"{read:.2f}" + ("" if read <= GOALS["host"] else " (over)"),
                    )
                )
    head = (
        *("module", "precision", "batch", "steps", "units", "fused forward", "trace, left there", "trace / fused"),
        "trace read back / (fused + pinned copy)",
    )
    card = f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}."
    return "\n".join(["## CUDA", "", card, "", markdown(head, rows)])


if __name__ == "__main__":
    print(report())
