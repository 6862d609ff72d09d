"""What the documentation says in figures and no other benchmark makes: a watched training, float32, Captum, memory.

``python -m benchmarks.figures`` measures and writes its tables into benchmarks/README.md; names of tables for these
alone. Captum is no part of the project: the table of attributions is left as it is where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import io
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from zlib import crc32

import numpy as np
import torch
from playwright.sync_api import Page
from torch import Tensor, nn

import lstm_core
from benchmarks import tables
from benchmarks.browser import chromium, serve
from benchmarks.load.measured import resident
from benchmarks.trace import machine
from lstm_core.analysis import attribution

REPORT = Path(__file__).with_name("README.md")
TURNS, STEPS, INPUTS, SEQUENCES = 40, 50, 32, (16, 64)
TEXTS, WORDS = 20, 30
KINDS = (nn.LSTM, nn.GRU, nn.RNN)
NO_TORCH = 'import sys\nsys.modules["torch"] = None\n'
READERS = b"spawn_main"
"""Stands in the commands of the processes that read visitors' files (``dashboard.workers``)."""


def watching() -> str:
    """What one reading adds to a step of training, by turns of a step with and one without; processor time."""
    rows = []
    for kind, units in product((nn.LSTM, nn.GRU), (64, 256)):
        for sequences in SEQUENCES:
            own, more = reading(kind(INPUTS, units), torch.randn(STEPS, sequences, INPUTS))
            name = f"{kind.__name__}, {units} units, {sequences} sequences"
            rows.append((name, f"{own:.1f} ms", f"{more:.1f} ms", f"{more / own / 100:.1%}".replace("%", " %")))
    head = (f"{STEPS} steps of {INPUTS} numbers", "a step of training", "a reading", "longer at `every=100`")
    return tables.markdown(head, rows)


def reading(module: nn.Module, x: Tensor) -> tuple[float, float]:
    """Milliseconds of a step of training, and what a reading adds."""
    optimizer = torch.optim.Adam(module.parameters())

    def step() -> float:
        start = time.process_time()
        loss = module(x)[0].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return 1000 * (time.process_time() - start)

    plain, read = [], []
    for turn in range(TURNS + 2):
        with lstm_core.watch(module, every=1, to=lambda reading: None):
            took = step()
        if turn > 1:  # the first two warm up
            read.append(took)
            plain.append(step())
    return median(plain), median(read) - median(plain)


def single() -> str:
    """How far the library's float32 is from the same run in float64, of values above 1 as a share of them."""
    from tests.test_javascript import exactly, texts_of

    found = {}
    for name in lstm_core.list_models():
        network = lstm_core.load_model(name)
        exact, worst = exactly(network), 0.0
        for ids in texts_of(network.tokenizer.size, TEXTS, WORDS, crc32(name.encode())):
            near, true = (one.read(np.array(ids)) for one in (network, exact))
            for signal, value in true.signals.items():
                worst = max(worst, float((np.abs(near[signal] - value) / np.maximum(1, np.abs(value))).max()))
        found[name] = worst
    furthest = max(found, key=found.__getitem__)
    least, most = min(found.values()), found[furthest]
    row = (f"{len(found)} shipped models", f"{least:.1e}", f"{median(found.values()):.1e}", f"{most:.1e} ({furthest})")
    return tables.markdown((f"{TEXTS} texts of 1 to {WORDS} random words", "least", "median", "most"), [row])


def captum() -> str:
    """The largest difference between Captum's shares and ours, relative to the largest share of each."""
    attr = importlib.import_module("captum.attr")
    worst = {"gradient": 0.0, "integrated": 0.0}
    modules = list(product(KINDS, (1, 2), (False, True), range(3)))
    for kind, layers, both, seed in modules:
        torch.manual_seed(seed)
        module = kind(5, 8, layers, bidirectional=both).double().eval()
        x, vector = torch.randn(12, 1, 5, dtype=torch.float64), torch.randn(8 * (1 + both), dtype=torch.float64)
        trace = lstm_core.trace(module, x)

        def output(x: Tensor, module: nn.Module = module, vector: Tensor = vector) -> Tensor:
            return module(x.transpose(0, 1))[0][-1] @ vector  # Captum has the batch first

        whole = {"n_steps": 200, "method": "gausslegendre"}
        theirs = {
            "gradient": attr.InputXGradient(output).attribute(x.transpose(0, 1).clone().requires_grad_()),
            "integrated": attr.IntegratedGradients(output).attribute(x.transpose(0, 1), **whole),
        }
        for method, shares in theirs.items():
            ours = attribution(trace, vector.numpy(), method).inputs
            assert ours is not None
            apart = np.abs(ours - shares[0].detach().numpy()).max() / np.abs(ours).max()
            worst[method] = max(worst[method], float(apart))
    head = (f"{len(modules)} LSTMs, GRUs and RNNs", *worst)
    return tables.markdown(head, [("furthest from Captum's share", *(f"{value:.0e}" for value in worst.values()))])


def memory() -> str:
    """Of the server's process, and of those that read visitors' files, with PyTorch and without."""
    file = io.BytesIO()
    torch.save(nn.LSTM(8, 64, 2).state_dict(), file)
    what = "the server, first page", "after a `.pt` file was uploaded", "a process that reads files"
    rows: dict[str, list[str]] = {name: [] for name in what}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        (Path(folder) / "sitecustomize.py").write_text(NO_TORCH, encoding="utf-8")
        for env in ({"PYTHONPATH": folder}, {}):
            with serve(env=env) as server:
                page = browser.new_page()
                page.goto(server.url)
                page.locator(".js-plotly-plot").first.wait_for()
                found = [settled(lambda: resident(server))]
                uploaded(page, server.url, file.getvalue())
                found.append(settled(lambda: resident(server)))
                found.append(max(map(held, readers(server.process.pid))))
                page.close()
            for row, value in zip(rows.values(), found, strict=True):
                row.append(f"{value:.0f} MB")
    return tables.markdown(("", "without PyTorch", "with PyTorch"), [(name, *row) for name, row in rows.items()])


def settled(ask: Callable[[], float]) -> float:
    """The median over two seconds."""
    found = []
    for _ in range(10):
        time.sleep(0.2)
        found.append(ask())
    return median(found)


def uploaded(page: Page, url: str, file: bytes) -> None:
    """A visitor's file is on the left, read and drawn."""
    page.goto(f"{url}/?left=yours")
    page.get_by_test_id("stFileUploader").wait_for()
    field = page.locator("input[type=file]").last.element_handle()
    field.set_input_files({"name": "model.pt", "mimeType": "application/octet-stream", "buffer": file})
    page.wait_for_function("field => !field.isConnected", arg=field, timeout=60_000)
    page.locator(".js-plotly-plot").first.wait_for()


def readers(server: int) -> list[int]:
    """The processes of a server that read visitors' files, and wait for the next one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if READERS in (path / "cmdline").read_bytes() and f"PPid:\t{server}\n" in (path / "status").read_text():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def held(process: int) -> float:
    """Its resident set in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


TABLES = {"watching": watching, "single": single, "captum": captum, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all by default")
    parser.add_argument("--dry", action="store_true", help="print the tables, leave benchmarks/README.md alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.tables or TABLES:
        if name == "captum" and find_spec("captum") is None:
            print("Captum is not installed")
            continue
        found = f"{TABLES[name]()}\n\n{machine()}."
        print(found, flush=True)
        if not options.dry:
            REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), name, found), encoding="utf-8")


if __name__ == "__main__":
    main()
