"""``python -m benchmarks.load COMMAND ...``: measure a server under load, print the tables and write them into load.md.

together     25, 50, 100 and 150 first visits at one moment
lecture      forty open the link together, follow a tour, type together
room, hall   50 and 150 people who type another sentence every 5 s
typing       50 whose browsers read what they type every second, beside the room
misbehaving  half frames, half requests, sessions that never read, slow readers beside a neighbour who types
soak         sessions that come and go until many reruns were made
all          everything but the soak
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import tables
from benchmarks.browser import Server, serve
from benchmarks.load import crowd, files, lecture, misbehaving, soak, together
from benchmarks.load.measured import Row, machine

REPORT = Path(__file__).parent.with_name("load.md")
WHOLE = 50
"""First visits at one moment that load all of a browser's files, too."""

Errors = Counter[str]
Measured = tuple[list[Row], Errors, list[str]]
"""Rows of the table, what went wrong, and lines below it."""


def log(server: Server, errors: Errors) -> None:
    """Count what the server's log says is wrong."""
    if "Traceback" in server.output():
        errors["a traceback in the server's log"] += 1
        print(server.output())


def measure_together(options: argparse.Namespace) -> Measured:
    found, errors = {}, Counter()
    try:
        with serve() as server:
            paths = files.of_a_first_visit(server.url)
    except RuntimeError as error:
        print(f"without the browser's files: {error}")
        paths = []
    for count, whole in [*((count, False) for count in together.COUNTS), *[(WHOLE, True)] * bool(paths)]:
        with serve() as server:  # a new one for each: the first visits of all
            found[count, whole] = one = asyncio.run(together.together(server, count, paths if whole else ()))
            errors += one.errors
            log(server, errors)
    return together.report(found), errors, []


def measure_lecture(options: argparse.Namespace) -> Measured:
    with serve() as server:
        found = asyncio.run(lecture.lecture(server))
        errors = sum((one.errors for one in found.values()), Counter())
        log(server, errors)
    return lecture.report(found), errors, []


def measure_crowd(viewers: int) -> Callable[[argparse.Namespace], Measured]:
    def measure(options: argparse.Namespace) -> Measured:
        count = options.viewers or viewers
        with serve() as server:
            found = asyncio.run(crowd.crowd(server, count, options.seconds))
            log(server, found.errors)
        return crowd.report(found, count), found.errors, []

    return measure


def measure_typing(options: argparse.Namespace) -> Measured:
    count = options.viewers or crowd.ROOM
    found = []
    for measured in (crowd.crowd, crowd.typing):
        with serve() as server:
            found.append(asyncio.run(measured(server, count, options.seconds)))
            log(server, found[-1].errors)
    beside, typed = found
    return crowd.report_typing(typed, beside, count), typed.errors + beside.errors, []


def measure_misbehaving(options: argparse.Namespace) -> Measured:
    with serve() as server:
        found = asyncio.run(misbehaving.misbehaving(server))
        errors = sum((one.errors for one, _ in found.values()), Counter())
        log(server, errors)
    return misbehaving.report(found), errors, []


def measure_soak(options: argparse.Namespace) -> Measured:
    with serve() as server:
        found = asyncio.run(soak.soak(server, options.reruns))
        log(server, found.errors)
    samples = ", ".join(f"{mb:.0f}" for _, mb in found.memory)
    return soak.report(found), found.errors, [f"Memory in MB every {soak.EVERY} reruns: {samples}.", ""]


COMMANDS: dict[str, Callable[[argparse.Namespace], Measured]] = {
    "together": measure_together,
    "lecture": measure_lecture,
    "room": measure_crowd(crowd.ROOM),
    "hall": measure_crowd(crowd.HALL),
    "typing": measure_typing,
    "misbehaving": measure_misbehaving,
    "soak": measure_soak,
}
"""By the name of their blocks in load.md."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commands", nargs="+", choices=[*COMMANDS, "all"], metavar="COMMAND")
    parser.add_argument("--viewers", type=int, help="of room and hall")
    parser.add_argument("--seconds", type=float, default=60, help="of room and hall")
    parser.add_argument("--reruns", type=int, default=10_000, help="of the soak")
    parser.add_argument("--dry", action="store_true", help="print the tables, leave load.md alone")
    options = parser.parse_args(arguments)
    if options.reruns < 4 * soak.EVERY:
        parser.error(f"a soak takes {4 * soak.EVERY:,} reruns at least")
    wanted = [name for name in COMMANDS if name in options.commands or "all" in options.commands and name != "soak"]
    for name in wanted:
        load = os.getloadavg()[0]
        rows, errors, below = COMMANDS[name](options)
        lines = [tables.markdown(("", "goal", "measured", ""), rows), "", *below]
        lines += [f"- {count} x {error}" for error, count in errors.most_common(10)]
        text = "\n".join([*lines, machine(load)])
        print(f"{name}\n\n{text}\n", flush=True)
        if not options.dry:
            REPORT.write_text(tables.fill(REPORT.read_text(encoding="utf-8"), name, text), encoding="utf-8")


if __name__ == "__main__":
    main()
