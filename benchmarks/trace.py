"""What a trace costs: beside the module's plain fused forward, and beside a loop over steps that collects the gates.

``python -m benchmarks.trace`` measures and writes ``benchmarks/trace.md``; ``--quick`` takes a few shapes,
``--threads 2`` measures with that many.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import trace_cuda, trace_line, trace_short
from benchmarks.tables import markdown
from benchmarks.trace_short import KINDS
from lstm_core import Trace, trace
from lstm_core.modules import onednn, recorded
from lstm_core.modules.call import Call

OUT = Path(__file__).with_name("trace.md")
HOW = """Made by `python -m benchmarks.trace`. Every line is measured in a process of its own, its figures in turns;
ratios are medians of the turns' ratios. With one CPU thread the time is that thread's processor time, so that
other work on the machine counts as little as can be; with more, or on CUDA, it is time on the clock. The loop
is the fastest usual answer: the cell's equations written out, so that the gates can be kept (nn.LSTMCell itself
does not return them); it copies neither the inputs nor the weights, as a trace does.

"Floor" is what forbids a goal: the least that gates can be had for here, without reading, copying or comparing
one of them. It is the cheaper of the module's own forward with gradients on, as many steps at a time as a trace
takes (which keeps the gates in a kernel's workspace), and its plain forward with one product for the gates; and
on top the time to allocate and write once as much memory as the trace returns. Beyond the floor a trace activates
or copies every gate, compares every h and c, computes some gates again, and takes some 0.3 ms in Python, much of
a short run; "A trace in a straight line", below, measures that part by part for shapes with a goal. "(over)" marks what
misses its goal, "(floor)" a goal that lies below the floor. A line without a goal has that of being no slower than the
loop. Memory is the peak growth of the process during a trace, the module's own forward included."""
MEMORY_GOAL = 1.25
# (batch, steps, units); as many inputs as units.
QUICK = [trace_short.SHAPE, (1, 500, 64), (16, 100, 256)]
SHAPES = [
    *((1, steps, 64) for steps in (20, 100, 500, 1000)),
    *((1, steps, 256) for steps in (20, 500)),
    *((1, steps, 1024) for steps in (20, 100, 500)),
    *((16, steps, 64) for steps in (20, 100, 1000)),
    *((16, steps, 256) for steps in (20, 100, 500)),
    (16, 20, 1024),
    *((64, steps, 64) for steps in (20, 100, 1000)),
    *((64, steps, 256) for steps in (20, 100, 500)),
    (64, 20, 1024),
]


def lstm_loop(module: nn.LSTM, x: Tensor) -> list[Tensor]:
    """The usual answer: the equations of LSTMCell, written out so that the gates can be kept, step by step."""
    w_ih, w_hh, b_ih, b_hh = module.all_weights[0]
    h = c = x.new_zeros(x.shape[1], module.hidden_size)
    rows: list[list[Tensor]] = [[] for _ in range(6)]
    for step in x:
        gates = nn.functional.linear(step, w_ih, b_ih) + nn.functional.linear(h, w_hh, b_hh)
        i, f, g, o = gates.chunk(4, dim=1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        for row, value in zip(rows, (i, f, g, o, c, h), strict=True):
            row.append(value)
    return [torch.stack(row) for row in rows]


def gru_loop(module: nn.GRU, x: Tensor) -> list[Tensor]:
    """The same for GRUCell."""
    w_ih, w_hh, b_ih, b_hh = module.all_weights[0]
    h = x.new_zeros(x.shape[1], module.hidden_size)
    rows: list[list[Tensor]] = [[] for _ in range(4)]
    for step in x:
        i_r, i_z, i_n = nn.functional.linear(step, w_ih, b_ih).chunk(3, dim=1)
        h_r, h_z, h_n = nn.functional.linear(h, w_hh, b_hh).chunk(3, dim=1)
        r, z = (i_r + h_r).sigmoid(), (i_z + h_z).sigmoid()
        n = (i_n + r * h_n).tanh()
        h = n + z * (h - n)
        for row, value in zip(rows, (r, z, n, h), strict=True):
            row.append(value)
    return [torch.stack(row) for row in rows]


LOOPS: dict[str, Callable[[Any, Tensor], list[Tensor]]] = {"LSTM": lstm_loop, "GRU": gru_loop}


def goal(kind: str, batch: int, steps: int, units: int) -> float | None:
    """How many times the fused forward a trace may take; None where it is only not to be slower than the loop."""
    if kind == "GRU":
        return 1.5 if batch == 1 else 1.6
    return 1.3 if batch >= 16 and (units >= 256 or steps >= 500) else None


def clock(device: str) -> Callable[[], float]:
    """Seconds: of this thread on one CPU thread, else on the clock once the device is done."""
    if device == "cuda":

        def now() -> float:
            torch.cuda.synchronize()
            return time.perf_counter()

        return now
    return time.thread_time if torch.get_num_threads() == 1 else time.perf_counter


def measure(kind: str, shape: tuple[int, int, int], device: str, threads: int, budget: float) -> dict[str, float]:
    """Milliseconds of the fused forward, and how many times as long the trace, the loop, writing arrays as large as the
    trace's, and what else the floor is made of take (medians of the ratios)."""
    if threads:
        torch.set_num_threads(threads)
    batch, steps, units = shape
    torch.manual_seed(0)
    module = KINDS[kind](units, units).to(device)
    x = torch.randn(steps, batch, units, device=device)

    def fused() -> Any:
        with torch.no_grad():
            return module(x)

    call = Call(module, x)
    piece = onednn.piece_size(call) if kind == "LSTM" else recorded.piece_size(call)

    def kept() -> Any:
        state = None
        for start in range(0, steps, piece):
            with torch.enable_grad():
                _, state = module(x[start : start + piece], state)
            state = tuple(value.detach() for value in state) if isinstance(state, tuple) else state.detach()

    w_ih, w_hh = (weight.detach().T for weight in module.all_weights[0][:2])
    gates = torch.empty(steps * batch, w_ih.shape[1], device=device)

    def product() -> Any:
        torch.mm(x.flatten(0, 1), w_ih, out=gates)
        gates.addmm_(x.flatten(0, 1), w_hh)

    def loop() -> Any:
        with torch.no_grad():
            return LOOPS[kind](module, x)

    returned = [np.zeros_like(value) for value in arrays(trace(module, x))]

    def write() -> Any:
        return [value.copy() for value in returned]

    now = clock(device)
    turns = in_turns([fused, lambda: trace(module, x), loop, write], now, budget)
    # By themselves: they keep and free so much memory that the others would have to wait for theirs.
    floors = in_turns([fused, kept, product], now, budget / 2)
    written = statistics.median(turn[3] / turn[0] for turn in turns)
    reading = statistics.median(turn[1] / turn[0] for turn in floors)
    computing = 1 + statistics.median(turn[2] / turn[0] for turn in floors)
    return {
        "fused": statistics.median(turn[0] for turn in turns) * 1e3,
        "trace": statistics.median(turn[1] / turn[0] for turn in turns),
        "loop": statistics.median(turn[2] / turn[0] for turn in turns),
        "kept": reading,
        "product": computing,
        "write": written,
        "floor": min(reading, computing) + written,
        "gain": statistics.median(turn[2] / turn[1] for turn in turns),
    }


def in_turns(ways: list[Callable[[], Any]], now: Callable[[], float], budget: float) -> list[list[float]]:
    """Seconds of each way, again and again for about ``budget`` seconds."""
    turns: list[list[float]] = []
    for way in ways:
        way()
    began = time.perf_counter()
    while len(turns) < 7 or (time.perf_counter() - began < budget and len(turns) < 200):
        turn = []
        for way in ways:
            start = now()
            result = way()
            turn.append(now() - start)
            del result
        turns.append(turn)
    return turns


def arrays(found: Trace) -> list[np.ndarray]:
    """All that a trace returns."""
    weights = [value for row in found.layers for params in row for value in params.values()]
    return [*found.signals.values(), found.inputs, *found.initial.values(), *weights]


def memory(kind: str, shape: tuple[int, int, int]) -> float | None:
    """Peak growth of the process during a trace over the bytes of the returned arrays; None where it cannot be read."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return None
    torch.set_num_threads(1)
    batch, steps, units = shape
    module, x = KINDS[kind](units, units), torch.randn(steps, batch, units)
    trace(module, x[: max(1, steps // 50)])

    def kilobytes(name: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))

    gc.collect()
    reset.write_text("5")  # the peak begins anew
    before = kilobytes("VmRSS")
    found = trace(module, x)
    return (kilobytes("VmHWM") - before) * 1024 / sum(array.nbytes for array in arrays(found))


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    names = [model, f"{os.cpu_count()} cores", f"torch {torch.__version__}", load(), time.strftime("%Y-%m-%d")]
    return ", ".join(filter(None, names))


def load() -> str:
    """How busy the machine is, where it says so: "load 1.6"."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


def alone(measured: Callable[..., Any], *args: Any) -> Any:
    """What it gives in a process of its own: memory that an earlier line has freed would be taken again, or missing."""
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(measured, *args).result()


def report(device: str, threads: int, shapes: list[tuple[int, int, int]], budget: float, kept: Path | None) -> str:
    """kept: a file of lines that were measured before, which are not measured again, and these."""
    earlier: dict[str, dict[str, float]] = json.loads(kept.read_text()) if kept and kept.exists() else {}
    rows, lines = [], {kind: [] for kind in KINDS}
    for kind in KINDS:
        for shape in shapes:
            name = f"{kind} {device} {threads} {shape}"
            if name not in earlier:
                earlier[name] = alone(measure, kind, shape, device, threads, budget)
                if kept:
                    kept.write_text(json.dumps(earlier))
            found, aim = earlier[name], goal(kind, *shape)
            print(kind, *shape, {key: round(value, 2) for key, value in found.items()}, flush=True)
            within = aim is None or found["trace"] <= aim
            mark = "" if within else " (floor)" if found["floor"] > (aim or 0) else " (over)"
            rows.append(
                (
                    kind,
                    *shape,
                    f"{found['fused']:.2f} ms",
                    "" if aim is None else f"{aim}",
                    f"{found['trace']:.2f}{mark}",
                    *(f"{found[key]:.2f}" for key in ("floor", "kept", "product", "write", "loop")),
                    f"{found['gain']:.2f}" + ("" if found["gain"] >= 1 else " (over)"),
                )
            )
            lines[kind].append((aim is not None, within, mark == " (floor)", found["gain"] >= 1))
    where = "CUDA" if device == "cuda" else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    times = ("fused forward", "goal", "trace / fused", "floor / fused", "kept / fused", "forward and product / fused")
    head = ("module", "batch", "steps", "units", *times, "arrays / fused", "loop / fused", "loop / trace")
    text = [f"## {where}", "", markdown(head, rows), ""]
    for kind, found in lines.items():
        aimed = [line for line in found if line[0]]
        text.append(
            f"{kind}: {sum(line[1] for line in aimed)} of {len(aimed)} shapes with a goal within it, "
            f"{sum(line[2] for line in aimed)} whose floor forbids it; "
            f"{sum(line[3] for line in found)} of {len(found)} no slower than the loop."
        )
    return "\n".join(text)


def memory_report(shapes: list[tuple[int, int, int]]) -> str:
    rows = []
    for kind in KINDS:
        for shape in shapes:
            found = alone(memory, kind, shape)
            if found is not None:
                rows.append((kind, *shape, f"{found:.2f}" + ("" if found <= MEMORY_GOAL else " (over)")))
    head = ("module", "batch", "steps", "units", "peak / returned arrays")
    return "\n".join(["## Memory", "", f"The goal is {MEMORY_GOAL}.", "", markdown(head, rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few shapes")
    parser.add_argument("--threads", type=int, action="append", help="CPU threads, may be given several times (1)")
    parser.add_argument("--budget", type=float, default=3.0, help="seconds a line")
    parser.add_argument("--kept", type=Path, help="a file that keeps what was measured, to go on from after a break")
    options = parser.parse_args()
    shapes = QUICK if options.quick else SHAPES
    began, parts = machine(), []
    for threads in options.threads or [1]:
        parts.append(report("cpu", threads, shapes, options.budget, options.kept))
    ended = f"; {load()} after the table" if load() else ""
    parts.insert(0, f"# What a trace costs\n\n{began}{ended}.\n\n{HOW}")
    parts.append(trace_cuda.report())
    torch.set_num_threads(1)
    parts.append(trace_short.report())
    parts.append(trace_line.report())
    parts.append(memory_report([(64, 100, 64), (64, 500, 64), (64, 500, 256), (1, 1000, 1024)]))
    OUT.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
