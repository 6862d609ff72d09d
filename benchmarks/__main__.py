"""``make bench``: measure Gatescope's page beside the floor, and write the tables into benchmarks/README.md.

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
SERVED = {20: ("at most the floor", 1.0), 100: ("at most 1.4 of it", 1.4)}
"""What is wanted by tokens where the browser reads nothing itself."""
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
        served = stack.enter_context(page.viewer(browser, GATESCOPE, ours, page.PAIR, served=True))
        bare = stack.enter_context(page.viewer(browser, FLOOR, floor))
        mine.page.locator(GATESCOPE.box).focus()
        mine.page.locator("[data-testid=gs-plot][data-able='1']").wait_for()  # who writes has both models soon
        for k in range(repeat + 2):
            samples = {"enter floor": bare.enter(f"text {k}")}
            for size in SIZES:
                text = models.words(size, seed=1000 * size + k)
                samples[f"enter {size}"] = mine.enter(text)
                samples[f"letter {size}"] = mine.letter(text), 0
                samples[f"proved {size}"] = mine.prove(models.words(size, seed=2000 * size + k)), 0
                served.enter(models.words(size, seed=4000 * size + k))  # so that the next one is no longer or shorter
                samples[f"served {size}"] = served.enter(models.words(size, seed=3000 * size + k))
                if size == SIZES[0]:
                    samples["step"] = mine.step(back=True)
            if k >= 2:  # the first reruns warm the server and the browser up
                for name, (took, count) in samples.items():
                    found[name].append(took)
                    found[f"{name} sent"].append(count)


def clicks(browser: Browser, repeat: int, found: Samples, env: dict[str, str]) -> None:
    """A click on a word of each analysis page beside the floor's Enter; every click asks for what was not drawn yet."""
    text = models.words(SIZES[0], seed=1)
    query = page.PAIR | {"text": text, "other": f"w1 {text.partition(' ')[2]}"}  # what Contrast compares with
    with ExitStack() as stack:
        ours, floor = stack.enter_context(serve(GATESCOPE.script, env)), stack.enter_context(serve(FLOOR.script, env))
        bare = stack.enter_context(page.viewer(browser, FLOOR, floor))
        for name in PAGES:
            with page.viewer(browser, ANALYSIS, ours, query, name) as mine:
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


Row = tuple[str, str, str, str, str, str]


def row(found: Samples, what: str, goal: str, name: str, beside: str | None, unit: str, met: bool | None = None) -> Row:
    ratio = f"{median(found[name]) / median(found[beside]):.2f}" if beside else ""
    verdict = "" if met is None else "met" if met else "missed"
    return what, goal, cell(found[name], unit), cell(found[beside], unit) if beside else "", ratio, verdict


def report_typing(found: Samples) -> list[Row]:
    """What follows on a key, and what a rerun sends."""
    m = {name: median(values) for name, values in found.items()}
    rows = []
    for n in SIZES:
        goal, most = ("at most half the floor", m["enter floor"] / 2) if n == SIZES[0] else ("", None)
        for name, what in (("letter", "a letter typed"), ("enter", "Enter")):
            met = None if most is None else m[f"{name} {n}"] <= most
            rows.append(row(found, f"{what} to repaint, {n} tokens", goal, f"{name} {n}", "enter floor", "ms", met))
        what = f"Enter to the server's own trace, {n} tokens"
        rows.append(row(found, what, "", f"proved {n}", "enter floor", "ms"))
        goal, most = SERVED.get(n, ("", None))
        what = f"Enter to repaint where the server alone reads, {n} tokens"
        met = None if most is None else m[f"served {n}"] <= most * m["enter floor"]
        rows.append(row(found, what, goal, f"served {n}", "enter floor", "ms", met))
    rows.append(row(found, "a cursor step", "under 35 ms", "step", None, "ms", m["step"] < 35))
    silent = max(found["step sent"]) == 0
    rows.append(row(found, "messages to the server in a cursor step", "none", "step sent", None, "", silent))
    for n in SIZES:
        rows.append(row(found, f"bytes of a rerun, {n} tokens", "", f"enter {n} sent", "enter floor sent", "kB"))
    return rows


def report(found: Samples) -> list[Row]:
    """The other pages, the start, and memory."""
    m = {name: median(values) for name, values in found.items()}
    rows = []
    for name, title in PAGES.items():
        what, beside, quick = f"{title}: click to repaint", f"click {name} floor", m[f"click {name}"] < 300
        rows.append(row(found, what, "under 300 ms", f"click {name}", beside, "ms", quick))
    soon = m["start"] <= m["start floor"]
    what = "start of the server to first chart"
    rows.append(row(found, what, "at most the floor", "start", "start floor", "ms", soon))
    rows.append(row(found, "server memory, 1 viewer", "", "memory 1", "memory 1 floor", "MB"))
    all_viewers = f"memory {VIEWERS}"
    small = m[all_viewers] < 400
    what = f"server memory, {VIEWERS} viewers"
    rows.append(row(found, what, "under 400 MB", all_viewers, f"{all_viewers} floor", "MB", small))
    return rows


def table(rows: Sequence[Row], repeat: int, chromium_version: str, load: float) -> str:
    """With the machine below."""
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
    parser.add_argument("--only", choices=("typing", "results"), help="one of the two tables")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    found: Samples = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        models.save(Path(folder))
        env = {"GATESCOPE_MODELS": folder}
        made = {}
        if options.only != "results":
            print("keys to repaint, cursor steps, bytes", flush=True)
            reruns(browser, options.repeat, found, env)
            made["typing"] = report_typing(found)
        if options.only != "typing":
            print("clicks on the analysis pages", flush=True)
            clicks(browser, options.repeat, found, env)
            print("start of the server to first chart", flush=True)
            start(browser, options.repeat, found)
            print("memory", flush=True)
            memory(browser, found, env)
            made["results"] = report(found)
        named = browser.version
    for name, rows in made.items():
        text = table(rows, options.repeat, named, load)
        print(text)
        if not options.dry:
            REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), name, text), encoding="utf-8")


if __name__ == "__main__":
    main()
