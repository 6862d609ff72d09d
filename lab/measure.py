"""Measure the essays' claims, and write the figures; or the named shipped models again, into their headers."""

from __future__ import annotations

import argparse
from pathlib import Path

from lab import report
from lab.experiments import discover
from lab.experiments.base import Experiment, Results
from lab.experiments.record import FOLDER, measured, write
from lab.report import compared, guarded, limited, tell_share, verdicts
from lab.shipped import checked, load, models_by_name, named, remeasured
from lstm_core.say import say

BAR = "{l_bar}{bar}| {elapsed}, ends at {eta:%H:%M} {postfix}"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments or models (default: all experiments)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the figures (default: assets/experiments)")
    report.options(parser)


def run(options: argparse.Namespace) -> int:
    return guarded(_run, options)


def _run(options: argparse.Namespace) -> int:
    claims, models = named(options.names) if options.names else (list(discover().values()), [])
    for one in claims:
        if options.lines:
            write(one, measured(one, limited(tell_share, options.seconds)), options.out)
            continue
        print(f"{one.name}: {one.claim}", flush=True)
        found = watched(one, options.seconds)
        print(f"{verdicts(one, found)}\n  {write(one, found, options.out)}", flush=True)
    for name in models:
        print(f"{name}:\n{remeasure(name)}\n  {models_by_name()[name]}", flush=True)
    if options.lines:
        tell_share(1.0, say("done"))
    return 0


def remeasure(name: str) -> str:
    """Write a shipped model's header anew; what changed in it."""
    from lab.recipes import recipe

    model = load(name)
    rows = checked(model)
    remeasured(model).save(models_by_name()[name], recipe(name).weights)
    return compared(rows)


def watched(one: Experiment, seconds: float | None) -> Results:
    """Measure under a bar that says when it ends."""
    from tqdm import tqdm

    with tqdm(total=1000, bar_format=BAR, mininterval=1) as bar:

        def progress(share: float, what: str) -> None:
            bar.set_postfix_str(what, refresh=False)
            bar.update(round(1000 * share) - bar.n)

        return measured(one, limited(progress, seconds))
