"""`python -m lstm_core.experiments [NAME ...] [--check]`: measure the essays' claims, or check the shipped files."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from lstm_core.experiments import discover, experiment
from lstm_core.experiments.base import Cancelled, Experiment, Progress, Results
from lstm_core.experiments.record import FOLDER, measured, results, write
from lstm_core.say import Said, say


def verdicts(one: Experiment, found: Results) -> str:
    """Target beside measured, one line each."""
    lines = []
    for target in one.targets:
        figure = found.figures.get(target.figure)
        value = figure.value(target.over) if figure else None
        sign = "at least" if target.at_least else "at most"
        said = "not measured" if value is None else f"{value:.4g}"
        around = f" ({figure.spread[0]:.4g} to {figure.spread[1]:.4g})" if figure and figure.spread else ""
        verdict = "met" if target.met(value) else "missed"
        lines.append(f"  {verdict:7} {target.says}: {said}{around}, target {sign} {target.bound:g}")
    return "\n".join(lines)


def check(one: Experiment, found: Results) -> tuple[bool, str]:
    """Whether the shipped files still say what the JSON says, and the comparison in lines."""
    start = time.perf_counter()
    rows = one.check(found)
    lines = [
        f"  {'ok' if row.ok else 'DIFFERS':7} {row.figure}: {row.now:.4g} now, "
        f"{'nothing' if row.was is None else f'{row.was:.4g}'} in the file"
        for row in rows
    ]
    return all(row.ok for row in rows), "\n".join([*lines, f"  {time.perf_counter() - start:.1f} s"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lstm_core.experiments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones (default: all)")
    parser.add_argument("--check", action="store_true", help="measure the shipped files again and compare; no training")
    parser.add_argument("--lines", action="store_true", help="progress and figures as JSON, an object a line")
    parser.add_argument("--seconds", type=float, help="give up after so many seconds")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the figures (default: assets/experiments)")
    options = parser.parse_args(arguments)
    try:
        chosen = [experiment(name) for name in options.names] or list(discover().values())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return (_lines if options.lines else _run)(chosen, options)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print(say("this is measured with PyTorch, which is not installed: pip install torch"), file=sys.stderr)
        return 4
    except Cancelled as error:
        print(f"ended: {error}", file=sys.stderr)
        return 3


def _run(chosen: list[Experiment], options: argparse.Namespace) -> int:
    fine = True
    for one in chosen:
        print(f"{one.name}: {one.claim}", flush=True)
        found = results(one.name, options.out) if options.check else _watched(one, options.seconds)
        if found is None:
            print("  nothing was measured yet")
            fine = False
            continue
        print(verdicts(one, found), flush=True)
        if options.check:
            ok, said = check(one, found)
            fine &= ok
            print(said, flush=True)
        else:
            print(f"  {write(one, found, options.out)}", flush=True)
    return 0 if fine else 1


def _watched(one: Experiment, seconds: float | None) -> Results:
    from tqdm import tqdm

    with tqdm(total=1000, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}", mininterval=1) as bar:

        def progress(share: float, what: str) -> None:
            bar.set_postfix_str(what, refresh=False)
            bar.update(round(1000 * share) - bar.n)

        return measured(one, _limited(progress, seconds))


def _limited(progress: Progress, seconds: float | None) -> Progress:
    """``progress`` that raises ``Cancelled`` once so much time has gone by."""
    end = float("inf") if seconds is None else time.monotonic() + seconds

    def limited(share: float, what: str) -> None:
        if time.monotonic() > end:
            raise Cancelled(f"it took longer than {seconds:.0f} seconds")
        progress(share, what)

    return limited


def parts(said: Any) -> Any:
    """What was said with ``say`` as JSON: its template and its values, of which each may be such a one."""
    if not isinstance(said, Said):
        return said
    return {"template": said.template, "values": {name: parts(value) for name, value in said.values.items()}}


def _lines(chosen: list[Experiment], options: argparse.Namespace) -> int:
    """The same for a program that watches: figures of ``--check`` come from assets/experiments, whatever ``--out``."""

    def tell(**values: Any) -> None:
        print(json.dumps(values, ensure_ascii=False), flush=True)

    for one in chosen:
        if options.check:
            found = results(one.name)
            for row in one.check(found) if found else ():
                tell(figure=row.figure, was=row.was, now=row.now, ok=row.ok)
        else:
            progress = _limited(lambda share, what: tell(share=share, what=parts(what)), options.seconds)
            write(one, measured(one, progress), options.out)
    tell(share=1.0, what=parts(say("done")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
