"""``make bench``: measure Gatescope's page beside the floor, in one run, and write the table into benchmarks/README.md.

Samples of the two pages alternate, because a machine's speed drifts: trust the ratios.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Browser

from benchmarks import models, page, tables
from benchmarks.browser import chromium, serve
from benchmarks.page import ANALYSIS, FLOOR, GATESCOPE

REPORT = Path(__file__).with_name("README.md")
SIZES = (20, 100, 500)
PAGES = {"memory": "Memory", "what_if": "What if", "gradients": "Gradients", "contrast": "Contrast"}
VIEWERS = 20
Samples = dict[str, list[float]]


def start(browser: Browser, repeat: int, found: Samples) -> None:
    for k in range(repeat + 1):
        for name, subject in (("start floor", FLOOR), ("start", GATESCOPE)):
            took = page.start_to_chart(browser, subject)
            if k:  # the first run compiles Python files and copies Plotly.js into place
                found[name].append(took)


def reruns(browser: Browser, repeat: int, found: Samples, env: dict[str, str]) -> None:
    with ExitStack() as stack:
        ours, floor = stack.enter_context(serve(GATESCOPE.script, env)), stack.enter_context(serve(FLOOR.script, env))
        mine = stack.enter_context(page.viewer(browser, GATESCOPE, ours, page.PAIR))
        bare = stack.enter_context(page.viewer(browser, FLOOR, floor))
        for k in range(repeat + 2):
            samples = {"enter floor": bare.enter(f"text {k}")}
            for size in SIZES:
                samples[f"enter {size}"] = mine.enter(models.words(size, seed=1000 * size + k))
                if size == SIZES[0]:
                    samples["step"] = mine.step(back=True)
            if k >= 2:  # the first reruns warm the server and the browser up
                for name, (took, count) in samples.items():
                    found[name].append(took)
                    found[f"{name} sent"].append(count)


def clicks(browser: Browser, repeat: int, found: Samples, env: dict[str, str]) -> None:
    """A click on a word of each analysis page beside the floor's Enter; every click asks for what was not drawn yet."""
    text = models.words(SIZES[0], seed=1)
    with ExitStack() as stack:
        ours, floor = stack.enter_context(serve(GATESCOPE.script, env)), stack.enter_context(serve(FLOOR.script, env))
        bare = stack.enter_context(page.viewer(browser, FLOOR, floor))
        for name in PAGES:
            with page.viewer(browser, ANALYSIS, ours, page.PAIR | {"text": text}, name) as mine:
                for k in range(min(repeat + 2, SIZES[0] - 1)):
                    took, beside = page.click(mine, k), bare.enter(f"{name} {k}")[0]
                    if k >= 2:
                        found[f"click {name}"].append(took)
                        found[f"click {name} floor"].append(beside)


def memory(browser: Browser, found: Samples, env: dict[str, str]) -> None:
    for suffix, subject in (("", GATESCOPE), (" floor", FLOOR)):
        query = page.PAIR if subject is GATESCOPE else None
        with ExitStack() as stack:
            server = stack.enter_context(serve(subject.script, env))
            for k in range(VIEWERS):
                one = stack.enter_context(page.viewer(browser, subject, server, query))
                one.enter(models.words(SIZES[0], seed=k))
                if k in (0, VIEWERS - 1):
                    found[f"memory {k + 1}{suffix}"].append(page.memory(server))


def cell(values: Sequence[float], unit: str) -> str:
    """The median, with the quartiles where there are enough samples."""
    text = f"{median(values):.0f}" if unit != "kB" else f"{median(values) / 1000:.1f}"
    if len(values) >= 4 and unit == "ms":
        low, _, high = quantiles(values, n=4)
        text += f" ({low:.0f} to {high:.0f})"
    return f"{text} {unit}".rstrip()


def report(found: Samples, repeat: int, chromium_version: str, load: float) -> str:
    """The table of goal, measured, floor and ratio, and the machine."""
    m = {name: median(values) for name, values in found.items()}
    rows = []

    def row(what: str, goal: str, name: str, beside: str | None, unit: str, met: bool | None = None) -> None:
        ratio = f"{m[name] / m[beside]:.2f}" if beside else ""
        verdict = "" if met is None else "met" if met else "missed"
        rows.append((what, goal, cell(found[name], unit), cell(found[beside], unit) if beside else "", ratio, verdict))

    quick, all_viewers = m["enter 20"] <= m["enter floor"], f"memory {VIEWERS}"
    row("Enter to repaint, 20 tokens", "at most the floor", "enter 20", "enter floor", "ms", quick)
    flat = m["enter 100"] <= 1.4 * m["enter floor"]
    row("Enter to repaint, 100 tokens", "at most 1.4 times the floor", "enter 100", "enter floor", "ms", flat)
    row("Enter to repaint, 500 tokens", "", "enter 500", "enter floor", "ms")
    row("a cursor step", "under 35 ms", "step", None, "ms", m["step"] < 35)
    row("messages to the server in a cursor step", "none", "step sent", None, "", max(found["step sent"]) == 0)
    for name, title in PAGES.items():
        quick = m[f"click {name}"] < 300
        row(f"{title}: click to repaint", "under 300 ms", f"click {name}", f"click {name} floor", "ms", quick)
    soon = m["start"] <= m["start floor"]
    row("start of the server to first chart", "at most the floor", "start", "start floor", "ms", soon)
    for n in SIZES:
        row(f"bytes of a rerun, {n} tokens", "", f"enter {n} sent", "enter floor sent", "kB")
    row("server memory, 1 viewer", "", "memory 1", "memory 1 floor", "MB")
    small = m[all_viewers] < 400
    row(f"server memory, {VIEWERS} viewers", "under 400 MB", all_viewers, f"{all_viewers} floor", "MB", small)
    packages = ", ".join(f"{name} {version(name)}" for name in ("streamlit", "plotly", "numpy"))
    return "\n".join(
        (
            tables.markdown(("", "goal", "measured", "floor", "ratio", ""), rows),
            "",
            f"{datetime.date.today()}, {repeat} samples of each time, load average {load:.1f} when it began. "
            f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}, "
            f"Chromium {chromium_version}.",
        )
    )


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeat", type=int, default=15, help="samples of each time")
    parser.add_argument("--dry", action="store_true", help="print the table, leave benchmarks/README.md alone")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    found: Samples = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        models.save(Path(folder))
        env = {"GATESCOPE_MODELS": folder}
        print("Enter to repaint, cursor steps, bytes", flush=True)
        reruns(browser, options.repeat, found, env)
        print("clicks on the analysis pages", flush=True)
        clicks(browser, options.repeat, found, env)
        print("start of the server to first chart", flush=True)
        start(browser, options.repeat, found)
        print("memory", flush=True)
        memory(browser, found, env)
        table = report(found, options.repeat, browser.version, load)
    print(table)
    if not options.dry:
        REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), "results", table), encoding="utf-8")


if __name__ == "__main__":
    main()
