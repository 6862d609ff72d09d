"""``python -m benchmarks.load COMMAND``: start a server, measure it, print the table and write it into load.md."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from benchmarks import tables
from benchmarks.browser import serve
from benchmarks.load.crowd import crowd, crowd_report
from benchmarks.load.measured import machine
from benchmarks.load.soak import EVERY, soak, soak_report

REPORT = Path(__file__).parent.with_name("load.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--soak", type=int, metavar="RERUNS", help="the soak, of so many reruns, instead of the crowd")
    parser.add_argument("--dry", action="store_true", help="print the table, leave load.md alone")
    options = parser.parse_args()
    if options.soak and options.soak < 4 * EVERY:
        parser.error(f"a soak takes {4 * EVERY:,} reruns at least")
    load = os.getloadavg()[0]
    with serve() as server:
        if options.soak:
            block, found = "soak", asyncio.run(soak(server, options.soak))
            rows = soak_report(found)
        else:
            block, found = "crowd", asyncio.run(crowd(server, options.viewers, options.seconds))
            rows = crowd_report(found, options.viewers)
        if "Traceback" in server.output():
            found.errors["a traceback in the server's log"] += 1
            print(server.output())
    lines = [tables.markdown(("", "goal", "measured", ""), rows), ""]
    if options.soak:
        samples = ", ".join(f"{mb:.0f}" for _, mb in found.memory)
        lines += [f"Memory in MB every {EVERY} reruns: {samples}.", ""]
    lines += [f"- {count} x {error}" for error, count in found.errors.most_common(10)]
    text = "\n".join([*lines, machine(load)])
    print(text)
    if not options.dry:
        REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), block, text), encoding="utf-8")


if __name__ == "__main__":
    main()
