"""What a survey costs: time, memory and disk by the number of steps, its questions, and the usual way beside it.

``python -m benchmarks.survey`` measures and writes ``benchmarks/survey.md``; ``--steps 100000`` for other sizes,
``--ray`` measures one and two workers of a Ray cluster as well, ``--long`` one document of a million words. What was
measured is kept in ``--kept FILE``, if that is named, so that it can be done in pieces.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import lstm_core
from benchmarks.tables import markdown

OUT = Path(__file__).with_name("survey.md")
TEXTS = Path(__file__).resolve().parent.parent / "assets" / "text"
MODEL = "general-lstm"
STEPS = (100_000, 1_000_000)
LOOP = 100_000
"""Steps of the usual way, which fills a disk."""
QUESTIONS = 1_000_000
"""Steps of the survey that is asked."""
WORDS = 1_000_000
"""Of the one long document."""
LINES = ("survey", "survey, one worker of Ray", "survey, two workers of Ray", "survey of one document", "the usual way")
"""What is measured, in the order of the table."""
HOW = """Made by `python -m benchmarks.survey`: the shipped {model} ({units} units of six signals) reads the paragraphs
of Austen's novels and WordNet's phrases, again and again until there are so many steps. One thread, every line in a
process of its own; "processor" is the process's time on it, so that other work on the machine counts as little as can
be. Ray's time holds its start, some seconds; its memory is that of the largest worker. A million steps are 17 parts.

The usual way is a loop over the steps with the cell's equations written out in PyTorch, so that the gates can be kept
(hooks on `nn.LSTM` see h alone), 64 documents of about one length at a time, and six HDF5 data sets to which the
unpadded values are appended. It answers nothing yet.

{note}Goals: a million steps in 3 minutes and 500 MB, as many microseconds a step and as much memory at every size, at
most 1 % of the raw gates at 10^6 steps (the highest and lowest places of every unit, 2.5 MB, do not grow); two workers
1.8 times as fast as one, Ray at most 1.15 times as slow as none, a worker at most 1.5 GB; a question in 300 ms, the
first of a process aside, which imports and opens, and `similar` in 1 s."""


def documents(steps: int) -> Iterator[str]:
    """Paragraphs and phrases whose tokens are about so many: a token has 4 characters."""
    names = ("austen", "wordnet-examples")
    read = (lzma.decompress((TEXTS / f"{name}.txt.xz").read_bytes()).decode().splitlines() for name in names)
    lines = [line for part in read for line in part if line and not line.startswith("= ")]
    size = 0
    for line in cycle(lines):
        yield line
        size += len(line)
        if size >= steps * CHARACTERS:
            return


CHARACTERS = 4.25


def peak(process: Path = Path("/proc/self")) -> float:
    """The most memory of a process so far, in MB."""
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def size_of(folder: Path) -> float:
    """In MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def surveyed(folder: str, steps: int, engine: str = "local", workers: int | None = None) -> dict[str, float]:
    """Seconds, steps, memory and disk of a survey."""
    return _cost(documents(steps), folder, engine=engine, workers=workers)


def long(folder: str, steps: int) -> dict[str, float]:
    """The same of one document of so many words."""
    return _cost([" ".join(" ".join(documents(5 * steps)).split(" ")[:steps])], folder)


def _cost(texts: Iterable[str], folder: str, **how: Any) -> dict[str, float]:
    start, processor = time.perf_counter(), time.process_time()
    survey = lstm_core.survey(MODEL, texts, folder, **how)
    return {
        "steps": survey.steps,
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - processor,
        "memory": peak(),
        "disk": size_of(Path(folder)),
    }


def workers(folder: str, steps: int, count: int) -> dict[str, float]:
    """The same of so many workers of Ray, whose memory is looked at while they work."""
    most, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(1):  # what is looked for is the most so far, and looking takes a worker's time
            for path in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, ValueError, StopIteration):
                    if b"MapWorker" in (path / "cmdline").read_bytes():
                        most[0] = max(most[0], peak(path))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        return surveyed(folder, steps, "ray", count) | {"memory": most[0]}
    finally:
        done.set()
        looking.join()


def usual(folder: str, steps: int) -> dict[str, float]:
    """The same of a loop that keeps every gate in HDF5."""
    import h5py
    import torch

    from benchmarks.trace import lstm_loop
    from lstm_core.stacked import stack_weights

    torch.set_num_threads(1)
    network = lstm_core.load_model(MODEL)
    module = torch.nn.LSTM(network.embedding.shape[1], network.hidden_size)
    weights = stack_weights(network.cell, network.layers[0][0])
    module.load_state_dict({f"{name}_l0": torch.tensor(value) for name, value in weights.items()})
    embedding = torch.tensor(network.embedding)
    start, processor, done = time.perf_counter(), time.process_time(), 0
    with h5py.File(Path(folder) / "gates.h5", "w") as file, torch.no_grad():
        shape = {"shape": (0, network.hidden_size), "maxshape": (None, network.hidden_size), "chunks": (4096, 112)}
        kept = [file.create_dataset(name, dtype="f4", **shape) for name in "ifgoch"]
        read = documents(steps)
        while batch := [[token.id for token in network.tokenizer.encode(text)] for text in islice(read, 4096)]:
            batch.sort(key=len)
            for k in range(0, len(batch), 64):
                rows = [torch.tensor(ids) for ids in batch[k : k + 64] if ids]
                if not rows:
                    continue
                found = lstm_loop(module, embedding[torch.nn.utils.rnn.pad_sequence(rows)])
                there = torch.arange(len(found[0]))[:, None] < torch.tensor([len(row) for row in rows])
                for dataset, value in zip(kept, found, strict=True):
                    own = value[there].numpy()
                    dataset.resize(len(dataset) + len(own), axis=0)
                    dataset[-len(own) :] = own
            done = len(kept[0])
    return {
        "steps": done,
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - processor,
        "memory": peak(),
        "disk": size_of(Path(folder)),
    }


def asked(folder: str) -> dict[str, tuple[float, float]]:
    """By question, milliseconds of the first time and the median of others."""
    questions: dict[str, Callable[[Any, int], Any]] = {
        "open_survey, and units()": lambda s, k: lstm_core.open_survey(folder).units(),
        "contexts of a unit, 60 places with their words": lambda s, k: s.contexts("c", unit=k),
        "histogram of a unit": lambda s, k: s.histogram("f", unit=k),
        "follows a property": lambda s, k: s.follows(("inside_quotes", "digit", "part_of_word")[k % 3]),
        "similar, all units of a stretch": lambda s, k: s.similar(40 + k, 1, 4 + k % 3, sides=1),
        "similar, three quarters of them": lambda s, k: s.similar(40 + k, 1, 4 + k % 3, sides=1, share=0.75),
        "one place opened as a trace": lambda s, k: s.contexts("c", unit=k, most=1).highest[0].open(),
        "SQL: dead and saturated units by signal": lambda s, k: s.sql(
            "select signal, count(*) filter (dead), count(*) filter (saturated) from units group by signal"
        ),
    }
    survey = lstm_core.open_survey(folder)
    found = {}
    for name, question in questions.items():
        times = []
        for k in range(12):
            start = time.perf_counter()
            question(survey, k)
            times.append(1e3 * (time.perf_counter() - start))
        found[name] = (times[0], statistics.median(times[1:]))
    return found


def script() -> None:
    from dashboard.views import corpus

    corpus.page()


def page() -> dict[str, tuple[float, float]]:
    """The same of the page Corpus with the surveys that ship: its whole script, without the browser."""
    import logging

    from streamlit.testing.v1 import AppTest

    logging.disable(logging.WARNING)  # of a page without a server
    times = []
    start = time.perf_counter()
    test = AppTest.from_function(script, default_timeout=120).run()
    times.append(1e3 * (time.perf_counter() - start))
    for k in range(11):
        test.selectbox[0].set_value(str(17 + 20 * k))
        start = time.perf_counter()
        test.run()
        times.append(1e3 * (time.perf_counter() - start))
    assert not test.exception
    return {"the page Corpus, another unit chosen": (times[0], statistics.median(times[1:]))}


def alone(measured: Callable[..., Any], *args: Any) -> Any:
    """What it gives in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(measured, *args).result()


def row(name: str, found: dict[str, float]) -> tuple[object, ...]:
    """Of Ray, whose workers are processes of their own, without the time on the processor."""
    steps = int(found["steps"])
    raw = steps * 6 * lstm_core.load_model(MODEL).hidden_size * 4 / 1e6
    processor = ("", "")
    if "Ray" not in name:
        processor = (f"{found['processor']:.0f} s", f"{1e6 * found['processor'] / steps:.0f} µs")
    memory, disk = f"{found['memory']:.0f} MB", f"{found['disk']:.1f} MB"
    return (
        name,
        f"{steps:,}",
        f"{found['seconds']:.0f} s",
        *processor,
        memory,
        disk,
        f"{100 * found['disk'] / raw:.2f} %",
    )


def measure(kept: dict[str, Any], options: argparse.Namespace, save: Callable[[], None]) -> None:
    """Everything that is not in ``kept`` yet: rows, a list of name and figures, and answers, of the questions."""

    def one(name: str, measured: Callable[..., Any], steps: int, *more: Any) -> None:
        if [name, steps] in [key for key, _ in kept["rows"]]:
            return
        with tempfile.TemporaryDirectory() as folder:
            found = alone(measured, folder, steps, *more)
            kept["rows"].append(([name, steps], found))
            print(*row(name, found), flush=True)
            if measured is surveyed and steps <= QUESTIONS:
                kept["answers"] = alone(asked, folder) | alone(page)
        save()

    for steps in options.steps:
        one("survey", surveyed, steps)
        if options.ray:
            one("survey, one worker of Ray", workers, steps, 1)
            one("survey, two workers of Ray", workers, steps, 2)
    if options.long:
        one("survey of one document", long, WORDS)
    if LOOP in options.steps:
        one("the usual way", usual, LOOP)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="*", default=list(STEPS))
    parser.add_argument("--ray", action="store_true", help="one and two workers of a Ray cluster as well")
    parser.add_argument("--long", action="store_true", help="one document of a million words as well")
    parser.add_argument("--kept", type=Path, help="a file of what was measured before, which is not measured again")
    options = parser.parse_args()
    from benchmarks.trace import machine

    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAY_worker_niceness": "0"}
    os.environ["PYTHONPATH"] = str(OUT.parent.parent)  # for the workers
    kept: dict[str, Any] = {"machine": machine(), "rows": [], "answers": {}}
    if options.kept and options.kept.exists():
        kept = json.loads(options.kept.read_text(encoding="utf-8"))

    def save() -> None:
        if options.kept:
            options.kept.write_text(json.dumps(kept), encoding="utf-8")

    measure(kept, options, save)
    order = sorted(kept["rows"], key=lambda one: (LINES.index(one[0][0]), one[0][1]))
    rows = [row(name, found) for (name, _), found in order]
    units = lstm_core.load_model(MODEL).hidden_size
    head = ("", "steps", "time", "processor", "processor a step", "most memory", "disk", "of the raw gates")
    times = [(name, f"{first:.0f} ms", f"{later:.0f} ms") for name, (first, later) in kept["answers"].items()]
    parts = [
        f"# What a survey costs\n\n{kept['machine']}, NumPy {np.__version__}.",
        HOW.format(model=MODEL, units=units, note=kept.get("note", "")),
        markdown(head, rows),
        f"## Questions, of {QUESTIONS:,} steps",
        markdown(("question", "first", "then, median of 11"), times),
    ]
    OUT.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
