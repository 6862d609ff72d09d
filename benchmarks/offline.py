"""The saved page that lives, opened from the disk: its size, the time to its first figure, and from a key to the paint.

``python -m benchmarks.offline`` measures and writes its section of benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Browser

from benchmarks import tables
from benchmarks.__main__ import processor
from benchmarks.browser import chromium
from benchmarks.clock import key_to_paint
from dashboard.export import live
from dashboard.site.pairs import Pair, parts

REPORT = Path(__file__).with_name("README.md")
PAIRS = {
    "pronouns": (Pair("pronouns-lstm", "pronouns-gru"), 2_000_000),
    "general": (Pair("general-lstm", "general-gru"), 8_000_000),
}
"""Each pair, and the bytes that its file may have."""
OPEN, KEY = 1000, 50
"""Milliseconds: to the first figure, and from a key to its paint."""
SENTENCE = "Mary went to the market because she was hungry and then John met Anna in the park because h"
"""19 words; the letters that are typed make the twentieth."""
# The paint that follows the first figure; times count from the beginning of the navigation.
FIRST = """
window.first = new Promise(done => document.addEventListener("gs:repaint", () => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => done(performance.now())
  port2.postMessage(0)
}), { capture: true, once: true }))
"""
SHOWN = "document.querySelector('[data-testid=gs-plot]').dataset.text === wanted"
WHOLE = f"{SHOWN} && document.querySelector('[data-testid=gs-plot]').dataset.whole === '1'"
"""And the next words are written out, which comes after the paint."""


def measure(browser: Browser, path: Path, repeat: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds to the first figure, each in a browser context of its own; of as many keys to their paint, and of as
    many others to the paint of next words that are written out."""
    opened, typed, whole = [], [], []
    for _ in range(repeat):
        context = browser.new_context(viewport={"width": 1366, "height": 768}, offline=True)
        page = context.new_page()
        page.add_init_script(FIRST)
        page.goto(path.as_uri())
        opened.append(page.evaluate("() => window.first"))
        if len(opened) == repeat:
            box = page.get_by_test_id("gs-sentence")
            for times, seen in ((typed, SHOWN), (whole, WHOLE)):
                text = SENTENCE
                box.fill(text)
                page.wait_for_function(f"wanted => {WHOLE}", arg=text)
                box.press("End")
                for k in range(repeat):
                    text += "er"[k % 2]
                    times.append(key_to_paint(page, text[-1], seen, text))
                    page.wait_for_timeout(100)
        context.close()
    return opened, typed, whole


def cell(values: Sequence[float]) -> str:
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.0f} ({low:.0f} to {high:.0f}) ms"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__)
    parser.add_argument("--repeat", type=int, default=15, help="samples of each time")
    parser.add_argument("--dry", action="store_true", help="print the table, leave benchmarks/README.md alone")
    options = parser.parse_args()
    load, rows = os.getloadavg()[0], []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, (pair, most) in PAIRS.items():
            path = Path(folder) / f"{name}.html"
            path.write_bytes(live.whole(parts(pair)))
            size = path.stat().st_size
            opened, typed, whole = measure(browser, path, options.repeat)
            for what, goal, shown, met in (
                ("size", f"at most {most / 1e6:.0f} MB", f"{size / 1e6:.2f} MB", size <= most),
                ("opening to the first figure", f"at most {OPEN} ms", cell(opened), median(opened) <= OPEN),
                ("a key to the paint, 20 tokens", f"at most {KEY} ms", cell(typed), median(typed) <= KEY),
                ("a key until next words are written out", "", cell(whole), None),
            ):
                rows.append((f"{name}: {what}", goal, shown, "" if met is None else "met" if met else "missed"))
        version = browser.version
    said = (
        f"{datetime.date.today()}, {options.repeat} samples of each time, load average {load:.1f} when it began. "
        f"{processor()}, {os.cpu_count()} cores; Chromium {version}."
    )
    table = "\n".join((tables.markdown(("", "goal", "measured", ""), rows), "", said))
    print(table)
    if not options.dry:
        REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), "offline", table), encoding="utf-8")


if __name__ == "__main__":
    main()
