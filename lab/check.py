"""Measure everything that is shipped again, and compare: the claims' figures and the models' headers. No training."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab import report
from lab.experiments import discover
from lab.experiments.base import Checked, Experiment
from lab.experiments.record import FOLDER, results
from lab.report import compared, guarded, limited, tell, tell_share, verdicts
from lab.shipped import checked, load, models_by_name, named
from lstm_core.say import say


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments or models (default: all that is shipped)")
    parser.add_argument(
        "--out", type=Path, default=FOLDER, help="folder that holds the figures (default: assets/experiments)"
    )
    report.options(parser)


def run(options: argparse.Namespace) -> int:
    return guarded(_lines if options.lines else _run, options)


def chosen(names: Sequence[str]) -> tuple[list[Experiment], list[str]]:
    """The experiments and the models of these names, all of them if there are none."""
    return named(names) if names else (list(discover().values()), list(models_by_name()))


def _run(options: argparse.Namespace) -> int:
    claims, models = chosen(options.names)
    time_left = limited(lambda share, what: None, options.seconds)
    fine = True
    for one in claims:
        time_left(0.0, one.name)
        print(f"{one.name}: {one.claim}", flush=True)
        found = results(one.name, options.out)
        if found is None:
            print("  nothing was measured yet")
            fine = False
            continue
        print(verdicts(one, found), flush=True)
        start = time.perf_counter()
        fine &= _told(one.check(found), start)
    for name in models:
        time_left(0.0, name)
        print(f"{name}: its header", flush=True)
        start = time.perf_counter()
        try:
            fine &= _told(checked(load(name)), start)
        except (ValueError, RuntimeError) as error:  # no recipe; texts that cannot be fetched
            print(f"  {name} was not checked: {error}", file=sys.stderr)
            fine = False
    return 0 if fine else 1


def _told(rows: Sequence[Checked], start: float) -> bool:
    """Print the comparison; whether all is as it was."""
    print(*filter(None, [compared(rows), f"  {time.perf_counter() - start:.1f} s"]), sep="\n", flush=True)
    return all(row.ok for row in rows)


def _lines(options: argparse.Namespace) -> int:
    """The same for a program that watches, of the figures in assets/experiments, whatever ``--out``."""
    claims, models = chosen(options.names)
    for one in claims:
        found = results(one.name)
        for row in one.check(found) if found else ():
            tell(figure=row.figure, was=row.was, now=row.now, ok=row.ok)
    for name in models:
        for row in checked(load(name)):
            tell(figure=f"{name}: {row.figure}", was=row.was, now=row.now, ok=row.ok)
    tell_share(1.0, say("done"))
    return 0
