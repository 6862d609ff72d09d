"""What `measure` and `check` have in common: how they tell what they find, to people and to programs."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from lab.experiments.base import Cancelled, Checked, Experiment, Progress, Results
from lstm_core.files.limits import reason
from lstm_core.files.sandbox import as_json
from lstm_core.say import say


def verdicts(one: Experiment, found: Results) -> str:
    """Target beside measured, one line each."""
    lines = []
    for target in one.targets:
        figure, value = target.of(found.figures), target.value(found.figures)
        sign = "at least" if target.at_least else "at most"
        said = "not measured" if value is None else f"{value:.4g}"
        around = f" ({figure.spread[0]:.4g} to {figure.spread[1]:.4g})" if figure and figure.spread else ""
        verdict = "met" if target.met(value) else "missed"
        lines.append(f"  {verdict:7} {target.says}: {said}{around}, target {sign} {target.bound:g}")
    return "\n".join(lines)


def compared(rows: Sequence[Checked]) -> str:
    """What is measured now beside what the file says, one line each."""
    return "\n".join(
        f"  {'ok' if row.ok else 'DIFFERS':7} {row.figure}: {row.now:.4g} now, "
        f"{'nothing' if row.was is None else f'{row.was:.4g}'} in the file"
        for row in rows
    )


def limited(progress: Progress, seconds: float | None) -> Progress:
    """``progress`` that raises ``Cancelled`` once so much time has gone by."""
    end = float("inf") if seconds is None else time.monotonic() + seconds

    def limited(share: float, what: str) -> None:
        if time.monotonic() > end:
            raise Cancelled(say("it took longer than {seconds:.0f} seconds", seconds=seconds))
        progress(share, what)

    return limited


def tell(**values: Any) -> None:
    """A line for a program that watches."""
    print(json.dumps(values, ensure_ascii=False), flush=True)


def tell_share(share: float, what: str) -> None:
    """How far the work is, as such a line."""
    tell(share=share, what=as_json(what))


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", action="store_true", help="progress and figures as JSON, an object a line")
    parser.add_argument("--seconds", type=float, help="give up after so many seconds")


def guarded(work: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """The exit code of ``work``: 2 for a name that there is not, 3 out of time, 4 where PyTorch is missing."""
    try:
        return work(options)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        said = say("this is measured with PyTorch, which is not installed: pip install torch")
        return _failed(said, 4, options)
    except Cancelled as error:
        return _failed(reason(error), 3, options)
    except ValueError as error:
        return _failed(reason(error), 2, options)


def _failed(why: str, code: int, options: argparse.Namespace) -> int:
    """``code``, once it is said why, to whoever reads along: people, or a program that watches."""
    if getattr(options, "lines", False):
        tell(problem=as_json(why))
    print(f"ended: {why}" if code == 3 else why, file=sys.stderr)
    return code
