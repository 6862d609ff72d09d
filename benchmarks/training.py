"""A step of "Train it yourself" beside the same step in PyTorch: every cell, every task, two sizes, and the start.

``python -m benchmarks.training`` measures and writes its section of benchmarks/README.md. Each of the two works in a
process of its own, one thread each, and they take turns: trust the ratios.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import tables
from lab.learning.batch import Batch, batch_of
from lab.learning.live import EMBEDDING, TEXTS, Choice, keep_memory, learner
from lab.learning.sizes import layers_of
from lab.tasks.miniature import MINIATURES
from lstm_core.cells import CELLS

REPORT = Path(__file__).with_name("README.md")
ROOT = REPORT.parent.parent
SIZES = (8, 32)
ECONOMY = 0.2
Step = Callable[[Batch], None]


def numpy_step(choice: Choice, draw: np.random.Generator) -> Step:
    """As ``lab.learning.live`` takes it."""
    from lab.learning.descent import Adam

    network = learner(choice, draw)
    adam = Adam(network.weights, choice.learning_rate)

    def step(batch: Batch) -> None:
        with np.errstate(all="ignore"):
            network.loss(batch, choice.economy)
            adam.step(network.gradient)

    return step


def torch_step(choice: Choice, draw: np.random.Generator) -> Step:
    """The same network, loss, clipping and optimizer in PyTorch, with its fused kernels: as the page had it before."""
    import torch

    from lab.learning.loop import batch_loss
    from lab.learning.network import TorchNetwork
    from lstm_core.equations import carry

    torch.set_num_threads(1)
    cell, words = CELLS[choice.cell], len(MINIATURES[choice.task].vocabulary) + 1
    network = TorchNetwork(cell, words, EMBEDDING, choice.hidden, layers_of(cell))
    adam = torch.optim.Adam(network.parameters(), lr=choice.learning_rate)
    economy = choice.economy if carry(cell) else 0.0

    def step(batch: Batch) -> None:
        loss = batch_loss(network, batch, economy)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()

    return step


STEPS = {"numpy": numpy_step, "torch": torch_step}


def work(kind: str) -> None:
    """Answer lines of [choice, steps] with the processor's seconds of each step; the texts are made before."""
    if kind == "numpy":
        keep_memory()
    made: dict[str, Step] = {}
    for line in sys.stdin:
        named, steps = json.loads(line)
        choice, draw = Choice(**named), np.random.default_rng(0)
        if line not in made:
            made[line] = STEPS[kind](choice, draw)
        seconds = []
        for batch in [batch_of(MINIATURES[choice.task].rows(draw, TEXTS), draw) for _ in range(steps)]:
            start = time.process_time()
            made[line](batch)
            seconds.append(time.process_time() - start)
        status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        memory = next(int(entry.split()[1]) for entry in status if entry.startswith("VmHWM"))
        print(json.dumps([seconds, memory / 1024]), flush=True)


Ask = Callable[[dict[str, Any], int], tuple[list[float], float]]
"""(choice, steps) -> seconds of each step, peak memory of the process in MB."""


@contextmanager
def worker(kind: str) -> Iterator[Ask]:
    """A new process that takes steps."""
    command, pipe = [sys.executable, "-m", "benchmarks.training", "--worker", kind], subprocess.PIPE
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        sent, received = process.stdin, process.stdout

        def ask(choice: dict[str, Any], steps: int) -> tuple[list[float], float]:
            print(json.dumps([choice, steps]), file=sent, flush=True)
            seconds, memory = json.loads(received.readline())
            return seconds, memory

        yield ask
        sent.close()


def starts(repeat: int) -> dict[str, tuple[list[float], list[float]]]:
    """By kind: seconds on the clock from a process's start to its first step taken, and its memory after 200."""
    found: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in STEPS}
    for _ in range(repeat):
        for kind, (seconds, memory) in found.items():
            start = time.perf_counter()
            with worker(kind) as ask:
                ask(asdict(Choice(hidden=SIZES[0])), 1)
                seconds.append(time.perf_counter() - start)
                memory.append(ask(asdict(Choice(hidden=SIZES[0])), 200)[1])
    return found


def steps(repeat: int, count: int) -> dict[tuple[str, str, int, str], float]:
    """The median seconds of a step by task, cell, units and kind."""
    found = {}
    with ExitStack() as stack:
        workers = {kind: stack.enter_context(worker(kind)) for kind in STEPS}
        for name in CELLS:
            for hidden in SIZES:
                for task in MINIATURES:
                    choice = asdict(Choice(task, name, hidden, economy=ECONOMY))
                    taken: dict[str, list[float]] = {kind: [] for kind in STEPS}
                    for turn in range(repeat + 1):
                        for kind, ask in workers.items():
                            seconds, _ = ask(choice, count)
                            taken[kind] += seconds if turn else []  # the first turn warms up
                    found |= {(task, name, hidden, kind): median(seconds) for kind, seconds in taken.items()}
            print(name, flush=True)
    return found


def report(found: dict[tuple[str, str, int, str], float], begun: dict[str, Any], note: str) -> str:
    head = ["ms a step (PyTorch's time over ours)", *(f"{task}, {n} units" for n in SIZES for task in MINIATURES)]
    rows, ratios = [], []
    for name in CELLS:
        row = [f"`{name}`"]
        for hidden in SIZES:
            for task in MINIATURES:
                ours, theirs = (found[task, name, hidden, kind] for kind in STEPS)
                ratios.append(theirs / ours)
                row.append(f"{1000 * ours:.2f} ({theirs / ours:.1f})")
        rows.append(row)
    (start, memory), (other_start, other_memory) = begun["numpy"], begun["torch"]
    return "\n".join(
        (
            tables.markdown(head, rows),
            "",
            f"PyTorch's time over ours: {min(ratios):.1f} to {max(ratios):.1f}, median {median(ratios):.1f}. From a "
            f"process's start to its first step: {median(start):.2f} s, with PyTorch {median(other_start):.2f} s. "
            f"Memory after 200 steps: {median(memory):.0f} MB, with PyTorch {median(other_memory):.0f} MB.",
            "",
            note,
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="turns of each")
    parser.add_argument("--steps", type=int, default=20, help="steps of a turn")
    parser.add_argument("--dry", action="store_true", help="print the table, leave benchmarks/README.md alone")
    parser.add_argument("--worker", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.worker)
    from benchmarks.__main__ import processor  # not in a worker, whose memory is measured: it brings Playwright

    load, begun = os.getloadavg()[0], starts(options.repeat)
    found = steps(options.repeat, options.steps)
    note = (
        f"{datetime.date.today()}, {options.repeat} turns of {options.steps} steps of {TEXTS} texts, load average "
        f"{load:.1f} when it began. {processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"numpy {version('numpy')}, torch {version('torch')}."
    )
    table = report(found, begun, note)
    print(table)
    if not options.dry:
        REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), "training", table), encoding="utf-8")


if __name__ == "__main__":
    main()
